"""Where in a passage stands what an answer says of it: the sentence that it quotes, or the one that most of a claim's words come from.

Belongs here: finding these places. Not here: which passage is cited (``citations.py``), whether it holds what is claimed
(``verification.py``), how the places are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from sentencex import segment

from rag_pipeline.answering.sentences.sentence import BETWEEN_LINES
from rag_pipeline.answering.tuning import TUNING, Quotation
from rag_pipeline.models import Hit, Place, is_row
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import code_of, language_of

_BETWEEN_WORDS = re.compile(rf"\s+(?:(?:>\s?)+|(?:{re.escape(BETWEEN_LINES.strip())}\s+)+)?")
"""Between lines may stand what is shown for their end, or the signs of quoted mail."""
_ENDS = (".", "!", "?", ":", ";")


def quoted_places(hit: Hit, claims: Sequence[str], tuning: Quotation = TUNING.quotation) -> tuple[Place, ...]:
    """The places in the passage's text of what is claimed to stand there, in order, none within another; of a claim that shares too few
    words with any of its sentences there is none.

    Args:
        hit: the passage.
        claims: quoted sentences and rows, or what a language model wrote.
        tuning: when words are enough.
    """
    language = code_of(language_of(hit.text))
    text = _OneBlank(hit.text)
    verbatim = {claim: text.place_of(claim) for claim in dict.fromkeys(claims)}
    rewritten = [part for claim, place in verbatim.items() if place is None for part in segment(language, claim)]
    found = {place for place in verbatim.values() if place}
    if rewritten:
        units = [(place, word_ids(hit.text[place.start : place.end])) for place in _units(hit.text, language)]
        found |= {place for part in rewritten if (place := _nearest(word_ids(part), units, tuning))}
    return tuple(_apart(sorted(found, key=lambda place: (place.start, -place.end))))


class _OneBlank:
    """A text with one blank for whatever stands between two words, and where each of its characters stood.

    Claims are brought into the same form and looked for as they are: a pattern for each of them took longer to compile than all else here.
    """

    def __init__(self, text: str) -> None:
        self._places: list[int] = []
        after = 0
        for between in _BETWEEN_WORDS.finditer(text):
            self._places += range(after, between.start() + 1)
            after = between.end()
        self._places += range(after, len(text))
        self._text = _BETWEEN_WORDS.sub(" ", text)

    def place_of(self, claim: str) -> Place | None:
        """Where the claim's words first stand whole; a quotation may have been shortened at its end."""
        claim = _BETWEEN_WORDS.sub(" ", f" {claim.removesuffix('…')} ").strip()
        start = self._text.find(claim) if claim else -1
        while start >= 0:
            end = start + len(claim)
            if not _is_of_a_word(self._text[start - 1 : start]) and not _is_of_a_word(self._text[end : end + 1]):
                return Place(self._places[start], self._places[end - 1] + 1)
            start = self._text.find(claim, start + 1)
        return None


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _nearest(claimed: AbstractSet[int], units: Sequence[tuple[Place, AbstractSet[int]]], tuning: Quotation) -> Place | None:
    """The sentence or row with most of the claim's words, where they are enough of the shorter of both."""
    place, words = max(units, key=lambda unit: len(claimed & unit[1]), default=(None, frozenset()))
    shorter = min(len(claimed), len(words))
    return place if shorter and len(claimed & words) >= tuning.shared_words * shorter else None


def _units(text: str, language: str) -> Iterator[Place]:
    """Rows of tables and sentences."""
    for start, end in _blocks(text):
        block = text[start:end]
        for part in [block] if is_row(block) else segment(language, block.replace("\n", " ")):
            bare = part.strip()
            if bare:
                first = start + part.index(bare)
                yield Place(first, first + len(bare))
            start += len(part)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Lines; one that goes on in small letters on the next one is put together with it."""
    start = position = 0
    for line, following in pairwise([*text.splitlines(keepends=True), ""]):
        position += len(line)
        goes_on = following[:1].islower() and not is_row(line) and not is_row(following) and not line.rstrip().endswith(_ENDS)
        if not goes_on:
            yield start, position
            start = position


def _apart(places: Sequence[Place]) -> Iterator[Place]:
    end = 0
    for place in places:
        if place.end > end:
            yield Place(max(place.start, end), place.end)
            end = place.end

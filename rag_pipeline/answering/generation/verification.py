"""Whether the cited passages say what an answer says: its numbers and dates, and, where a model wrote it, its sentences.

Belongs here: which text is held against which passages, and the verdicts. Not here: formats of numbers
(``rag_pipeline/quantities``), how verdicts are shown. No second model reads anything. Measured: docs/decisions/refusal.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property

from rag_pipeline.answering.tuning import TUNING, Verification
from rag_pipeline.models import Citation, Computed, Hit, Mark, Unverified
from rag_pipeline.quantities.arithmetic import operation
from rag_pipeline.quantities.numbers import (
    Date,
    Number,
    dates_in,
    is_other_unit,
    numbers_in,
    same_date,
    same_value,
    stated_scales,
    years_in,
)
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import language_of

_LIST_NUMBER = re.compile(r"^[ \t#>*-]*\d{1,3}[.)](?=\s)", re.MULTILINE)
_YES_AND_NO = "yes no ja nein oui non si sí sì da nee não"
"""What answers a question and stands in no passage."""
_SENTENCE = re.compile(r"(?:[^.!?…。！？\n]|[.!?…](?!\s+[^\sa-z\d]|\s*\Z|\s*\n))+[.!?…。！？]*")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What does not hold of an answer, and what was calculated. ``sentences`` were judged, ``numbers`` (dates too) were looked up.

    ``standing``: sentences that were judged, or have numbers, and of which all is in what they cite; ``doubtful``: the other ones.
    """

    unverified: tuple[Unverified, ...] = ()
    computed: tuple[Computed, ...] = ()
    sentences: int = 0
    numbers: int = 0
    standing: int = 0
    doubtful: int = 0

    @property
    def holds_nothing(self) -> bool:
        """Whether there were sentences to look up, and none of them stands in what it cites."""
        return self.doubtful > 0 and not self.standing


@dataclass(frozen=True, slots=True)
class Claim:
    """``answer[start:end]`` and the numbers of the passages that are cited for it."""

    start: int
    end: int
    cites: frozenset[int]


class _Passage:
    """A passage as a model is shown it: its text, the headings and columns above it, its document's name."""

    def __init__(self, hit: Hit) -> None:
        self.text = "\n".join((hit.document, *hit.heading_path, hit.context, hit.text))

    @cached_property
    def numbers(self) -> list[Number]:
        return numbers_in(self.text)

    @cached_property
    def dates(self) -> list[Date]:
        return dates_in(self.text)

    @cached_property
    def scales(self) -> frozenset[int]:
        return stated_scales(self.text)

    @cached_property
    def years(self) -> frozenset[int]:
        return years_in(self.numbers)

    @cached_property
    def words(self) -> AbstractSet[int]:
        return word_ids(self.text)


def verified(
    answer: str,
    marks: Sequence[Mark],
    citations: Sequence[Citation],
    tuning: Verification = TUNING.verification,
    *,
    sentences: bool = False,
    question: str = "",
) -> Verdicts:
    """The verdicts on a finished answer.

    Each part of it is held against the passages of the marks behind it; what stands behind the last mark, against all that are cited.

    Args:
        answer: its text.
        marks: the places of its citations.
        citations: what they point at.
        tuning: when a sentence is supported.
        sentences: whether sentences are judged too; those that were quoted need not be.
        question: what was asked. Its words say nothing for a sentence that repeats them: the passages were found by them.
    """
    known = word_ids(question) | _yes_and_no() if sentences else set[int]()
    passages = {citation.number: _Passage(citation.hit) for citation in citations}
    sentences = sentences and _is_in_language_of(answer, passages.values(), tuning)
    found = [
        _of_sentence(
            answer, place, {number: passages[number] for number in claim.cites if number in passages}, tuning, known if sentences else None
        )
        for claim in claims(answer, marks, frozenset(passages))
        for place in _sentences(answer, claim)
    ]
    return Verdicts(
        tuple(sorted((one for part in found for one in part.unverified), key=_place)),
        tuple(sorted((one for part in found for one in part.computed), key=_place)),
        *(sum(getattr(part, name) for part in found) for name in ("sentences", "numbers", "standing", "doubtful")),
    )


def _of_sentence(
    answer: str, place: tuple[int, int], cited: Mapping[int, _Passage], tuning: Verification, known: AbstractSet[int] | None
) -> Verdicts:
    """The verdicts on ``answer[start:end]``, which these are cited for. ``known``: words that say nothing new; None: it is quoted."""
    found = _Facts(answer, *place)
    doubts = list(found.not_in(cited))
    computed = tuple(one for one in (found.computed(doubt, cited) for doubt in doubts) if one)
    unverified = [doubt for doubt in doubts if all(doubt.start != one.start for one in computed)]
    words = word_ids(answer[slice(*place)]) if known is not None else set()
    is_judged, numbers = len(words) >= tuning.fewest_words, len(found.numbers) + len(found.dates)
    if is_judged and not _supported(words, words - (known or set()), cited, tuning):
        unverified.append(Unverified(*place, "sentence", _not_said(cited)))
    stands = not unverified and (is_judged or numbers > 0)
    return Verdicts(tuple(unverified), computed, int(is_judged), numbers, int(stands), int(bool(unverified)))


def _is_in_language_of(answer: str, passages: Iterable[_Passage], tuning: Verification) -> bool:
    """Whether the answer may share words with the passages; one in another language than all of them says the same in other ones."""
    theirs = {language_of(passage.text, tuning.function_words) for passage in passages}
    own = language_of(answer, tuning.function_words)
    return own is None or not theirs or None in theirs or own in theirs


def _place(one: Unverified | Computed) -> tuple[int, int]:
    return one.start, -one.end


def claims(answer: str, marks: Sequence[Mark], everything: frozenset[int]) -> Iterator[Claim]:
    """The text before each group of marks with what the group cites, and the text behind the last one, with ``everything``."""
    start = at = 0
    end = 0
    group: set[int] = set()
    for mark in marks:
        if group and answer[at : mark.start].strip(" .,;:\t"):
            yield Claim(start, end, frozenset(group))
            start, group = at, set()
        if not group:
            end = mark.start
        group.add(mark.number)
        at = mark.end
    if group:
        yield Claim(start, end, frozenset(group))
    yield Claim(at, len(answer), everything)


def _sentences(answer: str, claim: Claim) -> Iterator[tuple[int, int]]:
    for found in _SENTENCE.finditer(answer, claim.start, claim.end):
        text = found[0]
        if any(map(str.isalnum, text)):
            yield found.start() + len(text) - len(text.lstrip()), found.start() + len(text.rstrip())


def _supported(words: AbstractSet[int], added: AbstractSet[int], cited: Mapping[int, _Passage], tuning: Verification) -> bool:
    """Whether the passages have enough of a sentence's words, and of those that it adds to what was asked."""
    held = set().union(*(passage.words for passage in cited.values()))
    return all(len(some & held) >= tuning.supporting_share * len(some) for some in (words, added))


@cache
def _yes_and_no() -> frozenset[int]:
    return frozenset(word_ids(_YES_AND_NO))


def _named(cited: Mapping[int, _Passage]) -> str:
    return "".join(f"[{number}]" for number in sorted(cited))


def _not_said(cited: Mapping[int, _Passage]) -> str:
    return f"{_named(cited)} does not say this." if cited else "No passage is cited for this."


class _Facts:
    """The numbers and dates of a sentence, with their places in the answer."""

    def __init__(self, answer: str, start: int, end: int) -> None:
        self._text, self._start = answer[start:end], start
        self.dates = dates_in(self._text)
        listed = [found.span() for found in _LIST_NUMBER.finditer(answer)]
        taken = [(date.start, date.end) for date in self.dates] + [(first - start, last - start) for first, last in listed]
        self.numbers = [one for one in numbers_in(self._text) if not any(first <= one.start < last for first, last in taken)]

    def not_in(self, cited: Mapping[int, _Passage]) -> Iterator[Unverified]:
        """What none of the passages holds."""
        for date in self.dates:
            if not any(same_date(date, held, one.years) for one in cited.values() for held in one.dates):
                yield self._unverified(date, _no_such("date", cited))
        for number in self.numbers:
            equal = [held for one in cited.values() for held in one.numbers if same_value(number, held, one.scales)]
            if not equal:
                yield self._unverified(number, _no_such("number", cited))
            elif all(is_other_unit(number, held) for held in equal):
                yield self._unverified(number, f"{_named(cited)} has this number with another unit.")

    def computed(self, doubt: Unverified, cited: Mapping[int, _Passage]) -> Computed | None:
        """The number as the sum, difference, percent change or share of two that the sentence names and the passages hold."""
        number = next((one for one in self.numbers if one.start + self._start == doubt.start), None)
        if number is None:
            return None
        terms = [
            (one, held, source)
            for one in self.numbers
            if one is not number
            for source, passage in cited.items()
            for held in [next((held for held in passage.numbers if same_value(one, held, passage.scales)), None)]
            if held
        ]
        for one, held_one, of_one in terms:
            for other, held_other, of_other in terms:
                done = operation(number, held_one, held_other, cited[of_one].scales) if one is not other else None
                if done:
                    citations = tuple(sorted({of_one, of_other}))
                    return Computed(doubt.start, doubt.end, done, (self._written(one), self._written(other)), citations)
        return None

    def _written(self, number: Number) -> str:
        return self._text[number.start : number.end]

    def _unverified(self, place: Number | Date, reason: str) -> Unverified:
        return Unverified(self._start + place.start, self._start + place.end, "number", reason)


def _no_such(kind: str, cited: Mapping[int, _Passage]) -> str:
    return f"{_named(cited)} has no such {kind}." if cited else f"No passage is cited for this {kind}."

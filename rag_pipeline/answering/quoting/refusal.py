"""What a reader is told where nothing answers: what was not found, what is nearest, what to try.

Belongs here: these words, and which sentences are shown of the nearest passages. Not here: when to refuse (``nearness.py``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rag_pipeline.answering.generation.citations import cited_page
from rag_pipeline.answering.generation.quotation import quoted_places
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.models import Hit, Nearest
from rag_pipeline.stores.vectors.bm25 import asked_ids, word_ids

NOTHING_NEAR = "The documents do not seem to say anything about this."
NOT_FROM_DOCUMENTS = "What the language model wrote stands in none of the passages, so it is no answer."
WHICH_DOCUMENT = "Which document? Name it in your question, or choose it to be searched alone."
WHAT_TO_TRY = "Try words that the documents would use, ask for one thing at a time, or look at the nearest passages."

_WORD = re.compile(r"\w[\w'’-]*")


def nothing_near(question: str, hits: Sequence[Hit], most: int, lacking: str = "") -> str:
    """The reason of a refusal, in plain words, with at most so many words and places named.

    ``lacking``: the kind of thing that would answer, where the passages have to do with the question and hold none.
    """
    missing = list(dict.fromkeys(_words_not_in(question, hits)))[:most]
    named = list(dict.fromkeys(map(_place, hits)))[:most]
    no_word = f"None of the passages found has {' or '.join(f'“{word}”' for word in missing)}." if missing else ""
    first = f"The passages found give no {lacking} that answers this." if lacking else NOTHING_NEAR
    return " ".join(filter(None, (first, no_word, f"Nearest: {'; '.join(named)}." if named else "", WHAT_TO_TRY)))


def nearest_passages(ranked: Iterable[Sentence], hits: Sequence[Hit], most: int) -> tuple[Nearest, ...]:
    """The passages, that with the best sentence first, each with its ``most`` best sentences; then those of which none was compared.

    Args:
        ranked: sentences of the passages, best first.
        hits: the passages, the first one is number 1.
        most: sentences of each.
    """
    best: defaultdict[int, list[Sentence]] = defaultdict(list)
    for sentence in ranked:
        if len(best[sentence.passage]) < most:
            best[sentence.passage].append(sentence)
    others = (number for number in range(1, len(hits) + 1) if number not in best)
    return tuple(_nearest(hits[number - 1], best.get(number, ())) for number in (*best, *others))


def _nearest(hit: Hit, sentences: Sequence[Sentence]) -> Nearest:
    if not sentences:
        return Nearest(hit)
    said = [sentence.text for sentence in sentences]
    return Nearest(hit, tuple(map(_under_its_heading, sentences)), cited_page(hit, said), quoted_places(hit, said))


def _under_its_heading(sentence: Sentence) -> str:
    sign = ":" if sentence.heading[-1:].isalnum() else ""
    return f"{sentence.heading}{sign} {sentence.text}".strip()


def _words_not_in(question: str, hits: Sequence[Hit]) -> Iterator[str]:
    held = set().union(*(word_ids(" ".join((hit.document, *hit.heading_path, hit.context, hit.text))) for hit in hits))
    asked = asked_ids(question)
    for word in _WORD.findall(question):
        ids = word_ids(word) & asked
        if ids and not ids & held:
            yield word


def _place(hit: Hit) -> str:
    return f"{hit.document}, page {hit.page_first}" if hit.page_first else hit.document

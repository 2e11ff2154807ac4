"""Which of the ranked passages are shown together.

Belongs here: variety, what cannot answer, and the passage that goes on where the best one ends. Not here: scores of single passages
(``scoring.py``).
Measured: docs/decisions/fusion.md.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag_pipeline.answering.expected_kind import only_answer
from rag_pipeline.answering.tuning import TUNING, Selection
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.languages import language_of

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_TELLING_APART = "aet01"
"""Texts with other numbers of these are no copies, and need not be brought into one form for that: a tenth of the time."""


def without_copies(hits: Sequence[Hit]) -> list[Hit]:
    """What several documents say in the same words, under the same headings, is shown from the one that fits best.

    Case, punctuation and spaces may differ, and nothing else: in a new version of a contract one number is what matters.
    """
    texts = [f"{hit.context}\n{hit.text}".casefold() for hit in hits]
    letters = [tuple(map(text.count, _TELLING_APART)) for text in texts]
    alike = Counter(letters)
    groups: dict[object, list[Hit]] = defaultdict(list)
    for hit, text, counts in zip(hits, texts, letters, strict=True):
        groups[_BETWEEN_WORDS.sub(" ", text).strip() if alike[counts] > 1 else counts].append(hit)
    return [replace(best, copies=_places(best, others)) if others else best for best, *others in groups.values()]


def _places(best: Hit, others: Sequence[Hit]) -> tuple[str, ...]:
    places = dict.fromkeys((hit.collection, hit.document) for hit in others)
    return tuple("/".join(place) for place in places if place != (best.collection, best.document))


def that_can_answer(question: str) -> Callable[[Hit], bool]:
    """Whether a passage may hold what alone answers a question: a date, a number of what is counted; of other questions all may.

    Of a passage in another language than the question it is not known what it counts.
    """
    only, language = only_answer(question), language_of(question)
    return lambda hit: only is None or only.is_in(hit.text) or language_of(hit.text) not in (None, language)


def varied(
    hits: Sequence[Hit], top_k: int, tuning: Selection = TUNING.selection, can_answer: Callable[[Hit], bool] = lambda _: True
) -> tuple[Hit, ...]:
    """The best ``top_k`` hits, chosen one after the other, where one page or document would fill the list by small differences.

    Like maximal marginal relevance (Carbonell and Goldstein 1998), with places for similarity. What cannot answer counts less.
    """
    left = [hit if can_answer(hit) else replace(hit, score=hit.score * (1 - tuning.lacking)) for hit in hits]
    chosen: list[Hit] = []
    pages: Counter[tuple[str, str, int]] = Counter()
    documents: Counter[tuple[str, str]] = Counter()

    def worth(hit: Hit) -> float:
        on_page = min(pages[hit.collection, hit.document, hit.page_first], tuning.most_counted) if hit.page_first else 0
        in_document = min(documents[hit.collection, hit.document], tuning.most_counted)
        return hit.score * (1 - tuning.same_page * on_page) * (1 - tuning.same_document * in_document)

    while left and len(chosen) < top_k:
        best = left.pop(max(range(len(left)), key=lambda place: worth(left[place])))
        chosen.append(replace(best, score=worth(best), rank=len(chosen) + 1))
        pages[best.collection, best.document, best.page_first or 0] += 1
        documents[best.collection, best.document] += 1
    return tuple(chosen)


def with_continuation(hits: Sequence[Hit], following: Callable[[Hit], Hit | None], tuning: Selection = TUNING.selection) -> tuple[Hit, ...]:
    """The hits, with what follows the best of them in its document at ``continuation_place``, unless it comes sooner anyway.

    An answer often begins where its question is repeated, and goes on in the next passage without its words.
    """
    place = tuning.continuation_place - 1
    continuation = following(hits[0]) if len(hits) > place else None
    if continuation is None or any(hit.chunk_id == continuation.chunk_id for hit in hits[: place + 1]):
        return tuple(hits)
    others = [hit for hit in hits[place:] if hit.chunk_id != continuation.chunk_id]
    together = [*hits[:place], replace(continuation, score=others[0].score), *others][: len(hits)]
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(together, start=1))


def interleaved(lists: Sequence[Sequence[Hit]], top_k: int) -> tuple[Hit, ...]:
    """The best of each list in turn, the first list first: what each part of a question found has a place."""
    found: dict[str, Hit] = {}
    for place in range(max(map(len, lists), default=0)):
        for hits in lists:
            if place < len(hits):
                found.setdefault(hits[place].chunk_id, hits[place])
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(list(found.values())[:top_k], start=1))

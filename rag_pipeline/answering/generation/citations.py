"""The citations of a finished answer: which passages it names, and on which of a passage's pages stands what it says.

Belongs here: these two decisions. Not here: where the marks are (``marks.py``), which sentence of a passage it is (``quotation.py``), how a
citation is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from rag_pipeline.answering.generation.quotation import quoted_places
from rag_pipeline.models import Citation, Hit, Mark
from rag_pipeline.stores.vectors.bm25 import word_ids


def cited(answer: str, marks: Sequence[Mark], hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The citations of an answer, by number; a number beyond the hits cites nothing. A mark stands for the words before it."""
    claims: defaultdict[int, list[str]] = defaultdict(list)
    claim, end = "", 0
    for mark in marks:
        claim = answer[end : mark.start] or claim  # of several marks in a row, all stand for the same words
        claims[mark.number].append(claim)
        end = mark.end
    return citations_for(claims, hits)


def citations_for(claims: Mapping[int, Sequence[str]], hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The citations by number.

    Args:
        claims: for each number, what is said to stand there.
        hits: the numbered passages, the first one is number 1.
    """
    numbered = ((number, hits[number - 1]) for number in sorted(claims) if 1 <= number <= len(hits))
    return tuple(Citation(number, hit, cited_page(hit, said := claims[number]), quoted_places(hit, said)) for number, hit in numbered)


def cited_page(hit: Hit, claims: Sequence[str]) -> int | None:
    """The page to open, 1-based: of the pages that a passage stands on, the one with most of the words that are claimed to be there.

    The first one where the boxes do not tell the pages apart; None where the format has no pages.
    """
    if hit.page_first is None or hit.page_last in (None, hit.page_first):
        return hit.page_first
    claimed = word_ids(" ".join(claims))
    on_page: defaultdict[int, list[str]] = defaultdict(list)
    for box in hit.boxes:
        on_page[box.page].append(hit.text[box.start : box.end])
    shared = {page: len(claimed & word_ids(" ".join(texts))) for page, texts in on_page.items()}
    return max(sorted(shared), key=lambda page: shared[page], default=hit.page_first)

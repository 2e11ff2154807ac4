"""The citations of a finished answer: which passages it names, and on which of a passage's pages stands what it says.

Belongs here: these two decisions. Not here: what is taken out of the stream (``citations.py``), how a citation is shown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from rag_pipeline.models import Citation, Hit
from rag_pipeline.stores.vectors.bm25 import word_ids

_MARKS = re.compile(r"((?:\[\d+\])+)")
_NUMBER = re.compile(r"\d+")


def cited(answer: str, hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The citations of an answer, by number.

    Args:
        answer: what was written, marks as ``[n]``; every n names one of the hits.
        hits: the numbered passages, the first one is number 1.
    """
    claims: defaultdict[int, list[str]] = defaultdict(list)
    parts = _MARKS.split(answer)
    for text, marks in zip(parts[::2], parts[1::2], strict=False):
        for number in map(int, _NUMBER.findall(marks)):
            claims[number].append(text)
    return tuple(Citation(number, hits[number - 1], cited_page(hits[number - 1], claims[number])) for number in sorted(claims))


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

"""Tables that go on on the next page.

Belongs here: what a found table is, whether one is the rest of another. Not here: finding them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag_pipeline.ingestion.extract.pdf.layout import ALIGNED, Line
from rag_pipeline.models import Element

_PAGE_NUMBER = re.compile(r"\W*(?:\w+\W+)?\d{1,5}\W*(?:\w+\W+\d{1,5})?\W*")
"""``12``, ``- 12 -``, ``Page 12``, ``Seite 12 von 30``: of a document of few pages, or whose numbers do not count with its pages."""
_TOP, _BOTTOM = 0.08, 0.9
"""Where headers and footers of few pages stand, which nothing tells from other lines; beyond a grid that is cut by the page's end, they
are these."""
_SAME_RULE = 0.006


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table: the element, which lines of the page it is made of, and where its columns are; ``ruled`` where rules are between them."""

    element: Element
    lines: frozenset[int]
    columns: tuple[tuple[float, float], ...]
    ruled: bool = False


def goes_on_with(table: FoundTable, below: FoundTable, page: Sequence[Line]) -> bool:
    """Whether the first table of a page is the rest of one that fills the page before: the same columns, no names, and nothing above it.

    The first row of a ruled one looks like names where it is all text; the same rules at the same places tell more.
    """
    if not table.element.table_header or (below.element.table_header and not below.ruled) or beyond(below, page, below=False):
        return False
    return same_columns(table, below)


def same_columns(table: FoundTable, below: FoundTable) -> bool:
    """Whether each column of one is where one of the other is."""
    if len(table.columns) != len(below.columns) or table.ruled != below.ruled:
        return False
    pairs = zip(table.columns, below.columns, strict=True)
    if table.ruled:
        return all(abs(one[0] - other[0]) < _SAME_RULE and abs(one[1] - other[1]) < _SAME_RULE for one, other in pairs)
    return all(min(abs(one[0] - other[0]), abs(one[1] - other[1])) < ALIGNED for one, other in pairs)


def beyond(table: FoundTable, page: Sequence[Line], *, below: bool) -> bool:
    """Whether something but a page number stands below a table, or above it."""
    own = [page[index] for index in table.lines]
    top, bottom = min(line.top for line in own), max(line.bottom for line in own)
    others = [line for index, line in enumerate(page) if index not in table.lines and not _PAGE_NUMBER.fullmatch(line.text)]
    if table.ruled:
        others = [line for line in others if line.bottom >= _TOP and line.top <= _BOTTOM]
    return any(line.top > bottom if below else line.bottom < top for line in others)

"""Tables in plain text: lines that tabs part into the same number of cells, as programs copy them out of tables.

Belongs here: which lines of a paragraph are a table. Not here: files that are one table (``delimited``), how a table is
written (``tables``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

_FEWEST_ROWS = 3
"""Two lines are a label above another too often."""
_LONGEST_CELL = 200
"""Letters; what is longer is a paragraph behind its number."""
_MARK = re.compile(r"(?:[-*•–·‣]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxlcIVXLC]{1,6})(?:\.\d{1,3})*[.)]?)")
"""What stands before an item of a list."""
_TABS = re.compile(r"\t+")


def parts_of(paragraph: str) -> Iterator[str | list[list[str]]]:
    """Pieces of a paragraph, and between them tables: rows of cells.

    Lines are a table where three or more one below the other have as many cells as each other, whether each tab parts two cells or several
    tabs part them together. None may begin with a tab (an indented list does) or have only the mark of an item before one.
    """
    if "\t" not in paragraph:
        yield paragraph
        return
    waiting: list[str] = []
    for tabbed, run in groupby(paragraph.split("\n"), key=_is_tabbed):
        lines = list(run)
        rows = _rows(lines) if tabbed else None
        if rows is None:
            waiting += lines
            continue
        if text := "\n".join(waiting).strip():
            yield text
        waiting = []
        yield rows
    if text := "\n".join(waiting).strip():
        yield text


def _is_tabbed(line: str) -> bool:
    return not line.startswith("\t") and "\t" in line.rstrip()


def _rows(lines: list[str]) -> list[list[str]] | None:
    if len(lines) < _FEWEST_ROWS:
        return None
    rows = [line.split("\t") for line in lines]
    if len(set(map(len, rows))) > 1:
        rows = [_TABS.split(line.rstrip()) for line in lines]
    if len(set(map(len, rows))) > 1:
        return None
    rows = [[cell.strip() for cell in row] for row in rows]
    listed = len(rows[0]) == 2 and all(_MARK.fullmatch(row[0]) for row in rows)
    return None if listed or any(len(cell) > _LONGEST_CELL for row in rows for cell in row) else rows

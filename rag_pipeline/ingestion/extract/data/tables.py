"""Rows of cells as text.

Belongs here: how a table is written as an element. Not here: finding tables in a format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_INSIDE_WORDS = frozenset(("a", "abbr", "b", "bdi", "bdo", "big", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small",
                           "span", "strong", "tt", "u", "wbr"))  # fmt: skip
_NUMBER = re.compile(r"[\s\d.,:%/()$€£+-]*\d[\s\d.,:%/()$€£+-]*")


def row_text(cells: Sequence[str]) -> str:
    """A row as one line: cells joined by ``" | "``, empty ones kept in between and dropped at the end; ``""`` for an empty row."""
    tidy = [" ".join(cell.split()) for cell in cells]
    while tidy and not tidy[-1]:
        tidy.pop()
    return " | ".join(tidy)


def is_header_row(first: Sequence[str], second: Sequence[str] | None) -> bool:
    """Whether a first row names the columns: several cells or one above others, all filled, none a number, no two alike."""
    names = [cell.strip() for cell in first]
    if second is None or not names:
        return False
    return all(names) and len(set(names)) == len(names) and not any(_NUMBER.fullmatch(name) for name in names)


def table_element(
    rows: Sequence[Sequence[str]], page: int | None = None, heading_path: tuple[str, ...] = (), header_known: bool = False
) -> Element | None:
    """A table as an element; None when it is empty.

    Args:
        rows: its cells, row by row.
        page: the element's page.
        heading_path: the headings above it.
        header_known: the format itself marks the first row as header.
    """
    filled = [(row, row_text(row)) for row in rows]
    filled = [(row, text) for row, text in filled if text]
    if not filled:
        return None
    second = filled[1][0] if len(filled) > 1 else None
    header = filled[0][1] if second and (header_known or is_header_row(filled[0][0], second)) else None
    text = "\n".join(text for _, text in filled)
    return Element("Table", text, page=page, heading_path=heading_path, table_header=header)


def html_table_element(table_html: str, page: int | None, heading_path: tuple[str, ...]) -> Element | None:
    """An HTML table as an element; None when it is empty."""
    from lxml import html

    table = html.fragment_fromstring(table_html, parser=html.HTMLParser(huge_tree=True))
    return table_element(rows_of_table(table), page, heading_path, header_known=has_header_row(table))


def has_header_row(table: _Element) -> bool:
    """Whether the first row of an HTML table is made of header cells."""
    first = next(own_parts(table, "tr"), None)
    return first is not None and len(first) > 0 and all(cell.tag == "th" for cell in first)


def own_parts(table: _Element, *tags: str) -> Iterator[_Element]:
    """The parts of an HTML table that are not those of a table in one of its cells."""
    return (part for part in table.iterdescendants(*tags) if next(part.iterancestors("table"), table) is table)


def rows_of_table(table: _Element) -> list[list[str]]:
    """The cells of an HTML table, whatever they hold. A cell over several rows is repeated in each, so that every row says all it means.

    A cell over several columns stands in the first of them. A table in a cell is text of that cell.
    """
    rows: list[list[str]] = []
    reaching: dict[int, tuple[int, str]] = {}  # column -> rows that a cell from above still covers, its text
    for row in own_parts(table, "tr"):
        cells = {column: text for column, (_, text) in reaching.items()}
        reaching = {column: (left - 1, text) for column, (left, text) in reaching.items() if left > 1}
        column = 0
        for cell in _cells(row):
            while column in cells:
                column += 1
            text, height = cell_text(cell), _span(cell.get("rowspan"))
            for place in range(column, column + _span(cell.get("colspan"))):
                cells.setdefault(place, text if place == column else "")
                if height > 1:
                    reaching[place] = (height - 1, text if place == column else "")
            column = place + 1
        rows.append([cells.get(place, "") for place in range(max(cells, default=-1) + 1)])
    return rows


def cell_text(cell: _Element) -> str:
    """All words of an HTML element in one line: tags that only change the look of letters part no words, all others do."""
    from lxml import etree

    pieces: list[str] = []
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        apart = "" if element.tag in _INSIDE_WORDS else " "
        text = element.text if event == "start" else element.tail if element is not cell else ""
        pieces += (apart, text or "")
    return " ".join("".join(pieces).split())


def _cells(row: _Element) -> Iterator[_Element]:
    return (cell for cell in row.iterdescendants("td", "th") if next(cell.iterancestors("tr")) is row)


def _span(value: str | None) -> int:
    return min(max(int(value), 1), 1000) if value and value.isdecimal() else 1

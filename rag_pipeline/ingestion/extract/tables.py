"""Rows of cells as text.

Belongs here: how a table is written as an element. Not here: finding tables in a format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

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
    first = next(table.iter("tr"), None)
    return first is not None and len(first) > 0 and all(cell.tag == "th" for cell in first)


def rows_of_table(table: _Element) -> list[list[str]]:
    """The cells of an HTML table. A cell over several rows is repeated in each, so that every row says all it means.

    A cell over several columns stands in the first of them.
    """
    rows: list[list[str]] = []
    reaching: dict[int, tuple[int, str]] = {}  # column -> rows that a cell from above still covers, its text
    for row in table.iter("tr"):
        cells: list[str] = []
        for cell in row.iterchildren("td", "th"):
            _take_from_above(cells, reaching)
            text = " ".join(" ".join(cell.itertext()).split())
            width, height = _span(cell.get("colspan")), _span(cell.get("rowspan"))
            for column in range(len(cells), len(cells) + width):
                if height > 1:
                    reaching[column] = (height - 1, text if column == len(cells) else "")
            cells += [text] + [""] * (width - 1)
        _take_from_above(cells, reaching)
        rows.append(cells)
    return rows


def _take_from_above(cells: list[str], reaching: dict[int, tuple[int, str]]) -> None:
    while len(cells) in reaching:
        left, text = reaching.pop(len(cells))
        if left > 1:
            reaching[len(cells)] = (left - 1, text)
        cells.append(text)


def _span(value: str | None) -> int:
    return min(max(int(value), 1), 1000) if value and value.isdecimal() else 1

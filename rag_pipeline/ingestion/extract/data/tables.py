"""Rows of cells as text: the one form that tables of all formats have.

Belongs here: how a table is written as an element, which of its rows name the columns. Not here: finding tables in a format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.number_cells import is_number, is_period, with_whole_numbers
from rag_pipeline.models import CELL, HEADER_CELL, Element

if TYPE_CHECKING:
    from lxml.etree import _Element

ROWS_PER_ELEMENT = 1000
"""A table of a million rows is handed over in parts; each part knows the header row."""
_MOST_HEADER_ROWS = 5
_MOST_CAPTION_ROWS = 5
_PERIOD_IN_NAME = re.compile(r"\b(?:(?:19|20)\d\d|(?:FY|Q|H)\s?\d{1,4})\b")
"""``Price 2024``, ``Q3``: numbers that names of columns have."""
_FEWEST_OF_A_KIND = 2
"""Values of a form; one number among words, or one word among numbers, has many a column."""
_INSIDE_WORDS = frozenset(("a", "abbr", "b", "bdi", "bdo", "big", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small",
                           "span", "strong", "tt", "u", "wbr"))  # fmt: skip
_SCALE = (
    r"(?:hundred|thousand|million|billion|tausend|tsd\.?|mio\.?|mrd\.?|milliarde|millier|milliard|mille|millon|millón|miles|percent|prozent"
    r"|teur|tusd|usd|eur|gbp|chf|euro|dollar)(?:s|n|en|es|e)?"
)
_UNIT = re.compile(
    rf"\([^()]*(?:\b{_SCALE}\b|[$£¥%\u20a0-\u20cf])[^()]*\)"
    rf"|\b(?:in|en|amounts in|angaben in|montants en)\s+(?:[$£¥%\u20a0-\u20cf]|[\w']+\s+){{0,3}}?{_SCALE}\b[^.;|]*",
    re.IGNORECASE,
)


def row_text(cells: Sequence[str]) -> str:
    """A row as one line: cells joined by ``" | "``, empty ones kept in between and dropped at the end; ``""`` for an empty row."""
    return _joined(cells, CELL)


def header_text(names: Sequence[str]) -> str:
    """The names of columns as one line, which is told from all other rows by its ``" || "``."""
    return _joined(names, HEADER_CELL)


def unit_in(text: str) -> str:
    """What a text says of the unit of numbers below it: ``(in millions)``; ``""`` where it says nothing."""
    found = _UNIT.search(text)
    return " ".join(found[0].split()) if found else ""


def is_header_row(first: Sequence[str], second: Sequence[str] | None) -> bool:
    """Whether a first row names the columns: all filled but perhaps the first, no two alike, and none a number.

    Years and dates are names where the row below has something else.
    """
    names = [cell.strip() for cell in first]
    if second is None or not names or not all(names[1:]) or not (names[0] or len(names) > 1) or len(set(names)) < len(names):
        return False
    below = [cell.strip() for cell in second]
    return all(not is_number(name) or (is_period(name) and not is_period(cell)) for name, cell in zip_longest(names, below, fillvalue=""))


def table_element(
    rows: Sequence[Sequence[str]], page: int | None = None, heading_path: tuple[str, ...] = (), header_known: bool = False
) -> Element | None:
    """A table as an element, whatever its length; None when it is empty. Signs in cells of their own are with their numbers.

    Args:
        rows: its cells, row by row.
        page: the element's page.
        heading_path: the headings above it.
        header_known: the format itself marks the first row as header.
    """
    rows = with_whole_numbers(rows)
    return next(table_elements(rows, page, heading_path, header_known=header_known, size=max(len(rows), 1)), None)


def table_elements(
    rows: Iterable[Sequence[str]],
    page: int | None = None,
    heading_path: tuple[str, ...] = (),
    *,
    header_known: bool = False,
    size: int = ROWS_PER_ELEMENT,
) -> Iterator[Element]:
    """A table of any length in parts of ``size`` rows, each of which knows the header; nothing when it is empty. As above."""
    filled = (row for row in rows if any(map(str.strip, row)))
    first = list(islice(filled, size))
    captions, names, body = parted(first, header_known=header_known)
    header = header_text(names) if names else None
    lines = [*(row_text(row) for row in captions), *([header] if header else []), *map(row_text, body)]
    if lines:
        yield Element("Table", "\n".join(lines), page=page, heading_path=heading_path, table_header=header)
    for part in iter(lambda: list(islice(filled, size)), []):
        yield Element("Table", "\n".join(map(row_text, part)), page=page, heading_path=heading_path, table_header=header)


def named_rows(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Element]:
    """A table of any length, in parts, whose columns the format itself names; nothing where it has no rows."""
    filled = (row for row in rows if any(map(str.strip, row)))
    header = header_text(names) or None
    for number, part in enumerate(iter(lambda: list(islice(filled, ROWS_PER_ELEMENT)), [])):
        lines = [*([header] if header and not number else []), *map(row_text, part)]
        yield Element("Table", "\n".join(lines), table_header=header)


def parted(rows: Sequence[Sequence[str]], header_known: bool = False) -> tuple[Sequence[Sequence[str]], list[str], Sequence[Sequence[str]]]:
    """Captions, the names of the columns, and the rows below them; no names where no row gives them.

    Names that stand in several rows are put together, those of a cell over several columns for each of these. A unit that a caption
    tells is the name of the first column, where that has none.
    """
    captions = 0
    while captions < min(_MOST_CAPTION_ROWS, len(rows) - 2) and _is_caption(rows[captions], rows[captions + 1 :]):
        captions += 1
    height = _header_height(rows[captions : captions + _MOST_HEADER_ROWS + 1], header_known)
    if not height and captions:  # a lone cell above rows without names is their first row as well as their caption
        return (), [], rows
    names = flattened(rows[captions : captions + height])
    if names and not names[0].strip():
        names[0] = next(filter(None, (unit_in(" ".join(row)) for row in reversed(rows[:captions]))), "")
    return rows[:captions], names, rows[captions + height :]


def flattened(rows: Sequence[Sequence[str]]) -> list[str]:
    """One name for each column, from header rows of which all but the last may have cells over several columns."""
    width = max(map(len, rows), default=0)
    spread = [[*_spread([*row, *[""] * (width - len(row))])] for row in rows[:-1]] + [list(row) for row in rows[-1:]]
    return [" ".join(dict.fromkeys(filter(None, map(str.strip, names)))) for names in zip_longest(*spread, fillvalue="")]


def _spread(row: Sequence[str]) -> Iterator[str]:
    """Cells with what stands to the left of them, where they are empty: all but those left of the first, and the first column's."""
    last = ""
    for place, cell in enumerate(row):
        last = cell if cell.strip() and place else last
        yield cell or last


def _is_caption(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    alone = bool(row) and bool(row[0].strip()) and not any(map(str.strip, row[1:]))
    return alone and any(len(one) > 1 for one in below[:_MOST_HEADER_ROWS])


def _header_height(rows: Sequence[Sequence[str]], known: bool) -> int:
    """How many of the first rows name the columns."""
    if len(rows) < 2:
        return 0
    height = 0
    while height < len(rows) - 1 and _names_groups(rows[height], rows[height + 1 :]):
        height += 1
    if height or known or (is_header_row(rows[0], rows[1]) and not _is_form(rows)):
        height += 1
    while 0 < height < len(rows) - 1 and not rows[height][0].strip() and _names_follow(rows[height:]):
        height += 1  # units, or the rest of long names
    return height


def _is_form(rows: Sequence[Sequence[str]]) -> bool:
    """Whether each row is a label and its value, so that the first one names no columns: ``Tenant``, ``Helen Pargeter``.

    Its label has a colon, or its value a number, though not all below are numbers; or it has several words and the values below are of
    several kinds: ``Price`` may stand above ``54`` and ``on request``.
    """
    pairs = [[cell.strip() for cell in row] for row in rows]
    if any(len(pair) < 2 or not all(pair[:2]) or any(pair[2:]) or is_number(pair[0]) for pair in pairs):
        return False
    (label, first), below = pairs[0][:2], [pair[1] for pair in pairs[1:]]
    numbers, words = sum(map(is_number, below)), sum(not any(map(str.isdigit, value)) for value in below)
    holds_number = not is_period(first) and any(map(str.isdigit, _PERIOD_IN_NAME.sub("", first)))
    several_kinds = " " in first and min(numbers, words) >= _FEWEST_OF_A_KIND
    return label.endswith(":") or several_kinds or (holds_number and numbers < len(below))


def _names_groups(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row names groups of columns: cells are empty or repeated, none is a number, and names of columns or numbers follow."""
    filled = [cell.strip() for cell in row[1:] if cell.strip()]
    grouped = bool(filled) and len(set(filled)) < max(map(len, below)) - 1
    return grouped and not any(is_number(name) and not is_period(name) for name in filled) and _names_follow(below)


def _names_follow(below: Sequence[Sequence[str]]) -> bool:
    """Whether the next row gives names to columns of numbers."""
    names = [(place, cell) for place, cell in enumerate(below[0]) if place and cell.strip()]
    values = [one[place] for one in below[1:2] for place, _ in names if place < len(one)]
    named = len(names) > 1 and all(not is_number(cell) or is_period(cell) for _, cell in names)
    return named and any(is_number(value) and not is_period(value) for value in values)


def _joined(cells: Sequence[str], joint: str) -> str:
    tidy = [" ".join(cell.split()) for cell in cells]
    while tidy and not tidy[-1]:
        tidy.pop()
    return joint.join(tidy)


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
        apart = "" if element.tag in _INSIDE_WORDS or ":" in str(element.tag) else " "  # ``ix:nonfraction`` says what a number is
        text = element.text if event == "start" else element.tail if element is not cell else ""
        pieces += (apart, text or "")
    return " ".join("".join(pieces).split())


def _cells(row: _Element) -> Iterator[_Element]:
    return (cell for cell in row.iterdescendants("td", "th") if next(cell.iterancestors("tr")) is row)


def _span(value: str | None) -> int:
    return min(max(int(value), 1), 1000) if value and value.isdecimal() else 1

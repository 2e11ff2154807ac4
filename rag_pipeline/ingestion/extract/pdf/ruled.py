"""Tables whose cells a page draws.

Belongs here: pure decisions on a grid and the lines in it. Not here: where grids are (``grid.py``), tables without rules (``tables.py``).

A grid may also be a form, a chart, a frame around paragraphs or a page that is laid out by rules: what does not look like cells of data
stays lines of text.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.number_cells import NOTHING, is_number
from rag_pipeline.ingestion.extract.data.tables import header_text, parted, row_text
from rag_pipeline.ingestion.extract.pdf.columns import is_prose
from rag_pipeline.ingestion.extract.pdf.continued import FoundTable, goes_on_with
from rag_pipeline.ingestion.extract.pdf.layout import Line, hyphen
from rag_pipeline.models import Box, Element

if TYPE_CHECKING:
    from rag_pipeline.ingestion.extract.pdf.grid import Grid, Place

_FILLED = 0.4
"""Share of the cells that have text; charts and empty forms have less."""
_WHOLE = 0.5
"""Cells to places at least: where most cells are over several rows or columns, the grid is a form."""
_LONGEST_CELL = 300
"""Letters; in a grid with more of them in most cells, or most of its letters in one, the cells are parts of a text. As in HTML."""
_COLUMN_OF_TEXT = 1000
"""Letters that no cell of data has; most letters in such cells are those of a page laid out by rules."""
_SAME_HEIGHT = 0.5
_ODD_CELLS = 0.1
"""Share of the cells that may hold texts wide apart, or reach beyond their rules: with more, rules are not what parts the columns."""
_BEYOND = 0.004
_SIGNS = re.compile(r"[$£¥%()\u20a0-\u20cf\s]+")
_LEADERS = re.compile(r"(?:\s?\.){4,}\s*$|(?:\s\.){3,}\s*$|…\s*$")
_LETTERS_LEFT = 2.5
"""A word that was cut where its cell ends leaves no room for more letters than these, the cell's margin among them."""
_TOP_OF_PAGE = 0.12
_Cells = Mapping["Place", Sequence[tuple[int, Line]]]


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row says in its columns, and which lines begin in it."""

    cells: list[str]
    lines: list[tuple[int, Line]]


def is_table(grid: Grid, lines: Sequence[Line], others: Sequence[Grid] = ()) -> bool:
    """Whether a grid holds data, and the text beside it is in ``others`` of its page.

    One of a single row may be the end of a table on the page before, if it stands at the top.
    """
    cells = _filled(grid, lines)
    columns = {column for _, column in cells}
    rows = [row for row in range(len(grid.rows) - 1) if sum(at == row for at, _ in cells) > 1]
    if len(grid.rows) == 2:
        return bool(cells) and lines[0].page > 1 and grid.rows[0] < _TOP_OF_PAGE and not _is_layout(cells)
    if len(rows) < 2 or len(columns) < 2 or _is_layout(cells) or not _is_upright(cells):
        return False
    odd = sum(_has_columns(lines) or _reaches_beyond(grid, place, lines) for place, lines in cells.items())
    if odd > max(1, _ODD_CELLS * len(cells)) or _rows_with_more(grid, lines, others) * 2 > len(rows):
        return False
    drawn = {place for row in grid.cells for place in row if place}
    return len(cells) >= _FILLED * len(drawn) and len(drawn) >= _WHOLE * sum(map(len, grid.cells))


def ruled_tables(
    grids: Sequence[Grid], lines: Sequence[Line], words: AbstractSet[str], before: FoundTable | None = None
) -> list[FoundTable]:
    """The tables in the grids of a page. ``before`` is the one that fills the page before, and may go on in the first."""
    found: list[FoundTable] = []
    for grid in grids:
        rows, columns = _rows(grid, lines, words)
        table = _table(rows, columns) if rows else None
        if table and before and not found and goes_on_with(before, table, lines):
            found.append(_with_names_of(before, table, rows))
        elif table and len(rows) > 1:
            found.append(table)
    return found


def _filled(grid: Grid, lines: Sequence[Line]) -> dict[Place, list[tuple[int, Line]]]:
    """The lines in each cell."""
    cells: dict[Place, list[tuple[int, Line]]] = defaultdict(list)
    for index, line in enumerate(lines):
        place = grid.cell_at((line.left + line.right) / 2, (line.top + line.bottom) / 2) if line.rotation is None else None
        if place is not None:
            cells[place].append((index, line))
    return dict(cells)


def _is_layout(cells: _Cells) -> bool:
    letters = [sum(len(line.text) for _, line in lines) for lines in cells.values()]
    of_text = sum(one for one in letters if one > _COLUMN_OF_TEXT)
    return max(max(letters), of_text) > max(_LONGEST_CELL, sum(letters) / 2) or sum(one > _LONGEST_CELL for one in letters) * 2 > len(
        letters
    )


def _rows_with_more(grid: Grid, lines: Sequence[Line], others: Sequence[Grid]) -> int:
    """How many rows have text beside the grid at the height of what is in them: of the whole table rules are only drawn
    in a part. A column of text may stand there."""
    own = [line for line in lines if _is_in(line, [grid])]
    beside = [line for line in lines if grid.rows[0] < (line.top + line.bottom) / 2 < grid.rows[-1] and not _is_in(line, (grid, *others))]
    rows = set()
    for line in [] if is_prose(beside) else beside:
        at = (line.top + line.bottom) / 2
        if any(abs(one.top + one.bottom - 2 * at) / 2 < _SAME_HEIGHT * (one.bottom - one.top) for one in own):
            rows.add(bisect(grid.rows, at))
    return len(rows)


def _is_in(line: Line, grids: Sequence[Grid]) -> bool:
    x, y = (line.left + line.right) / 2, (line.top + line.bottom) / 2
    return any(grid.columns[0] <= x <= grid.columns[-1] and grid.rows[0] <= y <= grid.rows[-1] for grid in grids)


def _has_columns(lines: Sequence[tuple[int, Line]]) -> bool:
    """Whether texts stand wide apart at one height of a cell, other than a currency from its amount."""
    for height in _heights(lines):
        parts = [part for _, line in height for part in (line.segments or (line,))]
        if sum(not _SIGNS.fullmatch(part.text) for part in parts) > 1:
            return True
    return False


def _reaches_beyond(grid: Grid, place: Place, lines: Sequence[tuple[int, Line]]) -> bool:
    """Whether a rule goes through a word: drawings lie under text, borders of cells do not."""
    left, right = grid.columns[place[1]] - _BEYOND, _right_of(grid, place) + _BEYOND
    return any(line.left < left or line.right > right for _, line in lines)


def _is_upright(cells: _Cells) -> bool:
    """Whether most lines run across the page as it is shown: letters are about as wide as high."""
    lines = [line for lines in cells.values() for _, line in lines if len(line.text) > 3]
    return sum(line.bottom - line.top > 1.5 * (line.right - line.left) for line in lines) * 2 <= len(lines)


def _rows(grid: Grid, lines: Sequence[Line], words: AbstractSet[str]) -> tuple[list[_Row], list[tuple[float, float]]]:
    """The rows that say something, and the columns."""
    drawn, cells = grid, _filled(grid, lines)
    for row in reversed(range(len(grid.rows) - 1)):  # from below: what is parted moves no row above it
        if edges := _edges_between(grid, row, cells):
            grid = grid.with_row_parted(row, edges)
    cells = cells if grid is drawn else _filled(grid, lines)
    texts = {place: _text(of_cell, grid, place, words) for place, of_cell in cells.items()}
    kept = [column for column in range(len(grid.columns) - 1) if not _is_edge(grid, column, cells)]
    rows = []
    for row, places in enumerate(grid.cells):
        begin = [one for place in dict.fromkeys(places) if place and place[0] == row for one in cells.get(place, ())]
        own = [place if place and place[1] == column else None for column, place in enumerate(places)]
        if begin:
            rows.append(_Row([texts.get(place, "") if (place := own[column]) else "" for column in kept], begin))
    return rows, [(grid.columns[column], grid.columns[column + 1]) for column in kept]


def _is_edge(grid: Grid, column: int, cells: _Cells) -> bool:
    """Whether a column is only what rules leave between them where they do not end at the same place."""
    narrow = grid.columns[column + 1] - grid.columns[column] < 2 * (grid.columns[-1] - grid.columns[0]) / 100
    return narrow and not any(place[1] == column for place in cells)


def _edges_between(grid: Grid, row: int, cells: _Cells) -> list[float]:
    """Where rows begin that only the lines in them tell: a cell has several numbers, one below the other, and another several lines."""
    own = [cells.get(place, ()) for place in set(grid.cells[row]) if place and place[0] == row]
    several = [[line for _, line in of_cell] for of_cell in own if len(_heights(of_cell)) > 1]
    numbers = [lines for lines in several if all(is_number(line.text) or line.text in NOTHING for line in lines)]
    if not numbers or len(several) < 2:
        return []
    most = max(map(len, numbers))
    heights = _heights([*enumerate(next(lines for lines in numbers if len(lines) == most))])
    tops = [min(line.top for _, line in height) for height in heights]
    return [(top + above) / 2 for above, top in zip((max(one.bottom for _, one in height) for height in heights), tops[1:], strict=False)]


def _heights(lines: Sequence[tuple[int, Line]]) -> list[list[tuple[int, Line]]]:
    """The lines of a cell from top to bottom, those at one height together, from left to right."""
    heights: list[list[tuple[int, Line]]] = []
    for one in sorted(lines, key=lambda one: one[1].top + one[1].bottom):
        last = heights[-1][0][1] if heights else None
        if last and abs(last.top + last.bottom - one[1].top - one[1].bottom) / 2 < _SAME_HEIGHT * max(last.bottom - last.top, 1e-4):
            heights[-1].append(one)
        else:
            heights.append([one])
    return [sorted(height, key=lambda one: one[1].left) for height in heights]


def _text(lines: Sequence[tuple[int, Line]], grid: Grid, place: Place, words: AbstractSet[str]) -> str:
    """A cell's lines as one text; words that were broken at the end of a line are whole again."""
    ordered = [line for height in _heights(lines) for _, line in height]
    text = ordered[0].text
    for above, line in pairwise(ordered):
        before, after = above.text.split()[-1], line.text.split()[0]
        if above.hyphenated:
            text += hyphen(before, after, words)
        elif not _is_cut(above, before, after, _right_of(grid, place), words):
            text += " "
        text += line.text
    return _LEADERS.sub("", text) + "-" * ordered[-1].hyphenated


def _right_of(grid: Grid, place: Place) -> float:
    return grid.columns[max(column for column, one in enumerate(grid.cells[place[0]]) if one == place) + 1]


def _is_cut(line: Line, before: str, after: str, right: float, words: AbstractSet[str]) -> bool:
    """Whether a word fills its cell and goes on below it: the document has it whole."""
    full = right - line.right < _LETTERS_LEFT * (line.right - line.left) / len(line.text)
    return full and before.isalpha() and after[:1].islower() and f"{before}{after}".strip(",.;:").casefold() in words


def _table(rows: Sequence[_Row], columns: Sequence[tuple[float, float]]) -> FoundTable:
    captions, names, body = parted([row.cells for row in rows], header_known=len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1]))
    first, last = len(captions), len(rows) - len(body)
    header = header_text(names) or None
    named = [(header, [line for row in rows[first:last] for line in row.lines])] if header else []
    lines = [*_written(rows[:first]), *named, *_written(rows[last:])]
    return _found(lines, columns, header)


def _with_names_of(before: FoundTable, table: FoundTable, rows: Sequence[_Row]) -> FoundTable:
    """The rest of a table, with its names; some programs repeat these on each page, in bold letters others begin a new table."""
    header = before.element.table_header
    if table.element.table_header == header or (len(rows) > 1 and _is_bold(rows[0]) and not _is_bold(rows[1])):
        return table
    return _found([*_written(rows)], table.columns, header)


def _is_bold(row: _Row) -> bool:
    return all(line.bold for _, line in row.lines)


def _written(rows: Sequence[_Row]) -> Iterator[tuple[str, list[tuple[int, Line]]]]:
    return ((row_text(row.cells), row.lines) for row in rows)


def _found(written: Sequence[tuple[str, list[tuple[int, Line]]]], columns: Sequence[tuple[float, float]], header: str | None) -> FoundTable:
    text, boxes = "", list[Box]()
    for row, lines in written:
        text += "\n" * bool(text)
        boxes += [replace(_box(height), start=len(text), end=len(text) + len(row)) for height in _heights(lines)]
        text += row
    page = written[0][1][0][1].page
    own = frozenset(index for _, lines in written for index, _ in lines)
    return FoundTable(Element("Table", text, page, boxes=tuple(boxes), table_header=header), own, tuple(columns), ruled=True)


def _box(height: Sequence[tuple[int, Line]]) -> Box:
    lines = [line for _, line in height]
    left, top = min(line.left for line in lines), min(line.top for line in lines)
    return Box(lines[0].page, left, top, max(line.right for line in lines), max(line.bottom for line in lines), 0, 0)

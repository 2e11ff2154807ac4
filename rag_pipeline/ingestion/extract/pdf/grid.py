"""Rules that cross one another as grids of cells.

Belongs here: pure geometry of the rules of one page. Not here: what a page draws (``rules.py``), what stands in cells (``ruled.py``).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from statistics import fmean

from rag_pipeline.ingestion.extract.pdf.rules import THICKEST, Rule

_MOST_RULES = 400
"""Rules of each direction, once those that touch are one; a page with more of them is a drawing."""
_MOST_ROWS, _MOST_COLUMNS = 300, 60
_NARROWEST = 0.008
"""Between edges no farther apart no letter fits: one of them is the end of a rule that sticks out."""
Place = tuple[int, int]
"""Row and column, counted from 0: of a cell over several of them the first."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the rows and columns of a page's grid begin and end, and for each of its places the cell that it belongs to.

    None where a place is open to the page beside the grid.
    """

    rows: tuple[float, ...]
    columns: tuple[float, ...]
    cells: tuple[tuple[Place | None, ...], ...]

    def cell_at(self, x: float, y: float) -> Place | None:
        """The cell at a point, None outside of the grid."""
        row, column = bisect(self.rows, y) - 1, bisect(self.columns, x) - 1
        inside = 0 <= row < len(self.rows) - 1 and 0 <= column < len(self.columns) - 1
        return self.cells[row][column] if inside else None

    def overlaps(self, other: Grid) -> bool:
        """Whether both have a part of the page."""
        across = self.columns[0] < other.columns[-1] and other.columns[0] < self.columns[-1]
        return across and self.rows[0] < other.rows[-1] and other.rows[0] < self.rows[-1]

    def with_row_parted(self, row: int, edges: Sequence[float]) -> Grid:
        """The grid with more rules across one row."""
        moved = [[_moved(place, row, len(edges)) for place in line] for line in self.cells]
        new = [[(row + part, at[1]) if at and at[0] == row else at for at in self.cells[row]] for part in range(1, len(edges) + 1)]
        rows = (*self.rows[: row + 1], *edges, *self.rows[row + 1 :])
        return Grid(rows, self.columns, tuple(map(tuple, (*moved[: row + 1], *new, *moved[row + 1 :]))))


def _moved(place: Place | None, below: int, rows: int) -> Place | None:
    return place and (place[0] + rows * (place[0] > below), place[1])


def grids_of(rules: Sequence[Rule]) -> list[Grid]:
    """The grids of at least two columns, small ones first: a cell of another may hold them.

    A side without a rule of its own ends where the others end.
    """
    across, down = (joined([rule for rule in rules if rule.across is wanted and not rule.shading]) for wanted in (True, False))
    if len(across) < 2 or not down or max(len(across), len(down)) > _MOST_RULES:
        return []
    grids = filter(None, (_grid(*group) for group in _connected(across, down)))
    return sorted(grids, key=lambda grid: (grid.rows[-1] - grid.rows[0]) * (grid.columns[-1] - grid.columns[0]))


def joined(rules: Sequence[Rule]) -> list[Rule]:
    """Rules in one line that touch, or nearly, as one."""
    lines: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda one: one.at):
        if lines and rule.at - lines[-1][0].at <= THICKEST:
            lines[-1].append(rule)
        else:
            lines.append([rule])
    return [whole for line in lines for whole in _runs(line)]


def _runs(line: Sequence[Rule]) -> Iterator[Rule]:
    first, *others = sorted(line, key=lambda one: one.start)
    at, start, end = [first.at], first.start, first.end
    for rule in others:
        if rule.start > end + THICKEST:
            yield Rule(first.across, fmean(at), start, end)
            at, start, end = [], rule.start, rule.end
        at.append(rule.at)
        end = max(end, rule.end)
    yield Rule(first.across, fmean(at), start, end)


def _connected(across: Sequence[Rule], down: Sequence[Rule]) -> Iterator[tuple[list[Rule], list[Rule]]]:
    """Rules that cross or touch one another, over as many others as may be between them."""
    of_down: dict[int, list[Rule]] = {index: [] for index in range(len(down))}
    group = list(range(len(down)))
    for rule in across:
        met = {group[index] for index, other in enumerate(down) if _meet(rule, other)}
        if met:
            first = min(met)
            of_down[first] = [*(one for index in sorted(met) for one in of_down.pop(index)), rule]
            group = [first if number in met else number for number in group]
    for number, rules in of_down.items():
        if len(rules) > 1:
            yield rules, [rule for index, rule in enumerate(down) if group[index] == number]


def _meet(across: Rule, down: Rule) -> bool:
    beside = across.start - THICKEST <= down.at <= across.end + THICKEST
    return beside and down.start - THICKEST <= across.at <= down.end + THICKEST


def _grid(across: Sequence[Rule], down: Sequence[Rule]) -> Grid | None:
    rows = _edges([rule.at for rule in across], down)
    columns = _edges([rule.at for rule in down], across)
    if not (2 <= len(rows) <= _MOST_ROWS + 1 and 3 <= len(columns) <= _MOST_COLUMNS + 1):
        return None
    above = _walls(across, rows, columns)
    before = [list(wall) for wall in zip(*_walls(down, columns, rows), strict=True)]
    return Grid(rows, columns, _cells(above, before))


def _edges(rules: Sequence[float], crossing: Sequence[Rule]) -> tuple[float, ...]:
    """Where rules are, and where those across them begin and end beyond the outermost."""
    edges: list[float] = []
    for at in sorted(rules):
        if not edges or at - edges[-1] > THICKEST:
            edges.append(at)
    start, end = min(rule.start for rule in crossing), max(rule.end for rule in crossing)
    return (*([start] if edges[0] - start > _NARROWEST else []), *edges, *([end] if end - edges[-1] > _NARROWEST else []))


def _walls(rules: Sequence[Rule], edges: Sequence[float], between: Sequence[float]) -> list[list[bool]]:
    """For each edge, along which of the places ``between`` others a rule runs. A side of the grid without any rule is closed."""
    walls = [[False] * (len(between) - 1) for _ in edges]
    middles = [(start + end) / 2 for start, end in pairwise(between)]
    for rule in rules:
        edge = min(range(len(edges)), key=lambda index: abs(edges[index] - rule.at))
        for place, middle in enumerate(middles):
            walls[edge][place] |= rule.start <= middle <= rule.end
    return [[True] * len(wall) if index in (0, len(edges) - 1) and not any(wall) else wall for index, wall in enumerate(walls)]


def _cells(above: Sequence[Sequence[bool]], before: Sequence[Sequence[bool]]) -> tuple[tuple[Place | None, ...], ...]:
    """Places that no rule parts, as far as they are a rectangle. ``above`` and ``before`` say of each where a rule is."""
    owners: dict[Place, Place | None] = {}
    rows, columns = len(before), len(above[0])
    for row, column in product(range(rows), range(columns)):
        if (row, column) in owners:
            continue
        right = column + 1
        while right < columns and not before[row][right] and (row, right) not in owners:
            right += 1
        below = row + 1
        while below < rows and _goes_on_below(below, range(column, right), above, before):
            below += 1
        places = list(product(range(row, below), range(column, right)))
        owners |= dict.fromkeys(places, None if any(_is_open(*place, above, before) for place in places) else (row, column))
    return tuple(tuple(owners[row, column] for column in range(columns)) for row in range(rows))


def _is_open(row: int, column: int, above: Sequence[Sequence[bool]], before: Sequence[Sequence[bool]]) -> bool:
    """Whether nothing parts a place at the grid's side from the page beside it."""
    beside = (column == 0 and not before[row][0]) or (column == len(above[0]) - 1 and not before[row][-1])
    return beside or (row == 0 and not above[0][column]) or (row == len(before) - 1 and not above[-1][column])


def _goes_on_below(row: int, span: range, above: Sequence[Sequence[bool]], before: Sequence[Sequence[bool]]) -> bool:
    """Whether a cell over a span of columns has no rule above a row, and the same sides in it."""
    inside = any(before[row][column] for column in span[1:])
    return not any(above[row][column] for column in span) and not inside and before[row][span.start] and before[row][span.stop]

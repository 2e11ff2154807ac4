"""Rules and shading that only part rows as grids: tables of today's web pages and invoices draw no more.

Belongs here: rows from rules across the page and from what is shaded, columns from the text between them. Not here: rules that cross
(``grid.py``), what a grid holds (``ruled.py``).

Where cells wrap, nothing else tells which lines are a row's: a cell of one line stands in the middle of one of two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from rag_pipeline.ingestion.extract.pdf.grid import Grid, joined
from rag_pipeline.ingestion.extract.pdf.layout import Line
from rag_pipeline.ingestion.extract.pdf.rules import THICKEST, Rule

_LEAST_RULES = 4
_NARROWEST = 0.15
"""Of the page's width; underlined words and sums are narrower."""
_HIGHEST = 3.0
"""Heights of the usual row that one may have; the rules of a page's header and footer are farther from the table's."""
_HEIGHTS_BEYOND = 2.0
"""How far names above the first rule, or the last row below the last one, reach at most, in heights of the usual row."""
_OUTLIERS = 0.05
"""Share of the texts that may reach across the gap between two columns."""
_LEAST_GAP = 0.004
_OPENING, _ENDING = re.compile(r"[$£¥\u20a0-\u20cf(]+"), re.compile(r"[)%]+")
_RECORDS = 0.8
"""Share of the rows in which a column has a single line: where rules part groups of rows, all have several."""


def may_have_bands(rules: Sequence[Rule]) -> bool:
    """Whether enough rules go across the page, one as far as the other."""
    return any(True for _ in _bands(rules))


def banded_grids(rules: Sequence[Rule], lines: Sequence[Line]) -> list[Grid]:
    """The grids of at least two columns and three rows, from top to bottom. ``lines`` are parted wherever a gap is wider than a blank."""
    found = filter(None, (_grid(edges, rule, lines) for rule, edges in _bands(rules)))
    return sorted(found, key=lambda grid: grid.rows[0])


def _bands(rules: Sequence[Rule]) -> Iterator[tuple[Rule, list[float]]]:
    """Rules of much the same distance that begin and end at the same places: one of them, and where they are."""
    alike: list[list[Rule]] = []
    for rule in sorted((one for one in joined([rule for rule in rules if rule.across]) if one.end - one.start > _NARROWEST), key=_place):
        if alike and all(abs(ours - theirs) <= 2 * THICKEST for ours, theirs in zip(_place(rule), _place(alike[-1][0]), strict=True)):
            alike[-1].append(rule)
        else:
            alike.append([rule])
    for group in alike:
        yield from ((group[0], run) for run in _runs(sorted(rule.at for rule in group)) if len(run) >= _LEAST_RULES)


def _place(rule: Rule) -> tuple[float, float]:
    return rule.start, rule.end


def _runs(edges: Sequence[float]) -> Iterator[list[float]]:
    """Edges of rows of much the same height."""
    if len(edges) < _LEAST_RULES:
        return
    most = _HIGHEST * median(below - above for above, below in pairwise(edges))
    run = [edges[0]]
    for above, below in pairwise(edges):
        if below - above > most:
            yield run
            run = []
        run.append(below)
    yield run


def _grid(edges: list[float], rule: Rule, lines: Sequence[Line]) -> Grid | None:
    beside = [line for line in lines if line.rotation is None and rule.start - THICKEST <= line.left and line.right <= rule.end + THICKEST]
    inside = [line for line in beside if edges[0] < (line.top + line.bottom) / 2 < edges[-1]]
    columns = _columns(rule, inside)
    if len(columns) < 3 or not _parts_records(edges, columns, inside):
        return None
    height = _HEIGHTS_BEYOND * median(below - above for above, below in pairwise(edges))
    above = [line for line in beside if edges[0] - height < line.top and line.bottom < edges[0] + THICKEST]
    below = [line for line in beside if edges[-1] - THICKEST < line.top and line.bottom < edges[-1] + height]
    first = _rows_beyond(sorted(above, key=lambda line: -line.bottom), inside, rule)
    last = _rows_beyond(sorted(below, key=lambda line: line.top), [*inside, *first], rule)
    columns = _columns(rule, [*inside, *first, *last])
    rows = [min(line.top for line in first), *edges] if first else list(edges)
    rows += [max(line.bottom for line in last)] if last else []
    width = len(columns) - 1
    cells = tuple(tuple((row, column) for column in range(width)) for row in range(len(rows) - 1))
    return Grid(tuple(rows), tuple(columns), cells)


def _rows_beyond(beyond: Sequence[Line], inside: Sequence[Line], rule: Rule) -> list[Line]:
    """The lines that stand below or above the texts of one column each, from the nearest one on."""
    columns = _columns(rule, inside)
    texts = [[piece for piece in _pieces(inside) if left < (piece.left + piece.right) / 2 < right] for left, right in pairwise(columns)]
    spans = [(min(piece.left for piece in own), max(piece.right for piece in own)) for own in texts if own]
    own: list[Line] = []
    for line in beyond:
        if any(sum(piece.left < right and left < piece.right for left, right in spans) > 1 for piece in _pieces([line])):
            break
        own.append(line)
    return own if _fill(own, columns) else []


def _pieces(lines: Sequence[Line]) -> list[Line]:
    """The texts of lines between their gaps; a currency, or a bracket or per cent that is set apart, is part of its number."""
    pieces: list[Line] = []
    for line in lines:
        before: Line | None = None
        for piece in line.segments or (line,):
            if before and (_OPENING.fullmatch(before.text) or _ENDING.fullmatch(piece.text)):
                piece = replace(piece, left=before.left, top=min(before.top, piece.top), text=f"{before.text}{piece.text}")
                pieces.pop()
            pieces.append(piece)
            before = piece
    return pieces


def _columns(rule: Rule, lines: Sequence[Line]) -> list[float]:
    """Where columns begin and end: in the middle of what next to no text covers."""
    pieces = _pieces(lines)
    turns = sorted([(piece.left, 1) for piece in pieces] + [(piece.right, -1) for piece in pieces])
    most, covered, gap_begins = int(_OUTLIERS * len(pieces)), 0, 0.0
    middles: list[float] = []
    for at, change in turns:
        if covered <= most < covered + change and gap_begins and at - gap_begins > _LEAST_GAP:
            middles.append((gap_begins + at) / 2)
        if covered > most >= covered + change:
            gap_begins = at
        covered += change
    return [rule.start, *middles, rule.end]


def _parts_records(edges: Sequence[float], columns: Sequence[float], lines: Sequence[Line]) -> bool:
    """Whether the rules part single rows of the table, and something in these wraps: what does not is told by the text alone.

    A label over two lines with its numbers on the last one is none of these: so statements are set, with names over several columns.
    """
    rows = list(pairwise(edges))
    single, wraps = 0, False
    for top, bottom in rows:
        own = _pieces([line for line in lines if top < (line.top + line.bottom) / 2 < bottom])
        cells = [[piece for piece in own if left < (piece.left + piece.right) / 2 < right] for left, right in pairwise(columns)]
        heights = list(map(_heights, cells))
        single += 1 in heights
        beside = [piece.bottom for cell in cells[1:] for piece in cell]
        label = heights[0] > 1 and beside and max(beside) < max(piece.top for piece in cells[0])
        wraps = wraps or bool(label) or max(heights[1:]) > 1
    return wraps and single >= _RECORDS * len(rows)


def _heights(pieces: Sequence[Line]) -> int:
    """How many lines below one another a cell has."""
    count, last = 0, -1.0
    for piece in sorted(pieces, key=lambda one: one.top):
        middle = (piece.top + piece.bottom) / 2
        if middle > last:
            count, last = count + 1, piece.bottom
    return count


def _fill(lines: Sequence[Line], columns: Sequence[float]) -> bool:
    """Whether lines stand in most of the columns."""
    middles = [(piece.left + piece.right) / 2 for piece in _pieces(lines)]
    filled = sum(any(left < middle < right for middle in middles) for left, right in pairwise(columns))
    return filled * 2 > len(columns) - 1

"""The names of a table's columns, from the rows above its values.

Belongs here: which pieces name which columns. Not here: where a table is (``tables.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

from rag_pipeline.ingestion.extract.data.number_cells import is_period
from rag_pipeline.ingestion.extract.pdf.layout import Line

_Columns = Sequence[tuple[float, float]]
_NEAR = 0.35
"""A name stands above its column when their middles differ by less of the distance between columns."""
_LETTERS_OFF = 1.5
_UNEQUAL = 0.5
"""What a column more or less than in other groups weighs, in distances between columns."""
_OFF_MIDDLE = 0.4
_WIDE = 1.3
"""A name this much wider than the distance between columns belongs to several."""


def names_of_columns(rows: Sequence[Sequence[Line]], columns: _Columns) -> list[str]:
    """The names, from top to bottom; those that stand over several columns are names of each of these."""
    names: list[list[str]] = [[] for _ in columns]
    columns = list(columns)
    lower: list[str] = []
    for pieces in reversed(rows):
        labels = _labels(pieces, columns)
        values = [part for piece in pieces if piece not in labels for part in ([piece] if lower else _at_columns(piece, columns[1:]))]
        names[0] = [piece.text for piece in labels] + names[0]
        for piece, named in reversed([*zip(values, _columns_of(values, columns[1:], lower), strict=True)]):
            for column in named:
                names[column + 1].insert(0, piece.text)
            if len(named) == 1:
                column = named[0] + 1
                columns[column] = (min(columns[column][0], piece.left), max(columns[column][1], piece.right))
        lower = max([piece.text for piece in values], lower, key=len)
    return [" ".join(parts) for parts in names]


def _labels(pieces: Sequence[Line], columns: _Columns) -> Sequence[Line]:
    """The pieces that stand over the labels of the rows. Where there is one for each column, or a year for each of the others, their number
    tells; a long label reaches below the first of the others."""
    if len(pieces) == len(columns):
        return pieces[:1]
    if len(pieces) == len(columns) - 1 and all(is_period(piece.text) for piece in pieces):
        return ()
    return [piece for piece in pieces if piece.left < columns[0][1] or piece.right <= columns[1][0]]


def _at_columns(piece: Line, columns: _Columns) -> list[Line]:
    """A piece parted where one of its words begins at the left edge of a column, or ends at the right edge of one, that it reaches over.

    Where words stand is told by the number of letters before them, which is near enough.
    """
    pitch = (piece.right - piece.left) / max(len(piece.text), 1)
    reached = [column for column in columns if _overlaps(piece, column)]
    parts, start = [], 0
    for before, after in pairwise(reached):
        blanks = [at for at, letter in enumerate(piece.text) if letter == " " and at > start]
        left, right = (after[0] - piece.left) / pitch - 1, (before[1] - piece.left) / pitch
        near = min(blanks, key=lambda at: min(abs(at - left), abs(at - right)), default=None)
        if near is None or min(abs(near - left), abs(near - right)) > _LETTERS_OFF:
            return [piece]
        parts.append((start, near))
        start = near + 1
    return [
        replace(piece, text=piece.text[first:last], left=piece.left + first * pitch, right=piece.left + last * pitch)
        for first, last in [*parts, (start, len(piece.text))]
    ]


def _columns_of(pieces: Sequence[Line], columns: _Columns, lower: Sequence[str]) -> list[list[int]]:
    """For each name, the columns that it belongs to. ``lower`` are the names in the fullest row below."""
    if not pieces:
        return []
    if len(pieces) == len(columns):
        return [[at] for at in range(len(columns))]
    pitch = min((after[1] - before[1] for before, after in pairwise(columns)), default=1.0)
    above = [[_nearest(piece, columns)] for piece in pieces]
    over = [[at for at, column in enumerate(columns) if _overlaps(piece, column)] for piece in pieces]
    near = all(abs(_middle(columns[at]) - (piece.left + piece.right) / 2) < _NEAR * pitch or reached == [at]
               for piece, (at,), reached in zip(pieces, above, over, strict=True))  # fmt: skip
    narrow = all(piece.right - piece.left < _WIDE * pitch for piece in pieces)
    apart = len({at for (at,) in above}) == len(pieces)
    alike = len({piece.text for piece in pieces}) < len(pieces)  # the beginnings of names that are alike below, not names of groups
    shared = len(pieces) < len(columns) <= len(lower) and not alike and (len(set(lower)) < len(lower) or all(map(is_period, lower)))
    if near and narrow and apart and not shared:
        return above
    if shared or (not narrow and len(pieces) < len(columns)):
        groups = _groups(tuple((piece.left + piece.right) / 2 for piece in pieces), tuple(columns), pitch)
        over_middles = all(_stands_over(piece, [columns[at] for at in group], pitch) for piece, group in zip(pieces, groups, strict=True))
        # Alone, ``(unaudited)`` is said of all wherever it stands, a word of one, but above years.
        lone = pieces[0].text if len(pieces) == 1 else ""
        grouped = lone.startswith("(") or (over_middles and (not lone or is_period(lone) or all(map(is_period, lower))))
        return groups if grouped or not (near and narrow and apart) else above
    return [reached or single for reached, single in zip(over, above, strict=True)]


def _groups(middles: tuple[float, ...], columns: tuple[tuple[float, float], ...], pitch: float) -> list[list[int]]:
    """Neighbouring columns shared out among names, so that each name stands as nearly as possible over the middle of its own.

    Groups are mostly of one size, and a middle is not exact: how columns are filled, at the left or at the right, moves it.
    """
    usual = len(columns) / len(middles)

    @cache
    def best(name: int, start: int) -> tuple[float, tuple[int, ...]]:
        """Least distance, and where the groups of this and all later names end."""
        if name == len(middles):
            return (0.0, ()) if start == len(columns) else (float("inf"), ())
        choices = []
        for end in range(start + 1, len(columns) - (len(middles) - name - 1) + 1):
            middle = (columns[start][0] + columns[end - 1][1]) / 2
            rest, ends = best(name + 1, end)
            cost = abs(middle - middles[name]) + _UNEQUAL * pitch * abs(end - start - usual)
            choices.append((cost + rest, (end, *ends)))
        return min(choices, default=(float("inf"), ()))

    ends = best(0, 0)[1]
    starts = (0, *ends[:-1])
    return [list(range(start, end)) for start, end in zip(starts, ends, strict=True)] if ends else [[] for _ in middles]


def _stands_over(piece: Line, group: _Columns, pitch: float) -> bool:
    """Whether a piece stands over the middle of columns: the beginning of a long name of one of them mostly does not."""
    return bool(group) and abs((group[0][0] + group[-1][1] - piece.left - piece.right) / 2) < _OFF_MIDDLE * pitch


def _nearest(piece: Line, columns: _Columns) -> int:
    def distance(column: tuple[float, float]) -> float:
        """Columns are flush left, flush right or centred, and their names with them."""
        middle = abs(sum(column) - piece.left - piece.right) / 2
        return min(middle, abs(column[0] - piece.left), abs(column[1] - piece.right))

    return min(range(len(columns)), key=lambda at: distance(columns[at]))


def _middle(column: tuple[float, float]) -> float:
    return sum(column) / 2


def _overlaps(piece: Line, column: tuple[float, float]) -> bool:
    return min(piece.right, column[1]) > max(piece.left, column[0])

"""The names of a table's columns, from the rows above its values.

Belongs here: which pieces name which columns. Not here: where a table is (``tables.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from rag_pipeline.ingestion.extract.data.tables import is_period
from rag_pipeline.ingestion.extract.pdf.layout import Line

_Columns = Sequence[tuple[float, float]]
_NEAR = 0.35
"""A name stands above its column when their middles differ by less of the distance between columns."""
_WIDE = 1.3
"""A name this much wider than the distance between columns belongs to several."""


def names_of_columns(rows: Sequence[Sequence[Line]], columns: _Columns) -> list[str]:
    """The names, from top to bottom; those that stand over several columns are names of each of these."""
    names: list[list[str]] = [[] for _ in columns]
    for place, pieces in enumerate(rows):
        labels = [piece for piece in pieces if piece.left < columns[0][1] and piece.right < (columns[0][1] + columns[1][0]) / 2]
        values = [piece for piece in pieces if piece not in labels]
        names[0] += [piece.text for piece in labels]
        lower = [piece.text for piece in rows[place + 1] if piece.left > columns[0][1]] if place + 1 < len(rows) else []
        for piece, named in zip(values, _columns_of(values, columns[1:], lower), strict=True):
            for column in named:
                names[column + 1].append(piece.text)
    return [" ".join(parts) for parts in names]


def _columns_of(pieces: Sequence[Line], columns: _Columns, lower: Sequence[str]) -> list[list[int]]:
    """For each name, the columns that it belongs to. ``lower`` are the names in the row below."""
    if not pieces:
        return []
    pitch = min((after[1] - before[1] for before, after in zip(columns, columns[1:], strict=False)), default=1.0)
    above = [[_nearest(piece, columns)] for piece in pieces]
    near = all(abs(_middle(columns[at]) - (piece.left + piece.right) / 2) < _NEAR * pitch or _overlaps(piece, columns[at])
               for piece, (at,) in zip(pieces, above, strict=True))  # fmt: skip
    narrow = all(piece.right - piece.left < _WIDE * pitch for piece in pieces)
    apart = len({at for (at,) in above}) == len(pieces)
    shared = len(pieces) < len(columns) <= len(lower) and (len(set(lower)) < len(lower) or all(map(is_period, lower)))
    if near and narrow and apart and not shared:
        return above
    if shared or (not narrow and len(pieces) < len(columns)):
        return _groups(tuple((piece.left + piece.right) / 2 for piece in pieces), tuple(columns))
    return [[at for at, column in enumerate(columns) if _overlaps(piece, column)] or single
            for piece, single in zip(pieces, above, strict=True)]  # fmt: skip


def _groups(middles: tuple[float, ...], columns: tuple[tuple[float, float], ...]) -> list[list[int]]:
    """Neighbouring columns shared out among names, so that each name stands as nearly as possible over the middle of its own."""

    @cache
    def best(name: int, start: int) -> tuple[float, tuple[int, ...]]:
        """Least distance, and where the groups of this and all later names end."""
        if name == len(middles):
            return (0.0, ()) if start == len(columns) else (float("inf"), ())
        choices = []
        for end in range(start + 1, len(columns) - (len(middles) - name - 1) + 1):
            middle = (columns[start][0] + columns[end - 1][1]) / 2
            rest, ends = best(name + 1, end)
            choices.append((abs(middle - middles[name]) + rest, (end, *ends)))
        return min(choices, default=(float("inf"), ()))

    ends = best(0, 0)[1]
    starts = (0, *ends[:-1])
    return [list(range(start, end)) for start, end in zip(starts, ends, strict=True)] if ends else [[] for _ in middles]


def _nearest(piece: Line, columns: _Columns) -> int:
    middle = (piece.left + piece.right) / 2
    return min(range(len(columns)), key=lambda at: abs(_middle(columns[at]) - middle))


def _middle(column: tuple[float, float]) -> float:
    return sum(column) / 2


def _overlaps(piece: Line, column: tuple[float, float]) -> bool:
    return min(piece.right, column[1]) > max(piece.left, column[0])

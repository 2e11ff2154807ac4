"""Columns of text: the order in which a page is read when its file stores it row by row.

Belongs here: pure decisions on the lines of one page. Not here: reading lines, paragraphs.

Most files store their columns one after the other, and their order is kept. Only where lines run across a gutter again and again, and
both sides of it look like columns of prose, is the page put in order; a table of two columns does not look so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from rag_pipeline.ingestion.extract.pdf.layout import HYPHENS, Line

_LEAST_CROSSINGS = 6
"""Times that the order of lines jumps from one side to the other before it is doubted."""
_MOST_PLACES = 5
_BESIDE = 0.01
_MIDDLE = (0.25, 0.75)
_LEAST_LETTERS = 18
_FILLED = 0.5
_NEARLY_FULL = 0.85
_MOST_DIGITS = 0.2


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page with columns one after the other; lines that were stored across a gutter are parted there."""
    gutter = max(_places(lines), key=lambda place: _evidence(lines, place), default=None)
    if gutter is None or _evidence(lines, gutter) < _LEAST_CROSSINGS:
        return list(lines)
    pieces = [piece for line in lines for piece in _parted(line, gutter)]
    if not all(is_prose([piece for piece in pieces if _side(piece, gutter) == side]) for side in (-1, 1)):
        return list(lines)
    return _columns(sorted(pieces, key=lambda piece: piece.top), gutter)


def _places(lines: Sequence[Line]) -> list[float]:
    """Where a gutter may be: in the most frequent gaps within lines and between lines beside each other, not far from the middle."""
    if len(lines) < _LEAST_CROSSINGS:
        return []
    left, right = min(line.left for line in lines), max(line.right for line in lines)
    first, last = (left + share * (right - left) for share in _MIDDLE)
    within = [pair for line in lines for pair in pairwise(line.segments)]
    beside = [pair for pair in pairwise(lines) if _side(pair[0], pair[1].left) == -1 and abs(pair[0].top - pair[1].top) < _BESIDE]
    gaps = Counter(round((before.right + after.left) / 2, 2) for before, after in (*within, *beside))
    return [place for place, _ in gaps.most_common(_MOST_PLACES) if first <= place <= last]


def _columns(pieces: list[Line], gutter: float) -> list[Line]:
    """From full-width line to full-width line: the left column, then the right one, each perhaps of columns itself."""
    ordered: list[Line] = []
    sides: dict[int, list[Line]] = {-1: [], 1: []}
    for piece in [*pieces, None]:
        side = _side(piece, gutter) if piece is not None else 0
        if piece is not None and side:
            sides[side].append(piece)
        else:
            ordered += [*in_reading_order(sides[-1]), *in_reading_order(sides[1]), *([piece] if piece is not None else [])]
            sides = {-1: [], 1: []}
    return ordered


def _side(line: Line, gutter: float) -> int:
    """-1 left of the gutter, 1 right of it, 0 across."""
    return -1 if line.right <= gutter else 1 if line.left >= gutter else 0


def _evidence(lines: Sequence[Line], gutter: float) -> int:
    """How often the order of lines crosses the gutter, less the lines that have no gap there."""
    sides = [_side(line, gutter) for line in lines]
    parted = sum(_has_gap_at(line, gutter) for line, side in zip(lines, sides, strict=True) if not side)
    jumps = sum(before * after == -1 for before, after in pairwise(sides))
    return 2 * parted + jumps - sides.count(0)


def _has_gap_at(line: Line, gutter: float) -> bool:
    return any(before.right <= gutter <= after.left for before, after in pairwise(line.segments))


def _parted(line: Line, gutter: float) -> list[Line]:
    if _side(line, gutter) or not _has_gap_at(line, gutter):
        return [line]
    start = _joined([segment for segment in line.segments if segment.right <= gutter], line)
    if start.text.endswith(HYPHENS) and start.text[-2:-1].isalpha():
        start = replace(start, text=start.text[:-1], hyphenated=True)
    else:
        start = replace(start, hyphenated=False)
    return [start, _joined([segment for segment in line.segments if segment.left >= gutter], line)]


def _joined(segments: list[Line], line: Line) -> Line:
    left, right = min(segment.left for segment in segments), max(segment.right for segment in segments)
    phrases = tuple(phrase for phrase in line.phrases if left <= phrase.left and phrase.right <= right)
    return replace(
        line,
        text=" ".join(segment.text for segment in segments),
        left=left,
        right=right,
        segments=tuple(segments) if len(segments) > 1 else (),
        phrases=phrases if len(phrases) > 1 else (),
    )


def is_prose(column: Sequence[Line]) -> bool:
    """Whether lines below one another are text that runs on: long ones without many digits, most of which fill the column."""
    if len(column) < _LEAST_CROSSINGS // 2:
        return False
    letters = sum(len(line.text) for line in column)
    digits = sum(character.isdigit() for line in column for character in line.text)
    left, right = min(line.left for line in column), max(line.right for line in column)
    full = sum(line.right >= left + _NEARLY_FULL * (right - left) for line in column)
    return median(len(line.text) for line in column) >= _LEAST_LETTERS and digits < _MOST_DIGITS * letters and full >= _FILLED * len(column)

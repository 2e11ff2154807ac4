"""What a page draws as straight rules: the borders of its tables.

Belongs here: what pdfium says of drawings. Not here: what rules make of a page (``grid.py``), text.

A border is a stroked line, a side of a stroked rectangle, or a thin filled rectangle (Word, browsers). The sides of a filled area are none:
what is shaded is no cell for that, but may be a row. Drawings and maps have 100,000 objects: these are not looked at.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

THICKEST = 0.004
"""Share of the page's height or width; what is thicker is an area. Rules no farther apart are one, and ends no farther apart meet."""
_THIN, _DARK = 0.002, 128
"""Areas no wider are rules, whatever their colour; up to the thickest those darker than this: reports shade the narrow columns that keep
others apart too."""
_SHORTEST = 0.008
_HIGHEST_SHADING = 0.15
"""Of the page's height; what is higher shades no row."""
_MOST_OBJECTS, _MOST_PATHS, _MOST_POINTS = 20_000, 6_000, 40_000
"""What is looked at on a page; with more of it the page is a drawing."""
_DEEPEST, _POINTS_OF_A_RECTANGLE = 4, 4
Affine = tuple[float, float, float, float, float, float]
"""How a point becomes another: ``x`` and ``y`` to the first by the first three, to the second by the others."""
_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line across the page or down it, by fractions of the page as it is shown.

    ``shading``: it is none, but the upper or lower end of an area that is filled: rows are told apart so, cells are not.
    """

    across: bool
    at: float
    start: float
    end: float
    shading: bool = False


class _TooMuch(Exception):
    """The page draws more than a table would."""


def rules_of(page: PdfPage, shown: Affine) -> list[Rule]:
    """All rules of a page, as they are drawn; none where it draws too much. ``shown`` makes fractions of the page's own coordinates."""
    counts = _Counts()
    try:
        return [rule for path, affine in _paths(page.raw, shown, counts) for rule in _rules_of_path(path, affine, counts)]
    except _TooMuch:
        return []


@dataclass(slots=True)
class _Counts:
    objects: int = 0
    paths: int = 0
    points: int = 0

    def add(self, objects: int = 0, paths: int = 0, points: int = 0) -> None:
        self.objects += objects
        self.paths += paths
        self.points += points
        if self.objects > _MOST_OBJECTS or self.paths > _MOST_PATHS or self.points > _MOST_POINTS:
            raise _TooMuch


def _paths(holder: Any, affine: Affine, counts: _Counts, depth: int = 0) -> Iterator[tuple[Any, Affine]]:
    """The paths of a page, or of a form on it (``depth``), and how what they are drawn on is shown."""
    import pypdfium2.raw as pdfium

    of_page = pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject
    of_form = pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject
    count, get = of_form if depth else of_page
    number = max(count(holder), 0)
    counts.add(objects=number)
    kind_of, path, form = pdfium.FPDFPageObj_GetType, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_FORM
    for index in range(number):
        drawn = get(holder, index)
        kind = kind_of(drawn)
        if kind == path:
            counts.add(paths=1)
            yield drawn, affine
        elif kind == form and depth < _DEEPEST:
            yield from _paths(drawn, _after(affine, _matrix(drawn)), counts, depth + 1)


def _matrix(drawn: Any) -> Affine:
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(drawn, matrix):
        return 1, 0, 0, 0, 1, 0
    return matrix.a, matrix.c, matrix.e, matrix.b, matrix.d, matrix.f


def _after(last: Affine, first: Affine) -> Affine:
    """Two of them as one."""
    a, b, left, c, d, top = first
    along, up, x, across, down, y = last
    return (
        along * a + up * c, along * b + up * d, along * left + up * top + x,
        across * a + down * c, across * b + down * d, across * left + down * top + y,
    )  # fmt: skip


def _rules_of_path(path: Any, affine: Affine, counts: _Counts) -> Iterator[Rule]:
    """Its rules. Most paths are one line or one area, which their edges tell."""
    import pypdfium2.raw as pdfium

    edges = _edges(path, affine)
    if thin := _thin(*edges, _THIN):
        yield thin
        return
    number = pdfium.FPDFPath_CountSegments(path)
    if max(edges[2] - edges[0], edges[3] - edges[1]) < _SHORTEST:
        return
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    if stroke.value and not _is_thick(path, affine):
        counts.add(points=number)
        figures = _figures(path, number, _after(affine, _matrix(path)))
        yield from (rule for figure in figures for one, other in pairwise(figure) if one and other and (rule := _rule(one, other)))
    elif not stroke.value and number > _POINTS_OF_A_RECTANGLE + 1:
        counts.add(points=number)
        yield from filter(None, map(_thin_area, _figures(path, number, _after(affine, _matrix(path)))))
    elif not stroke.value and (thin := _thin(*edges, THICKEST)) and _is_dark(path):
        yield thin
    elif not stroke.value and _SHORTEST < edges[3] - edges[1] < _HIGHEST_SHADING:
        yield from (Rule(True, at, edges[0], edges[2], shading=True) for at in (edges[1], edges[3]))


def _is_dark(path: Any) -> bool:
    """Whether an area is filled darker than one that shades a row."""
    import pypdfium2.raw as pdfium

    red, green, blue, opaque = (ctypes.c_uint() for _ in range(4))
    pdfium.FPDFPageObj_GetFillColor(path, red, green, blue, opaque)
    return red.value + green.value + blue.value < 3 * _DARK


def _edges(path: Any, affine: Affine) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a path as it is shown."""
    import pypdfium2.raw as pdfium

    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(path, left, bottom, right, top)
    (x, y), (other_x, other_y) = _at(affine, left.value, bottom.value), _at(affine, right.value, top.value)
    return min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)


def _at(affine: Affine, x: float, y: float) -> _Point:
    across, along, left, up, down, top = affine
    return across * x + along * y + left, up * x + down * y + top


def _is_thick(path: Any, affine: Affine) -> bool:
    import pypdfium2.raw as pdfium

    width = ctypes.c_float()
    pdfium.FPDFPageObj_GetStrokeWidth(path, width)
    across, along, _, up, down, _ = affine
    return bool(width.value * abs(across * down - along * up) ** 0.5 > 2 * THICKEST)


def _figures(path: Any, number: int, affine: Affine) -> Iterator[list[_Point | None]]:
    """The points of each figure of a path, in order; None before the end of a curve. As often as pages have paths: no helpers."""
    import pypdfium2.raw as pdfium

    across, along, left, up, down, top = affine
    x, y = ctypes.c_float(), ctypes.c_float()
    figure: list[_Point | None] = []
    for index in range(number):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO and figure:
            yield figure
            figure = []
        point = across * x.value + along * y.value + left, up * x.value + down * y.value + top
        figure += [None, point] if kind == pdfium.FPDF_SEGMENT_BEZIERTO else [point]
        if pdfium.FPDFPathSegment_GetClose(segment):
            figure.append(figure[0])
    if figure:
        yield figure


def _rule(one: _Point, other: _Point) -> Rule | None:
    """The rule between two points, if it is one."""
    wide, high = abs(one[0] - other[0]), abs(one[1] - other[1])
    if high * 10 < wide > _SHORTEST and high < THICKEST:
        return Rule(True, (one[1] + other[1]) / 2, min(one[0], other[0]), max(one[0], other[0]))
    if wide * 10 < high > _SHORTEST and wide < THICKEST:
        return Rule(False, (one[0] + other[0]) / 2, min(one[1], other[1]), max(one[1], other[1]))
    return None


def _thin_area(figure: Sequence[_Point | None]) -> Rule | None:
    """The rule that one of several filled rectangles is, if it is thin."""
    points = [point for point in figure if point]
    if len(points) < max(len(figure), _POINTS_OF_A_RECTANGLE):
        return None
    xs, ys = zip(*points, strict=True)
    return _thin(min(xs), min(ys), max(xs), max(ys), _THIN)


def _thin(left: float, top: float, right: float, bottom: float, most: float) -> Rule | None:
    if bottom - top <= most < _SHORTEST <= right - left:
        return Rule(True, (top + bottom) / 2, left, right)
    if right - left <= most < _SHORTEST <= bottom - top:
        return Rule(False, (left + right) / 2, top, bottom)
    return None

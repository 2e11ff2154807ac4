"""Pictures that do not lie straight: by how much they are to be turned, and where what is found on the turned one stands on the original.

Belongs here: angles and places, pure. Not here: reading the turned picture (``ocr``), which way up it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

MOST_SKEW_DEGREES = 15.0
LEAST_SKEW_DEGREES = 0.5
"""Tesseract reads lines that rise or fall by less as well as straight ones."""
_COARSE_DEGREES, _FINE_DEGREES = 0.5, 0.1
_SIDE_PIXELS = 1000
"""Of the picture that is measured: lines of small print are still apart."""
_LEAST_INK, _MOST_INK = 0.001, 0.4
"""Share of a page that is dark: less is a blank page, more is no print."""
_CLEARER = 1.25
"""So much sharper must the rows be than those of the picture as it lies; pages that lie straight reach 1.0."""
_OF_PRINT = 4.0
"""And so much sharper than under most angles: print of one line or fifty reaches 11 to 85, photographs and noise 1 to 2."""

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom, as fractions of a page from its top left."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A page of so many pixels that was turned counterclockwise about its middle, on a sheet that grew with it."""

    degrees: float
    width: int
    height: int

    def edges_on_page(self, edges: Edges) -> Edges:
        """Where a rectangle of the turned page stands on the page as it is shown: the smallest upright one around it."""
        sine, cosine = sin(radians(self.degrees)), cos(radians(self.degrees))
        across = self.width * abs(cosine) + self.height * abs(sine)
        down = self.width * abs(sine) + self.height * abs(cosine)
        left, top, right, bottom = edges
        corners = [((x - 0.5) * across, (y - 0.5) * down) for x in (left, right) for y in (top, bottom)]
        xs = [_fraction((x * cosine - y * sine) / self.width + 0.5) for x, y in corners]
        ys = [_fraction((x * sine + y * cosine) / self.height + 0.5) for x, y in corners]
        return min(xs), min(ys), max(xs), max(ys)


def _fraction(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def skew_degrees(grey: Image) -> float:
    """By how many degrees counterclockwise a grey picture is to be turned for its lines to lie straight; 0 unless that is clear.

    Rows of print are dark and the gaps between them light only along the lines: of all angles the one is taken under which the number of
    dark pixels differs most from row to row (W. Postl, Detection of linear oblique structures and skew scan, 1986).
    """
    rows, columns = _dark_pixels(grey)
    if not len(rows):
        return 0.0
    steps = round(MOST_SKEW_DEGREES / _COARSE_DEGREES)
    sharpness = {step * _COARSE_DEGREES: _sharpness(rows, columns, step * _COARSE_DEGREES) for step in range(-steps, steps + 1)}
    coarse = max(sharpness, key=sharpness.__getitem__)
    around = round(_COARSE_DEGREES / _FINE_DEGREES)
    nearest = (coarse + step * _FINE_DEGREES for step in range(-around, around + 1))
    best = max(nearest, key=lambda angle: _sharpness(rows, columns, angle))
    sharpest = _sharpness(rows, columns, best)
    clear = sharpest > max(_CLEARER * sharpness[0.0], _OF_PRINT * median(sharpness.values()))
    return round(best, 1) if clear and LEAST_SKEW_DEGREES <= abs(best) < MOST_SKEW_DEGREES else 0.0


def _dark_pixels(grey: Image) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows and columns of the dark pixels of a small copy, from its middle; none where the picture is no page of print."""
    import numpy as np

    small = np.asarray(grey.reduce(max(max(grey.size) // _SIDE_PIXELS, 1)), dtype=np.float32)
    dark = small < small.mean() - small.std()
    share = float(dark.mean())
    rows, columns = np.nonzero(dark) if _LEAST_INK <= share <= _MOST_INK else (np.empty(0), np.empty(0))
    return rows - small.shape[0] / 2, columns - small.shape[1] / 2


def _sharpness(rows: np.ndarray[Any, Any], columns: np.ndarray[Any, Any], degrees: float) -> float:
    import numpy as np

    turned = rows * cos(radians(degrees)) - columns * sin(radians(degrees))
    counts = np.bincount((turned - turned.min()).astype(np.int64))
    return float(np.square(np.diff(counts.astype(np.float64))).sum())

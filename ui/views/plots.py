"""Lines over equal steps as SVG, with the same figures as a table: the one way in which the app draws figures.

Belongs here: where points come to lie, pure. Not here: markup (``templates/plot.html``), colours (``static/plots.css``), what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ui.views.language import gettext
from ui.views.language.formats import number

WIDTH, HEIGHT = 640, 180
_LEFT, _EDGE = 64, 12
_MOST_DOTS = 60
"""More of them would hide the line."""
_MARKS = 3
_NAMED_STEPS, _SHORT_NAME = 3, 10
"""So many are named below; of names with more letters two."""


class Point(NamedTuple):
    """Where a value lies, in the units of the picture."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Line:
    """A value for each step, None where there is none; around each of them an interval of so much, where ``half_intervals`` are given."""

    name: str
    values: tuple[float | None, ...]
    half_intervals: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over the same steps.

    Attributes:
        title: what is drawn, in a few words.
        steps: their names, such as days; the rows of the table.
        unit: of all values, as it stands behind a number; "" for counts.
        explained: what somebody may want to know besides.
        top: the value at the upper edge; 0: the largest one decides.
    """

    title: str
    steps: tuple[str, ...]
    lines: tuple[Line, ...]
    unit: str = ""
    explained: str = ""
    top: float = 0.0


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line in pieces, because of values that are not there; ``band``: the outline of its intervals."""

    name: str
    pieces: tuple[str, ...]
    dots: tuple[Point, ...]
    band: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that the template needs: lines, marks of the upright axis (height, words), names below (place, words, how they lie to it)."""

    lines: tuple[DrawnLine, ...]
    marks: tuple[tuple[int, str], ...]
    names: tuple[tuple[int, str, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class ShownPlot:
    """A plot, where it lies (None: nothing is drawn), the rows of its table, and what it shows in words, for those who hear it."""

    plot: Plot
    drawing: Drawing | None
    rows: tuple[tuple[str, ...], ...]
    said: str


def shown(plot: Plot) -> ShownPlot:
    """The plot with its table, the last step first; no drawing where there is nothing to draw."""
    rows = [(step, *(_in_words(line.values[place], plot.unit) for line in plot.lines)) for place, step in enumerate(plot.steps)]
    is_empty = not any(value for line in plot.lines for value in line.values)
    return ShownPlot(plot, None if is_empty else drawing_of(plot), tuple(rows[::-1]), _said(plot))


def drawing_of(plot: Plot) -> Drawing:
    """Where everything lies."""
    highest = max((value + half for line in plot.lines for _, value, half in _valued(line)), default=0.0)
    top = plot.top or _round_up(highest)
    marks = tuple((_y(top * part / (_MARKS - 1), top), _in_words(top * part / (_MARKS - 1), "")) for part in range(_MARKS))
    return Drawing(tuple(_drawn(line, len(plot.steps), top) for line in plot.lines), marks, _names(plot.steps))


def _valued(line: Line) -> list[tuple[int, float, float]]:
    """The steps that have a value: their places, values and half intervals."""
    halves = line.half_intervals or (0.0,) * len(line.values)
    return [(place, value, halves[place]) for place, value in enumerate(line.values) if value is not None]


def _drawn(line: Line, steps: int, top: float) -> DrawnLine:
    places = [(place, value) for place, value, _ in _valued(line)]
    pieces: list[list[Point]] = []
    for turn, (place, value) in enumerate(places):
        if not turn or places[turn - 1][0] != place - 1:
            pieces.append([])
        pieces[-1].append(Point(_x(place, steps), _y(value, top)))
    dots = tuple(point for piece in pieces for point in piece if len(places) <= _MOST_DOTS or len(piece) == 1)
    return DrawnLine(line.name, tuple(_path(piece) for piece in pieces if len(piece) > 1), dots, _band(line, steps, top))


def _band(line: Line, steps: int, top: float) -> str:
    around = _valued(line) if line.half_intervals else []
    upper = [Point(_x(place, steps), _y(value + half, top)) for place, value, half in around]
    lower = [Point(_x(place, steps), _y(value - half, top)) for place, value, half in reversed(around)]
    return _path(upper + lower)


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{point.x},{point.y}" for point in points)


def _x(place: int, steps: int) -> int:
    return (WIDTH + _LEFT) // 2 if steps == 1 else round(_LEFT + place * (WIDTH - _LEFT - _EDGE) / (steps - 1))


def _y(value: float, top: float) -> int:
    return round(_EDGE + (1 - min(max(value / top, 0.0), 1.0)) * (HEIGHT - 3.5 * _EDGE))


def _names(steps: Sequence[str]) -> tuple[tuple[int, str, str], ...]:
    """The first, the last, and some between, at equal distances; those at the edges within it."""
    count = min(len(steps), _NAMED_STEPS if max(map(len, steps), default=0) <= _SHORT_NAME else 2)
    chosen = [round(turn * (len(steps) - 1) / max(1, count - 1)) for turn in range(count)]
    anchors = ["start", *["middle"] * (count - 2), "end"] if count > 1 else ["middle"]
    return tuple((_x(place, len(steps)), steps[place], anchor) for place, anchor in zip(chosen, anchors, strict=False))


def _round_up(value: float) -> float:
    """1, 2, 4 or 10 of the power of ten below a value: half of it is a number that one can read, too."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(part * power for part in (1.0, 2.0, 4.0, 10.0) if part * power >= value * (1 - 1e-9))


def _in_words(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{_figure(value)} {gettext(unit)}".rstrip()


def _figure(value: float) -> str:
    if value >= 100 or value == round(value):
        return number(value)
    return number(value, 1) if value >= 1 else number(value, len(f"{value:.2g}") - len("0."))


def _said(plot: Plot) -> str:
    """What the picture shows, for those who hear it: each line's last value and its largest."""
    told = []
    for line in plot.lines:
        values = [value for value in line.values if value is not None]
        if values:
            last, most = _in_words(values[-1], plot.unit), _in_words(max(values), plot.unit)
            told.append(gettext("{name}: last {last}, at most {most}", name=gettext(line.name), last=last, most=most))
    return gettext("{title}. {lines}. The table below has all figures.", title=gettext(plot.title), lines="; ".join(told))

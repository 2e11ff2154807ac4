"""Lines on two logarithmic axes, as SVG. Nothing else is plotted here, so no library is needed for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(("svg.j2",)),
    trim_blocks=True,
    keep_trailing_newline=True,
)
LEFT, RIGHT, TOP, BOTTOM = 70, 540, 48, 380
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2")
"""Told apart by people who see red and green alike, by their lightness and the order of the legend."""
FLOOR = "#6b7280"

Points = Sequence[tuple[float, float]]


def plot(file: Path, title: str, x_name: str, y_name: str, lines: Mapping[str, Points]) -> bool:
    """Draw it, or nothing where no line has two points. Lines whose name begins with ``floor`` are dashed and grey."""
    lines = {name: [(x, y) for x, y in points if x > 0 and y > 0] for name, points in lines.items()}
    lines = {name: points for name, points in lines.items() if points}
    if not any(len(points) > 1 for points in lines.values()):
        return False
    xs = Axis([x for points in lines.values() for x, _ in points], LEFT, RIGHT)
    ys = Axis([y for points in lines.values() for _, y in points], BOTTOM, TOP)
    drawn = [
        {
            "name": name,
            "points": [(xs.at(x), ys.at(y)) for x, y in points],
            "dashed": name.startswith("floor"),
            "colour": FLOOR if name.startswith("floor") else COLOURS[number % len(COLOURS)],
            "legend_at": TOP + 12 + 24 * number,
        }
        for number, (name, points) in enumerate(lines.items())
    ]
    about = {"title": title, "x_name": x_name, "y_name": y_name, "x_ticks": xs.ticks(), "y_ticks": ys.ticks(), "lines": drawn}
    file.write_text(TEMPLATES.get_template("plot.svg.j2").render(about), encoding="utf-8")
    return True


class Axis:
    """From the power of ten below the least value to the one above the greatest; ``first`` and ``last`` are pixels."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self._low, self._high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self._high = max(self._high, self._low + 1)
        self._first, self._last = first, last

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return round(self._first + share * (self._last - self._first), 1)

    def ticks(self) -> list[dict[str, float | str]]:
        return [{"at": self.at(10.0**power), "text": f"{10.0**power:,.10g}"} for power in range(self._low, self._high + 1)]

"""Where shapes stand on a slide, for reading them from top to bottom.

Belongs here: positions, inherited ones too (ECMA-376, part 1, 19.3.1.36). Not here: what shapes say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.office.drawing import A
from rag_pipeline.ingestion.extract.office.package import Package

if TYPE_CHECKING:
    from lxml.etree import _Element

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
Place = tuple[int, int]
"""Distances from the top and from the left of the slide, in English metric units; 0 for what begins outside."""


def placeholder_type(shape: _Element) -> str:
    """``title``, ``body``, ``ftr`` and so on; ``""`` for shapes that are no placeholders."""
    place = next(shape.iter(f"{_P}ph"), None)
    return "" if place is None else place.get("type", "obj")


class Places:
    """Positions on the slides of a deck; layouts and masters are read once."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._inherited: dict[str, dict[tuple[str, str], Place]] = {}

    def of(self, layout: str) -> Callable[[_Element], Place]:
        """What tells the place of a shape on a slide with this layout."""
        if layout not in self._inherited:
            self._inherited[layout] = self._places(layout) if layout else {}
        inherited = self._inherited[layout]
        return lambda shape: _own(shape) or next((inherited[key] for key in _keys(shape) if key in inherited), (0, 0))

    def _places(self, layout: str) -> dict[tuple[str, str], Place]:
        """By number and by type of placeholder; a layout's own before its master's."""
        found: dict[tuple[str, str], Place] = {}
        try:
            masters = [one.part for one in self._package.related(layout, "slideMaster")]
            for part in (layout, *masters):
                for shape in self._package.xml(part).iter(f"{_P}sp"):
                    place = _own(shape)
                    for key in _keys(shape)[0 if part == layout else 1 :] if place else ():
                        found.setdefault(key, place or (0, 0))
        except (KeyError, SyntaxError):  # without it the order is that of the file, and no word is lost
            return found
        return found


def _keys(shape: _Element) -> list[tuple[str, str]]:
    place = next(shape.iter(f"{_P}ph"), None)
    return [] if place is None else [("idx", place.get("idx", "0")), ("type", place.get("type", "obj"))]


def _own(shape: _Element) -> Place | None:
    offset = next(shape.iter(f"{A}off"), None)
    return None if offset is None else (_distance(offset.get("y")), _distance(offset.get("x")))


def _distance(value: str | None) -> int:
    return int(value) if value and value.isdecimal() else 0

"""Visio drawings, read from their XML ([MS-VSDX]).

Belongs here: what the parts of a drawing mean, in which order its shapes are read. Not here: packages and their parts (``office``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.office.office_file import damage_reported, office_archive
from rag_pipeline.ingestion.extract.office.package import Package
from rag_pipeline.ingestion.extract.office.parts import core_properties, drawn_elements
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TRUE = ("1", "true")
_HIDDEN = "Text that a shape hides was left out."
_LINE_BREAK = "\u2028"


def read_drawing(source: Source) -> Iterator[Element]:
    """Page by page: its name as title, the texts of its shapes and connectors from top to bottom, what its links say, embedded files.

    Raises:
        DocumentError: ``damaged``, ``too_large``.
    """
    with damage_reported():
        drawing = _Drawing(source, Package(office_archive(source.stream)))
        yield from with_properties(core_properties(source, drawing.package), drawing.elements(), source.name)


class _Drawing:
    def __init__(self, source: Source, package: Package) -> None:
        self.package = package
        self._source = source
        self._main = self._only("", "document")
        self._masters: dict[str, dict[str, _Element]] = {}

    def elements(self) -> Iterator[Element]:
        pages = self._pages()
        self._source.pages = len(pages)
        for number, (name, part) in enumerate(pages, 1):
            yield from self._page_elements(number, name, part)

    def _only(self, part: str, kind: str) -> str:
        related = self.package.related(part, kind)
        if not related:
            raise KeyError(kind)
        return related[0].part

    def _pages(self) -> list[tuple[str, str]]:
        """Names and parts, the latter ``""`` where the file lacks it. Backgrounds come last, as in Visio, wherever they are listed."""
        listing = self._only(self._main, "pages")
        pages = sorted(self.package.xml(listing).iter("{*}Page"), key=lambda page: page.get("Background") in _TRUE)
        parts = self._parts(listing)
        return [(clean_text(page.get("Name") or page.get("NameU") or "").strip(), parts.get(_relation_id(page), "")) for page in pages]

    def _parts(self, listing: str) -> dict[str, str]:
        return {name: relation.part for name, relation in self.package.relations(listing).items()}

    def _page_elements(self, number: int, name: str, part: str) -> Iterator[Element]:
        outline = Outline()
        title = [outline.title(name, 1, number)] if name else []
        elements = [Element("NarrativeText", text, number, outline.path) for text in self._page_texts(number, part)]
        if part:
            elements += drawn_elements(self._source, self.package, part, f"Page {number}: ", number, outline.path)
        if elements:
            yield from [*title, *elements]

    def _page_texts(self, number: int, part: str) -> list[str]:
        texts: list[str] = []
        with self._source.part(f"Page {number}"):
            if not part:
                raise DocumentError("damaged", "the file does not hold it.")
            texts += self._shape_texts(self.package.xml(part).findall("{*}Shapes/{*}Shape"), "")
        return texts

    def _shape_texts(self, shapes: Iterable[_Element], master: str) -> Iterator[str]:
        """Of shapes beside each other; ``master`` is what the group that holds them is an instance of."""
        for shape in sorted(shapes, key=_place):
            if shape.get("Del") in _TRUE:
                continue
            instance_of = shape.get("Master", master)
            yield from self._own_texts(shape, self._inherited(shape, instance_of))
            yield from self._shape_texts(shape.findall("{*}Shapes/{*}Shape"), instance_of)

    def _own_texts(self, shape: _Element, inherited: _Element | None) -> Iterator[str]:
        """A ``Text`` without words is one that was deleted here: the master's does not stand in for it."""
        sheets = [one for one in (shape, inherited) if one is not None]
        text = next((_words(found) for one in sheets if (found := one.find("{*}Text")) is not None), "")
        hides = next((cell for one in sheets if (cell := _cell(one, "HideText"))), "") in _TRUE
        if text and not hides:
            yield text
        elif text and _HIDDEN not in self._source.notes:
            self._source.notes.append(_HIDDEN)
        for row in shape.findall("{*}Section[@N='Hyperlink']/{*}Row"):
            description = clean_text(_cell(row, "Description")).strip()
            if description not in ("", text):
                yield f"Link: {description}"

    def _inherited(self, shape: _Element, master: str) -> _Element | None:
        """What a shape takes from its master: the first shape there, or for a part of a group the one that it names (2.2.5.4)."""
        named = "" if shape.get("Master") else shape.get("MasterShape")
        if not master or named is None:
            return None
        if master not in self._masters:
            self._masters[master] = self._master_shapes(master)
        return self._masters[master].get(named)

    def _master_shapes(self, master: str) -> dict[str, _Element]:
        found: dict[str, _Element] = {}
        with self._source.part(f"Master {master} of its shapes"):
            shapes = list(self.package.xml(self._master_parts[master]).iter("{*}Shape"))
            found.update({shape.get("ID", ""): shape for shape in shapes}, **({"": shapes[0]} if shapes else {}))
        return found

    @cached_property
    def _master_parts(self) -> dict[str, str]:
        listing = self._only(self._main, "masters")
        parts = self._parts(listing)
        return {one.get("ID", ""): parts.get(_relation_id(one), "") for one in self.package.xml(listing).iter("{*}Master")}


def _relation_id(listed: _Element) -> str:
    relation = listed.find("{*}Rel")
    return relation.get(_RELATION_ID, "") if relation is not None else ""


def _words(text: _Element) -> str:
    return clean_text("".join(text.itertext()).replace(_LINE_BREAK, "\n")).strip()


def _cell(holder: _Element, name: str) -> str:
    cell = holder.find(f"{{*}}Cell[@N='{name}']")
    return cell.get("V", "") if cell is not None else ""


def _place(shape: _Element) -> tuple[float, float]:
    """Top to bottom, then left to right, of the shape's pin. It is given in inches from the lower left corner of the page or group;
    what is less than about a tenth apart stands on one line."""
    return -round(_number(_cell(shape, "PinY")), 1), _number(_cell(shape, "PinX"))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0

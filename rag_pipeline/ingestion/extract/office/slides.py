"""PowerPoint decks, read from their XML.

Belongs here: what the parts of a deck mean, in which order they are read. Not here: the old ``.ppt`` format, DrawingML (``drawing``).

Neither through python-pptx nor unstructured's partitioner: both open all parts of a deck or none, so that one shape they do not know
costs forty slides, and leave out charts, diagrams, groups of layouts, shapes stored in two versions and what lies beside the slide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.office.drawing import A, choose_alternatives, descriptions, paragraph_text, paragraph_texts, table_rows
from rag_pipeline.ingestion.extract.office.office_file import damage_reported, office_archive
from rag_pipeline.ingestion.extract.office.package import Package, Relation
from rag_pipeline.ingestion.extract.office.parts import core_properties, drawn_elements, main_part, picture_blobs
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.office.slide_places import Places, placeholder_type
from rag_pipeline.ingestion.extract.picture.pictures_inside import read_pictures, stand_for_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element, ElementKind

if TYPE_CHECKING:
    from lxml.etree import _Element

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_EDGES = ("ftr", "hdr")
_WITHOUT_WORDS = ("sldNum", "sldImg")
_STAND_IN = re.compile(r"<[a-z/]+>")
NOTES_HEADING = "Speaker notes"


def read_slides(source: Source) -> Iterator[Element]:
    """Slide by slide: its title, its text from top to bottom, its tables, charts and diagrams, its notes and comments. Pages are slides.

    What layouts and masters show, and footers, follow once. Pictures are read on slides with hardly any text.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``missing_program`` (a slide is a picture, and no Tesseract).
    """
    with damage_reported():
        deck = _Deck(source, Package(office_archive(source.stream)))
        yield from with_properties(core_properties(source, deck.package), deck.elements(), source.name)


class _Deck:
    def __init__(self, source: Source, package: Package) -> None:
        self.package = package
        self._source = source
        self._places = Places(package)
        self._edges: dict[str, None] = {}
        """Footers and headers, and what layouts and masters show, each text once."""
        self._parents: dict[str, None] = {}
        self._told: set[str] = set()
        self._authors: dict[str, str] = {}
        """Of comments, by their numbers."""

    def elements(self) -> Iterator[Element]:
        main = main_part(self.package)
        slides = self._slides(main)
        self._source.pages = len(slides)
        self._collect_authors(main)
        # All slides first: whether the deck has words decides what becomes of its pictures.
        elements = [list(self._slide_elements(number, part)) for number, part in enumerate(slides, 1)]
        for number, (part, of_slide) in enumerate(zip(slides, elements, strict=True), 1):
            yield from of_slide
            if part and stand_for_text(1, of_slide):
                yield from self._pictures(number, part, beside_text=any(elements))
        self._collect_parents(main)
        yield from (Element("Footer", text) for text in self._edges)

    def _collect_authors(self, main: str) -> None:
        """Of comments of the old form (``commentAuthors``) and of the new one."""
        with self._source.part("The list of who has written comments"):
            for part in self.package.related(main, "commentAuthors") + self.package.related(main, "authors"):
                named = self.package.xml(part.part).iter("{*}cmAuthor", "{*}author")
                self._authors.update({author.get("id", ""): author.get("name", "") for author in named})

    def _slides(self, main: str) -> list[str]:
        """The slides' parts in their order; ``""`` for those that the list names and the file lacks."""
        relations = self.package.relations(main)
        ids = [slide.get(f"{_R}id", "") for slide in self.package.xml(main).iter(f"{_P}sldId")]
        return [relations[one].part if one in relations else "" for one in ids]

    def _slide_elements(self, number: int, part: str) -> Iterator[Element]:
        outline = Outline()
        with self._source.part(f"Slide {number}"):
            if not part:
                raise DocumentError("damaged", "the file does not hold it.")
            root = self.package.xml(part)
            choose_alternatives(root)
            yield from self._shape_elements(number, part, root, outline)
        yield from drawn_elements(self._source, self.package, part, f"Slide {number}: ", number, outline.path)
        yield from self._remarks(number, part, outline)

    def _shape_elements(self, number: int, part: str, root: _Element, outline: Outline) -> Iterator[Element]:
        shapes = list(root.iter(f"{_P}sp", f"{_P}cxnSp", f"{_P}graphicFrame", f"{_P}pic", f"{_P}grpSp"))
        shapes.sort(key=self._places.of(self._layout(number, part)))
        # The title names the slide wherever it stands on it, so it comes first.
        shapes.sort(key=lambda shape: placeholder_type(shape) not in ("title", "ctrTitle"))
        for shape in shapes:
            with self._source.part(f"Slide {number}: {_shape_name(shape)}"):
                if shape.tag != f"{_P}grpSp":  # what is in a group is a shape of its own
                    yield from self._shape(number, shape, outline)
                yield from self._described(number, shape, outline)

    def _layout(self, number: int, part: str) -> str:
        layouts: list[str] = []
        with self._source.part(f"Slide {number}: what belongs to it"):
            layouts += [one.part for one in self.package.related(part, "slideLayout")]
        self._parents.update(dict.fromkeys(layouts))
        return layouts[0] if layouts else ""

    def _shape(self, number: int, shape: _Element, outline: Outline) -> Iterator[Element]:
        role = placeholder_type(shape)
        if role in _EDGES:
            self._edges.update(dict.fromkeys(_edge_texts(shape)))
        elif role in ("title", "ctrTitle"):
            for level, text in enumerate(paragraph_texts(shape), 1):
                yield outline.title(text, level, number)
        elif role not in _WITHOUT_WORDS:
            for table in shape.iter(f"{A}tbl"):
                found = table_element(table_rows(table), number, outline.path)
                yield from [found] if found else []
            for body in shape.iter(f"{_P}txBody"):
                yield from (
                    Element(_kind(paragraph), text, number, outline.path)
                    for paragraph in body.iter(f"{A}p")
                    if (text := paragraph_text(paragraph))
                )

    def _described(self, number: int, shape: _Element, outline: Outline) -> Iterator[Element]:
        """What its alternative text says, once in the deck: a logo stands on every slide."""
        for text in descriptions(shape[0]) if len(shape) else ():
            if text not in self._told:
                self._told.add(text)
                yield Element("NarrativeText", text, number, outline.path)

    def _remarks(self, number: int, part: str, outline: Outline) -> Iterator[Element]:
        related: list[Relation] = []
        with self._source.part(f"Slide {number}: what belongs to it"):
            related = self.package.related(part, "comments") + self.package.related(part, "notesSlide")
        for relation in related:
            with self._source.part(f"Slide {number}: {'its notes' if relation.kind == 'notesSlide' else 'its comments'}"):
                root = self.package.xml(relation.part)
                texts = [self._notes(root)] if relation.kind == "notesSlide" else _comments(root, self._authors)
                yield from (Element("NarrativeText", text, number, outline.path) for text in texts if text)

    def _notes(self, root: _Element) -> str:
        choose_alternatives(root)
        shapes = [(placeholder_type(shape), shape) for shape in root.iter(f"{_P}sp", f"{_P}graphicFrame")]
        for role, shape in shapes:
            self._edges.update(dict.fromkeys(_edge_texts(shape)) if role in _EDGES else {})
        said = [text for role, shape in shapes if role not in (*_EDGES, *_WITHOUT_WORDS, "dt") for text in paragraph_texts(shape)]
        return f"{NOTES_HEADING}:\n" + "\n".join(said) if said else ""

    def _pictures(self, number: int, part: str, *, beside_text: bool) -> Iterator[Element]:
        blobs: list[bytes] = []
        with self._source.part(f"Slide {number}: its pictures"):
            blobs = picture_blobs(self.package, part)
        if blobs:
            yield from read_pictures(self._source, blobs, beside_text=beside_text, page=number)

    def _collect_parents(self, main: str) -> None:
        """What the layouts in use and their masters show on their slides; places for the slides' own text show nothing."""
        with self._source.part("The master of the notes or handouts"):
            for kind in ("notesMaster", "handoutMaster"):
                self._collect([one.part for one in self.package.related(main, kind)], placed_only=True)
        with self._source.part("What layouts and masters show"):
            layouts = list(self._parents)
            self._collect(layouts)
            self._collect(list(dict.fromkeys(one.part for layout in layouts for one in self.package.related(layout, "slideMaster"))))

    def _collect(self, parts: list[str], *, placed_only: bool = False) -> None:
        for part in parts:
            root = self.package.xml(part)
            choose_alternatives(root)
            for shape in root.iter(f"{_P}sp", f"{_P}graphicFrame"):
                role = placeholder_type(shape)
                if role in _EDGES or (not role and not placed_only):
                    self._edges.update(dict.fromkeys(_edge_texts(shape)))


def _edge_texts(shape: _Element) -> Iterator[str]:
    """The texts of a header or footer, but for ``<footer>``: LibreOffice writes such where a master has a place for one and no text."""
    return (text for text in paragraph_texts(shape) if not _STAND_IN.fullmatch(text))


def _kind(paragraph: _Element) -> ElementKind:
    return "ListItem" if paragraph.find(f"{A}pPr/{A}buChar") is not None else "NarrativeText"


def _shape_name(shape: _Element) -> str:
    named = next(shape.iter(f"{_P}cNvPr"), None)
    name = named.get("name", "") if named is not None else ""
    return f"the shape '{name}'" if name else "a shape"


def _comments(root: _Element, authors: Mapping[str, str]) -> Iterator[str]:
    """Comments of the old form (``p:text``) and of the new one (``a:t`` in each ``cm`` or ``reply``)."""
    for comment in root.iter("{*}cm", "{*}reply"):
        old = comment.findtext("{*}text")
        new = (text for body in comment.findall("{*}txBody") for text in paragraph_texts(body))
        text = (old if old is not None else "\n".join(new)).strip()
        author = authors.get(comment.get("authorId", ""), "").strip()
        yield (f"Comment by {author}: {text}" if author else f"Comment: {text}") if text else ""

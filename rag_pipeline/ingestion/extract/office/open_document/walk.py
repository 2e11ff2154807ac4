"""OpenDocument texts and presentations, read from their XML.

Belongs here: what the elements of OpenDocument mean. Not here: cells of workbooks (``workbook_values``).

Neither through unstructured nor Pandoc: both read texts only, and leave out text boxes, headers, footers and comments. One walk over
``content.xml`` reads texts and presentations alike. Names are those of OpenDocument 1.3, part 3.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.office.embedded import embedded_elements
from rag_pipeline.ingestion.extract.office.office_file import check_archive, damage_reported, safe_xml
from rag_pipeline.ingestion.extract.office.open_document.bold import mark_bold_headings
from rag_pipeline.ingestion.extract.office.open_document.encryption import decrypted
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.picture.pictures_inside import description, read_pictures, stand_for_text
from rag_pipeline.ingestion.extract.source import Source, password_protected
from rag_pipeline.models import Element, ElementKind

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE, _DRAW = (f"{{{_NAMESPACE}{name}:1.0}}" for name in ("text", "table", "drawing"))
_XLINK = "{http://www.w3.org/1999/xlink}"
_OFFICE, _PRESENTATION, _STYLE = (f"{{{_NAMESPACE}{name}:1.0}}" for name in ("office", "presentation", "style"))
_EXTENSION = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"
"""What LibreOffice wrote before OpenDocument 1.3 had it: headers and footers of first pages."""
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_PROPERTIES = {
    "title": "Title",
    "initial-creator": "Author",
    "subject": "Subject",
    "keyword": "Keywords",
    "description": "Description",
}
_MATH = "{http://www.w3.org/1998/Math/MathML}"
_MATH_WORDS = tuple(_MATH + name for name in ("mi", "mn", "mo", "ms", "mtext"))
_MANIFEST = f"{{{_NAMESPACE}manifest:1.0}}"
_SVG = f"{{{_NAMESPACE}svg-compatible:1.0}}"
_SHAPES = (
    *("frame", "g", "custom-shape", "rect", "ellipse", "circle", "line", "polyline", "polygon", "regular-polygon", "path"),
    *("connector", "caption", "measure", "text-box"),
)
_OWN_PARAGRAPHS = (f"{_TEXT}note", f"{_OFFICE}annotation", *(_DRAW + name for name in _SHAPES))
"""What stands in a paragraph and has paragraphs of its own, which follow that paragraph."""
_LEFT_OUT = (
    f"{_TEXT}tracked-changes",  # holds what was deleted
    f"{_TEXT}sequence-decls",
    f"{_OFFICE}forms",
    f"{_TEXT}index-title-template",
    f"{_SVG}title",
    f"{_SVG}desc",
)
_HEADERS: dict[str, ElementKind] = {
    f"{space}{edge}{which}": "Header" if edge == "header" else "Footer"
    for space in (_STYLE, _EXTENSION)
    for edge in ("header", "footer")
    for which in ("", "-left", "-first")
}
_STYLES = "styles.xml"
_MOST_REPEATED = 1000
"""Cells and rows are repeated by number, up to the million rows of a sheet."""
_BLANKS = re.compile(r"[ \t\r\n]+")
_EMBEDDED_CONTENT = re.compile(r".+/content\.xml")
NOTES_HEADING = "Speaker notes"


def read_open_text(source: Source) -> Iterator[Element]:
    """Headers, headings, paragraphs, lists, tables, text boxes, notes, comments, then charts and footers.

    Pictures are read where there is hardly any text.

    Raises:
        DocumentError: ``damaged``, ``too_large``, ``password_protected``, or ``missing_program`` (hardly anything but pictures).
    """
    with _opened(source) as archive, damage_reported():
        yield from with_properties(open_properties(source, archive), _text_elements(source, archive), source.name)


def _text_elements(source: Source, archive: zipfile.ZipFile) -> Iterator[Element]:
    edges = list(_edges(source, archive))
    yield from (edge for edge in edges if edge.kind == "Header")
    body = _body(archive, "content.xml")
    styles = _drop_hidden(source, archive, body)
    mark_bold_headings(body.iter(f"{_OFFICE}text"), styles, _words)
    elements = [*_Walk(source).elements(body), *_embedded(source, archive, body)]
    yield from elements
    pictures = _pictures(archive, body)
    if stand_for_text(len(pictures), elements):
        yield from read_pictures(source, _blobs(source, archive, pictures), beside_text=bool(elements))
    yield from (edge for edge in edges if edge.kind == "Footer")


def read_open_slides(source: Source) -> Iterator[Element]:
    """Slide by slide: its title, its text, its notes; then what the master slides show. Pages are slides.

    Pictures are read on slides with hardly any text.

    Raises:
        DocumentError: ``damaged``, ``too_large``, ``password_protected``, or ``missing_program`` (a slide is a picture).
    """
    with _opened(source) as archive, damage_reported():
        yield from with_properties(open_properties(source, archive), _slides_elements(source, archive), source.name)


def _slides_elements(source: Source, archive: zipfile.ZipFile) -> Iterator[Element]:
    body = _body(archive, "content.xml")
    _drop_hidden(source, archive, body)
    slides = list(body.iter(f"{_DRAW}page"))
    source.pages = len(slides)
    declared = {name.get(f"{_PRESENTATION}name"): name for name in body.iter() if str(name.tag).endswith("-decl")}
    elements = [list(_slide_elements(source, number, slide)) for number, slide in enumerate(slides, 1)]
    for number, (slide, of_slide) in enumerate(zip(slides, elements, strict=True), 1):
        yield from of_slide
        pictures = _pictures(archive, slide)
        if pictures and stand_for_text(1, of_slide):
            yield from read_pictures(source, _blobs(source, archive, pictures), beside_text=any(elements), page=number)
        for use in ("header", "footer"):
            shown = declared.get(slide.get(f"{_PRESENTATION}use-{use}-name"))
            if shown is not None and _words(shown):
                yield Element("Header" if use == "header" else "Footer", _words(shown), number)
    yield from _embedded(source, archive, body)
    yield from _master_texts(source, archive)


def _slide_elements(source: Source, number: int, slide: _Element) -> Iterator[Element]:
    with source.part(f"Slide {number}"):
        yield from _Walk(source, number).elements(slide)


def _blobs(source: Source, archive: zipfile.ZipFile, names: list[str]) -> Iterator[bytes]:
    for name in names:
        with source.part(f"The picture {name}"):
            yield archive.read(name)


def open_properties(source: Source, archive: zipfile.ZipFile) -> dict[str, str]:
    """What the document says of itself, by the names to be shown (OpenDocument 1.3, part 3, 4.3)."""
    with source.part("The document's properties"):
        if "meta.xml" in archive.namelist():
            root = safe_xml(archive.read("meta.xml"))
            found = {name: [tag.text or "" for tag in root.iter(f"{{*}}{wanted}")] for wanted, name in _PROPERTIES.items()}
            author = found["Author"] or [tag.text or "" for tag in root.iter(f"{{{_DUBLIN_CORE}}}creator")]
            return {name: ", ".join(texts) for name, texts in {**found, "Author": author}.items() if any(texts)}
    return {}


def _pictures(archive: zipfile.ZipFile, body: _Element) -> list[str]:
    """Members that are pictures, each once, in the order of the text; those that only stand in for charts lie in another folder."""
    members = set(archive.namelist())
    names = dict.fromkeys(image.get(f"{_XLINK}href", "").removeprefix("./") for image in body.iter(f"{_DRAW}image"))
    return [name for name in names if name.startswith("Pictures/") and name in members]


def texts_beside_cells(source: Source, stream: BinaryIO) -> Iterator[Element]:
    """Charts, boxes, comments, headers and footers of an OpenDocument workbook, whose cells are read elsewhere."""
    with zipfile.ZipFile(stream) as archive:
        masters: set[str] = set()
        with source.part("What stands beside the cells"):
            body = _body(archive, "content.xml")
            masters = _masters_of_sheets(body)
            drawn = (*(_DRAW + name for name in _SHAPES), f"{_OFFICE}annotation")
            for shape in body.iter(*drawn):
                if next(shape.iterancestors(*drawn), None) is None:
                    yield from _Walk(source).element(shape)
            yield from _embedded(source, archive, body)
        yield from _edges(source, archive, masters)


def _masters_of_sheets(body: _Element) -> set[str]:
    """The pages that sheets are printed on; LibreOffice keeps one more in each workbook, whose header shows a sheet that is none.
    Nothing where a sheet does not name its page: it may be any."""
    styles = body.getroottree().getroot().iter(f"{_STYLE}style")
    named = {style.get(f"{_STYLE}name"): style.get(f"{_STYLE}master-page-name", "") for style in styles}
    masters = {named.get(table.get(f"{_TABLE}style-name"), "") for table in body.iter(f"{_TABLE}table")}
    return set() if "" in masters else masters


def check_encryption(source: Source, names: list[str]) -> None:
    """Raise a DocumentError (``password_protected``) for an encrypted workbook; ``names`` are the members of its archive."""
    if "META-INF/manifest.xml" in names:
        source.stream.seek(0)
        with zipfile.ZipFile(source.stream) as archive:
            if _is_encrypted(archive):
                raise password_protected("The workbook")


def _opened(source: Source) -> zipfile.ZipFile:
    content = source.stream.read()
    check_archive(io.BytesIO(content))
    archive = zipfile.ZipFile(io.BytesIO(content))
    if not _is_encrypted(archive):
        return archive
    for password in source.options.passwords:
        plain = decrypted(archive, password)
        if plain is not None:
            check_archive(plain)
            return zipfile.ZipFile(plain)
    raise password_protected("The document")


def _is_encrypted(archive: zipfile.ZipFile) -> bool:
    names = archive.namelist()
    return "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml")


def _body(archive: zipfile.ZipFile, name: str) -> _Element:
    if name not in archive.namelist():
        raise DocumentError("damaged", f"The file is damaged: its part {name} is missing. Open it in its program and save it again.")
    root = safe_xml(archive.read(name))
    body = root.find(f"{_OFFICE}body")
    return root if body is None else body


def _drop_hidden(source: Source, archive: zipfile.ZipFile, body: _Element) -> list[_Element]:
    """Empty what the document hides from its readers: sections, fields, and text in a hidden style; the notes say so.

    Gives the styles, the document's own after those that programs share.
    """
    styles = list(body.getroottree().getroot().iter(f"{_STYLE}style"))
    with source.part("What is hidden in it"):
        shared = safe_xml(archive.read(_STYLES)).iter(f"{_STYLE}style") if _STYLES in archive.namelist() else ()
        styles = [*shared, *styles]
        names = {
            style.get(f"{_STYLE}name") for style in styles if style.find(f"{_STYLE}text-properties[@{_TEXT}display='none']") is not None
        }
        hidden = [element for element in body.iter("*") if _is_hidden(element) or element.get(f"{_TEXT}style-name", "") in names]
        if any("".join(element.itertext()).strip() for element in hidden):
            source.notes.append("Text that is formatted as hidden was left out.")
        for element in hidden:
            element.clear(keep_tail=True)
    return styles


def _is_hidden(element: _Element) -> bool:
    if element.tag == f"{_TEXT}section":
        return str(element.get(f"{_TEXT}display")) == "none"
    field = element if element.tag == f"{_TEXT}hidden-text" else element.find(f"{_TEXT}hidden-paragraph")
    return field is not None and str(field.get(f"{_TEXT}is-hidden")) == "true"


def _edges(source: Source, archive: zipfile.ZipFile, masters: Container[str] = ()) -> Iterator[Element]:
    """Headers and footers, each text once; those of these master pages, or of all where none is named (ODF 1.3 part 3, 16.9)."""
    written: dict[str, ElementKind] = {}
    with source.part("The part with headers and footers"):
        if "styles.xml" not in archive.namelist():
            return
        for edge in safe_xml(archive.read("styles.xml")).iter(*_HEADERS):
            text = "\n".join(words for paragraph in edge.iter(f"{_TEXT}p") if (words := _words(paragraph)))
            shown = edge.get(f"{_STYLE}display") != "false" and (not masters or edge.getparent().get(f"{_STYLE}name") in masters)
            if text.strip() and shown:
                written.setdefault(text, _HEADERS[str(edge.tag)])
    yield from (Element(kind, text) for text, kind in written.items() if text not in ("???", "Page 1", "Page 1 / 99"))


def _master_texts(source: Source, archive: zipfile.ZipFile) -> Iterator[Element]:
    """What a master slide shows on all its slides, where it is no mere place for text."""
    written: dict[str, None] = {}
    with source.part("What the master slides show"):
        if "styles.xml" not in archive.namelist():
            return
        for master in safe_xml(archive.read("styles.xml")).iter(f"{_STYLE}master-page"):
            shapes = [
                shape for shape in master if shape.tag != f"{_PRESENTATION}notes" and shape.get(f"{_PRESENTATION}class") not in _PLACES
            ]
            written.update(dict.fromkeys(words for shape in shapes for text in shape.iter(f"{_TEXT}p") if (words := _words(text))))
    yield from (Element("Footer", text) for text in written)


_PLACES = ("title", "outline", "subtitle", "page-number", "date-time", "notes", "page")


def _embedded(source: Source, archive: zipfile.ZipFile, body: _Element) -> Iterator[Element]:
    """Charts and other objects, which are documents of their own, and files of other programs."""
    members = set(archive.namelist())
    for name in sorted(filter(_EMBEDDED_CONTENT.fullmatch, members)):
        with source.part(f"The object {name.rpartition('/')[0]}"):
            root = _body(archive, name)
            if root.tag == f"{_MATH}math":
                words = " ".join(" ".join(piece.itertext()) for piece in root.iter(*_MATH_WORDS))
                yield from [Element("NarrativeText", clean_text(words))] if words.strip() else []
            else:
                yield from _Walk(source).elements(root)
    names = (link.get(f"{_XLINK}href", "").removeprefix("./") for link in body.iter(f"{_DRAW}object-ole", f"{_DRAW}object"))
    for name in dict.fromkeys(name for name in names if name in members):
        with source.part(f"The embedded file {name}"):
            yield from embedded_elements(source, archive.read(name), name)


class _Walk:
    """From top to bottom through a document or slide."""

    def __init__(self, source: Source, page: int | None = None) -> None:
        self._source = source
        self._page = page
        self._outline = Outline()

    def elements(self, parent: _Element) -> Iterator[Element]:
        """The elements of all that is in an element."""
        for child in parent:
            yield from self.element(child)

    def element(self, element: _Element) -> Iterator[Element]:
        """The elements of an element; a shape or table that is not understood costs itself."""
        if element.tag in _OWN_PARAGRAPHS or element.tag == f"{_TABLE}table":
            with self._source.part(f"{f'Slide {self._page}: the' if self._page else 'The'} {_part_name(element)}"):
                yield from self._element(element)
        else:
            yield from self._element(element)

    def _element(self, element: _Element) -> Iterator[Element]:
        tag = str(element.tag)
        if tag == f"{_TEXT}h":
            yield from self._titled(_words(element), _count(element.get(f"{_TEXT}outline-level")))
            yield from self._within(element)
        elif tag == f"{_TEXT}p":
            yield from self._text("NarrativeText", _words(element))
            yield from self._within(element)
        elif tag == f"{_TEXT}list-item":
            yield from self._list_item(element)
        elif tag == f"{_TABLE}table":
            yield from self._table(element)
        elif tag == f"{_PRESENTATION}notes":
            shapes = [shape for shape in element if shape.get(f"{_PRESENTATION}class") != "page-number"]
            notes = "\n".join(words for shape in shapes for paragraph in shape.iter(f"{_TEXT}p") if (words := _words(paragraph)))
            yield from self._text("NarrativeText", f"{NOTES_HEADING}:\n{notes}" if notes else "")
        elif tag == f"{_OFFICE}annotation":
            yield from self._text("NarrativeText", _comment(element))
        elif tag == f"{_DRAW}frame" and element.get(f"{_PRESENTATION}class") == "title":
            yield from self._titled(" ".join(_words(paragraph) for paragraph in element.iter(f"{_TEXT}p")), 1)
        elif tag not in _LEFT_OUT and element.get(f"{_PRESENTATION}class") != "page-number":
            yield from self.elements(element)
            yield from self._text("NarrativeText", _description(element))

    def _within(self, paragraph: _Element) -> Iterator[Element]:
        outermost = [
            inner
            for inner in paragraph.iter(*_OWN_PARAGRAPHS)
            if next(inner.iterancestors(*_OWN_PARAGRAPHS, f"{_TEXT}p"), None) is paragraph
        ]
        for inner in outermost:
            yield from self.element(inner)

    def _titled(self, text: str, level: int) -> Iterator[Element]:
        if text.strip():
            yield self._outline.title(text.strip(), level, self._page)

    def _text(self, kind: ElementKind, text: str) -> Iterator[Element]:
        if text.strip():
            yield Element(kind, text.strip(), self._page, self._outline.path)

    def _list_item(self, item: _Element) -> Iterator[Element]:
        for child in item:
            if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                yield from self._text("ListItem", _words(child))
                yield from self._within(child)
            else:
                yield from self.element(child)

    def _table(self, table: _Element) -> Iterator[Element]:
        rows: list[list[str]] = []
        reaching: dict[int, tuple[int, str]] = {}  # column -> rows that a cell from above still covers, its text
        for row in table.iter(f"{_TABLE}table-row"):
            if next(row.iterancestors(f"{_TABLE}table")) is table:
                cells: list[str] = []
                for cell in row.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                    words, height = _cell_words(cell), _count(cell.get(f"{_TABLE}number-rows-spanned"))
                    for column in range(len(cells), len(cells) + _repeated(cell, "columns")):
                        left, above = reaching.pop(column, (0, ""))
                        cells.append(words or above)
                        if max(left, height) > 1:
                            reaching[column] = (max(left, height) - 1, cells[-1])
                while cells and not cells[-1]:
                    cells.pop()
                rows += [cells] * (_repeated(row, "rows") if any(cells) else 1)
        found = table_element(rows, self._page, self._outline.path)
        yield from [found] if found else []
        for annotation in table.iter(f"{_OFFICE}annotation"):
            yield from self._text("NarrativeText", _comment(annotation))
        for frame in table.iter(f"{_DRAW}frame"):
            yield from self._text("NarrativeText", _description(frame))


def _description(shape: _Element) -> str:
    """What the alternative texts of a shape say (ODF 1.3 part 3, 10.3.17); those of a chart's table are the addresses of its cells."""
    return description(shape.findtext(f"{_SVG}title"), shape.findtext(f"{_SVG}desc"))


def _cell_words(cell: _Element) -> str:
    """All words of a cell in one line; comments, which follow the table, left out."""
    paragraphs = (paragraph for paragraph in cell.iter(f"{_TEXT}p", f"{_TEXT}h") if not _in_comment(paragraph))
    return " ".join(words for paragraph in paragraphs if (words := _words(paragraph)))


def _in_comment(paragraph: _Element) -> bool:
    return next(paragraph.iterancestors(f"{_OFFICE}annotation"), None) is not None


def _part_name(element: _Element) -> str:
    name = element.get(f"{_DRAW}name") or element.get(f"{_TABLE}name") or ""
    return f"{str(element.tag).rpartition('}')[2]}{f' {name}' if name else ''}"


def _repeated(element: _Element, what: str) -> int:
    return _count(element.get(f"{_TABLE}number-{what}-repeated"))


def _count(value: str | None) -> int:
    """A number that may be missing, or no number: 1 then."""
    return min(int(value), _MOST_REPEATED) if value and value.isdecimal() else 1


def _comment(annotation: _Element) -> str:
    words = "\n".join(text for paragraph in annotation.iter(f"{_TEXT}p") if (text := _words(paragraph)))
    return f"Comment: {words}" if words else ""


def _words(paragraph: _Element) -> str:
    """The text of a paragraph, without that of boxes and notes in it. Runs of blanks are one (ODF 1.3 part 3, 6.1.2)."""
    parts = [_collapsed(paragraph.text)]
    for child in paragraph:
        tag = str(child.tag)
        if tag == f"{_TEXT}s":
            parts.append(" " * _count(child.get(f"{_TEXT}c")))
        elif tag == f"{_TEXT}tab":
            parts.append("\t")
        elif tag == f"{_TEXT}line-break":
            parts.append("\n")
        elif tag not in _OWN_PARAGRAPHS and tag not in _LEFT_OUT:
            parts.append(_words(child))
        parts.append(_collapsed(child.tail))
    return clean_text("".join(parts))


def _collapsed(text: str | None) -> str:
    return _BLANKS.sub(" ", text or "")

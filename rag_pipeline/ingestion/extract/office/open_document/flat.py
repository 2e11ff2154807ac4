"""Flat OpenDocument: a document as one XML file (OpenDocument 1.3 part 3, 2.2.1 and 3.1.1).

Belongs here: taking it apart into the members of the zip that it stands for. Not here: reading them (``open_document`` and
``workbook_values``).

All that the readers know of headers, hidden text, charts and cells holds for it so; as plain XML its texts came without any of it, and
its pictures as letters.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.inside import elements_in_place
from rag_pipeline.ingestion.extract.office.office_file import LARGEST_PART_BYTES, damage_reported
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_OFFICE, _DRAW, _TABLE = (f"{{{_NAMESPACE}{name}:1.0}}" for name in ("office", "drawing", "table"))
_HREF = "{http://www.w3.org/1999/xlink}href"
_MATH = "{http://www.w3.org/1998/Math/MathML}math"
_PARTS = {
    "styles": ("font-face-decls", "styles", "automatic-styles", "master-styles"),
    "meta": ("meta",),
    "settings": ("settings",),
    "content": ("scripts", "font-face-decls", "automatic-styles", "body"),
}
"""What stands in which member (part 3, 3.1.3.2 to 3.1.3.5). The largest comes last, because only the others are made of copies."""
_MIMETYPES = {
    f"{_OFFICE}text": "application/vnd.oasis.opendocument.text",
    f"{_OFFICE}presentation": "application/vnd.oasis.opendocument.presentation",
    f"{_OFFICE}spreadsheet": "application/vnd.oasis.opendocument.spreadsheet",
    f"{_OFFICE}drawing": "application/vnd.oasis.opendocument.graphics",
}
"""By what is in the body: writers that are no office programs forget to say it at the root."""


def read_flat_document(source: Source) -> Iterator[Element]:
    """The elements of the document that the file is.

    Raises:
        DocumentError: ``damaged``, ``too_large``, and what the readers of the zipped form raise.
    """
    with damage_reported():
        root = xml_root(source)
        kind = _kind(root)
        if kind is None:
            message = "The file is damaged or not what its name says: it has no text, slides or sheets of OpenDocument in it."
            raise DocumentError("damaged", f"{message} Open it in its program and save it again.")
        zipped = _zipped(source, root, kind)
    yield from elements_in_place(source, zipped)


def xml_root(source: Source) -> _Element:
    """The root of a document that is one XML file.

    What is damaged is read as far as a forgiving parser gets, with a note: without it, none of the text was found.

    Raises:
        DocumentError: ``too_large``.
        etree.XMLSyntaxError: it has no element.
    """
    from lxml import etree

    content = source.stream.read(LARGEST_PART_BYTES + 1)
    if len(content) > LARGEST_PART_BYTES:
        raise DocumentError("too_large", f"It is one XML file of more than {LARGEST_PART_BYTES >> 20:,} MiB, more than can be read safely.")
    options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True}
    options |= {"remove_pis": True, "huge_tree": True}  # a picture is one text of many megabytes
    try:
        return etree.fromstring(content, etree.XMLParser(**options))
    except etree.XMLSyntaxError as error:
        root = etree.fromstring(content, etree.XMLParser(recover=True, **options))
        if root is None:
            raise
        source.notes.append(f"The file is damaged ({error}): what follows may be missing. Open it in its program and save it again.")
        return root


def _kind(root: _Element) -> str | None:
    body = root.find(f"{_OFFICE}body") if root.tag == f"{_OFFICE}document" else None
    return next((_MIMETYPES[str(child.tag)] for child in body if child.tag in _MIMETYPES), None) if body is not None else None


def _zipped(source: Source, root: _Element, mimetype: str) -> bytes:
    """Uncompressed: it is read at once and thrown away."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("mimetype", mimetype)
        _write_objects(archive, root)
        _write_pictures(source, archive, root)
        _write_parts(archive, root)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")  # calamine takes no archive without one for a workbook
    return target.getvalue()


def _write_objects(archive: zipfile.ZipFile, root: _Element) -> None:
    """Charts and formulas, which are documents inside the element that shows them (part 3, 10.4.6.2), to folders of their own."""
    held = [child for shown in root.iter(f"{_DRAW}object") for child in shown if child.tag in (f"{_OFFICE}document", _MATH)]
    for number, child in reversed(list(enumerate(held, 1))):  # the innermost first: it goes out of the one around it
        shown, folder = child.getparent(), f"Object {number}"
        assert shown is not None
        shown.remove(child)
        shown.set(_HREF, f"./{folder}")
        if child.tag == _MATH:
            _write(archive, f"{folder}/content.xml", child)
        else:
            _write_parts(archive, child, f"{folder}/")


def _write_pictures(source: Source, archive: zipfile.ZipFile, root: _Element) -> None:
    """Pictures and files of other programs (part 3, 10.4.5), to members of their own."""
    for number, data in enumerate(list(root.iter(f"{_OFFICE}binary-data")), 1):
        shown, encoded = data.getparent(), "".join(data.itertext())
        assert shown is not None
        shown.remove(data)
        with source.part(f"Picture or file {number} in it"):
            archive.writestr(_member(shown, number), base64.b64decode(encoded))
            shown.set(_HREF, _member(shown, number))


def _member(shown: _Element, number: int) -> str:
    """A picture beside an object only stands in for it."""
    frame = shown.getparent()
    if shown.tag != f"{_DRAW}image":
        return f"Embedded {number}"
    stands_in = frame is not None and next(frame.iterchildren(f"{_DRAW}object", f"{_DRAW}object-ole"), None) is not None
    return f"{'ObjectReplacements' if stands_in else 'Pictures'}/{number}"


def _write_parts(archive: zipfile.ZipFile, document: _Element, folder: str = "") -> None:
    from lxml import etree

    for name, wanted in _PARTS.items():
        part = etree.Element(f"{_OFFICE}document-{name}", dict(document.attrib), document.nsmap)
        held = [child for tag in wanted for child in document.findall(f"{_OFFICE}{tag}")]
        part.extend(held if name == "content" else map(deepcopy, held))
        _write(archive, f"{folder}{name}.xml", part)


def _write(archive: zipfile.ZipFile, name: str, root: _Element) -> None:
    from lxml import etree

    for table in root.iter(f"{_TABLE}*"):  # blanks between cells mean nothing, and calamine trips over them
        for child in table:
            child.tail = None if not (child.tail or "").strip() else child.tail
        table.text = None if not (table.text or "").strip() else table.text
    archive.writestr(name, etree.tostring(root, encoding="UTF-8", xml_declaration=True))

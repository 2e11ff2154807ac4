"""What all Office Open XML files have in common: a zip archive of XML parts.

Belongs here: opening, passwords, sizes, damage, lists of text from raw parts, pictures. Not here: what the parts of one format mean.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
LARGEST_UNPACKED_BYTES = 1 << 30
LARGEST_PART_BYTES = 256 << 20
"""An XML part takes about ten times its size in memory when parsed."""
LARGEST_RATIO = 200
"""Office XML compresses 5 to 50 times; an archive bomb hundreds to a thousand times."""
_RATIO_MATTERS_BYTES = 32 << 20

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_VARIANT_TYPE = re.compile(
    rb"application/vnd\.(?:ms-|openxmlformats-officedocument\.)(word|powerpoint|presentationml|wordprocessingml)"
    rb"\.(?:document\.macroEnabled|template|template\.macroEnabledTemplate|slideshow|slideshow\.macroEnabled|"
    rb"presentation\.macroEnabled|template\.macroEnabled)\.main\+xml"
)
_WORD_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_SLIDES_MAIN = b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_MAIN_TYPES = {b"word": _WORD_MAIN, b"wordprocessingml": _WORD_MAIN, b"powerpoint": _SLIDES_MAIN, b"presentationml": _SLIDES_MAIN}


_ONLY_NAMES = ("DTD_XMLID_VALUE", "DTD_ID_REDEFINED")
"""Errors of libxml2 that say nothing but that an ``xml:id`` is no name, or is one twice."""


@contextmanager
def damage_reported() -> Iterator[None]:
    """Turns what the office libraries raise on damaged files into a DocumentError (``damaged``)."""
    try:
        yield
    except (KeyError, ValueError, AttributeError, SyntaxError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(f"{type(error).__name__}: {error}") from error


def office_archive(stream: BinaryIO) -> io.BytesIO:
    """The file in memory, checked, and in the form that the office libraries know.

    Two forms are rewritten: "Strict" files, which use other names for the same elements, and templates, shows and files with macros,
    which differ in their declared type only.

    Raises:
        DocumentError: ``damaged``, or ``too_large`` when it unpacks to more than can be read safely.
    """
    content = io.BytesIO(stream.read())
    check_archive(content)
    with damage_reported(), zipfile.ZipFile(content) as archive:
        types = archive.read("[Content_Types].xml")
        relations = archive.read("_rels/.rels")
        strict = _STRICT.search(relations) is not None
        if strict or _VARIANT_TYPE.search(types):
            content = _rewritten(archive, strict)
    content.seek(0)
    return content


def _rewritten(archive: zipfile.ZipFile, strict: bool) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as rewritten:
        for name in archive.namelist():
            part = archive.read(name)
            if name == "[Content_Types].xml":
                part = _VARIANT_TYPE.sub(lambda match: _MAIN_TYPES[match[1]], part)
            if strict and name.endswith((".xml", ".rels")):
                part = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", part)
            rewritten.writestr(name, part)
    return target


def check_archive(stream: BinaryIO) -> list[str]:
    """The names of an archive's members.

    Raises:
        DocumentError: it is ``damaged``, or unpacks to too much (``too_large``).
    """
    try:
        members = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise _damaged(str(error)) from error
    for member in members:
        bomb = member.file_size > _RATIO_MATTERS_BYTES and member.file_size > LARGEST_RATIO * max(member.compress_size, 1)
        if bomb or (member.file_size > LARGEST_PART_BYTES and member.filename.endswith((".xml", ".rels"))):
            size = f"{member.file_size >> 20:,} MiB"
            raise DocumentError("too_large", f"Its part {member.filename} unpacks to {size}, more than can be read safely.")
    if sum(member.file_size for member in members) > LARGEST_UNPACKED_BYTES:
        raise DocumentError("too_large", f"It unpacks to more than {LARGEST_UNPACKED_BYTES >> 20:,} MiB.")
    return [member.filename for member in members]


def safe_xml(content: bytes) -> _Element:
    """Parse a part; entities stay unexpanded and nothing is loaded.

    An ``xml:id`` that is no name costs nothing: some programs write such, and nobody asks for it.
    """
    from lxml import etree

    options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    try:
        return etree.fromstring(content, etree.XMLParser(**options))
    except etree.XMLSyntaxError as error:
        lenient = etree.XMLParser(recover=True, **options)
        root = etree.fromstring(content, lenient)
        if root is None or any(one.type_name not in _ONLY_NAMES for one in lenient.error_log):
            raise error from None
        return root


def saved(document: object) -> io.BytesIO:
    """A python-docx or python-pptx document as a file in memory."""
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    buffer.seek(0)
    return buffer


def _damaged(detail: str) -> DocumentError:
    message = f"The file is damaged or not what its name says ({detail[:200]}). Open it in its program and save it again."
    return DocumentError("damaged", message)


def pictures_in(part: Any, root: _Element) -> list[Any]:
    """The parts of an archive that are the pictures of ``root``, an element of ``part``: each once, in the order of the text."""
    relations = (part.rels.get(picture.get(f"{_RELATIONSHIPS}embed", "")) for picture in root.iter(f"{_DRAWING}blip"))
    return list(dict.fromkeys(one.target_part for one in relations if one is not None and not one.is_external))

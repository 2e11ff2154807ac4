"""Files that stand in an Office document as objects: a workbook in a deck, a PDF in a letter.

Belongs here: getting such a file out of its OLE wrapping. Not here: attachments of mail, the formats themselves.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from rag_pipeline.ingestion.extract.inside import elements_inside
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DOCUMENTS = ("WordDocument", "Workbook", "Book", "PowerPoint Document", "__properties_version1.0", "EncryptedPackage")
_NATIVE = "\x01Ole10Native"


def embedded_elements(source: Source, content: bytes, name: str, page: int | None = None, path: tuple[str, ...] = ()) -> Iterator[Element]:
    """The elements of an embedded object, below its name; nothing for objects without a file in them, such as formulas and controls.

    Args:
        source: the document that holds it; its notes name what cannot be read.
        content: the object.
        name: shown where the object does not know its file's name.
        page: the page that it stands on.
        path: the headings above it.
    """
    found = _unwrapped(content, name) if content.startswith(_OLE) else (content, name)
    if found is not None and found[0]:
        for element in elements_inside(source, found[0], found[1], path):
            yield replace(element, page=page)


def inner_text(source: Source, content: bytes, name: str) -> Iterator[Element]:
    """The elements of a file that the document shows as its own text, without the file's name."""
    shown = f"{name}.eml" if name.endswith((".mht", ".mhtml")) else name
    inner = source.inside(content, shown)
    yield from source.read_inner(inner)
    source.notes += inner.notes


def _unwrapped(content: bytes, name: str) -> tuple[bytes, str] | None:
    """The file in an OLE object (MS-OLEDS 2.3), and its name."""
    import olefile

    with olefile.OleFileIO(io.BytesIO(content)) as ole:
        if any(ole.exists(stream) for stream in _DOCUMENTS):
            return content, name
        if ole.exists("Package"):
            return ole.openstream("Package").read(), name
        if ole.exists("CONTENTS"):  # Acrobat's objects
            return ole.openstream("CONTENTS").read(), name
        if ole.exists(_NATIVE):
            return _native(ole.openstream(_NATIVE).read(), name)
    return None


def _native(data: bytes, name: str) -> tuple[bytes, str]:
    """A file that was put in as it is: size, flags, label, path, flags, path, then size and bytes."""
    position = 6
    label, position = _text(data, position)
    _, position = _text(data, position)
    position += 4
    (length,) = struct.unpack_from("<I", data, position)
    position += 4 + length
    (size,) = struct.unpack_from("<I", data, position)
    return data[position + 4 : position + 4 + size], PurePath(label.replace("\\", "/")).name or name


def _text(data: bytes, start: int) -> tuple[str, int]:
    end = data.index(b"\0", start)
    return data[start:end].decode("cp1252", "replace"), end + 1

"""Files inside files: attachments of mail, members of archives.

Belongs here: reading one such file as a part of the document that holds it. Not here: taking the outer file apart.
They are read in memory only: their names lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element


def elements_in_place(source: Source, content: bytes) -> Iterator[Element]:
    """The elements of what a document really is, once it is decrypted or converted; pages and notes become those of ``source``."""
    inner = source.inside(content, source.name)
    yield from source.read_inner(inner)
    source.pages = inner.pages
    source.notes += inner.notes


def elements_inside(source: Source, content: bytes, name: str, heading_path: tuple[str, ...] = ()) -> Iterator[Element]:
    """The elements of a file inside ``source``, its name as a title above them. What cannot be read is named in the notes of ``source``.

    Args:
        source: the file that holds it.
        content: its bytes.
        name: its name as it is to be shown.
        heading_path: the headings above it.
    """
    try:
        inner = source.inside(content, name)
        elements = list(source.read_inner(inner))
    except DocumentError as error:
        source.notes.append(f"{name}, a file inside it, was not read: {error}")
        return
    source.notes.extend(f"{name}, a file inside it: {note}" for note in inner.notes)
    yield Element("Title", name, heading_path=heading_path)
    for element in elements:
        # A page of the inner file is no page of the outer one, and neither are its boxes.
        path = (*heading_path, name, *element.heading_path)
        yield replace(element, page=None, boxes=(), heading_path=path)

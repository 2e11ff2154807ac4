"""Books for Kindle and Mobipocket (mobi, azw, azw3, prc), and texts for Palm.

Belongs here: the header of a book and its text, which is HTML (MobileRead's wiki, "MOBI", "KF8"). Not here: records and how they are packed
(``palm_database``), HTML.

The package ``mobi`` is under the GPL, and unpacks pictures and fonts to a folder of files.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.books.kindle_index import pages_of
from rag_pipeline.ingestion.extract.books.palm_database import HUFFMAN, PALM_DOC, PLAIN, damaged, huffman_unpacker, records_of, unpacked
from rag_pipeline.ingestion.extract.data.decoding import clean_text, code_page_encoding, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_KIND_AT, _TEXT = 60, b"TEXtREAd"
_HEADER_AT, _LENGTH_AT, _CODE_PAGE_AT, _VERSION_AT, _NAME_AT, _HUFFMAN_AT = 16, 20, 28, 36, 84, 112
_FLOWS_AT, _BEHIND_RECORDS_AT, _PARTS_AT, _FRAMES_AT = 192, 242, 248, 252
_OF_PAGES = 8
"""The version since which a book is made of pages."""
_PROPERTIES = {100: "Author", 103: "Description", 105: "Subject", 503: "Title"}
_SHOWN = ("Title", "Author", "Subject", "Description")
_NONE = 0xFFFFFFFF
_TAG = re.compile(r"<[^<>]*>")
_NOT_SHOWN = re.compile(r"<head\b.*?</head\s*>|</?mbp:[^<>]*>", re.IGNORECASE | re.DOTALL)
"""Each page has the book's title in its head."""
_DRM = "The book is encrypted by its publisher (DRM) and opens only in the reader it was bought for."


@dataclass(frozen=True, slots=True)
class _Header:
    """Record 0."""

    content: bytes
    packing: int
    text_bytes: int
    text_records: int

    def number(self, place: int) -> int:
        """Four bytes of it, ``_NONE`` where it is shorter, or says that it does not have what they would say."""
        own = _HEADER_AT + int.from_bytes(self.content[_LENGTH_AT : _LENGTH_AT + 4], "big")
        return int.from_bytes(self.content[place : place + 4], "big") if place + 4 <= min(own, len(self.content)) else _NONE


def read_kindle(source: Source) -> Iterator[Element]:
    """What the book says of itself, and its text: as HTML, page by page where it has pages; as plain text where it is one for Palm.

    Raises:
        DocumentError: ``damaged``, ``password_protected`` (by its publisher), ``unreadable_content``.
    """
    content = source.stream.read()
    records = records_of(content)
    header = _header(records)
    text = _text(source, header, records)
    if content[_KIND_AT : _KIND_AT + len(_TEXT)] == _TEXT and header.content[_HEADER_AT : _HEADER_AT + 4] != b"MOBI":
        yield from paragraphs(decode_text(text))
        return
    declared = code_page_encoding(header.number(_CODE_PAGE_AT))
    if header.number(_VERSION_AT) == _OF_PAGES:
        pages = pages_of(text[: _end_of_first_flow(header, records)], records, header.number(_FRAMES_AT), header.number(_PARTS_AT))
    else:
        pages = [text]
    properties = _properties(header, declared or "utf-8")
    yield from with_properties(properties, _elements(source, pages, declared), source.name)


def _header(records: Sequence[bytes]) -> _Header:
    try:
        packing, text_bytes, text_records, _, encryption = struct.unpack_from(">H2xIHHH", records[0])
    except struct.error:
        raise damaged("its header is cut off") from None
    if encryption:
        raise DocumentError("password_protected", _DRM)
    return _Header(records[0], packing, text_bytes, text_records)


def _text(source: Source, header: _Header, records: Sequence[bytes]) -> bytes:
    unpack = _unpacker(header, records)
    behind = int.from_bytes(header.content[_BEHIND_RECORDS_AT : _BEHIND_RECORDS_AT + 2], "big") if header.number(240) != _NONE else 0
    pieces: list[bytes] = []
    for number, record in enumerate(records[1 : 1 + header.text_records], 1):
        with source.part(f"Record {number} of its text"):
            pieces.append(unpack(_without_what_follows(record, behind)))
    text = b"".join(pieces)
    if len(text) < header.text_bytes and not source.unread_parts:
        source.notes.append(f"It breaks off: {len(text):,} bytes of its text are there, of {header.text_bytes:,}.")
    return text


def _unpacker(header: _Header, records: Sequence[bytes]) -> Callable[[bytes], bytes]:
    if header.packing == PLAIN:
        return bytes
    if header.packing == PALM_DOC:
        return unpacked
    if header.packing == HUFFMAN:
        first, count = header.number(_HUFFMAN_AT), header.number(_HUFFMAN_AT + 4)
        return huffman_unpacker(records[first : first + count])
    raise DocumentError("unreadable_content", f"Its text is packed by a method that is not read ({header.packing}). Convert it to EPUB.")


def _without_what_follows(record: bytes, flags: int) -> bytes:
    """A record of text without the entries behind it, one for each bit, each with its size at its end; and the rest of a character."""
    end = len(record)
    for _ in range((flags >> 1).bit_count()):
        size, shift = 0, 0
        for byte in reversed(record[max(end - 4, 0) : end]):
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte & 0x80:
                break
        end = max(end - size, 0)
    if flags & 1 and end:
        end = max(end - (record[end - 1] & 3) - 1, 0)
    return record[:end]


def _end_of_first_flow(header: _Header, records: Sequence[bytes]) -> int | None:
    """Behind the text stand its styles and drawings."""
    number = header.number(_FLOWS_AT)
    record = records[number] if number < len(records) else b""
    return int.from_bytes(record[16:20], "big") if record[:4] == b"FDST" and len(record) >= 20 else None


def _properties(header: _Header, encoding: str) -> dict[str, str]:
    """What the book says of itself, in numbered records of its header (``EXTH``)."""
    found: dict[str, list[str]] = {}
    name_at, name_bytes = header.number(_NAME_AT), header.number(_NAME_AT + 4)
    name = header.content[name_at : name_at + name_bytes].decode(encoding, "replace") if name_bytes < len(header.content) else ""
    place = _HEADER_AT + header.number(_LENGTH_AT)
    if header.content[place : place + 4] == b"EXTH":
        count = int.from_bytes(header.content[place + 8 : place + 12], "big")
        place += 12
        for _ in range(count):
            kind, size = (
                int.from_bytes(header.content[place : place + 4], "big"),
                int.from_bytes(header.content[place + 4 : place + 8], "big"),
            )
            if size < 8:
                break
            if kind in _PROPERTIES:
                found.setdefault(_PROPERTIES[kind], []).append(header.content[place + 8 : place + size].decode(encoding, "replace"))
            place += size
    stated = {"Title": name, **{kind: ", ".join(texts) for kind, texts in found.items()}}
    return {kind: _TAG.sub(" ", html.unescape(stated[kind])) for kind in _SHOWN if kind in stated}


def _elements(source: Source, pages: Sequence[bytes], declared: str | None) -> Iterator[Element]:
    for number, page in enumerate(pages, 1):
        with source.part(f"Page {number} of the book"):
            yield from html_elements(_NOT_SHOWN.sub(" ", clean_text(decode_text(page, declared))))

"""Messages saved by Outlook (.msg), read from their OLE streams.

Belongs here: the properties of a message and its attachments. Not here: MIME messages (``email_message``), other OLE files.

Not through unstructured's partitioner or python-oxmsg behind it: that one garbles or stops at code pages which Python names otherwise
(``windows-950``), and passes over messages attached to messages (measured, 0.0.2). Layout after MS-OXMSG, numbers after MS-OXPROPS.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, code_page_encoding, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.inside import elements_inside
from rag_pipeline.ingestion.extract.mail.email_message import what_only_this_says
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline.ingestion.extract.source import DEEPEST_INSIDE, Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from olefile import OleFileIO

_UNICODE_TEXT, _CODE_PAGE_TEXT, _BINARY, _TIME, _NUMBER = 0x001F, 0x001E, 0x0102, 0x0040, 0x0003
_MESSAGE_CLASS, _SUBJECT, _SENT, _DELIVERED = 0x001A, 0x0037, 0x0039, 0x0E06
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP, _TO, _CC = 0x0C1A, 0x0C1F, 0x5D01, 0x0E04, 0x0E03
_BODY, _COMPRESSED_RTF, _HTML = 0x1000, 0x1009, 0x1013
_CONTENT, _LONG_NAME, _SHORT_NAME, _DISPLAY_NAME, _CONTENT_TYPE, _CONTENT_ID = 0x3701, 0x3707, 0x3704, 0x3001, 0x370E, 0x3712
_INTERNET_CODE_PAGE, _MESSAGE_CODE_PAGE = 0x3FDE, 0x3FFD
_OUTER_HEADER, _INNER_HEADER, _PART_HEADER = 32, 24, 8
"""Bytes before the properties in ``__properties_version1.0`` of a message, an attached message, an attachment."""
_EMBEDDED = "__substg1.0_3701000D"
_EPOCH = datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class _Storage:
    """A folder of the OLE file that holds properties."""

    ole: OleFileIO[str]
    path: tuple[str, ...]
    header_bytes: int

    def text(self, number: int) -> str:
        """A text, or the empty one."""
        wide = self._stream(number, _UNICODE_TEXT)
        text = wide.decode("utf-16-le", "replace") if wide is not None else self._decoded(self._stream(number, _CODE_PAGE_TEXT) or b"")
        return clean_text(text).strip()

    def binary(self, number: int) -> bytes:
        """Bytes, or none."""
        return self._stream(number, _BINARY) or b""

    def value(self, number: int, kind: int) -> int:
        """A number, or a time in units of 100 nanoseconds since 1601; 0 where there is none."""
        name = [*self.path, "__properties_version1.0"]
        content = self.ole.openstream(name).read() if self.ole.exists(name) else b""
        for offset in range(self.header_bytes, len(content) - 15, 16):
            tag, _, value = struct.unpack_from("<IIQ", content, offset)
            if tag == number << 16 | kind:
                return int(value if kind == _TIME else value & 0xFFFFFFFF)
        return 0

    def encoding(self) -> str:
        """The encoding of texts that are not Unicode."""
        page = self.value(_INTERNET_CODE_PAGE, _NUMBER) or self.value(_MESSAGE_CODE_PAGE, _NUMBER) or 1252
        return code_page_encoding(page) or "cp1252"

    def parts(self, prefix: str) -> list[str]:
        """Folders in this one whose names begin so, in order."""
        depth = len(self.path)
        names = {
            entry[depth]
            for entry in self.ole.listdir(streams=True, storages=True)
            if tuple(entry[:depth]) == self.path and len(entry) > depth
        }
        return sorted(name for name in names if name.startswith(prefix))

    def inside(self, *names: str, header_bytes: int) -> _Storage:
        """A folder in this one."""
        return _Storage(self.ole, (*self.path, *names), header_bytes)

    def _stream(self, number: int, kind: int) -> bytes | None:
        name = [*self.path, f"__substg1.0_{number:04X}{kind:04X}"]
        return self.ole.openstream(name).read() if self.ole.exists(name) else None

    def _decoded(self, content: bytes) -> str:
        return decode_text(content.rstrip(b"\0"), self.encoding())


def read_outlook_message(source: Source, ole: OleFileIO[str]) -> Iterator[Element]:
    """Subject as title, sender, receivers and date, the body, then attachments, messages among them, each under its name.

    Raises:
        DocumentError: the message is encrypted (``password_protected``).
    """
    yield from _message_elements(_Storage(ole, (), _OUTER_HEADER), (), source, 0)


def _message_elements(message: _Storage, above: tuple[str, ...], source: Source, depth: int) -> Iterator[Element]:
    if depth > DEEPEST_INSIDE:
        raise DocumentError("too_deep", f"Messages are nested in it more than {DEEPEST_INSIDE} levels deep.")
    attachments = [message.inside(name, header_bytes=_PART_HEADER) for name in message.parts("__attach_version1.0_")]
    if message.text(_MESSAGE_CLASS).upper() == "IPM.NOTE.SMIME" or any(_is_encryption(part, attachments) for part in attachments):
        explained = "The message is encrypted. Open it in the mail program that has its key, and save a readable copy."
        raise DocumentError("password_protected", explained)
    subject = " ".join(message.text(_SUBJECT).split())
    if subject:
        yield Element("Title", subject, heading_path=above)
        above = (*above, subject)
    headers = "\n".join(_headers(message))
    if headers:
        yield Element("EmailMetadata", headers, heading_path=above)
    yield from _body_elements(message, above, source)
    for attachment in attachments:
        yield from _attachment_elements(attachment, above, source, depth)


def _is_encryption(attachment: _Storage, attachments: list[_Storage]) -> bool:
    """Whether it is what the message really says. Signed files are of the same type, but go by other names (RFC 8551, 3.2.1)."""
    kind, name = attachment.text(_CONTENT_TYPE).lower(), attachment.text(_LONG_NAME) or attachment.text(_SHORT_NAME)
    sealed = kind in ("application/pkcs7-mime", "application/x-pkcs7-mime") and name.lower() in ("", "smime.p7m")
    return kind == "application/pgp-encrypted" or (sealed and len(attachments) == 1)


def _headers(message: _Storage) -> Iterator[str]:
    name, address = message.text(_SENDER_NAME), message.text(_SENDER_SMTP) or message.text(_SENDER_ADDRESS)
    shown_address = f"<{address}>" if "@" in address and address != name else ""
    sent = message.value(_SENT, _TIME) or message.value(_DELIVERED, _TIME)
    values = {
        "From": f"{name} {shown_address}",
        "To": message.text(_TO),
        "Cc": message.text(_CC),
        "Date": _date(sent),
    }
    for label, value in values.items():
        if value.strip():
            yield f"{label}: {' '.join(value.split())}"


def _date(ticks: int) -> str:
    try:
        return (_EPOCH + datetime.timedelta(microseconds=ticks // 10)).strftime("%Y-%m-%d %H:%M UTC") if ticks else ""
    except OverflowError:
        return ""


def _body_elements(message: _Storage, path: tuple[str, ...], source: Source) -> Iterator[Element]:
    page = decode_text(message.binary(_HTML), message.encoding()) or message.text(_HTML)
    text, packed = message.text(_BODY), message.binary(_COMPRESSED_RTF)
    best: list[Element] = []
    with source.part("A form of its text"):
        if page.strip():
            best = html_elements(page)
        elif packed and not text:
            best = list(rich_text(packed, source))
    yield from (replace(element, heading_path=(*path, *element.heading_path)) for element in best)
    yield from what_only_this_says(paragraphs(text, path), best) if best else paragraphs(text, path)


def rich_text(packed: bytes, source: Source) -> Iterator[Element]:
    """The elements of a body in RTF, packed as Outlook does (MS-OXRTFCP)."""
    from compressed_rtf import decompress

    from rag_pipeline.ingestion.extract.markup.rtf.reader import read_rtf

    yield from read_rtf(source.inside(decompress(packed), "body.rtf"))


def _attachment_elements(attachment: _Storage, path: tuple[str, ...], source: Source, depth: int) -> Iterator[Element]:
    if attachment.parts(_EMBEDDED):
        with source.part("A message attached to it"):
            yield from _message_elements(attachment.inside(_EMBEDDED, header_bytes=_INNER_HEADER), path, source, depth + 1)
        return
    decoration = attachment.text(_CONTENT_ID) and attachment.text(_CONTENT_TYPE).startswith("image/")
    content = attachment.binary(_CONTENT)
    name = attachment.text(_LONG_NAME) or attachment.text(_SHORT_NAME) or attachment.text(_DISPLAY_NAME) or "attachment"
    if content and not decoration:
        yield from elements_inside(source, content, " ".join(name.split()), path)

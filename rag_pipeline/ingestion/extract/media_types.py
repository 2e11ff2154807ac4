"""Which type a file has, told by its first bytes and, where they leave it open, by its name.

Belongs here: the order in which families are asked, telling text from binary, types that no family reads but that have a name.
Not here: reading files, what tells a family's formats (their records), which families there are (``registry``).
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePath

from rag_pipeline.ingestion.extract.family import Container, Family, Format

HEAD_BYTES = 8192
"""How much of a file detection wants to see."""

PLAIN = "text/plain"
OLE_OFFICE = "application/x-ole-office"
"""A modern office name on an OLE container: the form that a password gives to docx, pptx and xlsx files."""
OLE_STORAGE = "application/x-ole-storage"
"""An OLE container whose name says nothing."""
UNKNOWN = "application/octet-stream"
_ZIP = "application/zip"
_ZIP_PACKAGE = "application/x-zip-package"
"""A zip container whose name says that it is something else: a program, a font, an app."""

_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_ZIP_MIMETYPE = re.compile(rb"PK\x03\x04.{26}mimetype(application/[\w.+-]+?)(?=PK|$)", re.DOTALL)
_OFFICE_START = re.compile(rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/\.rels|docProps/)", re.DOTALL)
"""How Office files begin that someone has renamed to ``.zip``."""
_UNREAD_SUFFIXES = {"svg": "image/svg+xml"}
_UNREAD_SIGNATURES = (
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"%!PS", "application/postscript"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/x-executable"),
)
_OPENING_BYTES = 256
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_CONTROL_BYTES = bytes(byte for byte in range(32) if byte not in b"\t\n\x0b\x0c\r\x1b") + b"\x7f"
_LARGEST_CONTROL_SHARE = 0.02
"""Text has hardly any control bytes; compressed or random bytes have a tenth."""
_LARGEST_NAMED_CONTROL_SHARE = 0.08
"""A name that promises text is believed a little longer: files with stray NULs exist."""


class Detection:
    """What tells the formats of some families from each other, and from all else."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._formats = [one for family in families for one in family.formats]
        self._texts = {**_UNREAD_SUFFIXES, **self._by_suffix("text")}
        self._archives = self._by_suffix("zip")
        self._containers = self._by_suffix("ole")
        self._told_by_name = {
            suffix: one.media_type
            for one in self._formats
            if one.container == "zip" and not one.zip_folder and one.zip_mimetype is None and one.media_type != _ZIP
            for suffix in one.suffixes
        }

    def _by_suffix(self, container: Container) -> dict[str, str]:
        return {suffix: one.media_type for one in self._formats if one.container == container for suffix in one.suffixes}

    @cached_property
    def fingerprint(self) -> str:
        """Changes when another type may be told of some file."""
        known = [_described(one) for one in self._formats]
        return hashlib.sha256(repr((known, _UNREAD_SUFFIXES, _UNREAD_SIGNATURES)).encode()).hexdigest()[:16]

    def media_type_of(self, name: str, head: bytes) -> str:
        """See ``registry.media_type_of``."""
        suffix = PurePath(name).suffix.lower().lstrip(".")
        binary = self._binary_type(suffix, head)
        if binary:
            return binary
        if not looks_like_text(head, named_text=suffix in self._texts):
            return UNKNOWN
        return self._text_type(suffix, head)

    def _binary_type(self, suffix: str, head: bytes) -> str | None:
        for one in self._formats:
            if _is_signed(one, suffix, head):
                return one.media_type
        if head.startswith(_ZIP_SIGNATURES):
            return self._zip_type(suffix, head)
        if head.startswith(_OLE_SIGNATURE):
            return OLE_OFFICE if suffix in self._archives else self._containers.get(suffix, OLE_STORAGE)
        return next((media_type for signature, media_type in _UNREAD_SIGNATURES if head.startswith(signature)), None)

    def _zip_type(self, suffix: str, head: bytes) -> str:
        stored = _ZIP_MIMETYPE.match(head)
        if stored:  # OpenDocument and EPUB say what they are in an uncompressed first member
            said = stored[1].decode("ascii")
            return next((one.media_type for one in self._formats if one.zip_mimetype and one.zip_mimetype.fullmatch(said)), said)
        if suffix in self._told_by_name:
            return self._told_by_name[suffix]
        if suffix == "zip" and not _OFFICE_START.match(head):  # what is inside may be documents, whole and uncompressed
            return _ZIP
        held = [one for one in self._formats if one.zip_folder and one.zip_folder in head]
        named = (one for one in held if suffix in one.suffixes)  # a document may hold a drawing: one of another kind, whole
        chosen = next(named, min(held, key=lambda one: _first_member(one.zip_folder, head), default=None))
        if chosen or suffix in self._archives:
            return chosen.media_type if chosen else self._archives[suffix]
        return _ZIP if not suffix or suffix in self._texts else _ZIP_PACKAGE  # what is named as a text was packed, and named as before

    def _text_type(self, suffix: str, head: bytes) -> str:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:_OPENING_BYTES].lower()
        named = self._texts.get(suffix)
        for one in self._formats:
            if any(named in opening.overrules and opening.pattern.match(start) for opening in one.openings):
                return one.media_type
        return named or PLAIN


def _first_member(folder: bytes, head: bytes) -> int:
    """Where the first member in a folder begins (local file header: APPNOTE.TXT, 4.3.7); the end where none is seen."""
    found = re.search(rb"PK\x03\x04.{26}" + re.escape(folder), head, re.DOTALL)
    return found.start() if found else len(head)


def _is_signed(one: Format, suffix: str, head: bytes) -> bool:
    if one.signature is not None and one.signature.match(head):
        return True
    return one.named_signature is not None and suffix in one.suffixes and one.named_signature.match(head) is not None


def _described(one: Format) -> tuple[object, ...]:
    """All of a format but its reader."""
    signatures = [pattern and pattern.pattern for pattern in (one.signature, one.named_signature, one.zip_mimetype)]
    openings = [(opening.pattern.pattern, opening.overrules) for opening in one.openings]
    return one.media_type, one.suffixes, one.container, signatures, one.zip_folder, openings


def looks_like_text(head: bytes, named_text: bool = False) -> bool:
    """Whether bytes are text in some encoding; ``named_text`` when the file's name says so."""
    if head.startswith(_BYTE_ORDER_MARKS) or utf16_without_mark(head):
        return True
    limit = _LARGEST_NAMED_CONTROL_SHARE if named_text else _LARGEST_CONTROL_SHARE
    controls = len(head) - len(head.translate(None, _CONTROL_BYTES))
    return controls <= max(limit * len(head), 4 if named_text else 0)


def utf16_without_mark(head: bytes) -> str | None:
    """``utf-16-le`` or ``utf-16-be`` when every second byte is nearly always zero, as in western text; otherwise None."""
    even, odd = head[0::2], head[1::2]
    if len(odd) < 4:
        return None
    if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None

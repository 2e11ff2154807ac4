"""Which type a file has, told by its first bytes and, where they leave it open, by its name.

Belongs here: pure decisions on bytes and names. Not here: reading files, and which types can be read (``families``).
"""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

HEAD_BYTES = 8192
"""How much of a file :func:`media_type_of` wants to see."""

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
EMAIL = "message/rfc822"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OLE_OFFICE = "application/x-ole-office"
"""A modern office name on an OLE container: the form that a password gives to docx, pptx and xlsx files."""
UNKNOWN = "application/octet-stream"

_TEXT_TYPES = {
    "txt": PLAIN,
    "text": PLAIN,
    "log": PLAIN,
    "rst": PLAIN,
    "org": PLAIN,
    "md": MARKDOWN,
    "markdown": MARKDOWN,
    "htm": HTML,
    "html": HTML,
    "xhtml": HTML,
    "csv": CSV,
    "tsv": TSV,
    "tab": TSV,
    "json": JSON,
    "ipynb": JSON,
    "geojson": JSON,
    "jsonl": JSON_LINES,
    "ndjson": JSON_LINES,
    "eml": EMAIL,
    "mbox": "application/mbox",
    "xml": "application/xml",
    "svg": "image/svg+xml",
}
_ZIP_TYPES = {
    "docx": DOCX,
    "docm": DOCX,
    "dotx": DOCX,
    "pptx": PPTX,
    "pptm": PPTX,
    "ppsx": PPTX,
    "xlsx": XLSX,
    "xlsm": XLSX,
    "xltx": XLSX,
}
_BINARY_WORKBOOK = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
_OLE_TYPES = {
    "doc": "application/msword",
    "dot": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pps": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"%!PS", "application/postscript"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/x-executable"),
)
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_CONTROL_BYTES = bytes(byte for byte in range(32) if byte not in b"\t\n\x0b\x0c\r\x1b") + b"\x7f"
_LARGEST_CONTROL_SHARE = 0.02
"""Text has hardly any control bytes; compressed or random bytes have a tenth."""
_LARGEST_NAMED_CONTROL_SHARE = 0.08
"""A name that promises text is believed a little longer: files with stray NULs exist."""


def media_type_of(name: str, head: bytes) -> str:
    """The media type of a file.

    Args:
        name: the file's name or path; only its extension is looked at.
        head: its first :data:`HEAD_BYTES` bytes (fewer if it is shorter).

    Returns:
        A media type; ``application/octet-stream`` for bytes that say nothing.
    """
    extension = PurePath(name).suffix.lower().lstrip(".")
    binary = _binary_type(extension, head)
    if binary:
        return binary
    if not looks_like_text(head, named_text=extension in _TEXT_TYPES):
        return UNKNOWN
    return _text_type(extension, head)


def _binary_type(extension: str, head: bytes) -> str | None:
    # Some producers put print commands or a wrapper in front; readers look for the header in the first kilobyte.
    if b"%PDF-" in head[:1024] or (extension == "pdf" and b"%PDF-" in head):
        return PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_type(extension, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return OLE_OFFICE if extension in _ZIP_TYPES else _OLE_TYPES.get(extension, "application/x-ole-storage")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for signature, media_type in _SIGNATURES if head.startswith(signature)), None)


def _zip_type(extension: str, head: bytes) -> str:
    stored = re.match(rb"PK\x03\x04.{26}mimetype(application/[\w.+-]+?)(?=PK|$)", head, re.DOTALL)
    if stored:  # OpenDocument and EPUB say what they are in an uncompressed first member
        return stored[1].decode("ascii")
    if extension == "xlsb":
        return _BINARY_WORKBOOK
    for folder, media_type in ((b"word/", DOCX), (b"ppt/", PPTX), (b"xl/", XLSX)):
        if folder in head:
            return media_type
    return _ZIP_TYPES.get(extension, "application/zip")


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


def _text_type(extension: str, head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    named = _TEXT_TYPES.get(extension)
    if named not in (None, PLAIN):
        return HTML if named == "application/xml" and b"<html" in start else str(named)
    if re.match(rb"(<!--.*?-->\s*)?<(!doctype html|html)\b", start):
        return HTML
    if start.startswith(b"<?xml") and named is None:
        return "application/xml"
    return PLAIN

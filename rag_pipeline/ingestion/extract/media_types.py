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
SOURCE_CODE = "text/x-source-code"
SUBTITLES = "text/vtt"
MARKDOWN = "text/markdown"
RESTRUCTURED_TEXT = "text/x-rst"
ORG = "text/x-org"
RTF = "application/rtf"
EPUB = "application/epub+zip"
HTML = "text/html"
XML = "application/xml"
YAML = "application/yaml"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
NOTEBOOK = "application/x-ipynb+json"
EMAIL = "message/rfc822"
MAILBOX = "application/mbox"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BINARY_WORKBOOK = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
DOC = "application/msword"
XLS = "application/vnd.ms-excel"
PPT = "application/vnd.ms-powerpoint"
MSG = "application/vnd.ms-outlook"
OLE_OFFICE = "application/x-ole-office"
"""A modern office name on an OLE container: the form that a password gives to docx, pptx and xlsx files."""
OLE_STORAGE = "application/x-ole-storage"
OLE_TYPES = (DOC, XLS, PPT, MSG, OLE_OFFICE, OLE_STORAGE)
"""One family reads them all: which of them a file is, its directory says, not its name."""
PNG, JPEG, TIFF, WEBP = "image/png", "image/jpeg", "image/tiff", "image/webp"
HEIC, BMP, GIF = "image/heic", "image/bmp", "image/gif"
PICTURES = (PNG, JPEG, TIFF, WEBP, HEIC, BMP, GIF)
UNKNOWN = "application/octet-stream"

_SOURCE_CODE_NAMES = (
    "py pyi js mjs cjs jsx ts tsx java kt kts scala c h cc cpp cxx hpp hh cs go rs rb php pl pm lua r jl swift m mm sh bash zsh fish "
    "ps1 bat cmd sql toml ini cfg conf properties env gradle cmake mk dockerfile tf hcl proto graphql css scss less vue svelte dart ex "
    "exs erl hrl hs ml mli clj cljs lisp el scm f f90 for pas vb vbs asm s tex bib sty diff patch"
)
_TEXT_TYPES = {
    **dict.fromkeys(("txt", "text", "log", "nfo", "readme"), PLAIN),
    **dict.fromkeys(("md", "markdown", "mkd", "qmd", "rmd"), MARKDOWN),
    **dict.fromkeys(("htm", "html", "xhtml", "shtml"), HTML),
    **dict.fromkeys(("tsv", "tab"), TSV),
    **dict.fromkeys(("json", "geojson", "webmanifest"), JSON),
    **dict.fromkeys(("jsonl", "ndjson"), JSON_LINES),
    **dict.fromkeys(("yaml", "yml"), YAML),
    **dict.fromkeys(("xml", "rss", "atom", "xsd", "dita", "docbook"), XML),
    **dict.fromkeys(("srt", "vtt"), SUBTITLES),
    **dict.fromkeys(("rst", "rest"), RESTRUCTURED_TEXT),
    "org": ORG,
    "rtf": RTF,
    "csv": CSV,
    "ipynb": NOTEBOOK,
    "eml": EMAIL,
    "mbox": MAILBOX,
    "svg": "image/svg+xml",
    **dict.fromkeys(_SOURCE_CODE_NAMES.split(), SOURCE_CODE),
}
_ZIP_TYPES = {
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), DOCX),
    **dict.fromkeys(("pptx", "pptm", "ppsx", "ppsm", "potx", "potm"), PPTX),
    **dict.fromkeys(("xlsx", "xlsm", "xltx", "xltm"), XLSX),
    "xlsb": BINARY_WORKBOOK,
    "odt": ODT,
    "ott": ODT,
    "odp": ODP,
    "otp": ODP,
    "ods": ODS,
    "ots": ODS,
    "epub": EPUB,
}
_OLE_NAMES = {
    **dict.fromkeys(("doc", "dot"), DOC),
    **dict.fromkeys(("xls", "xlt", "xla"), XLS),
    **dict.fromkeys(("ppt", "pps", "pot"), PPT),
    "msg": MSG,
}
_OPEN_DOCUMENT_VARIANTS = re.compile(r"(application/vnd\.oasis\.opendocument\.(?:text|presentation|spreadsheet))(?:-[\w-]+)?")
"""Templates and the like are read as what they are templates of."""
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif")
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF8", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"{\\rtf", RTF),
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
        return OLE_OFFICE if extension in _ZIP_TYPES else _OLE_NAMES.get(extension, OLE_STORAGE)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return HEIC
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0" and len(head) > 26:
        return BMP
    return next((media_type for signature, media_type in _SIGNATURES if head.startswith(signature)), None)


def _zip_type(extension: str, head: bytes) -> str:
    stored = re.match(rb"PK\x03\x04.{26}mimetype(application/[\w.+-]+?)(?=PK|$)", head, re.DOTALL)
    if stored:  # OpenDocument and EPUB say what they are in an uncompressed first member
        return _OPEN_DOCUMENT_VARIANTS.sub(r"\1", stored[1].decode("ascii"))
    if extension == "xlsb":
        return BINARY_WORKBOOK
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
        return HTML if named == XML and b"<html" in start else str(named)
    if re.match(rb"(<!--.*?-->\s*)?<(!doctype html|html)\b", start):
        return HTML
    if start.startswith(b"<?xml") and named is None:
        return XML
    return PLAIN

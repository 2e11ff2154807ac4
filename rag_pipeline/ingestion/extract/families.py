"""Which module reads which media type, and the one way to read a file of any of them.

Belongs here: the table of families and what the user is told about types outside it. Not here: any format, any process.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract import media_types as types
from rag_pipeline.models import Extraction

EXTRACTOR_VERSION = "1"
"""Raise it when a document may give other elements than before: everything is then read again."""

Reader = Callable[[BinaryIO], Extraction]
"""A family's entry point: an open binary file at position 0 to its elements."""

_READERS = {
    types.PLAIN: "plain_text:read_plain_text",
    types.MARKDOWN: "markdown:read_markdown",
    types.HTML: "html:read_html",
    types.CSV: "delimited:read_delimited",
    types.TSV: "delimited:read_delimited",
    types.JSON: "json_text:read_json_document",
    types.JSON_LINES: "json_text:read_json_lines",
    types.EMAIL: "email_message:read_email",
    types.PDF: "pdf:read_pdf",
    types.DOCX: "word:read_word",
    types.PPTX: "slides:read_slides",
    types.XLSX: "workbook:read_workbook",
    types.OLE_OFFICE: "office_file:read_protected_office_file",
}
_SUPPORTED = "PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), e-mail (.eml), HTML, Markdown, plain text, CSV, TSV and JSON"


def extract(path: Path, media_type: str) -> Extraction:
    """Read a file.

    Args:
        path: the file.
        media_type: what :func:`media_type_of` said.

    Returns:
        The elements, at least one.

    Raises:
        DocumentError: the file cannot be read: codes ``unsupported_type``, ``damaged``, ``password_protected``, ``empty``,
            ``no_text_layer``, ``too_large``, ``too_deep``.
        TransientError: the file cannot be opened now: codes ``vanished``, ``unreadable``.
    """
    with open_document(path) as stream:
        return extract_stream(stream, media_type, path.name)


def extract_stream(stream: BinaryIO, media_type: str, name: str) -> Extraction:
    """:func:`extract` for a file that is already open; ``name`` is used in messages only."""
    reader = reader_of(media_type, name)
    if not stream.read(1):
        raise DocumentError("empty", "The file is empty (zero bytes).", state="empty")
    stream.seek(0)
    extraction = reader(stream)
    if not any(element.text.strip() for element in extraction.elements):
        raise DocumentError("empty", "The file holds no text.", state="empty")
    return extraction


def open_document(path: Path) -> BufferedReader:
    """Open a file for reading.

    Raises:
        TransientError: it is gone (``vanished``) or may not be read (``unreadable``).
    """
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise TransientError("vanished", "The file was removed before it could be read.") from None
    except OSError as error:
        raise TransientError("unreadable", f"The file cannot be opened: {error.strerror}. Check its permissions.") from error


def reader_of(media_type: str, name: str) -> Reader:
    """The family that reads a media type; its libraries are imported now.

    Raises:
        DocumentError: no family does (``unsupported_type``).
    """
    entry = _READERS.get(media_type)
    if entry is None:
        shown = f"{media_type}, {PurePath(name).suffix}" if PurePath(name).suffix else media_type
        message = f"Files of this type ({shown}) are not supported. Supported are {_SUPPORTED}."
        raise DocumentError("unsupported_type", message, state="unsupported")
    module, function = entry.split(":")
    return cast("Reader", getattr(importlib.import_module(f"rag_pipeline.ingestion.extract.{module}"), function))

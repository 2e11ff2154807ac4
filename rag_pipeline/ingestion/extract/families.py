"""Which module reads which media type, and the one way to read a file of any of them.

Belongs here: the table of families and what the user is told about types outside it. Not here: any format, any process.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePath
from typing import cast

from rag_pipeline.errors import DocumentError, RagError, TransientError
from rag_pipeline.ingestion.extract import media_types as types
from rag_pipeline.ingestion.extract.source import Reader, ReadingOptions, Source, whole
from rag_pipeline.models import Element, Extraction

EXTRACTOR_VERSION = "6"
"""Raise it when a document may give other elements than before: everything is then read again."""

_READERS = {
    types.PLAIN: "data.plain_text:read_plain_text",
    types.SOURCE_CODE: "data.source_code:read_source_code",
    types.SUBTITLES: "markup.subtitles:read_subtitles",
    types.MARKDOWN: "markup.markdown:read_markdown",
    types.RESTRUCTURED_TEXT: "markup.pandoc_markup:read_restructured_text",
    types.ORG: "markup.pandoc_markup:read_org",
    types.RTF: "markup.rtf:read_rtf",
    types.EPUB: "markup.pandoc_markup:read_epub",
    types.HTML: "markup.html:read_html",
    types.XML: "markup.xml_text:read_xml",
    types.YAML: "data.source_code:read_source_code",
    types.CSV: "data.delimited:read_delimited",
    types.TSV: "data.delimited:read_delimited",
    types.JSON: "data.json_text:read_json_document",
    types.JSON_LINES: "data.json_text:read_json_lines",
    types.NOTEBOOK: "data.notebook:read_notebook",
    types.EMAIL: "mail.email_message:read_email",
    types.MAILBOX: "mail.mailbox:read_mailbox",
    types.PDF: "pdf.reader:read_pdf",
    types.DOCX: "office.word:read_word",
    types.PPTX: "office.slides:read_slides",
    types.XLSX: "office.workbook:read_workbook",
    types.BINARY_WORKBOOK: "office.workbook_values:read_workbook_values",
    types.ODT: "office.open_document:read_open_text",
    types.ODP: "office.open_document:read_open_slides",
    types.ODS: "office.workbook_values:read_workbook_values",
    **dict.fromkeys(types.OLE_TYPES, "office.ole_file:read_ole_file"),
    **dict.fromkeys(types.PICTURES, "picture.picture:read_picture"),
}
_SUPPORTED = (
    "PDF, pictures of text (PNG, JPEG, TIFF, WebP, HEIC, BMP, GIF), Word, PowerPoint and Excel in new and old formats, OpenDocument, "
    "RTF, EPUB, HTML, Markdown, reStructuredText, Org, plain text, source code, subtitles, CSV, TSV, JSON, XML, YAML, notebooks, "
    "and mail (.eml, .msg, .mbox)"
)
_LONGEST_DETAIL = 300


def extract(path: Path, media_type: str, options: ReadingOptions | None = None) -> Extraction:
    """Read a file whole.

    Args:
        path: the file.
        media_type: what :func:`media_type_of` said.
        options: how to read; the defaults if None.

    Returns:
        The elements, at least one.

    Raises:
        DocumentError: the file cannot be read: codes ``unsupported_type``, ``damaged``, ``password_protected``, ``empty``,
            ``no_text_layer``, ``missing_program``, ``too_large``, ``too_deep``, ``unreadable_content``.
        TransientError: the file cannot be opened now: codes ``vanished``, ``unreadable``.
    """
    with open_document(path) as stream:
        source = Source(stream, path.name, options or ReadingOptions(), path)
        return whole(source, elements_of(source, media_type))


def elements_of(source: Source, media_type: str) -> Iterator[Element]:
    """The elements of an open file as they are found: :func:`extract` for files of any size, and for files inside files.

    Whatever a library raises becomes a DocumentError here, because it belongs to this file only.
    """
    found = False
    try:
        reader = reader_of(media_type, source.name)
        if not source.stream.read(1):
            raise DocumentError("empty", "The file is empty (zero bytes).", state="empty")
        source.stream.seek(0)
        for element in reader(source):
            if element.text.strip():
                found = True
                yield element
    except (RagError, MemoryError):
        raise
    except RecursionError:
        raise DocumentError("too_deep", "The file nests its parts too deeply to be read.") from None
    except Exception as error:
        raise DocumentError("unreadable_content", _described(error)) from error
    if not found and source.unread_parts:
        raise DocumentError("damaged", f"No part of the file could be read. {source.notes[0]} Open it in its program and save it again.")
    if not found:
        raise DocumentError("empty", "The file holds no text.", state="empty")


def _described(error: Exception) -> str:
    detail = " ".join(str(error).split())[:_LONGEST_DETAIL]
    return f"The file could not be read: {type(error).__name__}: {detail}. It may be damaged: open it in its program and save it again."


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

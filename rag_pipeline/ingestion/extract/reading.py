"""The one way to read a file of any type.

Belongs here: opening it, what its errors become, what the user is told about types that are not read. Not here: any format, any process.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path, PurePath

from rag_pipeline.errors import DocumentError, RagError, TransientError
from rag_pipeline.ingestion.extract.media_types import HEAD_BYTES
from rag_pipeline.ingestion.extract.registry import media_type_of, reader_of, supported_formats
from rag_pipeline.ingestion.extract.source import NO_LIBRARY_ERRORS, ReadingOptions, Source, whole
from rag_pipeline.models import Element, Extraction

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
        source.read_inner, source.media_type_of = _elements_of_inner, media_type_of
        reader = reader_of(media_type)
        if reader is None:
            raise _unsupported(media_type, source.name)
        if not source.stream.read(1):
            raise DocumentError("empty", "The file is empty (zero bytes).", state="empty")
        source.stream.seek(0)
        for element in reader(source):
            if element.text.strip():
                found = True
                yield element
    except (RagError, MemoryError, *NO_LIBRARY_ERRORS):
        raise
    except RecursionError:
        raise DocumentError("too_deep", "The file nests its parts too deeply to be read.") from None
    except BaseException as error:
        raise DocumentError("unreadable_content", _described(error)) from error
    if not found and source.unread_parts:
        raise DocumentError("damaged", f"No part of the file could be read. {source.notes[0]} Open it in its program and save it again.")
    if not found and not source.members:
        raise DocumentError("empty", "The file holds no text.", state="empty")


def _elements_of_inner(source: Source) -> Iterator[Element]:
    head = source.stream.read(HEAD_BYTES)
    source.stream.seek(0)
    return elements_of(source, media_type_of(source.name, head))


def _unsupported(media_type: str, name: str) -> DocumentError:
    shown = f"{media_type}, {PurePath(name).suffix}" if PurePath(name).suffix else media_type
    message = f"Files of this type ({shown}) are not supported. Supported are {supported_formats()}."
    return DocumentError("unsupported_type", message, state="unsupported")


def _described(error: BaseException) -> str:
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

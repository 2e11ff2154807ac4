"""What runs in a process that reads documents: one document in, one result out, whatever happens in between.

Belongs here: the boundary around a document's extraction. Not here: the processes themselves (``processes``), formats (``reading``).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from io import BufferedReader
from pathlib import Path

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.element_rows import ElementRow
from rag_pipeline.ingestion.extract.process.sandbox import limit_time
from rag_pipeline.ingestion.extract.process.spool import Spool
from rag_pipeline.ingestion.extract.reading import elements_of, open_document
from rag_pipeline.ingestion.extract.registry import media_type_of
from rag_pipeline.ingestion.extract.source import ReadingOptions, Source
from rag_pipeline.models import Member


@dataclass(frozen=True, slots=True)
class ExtractionRequest:
    """A file to read.

    Attributes:
        path: what ``os.fsdecode`` gives.
        name: the document's, where the file at the path has another.
        content_hash: the sha256 of the expected bytes, in hexadecimal.
        spool: path prefix of the files that take the elements of a document too large to be handed over at once.
        ocr_languages: those that it is to be read with, where they are not those of all documents.
    """

    key: str
    path: str
    media_type: str
    content_hash: str
    spool: str = ""
    name: str = ""
    ocr_languages: str | None = None


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What one document may take, how it is read, and the folder for its temporary files."""

    largest_bytes: int
    seconds: float = 0.0
    options: ReadingOptions = field(default_factory=ReadingOptions)
    scratch: str | None = None


@dataclass(frozen=True, slots=True)
class ExtractionResult:
    """What became of a request: either the document's elements, or the error's code and words.

    ``state`` is ``extracted``, or the document state that the error leads to; ``transient`` errors are worth another attempt.
    ``elements`` are rows, not records: those take thirty times as long on their way to another process. ``spooled`` ones come before them,
    in files. ``pages`` and ``notes`` as in :class:`rag_pipeline.models.Extraction`. ``members`` are those of an archive, else None.
    """

    key: str
    error_code: str | None
    error: str | None
    state: str
    transient: bool
    seconds: float = 0.0
    elements: Sequence[ElementRow] = ()
    pages: int | None = None
    notes: Sequence[str] = ()
    spooled: int = 0
    members: Sequence[Member] | None = None


def failure(key: str, error: DocumentError | TransientError) -> ExtractionResult:
    """The result of a request that failed."""
    state = error.state if isinstance(error, DocumentError) else "failed"
    return ExtractionResult(key, error.code, str(error), state, isinstance(error, TransientError))


def out_of_memory(memory_bytes: int) -> DocumentError:
    """The error of a document that needed more memory than it may have."""
    needed = f"Reading the file needed more than {memory_bytes / 1e6:,.0f} MB of memory."
    return DocumentError("out_of_memory", f"{needed} Split it, or raise RAG_EXTRACTION_MEMORY_BYTES.")


def read_document(request: ExtractionRequest, limits: ReadingLimits) -> ExtractionResult:
    """Read one document. Never raises: any error becomes the document's."""
    started = time.perf_counter()
    try:
        with _scratch_folder(limits.scratch):
            limit_time(limits.seconds)
            result = _read(request, limits)
    except (DocumentError, TransientError) as error:
        result = failure(request.key, error)
    except MemoryError:
        result = failure(request.key, out_of_memory(limits.options.memory_bytes))
    finally:
        limit_time(0)
    return replace(result, seconds=time.perf_counter() - started)


def _read(request: ExtractionRequest, limits: ReadingLimits) -> ExtractionResult:
    path = Path(request.path)
    with open_document(path) as stream:
        if os.fstat(stream.fileno()).st_size > limits.largest_bytes:
            limit = f"{limits.largest_bytes / 2**20:,.0f} MiB"
            raise DocumentError("too_large", f"The file is larger than {limit}, the limit set by RAG_MAX_FILE_BYTES.")
        _check_content(stream, request.content_hash)
        options = replace(limits.options, ocr_languages=request.ocr_languages or limits.options.ocr_languages)
        source = Source(stream, request.name or path.name, options, path, more_time=partial(limit_time, limits.seconds))
        spool = Spool(request.key, request.spool)
        for element in elements_of(source, request.media_type):
            spool.add(element)
        _check_content(stream, request.content_hash)
    found = spool.waiting, source.pages, source.notes, spool.written, source.members or None
    return ExtractionResult(request.key, None, None, "extracted", False, 0.0, *found)


def unpack_archive(path: str, name: str, wanted: str, folder: str, options: ReadingOptions, seconds: float) -> dict[str, Path]:
    """Unpack files of an archive in this process: see :func:`rag_pipeline.ingestion.extract.archive.reader.unpacked`.

    Raises:
        DocumentError: the archive cannot be read.
    """
    from rag_pipeline.ingestion.extract.archive.reader import unpacked

    try:
        limit_time(seconds)
        return unpacked(Path(path), name, wanted, Path(folder), options, media_type_of, partial(limit_time, seconds))
    finally:
        limit_time(0)


@contextmanager
def _scratch_folder(scratch: str | None) -> Iterator[None]:
    """Temporary files of this document, of libraries and of programs too, go into a folder that is removed with them."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        before = tempfile.tempdir
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
            os.environ["TMPDIR"] = tempfile.gettempdir()


def _check_content(stream: BufferedReader, content_hash: str) -> None:
    """The file may be written to while it is read: what was read must be what was asked for, before and after."""
    stream.seek(0)
    try:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise TransientError("unreadable", f"The file cannot be read: {error.strerror}. Check the disk it is on.") from error
    if digest != content_hash:
        raise TransientError("changed_while_read", "The file changed while it was read; it is read again once it is settled.")
    stream.seek(0)

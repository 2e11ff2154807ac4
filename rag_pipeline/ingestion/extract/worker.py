"""What runs in a process that reads documents: one document in, one result out, whatever happens in between.

Belongs here: the boundary around a document's extraction. Not here: the processes themselves (``pool``), formats (``families``).
"""

from __future__ import annotations

import ctypes
import hashlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from io import BufferedReader
from multiprocessing.process import BaseProcess
from pathlib import Path

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.families import extract_stream, open_document
from rag_pipeline.models import Extraction

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class ExtractionRequest:
    """A file to read. ``path`` is what ``os.fsdecode`` gives; ``content_hash`` the sha256 of the expected bytes, in hexadecimal."""

    key: str
    path: str
    media_type: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class ExtractionResult:
    """What became of a request: either ``extraction``, or the error's code and words.

    ``state`` is ``extracted``, or the document state that the error leads to; ``transient`` errors are worth another attempt.
    """

    key: str
    extraction: Extraction | None
    error_code: str | None
    error: str | None
    state: str
    transient: bool
    seconds: float


def failure(key: str, error: DocumentError | TransientError) -> ExtractionResult:
    """The result of a request that failed."""
    state = error.state if isinstance(error, DocumentError) else "failed"
    return ExtractionResult(key, None, error.code, str(error), state, isinstance(error, TransientError), 0.0)


def start_worker() -> None:
    """Prepare a fresh process for reading."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    _die_with_parent()
    # spaCy, behind unstructured, imports torch where it is installed: 180 MB and 1.5 s in each worker for nothing.
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]


def _die_with_parent() -> None:
    """End this process when the one that wants its results ends, even by ``kill -9``."""
    if sys.platform == "linux":  # the fork server ends with the parent, and this process with the fork server
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def read_document(request: ExtractionRequest, largest_bytes: int) -> ExtractionResult:
    """Read one document. Never raises: the boundary at which any error becomes the document's.

    Args:
        request: what to read.
        largest_bytes: files above this are refused.
    """
    started = time.perf_counter()
    try:
        extraction = _extract(request, largest_bytes)
        result = ExtractionResult(request.key, extraction, None, None, "extracted", False, 0.0)
    except (DocumentError, TransientError) as error:
        result = failure(request.key, error)
    except MemoryError:
        message = "Reading the file needs more memory than there is. Split it, or give the machine more memory."
        result = failure(request.key, DocumentError("too_large", message))
    except RecursionError:
        result = failure(request.key, DocumentError("too_deep", "The file nests its parts too deeply to be read."))
    except Exception as error:  # noqa: BLE001 - the boundary: whatever a library raises belongs to this document only
        result = failure(request.key, DocumentError("unreadable_content", _described(error)))
    return replace(result, seconds=time.perf_counter() - started)


def _extract(request: ExtractionRequest, largest_bytes: int) -> Extraction:
    path = Path(request.path)
    with open_document(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > largest_bytes:
            limit = f"{largest_bytes / 2**20:,.0f} MiB"
            raise DocumentError("too_large", f"The file is larger than {limit}, the limit set by RAG_MAX_FILE_BYTES.")
        _check_content(stream, request.content_hash)
        extraction = extract_stream(stream, request.media_type, path.name)
        _check_content(stream, request.content_hash)
        return extraction


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


def _described(error: Exception) -> str:
    detail = " ".join(str(error).split())[:_LONGEST_DETAIL]
    return f"The file could not be read: {type(error).__name__}: {detail}. It may be damaged: open it in its program and save it again."

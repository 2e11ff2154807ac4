"""Documents are read in processes of their own, so that one which crashes or never ends costs itself only.

Belongs here: requests in, results as they come, what a death means. Not here: what a process does (``worker``), the processes themselves
(``processes``).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any

from pebble import ProcessExpired

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.process.abilities import reading_options
from rag_pipeline.ingestion.extract.process.processes import SandboxedProcesses, close_pools
from rag_pipeline.ingestion.extract.process.sandbox import OUT_OF_MEMORY_EXIT_CODE, OUT_OF_TIME_SIGNAL
from rag_pipeline.ingestion.extract.process.worker import (
    ExtractionRequest,
    ExtractionResult,
    ReadingLimits,
    failure,
    out_of_memory,
    read_document,
)
from rag_pipeline.settings import Settings

__all__ = ["AHEAD", "ExtractionRequest", "ExtractionResult", "close_pools", "extract_all"]

AHEAD = 4
"""Requests handed over for each worker: enough that none waits, few enough that unread results do not pile up."""

_ABANDONED_SECONDS = 24 * 3600.0

_LOOKED_AFTER_SECONDS = 5.0
"""How often it is made sure that what is waited for can still come."""


def extract_all(requests: Iterable[ExtractionRequest], settings: Settings, ahead: int = AHEAD) -> Iterator[ExtractionResult]:
    """Read documents on all cores.

    Args:
        requests: may be a generator: it is drawn from only as far as workers can keep up.
        settings: number of workers, and the limits of a document.
        ahead: requests handed over for each worker.

    Yields:
        One result for each request, as they complete. Errors are results; a document over the limits fails with ``timeout`` or
        ``out_of_memory``, one whose worker died otherwise with the transient ``worker_died``.

    Raises:
        RagError: the passwords file cannot be read.
    """
    workers = settings.extraction_workers or os.cpu_count() or 1
    limits = _limits(settings)
    waiting = iter(requests)
    running: dict[Future[Any], ExtractionRequest] = {}
    try:
        while True:
            processes = SandboxedProcesses(workers, settings.extraction_memory_bytes)
            for request in islice(waiting, workers * ahead - len(running)):
                running[_handed_over(processes, request, limits)] = request
            if not running:
                return
            done = wait(running, _LOOKED_AFTER_SECONDS, return_when=FIRST_COMPLETED).done
            for future in done if processes.active else tuple(running):
                yield _result(future, running.pop(future), settings)
    finally:
        for future in running:
            future.cancel()


def _handed_over(processes: SandboxedProcesses, request: ExtractionRequest, limits: ReadingLimits) -> Future[Any]:
    try:
        return processes.run(read_document, request, limits)
    except RuntimeError:  # a pool that broke just now; the next round asks for a new one
        broken = Future[Any]()
        broken.set_exception(BrokenProcessPool())
        return broken


def _limits(settings: Settings) -> ReadingLimits:
    scratch = settings.staging_path / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(scratch)
    return ReadingLimits(settings.max_file_bytes, settings.extraction_timeout_seconds, reading_options(settings), str(scratch))


def _remove_abandoned(scratch: Path) -> None:
    """Remove the temporary files of workers that were killed, once no living one can still want them."""
    for folder in scratch.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _result(future: Future[Any], request: ExtractionRequest, settings: Settings) -> ExtractionResult:
    try:
        result: ExtractionResult = future.result(timeout=0)
    except (BrokenProcessPool, TimeoutError):
        return failure(request.key, TransientError("worker_died", "A process that reads files was killed, and others had to stop with it."))
    except ProcessExpired as error:
        return failure(request.key, _cause_of_death(error.exitcode, settings))
    except CancelledError:
        return failure(request.key, TransientError("worker_died", "Reading the file was broken off."))
    return result


def _cause_of_death(exit_code: int, settings: Settings) -> DocumentError | TransientError:
    if exit_code == OUT_OF_MEMORY_EXIT_CODE:
        return out_of_memory(settings.extraction_memory_bytes)
    if exit_code == -OUT_OF_TIME_SIGNAL:
        limit = settings.extraction_timeout_seconds
        return DocumentError(
            "timeout", f"Reading the file took longer than {limit:g} s. Split it, or raise RAG_EXTRACTION_TIMEOUT_SECONDS."
        )
    return TransientError("worker_died", f"The process that read the file crashed or was killed ({_shown(exit_code)}).")


def _shown(exit_code: int) -> str:
    return signal.Signals(-exit_code).name if -exit_code in list(signal.Signals) else f"exit code {exit_code}"

"""Documents are read in processes of their own, so that one which crashes or never ends costs itself only.

Belongs here: the processes, their number, time limits, and results as they come. Not here: what a process does (``worker``).
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from itertools import islice
from multiprocessing.util import Finalize
from typing import Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.worker import ExtractionRequest, ExtractionResult, failure, read_document, start_worker
from rag_pipeline.settings import Settings

__all__ = ["ExtractionRequest", "ExtractionResult", "close_pools", "extract_all"]

_AHEAD = 4
"""Requests handed over for each worker: enough that none waits, few enough that unread results do not pile up."""

_POOLS: dict[tuple[int, int], ProcessPool] = {}
_STARTING = threading.Lock()


def extract_all(requests: Iterable[ExtractionRequest], settings: Settings) -> Iterator[ExtractionResult]:
    """Read documents on all cores.

    Args:
        requests: may be a generator: it is drawn from only as far as workers can keep up.
        settings: number of workers, time limit, largest file.

    Yields:
        One result for each request, as they complete. Errors are results; a document over the time limit fails with ``timeout``,
        one whose worker died (crashed, or killed for its memory) with the transient ``worker_died``.
    """
    workers = settings.extraction_workers or os.cpu_count() or 1
    pool = _pool(workers)
    waiting = iter(requests)
    running: dict[Future[Any], ExtractionRequest] = {}
    try:
        while True:
            for request in islice(waiting, workers * _AHEAD - len(running)):
                running[_schedule(pool, request, settings)] = request
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield _result(future, running.pop(future), settings)
    finally:
        for future in running:
            future.cancel()


def close_pools() -> None:
    """End all workers of this process. They start again when they are needed."""
    with _STARTING:
        for (process, _), pool in list(_POOLS.items()):
            if process == os.getpid():  # a forked child must not touch its parent's workers
                pool.stop()
                pool.join()
        _POOLS.clear()


def _pool(workers: int) -> ProcessPool:
    """The process's pool, kept between batches: a worker takes seconds to import what it reads documents with."""
    key = (os.getpid(), workers)
    with _STARTING:
        if key not in _POOLS or not _POOLS[key].active:
            # Not fork: a copy of a process with threads (a server, Dagster) may inherit a lock that nobody will release.
            methods = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
            _POOLS[key] = ProcessPool(workers, initializer=start_worker, context=context)
            # Not atexit: a process of multiprocessing (a Dagster run is one) waits for its children first, and would wait for ever.
            Finalize(None, close_pools, exitpriority=10)
        return _POOLS[key]


def _schedule(pool: ProcessPool, request: ExtractionRequest, settings: Settings) -> ProcessFuture[Any]:
    arguments = (request, settings.max_file_bytes)
    return pool.schedule(read_document, args=arguments, timeout=settings.extraction_timeout_seconds)


def _result(future: Future[Any], request: ExtractionRequest, settings: Settings) -> ExtractionResult:
    try:
        result: ExtractionResult = future.result()
    except TimeoutError:
        limit = settings.extraction_timeout_seconds
        message = f"Reading the file took longer than {limit:g} s. Split it, or raise RAG_EXTRACTION_TIMEOUT_SECONDS."
        return failure(request.key, DocumentError("timeout", message))
    except (ProcessExpired, CancelledError) as error:
        message = f"The process that read the file ended ({error}); it may have run out of memory."
        return failure(request.key, TransientError("worker_died", message))
    return result

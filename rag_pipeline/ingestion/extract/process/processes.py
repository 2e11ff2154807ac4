"""The processes in which files that strangers made are opened: to be read, and to be drawn for the app. There are no others.

Belongs here: starting and ending them. Not here: what is done in them (``worker``, the app's pictures), the limits (``sandbox``).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import Any

from pebble import ProcessPool

from rag_pipeline.ingestion.extract.process.programs import end_with_parent
from rag_pipeline.ingestion.extract.process.sandbox import MemoryLimit, cut_network

_POOLS: dict[tuple[int, int, int], ProcessPool] = {}
_STARTING = threading.Lock()
_memory: MemoryLimit | None = None
"""Of a worker."""


class SandboxedProcesses:
    """Workers that reach no network and end when they need more memory. Time is for the work to limit (``sandbox.limit_time``).

    They are shared by all who ask for as many with as much memory, and kept: one takes seconds to import what it reads documents with.
    """

    def __init__(self, workers: int, memory_bytes: int) -> None:
        self._pool = _pool_of(workers, memory_bytes)

    def run(self, function: Callable[..., Any], *args: object) -> Future[Any]:
        """Run a function of a module in a worker.

        The future raises ``pebble.ProcessExpired`` where the worker ended, and ``BrokenProcessPool`` where one ended that had nothing to
        do, which is nobody's fault (the system was short of memory): all that was waiting is lost, and the next pool is a new one.

        Raises:
            RuntimeError: the pool broke, or was closed.
        """
        return self._pool.schedule(_at_work, args=(function, args))

    @property
    def active(self) -> bool:
        """Whether what was handed over is still worth waiting for."""
        return self._pool.active


def _pool_of(workers: int, memory_bytes: int) -> ProcessPool:
    key = (os.getpid(), workers, memory_bytes)
    with _STARTING:
        if key in _POOLS and not _POOLS[key].active:
            _end(_POOLS.pop(key))
        if key not in _POOLS:
            # Not fork: a copy of a process with threads (a server, Dagster) may inherit a lock that nobody will release.
            methods = multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
            _POOLS[key] = ProcessPool(workers, initializer=_start, initargs=(memory_bytes,), context=context)
            # Not atexit: a process of multiprocessing (a Dagster run is one) waits for its children first, and would wait for ever.
            Finalize(None, close_pools, exitpriority=10)
        return _POOLS[key]


def close_pools() -> None:
    """End all workers of this process. They start again when they are needed."""
    with _STARTING:
        for (process, *_), pool in list(_POOLS.items()):
            if process == os.getpid():  # a forked child must not touch its parent's workers
                _end(pool)
        _POOLS.clear()


def _end(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _at_work(function: Callable[..., Any], args: tuple[object, ...]) -> object:
    assert _memory is not None
    with _memory.work():
        return function(*args)


def _start(memory_bytes: int) -> None:
    """Prepare a fresh process for reading: nothing it reads reaches the network, or more memory than this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    end_with_parent()  # the fork server ends with the parent, and this process with the fork server
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    cut_network()
    global _memory
    _memory = MemoryLimit(memory_bytes)
    # spaCy, behind unstructured, imports torch where it is installed: 180 MB and 1.5 s in each worker for nothing.
    # None says that a module is not there (Python's language reference, 5.3.1).
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

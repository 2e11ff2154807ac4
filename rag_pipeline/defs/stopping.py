"""A run whose collection was told to stop ends by itself, at its next look at the time; where it does not, it is cancelled.

Belongs here: that, within the run's own process, and how a run watches whether it is to end. Not here: what is paused
(``ingestion/pauses.py``), cancellations in the Dagster UI (``execution``).
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from rag_pipeline.defs.runs import process_of
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.ingestion.steps.workspace import Workspace

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
GRACE_SECONDS = 10.0
"""Longer than a run that embeds needs to its next look, so that what it did is kept; a document that takes longer to read is left."""


@contextmanager
def cancelled_when_stopped(instance: dg.DagsterInstance, run_id: str, workspace: Workspace) -> Iterator[None]:
    """Cancel the run of this process, as Dagster would, once its collection has been told to stop for longer than the grace."""

    def is_due() -> bool:
        since = _stopped_since(workspace)
        return since is not None and time.time() - since > GRACE_SECONDS

    with once(is_due, lambda: _cancel(instance, run_id)):
        yield


@contextmanager
def once(is_due: Callable[[], bool], act: Callable[[], None]) -> Iterator[None]:
    """Look, every second while the block runs, whether something is due; act, once, when it is."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            if is_due():
                act()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def interrupt() -> None:
    """End the run of this process as Ctrl-C would: its clean-up is done, and Dagster's records say that it was cancelled."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _stopped_since(workspace: Workspace) -> float | None:
    """When the collection was told to stop (seconds since 1970). What cannot be read is written to the log, and looked at again."""
    try:
        return read_pauses(workspace.settings).stopped.get(workspace.collection)
    except (RagError, OSError) as error:
        log.warning("Whether %s is to stop cannot be told: %s", workspace.collection, error)
        return None


def _cancel(instance: dg.DagsterInstance, run_id: str) -> None:
    """A run of the command line interrupts itself once it is marked (``execution``): a second interrupt would break off its clean-up."""
    run = instance.get_run_by_id(run_id)
    if run:
        instance.report_run_canceling(run, message="The collection was told to stop.")
    if run is None or process_of(run) is None:
        interrupt()

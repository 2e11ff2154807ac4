"""Work whose collection was told to stop ends by itself, at its next look at the time; where it does not, it is interrupted.

Belongs here: how a process watches whether it is to end. Not here: what is paused (``pauses``), Dagster's part (``defs/stopping.py``).
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
GRACE_SECONDS = 10.0
"""Longer than work that embeds needs to its next look, so that what it did is kept; a document that takes longer to read is left."""


def is_to_be_cancelled(settings: Settings, collection: str) -> bool:
    """Whether the collection has been told to stop for longer than the grace. What cannot be read is written to the log, and means no."""
    try:
        since = read_pauses(settings).stopped.get(collection)
    except (RagError, OSError) as error:
        log.warning("Whether %s is to stop cannot be told: %s", collection, error)
        return False
    return since is not None and time.time() - since > GRACE_SECONDS


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
    """End the work of this process as Ctrl-C would: its clean-up is done."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

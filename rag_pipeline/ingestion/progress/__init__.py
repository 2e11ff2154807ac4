"""Who wants to know how far long work has come: the command line draws bars, every run keeps a file that other processes read.

Belongs here: the listeners of one process. Not here: drawing, the file (``live``), what follows from it (``estimate``, ``overview``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

READING, EMBEDDING = "extracted_text", "embeddings"
"""The steps that take long, one in each lane, by the names of their modules."""
PLANNED = "planned"
"""Reported once the vectors lane knows how many texts lack a vector: that is the total."""
PUBLISHED = "published"
"""Reported once the catalog counts what the run did until now."""


@dataclass(frozen=True, slots=True)
class Report:
    """``done`` of ``total`` items of a step are finished.

    Attributes:
        files: what is being read just now, as paths below the uploads folder.
        work: what the finished ones were worth, where items differ much (:func:`reading_work`); None: one each.
    """

    step: str
    done: int
    total: int
    files: tuple[str, ...] = ()
    work: float | None = None


Listener = Callable[[Report], None]
_listeners: list[Listener] = []

_BYTES_OF_A_DOCUMENT = 20_000
"""Opening and noting down a document costs as much as reading so many bytes more of it."""


def reading_work(size_bytes: int, documents: int = 1) -> float:
    """How much work it is to read so much: in bytes, with an allowance for each document."""
    return float(size_bytes + _BYTES_OF_A_DOCUMENT * documents)


def report(step: str, done: int, total: int, files: tuple[str, ...] = (), work: float | None = None) -> None:
    """Tell everyone who listens; see :class:`Report`."""
    for listener in tuple(_listeners):
        listener(Report(step, done, total, files, work))


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send the reports of this process to ``listener`` while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)

"""How far the runs of all processes are: one small file for each collection and lane, which readers poll.

Belongs here: writing and reading these files, telling a run that works from one that was killed. Not here: what follows from them
(``estimate``, ``overview``).

A file is replaced in one step, at most once a second. Its run holds a lock beside it, which the kernel frees when the process ends,
however it ends. The times of the last slices stay in the file from run to run: that is where rates come from.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rag_pipeline.ingestion.progress import EMBEDDING, PLANNED, PUBLISHED, READING, Report, listening
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import read_json, write_atomically

WRITE_SECONDS = 1.0
MOST_SLICES = 12
"""Remembered of each lane; rates are made of the last of them."""
_LANE_OF_STEP = {READING: "text", EMBEDDING: "vectors"}
LANE_NAMES = tuple(_LANE_OF_STEP.values())
LONGEST_WAIT_SECONDS = 60.0
"""More than this between two runs was no part of the work: nothing was to be done, or someone else's work was."""
_LOCK_PATIENCE_SECONDS = 1.0
"""A reader that asks whether a run is alive holds the lock for microseconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SliceTimes:
    """When a slice did what, in seconds since 1970, and how much ``work`` it did: bytes read, or texts embedded.

    Attributes:
        started: its turn came.
        began: it was ready for the step that takes long: files were listed, the model was loaded.
        worked_until: the last of that step was done.
        ended: that was published, and the run over.
        waited: seconds between the run of the collection before it, in whichever lane, and ``started``; 0 where it was no part of one work.
        allowed: seconds after which it began nothing new; 0 for a run that does all at once.
    """

    started: float
    began: float
    worked_until: float
    ended: float
    work: float
    waited: float = 0.0
    allowed: float = 0.0


@dataclass(frozen=True, slots=True)
class LiveRun:
    """What the file of a collection and lane says.

    Attributes:
        alive: the run is at work; otherwise it has ended, or was killed, and this is what it said last.
        step: what it is at, ``done`` of ``total`` of it.
        files: being read now, as paths below the uploads folder.
        unpublished: items that the slice finished and the catalog does not count yet, worth ``unpublished_work``.
        left: texts without a vector when the slice was planned; None where nobody counted.
        current: the slice that is at work, None before it has begun with what takes long.
        slices: those before, oldest first.
    """

    collection: str
    lane: str
    alive: bool = False
    step: str = ""
    done: int = 0
    total: int = 0
    files: tuple[str, ...] = ()
    unpublished: int = 0
    unpublished_work: float = 0.0
    left: int | None = None
    started: float = 0.0
    updated: float = 0.0
    pid: int = 0
    current: SliceTimes | None = None
    slices: tuple[SliceTimes, ...] = ()


@contextmanager
def recording(settings: Settings, collection: str, lanes: Sequence[str], slice_seconds: float = 0.0) -> Iterator[None]:
    """Keep the files of a collection's lanes up to date with the reports of this process while the block runs.

    ``slice_seconds``: how long the run's slice is, 0 where it does all at once.
    """
    before = [found.updated for lane in LANE_NAMES if (found := _read(_path(settings.progress_path, collection, lane)))]
    waited = time.time() - max(before, default=0.0)
    empty = SliceTimes(0.0, 0.0, 0.0, 0.0, 0.0, waited if 0 <= waited <= LONGEST_WAIT_SECONDS else 0.0, slice_seconds)
    with ExitStack() as held:
        for lane in lanes:
            held.enter_context(_recording(_path(settings.progress_path, collection, lane), LiveRun(collection, lane), lanes, empty))
        yield


@contextmanager
def _recording(path: Path, empty: LiveRun, lanes: Sequence[str], times: SliceTimes) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"), thread_local=False)
    try:
        lock.acquire(timeout=_LOCK_PATIENCE_SECONDS)
    except Timeout:  # runs take turns, so this is one that nobody expects; its progress is not worth failing for
        log.warning("Another run keeps the progress of %s, %s", empty.collection, empty.lane)
        yield
        return
    with lock:
        writer = _Writer(path, _read(path) or empty, lanes, times)
        try:
            with listening(writer.hear):
                yield
        finally:
            writer.end()


class _Writer:
    """Turns reports into the file. Durations are by a clock that nobody sets."""

    def __init__(self, path: Path, before: LiveRun, lanes: Sequence[str], times: SliceTimes) -> None:
        self._path = path
        self._other_steps = lanes[0]
        self._times = times
        self._zero = time.time() - time.monotonic()
        now = self._now()
        self._run = LiveRun(before.collection, before.lane, started=now, updated=now, pid=os.getpid(), slices=before.slices)
        self._last: Report | None = None
        self._written = 0.0
        self._write()

    def hear(self, report: Report) -> None:
        """Take in one report; the file follows within a second."""
        if _LANE_OF_STEP.get(report.step, self._other_steps) != self._run.lane:
            return
        changed = self._run.step != report.step
        self._run = self._after(report)
        if changed or report.step == PUBLISHED or time.monotonic() - self._written >= WRITE_SECONDS:
            self._write()

    def end(self) -> None:
        """The run is over: its times join those of the slices before."""
        run, now = self._run, self._now()
        ended = (replace(run.current, ended=now),) if run.current and run.current.work else ()
        self._run = replace(run, step="", files=(), current=None, slices=(*run.slices, *ended)[-MOST_SLICES:], updated=now)
        self._write()

    def _after(self, report: Report) -> LiveRun:
        now = self._now()
        run = replace(self._run, step=report.step, done=report.done, total=report.total, files=report.files, updated=now)
        if report.step == PLANNED:
            return replace(run, left=report.total)
        if report.step == PUBLISHED:
            return replace(run, unpublished=0, unpublished_work=0.0)
        if report.step in _LANE_OF_STEP:
            return self._after_work(run, report, now)
        return run

    def _after_work(self, run: LiveRun, report: Report, now: float) -> LiveRun:
        """The step that takes long has come so far, in the batch that it is at."""
        last = self._last if self._last and self._last.done <= report.done else None  # a new batch begins at nothing
        items, work = report.done - (last.done if last else 0), _work(report) - (_work(last) if last else 0.0)
        self._last = report
        times = run.current or replace(self._times, started=run.started, began=now)
        times = replace(times, work=times.work + work, worked_until=now, ended=now)
        return replace(run, current=times, unpublished=run.unpublished + items, unpublished_work=run.unpublished_work + work)

    def _now(self) -> float:
        return self._zero + time.monotonic()

    def _write(self) -> None:
        self._written = time.monotonic()
        shown = asdict(self._run)
        del shown["alive"]
        try:
            write_atomically(self._path, json.dumps(shown).encode())  # in ASCII: names of files may hold bytes that are no text
        except OSError as error:  # a full disk: the work itself will say so, or go on
            log.warning("Progress cannot be written to %s: %s", self._path, error)


def live_runs(settings: Settings) -> list[LiveRun]:
    """What the runs of all collections and lanes said last, and which of them are at work now."""
    files = sorted(settings.progress_path.glob("*.json"))
    return [replace(run, alive=_is_held(file.with_suffix(".lock"))) for file in files if (run := _read(file))]


def files_being_read(settings: Settings) -> frozenset[str]:
    """Paths below the uploads folder of what is being read at this moment."""
    return frozenset(file for run in live_runs(settings) if run.alive for file in run.files)


def _work(report: Report) -> float:
    return float(report.done) if report.work is None else report.work


def _path(folder: Path, collection: str, lane: str) -> Path:
    name = f"{collection}\0{lane}".encode("utf-8", "surrogateescape")
    return folder / f"{hashlib.sha256(name).hexdigest()[:16]}.json"


def _read(path: Path) -> LiveRun | None:
    """None where there is no such file, or an older or newer program's."""
    try:
        found: Mapping[str, Any] = read_json(path)
        if not found:
            return None
        current = SliceTimes(**found["current"]) if found["current"] else None
        slices = tuple(SliceTimes(**one) for one in found["slices"])
        return LiveRun(**{**found, "files": tuple(found["files"]), "current": current, "slices": slices})
    except (ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        log.warning("The progress in %s cannot be read and counts as none: %s", path, error)
        return None


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)

"""How far each collection is, how fast it goes, and when it is done: what runs say live, beside what the catalog counts.

Belongs here: putting these two together (:func:`overview`, pure), and reading them without ever waiting. Not here: rates
(``estimate``), words (``words``), drawing.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from rag_pipeline.document_life import BEING_READ, BY_WORDS, WAITING, WITH_VECTORS
from rag_pipeline.ingestion.backlog import LANES, Lane, slice_seconds
from rag_pipeline.ingestion.folder.listing import document_name
from rag_pipeline.ingestion.pauses import Pauses, read_pauses
from rag_pipeline.ingestion.progress import reading_work
from rag_pipeline.ingestion.progress.estimate import Pace, pace_of, seconds_for, turns
from rag_pipeline.ingestion.progress.live import LiveRun, live_runs
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.contract import CatalogBusyError
from rag_pipeline.stores.catalog.listing import WorkCounts, work_counts
from rag_pipeline.stores.files import change_mark

_GROWING = 8
"""After so many slices they grow no more."""
_ENDLESS = 1e9
_TELLING_DOCUMENTS = 5
_TELLING_SHARE = 0.05
"""So many documents, and such a share of all bytes, have to be published before they tell how many passages the others have."""
STAGES = (WAITING, BEING_READ, BY_WORDS, WITH_VECTORS, "indexed", "failed", "unsupported", "empty")


@dataclass(frozen=True, slots=True)
class CollectionProgress:
    """How far a collection is.

    Attributes:
        stages: stage → number of documents, only those that there are; ``vectors`` stands for any number of them.
        documents: all of them.
        passages: published, and answering.
        passages_expected: with those that the documents which are still to be read are expected to have; None while that cannot be told.
        vectors: passages with a dense vector.
        lanes: in which a run is at work.
        step: what the run that was heard of last is at; empty where none is at work.
        reading: documents that are being read, as paths below the collection.
        passages_a_second: how fast vectors are made.
        seconds_left: until all is done; None where that cannot be told yet, or the collection is paused.
        next_documents: that are read next, in order.
    """

    collection: str
    documents: int = 0
    stages: Mapping[str, int] = field(default_factory=dict)
    passages: int = 0
    passages_expected: int | None = None
    vectors: int = 0
    lanes: tuple[str, ...] = ()
    step: str = ""
    reading: tuple[str, ...] = ()
    passages_a_second: float | None = None
    seconds_left: float | None = 0.0
    is_paused: bool = False
    next_documents: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.documents_unread or self.lanes or self.vectors < self.passages)

    @property
    def is_going_on(self) -> bool:
        """Whether a run is at work, or one is to be expected."""
        return bool(self.lanes) or not (self.is_complete or self.is_paused)

    @property
    def share_answering(self) -> float:
        """Share of its documents that answer, of those that may yet, from 0 to 1."""
        answering = self.documents_answering
        return answering / (answering + self.documents_unread) if answering else 0.0

    @property
    def share_with_vectors(self) -> float:
        """Share of the passages, those that are expected included, that have a vector, from 0 to 1."""
        expected = max(self.passages, self.passages_expected or 0)
        share = self.vectors / expected if expected else 0.0
        return share if self.passages_expected is not None else min(share, self.share_answering)

    @property
    def documents_answering(self) -> int:
        """Documents that questions find something in."""
        return sum(self.stages.get(stage, 0) for stage in (BY_WORDS, WITH_VECTORS, "indexed"))

    @property
    def documents_unread(self) -> int:
        """Documents that are read now, or wait for it."""
        return self.stages.get(WAITING, 0) + self.stages.get(BEING_READ, 0)


@dataclass(frozen=True, slots=True)
class Overview:
    """All collections by name; ``order``: those with work left, in the order in which it goes on."""

    collections: tuple[CollectionProgress, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def is_going_on(self) -> bool:
        """Whether anything moves, or is to be expected to."""
        return any(one.is_going_on for one in self.collections)

    def of(self, names: Sequence[str]) -> Overview:
        """The same of some collections only."""
        return Overview(
            tuple(one for one in self.collections if one.collection in names), tuple(name for name in self.order if name in names)
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a collection before the others are looked at."""

    counts: WorkCounts
    runs: Mapping[str, LiveRun]
    progress: CollectionProgress
    text_seconds: float | None
    vector_seconds: float | None


def overview(settings: Settings, counts: Mapping[str, WorkCounts], runs: Sequence[LiveRun], pauses: Pauses) -> Overview:
    """Put counts and live runs together.

    Args:
        counts: what the catalog counted last; it may be older than the runs.
        runs: what they said last.
        pauses: what is paused.
    """
    names = sorted(counts.keys() | {run.collection for run in runs if run.alive})
    paces = {lane: _common_pace([run for run in runs if run.lane == lane]) for lane in LANES}
    nothing = WorkCounts({}, 0, 0, 0, 0, 0, 0, 0)
    known = [_known(settings, name, counts.get(name, nothing), _of(runs, name), paces, name in pauses) for name in names]
    ends = turns({one.progress.collection: one.vector_seconds for one in known if one.vector_seconds and not one.progress.is_paused})
    collections = tuple(replace(one.progress, seconds_left=_seconds_left(one, ends)) for one in known)
    waiting = [one for one in known if not one.progress.is_complete and not one.progress.is_paused]
    return Overview(collections, tuple(one.progress.collection for one in sorted(waiting, key=_turn)))


def _of(runs: Sequence[LiveRun], collection: str) -> dict[str, LiveRun]:
    return {run.lane: run for run in runs if run.collection == collection}


def _common_pace(runs: Sequence[LiveRun]) -> Pace | None:
    """That of the collection whose run was heard of last: for one that has none of its own yet."""
    paces = [_pace(run) for run in sorted(runs, key=lambda run: run.updated)]
    return next((pace for pace in reversed(paces) if pace), None)


def _pace(run: LiveRun) -> Pace | None:
    return pace_of(run.slices, run.current if run.alive else None)


def _known(
    settings: Settings, name: str, counts: WorkCounts, runs: Mapping[str, LiveRun], common: Mapping[Lane, Pace | None], paused: bool
) -> _Known:
    text, vectors = runs.get("text", LiveRun(name, "text")), runs.get("vectors", LiveRun(name, "vectors"))
    left = _vectors_left(counts, vectors)
    expected = _expected_passages(counts)
    to_read = max(0.0, reading_work(counts.waiting_bytes, counts.waiting) - (text.unpublished_work if text.alive else 0.0))
    paces = {lane: _pace(run) or common[lane] for lane, run in _by_lane(text, vectors)}
    alive = sorted((run for run in runs.values() if run.alive), key=lambda run: run.updated)
    progress = CollectionProgress(
        collection=name,
        documents=sum(counts.states.values()),
        stages=_stages(counts, text),
        passages=counts.passages,
        passages_expected=expected,
        vectors=max(0, counts.passages - left),
        lanes=tuple(lane for lane in LANES if lane in {run.lane for run in alive}),
        step=alive[-1].step if alive else "",
        reading=tuple(document_name(file) for file in text.files) if text.alive else (),
        passages_a_second=paces["vectors"].rate if paces["vectors"] else None,
        is_paused=paused,
        next_documents=tuple(name for name in counts.next_files if not text.alive or name not in {document_name(f) for f in text.files}),
    )
    unread = None if expected is None else expected - counts.passages
    text_seconds = _seconds(settings, "text", to_read if counts.waiting else 0.0, paces["text"], text)
    vector_seconds = None if unread is None else _seconds(settings, "vectors", left + unread, paces["vectors"], vectors)
    return _Known(counts, runs, progress, text_seconds, vector_seconds)


def _by_lane(text: LiveRun, vectors: LiveRun) -> tuple[tuple[Lane, LiveRun], tuple[Lane, LiveRun]]:
    return ("text", text), ("vectors", vectors)


def _vectors_left(counts: WorkCounts, run: LiveRun) -> int:
    """Passages without a vector. While all is embedded anew by another model only the run knows how many."""
    left = counts.passages - counts.vectors - (run.unpublished if run.alive else 0)
    if run.alive and run.left is not None:
        left = max(left, run.left - int(run.current.work if run.current else 0))
    return min(max(0, left), counts.passages)


def _expected_passages(counts: WorkCounts) -> int | None:
    """Documents that are still to be read are taken to be as rich in passages, for the work that they are, as those that were.

    Small documents are read first and have the most passages for their bytes: a few of them tell nothing of the large ones.
    """
    if not counts.waiting:
        return counts.passages
    documents = counts.by_words + counts.with_vectors + counts.states.get("indexed", 0)
    share = counts.published_bytes / max(1, counts.published_bytes + counts.waiting_bytes)
    if documents < _TELLING_DOCUMENTS or share < _TELLING_SHARE:
        return None
    waiting, published = reading_work(counts.waiting_bytes, counts.waiting), reading_work(counts.published_bytes, documents)
    return counts.passages + round(counts.passages * waiting / published)


def _stages(counts: WorkCounts, text: LiveRun) -> dict[str, int]:
    reading = min(counts.waiting, len(text.files) + text.unpublished) if text.alive else 0
    others = {state: number for state, number in counts.states.items() if state != "pending"}
    found = {WAITING: counts.waiting - reading, BEING_READ: reading, BY_WORDS: counts.by_words, WITH_VECTORS: counts.with_vectors, **others}
    return {stage: found[stage] for stage in STAGES if found.get(stage)}


def _seconds(settings: Settings, lane: Lane, work: float, pace: Pace | None, run: LiveRun) -> float | None:
    if work <= 0:
        return 0.0
    return seconds_for(work, pace, _lengths(settings, lane, run), run.current if run.alive else None) if pace else None


def _lengths(settings: Settings, lane: Lane, run: LiveRun) -> list[float]:
    """How long the slice that is at work, or is next, and those after it may work (:func:`slice_seconds`)."""
    planned = [slice_seconds(settings, lane, earlier) for earlier in range(_GROWING)]
    now = run.current if run.alive else None
    last = run.slices[-1] if run.slices else None
    if now and not now.allowed:
        return [_ENDLESS]
    if now:
        return [now.allowed, *(length for length in planned if length > now.allowed), planned[-1]]
    if last and last.worked_until - last.began >= last.allowed > 0:  # it left something for the next one, which is longer
        return [*(length for length in planned if length > last.allowed), planned[-1]]
    return planned


def _seconds_left(known: _Known, ends: Mapping[str, float]) -> float | None:
    if known.progress.is_paused and not known.progress.is_complete:
        return None
    not_counted_yet = bool(known.progress.lanes) and not known.counts.states
    if known.text_seconds is None or known.vector_seconds is None or not_counted_yet:
        return None
    return known.text_seconds + (ends.get(known.progress.collection, 0.0) if known.vector_seconds else 0.0)


def _turn(known: _Known) -> tuple[bool, bool, float, str]:
    """As the sensor takes them (``folder/watch.py``): what is at work, then text, then what waits the longest."""
    has_text = bool(known.counts.waiting)
    run = known.runs.get("text" if has_text else "vectors")
    return not known.progress.lanes, not has_text, run.started if run else 0.0, known.progress.collection


class ProgressReader:
    """The overview at any moment, never waited for: while a run writes the catalog, the counts of the moment before stand. Threads may
    share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._catalog = open_catalog(settings, lock_wait_seconds=0)
        self._lock = threading.Lock()
        self._counted: Hashable = None
        self._counts: Mapping[str, WorkCounts] = {}

    def current(self) -> Overview:
        """How far everything is.

        Raises:
            RagError: the catalog, or the file of pauses, is damaged.
        """
        runs = live_runs(self._settings)
        return overview(self._settings, self._current_counts(), runs, read_pauses(self._settings))

    def mark(self) -> object:
        """Differs when :meth:`current` may: a few system calls, or a short question to the DuckLake of the catalog.

        Raises:
            RagError: the catalog is out of reach.
        """
        return self._catalog.change_mark(), change_mark([self._settings.progress_path, self._settings.pauses_path])

    def is_behind(self) -> bool:
        """Whether the counts of :meth:`current` are of an earlier moment than the catalog, which a run kept."""
        return self._catalog.change_mark() != self._counted

    def _current_counts(self) -> Mapping[str, WorkCounts]:
        with self._lock:
            signature = self._catalog.change_mark()
            if signature != self._counted:
                with suppress(CatalogBusyError):  # a run writes it; the next reader counts
                    self._counts, self._counted = work_counts(self._catalog), signature
            return self._counts

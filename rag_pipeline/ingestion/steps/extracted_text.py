"""Step 2: read what documents say. Plan (catalog) → batches (files only, anywhere) → commit (catalog).

Belongs here: which contents are read, in which batches, and the commit. Not here: how a format is read (``extract/``).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path, PurePosixPath

import polars

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.extract.element_rows import ElementRow, element_frame
from rag_pipeline.ingestion.extract.process.pool import AHEAD, ExtractionRequest, ExtractionResult, extract_all
from rag_pipeline.ingestion.extract.process.worker import failure
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.steps.staging import Staging
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.stores.catalog.reading_rows import (
    OUTCOME_COLUMNS,
    ExtractionTask,
    ExtractorFingerprint,
    add_extractions,
    missing_extractions,
)

log = logging.getLogger(__name__)

STEP = "extracted_text"
_FLUSH_CHARACTERS = 16_000_000
_BATCH_BYTES = 256_000_000
_STALE_SECONDS = 24 * 3600.0
_FEWEST_DOCUMENTS_OF_A_SLICE = 2
_SHORT_SLICE_SECONDS = 6.0
_BYTES_A_SECOND, _DENSE_BYTES_A_SECOND = 4_000_000, 1_000_000
"""Of PDFs, on a laptop; of those with more text than pictures, by which a short slice is planned: someone waits for it."""


@dataclass(frozen=True, slots=True)
class ExtractionReport:
    """What one batch did."""

    read: int
    failed: int
    elements: int
    seconds_of_reading: float


@dataclass(slots=True)
class _Buffer:
    """Rows of a batch on their way to its files; flushed by size, so that memory is bounded by the largest single document.

    ``attempt`` begins the names of its files: two workers may be at one batch, when the first was thought to be dead.
    """

    staging: Staging
    attempt: str
    extractor: ExtractorFingerprint
    elements: list[ElementRow] = field(default_factory=list)
    outcomes: list[tuple[object, ...]] = field(default_factory=list)
    characters: int = 0
    parts: int = 0
    written: int = 0

    def add(self, result: ExtractionResult) -> None:
        self.outcomes.append(_outcome_row(result, self.extractor))
        self.written += result.spooled
        self.elements += result.elements
        self.characters += sum(len(text) for _, _, _, text, *_ in result.elements)
        if self.characters > _FLUSH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        if self.elements:
            self.staging.write_frame(f"{self.attempt}.{self.parts:04}.elements", element_frame(self.elements))
        self.written += len(self.elements)
        self.parts, self.characters = self.parts + 1, 0
        self.elements.clear()


@dataclass(slots=True)
class _Readers:
    """What is being read just now: of what was handed over and has not come back, as much as there are ``workers``, first come first
    served.

    ``held``: the originals of what is given. ``failed``: what could not be given. ``broke_off``: why nothing more can be.
    """

    total: int
    workers: int
    given: dict[str, ExtractionTask] = field(default_factory=dict)
    held: dict[str, ExitStack] = field(default_factory=dict)
    failed: list[ExtractionResult] = field(default_factory=list)
    broke_off: RagError | None = None
    done: int = 0
    work: float = 0.0

    def is_given(self, task: ExtractionTask) -> None:
        self.given[task.extraction_key] = task
        if len(self.given) <= self.workers:
            self._report()

    def hold(self, folder: WatchedFolder, task: ExtractionTask) -> Path | None:
        """The original, until it has been read; None where there is none to be had."""
        self.held[task.extraction_key] = ExitStack()
        try:
            return self.held[task.extraction_key].enter_context(folder.original(task.file, task.signature))
        except FileNotFoundError:
            error = TransientError("vanished", "The file was removed before it could be read.")
        except TransientError as reason:
            if reason.code not in ("unreadable", "changed_while_read"):
                raise
            error = reason
        self.failed.append(failure(task.extraction_key, error))
        return None

    def has_read(self, key: str) -> None:
        self.held.pop(key).close()
        self.done, self.work = self.done + 1, self.work + progress.reading_work(self.given.pop(key).size_bytes)
        self._report()

    def has_not_read(self, key: str) -> None:
        """It is left for later, as if it had never been given."""
        self.held.pop(key).close()
        del self.given[key]

    def _report(self) -> None:
        files = tuple(task.file for task in islice(self.given.values(), self.workers))
        progress.report(STEP, self.done, self.total, files, self.work)


def plan_extraction(workspace: Workspace) -> list[str]:
    """Commit what an interrupted run left, then name the batches that are to be read."""
    with workspace.lock(STEP):
        _commit_staged(workspace)
        tasks = missing_extractions(
            workspace.catalog,
            workspace.collection,
            workspace.extractor,
            workspace.settings.max_attempts,
            workspace.full_refresh,
        )
        staging = workspace.staging(STEP)
        staging.remove_stale(_STALE_SECONDS)
        staging.remove_stale_objects(_STALE_SECONDS)
        names = []
        for batch in _batches(tasks, workspace.settings.extraction_batch_documents, workspace.slice):
            names.append(staging.new_batch())
            staging.write_plan(names[-1], [asdict(task) for task in batch])
        return names


def _batches(tasks: Sequence[ExtractionTask], documents: int, piece: Slice | None) -> Iterator[list[ExtractionTask]]:
    """Of a slice, no more than it may have time for: what was handed over to the readers is read to its end."""
    batch: list[ExtractionTask] = []
    taken_bytes = 0
    rate = _DENSE_BYTES_A_SECOND if _is_short(piece) else _BYTES_A_SECOND
    for number, task in enumerate(tasks):
        taken_bytes += task.size_bytes
        if piece and number >= _FEWEST_DOCUMENTS_OF_A_SLICE and taken_bytes > piece.seconds * rate:
            break
        batch.append(task)
        if len(batch) == documents or sum(t.size_bytes for t in batch) > _BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def extract_batch(workspace: Workspace, batch: str) -> ExtractionReport:
    """Read one batch's documents into the staging folder. A document that cannot be read is an outcome, not an error.

    Raises:
        RagError: the watched folder went out of reach; what was read until then is a batch of its own.
    """
    staging = workspace.staging(STEP)
    attempt = f"{batch}-{staging.new_batch()}"
    staging.remove_stale(_STALE_SECONDS)  # on a worker nobody plans
    tasks = _planned(staging, batch)
    buffer = _Buffer(staging, attempt, workspace.extractor)
    seconds, failed = 0.0, 0
    readers = _Readers(len(tasks), workspace.settings.extraction_workers or os.cpu_count() or 1)
    results = extract_all(_requests(workspace, attempt, tasks, readers), workspace.settings, _ahead(workspace))
    for result in chain(results, readers.failed):
        buffer.add(result)
        seconds += result.seconds
        failed += result.state != "extracted"
        readers.has_read(result.key)
    buffer.flush()
    staging.hand_over(attempt)  # what the readers put aside themselves
    report = ExtractionReport(len(buffer.outcomes) - failed, failed, buffer.written, seconds)
    # Written last: only an attempt with outcomes counts as done.
    outcomes = polars.DataFrame(buffer.outcomes, dict(OUTCOME_COLUMNS), orient="row")
    staging.write_frame(f"{attempt}.readings", outcomes, asdict(report))
    if readers.broke_off:
        raise readers.broke_off
    return report


def _planned(staging: Staging, batch: str) -> list[ExtractionTask]:
    """What a batch is to do; nothing when another worker was faster."""
    try:
        return [ExtractionTask(**task) for task in staging.read_plan(batch)]  # type: ignore[arg-type]
    except FileNotFoundError:
        return []


def _ahead(workspace: Workspace) -> int:
    """In a short slice a document at a time for each worker: what is handed over is read to its end, and someone waits for the first."""
    return 1 if _is_short(workspace.slice) else AHEAD


def _is_short(piece: Slice | None) -> bool:
    return piece is not None and piece.seconds <= _SHORT_SLICE_SECONDS


def commit_extraction(workspace: Workspace) -> list[ExtractionReport]:
    """Commit all finished batches to the catalog and give every document its reading. What each of them did."""
    with workspace.lock(STEP):
        return _commit_staged(workspace)


def _commit_staged(workspace: Workspace) -> list[ExtractionReport]:
    staging = workspace.staging(STEP)
    outcomes = staging.complete("readings")
    done = {_attempt(file) for file in outcomes}
    elements = [file for file in staging.complete("elements") if _attempt(file) in done]
    whole = [file for file in outcomes if _is_whole(staging, file, elements)]
    add_extractions(workspace.catalog, workspace.extractor, whole, elements)
    reports = [ExtractionReport(**report) for report in staging.reports(whole)]
    staging.remove([*outcomes, *elements, *(staging.plan_path(attempt.partition("-")[0]) for attempt in done)])
    return reports


def _is_whole(staging: Staging, outcomes: Path, elements: Sequence[Path]) -> bool:
    """Whether all that was read is there: files go one by one, and who removes some by hand must not make documents shorter."""
    own = [file for file in elements if _attempt(file) == _attempt(outcomes)]
    there = polars.scan_parquet(own).select(polars.len()).collect().item() if own else 0
    whole = all(there >= report["elements"] for report in staging.reports([outcomes]))
    if not whole:
        log.warning("Of what was staged in %s a part is missing; its documents are read again.", outcomes)
    return whole


def _attempt(file: Path) -> str:
    return file.name.split(".")[0]


def _requests(workspace: Workspace, attempt: str, tasks: Sequence[ExtractionTask], readers: _Readers) -> Iterator[ExtractionRequest]:
    """As many as there is time for; drawn from only as far as readers can keep up."""
    folder = watched_folder(workspace.settings)
    for task in tasks:
        if workspace.is_over():
            return
        readers.is_given(task)
        try:
            path = readers.hold(folder, task)
        except RagError as error:  # the folder as a whole: no document's fault
            readers.has_not_read(task.extraction_key)
            readers.broke_off = error
            return
        if path:
            yield _request(workspace, attempt, task, path)


def _request(workspace: Workspace, attempt: str, task: ExtractionTask, path: Path) -> ExtractionRequest:
    spool = str(workspace.staging(STEP).folder / f"{attempt}.{task.extraction_key}")
    name = PurePosixPath(task.file).name
    return ExtractionRequest(task.extraction_key, str(path), task.media_type, task.content_hash, spool, name, task.ocr_languages)


def _outcome_row(result: ExtractionResult, extractor: ExtractorFingerprint) -> tuple[object, ...]:
    notes = list(result.notes)
    reading_key = extractor.reading_key(result.key, result.error_code, notes)
    members = None if result.members is None else [asdict(member) for member in result.members]
    return result.key, result.state, result.error_code, result.error, result.transient, result.pages, notes, members, reading_key

"""``rag ingest``: the steps of the same assets that the Dagster UI materialises, taken here, with a progress bar.

Belongs here: choosing collections, waiting for copies to end, slice after slice, drawing progress, the summary. Not here: the steps.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from rag_pipeline.cli.recording import Recorder
from rag_pipeline.document_life import as_argument, held_in_words, hold_rules, with_command
from rag_pipeline.embedding.embedder import begin_preparation
from rag_pipeline.embedding.embedding_server import EmbeddingServerError
from rag_pipeline.embedding.model import note_exchange
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.backlog import LANES, Backlog, Lane, backlogs, slice_seconds
from rag_pipeline.ingestion.folder.listing import collection_of, escape_collection, wait_until_settled
from rag_pipeline.ingestion.folder.watch import needs_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.look import Look, look_around
from rag_pipeline.ingestion.pauses import carry_on, is_paused_now, pause, paused_in_words, read_pauses, stop
from rag_pipeline.ingestion.rollback import rolled_back
from rag_pipeline.ingestion.steps.lanes import Reports, run_lanes, turn
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.ingestion.stopping import interrupt, is_to_be_cancelled, once
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.archive_rows import archive_counts
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.document_rows import reopen_documents
from rag_pipeline.stores.catalog.indexable import answering_documents
from rag_pipeline.stores.catalog.listing import work_counts
from rag_pipeline.stores.catalog.missing_files import confirm_deletions, held_deletions
from rag_pipeline.stores.vectors import open_index

if TYPE_CHECKING:
    from rag_pipeline.evaluation.quality import Measured

_WAIT_LIMIT_SECONDS = 60.0
_SMALL_WORK = 20
"""So many documents are read as soon as Dagster is loaded; where there are more, they have both cores to themselves."""
_LEFT = {"text": "documents", "vectors": "passages without a vector"}
log = logging.getLogger(__name__)


def ingest_collections(
    settings: Settings, names: Sequence[str], full_refresh: bool, confirm: bool = False, go_on: bool = False
) -> list[str]:
    """Ingest the named collections, or all that are not paused. Each is its own run; one that fails does not stop the others.

    ``confirm``: what is missing now has been deleted, however much it is. ``go_on``: their pauses end.

    Returns:
        A line for each run that failed; documents that failed are no failure of the run.

    Raises:
        RagError: no such collection, no such folder, or one is named that is paused.
    """
    with suppress(EmbeddingServerError):  # a run says it, if one is needed
        note_exchange(settings)
    look = _look(settings)
    chosen = _choose(names, look)
    collections = _unpaused(settings, chosen, look, named=bool(names), go_on=go_on)
    if chosen and not collections:
        return []
    if not collections:
        click.echo(f"Nothing to do: {settings.uploads} holds no documents. Put files there and run this again.")
        return []
    with _drawing() as drawing:
        if look.plan.unsettled:
            folder = watched_folder(settings)
            for waiting in wait_until_settled(folder.listing, look.known, folder.settle_seconds, _WAIT_LIMIT_SECONDS):
                drawing.show(f"waiting for {waiting} files that are still being copied")
        if confirm:
            _confirm(settings, collections)
        if look.plan.unsettled or confirm:
            look = _look(settings)
        failures = _run(settings, collections, look, full_refresh, drawing)
    _summarise(settings, collections)
    return failures


def _look(settings: Settings) -> Look:
    """What the sensor would see; Dagster is asked only about a server's index, which may hold what others put there."""
    index = open_index(settings)
    if settings.qdrant_url:
        from rag_pipeline.defs.runs import ingested_collections

        return look_around(settings, open_catalog(settings), index, ingested_collections(settings))
    ours = {*index.collections(), *(error.collection for error in index.damaged())}
    return look_around(settings, open_catalog(settings), index, ours)


def _confirm(settings: Settings, collections: Sequence[str]) -> None:
    """Look at the folder first: who confirms in the command that finds the loss means that loss too."""
    for collection in collections:
        update_documents(Workspace(settings, collection))
    confirm_deletions(open_catalog(settings), collections)


def retry_documents(settings: Settings, names: Sequence[str], collections: Sequence[str], *, again: bool = False) -> list[str]:
    """Read failed documents again: those named (path under the collection, ``collection/path`` or id), or all.

    ``collections`` narrows to some of them; none: all. ``again``: those named, although they have not failed.

    Returns:
        As :func:`ingest_collections`.

    Raises:
        RagError: there is no such document or collection, it has not failed, its file is missing, or its collection is paused.
    """
    catalog = open_catalog(settings)
    rows = catalog.documents()
    existing = {row.collection for row in rows}
    wanted = [name if name in existing else escape_collection(name) for name in collections]
    if missing := [name for name in wanted if name not in existing]:
        raise RagError(f"No such collection: {', '.join(missing)}. There are: {', '.join(sorted(existing)) or 'none yet'}.")
    rows = [row for row in rows if row.collection in (wanted or existing)]
    failed = [row for name in names for row in _named(rows, name, again=again)] if names else [row for row in rows if row.error_code]
    present = watched_folder(settings).present({row.file for row in failed})
    chosen = [row for row in failed if row.file in present]
    if names and (gone := [row for row in failed if row not in chosen]):
        raise RagError(f"The file of {gone[0].document} is missing, so it cannot be read again. Bring it back first.")
    if not chosen:
        click.echo("Nothing to do: no document has failed whose file is there." if failed else "Nothing to do: no document has failed.")
        return []
    collections, pauses = sorted({row.collection for row in chosen}), read_pauses(settings)
    if paused := [name for name in collections if name in pauses]:
        raise RagError(paused_in_words(paused[0]))
    reopen_documents(catalog, [row.document_id for row in chosen], again=again)
    return ingest_collections(settings, collections, False)


def _named(rows: Sequence[DocumentStatus], name: str, *, again: bool) -> list[DocumentStatus]:
    found = [row for row in rows if name in (row.document_id, row.document, f"{row.collection}/{row.document}")]
    if not found:
        raise RagError(f"There is no document {name}. `rag status` shows them all.")
    failed = [row for row in found if row.state != "indexed" or again]
    if not failed:
        raise RagError(f"{name} has not failed: it is indexed. To read it again all the same: rag retry --again {as_argument(name)}")
    return failed


def _choose(names: Sequence[str], look: Look) -> list[str]:
    existing = existing_collections(look)
    if not names:
        return sorted(existing)
    wanted = [name if name in existing else escape_collection(name) for name in names]
    if missing := [name for name in wanted if name not in existing]:
        raise RagError(f"No such collection: {', '.join(missing)}. There are: {', '.join(sorted(existing)) or 'none yet'}.")
    return wanted


def _unpaused(settings: Settings, chosen: Sequence[str], look: Look, *, named: bool, go_on: bool) -> list[str]:
    """Those that are not paused. Whoever names one that is wants to be told, and asked; of the others it is said that they are left out."""
    if go_on and chosen:
        carry_on(settings, chosen, existing_collections(look))
    pauses = read_pauses(settings)
    paused = [name for name in chosen if name in pauses]
    if paused and named:
        raise RagError(f"{paused_in_words(paused[0])}, or, to do it here and now: rag ingest --continue {as_argument(paused[0])}")
    for name in paused:
        click.echo(f"Left out: {paused_in_words(name)}", err=True)
    return [name for name in chosen if name not in pauses]


def existing_collections(look: Look) -> set[str]:
    """Those that folder, catalog or index know."""
    return {collection_of(file) for file in look.listing.files.keys() | look.known.keys()} | look.backlog.keys()


def named_collections(settings: Settings, names: Sequence[str]) -> list[str]:
    """Collections as they were typed, by their own names.

    Raises:
        RagError: no such collection.
    """
    return _choose(names, _look(settings)) if names else []


def pause_collections(settings: Settings, names: Sequence[str]) -> str:
    """Pause collections, or everything; what to say of it."""
    wanted = named_collections(settings, names)
    pause(settings, wanted)
    what = ", ".join(wanted) or "Everything"
    return f"{what}: paused. What is at work ends within seconds, and what it did is kept. To go on: rag continue"


def continue_collections(settings: Settings, names: Sequence[str]) -> str:
    """End the pause of collections, or of everything; what to say of it."""
    look = _look(settings)
    wanted = _choose(names, look) if names else []
    carry_on(settings, wanted, existing_collections(look))
    return f"{', '.join(wanted) or 'Everything'}: goes on, at once where `rag up` is running. Here and now: rag ingest"


def stop_collection(settings: Settings, name: str) -> str:
    """Pause a collection, and cancel its run where it does not end by itself; what to say of it."""
    wanted = named_collections(settings, [name])[0]
    stop(settings, wanted)
    return f"{wanted}: stopped and paused; what was finished is kept. To go on: rag continue {as_argument(wanted)}"


def _run(settings: Settings, collections: Sequence[str], look: Look, full_refresh: bool, drawing: _Drawing) -> list[str]:
    """What is to be done for the collections: text of all of them first, so that all can be asked about early, then vectors.

    Nothing of Dagster is loaded where there is nothing to do; where there is, by another process.
    """
    needs = {task for task in needs_of(look.plan, look.backlog) if task[1] in collections}
    went_back = {manifest.collection for manifest in rolled_back(open_index(settings), collections)}
    unmeasured = _unmeasured(settings, collections)
    if not (full_refresh or needs or went_back or unmeasured):
        return []
    work = _Work(settings, drawing)
    with Recorder(settings) as recorder, progress.listening(drawing.update):
        if len(look.plan.to_read) <= _SMALL_WORK:
            recorder.begin()
        if full_refresh:
            for collection in collections:
                work.do(Workspace(settings, collection, full_refresh=True, is_paused=partial(is_paused_now, settings, collection)), LANES)
        else:
            for collection in collections:
                if ("text", collection) in needs or collection in went_back:
                    work.do_slices("text", collection)
            recorder.begin()
            pauses, left = read_pauses(settings), _left(settings, collections, "vectors")
            for collection in collections:
                if left[collection] and collection not in pauses and collection not in work.failures:
                    work.do_slices("vectors", collection)
        if unmeasured is not None:
            work.measure(_unmeasured(settings, [name for name in collections if name not in work.failures]) or [])
        unrecorded = recorder.record(work.reports, work.measured)
    refusals = [f"{name}: {found.refusal}" for name, found in work.reports.items() if found.refusal and name not in work.failures]
    return [*work.failures.values(), *refusals, *filter(None, [unrecorded])]


@dataclass
class _Work:
    """What has been done so far in this process, and a line for each collection at which it failed."""

    settings: Settings
    drawing: _Drawing
    reports: dict[str, Reports] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)

    def measure(self, collections: Sequence[str]) -> None:
        """How well the questions of those collections are answered that have any, and of whose documents nothing is left to do."""
        for lane in LANES if collections else ():
            left = _left(self.settings, collections, lane)
            collections = [name for name in collections if not left[name]]
        for collection in collections:
            from rag_pipeline.evaluation.quality import update_and_measure

            self.drawing.start(collection)
            self.drawing.show(f"{collection}: measuring how well its questions are answered")
            try:
                self.measured[collection] = update_and_measure(Workspace(self.settings, collection))
            except (RagError, OSError) as error:
                self.failures[collection] = f"{collection}: its quality was not measured: {error}"

    def do_slices(self, lane: Lane, collection: str) -> None:
        """Slice after slice until nothing is left, or one of them got nothing done."""
        for earlier in count():
            before = self.reports.setdefault(collection, Reports()).work
            seconds = slice_seconds(self.settings, lane, earlier)
            is_paused = partial(is_paused_now, self.settings, collection)
            self.do(Workspace(self.settings, collection, slice=Slice(seconds), is_paused=is_paused), [lane])
            left = _left(self.settings, [collection], lane)[collection]
            if left and is_paused():
                self.drawing.bars.console.print(paused_in_words(collection), highlight=False)
                return
            if collection in self.failures or not left:
                return
            if self.reports[collection].work == before:
                click.echo(
                    f"{collection}: {left} {_LEFT[lane]} are left, and nothing more can be done about them now: rag status", err=True
                )
                return

    def do(self, workspace: Workspace, lanes: Sequence[Lane]) -> None:
        """Take the steps; a collection at which that fails does not stop the others."""
        collection = workspace.collection
        self.drawing.start(collection)
        reports = self.reports.setdefault(collection, Reports())
        try:
            begin_preparation(workspace.model, self.settings)  # while documents are read
            with turn(workspace, lanes), once(partial(is_to_be_cancelled, self.settings, collection), interrupt):
                run_lanes(workspace, lanes, reports)
        except KeyboardInterrupt:
            if not is_to_be_cancelled(self.settings, collection):
                raise
            self.failures[collection] = f"{collection}: stopped; what was finished is kept"
        except RagError as error:
            self.failures[collection] = f"{collection}: {error}"
        except Exception as error:
            log.exception("Ingesting %s failed", collection)
            self.failures[collection] = f"{collection}: {type(error).__name__}: {error}. What was finished is kept: run it again."


def _unmeasured(settings: Settings, collections: Sequence[str]) -> list[str] | None:
    """Those that have questions and were not measured as they are now; None, and said why, where that cannot be told.

    What evaluation needs is loaded only where there may be questions.
    """
    if not (settings.evaluation_path.exists() or settings.conversations_path.exists() or settings.database_url):
        return []
    from rag_pipeline.evaluation.quality import due

    pauses = read_pauses(settings)
    try:
        return due(settings, open_index(settings).manifests(), [name for name in collections if name not in pauses])
    except RagError as error:
        click.echo(f"Whether quality is to be measured cannot be told: {error}", err=True)
        return None


def _left(settings: Settings, collections: Sequence[str], lane: Lane) -> dict[str, int]:
    """Collection → documents whose text could be brought forward, or passages without a vector; one look for all."""
    catalog = open_catalog(settings)
    with catalog.reading():
        found = backlogs(settings, catalog, open_index(settings), collections)
    return {name: found.get(name, Backlog()).of(lane) for name in collections}


@dataclass
class _Drawing:
    """Bars on a terminal, silence elsewhere: a log file wants the summary only."""

    bars: Progress
    collection: str = ""
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def start(self, collection: str) -> None:
        self.collection = collection
        self.tasks.clear()

    def show(self, text: str) -> None:
        task = self.tasks.setdefault("waiting", self.bars.add_task(text, total=None))
        self.bars.update(task, description=text)

    def update(self, report: progress.Report) -> None:
        if report.step in (progress.PLANNED, progress.PUBLISHED):
            return
        if report.step not in self.tasks:
            self.tasks[report.step] = self.bars.add_task(f"{self.collection}: {report.step}", total=report.total)
        self.bars.update(self.tasks[report.step], completed=report.done, total=report.total)


@contextmanager
def _drawing() -> Iterator[_Drawing]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bars:
        yield _Drawing(bars)


def _summarise(settings: Settings, collections: Sequence[str]) -> None:
    catalog = open_catalog(settings)
    counts = [one for name, one in work_counts(catalog).items() if name in collections]
    answering = sum(number for name, number in answering_documents(catalog).items() if name in collections)
    archives = sum(number for name, number in archive_counts(catalog).items() if name in collections)
    documents = sum(sum(one.states.values()) for one in counts) - archives
    chunks, vectors = sum(one.passages for one in counts), sum(one.vectors for one in counts)
    click.echo(f"{answering} documents ({chunks} chunks) in {len(collections)} collections can be asked about.")
    if vectors < chunks:
        click.echo(f"{chunks - vectors} of the chunks are found by their words alone so far: rag ingest")
    if answering < documents:
        click.echo(f"{documents - answering} cannot, each for its own reason: rag status")
    show_held(settings)


def show_held(settings: Settings) -> None:
    """Say on stderr which deletions are held, and how to confirm them."""
    for line in with_command(held_in_words(held_deletions(open_catalog(settings)), hold_rules(settings))):
        click.echo(line, err=True)

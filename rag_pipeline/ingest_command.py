"""``rag ingest``: the same assets that the Dagster UI materialises, run here, with a progress bar.

Belongs here: choosing collections, waiting for copies to end, drawing progress, the summary. Not here: the steps.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from rag_pipeline import progress
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder import collection_of, escape_collection, list_folder, prepare_uploads, wait_until_settled
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog
from rag_pipeline.stores.documents import known_signatures

_WAIT_LIMIT_SECONDS = 60.0


def ingest_collections(settings: Settings, names: Sequence[str], full_refresh: bool) -> list[str]:
    """Ingest the named collections, or all. Each is its own run; one that fails does not stop the others.

    Returns:
        A line for each run that failed; documents that failed are no failure of the run.

    Raises:
        RagError: no such collection, or no such folder.
    """
    prepare_uploads(settings)
    known = known_signatures(Catalog(settings.catalog_path), None, settings.max_attempts)
    collections = _choose(settings, names, set(known))
    if not collections:
        click.echo(f"Nothing to do: {settings.uploads} holds no documents. Put files there and run this again.")
        return []
    with _drawing() as drawing:
        for waiting in wait_until_settled(settings.uploads, known, settings.settle_seconds, _WAIT_LIMIT_SECONDS):
            drawing.show(f"waiting for {waiting} files that are still being copied")
        failures = _run(settings, collections, full_refresh, drawing)
    _summarise(settings, collections)
    return failures


def _choose(settings: Settings, names: Sequence[str], known: set[str]) -> list[str]:
    existing = {collection_of(file) for file in list_folder(settings.uploads).files.keys() | known}
    if not names:
        return sorted(existing)
    wanted = [escape_collection(name) for name in names]
    if missing := [name for name in wanted if name not in existing]:
        raise RagError(f"No such collection: {', '.join(missing)}. There are: {', '.join(sorted(existing)) or 'none yet'}.")
    return wanted


def _run(settings: Settings, collections: Sequence[str], full_refresh: bool, drawing: _Drawing) -> list[str]:
    from rag_pipeline.defs.runs import fail_dead_runs, open_instance, run_here

    failures = []
    with open_instance(settings) as instance, progress.listening(drawing.update):
        fail_dead_runs(instance)
        for collection in collections:
            drawing.start(collection)
            failures += [f"{collection}: {reason}" for reason in run_here(instance, collection, full_refresh)]
    return failures


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

    def update(self, step: str, done: int, total: int) -> None:
        if step not in self.tasks:
            self.tasks[step] = self.bars.add_task(f"{self.collection}: {step}", total=total)
        self.bars.update(self.tasks[step], completed=done, total=total)


@contextmanager
def _drawing() -> Iterator[_Drawing]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bars:
        yield _Drawing(bars)


def _summarise(settings: Settings, collections: Sequence[str]) -> None:
    rows = [row for row in Catalog(settings.catalog_path).documents() if row.collection in collections]
    indexed = [row for row in rows if row.state == "indexed"]
    other = [row for row in rows if row.state != "indexed"]
    chunks = sum(row.chunks for row in indexed)
    click.echo(f"{len(indexed)} documents ({chunks} chunks) in {len(collections)} collections can be asked about.")
    if other:
        click.echo(f"{len(other)} cannot, each for its own reason: rag status")

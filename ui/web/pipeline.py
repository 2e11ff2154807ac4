"""What is published of each collection, what warns, and what happened lately: for the Pipeline tab and the routes of the same.

Belongs here: finding it out, as often as it has changed and somebody asks, and for whom. Not here: how far the work is
(``progress_feed.py``), runs (``dagster.py``), what is said of it (``views/pipeline``).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from rag_pipeline import doctor
from rag_pipeline.access import Access
from rag_pipeline.doctor import Finding
from rag_pipeline.document_life import UNANSWERABLE, held_in_words, hold_rules
from rag_pipeline.embedding.model import embedding_model_so_far
from rag_pipeline.embedding.model_files import EmbeddingModelError
from rag_pipeline.evaluation.folder import evaluation_folder, question_files
from rag_pipeline.ingestion.consistency import chunk_counts, longest_chunk
from rag_pipeline.ingestion.progress.live import live_runs
from rag_pipeline.ingestion.rollback import in_words
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.settings_in_force import without_secrets
from rag_pipeline.stores.catalog import Catalog, open_catalog
from rag_pipeline.stores.catalog.contract import CatalogBusyError
from rag_pipeline.stores.catalog.listing import arrivals, read_in_part_counts, state_counts
from rag_pipeline.stores.catalog.missing_files import held_deletions
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.files import change_mark
from rag_pipeline.stores.vectors import Manifest, VectorIndex, is_rolled_back
from ui.views.pipeline.activity import Activity, days_of, slices_of
from ui.views.pipeline.cards import Concern, IndexVersion, Standing
from ui.web.rate_limit import examine_limit

_Kept = Mapping[str, tuple[Manifest, Manifest | None]]


class PipelineLook:
    """Versions and warnings of all collections; looked at again only once index, catalog or measurements have changed. Threads share it."""

    def __init__(self, settings: Settings, index: VectorIndex) -> None:
        self._settings = settings
        self._index = index
        self._catalog = open_catalog(settings, lock_wait_seconds=0)
        self._looking = threading.Lock()
        self._mark: object = None
        self._found = Standing()
        self._quality: dict[str, tuple[object, list[Concern]]] = {}

    async def current(self, access: Access) -> Standing:
        """What of it someone may see. While a run writes the catalog, the warnings of the moment before stand.

        Raises:
            RagError: catalog or index cannot be read.
        """
        found = await asyncio.to_thread(self._look)
        versions = {name: one for name, one in found.versions.items() if access.sees(name)}
        return Standing(versions, [one for one in found.concerns if access.sees(one.collection)])

    def _look(self) -> Standing:
        with self._looking:
            kept = self._index.kept()
            at_work = {run.collection for run in live_runs(self._settings) if run.alive}
            mark = self._mark_of(kept), at_work
            if mark != self._mark:
                versions = {name: self._version(*both) for name, both in kept.items()}
                self._found = Standing(versions, self._found.concerns)
                with suppress(CatalogBusyError):  # a run writes it; the next look finds it free
                    self._found, self._mark = Standing(versions, list(self._concerns(kept, at_work))), mark
            return self._found

    def _mark_of(self, kept: _Kept) -> object:
        names = [(name, current.version, previous.version if previous else "") for name, (current, previous) in kept.items()]
        return names, self._catalog.change_mark(), [_mark_of_quality(self._settings, name) for name in kept]

    def _version(self, current: Manifest, previous: Manifest | None) -> IndexVersion:
        footprint = self._index.footprint(current.collection)
        return IndexVersion(
            current.collection,
            current.version,
            current.published_at,
            current.embedding_model,
            current.dimension,
            current.documents,
            current.chunks,
            current.vectors,
            footprint.segments,
            footprint.size_bytes,
            previous.version if previous else "",
            previous.published_at if previous else "",
            is_rolled_back(current, previous),
        )

    def _concerns(self, kept: _Kept, at_work: Set[str]) -> Iterator[Concern]:
        with self._catalog.reading():
            yield from self._of_documents()
            for error in self._index.damaged():
                yield Concern(error.collection, "indexed_chunks_equal_catalog_chunks", "vector_index", str(error))
            for name, (current, previous) in kept.items():
                if is_rolled_back(current, previous):
                    yield Concern(name, "indexed_chunks_equal_catalog_chunks", "vector_index", in_words(current))
                elif name not in at_work:  # while a run writes, the two differ for a moment
                    yield from _of_index(Workspace(self._settings, name), current.chunks)
        for name in kept:
            yield from self._of_quality(name)

    def _of_quality(self, collection: str) -> list[Concern]:
        mark = _mark_of_quality(self._settings, collection)
        if self._quality.get(collection, (None, []))[0] != mark:
            self._quality[collection] = mark, list(_of_quality(self._settings, collection))
        return self._quality[collection][1]

    def _of_documents(self) -> Iterator[Concern]:
        for name, states in state_counts(self._catalog).items():
            if failed := sum(states.get(state, 0) for state in UNANSWERABLE):
                yield Concern(name, "failed_documents", "extracted_text", f"{_documents(failed)} cannot be answered from: see Documents.")
        for name, number in read_in_part_counts(self._catalog).items():
            words = f"{_documents(number)} could be read but for a part: see Documents."
            yield Concern(name, "documents_read_in_part", "extracted_text", words)
        for name, words in held_in_words(held_deletions(self._catalog), hold_rules(self._settings)).items():
            yield Concern(name, "no_deletion_is_held", "source_documents", f"{words}, under Documents.")


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number:,} documents"


def _of_index(workspace: Workspace, indexed: int) -> Iterator[Concern]:
    """What the checks of the same names look at, too, after each run; ``indexed``: passages in the index."""
    try:
        if embedding_model_so_far(workspace.settings) is None:  # a server that nobody has asked yet; the first run does
            return
    except EmbeddingModelError as error:
        yield Concern(workspace.collection, "chunks_fit_the_model", "chunks", str(error))
        return
    counts, (longest, limit) = chunk_counts(workspace, indexed), longest_chunk(workspace)
    if counts.indexed != counts.expected:
        words = f"The index holds {counts.indexed:,} passages, the documents have {counts.expected:,}. Index it now, and they agree."
        yield Concern(workspace.collection, "indexed_chunks_equal_catalog_chunks", "vector_index", words)
    if longest > limit:
        words = f"The longest passage has {longest:,} word pieces, and the embedding model reads {limit:,}. Lower RAG_CHUNK_TOKENS."
        yield Concern(workspace.collection, "chunks_fit_the_model", "chunks", words)


def _mark_of_quality(settings: Settings, collection: str) -> object:
    folder = evaluation_folder(settings, collection)
    return change_mark([folder, folder / "results", *question_files(settings, collection)])


def _of_quality(settings: Settings, collection: str) -> Iterator[Concern]:
    if not evaluation_folder(settings, collection).exists():
        return
    from rag_pipeline.evaluation.quality import last_report  # tables of polars: only where there is something to look at
    from rag_pipeline.evaluation.question_set import bad_rows

    report = last_report(Workspace(settings, collection))
    if drop := report.drop if report else None:
        words = f"Its questions are answered worse than by the version before, {drop.before:.2f} → {drop.after:.2f} nDCG@10: see Quality."
        yield Concern(collection, "quality_has_not_dropped", "retrieval_quality", words)
    if bad := bad_rows(settings, collection):
        words = f"{len(bad):,} lines of its question files are no question, the first of them line {bad[0].line} of {bad[0].file}."
        yield Concern(collection, "every_line_is_a_question", "evaluation_set", words)


async def activity_of(settings: Settings, catalog: Catalog, conversations: Conversations, access: Access, days: int) -> Activity:
    """What happened in so many days, of what someone may see. Who does not see all collections has only his own questions counted.

    Raises:
        RagError: catalog or conversations cannot be read.
    """
    today = datetime.now(UTC).date()
    since = datetime.combine(today - timedelta(days=days - 1), datetime.min.time(), UTC)
    answers = await conversations.answer_figures(since, access.digest if access.collections else None)
    arrived = await asyncio.to_thread(arrivals, catalog, access.collections or None)
    runs = [run for run in await asyncio.to_thread(live_runs, settings) if access.sees(run.collection)]
    return Activity(days_of(arrived, answers, today, days), slices_of(runs))


def findings_of(settings: Settings) -> list[Finding]:
    """What the doctor finds, without what is secret. It asks whatever is set to be asked: some seconds, in a thread of its own."""
    found = doctor.examine(settings, {"limit of requests": examine_limit})
    return [Finding(one.subject, one.state, *(without_secrets(words, settings) for words in (one.detail, one.remedy))) for one in found]

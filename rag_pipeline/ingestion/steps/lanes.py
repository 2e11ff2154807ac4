"""The steps of a lane one after the other in this process, as ``rag ingest`` takes them; in Dagster each is an asset (``defs/assets``).

Belongs here: their order, turns between processes, what they reported. Not here: any step, slices one after the other, Dagster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from rag_pipeline.ingestion.backlog import Lane
from rag_pipeline.ingestion.progress.live import recording
from rag_pipeline.ingestion.steps import chunks, embeddings, extracted_text, source_documents, vector_index
from rag_pipeline.ingestion.steps.workspace import Workspace


@dataclass(slots=True)
class Reports:
    """What the steps said that were taken for one collection, oldest first: those of reading and embedding a batch each.

    ``seconds``: how long each step took altogether, by its name.
    """

    source_documents: list[source_documents.SourcesReport] = field(default_factory=list)
    extracted_text: list[extracted_text.ExtractionReport] = field(default_factory=list)
    chunks: list[chunks.ChunkingReport] = field(default_factory=list)
    embeddings: list[embeddings.EmbeddingReport] = field(default_factory=list)
    vector_index: list[vector_index.IndexReport] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def work(self) -> int:
        """Grows with whatever is done; what is left is no measure of that, as a document that was read has yet to be cut and published."""
        read = sum(report.read + report.failed for report in self.extracted_text)
        cut = sum(report.documents for report in self.chunks)
        embedded = sum(report.texts for report in self.embeddings)
        return read + cut + embedded + sum(report.published for report in self.vector_index)

    @property
    def refusal(self) -> str:
        """Which texts the embedding server did not take, as the last batch that met with such says it; empty where it took all."""
        return next((report.refusal for report in reversed(self.embeddings) if report.refusal), "")

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step's."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - started


@contextmanager
def turn(workspace: Workspace, lanes: Sequence[Lane]) -> Iterator[None]:
    """Wait until no other process is at work in these lanes of the collection, and let everyone see how far this one is."""
    with ExitStack() as held:
        for lane in lanes:
            held.enter_context(workspace.whole_run(lane))
        seconds = workspace.slice.seconds if workspace.slice else 0.0
        held.enter_context(recording(workspace.settings, workspace.collection, lanes, seconds))
        yield


def run_lanes(workspace: Workspace, lanes: Sequence[Lane], reports: Reports) -> None:
    """Take the steps of lanes, and publish once; ``reports`` grows by what was done, also where a step fails.

    Raises:
        RagError: a step cannot be taken; what was finished before is kept, and the next try goes on from there.
    """
    if "text" in lanes:
        _read_and_cut(workspace, reports)
    if "vectors" in lanes:
        _embed(workspace, reports)
    with reports.timed(vector_index.STEP):
        reports.vector_index.append(vector_index.update_index(workspace))


def _read_and_cut(workspace: Workspace, reports: Reports) -> None:
    with reports.timed(source_documents.STEP):
        reports.source_documents.append(source_documents.update_documents(workspace))
    with reports.timed(extracted_text.STEP):
        for batch in extracted_text.plan_extraction(workspace):
            reports.extracted_text.append(extracted_text.extract_batch(workspace, batch))
        extracted_text.commit_extraction(workspace)
    with reports.timed(chunks.STEP):
        reports.chunks.append(chunks.cut_chunks(workspace))


def _embed(workspace: Workspace, reports: Reports) -> None:
    with reports.timed(embeddings.STEP):
        for batch in embeddings.plan_embeddings(workspace):
            reports.embeddings.append(embeddings.embed_batch(workspace, batch))
        embeddings.commit_embeddings(workspace)

"""Step 4: turn chunks into vectors. Plan (catalog) → batches (files only, anywhere) → commit (catalog).

BM25 vectors are made apart, by whoever publishes: a text takes 50 µs, so a collection is searched by words before the model has begun.

Belongs here: which texts are embedded, in which batches, and the commit. Not here: the models (``embedder.py``, ``bm25.py``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice

import numpy as np
import polars

from rag_pipeline.embedding.embedder import Embedder, Vectors, load_embedder
from rag_pipeline.embedding.embedding_server import EmbeddingServerError
from rag_pipeline.embedding.processor import thread_count
from rag_pipeline.embedding.served_embedder import TextsRefusedError
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.steps.staging import Staging
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.stores.catalog.chunk_rows import add_embeddings, add_words, texts_missing, texts_without_vector, texts_without_words
from rag_pipeline.stores.vectors.bm25 import document_vector, model_fingerprint

STEP = "embeddings"
_WORDS = "words"
_REPORT_EVERY = 256
_LOOK_EVERY = 32
"""Texts a thread between two looks at the time of a slice: some seconds of a laptop's work."""
_BATCH_OF_A_SLICE, _MOST_BATCHES_OF_A_SLICE = 1024, 32
"""At most 32,768 texts are handed out for a slice: a quarter of a minute of a GPU's work, and little to write down anew each time."""
_MOST_REFUSED = 20
"""Texts of a batch that a server may refuse: more of them, and it is the setting that is wrong, not the texts."""
_STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    """What one batch did. ``refusal``: which texts the server did not take, and what to do; empty where it took all."""

    texts: int
    seconds: float
    dtype: str
    refusal: str = ""


@dataclass
class _Made:
    """What there is of a batch: the places of the texts that have a vector, the vectors in parts, the first place not looked at."""

    places: list[int] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)
    next: int = 0
    refused: int = 0
    refusal: str = ""

    def add(self, start: int, texts: int, vectors: Vectors, refused: Mapping[int, str]) -> None:
        self.places += [start + place for place in range(texts) if place not in refused]
        self.vectors.append(vectors)
        self.next = start + texts
        self.refused += len(refused)


def plan_embeddings(workspace: Workspace) -> list[str]:
    """Commit what an interrupted run left, then name the batches of texts that the model has not seen: of a slice, as many as may fit."""
    with workspace.lock(STEP):
        _commit_staged(workspace)
        staging = workspace.staging(STEP)
        staging.remove_stale(_STALE_SECONDS)
        staging.remove_stale_objects(_STALE_SECONDS)
        names = []
        left = texts_missing(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.model.fingerprint)
        progress.report(progress.PLANNED, 0, left)
        for texts in islice(_missing(workspace), _MOST_BATCHES_OF_A_SLICE if workspace.slice else None):
            names.append(staging.new_batch())
            staging.write_frame(f"{names[-1]}.texts", texts)
        return names


def complete_words(workspace: Workspace) -> None:
    """Make the BM25 vectors that the collection's texts have not got."""
    fingerprints = workspace.chunker_fingerprint, model_fingerprint()
    with workspace.lock(_WORDS):
        _commit_words(workspace)  # of an interrupted run
        for texts in texts_without_words(workspace.catalog, workspace.collection, *fingerprints, workspace.settings.embedding_batch_chunks):
            _write_words(workspace, texts)
        _commit_words(workspace)


def _missing(workspace: Workspace) -> Iterator[polars.DataFrame]:
    """Batches; those that are done whole begin with the longest text: what follows fits into the memory of what came before."""
    size = workspace.settings.embedding_batch_chunks
    of_workspace = workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.model.fingerprint
    if workspace.slice:
        yield from texts_without_vector(*of_workspace, min(size, _BATCH_OF_A_SLICE), workspace.full_refresh)
        return
    for texts in texts_without_vector(*of_workspace, size, workspace.full_refresh):
        yield texts.sort(polars.col("text").str.len_bytes(), descending=True, maintain_order=True)


def _write_words(workspace: Workspace, texts: polars.DataFrame) -> None:
    """Through files, as the catalog is open for reading while the texts come."""
    vectors = [document_vector(text) for text in texts["text"]]
    words = texts.select(
        "text_hash",
        polars.lit(model_fingerprint()).alias("model"),
        polars.Series("indices", [vector.indices for vector in vectors], polars.List(polars.UInt32)),
        polars.Series("weights", [vector.values for vector in vectors], polars.List(polars.Float32)),
    )
    staging = workspace.staging(_WORDS)
    staging.write_frame(f"{staging.new_batch()}.words", words)


def embed_batch(workspace: Workspace, batch: str) -> EmbeddingReport:
    """Embed one batch's texts into the staging folder; of a slice that is over, no more than was begun: the next one does the rest.

    Raises:
        EmbeddingServerError: the server gave out, or takes hardly any text; what has its vectors by then is kept.
    """
    staging = workspace.staging(STEP)
    frame = _planned(staging, batch)
    started = time.perf_counter()
    embedder = load_embedder(workspace.model, workspace.settings, len(frame))
    made = _Made()
    try:
        _embed(workspace, embedder, frame["text"].to_list(), made)
    except BaseException:
        if made.places:
            _leave(workspace, batch, frame, made, EmbeddingReport(len(made.places), time.perf_counter() - started, embedder.dtype))
            staging.write_frame(f"{batch}.texts", frame[made.next :])  # whoever tries again goes on from there
        raise
    report = EmbeddingReport(len(made.places), time.perf_counter() - started, embedder.dtype, made.refusal)
    if made.places:
        _leave(workspace, batch, frame, made, report)
    else:
        staging.remove([staging.path(f"{batch}.texts")])  # the next slice plans anew
    return report


def _leave(workspace: Workspace, batch: str, frame: polars.DataFrame, made: _Made, report: EmbeddingReport) -> None:
    """Leave what was made for the commit."""
    staging = workspace.staging(STEP)
    columns = polars.lit(workspace.model.fingerprint).alias("model"), polars.Series("vector", np.concatenate(made.vectors))
    vectors = frame[made.places].select("text_hash").with_columns(*columns)
    staging.write_frame(f"{batch}-{staging.new_batch()}.vectors", vectors, asdict(report))


def _planned(staging: Staging, batch: str) -> polars.DataFrame:
    """The texts of a batch; none when another worker was faster."""
    try:
        return staging.read_frame(f"{batch}.texts")
    except FileNotFoundError:
        return polars.DataFrame(schema={"text_hash": polars.String, "text": polars.String})


def _embed(workspace: Workspace, embedder: Embedder, texts: list[str], made: _Made) -> None:
    """Embed the first texts: as many as there is time for."""
    in_slices = workspace.slice and not workspace.settings.embedding_url
    step = _LOOK_EVERY * thread_count() if in_slices else _REPORT_EVERY  # as many as a server is kept busy by
    progress.report(STEP, 0, len(texts))
    for start in range(0, len(texts), step):
        if workspace.is_over():
            break
        part = texts[start : start + step]
        try:
            vectors = embedder.embed_documents(part)
            refused: Mapping[int, str] = {}
        except TextsRefusedError as error:
            vectors, refused, made.refusal = error.vectors, error.refused, str(error)
        made.add(start, len(part), vectors, refused)
        progress.report(STEP, made.next, len(texts))
        if made.refused > _MOST_REFUSED:
            raise EmbeddingServerError(made.refusal)


def commit_embeddings(workspace: Workspace) -> list[EmbeddingReport]:
    """Commit all finished batches to the catalog. What each of them did."""
    with workspace.lock(STEP):
        return _commit_staged(workspace)


def _commit_staged(workspace: Workspace) -> list[EmbeddingReport]:
    staging = workspace.staging(STEP)
    vectors = staging.complete("vectors")
    add_embeddings(workspace.catalog, vectors)
    texts = [staging.path(f"{file.name.partition('-')[0]}.texts") for file in vectors]
    reports = [EmbeddingReport(**report) for report in staging.reports(vectors)]
    staging.remove([*vectors, *texts])
    return reports


def _commit_words(workspace: Workspace) -> None:
    staging = workspace.staging(_WORDS)
    words = staging.complete("words")
    add_words(workspace.catalog, words)
    staging.remove(words)

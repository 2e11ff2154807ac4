"""Step 4: turn chunks into vectors. Plan (catalog) → batches (files only, anywhere) → commit (catalog).

The plan makes the BM25 vectors itself: a text takes 50 µs, so a collection can be searched by words before the first batch is done.

Belongs here: which texts are embedded, in which batches, and the commit. Not here: the models (``embedder.py``, ``bm25.py``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars

from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.stores.catalog.chunk_rows import add_embeddings, add_words, missing_texts
from rag_pipeline.stores.vectors.bm25 import document_vector, model_fingerprint

STEP = "embeddings"
_REPORT_EVERY = 256
_STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    """What one batch did."""

    texts: int
    seconds: float
    dtype: str


def plan_embeddings(workspace: Workspace) -> list[str]:
    """Commit what an interrupted run left, make BM25 vectors, then name the batches of texts that the model has not seen."""
    with workspace.lock(STEP):
        _commit_staged(workspace)
        staging = workspace.staging(STEP)
        staging.remove_stale(_STALE_SECONDS)
        names = []
        for frame in _missing(workspace, workspace.full_refresh):
            _write_words(workspace, frame)
            texts = frame.filter("dense").select("text_hash", "text")
            if len(texts):
                names.append(staging.new_batch())
                staging.write_frame(f"{names[-1]}.texts", texts)
        _commit_words(workspace)
        return names


def complete_words(workspace: Workspace) -> None:
    """Make the BM25 vectors that the collection's texts have not got."""
    with workspace.lock(STEP):
        for frame in _missing(workspace, full_refresh=False):
            _write_words(workspace, frame)
        _commit_words(workspace)


def _missing(workspace: Workspace, full_refresh: bool) -> Iterator[polars.DataFrame]:
    models = workspace.model.fingerprint, model_fingerprint()
    batch_size = workspace.settings.embedding_batch_chunks
    return missing_texts(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, models, batch_size, full_refresh)


def _write_words(workspace: Workspace, texts: polars.DataFrame) -> None:
    """Through files, as the catalog is open for reading while the texts come."""
    texts = texts.filter("sparse")
    if not len(texts):
        return
    vectors = [document_vector(text) for text in texts["text"]]
    words = texts.select(
        "text_hash",
        polars.lit(model_fingerprint()).alias("model"),
        polars.Series("indices", [vector.indices for vector in vectors], polars.List(polars.UInt32)),
        polars.Series("weights", [vector.values for vector in vectors], polars.List(polars.Float32)),
    )
    staging = workspace.staging(STEP)
    staging.write_frame(f"{staging.new_batch()}.words", words)


def embed_batch(workspace: Workspace, batch: str) -> EmbeddingReport:
    """Embed one batch's texts into the staging folder."""
    staging = workspace.staging(STEP)
    frame = polars.read_parquet(staging.path(f"{batch}.texts"))
    started = time.perf_counter()
    texts = frame["text"].to_list()
    embedder = load_embedder(workspace.model, workspace.settings, len(texts))
    parts = []
    for start in range(0, len(texts), _REPORT_EVERY):
        parts.append(embedder.embed_documents(texts[start : start + _REPORT_EVERY]))
        progress.report(STEP, min(start + _REPORT_EVERY, len(texts)), len(texts))
    vectors = frame.select("text_hash").with_columns(
        polars.lit(workspace.model.fingerprint).alias("model"), polars.Series("vector", np.concatenate(parts))
    )
    staging.write_frame(f"{batch}.vectors", vectors)
    return EmbeddingReport(len(texts), time.perf_counter() - started, embedder.dtype)


def commit_embeddings(workspace: Workspace) -> None:
    """Commit all finished batches to the catalog."""
    with workspace.lock(STEP):
        _commit_staged(workspace)


def _commit_staged(workspace: Workspace) -> None:
    staging = workspace.staging(STEP)
    vectors = staging.complete("vectors")
    add_embeddings(workspace.catalog, vectors)
    texts = [staging.path(f"{file.name.split('.')[0]}.texts") for file in vectors]
    staging.remove([*vectors, *texts])
    _commit_words(workspace)


def _commit_words(workspace: Workspace) -> None:
    staging = workspace.staging(STEP)
    words = staging.complete("words")
    add_words(workspace.catalog, words)
    staging.remove(words)

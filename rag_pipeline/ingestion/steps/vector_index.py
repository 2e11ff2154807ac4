"""Step 5: make the published index hold exactly the documents that are read, cut and embedded.

Belongs here: the difference between catalog and index, and its publication. Not here: how a version is built (``stores/vectors``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars

from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.steps.embeddings import complete_words
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import IndexedChunk, SparseVector, box_fields
from rag_pipeline.stores.catalog.indexable import export_points, indexable_documents, mark_indexed, purge_orphans
from rag_pipeline.stores.vectors import INDEX_SCHEMA, DamagedIndexError, IndexChange, Manifest, indexed_chunk, is_rolled_back
from rag_pipeline.stores.vectors.bm25 import model_fingerprint

STEP = "vector_index"
_BATCH_POINTS = 1024


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What was published. ``version`` is None when the collection has nothing to search and its index is gone."""

    version: str | None
    published: bool
    documents: int
    chunks: int
    documents_added: int
    documents_removed: int


def update_index(workspace: Workspace) -> IndexReport:
    """Publish a new version if the current one is out of date; then note it in the catalog and forget what nobody needs."""
    with workspace.lock(STEP):
        wanted = indexable_documents(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.model.fingerprint)
        report = _bring_up_to_date(workspace, wanted)
        mark_indexed(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, list(wanted))
        purge_orphans(workspace.catalog, workspace.chunker_fingerprint, workspace.settings.retention_days)
        return report


def _bring_up_to_date(workspace: Workspace, wanted: dict[str, int]) -> IndexReport:
    manifest, damaged = _current(workspace)
    reusable = manifest is not None and not workspace.full_refresh and _fits(manifest, workspace)
    present = workspace.index.document_keys(workspace.collection) if manifest else set()
    kept = present if reusable else set()
    added, removed = sorted(wanted.keys() - kept), sorted(kept - wanted.keys())
    chunks = sum(wanted.values())
    if not wanted:
        if manifest or damaged:
            workspace.index.drop(workspace.collection)
        return IndexReport(None, manifest is not None or damaged, 0, 0, 0, len(present))
    rolled_back = manifest is not None and is_rolled_back(manifest, workspace.index.previous(workspace.collection))
    if manifest and reusable and not added and not removed and not rolled_back:
        return IndexReport(manifest.version, False, len(wanted), chunks, 0, 0)
    published = _publish(workspace, added, removed, len(wanted), sum(wanted[key] for key in added), from_scratch=not reusable)
    return IndexReport(published.version, True, len(wanted), chunks, len(added), len(present - wanted.keys()))


def _current(workspace: Workspace) -> tuple[Manifest | None, bool]:
    """The published version, and whether it cannot be told which that is: then it is made anew, from the vectors that the catalog has."""
    try:
        return workspace.index.manifest(workspace.collection), False
    except DamagedIndexError:
        return None, True


def _fits(manifest: Manifest, workspace: Workspace) -> bool:
    return manifest.embedding_fingerprint == workspace.model.fingerprint and manifest.index_schema == INDEX_SCHEMA


def _publish(
    workspace: Workspace, added: list[str], removed: list[str], documents: int, new_chunks: int, *, from_scratch: bool
) -> Manifest:
    staging = workspace.staging(STEP)
    staging.folder.mkdir(parents=True, exist_ok=True)
    points = staging.path(f"{staging.new_batch()}.points")
    model = workspace.model
    if added:
        complete_words(workspace)  # of a catalog that an older program made, if the step before was not asked for
    models = model.fingerprint, model_fingerprint()
    export_points(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, models, added, points)
    try:
        return workspace.index.publish(
            IndexChange(
                collection=workspace.collection,
                embedding_model=model.name,
                embedding_fingerprint=model.fingerprint,
                dimension=_dimension(workspace, points),
                removed_keys=removed,
                chunks=_read_points(points, new_chunks),
                documents=documents,
                from_scratch=from_scratch,
            )
        )
    finally:
        staging.clear()


def _dimension(workspace: Workspace, points: Path) -> int:
    first = polars.scan_parquet(points).select("vector").head(1).collect()["vector"]
    if len(first):
        return len(first[0])
    manifest = workspace.index.manifest(workspace.collection)
    return manifest.dimension if manifest else 0


def _read_points(points: Path, total: int) -> Iterator[list[IndexedChunk]]:
    """The points of a Parquet file, a slice in memory at a time."""
    source = polars.scan_parquet(points)
    for start in range(0, total, _BATCH_POINTS):
        yield [_point(row) for row in source.slice(start, _BATCH_POINTS).collect().iter_rows(named=True)]
        progress.report(STEP, min(start + _BATCH_POINTS, total), total)


def _point(row: dict[str, Any]) -> IndexedChunk:
    row["boxes"] = box_fields(row["boxes"])
    return indexed_chunk(row, row["vector"], SparseVector(row["indices"], row["weights"]))

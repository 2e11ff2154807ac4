"""What must be true after a run, as findings that a check can show. Reads only.

Belongs here: comparing catalog, index and model. Not here: repairing, Dagster.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag_pipeline.ingestion.workspace import Workspace
from rag_pipeline.stores.catalog import DocumentStatus
from rag_pipeline.stores.chunks import largest_chunk
from rag_pipeline.stores.indexable import indexable_documents


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of chunks that the index holds, and that the catalog says it should hold."""

    indexed: int
    expected: int


def _wanted(workspace: Workspace) -> dict[str, int]:
    return indexable_documents(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.model.fingerprint)


def chunk_counts(workspace: Workspace) -> Counts:
    """Points of the published index against chunks of the catalog's live documents."""
    return Counts(workspace.index.count(workspace.collection), sum(_wanted(workspace).values()))


def dead_documents(workspace: Workspace) -> set[str]:
    """Document keys that the index answers from although no live document has them."""
    return workspace.index.document_keys(workspace.collection) - _wanted(workspace).keys()


def longest_chunk(workspace: Workspace) -> tuple[int, int]:
    """Word pieces of the collection's longest chunk, and the model's limit."""
    return largest_chunk(workspace.catalog, workspace.collection, workspace.chunker_fingerprint), workspace.model.max_tokens


def failed_documents(workspace: Workspace) -> list[DocumentStatus]:
    """Live documents that are not answerable for a reason of their own."""
    rows = workspace.catalog.documents(workspace.collection)
    return [row for row in rows if row.state in ("failed", "unsupported", "empty")]


def documents_read_in_part(workspace: Workspace) -> list[DocumentStatus]:
    """Live documents that could be read but for a part."""
    return [row for row in workspace.catalog.documents(workspace.collection) if row.warnings]

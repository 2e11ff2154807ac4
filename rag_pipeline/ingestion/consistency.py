"""What must be true after a run, as findings that a check can show. Reads only.

Belongs here: comparing catalog, index and model. Not here: repairing, Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rag_pipeline.document_life import UNANSWERABLE
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.stores.catalog.chunk_rows import largest_chunk
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.indexable import indexable_documents
from rag_pipeline.stores.catalog.listing import state_counts
from rag_pipeline.stores.vectors import DamagedIndexError, VectorIndex, is_rolled_back


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


def unpublished_collections(catalog: Catalog, index: VectorIndex, ingested: Iterable[str]) -> dict[str, int]:
    """Collections whose index holds more or fewer documents than the catalog has for it, and how many.

    A run that ended between its scan and its publication leaves that: of a deleted document no row is left that would ask for another.
    None where the index's server does not answer. Of an index that was rolled back, the newest version counts: someone wants it so.

    Args:
        ingested: the collections that there were runs for. What else a server holds may be another installation's.
    """
    indexed = {collection: states.get("indexed", 0) for collection, states in state_counts(catalog).items()}
    try:
        differences = {name: _difference(index, name, indexed.get(name, 0)) for name in sorted({*indexed, *ingested})}
    except RagError:
        return {}
    return {name: difference for name, difference in differences.items() if difference}


def _difference(index: VectorIndex, collection: str, indexed: int) -> int:
    """How many documents index and catalog differ by; a damaged index agrees with no catalog."""
    try:
        manifest = index.manifest(collection)
        previous = index.previous(collection) if manifest else None
        if manifest and is_rolled_back(manifest, previous):
            manifest = previous  # what runs published last
    except DamagedIndexError:
        return indexed + 1
    return abs((manifest.documents if manifest else 0) - indexed)


def longest_chunk(workspace: Workspace) -> tuple[int, int]:
    """Word pieces of the collection's longest chunk, and the model's limit."""
    return largest_chunk(workspace.catalog, workspace.collection, workspace.chunker_fingerprint), workspace.model.max_tokens


def failed_documents(workspace: Workspace) -> list[DocumentStatus]:
    """Live documents that are not answerable for a reason of their own."""
    rows = workspace.catalog.documents(workspace.collection)
    return [row for row in rows if row.state in UNANSWERABLE]


def documents_read_in_part(workspace: Workspace) -> list[DocumentStatus]:
    """Live documents that could be read but for a part."""
    return [row for row in workspace.catalog.documents(workspace.collection) if row.warnings]

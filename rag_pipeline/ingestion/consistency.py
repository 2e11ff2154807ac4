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
from rag_pipeline.stores.catalog.indexable import (
    answering_documents,
    chunks_to_be_found,
    document_of,
    earlier_keys,
    indexable_documents,
    unread_ids,
)
from rag_pipeline.stores.vectors import Manifest, VectorIndex, is_rolled_back


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of chunks that the index holds, and that the catalog says it should hold."""

    indexed: int
    expected: int


def chunk_counts(workspace: Workspace, indexed: int | None = None) -> Counts:
    """Points of the published index against chunks of the catalog's live documents; of edited ones that are not read yet, nothing is
    expected but what there is.

    ``indexed``: what the index holds, for those who know it; None: it is asked.
    """
    of_chunker = workspace.catalog, workspace.collection, workspace.chunker_fingerprint
    indexed = workspace.index.count(workspace.collection) if indexed is None else indexed
    return Counts(indexed, indexed if unread_ids(*of_chunker) else chunks_to_be_found(*of_chunker))


def dead_documents(workspace: Workspace) -> set[str]:
    """Document keys that the index answers from although no live document has them."""
    of_chunker = workspace.catalog, workspace.collection, workspace.chunker_fingerprint
    live = indexable_documents(*of_chunker, workspace.model.fingerprint).keys() | earlier_keys(*of_chunker).keys()
    unread = unread_ids(*of_chunker)  # edited: what they said before answers until they are read
    published = workspace.index.revisions(workspace.collection)
    return {key for key, revision in published.items() if key not in live and document_of(revision) not in unread}


def unpublished_collections(catalog: Catalog, index: VectorIndex, ingested: Iterable[str]) -> dict[str, int]:
    """Collections whose index holds more or fewer documents than the catalog has for it, and how many.

    A run that ended between its scan and its publication leaves that: of a deleted document no row is left that would ask for another.
    None where the index's server does not answer. Of an index that was rolled back, the newest version counts: someone wants it so.

    Args:
        ingested: the collections that there were runs for. What else a server holds may be another installation's.
    """
    answering = answering_documents(catalog)
    try:
        published = {name: _newest(*versions).documents for name, versions in index.kept().items()}
        damaged = {error.collection for error in index.damaged()}
    except RagError:
        return {}
    ours = {*answering, *ingested}
    differences = {name: abs(published.get(name, 0) - answering.get(name, 0)) for name in sorted(ours)}
    differences |= {name: answering.get(name, 0) + 1 for name in damaged & ours}  # agrees with no catalog
    return {name: difference for name, difference in differences.items() if difference}


def _newest(current: Manifest, previous: Manifest | None) -> Manifest:
    """What runs published last."""
    return previous if previous and is_rolled_back(current, previous) else current


def longest_chunk(workspace: Workspace) -> tuple[int, int]:
    """Word pieces of the collection's longest chunk, and the model's limit."""
    return largest_chunk(workspace.catalog, workspace.collection, workspace.chunker_fingerprint), workspace.model.max_tokens


def failed_documents(workspace: Workspace) -> list[DocumentStatus]:
    """Live documents that are not answerable for a reason of their own."""
    return _documents(workspace, "d.state IN (SELECT unnest($states))", states=UNANSWERABLE)


def documents_read_in_part(workspace: Workspace) -> list[DocumentStatus]:
    """Live documents that could be read but for a part."""
    return _documents(workspace, "len(d.notes) > 0")


def _documents(workspace: Workspace, which: str, **parameters: object) -> list[DocumentStatus]:
    tail = f"WHERE d.collection = $collection AND {which} ORDER BY d.document"
    return workspace.catalog.select_documents(tail, {"collection": workspace.collection, **parameters})

"""The vector index: one contract, kept by the embedded engine (``edge.py``) or by a Qdrant server (``server/``).

Belongs here: versions, points, and searches by vector. Not here: which chunks exist, how questions are made, how answers are written.
"""

from __future__ import annotations

from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors.contract import (
    INDEX_SCHEMA,
    Candidate,
    CollectionNotIndexedError,
    DamagedIndexError,
    Footprint,
    Fusion,
    IndexChange,
    IndexChangedError,
    Manifest,
    SearchQuery,
    VectorIndex,
    is_rolled_back,
)
from rag_pipeline.stores.vectors.points import indexed_chunk

__all__ = [
    "INDEX_SCHEMA",
    "Candidate",
    "CollectionNotIndexedError",
    "DamagedIndexError",
    "Footprint",
    "Fusion",
    "IndexChange",
    "IndexChangedError",
    "Manifest",
    "SearchQuery",
    "VectorIndex",
    "indexed_chunk",
    "is_rolled_back",
    "open_index",
]


def open_index(settings: Settings) -> VectorIndex:
    """The index the settings ask for: a Qdrant server when ``RAG_QDRANT_URL`` is set, the embedded engine otherwise.

    Nothing is opened or contacted before the first use.
    """
    if settings.qdrant_url:
        from rag_pipeline.stores.vectors.server import connect

        return connect(settings)
    from rag_pipeline.stores.vectors.edge import EdgeIndex

    return EdgeIndex(settings.index_path)

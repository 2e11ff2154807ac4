"""Texts as BM25 sparse vectors: the one model that both engines use, so that their ranks agree.

Belongs here: how words become dimensions and weights. Not here: IDF, which the engines compute from the points they hold.
"""

from __future__ import annotations

from functools import cache

import qdrant_edge

from rag_pipeline.models import SparseVector


def document_vector(text: str) -> SparseVector:
    """Term-frequency weights of a chunk's embedded text. Empty when it has no words."""
    vector = _model().embed_document(text)
    return SparseVector(list(vector.indices), list(vector.values))


def query_vector(text: str) -> SparseVector:
    """Weight 1 for each distinct word of a question. Empty when it has no words, or stop words only."""
    vector = _model().embed_query(text)
    return SparseVector(list(vector.indices), list(vector.values))


@cache
def _model() -> qdrant_edge.Bm25:
    return qdrant_edge.Bm25()

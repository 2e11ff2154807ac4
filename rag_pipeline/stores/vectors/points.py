"""Chunks as points and points as hits: the payload, in one place, for both engines.

Belongs here: names and shapes of payload fields, ids of points. Not here: vectors' engines, ranking.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rag_pipeline.models import Box, Chunk, Hit, IndexedChunk
from rag_pipeline.stores.vectors.bm25 import document_vector

DENSE = "dense"
"""Name of the dense vector of a point."""

SPARSE = "bm25"
"""Name of the sparse vector of a point."""

KEYWORD_FIELDS = ("document_key", "document")
"""Payload fields that are filtered or counted, so the engines index them."""

_NAMESPACE = uuid.UUID("c2a4dbb5-6d25-5d0c-9a0e-0a4f4a1f5d4b")
"""Fixed for ever: another one would change the id of every chunk, and with it every stored citation."""


def indexed_chunk(
    collection: str, document: str, document_id: str, document_key: str, chunk: Chunk, dense: Sequence[float]
) -> IndexedChunk:
    """The point of a chunk. ``document`` is the path under the collection; the id depends on document key and position only."""
    payload = {
        "collection": collection,
        "document": document,
        "document_id": document_id,
        "document_key": document_key,
        "position": chunk.position,
        "text": chunk.text,
        "context": chunk.context,
        "heading_path": list(chunk.heading_path),
        "page_first": chunk.page_first,
        "page_last": chunk.page_last,
        "boxes": [asdict(box) for box in chunk.boxes],
    }
    vector = [float(value) for value in dense]
    return IndexedChunk(chunk_id(document_key, chunk.position), vector, document_vector(chunk.embedded_text), payload)


def chunk_id(document_key: str, position: int) -> str:
    """The id of a point: the same chunk gets the same id in every run and on every machine."""
    return str(uuid.uuid5(_NAMESPACE, f"{document_key}/{position}"))


def following_id(payload: Mapping[str, Any] | None) -> str | None:
    """The id that the chunk after a stored one has, if there is one."""
    return chunk_id(payload["document_key"], payload["position"] + 1) if payload else None


def is_chunk_id(value: str) -> bool:
    """Whether an engine would take this as the id of a point."""
    try:
        return str(uuid.UUID(value)) == value
    except ValueError:
        return False


def hit(rank: int, score: float, point_id: object, payload: Mapping[str, Any]) -> Hit:
    """A stored point as a hit; ``rank`` counts from 1."""
    return Hit(
        rank=rank,
        score=score,
        text=payload["text"],
        document=payload["document"],
        collection=payload["collection"],
        page_first=payload.get("page_first"),
        page_last=payload.get("page_last"),
        chunk_id=str(point_id),
        document_id=payload["document_id"],
        heading_path=tuple(payload["heading_path"]),
        context=payload["context"],
        position=payload["position"],
        boxes=tuple(Box(**box) for box in payload["boxes"]),
    )


def in_order(found: Mapping[str, Mapping[str, Any]], chunk_ids: Sequence[str]) -> list[Hit]:
    """The payloads found by id, as hits in the order asked for."""
    present = [wanted for wanted in chunk_ids if wanted in found]
    return [hit(rank, 0.0, wanted, found[wanted]) for rank, wanted in enumerate(present, start=1)]

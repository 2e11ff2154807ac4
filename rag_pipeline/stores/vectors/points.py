"""Chunks as points and points as hits: the payload, in one place, for both engines.

Belongs here: names and shapes of payload fields, ids of points. Not here: vectors' engines, ranking.
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from rag_pipeline.models import Box, Hit, IndexedChunk, Place, SparseVector
from rag_pipeline.stores.vectors.contract import SearchQuery

PointId = int | str | uuid.UUID
"""As engines return it; ours are the text of a UUID."""

DENSE = "dense"
"""Name of the dense vector of a point."""

SPARSE = "bm25"
"""Name of the sparse vector of a point."""

KEYWORD_FIELDS = ("document_key", "document", "folders", "type")
"""Payload fields that are filtered or counted, so the engines index them."""

NUMBER_FIELDS = ("modified",)
"""The same, of which ranges are asked for."""

_PAYLOAD_FIELDS = (
    "collection",
    "document",
    "document_id",
    "document_key",
    "revision",
    "position",
    "text",
    "context",
    "heading_path",
    "page_first",
    "page_last",
    "boxes",
    "headings",
    "modified",
    "media_type",
    "pages",
)

_NAMESPACE = uuid.UUID("c2a4dbb5-6d25-5d0c-9a0e-0a4f4a1f5d4b")
"""Fixed for ever: another one would change the id of every chunk, and with it every stored citation."""


def indexed_chunk(fields: Mapping[str, Any], dense: list[float] | None, sparse: SparseVector) -> IndexedChunk:
    """The point of a chunk; its id depends on document key and position only.

    Args:
        fields: those of the payload, and others: a chunk's, and where it stands (``document`` is the path under the collection, ``file``
            the bytes of the one under the uploads folder, ``modified`` the seconds from 1970 to the file's last change, in UTC).
        dense: its vector by the embedding model, if that has seen it.
        sparse: its BM25 vector.
    """
    document = fields["document"]
    # A payload is JSON, and names of files are any bytes.
    found = {"folders": folders_of(document), "type": type_of(document), "file": quote_from_bytes(fields["file"])}
    payload = {**{name: fields[name] for name in _PAYLOAD_FIELDS}, **found}
    return IndexedChunk(chunk_id(fields["document_key"], fields["position"]), dense, sparse, payload)


def chunk_id(document_key: str, position: int) -> str:
    """The id of a point: the same chunk gets the same id in every run and on every machine."""
    return str(uuid.uuid5(_NAMESPACE, f"{document_key}/{position}"))


def folders_of(document: str) -> list[str]:
    """Every folder that a document is in, outermost first: of ``a/b/c.pdf`` these are ``a`` and ``a/b``."""
    return list(accumulate(document.split("/")[:-1], lambda above, name: f"{above}/{name}"))


def type_of(document: str) -> str:
    """The ending of a document's name, without the dot and in lower case; empty where it has none."""
    return document.rpartition("/")[2].rpartition(".")[2].lower() if "." in document.rpartition("/")[2] else ""


def best(points: Iterable[tuple[str, float]], count: int) -> dict[str, float]:
    """Id → score of the best of some points, best first.

    Fusion scores many points alike, and the engine orders those as it happens to, another way each time: the id decides.
    """
    return dict(sorted(points, key=lambda point: (-point[1], point[0]))[:count])


def fused_best(lists: Sequence[tuple[Sequence[str], float]], query: SearchQuery) -> dict[str, float]:
    """Id → score of a question's best ``top_k``, best first, by reciprocal rank fusion as the contract's ``Fusion`` describes it.

    Args:
        lists: ids, best first, and the list's weight.
    """
    scores: dict[str, float] = defaultdict(float)
    for ids, weight in lists:
        for rank, identity in enumerate(ids, start=1):
            scores[identity] += 1 / (query.fusion.k - 1 + rank / weight)
    return best(scores.items(), query.top_k)


def neighbour_ids(payload: Mapping[str, Any], before: int, after: int) -> list[str]:
    """The ids of a stored chunk and of those around it, in reading order; of some there may be no chunk."""
    position = payload["position"]
    return [chunk_id(payload["document_key"], near) for near in range(max(0, position - before), position + after + 1)]


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
        file=os.fsdecode(unquote_to_bytes(payload["file"])),
        media_type=payload.get("media_type"),
        pages=payload.get("pages"),
        headings=tuple(Place(**place) for place in payload.get("headings", ())),
    )


def in_order(found: Mapping[str, Mapping[str, Any]], chunk_ids: Sequence[str]) -> list[Hit]:
    """The payloads found by id, as hits in the order asked for."""
    present = [wanted for wanted in chunk_ids if wanted in found]
    return [hit(rank, 0.0, wanted, found[wanted]) for rank, wanted in enumerate(present, start=1)]

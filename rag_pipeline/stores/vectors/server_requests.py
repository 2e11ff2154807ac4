"""Our records in the terms of qdrant-client, and the client's errors in plain words.

Belongs here: requests, points, errors. Not here: versions and which of them is the current one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any, cast

from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.models import IndexedChunk
from rag_pipeline.stores.vectors.bm25 import query_vector
from rag_pipeline.stores.vectors.contract import SearchQuery
from rag_pipeline.stores.vectors.points import DENSE, KEYWORD_FIELDS, NUMBER_FIELDS, SPARSE, PointId

DOCUMENT_REVISION = "document_revision"
"""Payload field with a document's key and revision in one: a server counts the values of one field, not of two."""

_POINTS_IN_ONE_REQUEST = 256


class VersionGoneError(RagError):
    """The server has no collection of that name (any more)."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the client's exceptions into ours.

    Raises:
        VersionGoneError: no such collection.
        TransientError: the server cannot be reached, or failed by its own fault.
        RagError: the server refuses.
    """
    try:
        yield
    except ResponseHandlingException as error:
        raise TransientError(
            "qdrant_unreachable", f"The Qdrant server cannot be reached ({error}). Check RAG_QDRANT_URL and that the server runs."
        ) from error
    except UnexpectedResponse as error:
        raise _refusal(error) from error
    except ValueError as error:
        # The in-memory mode has no status codes.
        if "not found" in str(error):
            raise VersionGoneError(str(error)) from error
        raise


def _refusal(error: UnexpectedResponse) -> RagError:
    status = error.status_code or 0
    if status == 404:
        return VersionGoneError("The Qdrant server has no such collection.")
    if status in (401, 403):
        return RagError("The Qdrant server refuses the key. Check RAG_QDRANT_API_KEY.")
    reason = f"The Qdrant server at RAG_QDRANT_URL answered {status}: {error.reason_phrase}"
    return TransientError("qdrant_failed", f"{reason}. See the server's log.") if status >= 500 else RagError(f"{reason}.")


def create_collection(client: QdrantClient, name: str, dimension: int) -> None:
    """An empty collection for points with our two vectors."""
    client.create_collection(
        name,
        vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
        sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    for field in (*KEYWORD_FIELDS, DOCUMENT_REVISION):
        client.create_payload_index(name, field, models.PayloadSchemaType.KEYWORD)
    for field in NUMBER_FIELDS:
        client.create_payload_index(name, field, models.PayloadSchemaType.FLOAT)


def upsert(client: QdrantClient, name: str, chunks: Sequence[IndexedChunk]) -> None:
    """Add points, or replace those with the same id."""
    for start in range(0, len(chunks), _POINTS_IN_ONE_REQUEST):
        client.upsert(name, [_point(chunk) for chunk in chunks[start : start + _POINTS_IN_ONE_REQUEST]], wait=True)


def copy_points(client: QdrantClient, source: str, target: str) -> None:
    """Carry every point of one collection over to another, vectors included."""
    offset: Any = None
    while True:
        records, offset = client.scroll(source, limit=_POINTS_IN_ONE_REQUEST, offset=offset, with_vectors=True)
        points = [models.PointStruct(id=record.id, vector=cast("Any", record.vector), payload=record.payload) for record in records]
        if points:
            client.upsert(target, points, wait=True)
        if offset is None:
            return


def any_of(field: str, values: Sequence[str]) -> models.Filter:
    """Points whose payload field is one of ``values``."""
    return models.Filter(must=[_is_one_of(field, values)])


def _is_one_of(field: str, values: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def fused_request(query: SearchQuery) -> models.QueryRequest | None:
    """Both lists fused, or the one there is, by rank: all of it, ids only (see :func:`rag_pipeline.stores.vectors.points.best`).

    None when the question has no searchable word and no vector.
    """
    if not _lists(query):
        return None
    prefetches = _prefetches(query)
    return models.QueryRequest(query=_fusion(query), prefetch=prefetches, limit=sum(one.limit or 0 for one in prefetches))


def words_of(record: models.Record) -> AbstractSet[int]:
    """The words of a point that came with its sparse vector."""
    sparse = record.vector.get(SPARSE) if isinstance(record.vector, dict) else None
    return frozenset(sparse.indices) if isinstance(sparse, models.SparseVector) else frozenset()


def cosines_request(dense: Sequence[float], ids: Collection[PointId]) -> models.QueryRequest:
    """The cosines of those of the points that have a vector."""
    same = models.Filter(must=[models.HasIdCondition(has_id=list(ids))])
    return models.QueryRequest(query=list(dense), using=DENSE, filter=same, limit=len(ids))


def count_points(client: QdrantClient, name: str) -> tuple[int, int]:
    """Points, and those of them that have a dense vector."""
    seen = models.Filter(must=[models.HasVectorCondition(has_vector=DENSE)])
    return client.count(name, exact=True).count, client.count(name, count_filter=seen, exact=True).count


def key_and_revision(value: str) -> tuple[str, str]:
    """A document's key and revision out of the field that holds both."""
    key, _, revision = value.partition("@")
    return key, revision


def _chosen(query: SearchQuery) -> models.Filter | None:
    """What narrows a search; None when nothing does."""
    wanted = {"document": query.documents, "folders": (query.folder,) if query.folder else (), "type": query.types}
    conditions = [_is_one_of(field, values) for field, values in wanted.items() if values]
    if query.since is not None or query.before is not None:
        conditions.append(models.FieldCondition(key="modified", range=models.Range(gte=query.since, lt=query.before)))
    return models.Filter(must=[*conditions]) if conditions else None


def _fusion(query: SearchQuery) -> models.RrfQuery:
    return models.RrfQuery(rrf=models.Rrf(k=query.fusion.k, weights=[weight for *_, weight in _lists(query)]))


def _prefetches(query: SearchQuery) -> list[models.Prefetch]:
    depth = max(query.prefetch, query.top_k)
    return [models.Prefetch(query=vector, using=using, filter=_chosen(query), limit=depth) for vector, using, _ in _lists(query)]


def _lists(query: SearchQuery) -> list[tuple[Any, str, float]]:
    lists: list[tuple[Any, str, float]] = []
    if query.dense is not None:
        lists.append((list(query.dense), DENSE, query.fusion.dense_weight))
    words = query_vector(query.text) if query.text else None
    if words and words.indices:
        lists.append((models.SparseVector(indices=words.indices, values=words.values), SPARSE, query.fusion.text_weight))
    return lists


def _point(chunk: IndexedChunk) -> models.PointStruct:
    vectors: dict[str, Any] = {}
    if chunk.dense is not None:
        vectors[DENSE] = chunk.dense
    if chunk.sparse.indices:
        vectors[SPARSE] = models.SparseVector(indices=chunk.sparse.indices, values=chunk.sparse.values)
    both = {DOCUMENT_REVISION: f"{chunk.payload['document_key']}@{chunk.payload['revision']}"}
    return models.PointStruct(id=chunk.chunk_id, vector=vectors, payload={**chunk.payload, **both})

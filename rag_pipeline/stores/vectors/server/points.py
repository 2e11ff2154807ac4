"""The points of all collections of an embedding model, in one collection of a Qdrant server: which version sees which, and their writing.

Belongs here: points, payload, filters, batches of operations. Not here: which versions there are (``manifests.py``), the course of
a publication (``index.py``), ranking (``search.py``).

A point says which version ``added`` it and, once one did, which ``removed`` it (multiversion concurrency control; Bernstein and Goodman
1983). A version sees what it or one before it added and none removed. Publications that came to nothing count as neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from qdrant_client import models

from rag_pipeline.errors import RagError
from rag_pipeline.models import IndexedChunk, SparseVector
from rag_pipeline.stores.vectors.points import DENSE, KEYWORD_FIELDS, NUMBER_FIELDS, SPARSE
from rag_pipeline.stores.vectors.server.manifests import Record, ServerVersion, matches
from rag_pipeline.stores.vectors.server.names import ServerOptions, point_id
from rag_pipeline.stores.vectors.server.requests import AlreadyThereError, Server, VersionGoneError, create_indexes, require_recent

ADDED, REMOVED = "added", "removed"
"""Payload fields: numbers of versions."""
COLLECTION = "published_in"
"""Payload field: the collection whose version has the point."""
CHUNK_ID = "chunk_id"
DOCUMENT_REVISION = "document_revision"
"""Payload field with a document's key and revision in one: a server counts the values of one field, not of two."""
_OWN_FIELDS = (ADDED, REMOVED, COLLECTION, CHUNK_ID, DOCUMENT_REVISION)

_REQUEST_BYTES = 8 << 20
"""A quarter of what servers take."""
_WRITES_TAKE_SECONDS = 600
"""At most; marking a million points takes minutes."""
_KEYS_IN_ONE_FILTER = 1_000
_POINTS_AT_A_TIME = 1_000
_BYTES_OF_A_NUMBER = 12
_KILOBYTES_WORTH_A_GRAPH = 300_000
_NUMBERS = models.Datatype.FLOAT16
"""Both as in the embedded index: fewer vectors of a collection are compared one by one, with nothing missed; cosines are right to three
digits after the point."""
_INDEXES: Mapping[str, Any] = {
    COLLECTION: models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
    **dict.fromkeys((ADDED, REMOVED), models.PayloadSchemaType.INTEGER),
    **dict.fromkeys((CHUNK_ID, DOCUMENT_REVISION, *KEYWORD_FIELDS), models.PayloadSchemaType.KEYWORD),
    **dict.fromkeys(NUMBER_FIELDS, models.PayloadSchemaType.FLOAT),
}


class Points:
    """One of the server's collections of points."""

    def __init__(self, server: Server, options: ServerOptions, name: str) -> None:
        self._server = server
        self._options = options
        self.name = name

    def ensure(self, dimension: int) -> bool:
        """Have the server's collection and its indexes, made now if need be; whether the collection is new.

        Raises:
            RagError: what is there is of another kind, or the server is too old.
        """
        try:
            found = self._server.send(self._server.client.get_collection, self.name)
        except VersionGoneError:
            self._create(dimension)
            create_indexes(self._server, self.name, _INDEXES, ())
            return True
        dense = found.config.params.vectors
        ours = dense.get(DENSE) if isinstance(dense, dict) else None
        if not (ours and ours.size == dimension and ours.distance == models.Distance.COSINE):
            raise RagError(
                f"The Qdrant server holds a collection {self.name!r} of another kind, not made by this program: it is not for vectors of "
                f"{dimension} numbers, by cosine. Rename or delete it there, or choose another RAG_QDRANT_PREFIX."
            )
        create_indexes(self._server, self.name, _INDEXES, found.payload_schema)  # who made it may have been killed before the last
        return False

    def _create(self, dimension: int) -> None:
        options = self._options
        require_recent(self._server)
        with suppress(AlreadyThereError):  # two first writers at once
            self._server.send(
                self._server.client.create_collection,
                self.name,
                vectors_config={DENSE: self._vector_params(dimension)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(index=models.SparseIndexParams(on_disk=options.on_disk))},
                quantization_config=_int8(options) if options.int8 else None,
                optimizers_config=None if options.on_disk else models.OptimizersConfigDiff(indexing_threshold=_KILOBYTES_WORTH_A_GRAPH),
                shard_number=options.shards or None,
                replication_factor=options.replicas,
                on_disk_payload=options.on_disk or None,
            )

    def _vector_params(self, dimension: int) -> models.VectorParams:
        threshold = None if self._options.on_disk else _KILOBYTES_WORTH_A_GRAPH
        graph = models.HnswConfigDiff(m=32, ef_construct=256, full_scan_threshold=threshold)
        return models.VectorParams(
            size=dimension, distance=models.Distance.COSINE, datatype=_NUMBERS, hnsw_config=graph, on_disk=self._options.on_disk
        )

    def apply(self, operations: Sequence[Any]) -> None:
        """Carry out some operations in their order, in one request; once more they change nothing."""
        if operations:
            self._server.send(self._server.client.batch_update_points, self.name, list(operations), wait=True, timeout=_WRITES_TAKE_SECONDS)

    def apply_if_there(self, operations: Sequence[Any]) -> None:
        """The same; nothing where the server's collection is gone with all that was in it."""
        with suppress(VersionGoneError):
            self.apply(operations)

    def count(self, chosen: models.Filter) -> int:
        """How many points fit."""
        return self._server.send(self._server.client.count, self.name, count_filter=chosen, exact=True).count

    def scroll(self, chosen: models.Filter, **wanted: Any) -> Iterator[list[models.Record]]:
        """The points that fit, some at a time; ``wanted`` as the client has it."""
        offset: Any = None
        while True:
            found, offset = self._server.send(
                self._server.client.scroll, self.name, chosen, limit=_POINTS_AT_A_TIME, offset=offset, **wanted
            )
            yield found
            if offset is None:
                return

    def revisions(self, version: ServerVersion, record: Record) -> dict[str, str]:
        """Document key → revision: there cannot be more of them than points."""
        facet = self._server.client.facet
        limit = max(1, version.manifest.chunks)
        found = self._server.send(facet, self.name, DOCUMENT_REVISION, facet_filter=seen_by(version, record), limit=limit, exact=True)
        return dict(_key_and_revision(str(hit.value)) for hit in found.hits)


def _int8(options: ServerOptions) -> models.ScalarQuantization:
    return models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=options.on_disk or None)
    )


def seen_by(version: ServerVersion, record: Record, *more: models.Condition) -> models.Filter:
    """The points that a version sees and that fit."""
    return visible(record.collection, version.number, record.numbers_excluded, *more)


def visible(collection: str, number: int, excluded: Sequence[int], *more: models.Condition) -> models.Filter:
    """The points of a collection that a version sees by its number."""
    gone: models.Condition = _up_to(REMOVED, number)
    if not excluded:
        return models.Filter(must=[matches(COLLECTION, collection), _up_to(ADDED, number), *more], must_not=[gone])
    gone = models.Filter(must=[gone], must_not=[_any_number(REMOVED, excluded)])
    return models.Filter(
        must=[matches(COLLECTION, collection), _up_to(ADDED, number), *more], must_not=[gone, _any_number(ADDED, excluded)]
    )


def take_back(collection: str, excluded: Sequence[int]) -> list[Any]:
    """The operations that undo what publications left that came to nothing."""
    if not excluded:
        return []
    added = models.Filter(must=[matches(COLLECTION, collection), _any_number(ADDED, excluded)])
    removed = models.Filter(must=[matches(COLLECTION, collection), _any_number(REMOVED, excluded)])
    return [
        models.DeleteOperation(delete=models.FilterSelector(filter=added)),
        models.DeletePayloadOperation(delete_payload=models.DeletePayload(keys=[REMOVED], filter=removed)),
    ]


def forget_unseen(collection: str, kept: Sequence[ServerVersion]) -> list[Any]:
    """The operation that deletes points which none of the two kept versions sees."""
    numbers = sorted(version.number for version in kept)
    if not numbers:
        return []
    between: list[models.Condition] = [_up_to(REMOVED, numbers[0]), models.FieldCondition(key=ADDED, range=models.Range(gt=numbers[0]))]
    unseen = models.Filter(must=[matches(COLLECTION, collection), _up_to(REMOVED, numbers[-1])], should=between)
    return [models.DeleteOperation(delete=models.FilterSelector(filter=unseen))]


def forget_before(collection: str, number: int) -> list[Any]:
    """The operation that deletes what was added before a number: a writer that was given up, and is not dead, deletes nothing newer."""
    chosen = models.Filter(must=[matches(COLLECTION, collection), _before(number)])
    return [models.DeleteOperation(delete=models.FilterSelector(filter=chosen))]


def remove_documents(collection: str, number: int, excluded: Sequence[int], keys: Sequence[str] | None) -> list[Any]:
    """The operations that remove documents as of a version; with None all.

    What another version removed keeps its mark: a writer that was given up may still be alive, and must not take back what later ones did.
    """
    not_gone: list[Any] = [models.IsEmptyCondition(is_empty=models.PayloadField(key=REMOVED))]
    if excluded:
        not_gone.append(_any_number(REMOVED, excluded))
    chosen: list[list[models.Condition]] = [[]] if keys is None else [[any_of("document_key", some)] for some in in_filters(keys)]
    return [
        models.SetPayloadOperation(
            set_payload=models.SetPayload(
                payload={REMOVED: number},
                filter=models.Filter(must=[matches(COLLECTION, collection), _before(number), *of_keys], should=not_gone),
            )
        )
        for of_keys in chosen
    ]


def in_filters(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as stand in one filter."""
    for start in range(0, len(keys), _KEYS_IN_ONE_FILTER):
        yield keys[start : start + _KEYS_IN_ONE_FILTER]


def upserts(collection: str, number: int, chunks: Sequence[IndexedChunk]) -> Iterator[tuple[Any, int]]:
    """Operations that add chunks as of a version, and how many bytes about each takes."""
    points: list[models.PointStruct] = []
    total = 0
    for chunk in chunks:
        size = _bytes_of(chunk)
        if points and total + size > _REQUEST_BYTES:
            yield _upsert(points), total
            points, total = [], 0
        points.append(_point(collection, number, chunk))
        total += size
    if points:
        yield _upsert(points), total


class Batches:
    """Operations that are sent in their order, in requests of bounded size."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._waiting: list[Any] = []
        self._bytes = 0

    def add(self, operations: Sequence[Any], size: int = 0) -> None:
        """Operations, and how many bytes about they take."""
        if self._bytes + size > _REQUEST_BYTES:
            self.send()
        self._waiting += operations
        self._bytes += size

    def send(self) -> None:
        """Send what is waiting."""
        self._points.apply(self._waiting)
        self._waiting, self._bytes = [], 0


def chunk_of(record: models.Record) -> IndexedChunk:
    """A stored point as what was published."""
    payload = record.payload or {}
    vectors = record.vector if isinstance(record.vector, dict) else {}
    sparse = vectors.get(SPARSE)
    words = SparseVector(list(sparse.indices), list(sparse.values)) if isinstance(sparse, models.SparseVector) else SparseVector([], [])
    kept = {name: value for name, value in payload.items() if name not in _OWN_FIELDS}
    return IndexedChunk(str(payload[CHUNK_ID]), cast("list[float] | None", vectors.get(DENSE)), words, kept)


def words_of(record: models.Record | models.ScoredPoint) -> list[int]:
    """The words of a point that came with its sparse vector."""
    sparse = record.vector.get(SPARSE) if isinstance(record.vector, dict) else None
    return list(sparse.indices) if isinstance(sparse, models.SparseVector) else []


def any_of(field: str, values: Sequence[str]) -> models.FieldCondition:
    """Points whose payload field is one of ``values``."""
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def has_vector() -> models.HasVectorCondition:
    """Points that have a dense vector."""
    return models.HasVectorCondition(has_vector=DENSE)


def _up_to(field: str, number: int) -> models.FieldCondition:
    return models.FieldCondition(key=field, range=models.Range(lte=number))


def _before(number: int) -> models.FieldCondition:
    return models.FieldCondition(key=ADDED, range=models.Range(lt=number))


def _any_number(field: str, numbers: Sequence[int]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(numbers)))


def _key_and_revision(value: str) -> tuple[str, str]:
    key, _, revision = value.partition("@")
    return key, revision


def _upsert(points: list[models.PointStruct]) -> models.UpsertOperation:
    return models.UpsertOperation(upsert=models.PointsList(points=points))


def _point(collection: str, number: int, chunk: IndexedChunk) -> models.PointStruct:
    vectors: dict[str, Any] = {}
    if chunk.dense is not None:
        vectors[DENSE] = chunk.dense
    if chunk.sparse.indices:
        vectors[SPARSE] = models.SparseVector(indices=chunk.sparse.indices, values=chunk.sparse.values)
    own: Mapping[str, Any] = {
        ADDED: number,
        COLLECTION: collection,
        CHUNK_ID: chunk.chunk_id,
        DOCUMENT_REVISION: f"{chunk.payload['document_key']}@{chunk.payload['revision']}",
    }
    return models.PointStruct(id=point_id(collection, chunk.chunk_id, number), vector=vectors, payload={**chunk.payload, **own})


def _bytes_of(chunk: IndexedChunk) -> int:
    """About what a point takes as JSON."""
    numbers = len(chunk.dense or ()) * 2 + len(chunk.sparse.indices) * 2
    return numbers * _BYTES_OF_A_NUMBER + len(json.dumps(dict(chunk.payload))) + 500

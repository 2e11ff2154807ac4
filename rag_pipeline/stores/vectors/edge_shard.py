"""One shard of Qdrant Edge: what our records look like to the engine, and back.

Belongs here: every call of the engine. Not here: versions, files, locks, which shard is the current one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import qdrant_edge as engine

from rag_pipeline.errors import RagError
from rag_pipeline.models import IndexedChunk
from rag_pipeline.stores.vectors.bm25 import query_vector
from rag_pipeline.stores.vectors.contract import Candidate, SearchQuery
from rag_pipeline.stores.vectors.points import DENSE, KEYWORD_FIELDS, SPARSE, best, hit

_KEYS_IN_ONE_FILTER = 5_000


class EdgeShard:
    """Points in a folder. Reading is safe from several threads and processes at once; writing is for one."""

    def __init__(self, shard: engine.EdgeShard) -> None:
        self._shard = shard

    @classmethod
    def create(cls, path: Path, dimension: int) -> EdgeShard:
        """An empty shard for vectors of a dimension, in a folder that is made if need be."""
        path.mkdir(parents=True, exist_ok=True)
        config = engine.EdgeConfig(
            vectors={DENSE: engine.EdgeVectorParams(dimension, engine.Distance.Cosine)},
            sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
            # With a log, one process at a time could open the shard. A version is written once and flushed, so it needs none.
            wal_enabled=False,
        )
        with _plain_errors("The index cannot be written"):
            shard = engine.EdgeShard.create(str(path), config)
            for field in KEYWORD_FIELDS:
                shard.update(engine.UpdateOperation.create_field_index(field, engine.PayloadSchemaType.Keyword))
        return cls(shard)

    @classmethod
    def load(cls, path: Path) -> EdgeShard:
        """The shard in a folder.

        Raises:
            RagError: the folder does not hold a whole shard.
        """
        with _plain_errors(
            f"The index in {path} cannot be opened", "Check that the disk is not full, or delete that folder and run: rag ingest"
        ):
            return cls(engine.EdgeShard.load(str(path)))

    def delete_documents(self, document_keys: Sequence[str]) -> None:
        """Delete the points of documents."""
        for start in range(0, len(document_keys), _KEYS_IN_ONE_FILTER):
            chosen = _any_of("document_key", document_keys[start : start + _KEYS_IN_ONE_FILTER])
            with _plain_errors("The index cannot be written"):
                self._shard.update(engine.UpdateOperation.delete_points_by_filter(chosen))

    def upsert(self, chunks: Sequence[IndexedChunk]) -> None:
        """Add points, or replace those with the same id."""
        with _plain_errors("The index cannot be written"):
            self._shard.update(engine.UpdateOperation.upsert_points([_point(chunk) for chunk in chunks]))

    def finish(self) -> None:
        """Build the indexes that make searching fast and bring everything to the disk."""
        with _plain_errors("The index cannot be written"):
            self._shard.optimize()
            self._shard.flush()

    def count(self) -> int:
        """Number of points."""
        return self._shard.count(engine.CountRequest(exact=True))

    def document_keys(self) -> set[str]:
        """Every distinct document key: there cannot be more of them than points, which is what the limit says."""
        request = engine.FacetRequest("document_key", limit=max(1, self.count()), exact=True)
        return {str(found.value) for found in self._shard.facet(request).hits}

    def candidates(self, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, each with its cosine; none for a question without a vector or a searchable word."""
        with _plain_errors("The index cannot be searched"):
            found = self._shard.query(_fused_request(query)) if _lists(query) else []
            fused = best(((point.id, point.score) for point in found), query.top_k)
            points = self._shard.query(_points_request(query.dense, fused)) if fused else []
        by_id = {point.id: point for point in points}
        return [_candidate(rank, score, by_id[identity], query) for rank, (identity, score) in enumerate(fused.items(), start=1)]

    def payloads(self, chunk_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Payloads of the points that exist, by id."""
        records = self._shard.retrieve(list(chunk_ids), True, False)
        return {str(record.id): record.payload or {} for record in records}

    def close(self) -> None:
        """Release files and memory."""
        self._shard.close()


@contextmanager
def _plain_errors(what: str, fix: str = "Check that the disk is not full, then try again") -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the engine raises bare Exception for whatever went wrong inside it
        raise RagError(f"{what}: {error}. {fix}.") from error


def _point(chunk: IndexedChunk) -> engine.Point:
    vectors: dict[str, Any] = {DENSE: chunk.dense}
    if chunk.sparse.indices:
        vectors[SPARSE] = engine.SparseVector(chunk.sparse.indices, chunk.sparse.values)
    return engine.Point(chunk.chunk_id, vectors, dict(chunk.payload))


def _any_of(field: str, values: Sequence[str]) -> engine.Filter:
    return engine.Filter(must=[engine.FieldCondition(field, match=engine.MatchAny(list(values)))])


def _candidate(rank: int, score: float, point: engine.ScoredPoint, query: SearchQuery) -> Candidate:
    cosine = 0.0 if query.dense is None else point.score
    return Candidate(hit(rank, score, point.id, point.payload or {}), cosine, _words(point))


def _words(point: engine.ScoredPoint) -> AbstractSet[int]:
    sparse = cast("dict[str, engine.SparseVector]", point.vector or {}).get(SPARSE)
    return frozenset(sparse.indices) if sparse else frozenset()


def _fused_request(query: SearchQuery) -> engine.QueryRequest:
    """Both lists fused, or the one there is, by rank: all of it, ids only (see :func:`rag_pipeline.stores.vectors.points.best`)."""
    prefetches = _prefetches(query)
    return engine.QueryRequest(limit=sum(one.limit for one in prefetches), query=_fusion(query), prefetches=prefetches)


def _points_request(dense: Sequence[float] | None, ids: Collection[engine.PointId]) -> engine.QueryRequest:
    """Points whole, scored by cosine where there is a vector to compare with."""
    nearest = engine.Query.Nearest(list(dense), using=DENSE) if dense is not None else None
    same = engine.Filter(must=[engine.HasIdCondition(set(ids))])
    return engine.QueryRequest(limit=len(ids), query=nearest, filter=same, with_payload=True, with_vector=[SPARSE])


def _chosen(query: SearchQuery) -> engine.Filter | None:
    return _any_of("document", query.documents) if query.documents else None


def _fusion(query: SearchQuery) -> engine.Fusion:
    # The stubs do not know that the two kinds of fusion are fusions.
    return cast("engine.Fusion", engine.Fusion.Rrf(query.fusion.k, [weight for _, weight in _lists(query)]))


def _prefetches(query: SearchQuery) -> list[engine.Prefetch]:
    depth = max(query.prefetch, query.top_k)
    return [engine.Prefetch(limit=depth, query=nearest, filter=_chosen(query)) for nearest, _ in _lists(query)]


def _lists(query: SearchQuery) -> list[tuple[engine.Query, float]]:
    lists = []
    if query.dense is not None:
        lists.append((engine.Query.Nearest(list(query.dense), using=DENSE), query.fusion.dense_weight))
    words = query_vector(query.text) if query.text else None
    if words and words.indices:
        sparse = cast("Any", engine.SparseVector(words.indices, words.values))
        lists.append((engine.Query.Nearest(sparse, using=SPARSE), query.fusion.text_weight))
    return lists

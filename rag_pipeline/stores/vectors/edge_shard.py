"""One shard of Qdrant Edge: what our records look like to the engine, and back.

Belongs here: every call of the engine. Not here: versions, files, locks, which shards make up a version, fusing what several found.

Shards know no inverse document frequency: a shard holds a part of a collection only, so questions bring theirs along (``terms.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import qdrant_edge as engine

from rag_pipeline.errors import RagError
from rag_pipeline.models import IndexedChunk, SparseVector
from rag_pipeline.stores.vectors.contract import SearchQuery
from rag_pipeline.stores.vectors.points import DENSE, KEYWORD_FIELDS, NUMBER_FIELDS, SPARSE, PointId

Scored = list[tuple[str, float]]
"""Ids of points and their scores, best first."""
Chosen = engine.Filter | None
"""What narrows a search; None when nothing does."""

_KEYS_IN_ONE_FILTER = 5_000
_POINTS_AT_A_TIME = 1_000
_POINTS_WORTH_AN_INDEX = 1_000
"""Fewer are filtered as fast one by one, and the files of two indexes were half of what writing a small segment takes."""
_NUMBERS_WORTH_A_GRAPH = 200_000 * 384
"""Of all vectors. Fewer are compared one by one, with nothing missed: 100,000 vectors in 6 ms, and no graph to build."""
_NUMBERS_OF_A_PART = 20_000 * 384
"""Of the vectors that are brought into their final form at once: of 100,000 points that took 1,490 MB, in parts it takes 510, in the same
time, and parts are searched side by side."""
_NUMBERS = engine.VectorStorageDatatype.Float16
"""Half the memory, and where that is what a search waits for, half the time: cosines are right to four digits after the point. Of the ten
nearest of 6,171 passages to 400 real questions (all-MiniLM-L6-v2) .9993 are found, of 1,448 notes and of 100,000 made texts all
(``bench/product.py recall``)."""
_GRAPH = engine.HnswIndexConfig(m=32, ef_construct=256, full_scan_threshold=10_000)
_NO_GRAPH = engine.HnswIndexConfig(m=0, ef_construct=256, full_scan_threshold=10_000)
_NEVER, _ALWAYS = 1 << 40, 1
"""Kilobytes of vectors beyond which optimising brings points into their final form."""
_ANY_NUMBER = 1 << 20
"""Of parts that are left as they are."""
_IN_FILES = engine.Memory.Cold
"""What is finished is read from its files where it is needed; in memory of their own, words, ids and indexes of 30,000 points took 74 MB
a process, and opening them three times as long."""
_THOROUGHNESS = engine.SearchParams(hnsw_ef=256)
"""Of a search in a graph."""


class EdgeShard:
    """Points in a folder. Reading is safe from several threads and processes at once; writing is for one."""

    def __init__(self, shard: engine.EdgeShard, path: Path, dimension: int = 0) -> None:
        self._shard = shard
        self._path = path
        self._dimension = dimension
        self._points = 0
        self._loose_points = 0

    @classmethod
    def create(cls, path: Path, dimension: int) -> EdgeShard:
        """An empty shard for vectors of a dimension, in a folder that is made if need be."""
        path.mkdir(parents=True, exist_ok=True)
        with _plain_errors("The index cannot be written"):
            return cls(engine.EdgeShard.create(str(path), _config(dimension, _NO_GRAPH, _NEVER)), path, dimension)

    @classmethod
    def load(cls, path: Path, points: int, vectors: int) -> EdgeShard:
        """The shard in a folder, with as many points and dense vectors as were written: of a file that was cut off the engine reads what
        is left, without a word.

        Raises:
            RagError: the folder does not hold a whole shard.
        """
        fix = "Check that the disk is not full, or delete that folder and run: rag ingest"
        with _plain_errors(f"The index in {path} cannot be opened", fix):
            shard = engine.EdgeShard.load(str(path))
            with_vector = engine.Filter(must=[engine.HasVectorCondition(DENSE)])
            found = shard.count(engine.CountRequest(exact=True)), shard.count(engine.CountRequest(exact=True, filter=with_vector))
        if found != (points, vectors):
            shard.close()
            raise RagError(f"The index in {path} is damaged: it has {found[0]} of {points} points, {found[1]} of {vectors} vectors. {fix}.")
        return cls(shard, path)

    def upsert(self, chunks: Sequence[IndexedChunk]) -> None:
        """Add points that a new shard has not got yet."""
        with _plain_errors("The index cannot be written"):
            self._shard.update(engine.UpdateOperation.upsert_points([_point(chunk) for chunk in chunks]))
        self._points += len(chunks)
        self._loose_points += len(chunks)

    @property
    def has_whole_part(self) -> bool:
        """Whether so much was added since the last time that it is worth its final form."""
        return self._loose_points * self._dimension >= _NUMBERS_OF_A_PART

    @property
    def is_worth_a_graph(self) -> bool:
        """Whether finishing writes all of it anew, and not only what was added since the last part."""
        return self._points * self._dimension > _NUMBERS_WORTH_A_GRAPH

    def finish_part(self) -> None:
        """Bring what was added to the disk, in the form that is quick to open and to search."""
        with _plain_errors("The index cannot be written"):
            self._optimize(_NO_GRAPH)

    def finish(self) -> None:
        """Bring everything to the disk; more than a few points in their final form."""
        with _plain_errors("The index cannot be written"):
            if self._points > _POINTS_WORTH_AN_INDEX:
                self._optimize(_GRAPH if self.is_worth_a_graph else _NO_GRAPH)
            self._shard.flush()

    def _optimize(self, graph: engine.HnswIndexConfig) -> None:
        self._shard.flush()
        self._shard.close()
        self._shard = engine.EdgeShard.load(str(self._path), _config(self._dimension, graph, _ALWAYS))
        for field in KEYWORD_FIELDS:
            self._shard.update(engine.UpdateOperation.create_field_index(field, engine.KeywordIndexParams(memory=_IN_FILES)))
        for field in NUMBER_FIELDS:
            self._shard.update(engine.UpdateOperation.create_field_index(field, engine.FloatIndexParams(memory=_IN_FILES)))
        self._shard.optimize()
        self._loose_points = 0

    def chunks(self) -> Iterator[list[IndexedChunk]]:
        """Every point, some at a time."""
        for records in self._scrolled(None, payload=True, vectors=True):
            yield [_chunk(record) for record in records]

    def words_of(self, document_keys: Sequence[str]) -> Iterator[Sequence[int]]:
        """The words of each point of some documents."""
        for records in self._of_documents(document_keys, vectors=[SPARSE]):
            yield from (words_in(record.vector) for record in records)

    def ids_of(self, document_keys: Sequence[str]) -> Iterator[str]:
        """The id of each point of some documents."""
        for records in self._of_documents(document_keys, vectors=False):
            yield from (str(record.id) for record in records)

    def _of_documents(self, document_keys: Sequence[str], vectors: bool | list[str]) -> Iterator[list[engine.Record]]:
        for start in range(0, len(document_keys), _KEYS_IN_ONE_FILTER):
            chosen = any_of("document_key", document_keys[start : start + _KEYS_IN_ONE_FILTER])
            yield from self._scrolled(chosen, payload=False, vectors=vectors)

    def _scrolled(self, chosen: Chosen, *, payload: bool, vectors: bool | list[str]) -> Iterator[list[engine.Record]]:
        offset: PointId | None = None
        while True:
            request = engine.ScrollRequest(offset, _POINTS_AT_A_TIME, chosen, payload, vectors)
            with _plain_errors("The index cannot be read"):
                records, offset = self._shard.scroll(request)
            yield records
            if offset is None:
                return

    def nearest(self, vector: Sequence[float], limit: int, chosen: Chosen) -> Scored:
        """The chosen points nearest in meaning with their cosines."""
        return self._ranked(engine.Query.Nearest(list(vector), using=DENSE), limit, chosen, _THOROUGHNESS)

    def with_words(self, weights: SparseVector, limit: int, chosen: Chosen) -> Scored:
        """The chosen points with the words of a question, which are weighted by their rarity, and their BM25 scores."""
        words = cast("Any", engine.SparseVector(weights.indices, weights.values))
        return self._ranked(engine.Query.Nearest(words, using=SPARSE), limit, chosen)

    def _ranked(self, query: engine.Query, limit: int, chosen: Chosen, how: engine.SearchParams | None = None) -> Scored:
        with _plain_errors("The index cannot be searched"):
            found = self._shard.query(engine.QueryRequest(limit=limit, query=query, filter=chosen, params=how))
        return [(str(point.id), point.score) for point in found]

    def cosines(self, vector: Sequence[float], ids: Collection[str]) -> dict[str, float]:
        """The cosine of each of these points that has a vector."""
        nearest = engine.Query.Nearest(list(vector), using=DENSE)
        same = engine.Filter(must=[engine.HasIdCondition(set(ids))])
        with _plain_errors("The index cannot be searched"):
            found = self._shard.query(engine.QueryRequest(limit=max(1, len(ids)), query=nearest, filter=same))
        return {str(point.id): point.score for point in found}

    def payloads(self, chunk_ids: Sequence[str], *, with_words: bool = False) -> dict[str, tuple[Mapping[str, Any], Sequence[int]]]:
        """Payload, and words if asked for, of the points that exist, by id."""
        with _plain_errors("The index cannot be read"):
            records = self._shard.retrieve(list(chunk_ids), True, [SPARSE] if with_words else False)
        return {str(record.id): (record.payload or {}, words_in(record.vector)) for record in records}

    def close(self) -> None:
        """Release files and memory."""
        self._shard.close()


def _config(dimension: int, graph: engine.HnswIndexConfig, optimized_from: int) -> engine.EdgeConfig:
    return engine.EdgeConfig(
        vectors={DENSE: engine.EdgeVectorParams(dimension, engine.Distance.Cosine, datatype=_NUMBERS, hnsw_config=graph)},
        sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(memory=_IN_FILES)},
        id_tracker_memory=_IN_FILES,
        # With a log, one process at a time could open the shard. A segment is written once and flushed, so it needs none.
        wal_enabled=False,
        optimizers=engine.EdgeOptimizersConfig(
            indexing_threshold=optimized_from, default_segment_number=1 if graph is _GRAPH else _ANY_NUMBER
        ),
    )


@contextmanager
def _plain_errors(what: str, fix: str = "Check that the disk is not full, then try again") -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # the engine raises bare Exception for whatever went wrong inside it, and panics, which are none
        raise RagError(f"{what}: {error}. {fix}.") from error


def _point(chunk: IndexedChunk) -> engine.Point:
    vectors: dict[str, Any] = {}
    if chunk.dense is not None:
        vectors[DENSE] = chunk.dense
    if chunk.sparse.indices:
        vectors[SPARSE] = engine.SparseVector(chunk.sparse.indices, chunk.sparse.values)
    return engine.Point(chunk.chunk_id, vectors, dict(chunk.payload))


def _chunk(record: engine.Record) -> IndexedChunk:
    vectors = cast("dict[str, Any]", record.vector or {})
    sparse = vectors.get(SPARSE)
    words = SparseVector(list(sparse.indices), list(sparse.values)) if sparse else SparseVector([], [])
    return IndexedChunk(str(record.id), vectors.get(DENSE), words, record.payload or {})


def any_of(field: str, values: Sequence[str]) -> engine.Filter:
    """Points whose payload field is one of ``values``."""
    return engine.Filter(must=[_is_one_of(field, values)])


def chosen_by(query: SearchQuery) -> Chosen:
    """What narrows a search; None when nothing does."""
    wanted = {"document": query.documents, "folders": (query.folder,) if query.folder else (), "type": query.types}
    conditions = [_is_one_of(field, values) for field, values in wanted.items() if values]
    if query.since is not None or query.before is not None:
        conditions.append(engine.FieldCondition("modified", range=engine.RangeFloat(gte=query.since, lt=query.before)))
    return engine.Filter(must=[*conditions]) if conditions else None


def _is_one_of(field: str, values: Sequence[str]) -> engine.FieldCondition:
    return engine.FieldCondition(field, match=engine.MatchAny(list(values)))


def words_in(vectors: object) -> Sequence[int]:
    """The words of a point that came with its sparse vector."""
    sparse = cast("dict[str, engine.SparseVector]", vectors or {}).get(SPARSE)
    return list(sparse.indices) if sparse else ()

"""A question to collections on a Qdrant server: three requests, however many they are.

Belongs here: those requests, and their answers as candidates. Not here: publishing, which manifests there are.

First the manifests and how rare the words are; then each collection's two lists; then what stands in the best passages. The lists are
fused here and not on the server, as those of the embedded index are: so both agree, also where passages score alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from qdrant_client import models

from rag_pipeline.errors import TransientError
from rag_pipeline.stores.vectors.bm25 import query_vector
from rag_pipeline.stores.vectors.contract import Candidate, DamagedIndexError, SearchQuery, require_model_of
from rag_pipeline.stores.vectors.points import DENSE, SPARSE, PointId, best, fused_best, hit
from rag_pipeline.stores.vectors.server.manifests import Manifests, Record, ServerVersion, manifest_queries, read_record, word_query
from rag_pipeline.stores.vectors.server.points import CHUNK_ID, any_of, seen_by, words_of
from rag_pipeline.stores.vectors.server.requests import Server, VersionGoneError
from rag_pipeline.stores.vectors.terms import inverse_frequencies

Key = TypeVar("Key")
Answers = list[models.QueryResponse]

_THOROUGHNESS = models.SearchParams(hnsw_ef=256, quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0))
LONGEST_SECONDS = 50.0
"""From the manifests to the last answer: less than the time for which points are kept that the version before does not need."""
_ATTEMPTS = 5
_PARTS_EXPECTED = 64
"""Parts with counts of words of one collection: many more than are kept. Where there are more, it is asked again."""


@dataclass(slots=True)
class _Asked:
    """One collection's question on its way.

    Attributes:
        rarity: word → inverse document frequency.
        ids: chunk id → id of the point.
        cosines: chunk id → cosine to the question, as far as it is known.
        fused: chunk id → score, best first.
    """

    version: ServerVersion
    record: Record
    query: SearchQuery
    rarity: Mapping[int, float]
    ids: dict[str, PointId]
    cosines: dict[str, float]
    fused: Mapping[str, float]


class ServerSearch:
    """Searches published versions. Safe to share by threads."""

    def __init__(self, server: Server, manifests: Manifests) -> None:
        self._server = server
        self._manifests = manifests

    def search(self, queries: Mapping[str, SearchQuery]) -> dict[str, list[Candidate]]:
        """The best chunks of the fused lists of each published collection.

        Raises:
            DamagedIndexError: the points of a version are gone.
            IndexChangedError: a version is of another model than its query.
        """
        for _ in range(_ATTEMPTS if queries else 0):
            found = self._try(queries)
            if found is not None:
                return found
        if queries:
            raise TransientError("index_busy", f"The index of {', '.join(queries)} changes too often to be read. Try again.")
        return {}

    def _try(self, queries: Mapping[str, SearchQuery]) -> dict[str, list[Candidate]] | None:
        """None where points may have been deleted between two requests: a version that is not kept any more was read."""
        begun = time.monotonic()
        asked = self._begun(queries)
        self._read_lists(asked)
        found = self._described(asked)
        return found if time.monotonic() - begun < LONGEST_SECONDS else None

    def _begun(self, queries: Mapping[str, SearchQuery]) -> dict[str, _Asked]:
        words = {text: query_vector(text).indices for text in {query.text for query in queries.values() if query.text}}
        records, counts = self._manifests_and_words(list(queries), sorted({word for some in words.values() for word in some}))
        asked = {}
        for collection, record in records.items():
            version, query = record.current, queries[collection]
            if version:
                require_model_of(version.manifest, query)
                rarity = _rarity(version, words.get(query.text or "", []), counts)
                asked[collection] = _Asked(version, record, query, rarity, {}, {}, {})
        return asked

    def _manifests_and_words(
        self, collections: Sequence[str], words: Sequence[int]
    ) -> tuple[dict[str, Record], dict[int, dict[PointId, float]]]:
        """The records, and of each word how often each part has it; parts are never changed, so these fit what the records name."""
        limit = _PARTS_EXPECTED * len(collections)
        while True:
            requests = [manifest_queries(collections), *(word_query(word, collections, limit) for word in words)]
            try:
                first, *rest = self._send(self._manifests.name, requests)
            except VersionGoneError:
                return {}, {}
            if all(len(answer.points) < limit for answer in rest):
                break
            limit *= 4
        records = [record for point in first.points if (record := read_record(point.payload or {}))]
        counts = {word: {point.id: point.score for point in answer.points} for word, answer in zip(words, rest, strict=True)}
        return {record.collection: record for record in records}, counts

    def _read_lists(self, asked: Mapping[str, _Asked]) -> None:
        requests = {collection: _list_requests(one) for collection, one in asked.items()}
        for collection, answers in self._each(asked, requests).items():
            one = asked[collection]
            lists = []
            for answer, request in zip(answers, requests[collection], strict=True):
                scored = {str((point.payload or {})[CHUNK_ID]): point for point in answer.points}
                one.ids.update({chunk_id: point.id for chunk_id, point in scored.items()})
                dense = request.using == DENSE
                if dense:
                    one.cosines.update({chunk_id: point.score for chunk_id, point in scored.items()})
                order = best(((chunk_id, point.score) for chunk_id, point in scored.items()), len(scored))
                lists.append(
                    ([str(chunk_id) for chunk_id in order], one.query.fusion.dense_weight if dense else one.query.fusion.text_weight)
                )
            one.fused = fused_best(lists, one.query)

    def _described(self, asked: Mapping[str, _Asked]) -> dict[str, list[Candidate]] | None:
        found = {collection: one for collection, one in asked.items() if one.fused}
        answers = self._each(found, {collection: _detail_requests(one) for collection, one in found.items()})
        candidates: dict[str, list[Candidate]] = {collection: [] for collection in asked}
        for collection, (details, *cosines) in answers.items():
            one = asked[collection]
            points = {str((point.payload or {})[CHUNK_ID]): point for point in details.points}
            if len(points) < len(one.fused):
                return None
            one.cosines.update({str((point.payload or {})[CHUNK_ID]): point.score for answer in cosines for point in answer.points})
            candidates[collection] = [
                _candidate(rank, score, chunk_id, points[chunk_id], one.cosines.get(chunk_id))
                for rank, (chunk_id, score) in enumerate(one.fused.items(), start=1)
            ]
        return candidates

    def _each(self, asked: Mapping[str, _Asked], requests: Mapping[str, Sequence[models.QueryRequest]]) -> dict[str, Answers]:
        """The answers for each collection: one request for each of the server's collections, side by side where they are several."""
        places: dict[str, list[str]] = {}
        for collection, one in asked.items():
            if requests[collection]:
                places.setdefault(one.version.points, []).append(collection)

        def ask(place: str) -> dict[str, Answers]:
            try:
                answers = iter(self._send(place, [request for collection in places[place] for request in requests[collection]]))
            except VersionGoneError as error:
                raise points_are_gone(places[place][0]) from error
            return {collection: [next(answers) for _ in requests[collection]] for collection in places[place]}

        found = {collection: one for answer in _side_by_side(ask, places) for collection, one in answer.items()}
        return {collection: found.get(collection, []) for collection in asked}

    def _send(self, name: str, requests: Sequence[models.QueryRequest]) -> Answers:
        return self._server.send(self._server.client.query_batch_points, name, list(requests))


def points_are_gone(collection: str) -> DamagedIndexError:
    """What to say where a manifest names a collection of the server's that is not there."""
    return DamagedIndexError(collection, "its points are gone from the Qdrant server")


def _side_by_side(ask: Callable[[Key], dict[str, Answers]], keys: Iterable[Key]) -> list[dict[str, Answers]]:
    wanted = list(keys)
    if len(wanted) < 2:
        return [ask(key) for key in wanted]
    with ThreadPoolExecutor(min(8, len(wanted))) as pool:
        return list(pool.map(ask, wanted))


def _rarity(version: ServerVersion, words: Sequence[int], counts: Mapping[int, Mapping[PointId, float]]) -> dict[int, float]:
    having = []
    for word in words:
        of_parts = counts[word]
        having.append(
            sum(of_parts.get(part.id, 0) for part in version.words) - sum(of_parts.get(part.id, 0) for part in version.words_gone)
        )
    return dict(zip(words, inverse_frequencies(having, version.manifest.chunks), strict=True))


def _list_requests(asked: _Asked) -> list[models.QueryRequest]:
    query, depth = asked.query, max(asked.query.prefetch, asked.query.top_k)
    chosen = seen_by(asked.version, asked.record, *_chosen(query))
    wanted: list[tuple[models.SparseVector | list[float], str]] = []
    if query.dense is not None:
        wanted.append((list(query.dense), DENSE))
    if asked.rarity:
        wanted.append((models.SparseVector(indices=list(asked.rarity), values=list(asked.rarity.values())), SPARSE))
    return [
        models.QueryRequest(
            query=vector,
            using=using,
            filter=chosen,
            limit=depth,
            with_payload=[CHUNK_ID],
            params=_THOROUGHNESS if using == DENSE else None,
        )
        for vector, using in wanted
    ]


def _chosen(query: SearchQuery) -> list[models.Condition]:
    """What narrows a search."""
    wanted = {"document": query.documents, "folders": (query.folder,) if query.folder else (), "type": query.types}
    conditions: list[models.Condition] = [any_of(field, values) for field, values in wanted.items() if values]
    if query.since is not None or query.before is not None:
        conditions.append(models.FieldCondition(key="modified", range=models.Range(gte=query.since, lt=query.before)))
    return conditions


def _detail_requests(asked: _Asked) -> list[models.QueryRequest]:
    """What stands in the points, and the cosines of those that the list of the nearest did not have."""
    requests = [models.QueryRequest(filter=_these(asked, asked.fused), limit=len(asked.fused), with_payload=True, with_vector=[SPARSE])]
    unknown = [chunk_id for chunk_id in asked.fused if chunk_id not in asked.cosines]
    if unknown and asked.query.dense is not None:
        nearest = list(asked.query.dense)
        requests.append(
            models.QueryRequest(query=nearest, using=DENSE, filter=_these(asked, unknown), limit=len(unknown), with_payload=[CHUNK_ID])
        )
    return requests


def _these(asked: _Asked, chunk_ids: Iterable[str]) -> models.Filter:
    return models.Filter(must=[models.HasIdCondition(has_id=[asked.ids[chunk_id] for chunk_id in chunk_ids])])


def _candidate(rank: int, score: float, chunk_id: str, point: models.ScoredPoint, cosine: float | None) -> Candidate:
    return Candidate(hit(0, 0.0, chunk_id, point.payload or {}), rank, score, cosine, frozenset(words_of(point)))

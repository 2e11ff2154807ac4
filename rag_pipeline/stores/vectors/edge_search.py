"""Searching the segments of an open version as one: each list is read from all of them, merged by score, and then fused.

Belongs here: that merging, and leaving out what is dead. Not here: calls of the engine (``edge_shard.py``), which version is open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any

from rag_pipeline.models import IndexedChunk, SparseVector
from rag_pipeline.stores.vectors.bm25 import query_vector
from rag_pipeline.stores.vectors.contract import Candidate, SearchQuery
from rag_pipeline.stores.vectors.edge_shard import EdgeShard, Scored, chosen_by
from rag_pipeline.stores.vectors.points import best, fused_best, hit
from rag_pipeline.stores.vectors.terms import Terms

Ranked = Callable[[EdgeShard, int], Scored]
"""A ranking of a shard's points, to a depth."""


@dataclass(frozen=True, slots=True)
class OpenSegment:
    """A segment as one version reads it, with the ids of its points that are dead there."""

    shard: EdgeShard
    dead: AbstractSet[str]

    def live(self, ranked: Callable[[int], Scored], count: int) -> Scored:
        """The best ``count`` of a ranking that are live: it is read as deep as that takes."""
        if not self.dead:
            return ranked(count)
        depth = count + min(count, len(self.dead))
        while True:
            found = ranked(depth)
            alive = [(identity, score) for identity, score in found if identity not in self.dead]
            if len(alive) >= count or len(found) < depth:
                return alive[:count]
            depth *= 2

    def payloads(self, chunk_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Payloads of its live points among these."""
        found = self.shard.payloads([identity for identity in chunk_ids if identity not in self.dead])
        return {identity: payload for identity, (payload, _) in found.items()}


@dataclass(frozen=True, slots=True)
class SegmentedSearch:
    """A version's segments, the number of its passages and how many of them have each word."""

    segments: Sequence[OpenSegment]
    passages: int
    terms: Terms

    def candidates(self, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, best first; none for a question without a vector or a searchable word."""
        places: dict[str, int] = {}
        lists = [(self._merged(ranked, query, places), weight) for ranked, weight in self._lists(query)]
        fused = {str(identity): score for identity, score in fused_best(lists, query).items()}
        members: dict[int, list[str]] = defaultdict(list)
        for identity in fused:
            members[places[identity]].append(identity)
        described = {found.chunk_id: found for place, ids in members.items() for found in _described(self.segments[place], ids, query)}
        return [described[identity].candidate(rank, score) for rank, (identity, score) in enumerate(fused.items(), start=1)]

    def payloads(self, chunk_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Payloads of the live points among these, by id."""
        return {identity: payload for one in self.segments for identity, payload in one.payloads(chunk_ids).items()}

    def chunks(self) -> Iterator[list[IndexedChunk]]:
        """Every live chunk, some at a time."""
        for segment in self.segments:
            for batch in segment.shard.chunks():
                yield [chunk for chunk in batch if chunk.chunk_id not in segment.dead]

    def _lists(self, query: SearchQuery) -> list[tuple[Ranked, float]]:
        """The rankings of a question, with their weights in the fusion."""
        lists: list[tuple[Ranked, float]] = []
        dense, chosen = query.dense, chosen_by(query)
        if dense is not None:
            lists.append((lambda shard, depth: shard.nearest(dense, depth, chosen), query.fusion.dense_weight))
        words = self._weighted(query.text)
        if words.indices:
            lists.append((lambda shard, depth: shard.with_words(words, depth, chosen), query.fusion.text_weight))
        return lists

    def _weighted(self, text: str | None) -> SparseVector:
        words = query_vector(text).indices if text else []
        return SparseVector(words, self.terms.inverse_frequencies(words, self.passages))

    def _merged(self, ranked: Ranked, query: SearchQuery, places: dict[str, int]) -> list[str]:
        """Ids of one list over all segments, best first and by id where they score alike; notes in which segment each is."""
        depth = max(query.prefetch, query.top_k)
        found: Scored = []
        for place, segment in enumerate(self.segments):
            of_segment = segment.live(partial(ranked, segment.shard), depth)
            places.update((identity, place) for identity, _ in of_segment)
            found += of_segment
        return [str(identity) for identity in best(found, depth)]


@dataclass(frozen=True, slots=True)
class _Described:
    """A point as it was read for a question."""

    chunk_id: str
    payload: Mapping[str, Any]
    words: Sequence[int]
    cosine: float | None

    def candidate(self, rank: int, score: float) -> Candidate:
        return Candidate(hit(rank, score, self.chunk_id, self.payload), self.cosine, frozenset(self.words))


def _described(segment: OpenSegment, ids: Sequence[str], query: SearchQuery) -> list[_Described]:
    cosines = segment.shard.cosines(query.dense, ids) if query.dense is not None else {}
    found = segment.shard.payloads(ids, with_words=True)
    return [_Described(identity, payload, words, cosines.get(identity)) for identity, (payload, words) in found.items()]

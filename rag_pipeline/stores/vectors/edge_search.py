"""Searching the segments of an open version as one: each list is read from all of them, merged by score, and then fused.

Belongs here: that merging, and leaving out what is dead. Not here: calls of the engine (``edge_shard.py``), which version is open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any

from rag_pipeline.models import Hit, IndexedChunk, SparseVector
from rag_pipeline.stores.vectors.bm25 import query_vector
from rag_pipeline.stores.vectors.contract import Candidate, SearchQuery
from rag_pipeline.stores.vectors.edge_shard import Chosen, EdgeShard, Scored, chosen_by
from rag_pipeline.stores.vectors.points import best, fused_best, hit
from rag_pipeline.stores.vectors.terms import Terms

Ranked = Callable[[EdgeShard, int], Scored]
"""A ranking of a shard's points, to a depth."""


MOST_READ_POINTS = 1024
"""Those that ten questions have for candidates, all different. A passage of a PDF, with the boxes of its lines, takes 23 kB: 24 MB."""


class ReadPoint:
    """A point as it was read for a question. Its hit has neither rank nor score: those are a candidate's.

    The hit is made when it is asked for: a question looks at a hundred points and shows twenty, and of a PDF, with the boxes of its
    lines, to make hits took as long as to read it.
    """

    __slots__ = ("_made", "chunk_id", "collection", "document", "position", "text", "words")

    def __init__(self, chunk_id: str, payload: Mapping[str, Any], words: AbstractSet[int]) -> None:
        self.chunk_id = chunk_id
        self.collection: str = payload["collection"]
        self.document: str = payload["document"]
        self.position: int = payload["position"]
        self.text: str = payload["text"]
        self.words = words
        self._made: Hit | Mapping[str, Any] = payload  # one attribute: threads that ask at once make the same hit twice, at worst

    @property
    def hit(self) -> Hit:
        """The point as a hit."""
        made = self._made
        if not isinstance(made, Hit):
            self._made = made = hit(0, 0.0, self.chunk_id, made)
        return made


class ReadPoints:
    """The points that questions read last, of all segments that are open; safe to share by threads.

    What is written never changes, and a question's second search, and the next question, read much of it again: to read a point and to
    make a hit of it took half of a search.
    """

    def __init__(self, most: int = MOST_READ_POINTS) -> None:
        self._most = most
        self._points: OrderedDict[tuple[EdgeShard, str], ReadPoint] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, shard: EdgeShard, chunk_ids: Sequence[str]) -> dict[str, ReadPoint]:
        """Those of a shard that exist, by id."""
        with self._lock:
            known = {identity: point for identity in chunk_ids if (point := self._points.get((shard, identity)))}
        missing = [identity for identity in chunk_ids if identity not in known]
        new = {
            identity: ReadPoint(identity, payload, frozenset(words))
            for identity, (payload, words) in (shard.payloads(missing, with_words=True) if missing else {}).items()
        }
        with self._lock:
            self._points.update(((shard, identity), point) for identity, point in new.items())
            while len(self._points) > self._most:  # the oldest goes first
                self._points.popitem(last=False)
        return known | new

    def forget(self, shard: EdgeShard) -> None:
        """Let go of those of a shard that is about to be closed."""
        with self._lock:
            self._points = OrderedDict((key, point) for key, point in self._points.items() if key[0] is not shard)


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
    read: ReadPoints

    def candidates(self, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, best first; none for a question without a vector or a searchable word."""
        places: dict[str, int] = {}
        chosen = chosen_by(query)
        near, said = self._nearest(query, chosen, places), self._with_words(query, chosen, places)
        fused = fused_best([(list(near), query.fusion.dense_weight), (list(said), query.fusion.text_weight)], query)
        members: dict[int, list[str]] = defaultdict(list)
        for identity in fused:
            members[places[identity]].append(identity)
        cosines, read = dict(near), dict[str, ReadPoint]()
        for place, ids in members.items():
            shard = self.segments[place].shard
            read |= self.read.of(shard, ids)
            unknown = [identity for identity in ids if identity not in near]
            if query.dense is not None and unknown:
                cosines |= shard.cosines(query.dense, unknown)
        return [
            Candidate(read[identity], rank, score, cosines.get(identity), read[identity].words)
            for rank, (identity, score) in enumerate(fused.items(), start=1)
        ]

    def payloads(self, chunk_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Payloads of the live points among these, by id."""
        return {identity: payload for one in self.segments for identity, payload in one.payloads(chunk_ids).items()}

    def chunks(self) -> Iterator[list[IndexedChunk]]:
        """Every live chunk, some at a time."""
        for segment in self.segments:
            for batch in segment.shard.chunks():
                yield [chunk for chunk in batch if chunk.chunk_id not in segment.dead]

    def _nearest(self, query: SearchQuery, chosen: Chosen, places: dict[str, int]) -> dict[str, float]:
        """The chosen points nearest in meaning with their cosines."""
        dense = query.dense
        return {} if dense is None else self._merged(lambda shard, depth: shard.nearest(dense, depth, chosen), query, places)

    def _with_words(self, query: SearchQuery, chosen: Chosen, places: dict[str, int]) -> dict[str, float]:
        """The chosen points with the words of the question, with their BM25 scores."""
        words = self._weighted(query.text)
        return self._merged(lambda shard, depth: shard.with_words(words, depth, chosen), query, places) if words.indices else {}

    def _weighted(self, text: str | None) -> SparseVector:
        words = query_vector(text).indices if text else []
        return SparseVector(words, self.terms.inverse_frequencies(words, self.passages))

    def _merged(self, ranked: Ranked, query: SearchQuery, places: dict[str, int]) -> dict[str, float]:
        """One list over all segments, best first and by id where they score alike; notes in which segment each is."""
        depth = max(query.prefetch, query.top_k)
        found: Scored = []
        for place, segment in enumerate(self.segments):
            of_segment = segment.live(partial(ranked, segment.shard), depth)
            places.update((identity, place) for identity, _ in of_segment)
            found += of_segment
        return best(found, depth)

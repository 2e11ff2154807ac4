"""What a version of the embedded index is made of: immutable segments, and which of their documents are no longer live. Pure.

Belongs here: those records, what a change does to them, which segments are worth merging. Not here: files (``versions.py``), the engine.

A change writes one new segment and marks what it removes or replaces as dead in the others, so it costs what changed; segments are merged
when there are too many or too much in them is dead (a log-structured merge; O'Neil et al. 1996, and Lucene's segments).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

SEGMENTS_LEFT_ALONE = 6
"""So many are searched as fast as one, within half a millisecond; merging at each change would write each change twice."""
_MERGED_UP_TO = 2
"""When there are more, the smaller half is merged, and each larger one joins that is at most twice as large as all before it: a point
is written again a logarithmic number of times (Bentley and Saxe 1980)."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document in a segment: its points, how many of them have a dense vector, and its revision."""

    points: int
    vectors: int
    revision: str


Documents = Mapping[str, StoredDocument]
"""Document key → what a segment holds of it."""


@dataclass(frozen=True)
class Segment:
    """Some documents' points, written once; ``dead`` are the keys that a later change removed or replaced."""

    name: str
    documents: Documents
    dead: frozenset[str] = field(default=frozenset())

    @cached_property
    def live(self) -> Documents:
        """What of it is to be found."""
        if not self.dead:
            return self.documents
        return {key: stored for key, stored in self.documents.items() if key not in self.dead}

    @cached_property
    def live_points(self) -> int:
        """Points of the live documents."""
        return sum(stored.points for stored in self.live.values())

    @cached_property
    def live_vectors(self) -> int:
        """Points of the live documents that have a dense vector."""
        return sum(stored.vectors for stored in self.live.values())

    @cached_property
    def dead_points(self) -> int:
        """Points of the dead documents."""
        return sum(self.documents[key].points for key in self.dead)

    def without(self, keys: Collection[str]) -> Segment:
        """The same with more dead documents; keys that it does not hold concern others."""
        dying = self.documents.keys() & keys
        return replace(self, dead=self.dead | dying) if dying else self


def after_change(segments: Sequence[Segment], removed: Collection[str], added: Segment | None) -> list[Segment]:
    """The segments of the next version: what is removed, or written anew, dies in the old ones; those without a live document go."""
    gone = {*removed, *added.documents} if added else set(removed)
    kept = [segment.without(gone) for segment in segments]
    return [segment for segment in [*kept, *([added] if added else [])] if segment.live_points]


def worth_merging(segments: Sequence[Segment]) -> list[Segment]:
    """The segments that are to become one; none when all is well."""
    mostly_dead = [segment for segment in segments if segment.dead_points > segment.live_points]
    if len(segments) <= SEGMENTS_LEFT_ALONE:
        return mostly_dead
    by_size = sorted(segments, key=lambda one: one.live_points)
    chosen, total = [], 0
    for number, segment in enumerate(by_size):
        if number >= SEGMENTS_LEFT_ALONE // 2 and segment.live_points > _MERGED_UP_TO * total:
            break
        chosen.append(segment)
        total += segment.live_points
    return [*chosen, *(segment for segment in mostly_dead if segment not in chosen)]


def after_merge(current: Sequence[Segment], inputs: Sequence[Segment], merged: Segment) -> list[Segment] | None:
    """The segments once some of them have become one; what died in them meanwhile is dead in it.

    None where the version is no later one of the same course (made from scratch, or gone back to): then the merge has come to nothing.
    """
    now = {segment.name: segment for segment in current}
    remaining = [segment for segment in inputs if segment.name in now]
    if not remaining or any(not segment.dead <= now[segment.name].dead for segment in remaining):
        return None
    dead = {key for one in inputs for key in (now[one.name].dead if one.name in now else one.documents.keys()) - one.dead}
    others = [segment for segment in current if segment not in [now[one.name] for one in remaining]]
    return [segment for segment in [*others, merged.without(dead)] if segment.live_points]

"""The embedded index: versions made of immutable Qdrant Edge shards, published by replacing a manifest.

Belongs here: building and publishing versions, and merging what they are made of. Not here: folder layout and locks (``versions.py``),
which versions are open for reading (``edge_readers.py``), what a change does to segments (``segments.py``), calls of the engine.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit, IndexedChunk
from rag_pipeline.stores.vectors.contract import (
    Candidate,
    CollectionNotIndexedError,
    DamagedIndexError,
    Footprint,
    IndexChange,
    Manifest,
    SearchQuery,
    is_rolled_back,
    make_manifest,
    nothing_to_go_back_to,
    require_model_of,
    require_same_model,
)
from rag_pipeline.stores.vectors.disk import allocated_bytes, require_space
from rag_pipeline.stores.vectors.edge_readers import OpenVersions, open_shard
from rag_pipeline.stores.vectors.edge_shard import EdgeShard
from rag_pipeline.stores.vectors.points import in_order, is_chunk_id, neighbour_ids
from rag_pipeline.stores.vectors.segments import Segment, StoredDocument, after_change, after_merge, worth_merging
from rag_pipeline.stores.vectors.terms import Terms
from rag_pipeline.stores.vectors.versions import CollectionFolder, damaged_collections, published_versions

LOG = logging.getLogger(__name__)

_BYTES_FOR_NEW_SHARD = 8 << 20
"""What an empty shard and its first segments take before any point, measured: 3 MB."""


class EdgeIndex:
    """A :class:`VectorIndex` in a folder. Opens nothing before it is asked; threads share it, processes share the folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open = OpenVersions(root)

    def manifest(self, collection: str) -> Manifest | None:
        """The current version, or None when nothing is published."""
        return self._folder(collection).manifest()

    def manifests(self) -> dict[str, Manifest]:
        """The current versions by collection."""
        return published_versions(self._root)

    def kept(self) -> dict[str, tuple[Manifest, Manifest | None]]:
        """The same, each with the version before it."""
        return {name: (manifest, self.previous(name)) for name, manifest in self.manifests().items()}

    def collections(self) -> list[str]:
        """The collections with a published version, sorted."""
        return list(self.manifests())

    def damaged(self) -> list[DamagedIndexError]:
        """What is wrong with the collections whose current version cannot answer."""
        return damaged_collections(self._root)

    def revisions(self, collection: str) -> dict[str, str]:
        """Document key → revision of every document in the current version."""
        folder = self._folder(collection)
        manifest = folder.manifest()
        segments = folder.segments(manifest.version) if manifest else []
        return {key: stored.revision for segment in segments for key, stored in segment.live.items()}

    def count(self, collection: str) -> int:
        """Number of chunks in the current version; 0 when nothing is published."""
        manifest = self.manifest(collection)
        return manifest.chunks if manifest else 0

    def footprint(self, collection: str) -> Footprint:
        """The segments of the current version, and what all of the folder takes."""
        folder = self._folder(collection)
        manifest = folder.manifest()
        return Footprint(len(folder.segment_names(manifest.version)), allocated_bytes(folder.path)) if manifest else Footprint(0, 0)

    def candidates(self, collection: str, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, each with its cosine."""
        with self._open.reading(collection) as version:
            require_model_of(version.manifest, query)
            return version.search.candidates(query)

    def search(self, queries: Mapping[str, SearchQuery]) -> dict[str, list[Candidate]]:
        """The candidates of several collections."""
        found: dict[str, list[Candidate]] = {}
        for collection, query in queries.items():
            with suppress(CollectionNotIndexedError):
                found[collection] = self.candidates(collection, query)
        return found

    def chunks(self, collection: str) -> Iterator[list[IndexedChunk]]:
        """Every chunk of the current version, which stays meanwhile."""
        with self._open.reading(collection) as version:
            yield from version.search.chunks()

    def passages(self, collection: str, chunk_ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in the order asked for."""
        with self._open.reading(collection) as version:
            return in_order(version.search.payloads([wanted for wanted in chunk_ids if is_chunk_id(wanted)]), chunk_ids)

    def neighbours(self, collection: str, chunk_id: str, before: int, after: int) -> list[Hit]:
        """A chunk with those around it in its document."""
        if not is_chunk_id(chunk_id):
            return []
        with self._open.reading(collection) as version:
            found = version.search.payloads([chunk_id]).get(chunk_id)
            near = neighbour_ids(found, before, after) if found else []
            return in_order(version.search.payloads(near), near)

    def publish(self, change: IndexChange) -> Manifest:
        """Write what changed as a segment of its own, and point the manifest at the version that has it.

        The version before is kept for a rollback, but for one that only completed what another had of the same documents.

        Raises:
            RagError: the disk is too small, or the current version is of another model and ``from_scratch`` was not asked for.
        """
        folder = self._folder(change.collection)
        with folder.writer():
            if change.from_scratch:
                folder.forget_if_damaged()
            folder.remove_unused()
            current, previous = folder.manifest(), folder.previous()
            built, only_completes = _build(folder, current, change)
            kept = previous if current and only_completes and not is_rolled_back(current, previous) else current
            folder.point_at(built, previous=kept)
            folder.remove_unused()
        return built

    def tidy(self, collection: str) -> None:
        """Merge segments of the current version where that is worth while.

        The writing is done while others publish: only putting the result in its place keeps them waiting. What keeps segments from being
        merged (a full disk) is no reason to call a publication failed.
        """
        folder = self._folder(collection)
        try:
            manifest = folder.manifest()
            if manifest:
                _merge(folder, manifest)
        except (RagError, OSError) as error:
            LOG.warning("The index of %r stays in parts, and answers as it is: %s", collection, error)

    def previous(self, collection: str) -> Manifest | None:
        """The version before the current one, or None."""
        return self._folder(collection).previous()

    def rollback(self, collection: str) -> Manifest:
        """Exchange the current version with the one before it."""
        folder = self._folder(collection)
        with folder.writer():
            current, previous = folder.manifest(), folder.previous()
            if previous is None:
                raise nothing_to_go_back_to(collection)
            folder.point_at(previous, previous=current)
        return previous

    def drop(self, collection: str) -> None:
        """Forget a collection and delete its points."""
        folder = self._folder(collection)
        if not folder.path.is_dir():
            return
        with folder.writer():
            folder.remove()
        self._open.retire(collection)

    def close(self) -> None:
        """Close the versions that are open for reading."""
        self._open.close()

    def _folder(self, collection: str) -> CollectionFolder:
        return CollectionFolder(self._root, collection)


def _build(folder: CollectionFolder, current: Manifest | None, change: IndexChange) -> tuple[Manifest, bool]:
    """The next version, not yet published, and whether it holds the documents of the current one and no more than more of them."""
    base = None if change.from_scratch else current
    if base:
        require_same_model(base, change)
    try:
        old = folder.segments(base.version) if base else []
        terms = folder.contents(base.version).terms if base else Terms.none()
        with folder.new_segment() as name:
            added, new_terms = _write_segment(folder, name, change.dimension, change.chunks, f"index {change.collection!r}")
            segments = after_change(old, change.removed_keys, added)
            dying = _newly_dead(old, [*change.removed_keys, *(added.documents if added else ())])
            terms = terms.plus(new_terms).minus(_terms_of(folder, dying))
            version = folder.write_version(segments, terms)
    except OSError as error:
        raise RagError(f"The index of {change.collection!r} could not be written: {error}. The index keeps answering as it was.") from error
    chunks, vectors = (sum(getattr(one, name) for one in segments) for name in ("live_points", "live_vectors"))
    written = set(added.documents) if added else set()
    only_completes = bool(written) and written == {key for keys in dying.values() for key in keys} == set(change.removed_keys)
    return make_manifest(change, version, chunks, vectors), only_completes


def _write_segment(
    folder: CollectionFolder, name: str, dimension: int, batches: Iterable[Sequence[IndexedChunk]], purpose: str
) -> tuple[Segment | None, Terms]:
    """Points as a new segment, and the words they have; no segment for no points."""
    batches = iter(batches)
    first = next((batch for batch in batches if batch), None)
    if first is None:
        return None, Terms.none()
    require_space(folder.path, _BYTES_FOR_NEW_SHARD, purpose)
    path = folder.shard_path(name)
    documents: dict[str, StoredDocument] = {}
    terms = Terms.none()
    with closing(EdgeShard.create(path, dimension)) as shard:
        loose_bytes = 0
        for batch in _chained(first, batches):
            bytes_of_batch = _bytes_of(batch)
            require_space(path, bytes_of_batch, purpose)
            shard.upsert(batch)
            loose_bytes += bytes_of_batch
            terms = terms.plus(Terms.of(chunk.sparse.indices for chunk in batch))
            _count(documents, batch)
            if shard.has_whole_part:
                _require_room_to_finish(path, loose_bytes, purpose)
                shard.finish_part()
                loose_bytes = 0
        _require_room_to_finish(path, allocated_bytes(path) if shard.is_worth_a_graph else loose_bytes, purpose)
        shard.finish()
    segment = Segment(name, documents)
    folder.write_documents(segment)
    return segment, terms


def _require_room_to_finish(path: Path, bytes_of_points: int, purpose: str) -> None:
    """What is brought into its final form is written anew, up to half as large again, before the old form is deleted."""
    require_space(path, bytes_of_points * 3 // 2, purpose)


def _chained(first: Sequence[IndexedChunk], rest: Iterable[Sequence[IndexedChunk]]) -> Iterator[Sequence[IndexedChunk]]:
    yield first
    yield from rest


def _count(documents: dict[str, StoredDocument], batch: Sequence[IndexedChunk]) -> None:
    for chunk in batch:
        key, revision = str(chunk.payload["document_key"]), str(chunk.payload["revision"])
        known = documents.get(key, StoredDocument(0, 0, revision))
        documents[key] = replace(known, points=known.points + 1, vectors=known.vectors + (chunk.dense is not None))


def _newly_dead(segments: Sequence[Segment], keys: Sequence[str]) -> dict[str, list[str]]:
    """Segment → keys of documents that are live in it and die now."""
    gone = set(keys)
    return {segment.name: sorted(dying) for segment in segments if (dying := segment.live.keys() & gone)}


def _terms_of(folder: CollectionFolder, documents: dict[str, list[str]]) -> Terms:
    """The words of some documents of segments."""
    terms = Terms.none()
    for name, keys in documents.items():
        with closing(open_shard(folder, name)) as shard:
            terms = terms.plus(Terms.of(shard.words_of(keys)))
    return terms


def _merge(folder: CollectionFolder, manifest: Manifest) -> None:
    with folder.merging() as alone:
        inputs = worth_merging(_segments_now(folder, manifest)) if alone else []
        if not inputs:
            return
        purpose = f"merge parts of the index of {folder.collection!r}"
        require_space(folder.path, sum(allocated_bytes(folder.segment_path(one.name)) for one in inputs), purpose)
        with folder.new_segment() as name:
            merged, _ = _write_segment(folder, name, manifest.dimension, _live_chunks(folder, inputs), purpose)
            if not (merged and _put_in_place(folder, inputs, merged)):
                folder.discard_segment(name)


def _segments_now(folder: CollectionFolder, manifest: Manifest) -> list[Segment]:
    """Those of a version that was just published; none when it is gone already: who replaced it merges."""
    try:
        return folder.segments(manifest.version)
    except FileNotFoundError:
        return []


def _live_chunks(folder: CollectionFolder, segments: Sequence[Segment]) -> Iterator[list[IndexedChunk]]:
    for segment in segments:
        with closing(open_shard(folder, segment.name)) as shard:
            for batch in shard.chunks():
                yield [chunk for chunk in batch if chunk.payload["document_key"] not in segment.dead]


def _put_in_place(folder: CollectionFolder, inputs: Sequence[Segment], merged: Segment) -> bool:
    """Whether the merged segment has taken the place of the others; not where someone went back, began anew, or dropped it all."""
    with folder.writer():
        current, previous = folder.manifest(), folder.previous()
        if current is None or is_rolled_back(current, previous):
            return False
        segments = after_merge(folder.segments(current.version), inputs, merged)
        if segments is None:
            return False
        version = folder.write_version(segments, folder.contents(current.version).terms)
        folder.point_at(replace(current, version=version), previous=previous)
        folder.remove_unused()
        return True


def _bytes_of(batch: Sequence[IndexedChunk]) -> int:
    """An upper estimate of what points take on the disk: vectors in 4-byte numbers twice (storage and index), payload as JSON."""
    return sum(8 * len(chunk.dense or ()) + 16 * len(chunk.sparse.indices) + len(json.dumps(dict(chunk.payload))) for chunk in batch)

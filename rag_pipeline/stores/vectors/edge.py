"""The embedded index: immutable versions of Qdrant Edge shards, published by replacing a manifest.

Belongs here: building and publishing versions, and keeping the current ones open for readers. Not here: folder layout and locks
(versions.py), calls of the engine (edge_shard.py).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit, IndexedChunk
from rag_pipeline.stores.vectors.contract import (
    Candidate,
    CollectionNotIndexedError,
    DamagedIndexError,
    IndexChange,
    Manifest,
    SearchQuery,
    make_manifest,
    require_model_of,
    require_same_model,
)
from rag_pipeline.stores.vectors.disk import allocated_bytes, require_space
from rag_pipeline.stores.vectors.edge_shard import EdgeShard
from rag_pipeline.stores.vectors.points import following_id, in_order, is_chunk_id
from rag_pipeline.stores.vectors.versions import CollectionFolder, damaged_collections, published_collections

_BYTES_FOR_NEW_SHARD = 8 << 20
"""What an empty shard and its first segments take before any point, measured: 3 MB."""


@dataclass
class _OpenVersion:
    """A version that this process reads. Closed when it has been replaced and the last query on it is over."""

    manifest: Manifest
    signature: tuple[int, int, int]
    shard: EdgeShard
    held: IO[str]
    queries: int = field(default=0)
    retired: bool = field(default=False)

    def close_if_idle(self) -> None:
        if self.retired and self.queries == 0:
            self.shard.close()
            self.held.close()


class EdgeIndex:
    """A :class:`VectorIndex` in a folder. Opens nothing before it is asked; threads share it, processes share the folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[str, _OpenVersion] = {}
        self._lock = threading.Lock()

    def manifest(self, collection: str) -> Manifest | None:
        """The current version, or None when nothing is published."""
        return self._folder(collection).manifest()

    def collections(self) -> list[str]:
        """The collections with a published version, sorted."""
        return published_collections(self._root)

    def damaged(self) -> list[DamagedIndexError]:
        """What is wrong with the collections whose manifest cannot be read."""
        return damaged_collections(self._root)

    def document_keys(self, collection: str) -> set[str]:
        """Every distinct document key in the current version; 2.4 s for 100,000."""
        try:
            with self._reading(collection) as version:
                return version.shard.document_keys()
        except CollectionNotIndexedError:
            return set()

    def count(self, collection: str) -> int:
        """Number of chunks in the current version; 0 when nothing is published."""
        manifest = self.manifest(collection)
        return manifest.chunks if manifest else 0

    def candidates(self, collection: str, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, each with its cosine; a hybrid query over 100,000 points takes 2 to 3 ms."""
        with self._reading(collection) as version:
            require_model_of(version.manifest, query)
            return version.shard.candidates(query)

    def passages(self, collection: str, chunk_ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in the order asked for."""
        with self._reading(collection) as version:
            return in_order(version.shard.payloads([wanted for wanted in chunk_ids if is_chunk_id(wanted)]), chunk_ids)

    def following(self, collection: str, chunk_id: str) -> Hit | None:
        """The chunk after another one in its document."""
        if not is_chunk_id(chunk_id):
            return None
        with self._reading(collection) as version:
            following = following_id(version.shard.payloads([chunk_id]).get(chunk_id))
            return next(iter(in_order(version.shard.payloads([following]), [following])), None) if following else None

    def publish(self, change: IndexChange) -> Manifest:
        """Build the next version beside the current one and point the manifest at it.

        Raises:
            RagError: the disk is too small, or the current version is of another model and ``from_scratch`` was not asked for.
        """
        folder = self._folder(change.collection)
        with folder.writer():
            if change.from_scratch:
                folder.forget_if_damaged()
            folder.remove_unused()
            current = folder.manifest()
            built = self._build(folder, current, change)
            folder.point_at(built, previous=current)
            folder.remove_unused()
        return built

    def previous(self, collection: str) -> Manifest | None:
        """The version before the current one, or None."""
        return self._folder(collection).previous()

    def rollback(self, collection: str) -> Manifest:
        """Exchange the current version with the one before it."""
        folder = self._folder(collection)
        with folder.writer():
            current, previous = folder.manifest(), folder.previous()
            if previous is None:
                raise RagError(f"No earlier version of the index of {collection!r} is kept, so there is nothing to go back to.")
            folder.point_at(previous, previous=current)
        return previous

    def drop(self, collection: str) -> None:
        """Forget a collection and delete its points."""
        folder = self._folder(collection)
        if not folder.path.is_dir():
            return
        with folder.writer():
            folder.remove()
        with self._lock:
            self._retire(collection)

    def close(self) -> None:
        """Close the versions that are open for reading."""
        with self._lock:
            for collection in list(self._open):
                self._retire(collection)

    def _folder(self, collection: str) -> CollectionFolder:
        return CollectionFolder(self._root, collection)

    def _build(self, folder: CollectionFolder, current: Manifest | None, change: IndexChange) -> Manifest:
        base = None if change.from_scratch else current
        if base:
            require_same_model(base, change)
        size = allocated_bytes(folder.version_path(base.version)) if base else 0
        require_space(folder.path, size + _BYTES_FOR_NEW_SHARD, f"index {change.collection!r}")
        version = folder.start_version()
        try:
            chunks = _write_shard(folder, base, version, change)
        except OSError as error:
            folder.discard(version)
            raise RagError(
                f"The index of {change.collection!r} could not be written: {error}. The index keeps answering as it was."
            ) from error
        except BaseException:
            folder.discard(version)
            raise
        return make_manifest(change, version, chunks)

    @contextmanager
    def _reading(self, collection: str) -> Iterator[_OpenVersion]:
        with self._lock:
            version = self._current(collection)
            version.queries += 1
        try:
            yield version
        finally:
            with self._lock:
                version.queries -= 1
                version.close_if_idle()

    def _current(self, collection: str) -> _OpenVersion:
        folder = self._folder(collection)
        signature = folder.signature()
        known = self._open.get(collection)
        if known and known.signature == signature and folder.shard_path(known.manifest.version).is_dir():
            return known
        self._retire(collection)
        if signature is None:
            raise CollectionNotIndexedError(collection)
        manifest, held = folder.hold_current()
        try:
            shard = EdgeShard.load(folder.shard_path(manifest.version))
        except BaseException:
            held.close()
            raise
        self._open[collection] = _OpenVersion(manifest, signature, shard, held)
        return self._open[collection]

    def _retire(self, collection: str) -> None:
        version = self._open.pop(collection, None)
        if version:
            version.retired = True
            version.close_if_idle()


def _write_shard(folder: CollectionFolder, base: Manifest | None, version: str, change: IndexChange) -> int:
    path = folder.shard_path(version)
    if base:
        folder.copy_shard(base.version, version)
    shard = EdgeShard.load(path) if base else EdgeShard.create(path, change.dimension)
    try:
        shard.delete_documents(change.removed_keys)
        for batch in change.chunks:
            require_space(path, _bytes_of(batch), f"index {change.collection!r}")
            shard.upsert(batch)
        # Optimising writes the segments anew before it deletes the old ones.
        require_space(path, allocated_bytes(path), f"optimise the index of {change.collection!r}")
        shard.finish()
        return shard.count()
    finally:
        shard.close()


def _bytes_of(batch: Sequence[IndexedChunk]) -> int:
    """An upper estimate of what points take on the disk: vectors in 4-byte numbers twice (storage and index), payload as JSON."""
    return sum(8 * len(chunk.dense) + 16 * len(chunk.sparse.indices) + len(json.dumps(dict(chunk.payload))) for chunk in batch)

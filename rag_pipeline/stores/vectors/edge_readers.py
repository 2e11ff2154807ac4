"""The versions of the embedded index that this process has open for reading.

Belongs here: opening the current version, sharing open segments between versions, closing what nobody reads any more. Not here: what a
search does (``edge_search.py``), files and locks (``versions.py``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rag_pipeline.errors import RagError
from rag_pipeline.stores.vectors.contract import CollectionNotIndexedError, Manifest
from rag_pipeline.stores.vectors.disk import has_room, read_ahead
from rag_pipeline.stores.vectors.edge_search import OpenSegment, ReadPoints, SegmentedSearch
from rag_pipeline.stores.vectors.edge_shard import EdgeShard
from rag_pipeline.stores.vectors.versions import CollectionFolder


@dataclass
class OpenVersion:
    """A version that this process reads. Closed when it has been replaced and the last query on it is over."""

    manifest: Manifest
    signature: tuple[int, int, int]
    search: SegmentedSearch
    shards: tuple[Path, ...]
    held: IO[str]
    queries: int = field(default=0)
    retired: bool = field(default=False)


@dataclass
class _SharedShard:
    """A shard that some versions read, with the documents that were dead in it when it was last asked, and the ids of their points."""

    shard: EdgeShard
    users: int = 0
    dead_documents: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()

    def segment(self, dead_documents: frozenset[str]) -> OpenSegment:
        """As a version reads it. Later versions have more that is dead, so only that is looked up; after a step back, all."""
        if not self.dead_documents <= dead_documents:
            self.dead_documents = self.dead = frozenset()
        if new := dead_documents - self.dead_documents:
            self.dead |= frozenset(self.shard.ids_of(sorted(new)))
            self.dead_documents = dead_documents
        return OpenSegment(self.shard, self.dead)


def open_shard(folder: CollectionFolder, segment: str) -> EdgeShard:
    """The shard of a segment, whole.

    Raises:
        RagError: it is damaged.
        ValueError, OSError: what is noted of it cannot be read.
    """
    return EdgeShard.load(folder.shard_path(segment), *folder.stored(segment))


class OpenVersions:
    """At most one current version a collection, opened when it is first asked; safe to share by threads.

    A version that replaces another one opens only the segments that the other did not have: a question after a small change waits for
    milliseconds, not for the whole collection.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._versions: dict[str, OpenVersion] = {}
        self._shards: dict[Path, _SharedShard] = {}
        self._read = ReadPoints()
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, collection: str) -> Iterator[OpenVersion]:
        """The current version, which stays open meanwhile.

        Raises:
            CollectionNotIndexedError: nothing is published.
            DamagedIndexError: neither the current version nor the one before it can be opened.
        """
        with self._lock:
            version = self._current(collection)
            version.queries += 1
        try:
            yield version
        finally:
            with self._lock:
                version.queries -= 1
                self._close_if_idle(version)

    def retire(self, collection: str) -> None:
        """Let go of a collection's version once its queries are over."""
        with self._lock:
            self._retire(self._versions.pop(collection, None))

    def close(self) -> None:
        """Let go of all."""
        for collection in list(self._versions):
            self.retire(collection)

    def _current(self, collection: str) -> OpenVersion:
        folder = CollectionFolder(self._root, collection)
        signature = folder.signature()
        known = self._versions.get(collection)
        if known and known.signature == signature and folder.version_path(known.manifest.version).is_dir():
            return known
        if signature is None:
            self._retire(self._versions.pop(collection, None))
            raise CollectionNotIndexedError(collection)
        opened = self._open_current(folder, signature)
        self._retire(known)  # only now: what both have stays open
        self._versions[collection] = opened
        return opened

    def _open_current(self, folder: CollectionFolder, signature: tuple[int, int, int]) -> OpenVersion:
        """The current version; where it cannot be opened it is marked, and the one before it answers."""
        while True:
            manifest, held = folder.hold_current()
            try:
                return self._open(folder, manifest, signature, held)
            except (RagError, ValueError, OSError) as error:
                held.close()
                if not has_room(folder.path):  # a full disk is no damage: nothing can be opened on it
                    raise
                folder.mark_damaged(manifest, " ".join(str(error).split()))
            except BaseException:
                held.close()
                raise

    def _open(self, folder: CollectionFolder, manifest: Manifest, signature: tuple[int, int, int], held: IO[str]) -> OpenVersion:
        contents = folder.contents(manifest.version)
        paths: list[Path] = []
        new = [path for path in map(folder.shard_path, contents.segments) if path not in self._shards]
        try:
            segments = []
            for name in contents.segments:
                path = folder.shard_path(name)
                shared = self._take(path, folder, name)
                paths.append(path)
                segments.append(shared.segment(frozenset(contents.dead.get(name, ()))))
        except BaseException:
            self._give_back(paths)
            raise
        threading.Thread(target=read_ahead, args=(new,), name="read ahead", daemon=True).start()
        search = SegmentedSearch(segments, contents.passages, contents.terms, self._read)
        return OpenVersion(manifest, signature, search, tuple(paths), held)

    def _take(self, path: Path, folder: CollectionFolder, segment: str) -> _SharedShard:
        if path not in self._shards:
            self._shards[path] = _SharedShard(open_shard(folder, segment))
        shared = self._shards[path]
        shared.users += 1
        return shared

    def _give_back(self, paths: list[Path] | tuple[Path, ...]) -> None:
        for path in paths:
            shared = self._shards[path]
            shared.users -= 1
            if not shared.users:
                del self._shards[path]
                self._read.forget(shared.shard)
                shared.shard.close()

    def _retire(self, version: OpenVersion | None) -> None:
        if version and not version.retired:
            version.retired = True
            self._close_if_idle(version)

    def _close_if_idle(self, version: OpenVersion) -> None:
        if version.retired and version.queries == 0:
            self._give_back(version.shards)
            version.held.close()

"""The index on a Qdrant server or cluster: versions are numbers on points, and a manifest says which number answers.

Belongs here: the course of a publication, and which version is asked. Not here: what requests look like (``points.py``,
``manifests.py``), searching (``search.py``), errors and patience (``requests.py``).

A publication claims the collection in its manifest, writes what changed under a number that no reader asks for yet, and replaces the
manifest in one step. What was begun and came to nothing is named in the manifest by the next claim, so nobody ever sees it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from qdrant_client import QdrantClient

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.models import Hit, IndexedChunk
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors.contract import (
    Candidate,
    CollectionNotIndexedError,
    DamagedIndexError,
    Footprint,
    IndexChange,
    Manifest,
    SearchQuery,
    nothing_to_go_back_to,
)
from rag_pipeline.stores.vectors.points import in_order, is_chunk_id, neighbour_ids
from rag_pipeline.stores.vectors.server.manifests import Manifests, Record
from rag_pipeline.stores.vectors.server.names import ServerOptions, earlier_versions, number_of
from rag_pipeline.stores.vectors.server.points import CHUNK_ID, Points, any_of, chunk_of, forget_before, forget_unseen, seen_by
from rag_pipeline.stores.vectors.server.requests import Server, VersionGoneError
from rag_pipeline.stores.vectors.server.search import ServerSearch, points_are_gone
from rag_pipeline.stores.vectors.server.writing import Publication, claim, forget_excluded, is_of_the_past, merge_words
from rag_pipeline.stores.vectors.versions import new_version

MANIFESTS_LAST_SECONDS = 1.0
"""How old what a question goes by may be: a question asks for manifests several times."""

POINTS_ARE_LOOKED_FOR_SECONDS = 10.0
"""How old what is said of points that are gone may be: nobody but a person at the server deletes them."""


class ServerIndex:
    """A :class:`VectorIndex` on a server. The client is given in, so the client's in-memory mode can stand for one.

    One writer for each collection is assumed (Dagster's run queue and the steps' locks see to it); where there are two, the first finds
    at its end that it has lost, and nothing of it is seen.
    """

    def __init__(self, client: QdrantClient, options: ServerOptions | None = None) -> None:
        self._client = client
        self._server = Server(client)
        self._options = options or ServerOptions()
        self._manifests = Manifests(self._server, self._options)
        self._search = ServerSearch(self._server, self._manifests)
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Record], list[DamagedIndexError]] | None = None
        self._there: tuple[float, tuple[str, ...]] | None = None
        self._ensured: set[str] = set()

    def manifest(self, collection: str) -> Manifest | None:
        """The current version, or None when nothing is published; as the server has it now."""
        record = self._manifests.read(collection)
        if record is None or record.current is None:
            return None
        if not self._server.send(self._client.collection_exists, record.current.points):
            raise points_are_gone(collection)
        return record.current.manifest

    def manifests(self) -> dict[str, Manifest]:
        """The current versions by collection, at most ``MANIFESTS_LAST_SECONDS`` old."""
        return {name: record.current.manifest for name, record in self._records().items() if record.current}

    def kept(self) -> dict[str, tuple[Manifest, Manifest | None]]:
        """The same, each with the version before it."""
        records = self._records().values()
        return {one.collection: (one.current.manifest, one.previous.manifest if one.previous else None) for one in records if one.current}

    def collections(self) -> list[str]:
        """The collections with a published version, sorted; as old as the manifests."""
        return list(self.manifests())

    def damaged(self) -> list[DamagedIndexError]:
        """The collections whose manifest on the server is none, or whose points are gone, which is looked at every
        ``POINTS_ARE_LOOKED_FOR_SECONDS``. Of a server that does not answer none are known; it says so when it is asked for more."""
        with suppress(RagError):
            records = self._records()
            named = {name: record.current.points for name, record in records.items() if record.current}
            if not set(named.values()) <= set(self._all_places()):  # perhaps made since it was last looked
                places = self._all_places(now=True)
                return [*self._damages, *(points_are_gone(name) for name, place in named.items() if place not in places)]
            return self._damages
        return []

    def revisions(self, collection: str) -> dict[str, str]:
        """Document key → revision of every document in the current version."""
        record = self._manifests.read(collection)
        if record is None or record.current is None:
            return {}
        try:
            return self._points(record.current.points).revisions(record.current, record)
        except VersionGoneError as error:
            raise points_are_gone(collection) from error

    def count(self, collection: str) -> int:
        """Number of chunks in the current version; 0 when nothing is published."""
        manifest = self.manifest(collection)
        return manifest.chunks if manifest else 0

    def footprint(self, collection: str) -> Footprint:
        """Nothing that a Qdrant server would tell of a single collection of ours."""
        return Footprint()

    def candidates(self, collection: str, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, each with its cosine."""
        found = self.search({collection: query})
        if collection not in found:
            raise CollectionNotIndexedError(collection)
        return found[collection]

    def search(self, queries: Mapping[str, SearchQuery]) -> dict[str, list[Candidate]]:
        """The candidates of several collections, in three requests."""
        try:
            return self._search.search(queries)
        except RagError:
            self._forget_manifests()  # whoever asks again looks again
            raise

    def chunks(self, collection: str) -> Iterator[list[IndexedChunk]]:
        """Every chunk of the current version."""
        record = self._published(collection)
        if record.current is None:
            raise CollectionNotIndexedError(collection)
        for found in self._points(record.current.points).scroll(seen_by(record.current, record), with_vectors=True):
            yield [chunk_of(point) for point in found]

    def passages(self, collection: str, chunk_ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in the order asked for."""
        return in_order(self._payloads(collection, chunk_ids), chunk_ids)

    def neighbours(self, collection: str, chunk_id: str, before: int, after: int) -> list[Hit]:
        """A chunk with those around it in its document."""
        found = self._payloads(collection, [chunk_id]).get(chunk_id)
        return self.passages(collection, neighbour_ids(found, before, after)) if found else []

    def publish(self, change: IndexChange) -> Manifest:
        """Write what changed under a new number, then replace the manifest.

        Raises:
            TransientError: another writer took the collection over, or the server failed; the current version goes on answering.
            RagError: the server refuses, or the current version is of another model and ``from_scratch`` was not asked for.
        """
        target = self._points(self._options.points(change.embedding_fingerprint, change.dimension))
        try:
            is_new = self._ensure(target, change.dimension)
            old = self._readable(change, target.name if is_new else "")
            kept = old or Record(change.collection)
            kept = forget_excluded(kept, self._places(kept))
            record, rolled_back = claim(self._manifests, old, kept, change, target.name)
            publication = Publication(self._manifests, record, target, self._places(record))
            published = self._manifests.replace(record, publication.write(change, rolled_back=rolled_back))
        except VersionGoneError as error:
            self._ensured.clear()
            raise TransientError("qdrant_failed", "A collection was deleted on the Qdrant server meanwhile. Run it again.") from error
        finally:
            self._forget_manifests()
        if old is None:
            self._remove_earlier_layout(change.collection)
        if published.current is None:
            raise CollectionNotIndexedError(change.collection)
        return published.current.manifest

    def tidy(self, collection: str) -> None:
        """Put counts of words together where they are in many parts, and delete points that no kept version sees."""
        record = self._manifests.read(collection)
        if record is None or record.current is None or record.writing:
            return
        record = merge_words(self._manifests, record)
        newest = max(version.number for version in record.kept)
        self._manifests.remove_words(collection, newest + 1, record.parts)
        if is_of_the_past(record):
            seen = {version.points for version in record.kept}
            for place in record.places:
                unneeded = forget_unseen(collection, record.kept) if place in seen else forget_before(collection, newest)
                self._points(place).apply_if_there(unneeded)

    def previous(self, collection: str) -> Manifest | None:
        """The version before the current one, or None."""
        record = self._manifests.read(collection)
        return record.previous.manifest if record and record.previous else None

    def rollback(self, collection: str) -> Manifest:
        """Exchange the current version with the one before it."""
        record = self._manifests.read(collection)
        if record is None or record.previous is None:
            raise nothing_to_go_back_to(collection)
        manifest = record.previous.manifest
        self._manifests.replace(record, replace(record, current=record.previous, previous=record.current))
        self._forget_manifests()
        return manifest

    def drop(self, collection: str) -> None:
        """Forget a collection and delete its points: nobody finds it from the first request on, and who was killed is completed."""
        try:
            record = self._manifests.read(collection)
        except DamagedIndexError:  # it does not say where its points are
            self._manifests.discard(collection)
            record = self._manifests.replace(None, Record(collection, places=self._all_places(now=True)))
        if record is None:
            return
        end = number_of(new_version([version.manifest.version for version in record.kept]))
        record = self._manifests.replace(record, replace(record, current=None, previous=None))
        self._forget_manifests()
        for place in record.places:
            self._points(place).apply_if_there(forget_before(collection, end))
        self._manifests.remove_words(collection, end)
        self._manifests.remove(record)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ensure(self, target: Points, dimension: int) -> bool:
        """Have the server's two collections that a publication writes to; whether that of the points is new."""
        if target.name in self._ensured:
            return False
        self._manifests.ensure()
        is_new = target.ensure(dimension)
        self._ensured.add(target.name)
        return is_new

    def _places(self, record: Record) -> dict[str, Points]:
        return {name: self._points(name) for name in record.places}

    def _points(self, name: str) -> Points:
        return Points(self._server, self._options, name)

    def _all_places(self, *, now: bool = False) -> tuple[str, ...]:
        """The server's collections of points, as they were at most ``POINTS_ARE_LOOKED_FOR_SECONDS`` ago."""
        with self._lock:
            if now or self._there is None or time.monotonic() - self._there[0] > POINTS_ARE_LOOKED_FOR_SECONDS:
                found = self._server.send(self._client.get_collections).collections
                names = tuple(item.name for item in found if item.name.startswith(self._options.points_prefix))
                self._there = (time.monotonic(), names)
            return self._there[1]

    @property
    def _damages(self) -> list[DamagedIndexError]:
        return self._known[2] if self._known else []

    def _records(self) -> dict[str, Record]:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > MANIFESTS_LAST_SECONDS:
                self._known = (time.monotonic(), *self._manifests.read_all())
            return self._known[1]

    def _forget_manifests(self) -> None:
        with self._lock:
            self._known = None

    def _published(self, collection: str) -> Record:
        """What a question goes by; a collection that is not there is looked for once more."""
        record = self._records().get(collection)
        if record is None or record.current is None:
            self._forget_manifests()
            record = self._records().get(collection)
        if record is None or record.current is None:
            raise CollectionNotIndexedError(collection)
        return record

    def _payloads(self, collection: str, chunk_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        record = self._published(collection)
        wanted = [chunk_id for chunk_id in chunk_ids if is_chunk_id(chunk_id)]
        if not wanted or record.current is None:
            return {}
        found = self._points(record.current.points).scroll(seen_by(record.current, record, any_of(CHUNK_ID, wanted)))
        payloads = (point.payload or {} for points in found for point in points)
        return {str(payload[CHUNK_ID]): payload for payload in payloads}

    def _readable(self, change: IndexChange, missing: str) -> Record | None:
        """The record to build upon: without versions whose points are gone, and made anew where it cannot be told."""
        try:
            record = self._manifests.read(change.collection)
        except DamagedIndexError:
            if not change.from_scratch:
                raise
            self._manifests.discard(change.collection)
            return None
        if record and missing and missing in {version.points for version in record.kept}:
            if not change.from_scratch:
                raise points_are_gone(change.collection)
            return self._manifests.replace(record, replace(record, current=None, previous=None))
        return record

    def _remove_earlier_layout(self, collection: str) -> None:
        """Delete the versions that an earlier release kept, each as a collection of the server's own."""
        found = self._server.send(self._client.get_collections).collections
        for name in (item.name for item in found if item.name.startswith(earlier_versions(collection))):
            self._server.send(self._client.delete_collection, name)


def connect(settings: Settings) -> ServerIndex:
    """The index on the server of the settings; nothing is contacted yet.

    Raises:
        RagError: the URL cannot be one of a server.
    """
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    grpc_port = settings.qdrant_grpc_port
    try:
        client = QdrantClient(
            url=settings.qdrant_url,
            api_key=key,
            prefer_grpc=grpc_port is not None,
            grpc_port=grpc_port or 6334,
            check_compatibility=False,
            timeout=60,
        )
    except ValueError as error:
        raise RagError(f"RAG_QDRANT_URL cannot be used: {error}. Write it like http://localhost:6333") from error
    return ServerIndex(client, ServerOptions.of(settings))

"""The index on a Qdrant server or cluster: versions are collections, an alias points at the current one.

Belongs here: publishing and finding versions on a server. Not here: what requests and errors look like (server_requests.py), tuning.

Each version is a collection of its own: a server cannot apply a change to a collection in one step, so whoever asked meanwhile
would see half of it. The manifest is the collection's metadata, written before the alias moves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from qdrant_client import QdrantClient, models

from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.contract import (
    INDEX_SCHEMA,
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
from rag_pipeline.stores.vectors.points import SPARSE, best, hit, in_order, is_chunk_id, neighbour_ids
from rag_pipeline.stores.vectors.server_names import PREFIX, PREVIOUS, alias_of, collection_of, create_alias, is_litter, version_name
from rag_pipeline.stores.vectors.server_requests import (
    DOCUMENT_REVISION,
    VersionGoneError,
    any_of,
    copy_points,
    cosines_request,
    count_points,
    create_collection,
    fused_request,
    key_and_revision,
    plain_errors,
    upsert,
    words_of,
)
from rag_pipeline.stores.vectors.versions import new_version

Result = TypeVar("Result")

_KEYS_IN_ONE_FILTER = 1_000
_INDEXING_PATIENCE_SECONDS = 600.0
_ATTEMPTS = 5


class ServerIndex:
    """A :class:`VectorIndex` on a server. The client is given in, so the client's in-memory mode can stand for one.

    One writer for each collection is assumed: a server has no lock for it (Dagster's run queue sees to it).
    """

    def __init__(self, client: QdrantClient) -> None:
        self._client = client

    def manifest(self, collection: str) -> Manifest | None:
        """The current version, or None when nothing is published."""
        with plain_errors():
            return self._manifest_of(alias_of(collection))

    def collections(self) -> list[str]:
        """The collections with a published version, sorted."""
        with plain_errors():
            aliases = [item.alias_name for item in self._client.get_aliases().aliases]
            found = [self._manifest_of(alias) for alias in aliases if alias.startswith(PREFIX) and not alias.endswith(PREVIOUS)]
        return sorted(manifest.collection for manifest in found if manifest)

    def damaged(self) -> list[DamagedIndexError]:
        """None: a server answers for its own metadata."""
        return []

    def revisions(self, collection: str) -> dict[str, str]:
        """Document key → revision of every document in the current version: there cannot be more of them than points."""
        try:
            hits = self._read(collection, self._facet)
        except CollectionNotIndexedError:
            return {}
        return dict(key_and_revision(str(found.value)) for found in hits)

    def count(self, collection: str) -> int:
        """Number of chunks in the current version; 0 when nothing is published."""
        manifest = self.manifest(collection)
        return manifest.chunks if manifest else 0

    def candidates(self, collection: str, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, each with its cosine."""

        def ask(manifest: Manifest) -> list[Candidate]:
            require_model_of(manifest, query)
            request = fused_request(query)
            found = self._points(manifest, request) if request else []
            fused = best(((point.id, point.score) for point in found), query.top_k)
            if not fused:
                return []
            cosines = (
                {point.id: point.score for point in self._points(manifest, cosines_request(query.dense, fused))} if query.dense else {}
            )
            records = {record.id: record for record in self._records(manifest, list(fused), with_words=True)}
            return [
                _candidate(rank, score, records[identity], cosines.get(identity))
                for rank, (identity, score) in enumerate(fused.items(), start=1)
            ]

        return self._read(collection, ask)

    def passages(self, collection: str, chunk_ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in the order asked for."""
        return in_order(self._payloads(collection, chunk_ids), chunk_ids)

    def neighbours(self, collection: str, chunk_id: str, before: int, after: int) -> list[Hit]:
        """A chunk with those around it in its document."""
        found = self._payloads(collection, [chunk_id]).get(chunk_id)
        return self.passages(collection, neighbour_ids(found, before, after)) if found else []

    def publish(self, change: IndexChange) -> Manifest:
        """Build the next version as a new collection, then move the alias.

        Raises:
            RagError: the server cannot be reached or refuses; the current version goes on answering.
        """
        with plain_errors():
            current = self._manifest_of(alias_of(change.collection))
            base = None if change.from_scratch else current
            if base:
                require_same_model(base, change)
            self._remove_unused(change.collection)
            built = self._build(base, change)
            self._point_at(built, current)
            self._remove_unused(change.collection)
        return built

    def tidy(self, collection: str) -> None:
        """Nothing: a server sees to it itself."""

    def previous(self, collection: str) -> Manifest | None:
        """The version before the current one, or None."""
        with plain_errors():
            return self._manifest_of(alias_of(collection) + PREVIOUS)

    def rollback(self, collection: str) -> Manifest:
        """Exchange the current version with the one before it."""
        with plain_errors():
            current = self._manifest_of(alias_of(collection))
            previous = self._manifest_of(alias_of(collection) + PREVIOUS)
            if previous is None:
                raise RagError(f"No earlier version of the index of {collection!r} is kept, so there is nothing to go back to.")
            self._point_at(previous, current)
        return previous

    def drop(self, collection: str) -> None:
        """Forget a collection and delete its points."""
        with plain_errors():
            for name in self._versions(collection):
                self._client.delete_collection(name)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _read(self, collection: str, ask: Callable[[Manifest], Result]) -> Result:
        """Ask the current version; again when it was replaced, and deleted, between finding and asking it."""
        for _ in range(_ATTEMPTS):
            manifest = self.manifest(collection)
            if manifest is None:
                break
            try:
                with plain_errors():
                    return ask(manifest)
            except VersionGoneError:
                continue
        raise CollectionNotIndexedError(collection)

    def _payloads(self, collection: str, chunk_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        wanted = [chunk_id for chunk_id in chunk_ids if is_chunk_id(chunk_id)]
        records = self._read(collection, lambda manifest: self._records(manifest, wanted) if wanted else [])
        return {str(record.id): record.payload or {} for record in records}

    def _points(self, manifest: Manifest, request: models.QueryRequest) -> list[models.ScoredPoint]:
        return self._client.query_batch_points(collection_of(manifest), [request])[0].points

    def _records(self, manifest: Manifest, ids: Sequence[models.ExtendedPointId], *, with_words: bool = False) -> list[models.Record]:
        return self._client.retrieve(collection_of(manifest), ids, with_vectors=[SPARSE] if with_words else False)

    def _facet(self, manifest: Manifest) -> list[models.FacetValueHit]:
        limit = max(1, manifest.chunks)
        return self._client.facet(collection_of(manifest), DOCUMENT_REVISION, limit=limit, exact=True).hits

    def _manifest_of(self, name: str) -> Manifest | None:
        try:
            with plain_errors():
                metadata: dict[str, Any] = self._client.get_collection(name).config.metadata or {}
        except VersionGoneError:
            return None
        described = metadata.get("manifest", {})
        # Of another program's layout: as if there were none, so the next run makes it anew.
        return Manifest(**described) if described.get("index_schema") == INDEX_SCHEMA else None

    def _build(self, base: Manifest | None, change: IndexChange) -> Manifest:
        known = [self._manifest_of(alias_of(change.collection) + suffix) for suffix in ("", PREVIOUS)]
        version = new_version(manifest.version for manifest in known if manifest)
        name = version_name(change.collection, version)
        try:
            create_collection(self._client, name, change.dimension)
            if base:
                copy_points(self._client, collection_of(base), name)
            for start in range(0, len(change.removed_keys) if base else 0, _KEYS_IN_ONE_FILTER):
                keys = change.removed_keys[start : start + _KEYS_IN_ONE_FILTER]
                self._client.delete(name, models.FilterSelector(filter=any_of("document_key", keys)))
            for batch in change.chunks:
                upsert(self._client, name, batch)
            self._wait_for_indexing(name)
            manifest = make_manifest(change, version, *count_points(self._client, name))
            self._client.update_collection(name, metadata={"manifest": asdict(manifest)})
        except BaseException:
            self._client.delete_collection(name)
            raise
        return manifest

    def _wait_for_indexing(self, name: str) -> None:
        """Publish only what is fast to search; a server that takes too long is published all the same, being only slower."""
        deadline = time.monotonic() + _INDEXING_PATIENCE_SECONDS
        while self._client.get_collection(name).status == models.CollectionStatus.YELLOW and time.monotonic() < deadline:
            time.sleep(0.5)

    def _point_at(self, current: Manifest, previous: Manifest | None) -> None:
        alias = alias_of(current.collection)
        operations: list[Any] = [create_alias(alias, current)]
        if previous:
            operations.append(create_alias(alias + PREVIOUS, previous))
        self._client.update_collection_aliases(operations)

    def _versions(self, collection: str) -> list[str]:
        start = version_name(collection, "")
        return [item.name for item in self._client.get_collections().collections if item.name.startswith(start)]

    def _remove_unused(self, collection: str) -> None:
        alias = alias_of(collection)
        kept = {collection_of(found) for found in map(self._manifest_of, (alias, alias + PREVIOUS)) if found}
        for name in self._versions(collection):
            if name not in kept and (self._manifest_of(name) or is_litter(name)):
                self._client.delete_collection(name)


def connect(url: str, api_key: str | None) -> ServerIndex:
    """The index on the server at ``url``; nothing is contacted yet.

    Raises:
        RagError: the URL cannot be one of a server.
    """
    try:
        return ServerIndex(QdrantClient(url=url, api_key=api_key, check_compatibility=False, timeout=60))
    except ValueError as error:
        raise RagError(f"RAG_QDRANT_URL cannot be used: {error}. Write it like http://localhost:6333") from error


def _candidate(rank: int, score: float, record: models.Record, cosine: float | None) -> Candidate:
    return Candidate(hit(rank, score, record.id, record.payload or {}), cosine, words_of(record))

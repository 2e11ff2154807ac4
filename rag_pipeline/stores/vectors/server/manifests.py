"""Which versions a Qdrant server holds, and who writes the next: one small collection for all, a point for each collection of ours.

Belongs here: those points, their replacement in one step, the counts of words beside them. Not here: the points that are searched
(``points.py``), the course of a publication (``index.py``).

A point is replaced only by who knows its last ``token``: the server compares (``update_filter``) and replaces in one step, so of two
writers one finds that it has lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError
from qdrant_client import models

from rag_pipeline.errors import TransientError
from rag_pipeline.stores.vectors.contract import INDEX_SCHEMA, DamagedIndexError, Manifest
from rag_pipeline.stores.vectors.server.names import ServerOptions, manifest_id, number_of
from rag_pipeline.stores.vectors.server.requests import AlreadyThereError, Server, VersionGoneError, create_indexes, require_recent
from rag_pipeline.stores.vectors.terms import Terms

COUNTS = "counts"
"""Sparse vector of a point with counts of words: the word's id → how many passages have it. 32-bit floats are exact up to 2^24."""

_KIND, _SCHEMA, _COLLECTION, _TOKEN = "kind", "schema", "collection", "token"
_NUMBER = "number"
_MANIFEST, _WORDS = "manifest", "words"
_INDEXES: Mapping[str, Any] = {
    **dict.fromkeys((_KIND, _SCHEMA, _COLLECTION, _TOKEN), models.PayloadSchemaType.KEYWORD),
    _NUMBER: models.PayloadSchemaType.INTEGER,
}
_RECORDS_AT_A_TIME = 1_000
_WORDS_IN_A_PART = 100_000
"""2 MB as JSON."""


@dataclass(frozen=True, slots=True)
class Part:
    """Counts of words in a point of their own, never changed: its id, and how many words."""

    id: str
    words: int


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """A published version: its manifest, the server's collection of its points, and the parts whose counts of words together, less those
    of ``words_gone``, are the version's."""

    manifest: Manifest
    points: str
    words: tuple[Part, ...] = ()
    words_gone: tuple[Part, ...] = ()

    @property
    def number(self) -> int:
        """See :func:`rag_pipeline.stores.vectors.server.names.number_of`."""
        return number_of(self.manifest.version)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All counts that it is made of."""
        return (*self.words, *self.words_gone)


@dataclass(frozen=True, slots=True)
class Excluded:
    """The number of a publication that came to nothing, and when (seconds since 1970) that was noticed."""

    number: int
    noticed: float


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a collection.

    Attributes:
        current: the version that answers; None while there is none (it is being dropped, or published for the first time).
        previous: the one kept for a rollback.
        writing: the version that is being written, or that a dead writer left.
        excluded: publications that came to nothing: no version has what they added, or lacks what they removed.
        places: the server's collections that may hold points of it.
        token: another one at each replacement.
    """

    collection: str
    current: ServerVersion | None = None
    previous: ServerVersion | None = None
    writing: str | None = None
    excluded: tuple[Excluded, ...] = ()
    places: tuple[str, ...] = ()
    token: str = ""

    @property
    def numbers_excluded(self) -> tuple[int, ...]:
        """Those of ``excluded``."""
        return tuple(one.number for one in self.excluded)

    @property
    def kept(self) -> tuple[ServerVersion, ...]:
        """The versions that are kept."""
        return tuple(version for version in (self.current, self.previous) if version)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All counts of words that the kept versions are made of."""
        return tuple(part for version in self.kept for part in version.parts)


_RECORD = TypeAdapter(Record)


class Manifests:
    """The records on a server."""

    def __init__(self, server: Server, options: ServerOptions) -> None:
        self._server = server
        self._options = options
        self.name = options.manifests

    def ensure(self) -> None:
        """Have the server's collection and its indexes, made now if need be.

        Raises:
            RagError: the server is too old.
        """
        client = self._server.client
        try:
            there = self._server.send(client.get_collection, self.name).payload_schema
        except VersionGoneError:
            require_recent(self._server)
            counts, copies = {COUNTS: models.SparseVectorParams()}, self._options.replicas
            with suppress(AlreadyThereError):  # two first writers at once
                create = client.create_collection
                self._server.send(create, self.name, {}, sparse_vectors_config=counts, shard_number=1, replication_factor=copies)
            there = {}
        create_indexes(self._server, self.name, _INDEXES, there)  # who made it may have been killed before the last

    def read(self, collection: str) -> Record | None:
        """What is kept of a collection; None when nothing is.

        Raises:
            DamagedIndexError: it cannot be told.
        """
        try:
            found = self._server.send(self._server.client.retrieve, self.name, [manifest_id(collection)])
        except VersionGoneError:
            return None
        return read_record(found[0].payload or {}) if found else None

    def read_all(self) -> tuple[dict[str, Record], list[DamagedIndexError]]:
        """All records by collection, in order, and what is wrong with the others."""
        records: dict[str, Record] = {}
        damages = []
        for payload in self._payloads():
            try:
                record = read_record(payload)
            except DamagedIndexError as error:
                damages.append(error)
            else:
                if record:
                    records[record.collection] = record
        return dict(sorted(records.items())), damages

    def _payloads(self) -> Iterator[Mapping[str, Any]]:
        offset: Any = None
        while True:
            try:
                found, offset = self._server.send(
                    self._server.client.scroll,
                    self.name,
                    models.Filter(must=[matches(_KIND, _MANIFEST)]),
                    limit=_RECORDS_AT_A_TIME,
                    offset=offset,
                )
            except VersionGoneError:
                return
            yield from (record.payload or {} for record in found)
            if offset is None:
                return

    def replace(self, old: Record | None, new: Record) -> Record:
        """Put a record in the place of the one that was read, in one step; it, with its token.

        Raises:
            TransientError: another writer was faster.
        """
        made = replace(new, token=uuid.uuid4().hex)
        payload = {_KIND: _MANIFEST, _SCHEMA: INDEX_SCHEMA, **asdict(made)}
        point = models.PointStruct(id=manifest_id(new.collection), vector={}, payload=payload)
        if old is None:
            # One that is there already stays, but for one of another program's layout.
            self._upsert(point, models.Filter(must_not=[matches(_SCHEMA, INDEX_SCHEMA)]))
        else:
            self._upsert(point, models.Filter(must=[matches(_TOKEN, old.token)]), models.UpdateMode.UPDATE_ONLY)
        now = self.read(new.collection)
        if now is None or now.token != made.token:
            raise TransientError(
                "index_busy", f"Another run, perhaps of another installation, writes the index of {new.collection!r} too. Try again later."
            )
        return made

    def _upsert(
        self,
        point: models.PointStruct,
        condition: models.Filter | None = None,
        mode: models.UpdateMode = models.UpdateMode.UPSERT,
    ) -> None:
        upsert = self._server.client.upsert
        # One replica decides for all of them in which order two writers come.
        order = models.WriteOrdering.MEDIUM
        self._server.send(upsert, self.name, [point], wait=True, ordering=order, update_filter=condition, update_mode=mode)

    def remove(self, record: Record) -> None:
        """Forget a collection, unless it has changed since the record was read."""
        unchanged = models.Filter(must=[matches(_TOKEN, record.token), models.HasIdCondition(has_id=[manifest_id(record.collection)])])
        self._server.send(self._server.client.delete, self.name, models.FilterSelector(filter=unchanged), wait=True)

    def discard(self, collection: str) -> None:
        """Delete a record that cannot be read."""
        one = models.PointIdsList(points=[manifest_id(collection)])
        self._server.send(self._server.client.delete, self.name, one, wait=True)

    def write_words(self, collection: str, number: int, terms: Terms) -> tuple[Part, ...]:
        """Keep counts of words, in parts of bounded size; ``number`` is that of the version they are for."""
        parts = []
        for start in range(0, len(terms.ids), _WORDS_IN_A_PART):
            end = start + _WORDS_IN_A_PART
            counts = models.SparseVector(indices=terms.ids[start:end].tolist(), values=terms.counts[start:end].astype(float).tolist())
            part = Part(str(uuid.uuid4()), len(counts.indices))
            payload = {_KIND: _WORDS, _COLLECTION: collection, _NUMBER: number}
            self._upsert(models.PointStruct(id=part.id, vector={COUNTS: counts}, payload=payload))
            parts.append(part)
        return tuple(parts)

    def read_words(self, parts: Sequence[Part]) -> Terms:
        """The counts of some parts together."""
        terms = Terms.none()
        ids = [part.id for part in parts]
        for record in self._server.send(self._server.client.retrieve, self.name, ids, with_payload=False, with_vectors=True) if ids else []:
            vector = record.vector.get(COUNTS) if isinstance(record.vector, dict) else None
            if isinstance(vector, models.SparseVector):
                order = np.argsort(vector.indices)
                counts = np.asarray(vector.values, np.int64)
                terms = terms.plus(Terms(np.asarray(vector.indices, np.uint32)[order], counts[order]))
        return terms

    def remove_words(self, collection: str, number: int, but: Sequence[Part] = ()) -> None:
        """Delete the counts of a collection that were written for versions before one, but for some parts."""
        before = models.FieldCondition(key=_NUMBER, range=models.Range(lt=number))
        chosen = models.Filter(
            must=[*_of(_WORDS, [collection]), before], must_not=[models.HasIdCondition(has_id=[part.id for part in but])]
        )
        self._server.send(self._server.client.delete, self.name, models.FilterSelector(filter=chosen), wait=True)


def read_record(payload: Mapping[str, Any]) -> Record | None:
    """A record as it was kept; None for one of another program's layout: the next run makes the index anew.

    Raises:
        DamagedIndexError: it is none.
    """
    if payload.get(_SCHEMA) != INDEX_SCHEMA:
        return None
    try:
        return _RECORD.validate_python({name: value for name, value in payload.items() if name not in (_KIND, _SCHEMA)})
    except ValidationError as error:
        raise DamagedIndexError(str(payload.get(_COLLECTION)), f"its manifest on the server: {' '.join(str(error).split())}") from error


def _of(kind: str, collections: Sequence[str]) -> list[models.Condition]:
    return [matches(_KIND, kind), models.FieldCondition(key=_COLLECTION, match=models.MatchAny(any=list(collections)))]


def manifest_queries(collections: Sequence[str]) -> models.QueryRequest:
    """Asks for the records of some collections."""
    return models.QueryRequest(filter=models.Filter(must=_of(_MANIFEST, collections)), limit=max(1, len(collections)), with_payload=True)


def word_query(word: int, collections: Sequence[str], limit: int) -> models.QueryRequest:
    """Asks for the counts of a word: a point for each part that has it, whose score is the count."""
    vector = models.SparseVector(indices=[word], values=[1.0])
    of_words = models.Filter(must=_of(_WORDS, collections))
    return models.QueryRequest(query=vector, using=COUNTS, filter=of_words, limit=limit, with_payload=False)


def matches(field: str, value: str) -> models.FieldCondition:
    """Points whose payload field has a value."""
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))

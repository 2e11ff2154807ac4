"""Which documents have which tags. Beside the conversations, because they too are what people said, and nothing makes them again.

Belongs here: reading and changing tags, and how they follow a document to another path. Not here: what a tag may be (``tag_names.py``), the
catalog, which is made again from the files, who may.

A document is known by its id, which is made of its path. A move is told by content: before a path leaves the catalog it is noted here
(:meth:`Tags.note_removals`), and the document of the same content that came after the tag was given inherits (:meth:`Tags.hand_on`). What
was never seen to leave is never handed on or forgotten: of a catalog that is being made again, documents are missing for a while.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from rag_pipeline.stores.conversations.engine import Database
from rag_pipeline.stores.conversations.records import ConversationError
from rag_pipeline.stores.conversations.tables import DOCUMENT_TAGS, TAG_CHANGES, TAGGED_DOCUMENTS
from rag_pipeline.stores.conversations.tag_names import MOST_TAGS, key_of

KEPT = timedelta(days=90)
"""Tags of a document that was removed, should it come back."""
_AT_ONCE = 1000
"""Values in one statement."""
_CHANGE = sa.update(TAGGED_DOCUMENTS).where(TAGGED_DOCUMENTS.c.document_id == sa.bindparam("of"))


class Document(Protocol):
    """What is kept of a document that has tags."""

    @property
    def document_id(self) -> str:
        """Made of its path."""

    @property
    def collection(self) -> str:
        """Its name."""

    @property
    def document(self) -> str:
        """The path under the collection."""

    @property
    def content_hash(self) -> str | None:
        """Sha256 of the bytes; None where they could not be read."""


@dataclass(frozen=True, slots=True)
class LiveDocument:
    """A document that the catalog has; ``added_at`` in UTC, without a zone."""

    document_id: str
    collection: str
    document: str
    content_hash: str | None
    added_at: datetime


FindLive = Callable[[Collection[str], Collection[str]], Sequence[LiveDocument]]
"""The live documents that have one of these ids, or one of these contents."""


@dataclass(frozen=True, slots=True, eq=False)
class Tagged:
    """All tags as of one moment; equal to itself alone, which is told without a look at what may be many.

    Attributes:
        mark: another one after each change.
        tags: id of a document → its tags, by the alphabet.
        places: id of a document → its collection, and its path under it.
        names: key → tag.
        documents: key → ids of the documents that have it.
        trouble: why there are none to be had, in words; "" where these are all.
    """

    mark: str = ""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    trouble: str = ""

    def of(self, document_id: str) -> tuple[str, ...] | None:
        """A document's tags; None where it cannot be told."""
        return None if self.trouble else self.tags.get(document_id, ())

    def with_all(self, tags: Iterable[str]) -> frozenset[str]:
        """Ids of the documents that have all of some tags, of which there is one at least.

        Raises:
            ConversationError: it cannot be told.
        """
        if self.trouble:
            raise ConversationError(self.trouble)
        first, *others = sorted((self.documents.get(key_of(tag), frozenset()) for tag in tags), key=len)
        return first.intersection(*others)

    def paths_with_all(self, tags: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Collection → paths under it, of the same documents: by those the index finds them."""
        paths: dict[str, list[str]] = defaultdict(list)
        for identity in self.with_all(tags):
            collection, document = self.places[identity]
            paths[collection].append(document)
        return {collection: tuple(sorted(documents)) for collection, documents in paths.items()}


NOTHING_TAGGED = Tagged()


class Tags:
    """The tags in one database. Made once a process; safe to use by many tasks of one event loop at once.

    Raises:
        ConversationError: of every method: the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = NOTHING_TAGGED

    async def current(self) -> Tagged:
        """All tags; read again only after a change, else one row is looked at. 10,000 tagged documents take some 50 ms then."""
        async with self._database.reading() as connection:
            mark = await connection.scalar(sa.select(TAG_CHANGES.c.mark)) or ""
            if mark != self._read.mark:
                self._read = _tagged(mark, await _rows(connection))
        return self._read

    async def known(self) -> Tagged:
        """The same for those to whom documents are worth something without their tags: of a database that cannot be used, why."""
        try:
            return await self.current()
        except ConversationError as error:
            return Tagged(mark=str(error), trouble=str(error))

    async def add(self, documents: Sequence[Document], tags: Mapping[str, str]) -> dict[str, str]:
        """Give tags (key → tag) to documents; one that exists already is written as it was first.

        Returns:
            Id → why a document got none of them.
        """
        async with self._changing() as connection:
            have = await _tags_of(connection, [one.document_id for one in documents])
            full = {one.document_id for one in documents if len(have[one.document_id].keys() | tags.keys()) > MOST_TAGS}
            written = {**tags, **await _as_written_first(connection, tags)}
            wanted = {one: written for one in documents if one.document_id not in full}
            await _give(connection, wanted, have, datetime.now(UTC))
        return dict.fromkeys(full, f"It would have more than {MOST_TAGS} tags. Remove some of its own first.")

    async def remove(self, documents: Sequence[Document], tags: Mapping[str, str]) -> None:
        """Take tags (key → tag) from documents, where they have them."""
        async with self._changing() as connection:
            await _take(connection, [one.document_id for one in documents], DOCUMENT_TAGS.c.key.in_(list(tags)))

    async def note_removals(self, document_ids: Collection[str], find_live: FindLive) -> None:
        """Note which documents are about to leave the catalog, and the content that each tagged one has there now."""
        kept = {row.document_id: row for row in await self._found(sa.select(TAGGED_DOCUMENTS))}
        live = [one for one in find_live(kept.keys(), ()) if one.document_id in kept]
        edited = {
            one.document_id: one.content_hash for one in live if one.content_hash and one.content_hash != kept[one.document_id].content_hash
        }
        leaving = [one for one in document_ids if one in kept and not kept[one].missing_since]
        back = [one.document_id for one in live if kept[one.document_id].missing_since and one.document_id not in document_ids]
        if edited or leaving or back:
            async with self._changing() as connection:
                hashes = [{"of": identity, "seen": seen} for identity, seen in edited.items()]
                await _many(connection, _CHANGE.values(content_hash=sa.bindparam("seen")), hashes)
                await _many(connection, _CHANGE.values(missing_since=datetime.now(UTC)), [{"of": one} for one in leaving])
                await _many(connection, _CHANGE.values(missing_since=None), [{"of": one} for one in back])

    async def hand_on(self, find_live: FindLive) -> None:
        """Give the tags of documents that left to those that have their content now; forget what left :data:`KEPT` ago."""
        gone = await self._found(sa.select(TAGGED_DOCUMENTS).where(TAGGED_DOCUMENTS.c.missing_since.is_not(None)))
        if not gone:
            return
        live = find_live([row.document_id for row in gone], [row.content_hash for row in gone if row.content_hash])
        back = {row.document_id for row in gone} & {one.document_id for one in live}
        heirs = {row.document_id: found for row in gone if row.document_id not in back and (found := _heirs(row, live))}
        before = (datetime.now(UTC) - KEPT).replace(tzinfo=None)
        old = [row.document_id for row in gone if row.missing_since.replace(tzinfo=None) < before and row.document_id not in back]
        if back or heirs or old:
            async with self._changing() as connection:
                await _many(connection, _CHANGE.values(missing_since=None), [{"of": one} for one in back])
                await _inherit(connection, heirs)
                await _take(connection, [*heirs, *old], DOCUMENT_TAGS.c.key.is_not(None))

    async def _found(self, query: sa.Select[Any]) -> Sequence[Any]:
        async with self._database.reading() as connection:
            found: Sequence[Any] = (await connection.execute(query)).all()
        return found

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes tags. The mark comes first: on PostgreSQL its row is the lock by which writers take turns."""
        async with self._database.writing() as connection:
            await connection.execute(sa.update(TAG_CHANGES).values(mark=uuid.uuid4().hex))
            yield connection


async def _rows(connection: AsyncConnection) -> Sequence[Any]:
    """Document, collection, path, key and tag, by document and key."""
    its, tag = TAGGED_DOCUMENTS.c, DOCUMENT_TAGS.c
    query = sa.select(its.document_id, its.collection, its.document, tag.key, tag.tag).join(DOCUMENT_TAGS)
    return (await connection.execute(query.order_by(its.document_id, tag.key))).all()


def _tagged(mark: str, rows: Iterable[Any]) -> Tagged:
    tags: dict[str, list[str]] = defaultdict(list)
    documents: dict[str, set[str]] = defaultdict(set)
    places: dict[str, tuple[str, str]] = {}
    names: dict[str, str] = {}
    for identity, collection, document, key, tag in rows:
        places[identity] = collection, document
        tags[identity].append(names.setdefault(key, tag))
        documents[key].add(identity)
    in_order = {identity: tuple(its) for identity, its in tags.items()}
    return Tagged(mark, in_order, places, names, {key: frozenset(ids) for key, ids in documents.items()})


async def _tags_of(connection: AsyncConnection, document_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Id → key → tag; documents without tags have none."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for some in _parts(document_ids):
        for identity, key, tag in await connection.execute(sa.select(DOCUMENT_TAGS).where(DOCUMENT_TAGS.c.document_id.in_(some))):
            found[identity][key] = tag
    return found


async def _as_written_first(connection: AsyncConnection, keys: Collection[str]) -> dict[str, str]:
    """Key → tag, of those of some keys that any document has."""
    query = sa.select(DOCUMENT_TAGS.c.key, sa.func.min(DOCUMENT_TAGS.c.tag).label("written")).where(DOCUMENT_TAGS.c.key.in_(list(keys)))
    return {row.key: row.written for row in await connection.execute(query.group_by(DOCUMENT_TAGS.c.key))}


async def _give(
    connection: AsyncConnection, wanted: Mapping[Document, Mapping[str, str]], have: Mapping[str, Mapping[str, str]], now: datetime
) -> None:
    """Tags (key → tag) to documents, of which some ``have`` tags: id → key → tag."""
    known = [one for one in wanted if have.get(one.document_id)]
    fields = ("document_id", "collection", "document", "content_hash")
    fresh = [{**{name: getattr(one, name) for name in fields}, "tagged_at": now} for one in wanted if not have.get(one.document_id)]
    seen = [{"of": one.document_id, "seen": one.content_hash} for one in known]
    await _many(connection, _CHANGE.values(content_hash=sa.bindparam("seen"), tagged_at=now, missing_since=None), seen)
    await _many(connection, sa.insert(TAGGED_DOCUMENTS), fresh)
    rows = [
        {"document_id": one.document_id, "key": key, "tag": tag}
        for one, tags in wanted.items()
        for key, tag in tags.items()
        if key not in have.get(one.document_id, ())
    ]
    await _many(connection, sa.insert(DOCUMENT_TAGS), rows)


async def _inherit(connection: AsyncConnection, heirs: Mapping[str, Sequence[LiveDocument]]) -> None:
    """``heirs``: id of a document that left → those that get its tags."""
    have = await _tags_of(connection, [*heirs, *{one.document_id for found in heirs.values() for one in found}])
    wanted: dict[Document, dict[str, str]] = defaultdict(dict)
    for identity, found in heirs.items():
        for one in found:
            wanted[one].update(have[identity])
    await _give(connection, wanted, have, datetime.now(UTC))


def _heirs(gone: Any, live: Sequence[LiveDocument]) -> list[LiveDocument]:
    """The newest documents of its content; none that was there beside it when its tags were given."""
    given = gone.tagged_at.replace(tzinfo=None)
    same = [one for one in live if one.content_hash and one.content_hash == gone.content_hash and one.added_at >= given]
    newest = max((one.added_at for one in same), default=None)
    return [one for one in same if one.added_at == newest]


async def _take(connection: AsyncConnection, document_ids: Sequence[str], which: sa.ColumnElement[bool]) -> None:
    """Take tags from documents; of those that have none any more nothing is kept."""
    for some in _parts(document_ids):
        await connection.execute(sa.delete(DOCUMENT_TAGS).where(DOCUMENT_TAGS.c.document_id.in_(some), which))
    tagged = sa.select(DOCUMENT_TAGS.c.document_id)
    await connection.execute(sa.delete(TAGGED_DOCUMENTS).where(TAGGED_DOCUMENTS.c.document_id.not_in(tagged)))


async def _many(connection: AsyncConnection, statement: sa.Executable, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        await connection.execute(statement, list(rows))


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(values), _AT_ONCE):
        yield values[begin : begin + _AT_ONCE]

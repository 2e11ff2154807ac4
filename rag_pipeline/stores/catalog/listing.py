"""Lists of documents, a page at a time, and how many there are: what the app and the API show of a catalog of any size.

Belongs here: filters, order, pages, counts. Not here: what a list can be narrowed by (``narrowing.py``), who may see what.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

import duckdb

from rag_pipeline.document_life import BY_ATTENTION
from rag_pipeline.errors import RagError
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus, select_documents
from rag_pipeline.stores.catalog.keys import PRESENT, READING_ORDER

StateCounts = Mapping[str, Mapping[str, int]]
"""Collection → state → number of live documents."""
SortKey = Literal["name", "collection", "state", "pages", "chunks", "size", "indexed"]
HELD = "held"
"""In place of a state: documents whose file is missing, and whose deletion waits for somebody to confirm it."""

_NEXT = 5
"""Documents of a collection that are named as the next to be read."""
_BY_PATH = "d.collection, d.document, d.document_id"
_BY_PATH_BACK = "d.collection DESC, d.document DESC, d.document_id DESC"
_PLACES = " ".join(f"WHEN '{state}' THEN {place}" for place, state in enumerate(BY_ATTENTION))
_SORTED_BY: Mapping[SortKey, str] = {
    "name": "lower(d.document)",
    "collection": "d.collection",
    "state": f"CASE d.state {_PLACES} ELSE 0 END * 2 + (coalesce(len(d.notes), 0) = 0)::INTEGER",
    "pages": "coalesce(d.pages, -1)",
    "chunks": "d.chunks",
    "size": "d.size_bytes",
    "indexed": "coalesce(epoch_us(d.indexed_at), -1)",
}
"""What a list goes by. By state those come first that somebody should look at. None of them is ever NULL, and each fits into JSON."""
_TEXTS = ("name", "collection")
_LARGEST_KEY = 1 << 63
CHOSEN = (
    "($collections IS NULL OR list_contains($collections::VARCHAR[], d.collection)) AND ($collection = '' OR d.collection = $collection)"
    f" AND ($state = '' OR d.state = $state OR ($state = '{HELD}' AND d.file IN (SELECT file FROM missing_files WHERE NOT confirmed)))"
    " AND ($name = '' OR contains(lower(d.document), lower($name))) AND ($type = '' OR ends_with(lower(d.document), '.' || lower($type)))"
    " AND ($folder = '' OR starts_with(d.document, $folder || '/'))"
    " AND ($document_ids IS NULL OR d.document_id IN (SELECT unnest($document_ids::VARCHAR[])))"
    " AND ($since IS NULL OR d.indexed_at >= $since::TIMESTAMP) AND ($before IS NULL OR d.indexed_at < $before::TIMESTAMP)"
)
"""The condition of a :class:`Choice`, on documents ``d``."""
_BEHIND = "(d.collection, d.document, d.document_id) > ($at_collection, $at_document, $at_document_id)"


class CursorError(RagError):
    """A cursor that no earlier page gave."""

    code = "bad_cursor"

    def __init__(self) -> None:
        super().__init__(
            "This cursor cannot be used. Take next_cursor of the page before as it is, in the same order, or leave it out to start anew."
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """Which documents.

    Attributes:
        collections: those that may be looked at; None: all.
        state: of the documents, or :data:`HELD`; "": any, as in what follows.
        name: in the path, whatever the case.
        collection: the one asked for.
        type: the ending of the file's name, without the dot.
        folder: below the collection, in which they lie, or below it.
        indexed_since: UTC, without a zone; None: any time.
        indexed_before: as ``indexed_since``, and not included.
        document_ids: those alone, such as the ones that have a tag; None: any.
    """

    collections: tuple[str, ...] | None = None
    state: str = ""
    name: str = ""
    collection: str = ""
    type: str = ""
    folder: str = ""
    indexed_since: datetime | None = None
    indexed_before: datetime | None = None
    document_ids: frozenset[str] | None = None

    def parameters(self) -> dict[str, object]:
        """For statements with :data:`CHOSEN`."""
        return {
            "collections": None if self.collections is None else list(self.collections),
            "collection": self.collection,
            "state": self.state,
            "name": self.name.strip(),
            "type": self.type.strip().removeprefix("."),
            "folder": self.folder.strip("/"),
            "since": self.indexed_since,
            "before": self.indexed_before,
            "document_ids": None if self.document_ids is None else list(self.document_ids),
        }


@dataclass(frozen=True, slots=True)
class Order:
    """In which order; documents that are alike in it follow by collection and path."""

    by: SortKey = "collection"
    descending: bool = False


BY_COLLECTION = Order()


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """Some documents in their order, the number of all that were chosen, and where the next page begins; None after the last."""

    documents: Sequence[DocumentStatus]
    total: int
    next_cursor: str | None


def documents_page(
    catalog: Catalog, choice: Choice, limit: int, cursor: str | None = None, order: Order = BY_COLLECTION, *, skip: int = 0
) -> DocumentsPage:
    """A page of the chosen documents.

    Args:
        catalog: where they are.
        choice: which of them.
        limit: at most so many.
        cursor: the page behind the one that gave it, in the same order. What is added or removed meanwhile moves no other.
        order: of the documents.
        skip: so many of them first; past the last one, the page is the last one.

    Raises:
        CursorError: the cursor is of no earlier page.
        CatalogError: the catalog cannot be read.
    """
    key, where, parameters = _SORTED_BY[order.by], CHOSEN, choice.parameters()
    if cursor:
        beyond = "<" if order.descending else ">"
        where += f" AND ({key} {beyond} $at_key OR ({key} = $at_key AND {_BEHIND}))"
        parameters |= _position_of(cursor, order)
    with catalog.reading() as connection:
        total = _count(connection, choice)
        tail, numbers = _tail(where, order, limit + 1, min(skip, max(total - 1, 0) // limit * limit), total)
        found = select_documents(connection, tail, parameters | numbers)
        last = found[limit - 1] if len(found) > limit else None
        next_cursor = _cursor_of(last, order, _key_of(connection, last, key)) if last else None
    return DocumentsPage(found[:limit], total, next_cursor)


def _tail(where: str, order: Order, limit: int, skip: int, total: int) -> tuple[str, dict[str, int]]:
    """The end of a statement for a page, with its numbers. What lies far behind is found by its id alone, and from the nearer end: for that
    fewer columns of fewer rows are put into order.
    """
    key = _SORTED_BY[order.by]
    by, back = (
        f"{key} {'DESC' if order.descending else 'ASC'}, {_BY_PATH}",
        f"{key} {'ASC' if order.descending else 'DESC'}, {_BY_PATH_BACK}",
    )
    if not skip:
        return f"WHERE {where} ORDER BY {by} LIMIT $limit", {"limit": limit}
    taken = min(limit, total - skip)
    inner, skipped = (back, total - skip - taken) if skip > total // 2 else (by, skip)
    few = f"SELECT d.document_id FROM documents d WHERE {where} ORDER BY {inner} LIMIT $limit OFFSET $skip"
    return f"WHERE d.document_id IN ({few}) ORDER BY {by}", {"limit": taken, "skip": skipped}


def documents_of(catalog: Catalog, choice: Choice, document_ids: Sequence[str], content_hashes: Sequence[str] = ()) -> list[DocumentStatus]:
    """The chosen documents that have one of these ids, or one of these contents (sha256), by collection and path."""
    wanted = "(d.document_id IN (SELECT unnest($named::VARCHAR[])) OR d.content_hash IN (SELECT unnest($content_hashes::VARCHAR[])))"
    parameters = {**choice.parameters(), "named": list(document_ids), "content_hashes": list(content_hashes)}
    return catalog.select_documents(f"WHERE {CHOSEN} AND {wanted} ORDER BY {_BY_PATH}", parameters)


def _key_of(connection: duckdb.DuckDBPyConnection, document: DocumentStatus, key: str) -> object:
    rows = connection.execute(f"SELECT {key} FROM documents d WHERE d.document_id = ?", [document.document_id]).fetchall()
    return rows[0][0]


def _count(connection: duckdb.DuckDBPyConnection, choice: Choice) -> int:
    row = connection.execute(f"SELECT count(*) FROM documents d WHERE {CHOSEN}", choice.parameters()).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class WorkCounts:
    """What is done of a collection, and what is left.

    Attributes:
        states: state → number of live documents.
        waiting: pending documents of which nothing is published, without those whose file is missing; ``waiting_bytes`` their size.
        by_words: pending documents that answer by their words alone.
        with_vectors: pending documents that have some of their vectors.
        passages: in the published index; ``vectors`` those of them with a dense vector, ``published_bytes`` the size of their documents.
        next_files: the documents that are read next, as paths below the collection, the first ones in their order.
    """

    states: Mapping[str, int]
    waiting: int
    waiting_bytes: int
    by_words: int
    with_vectors: int
    passages: int
    vectors: int
    published_bytes: int
    next_files: tuple[str, ...] = ()


def work_counts(catalog: Catalog) -> dict[str, WorkCounts]:
    """Collection → what is done and what is left, of the collections that have documents."""
    live = f"WITH live AS (SELECT *, state = 'pending' AND chunks = 0 AND {PRESENT} AS waits FROM documents)"
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            {live} SELECT collection, histogram(state), count_if(waits), coalesce(sum(size_bytes) FILTER (waits), 0)::BIGINT,
                count_if(state = 'pending' AND chunks > 0 AND vectors = 0), count_if(state = 'pending' AND vectors > 0),
                sum(chunks)::BIGINT, coalesce(sum(vectors), 0)::BIGINT, coalesce(sum(size_bytes) FILTER (chunks > 0), 0)::BIGINT
            FROM live GROUP BY collection ORDER BY collection
            """
        ).fetchall()
        following = connection.execute(
            f"{live} SELECT collection, document FROM live WHERE waits"
            f" QUALIFY row_number() OVER (PARTITION BY collection ORDER BY {READING_ORDER}) <= {_NEXT} ORDER BY collection, {READING_ORDER}"
        ).fetchall()
    next_files: dict[str, list[str]] = {}
    for collection, document in following:
        next_files.setdefault(collection, []).append(document)
    return {name: replace(WorkCounts(*numbers), next_files=tuple(next_files.get(name, ()))) for name, *numbers in rows}


def state_counts(catalog: Catalog) -> StateCounts:
    """Live documents counted by collection and state; both in order of the alphabet."""
    with catalog.reading() as connection:
        rows = connection.execute("SELECT collection, state, count(*) FROM documents GROUP BY ALL ORDER BY ALL").fetchall()
    counts: dict[str, dict[str, int]] = {}
    for collection, state, number in rows:
        counts.setdefault(collection, {})[state] = number
    return counts


def read_in_part_counts(catalog: Catalog) -> dict[str, int]:
    """Collection → live documents that could be read but for a part, where there are any."""
    with catalog.reading() as connection:
        rows = connection.execute("SELECT collection, count(*) FROM documents WHERE len(notes) > 0 GROUP BY ALL ORDER BY ALL").fetchall()
    return dict(rows)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Live documents whose files were first seen on a day (UTC), and the chunks that they have in the index now."""

    day: date
    documents: int
    chunks: int


def arrivals(catalog: Catalog, collections: tuple[str, ...] | None = None) -> list[Arrivals]:
    """When the documents of these collections (None: of all) came, the first day first; days on which none came are left out."""
    statement = f"SELECT d.added_at::DATE AS day, count(*), sum(d.chunks)::BIGINT FROM documents d WHERE {CHOSEN} GROUP BY day ORDER BY day"
    with catalog.reading() as connection:
        return [Arrivals(*row) for row in connection.execute(statement, Choice(collections).parameters()).fetchall()]


def newest_headings(catalog: Catalog, documents: int, most: int) -> list[tuple[str, str]]:
    """Collection and heading, at most so many, of the documents that were indexed last: the first of each of them, the second, …"""
    statement = f"""
        WITH newest AS (
            SELECT * FROM documents WHERE state = 'indexed' AND {PRESENT} ORDER BY indexed_at DESC, document_id LIMIT $documents
        ), headings AS (
            SELECT n.collection, e.text, n.indexed_at, n.document_id,
                   row_number() OVER (PARTITION BY n.document_id ORDER BY e.position) AS place
            FROM newest n JOIN elements e USING (extraction_key) WHERE e.kind = 'Title'
        )
        SELECT collection, text FROM headings ORDER BY place, indexed_at DESC, document_id LIMIT $most
    """
    with catalog.reading() as connection:
        return connection.execute(statement, {"documents": documents, "most": most}).fetchall()


def _cursor_of(document: DocumentStatus, order: Order, key: object) -> str:
    position = [order.by, order.descending, key, document.collection, document.document, document.document_id]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _position_of(cursor: str, order: Order) -> dict[str, object]:
    try:
        by, descending, key, *path = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        texts = [*path, key] if order.by in _TEXTS else path
        for text in texts:
            text.encode()
        collection, document, document_id = path
    except (ValueError, binascii.Error, TypeError, AttributeError, RecursionError):
        raise CursorError from None
    fits = order.by in _TEXTS or (type(key) is int and abs(key) < _LARGEST_KEY)
    if (by, descending) != (order.by, order.descending) or not fits:
        raise CursorError
    return {"at_key": key, "at_collection": collection, "at_document": document, "at_document_id": document_id}

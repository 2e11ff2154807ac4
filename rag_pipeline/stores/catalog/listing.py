"""Lists of documents, a page at a time, and how many there are: what the app and the API show of a catalog of any size.

Belongs here: filters, order, pages, counts. Not here: who may see what.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from rag_pipeline.document_life import BY_ATTENTION
from rag_pipeline.errors import RagError
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus, select_documents
from rag_pipeline.stores.catalog.keys import PRESENT, READING_ORDER

StateCounts = Mapping[str, Mapping[str, int]]
"""Collection → state → number of live documents."""

_NEXT = 5
"""Documents of a collection that are named as the next to be read."""
_BY_PATH = "d.collection, d.document, d.document_id"
_PLACES = " ".join(f"WHEN '{state}' THEN {place}" for place, state in enumerate(BY_ATTENTION))
_BY_ATTENTION = f"CASE d.state {_PLACES} ELSE 0 END, coalesce(len(d.notes), 0) = 0"
_CHOSEN = (
    "($collections IS NULL OR list_contains($collections::VARCHAR[], d.collection)) AND ($state = '' OR d.state = $state)"
    " AND ($name = '' OR contains(lower(d.document), lower($name)))"
)
_AFTER = "(d.collection, d.document, d.document_id) > ($collection, $document, $document_id)"


class CursorError(RagError):
    """A cursor that no earlier page gave."""

    code = "bad_cursor"

    def __init__(self) -> None:
        super().__init__("This cursor cannot be used. Take next_cursor of the page before unchanged, or leave cursor out to start anew.")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which documents: of these collections (None: all), in this state, with this in their path whatever the case ("": any)."""

    collections: tuple[str, ...] | None = None
    state: str = ""
    name: str = ""

    def parameters(self) -> dict[str, object]:
        """For statements."""
        collections = None if self.collections is None else list(self.collections)
        return {"collections": collections, "state": self.state, "name": self.name.strip()}


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """Some documents by collection and path, the number of all that were chosen, and where the next page begins; None after the last."""

    documents: Sequence[DocumentStatus]
    total: int
    next_cursor: str | None


def documents_page(catalog: Catalog, choice: Choice, limit: int, cursor: str | None = None) -> DocumentsPage:
    """A page of the chosen documents.

    Raises:
        CursorError: the cursor is of no earlier page.
        CatalogError: the catalog cannot be read.
    """
    after = _position_of(cursor) if cursor else None
    where, parameters = _CHOSEN, choice.parameters()
    if after:
        where, parameters = f"{where} AND {_AFTER}", {**parameters, **after}
    with catalog.reading() as connection:
        total = _count(connection, choice)
        found = select_documents(connection, f"WHERE {where} ORDER BY {_BY_PATH} LIMIT $limit", {**parameters, "limit": limit + 1})
    shown = found[:limit]
    return DocumentsPage(shown, total, _cursor_of(shown[-1]) if len(found) > limit else None)


def documents_for_attention(catalog: Catalog, choice: Choice, limit: int) -> list[DocumentStatus]:
    """The first of the chosen documents, those that somebody should look at before the rest."""
    tail = f"WHERE {_CHOSEN} ORDER BY {_BY_ATTENTION}, {_BY_PATH} LIMIT $limit"
    return catalog.select_documents(tail, {**choice.parameters(), "limit": limit})


def count_documents(catalog: Catalog, choice: Choice) -> int:
    """How many documents are chosen."""
    with catalog.reading() as connection:
        return _count(connection, choice)


def _count(connection: duckdb.DuckDBPyConnection, choice: Choice) -> int:
    row = connection.execute(f"SELECT count(*) FROM documents d WHERE {_CHOSEN}", choice.parameters()).fetchone()
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
    statement = (
        f"SELECT d.added_at::DATE AS day, count(*), sum(d.chunks)::BIGINT FROM documents d WHERE {_CHOSEN} GROUP BY day ORDER BY day"
    )
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


def _cursor_of(document: DocumentStatus) -> str:
    position = [document.collection, document.document, document.document_id]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _position_of(cursor: str) -> dict[str, object]:
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        for value in values:
            value.encode()
        collection, document, document_id = values
    except (ValueError, binascii.Error, TypeError, AttributeError, RecursionError):
        raise CursorError from None
    return {"collection": collection, "document": document, "document_id": document_id}

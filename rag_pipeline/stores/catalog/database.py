"""The catalog, which knows every live document, what it says, its chunks and their vectors; a DuckDB file, or a DuckLake.

Belongs here: transactions, and what its readers outside ingestion ask. Not here: the queries of the ingestion steps (they stand beside it),
where it lies (``file.py``, ``lake.py``), the vector index.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from rag_pipeline.document_life import DocumentState
from rag_pipeline.stores.catalog.contract import Storage
from rag_pipeline.stores.catalog.copying import attached, copy_rows
from rag_pipeline.stores.catalog.file import CatalogFile
from rag_pipeline.stores.catalog.schema import SCHEMA_VERSION, empty, prepare, version_of

LOCK_WAIT_SECONDS = 60.0
_MISSING = "LEFT JOIN missing_files m ON m.file = d.file"
_COLUMNS = {
    "warnings": "d.notes",
    "deletion_held_since": "CASE WHEN NOT m.confirmed THEN m.missing_since END",
    "is_leaving": "coalesce(m.confirmed, FALSE)",
}
"""Fields that are not a column of the same name."""


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """A live document as people see it. ``file`` is its path below the uploads folder (``os.fsdecode``); times are UTC.

    ``chunks`` are those in the published index, ``vectors`` those of them that the embedding model has seen (of a long document that is
    being embedded the index may hold fewer): a pending document with chunks answers by its words. ``warnings`` say which parts of a
    document that was read otherwise could not be read, and why.
    ``deletion_held_since``: when its file was first found missing, while the document goes on answering until that is confirmed.
    ``is_leaving``: its deletion is confirmed, and carried out by the next look at the folder. ``content_hash``: sha256 of its bytes.
    """

    document_id: str
    document: str
    collection: str
    state: DocumentState
    error_code: str | None
    error: str | None
    attempts: int
    pages: int | None
    chunks: int
    vectors: int
    size_bytes: int
    indexed_at: datetime | None
    media_type: str | None
    warnings: tuple[str, ...]
    file: str
    deletion_held_since: datetime | None = None
    is_leaving: bool = False
    content_hash: str | None = None


class Catalog:
    """The catalog, given where it lies (a path: a DuckDB file); it is made on first write. Safe to share between threads."""

    def __init__(self, storage: Path | Storage, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> None:
        self._storage: Storage = CatalogFile(storage) if isinstance(storage, Path) else storage
        self._lock_wait_seconds = lock_wait_seconds

    @property
    def name(self) -> str:
        """Where it lies, for people; nothing in it is secret."""
        return self._storage.name

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that is committed at the end, or rolled back when the block raises. Nobody else writes meanwhile.

        Raises:
            CatalogBusyError: locked for longer than the wait. Nothing was committed.
            CatalogError: damaged, of another version, or out of reach.
        """
        with self._storage.writing(self._lock_wait_seconds) as connection:
            prepare(connection, version_of(connection, self._storage))
            with _transaction(connection):
                yield connection

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection that sees one moment; before the first write, an empty one in memory. An older catalog is upgraded first.

        A block around many questions makes them cheap.

        Raises:
            CatalogError: as :meth:`writing`.
        """
        with self._storage.reading(self._lock_wait_seconds) as connection:
            version = version_of(connection, self._storage)
            if version == SCHEMA_VERSION:
                yield connection
                return
        if version:
            with self.writing():
                pass  # opening it for writing upgrades it
            with self._storage.reading(self._lock_wait_seconds) as connection:
                yield connection
        else:  # nothing was written yet, or the first writer was killed before it made the tables
            with closing(empty()) as connection:
                yield connection

    def change_mark(self) -> Hashable:
        """Differs once something was committed: two system calls on a file, one short question to a DuckLake.

        Raises:
            CatalogError: it cannot be told.
        """
        return self._storage.change_mark()

    def copy_to(self, path: Path) -> None:
        """Write a DuckDB file that holds the catalog as it is between two transactions.

        Raises:
            CatalogError: as :meth:`reading`.
        """
        with self.reading():
            pass  # an older one is upgraded first
        self._storage.copy_to(path, self._lock_wait_seconds)

    def replace_by(self, path: Path) -> None:
        """Hold what the DuckDB file of another catalog holds, of this program's schema, and nothing else: all of it, or none.

        Raises:
            CatalogError: as :meth:`writing`.
        """
        with self._storage.writing(self._lock_wait_seconds) as connection, attached(connection, path, read_only=True) as given:
            prepare(connection, version_of(connection, self._storage))
            with _transaction(connection):
                copy_rows(connection, source=given, target="main")

    def tidy(self) -> None:
        """Give back what commits have left behind, where there is much of it: many small files of a DuckLake.

        Raises:
            CatalogError: as :meth:`writing`.
        """
        self._storage.tidy()

    def documents(self, collection: str | None = None) -> list[DocumentStatus]:
        """Live documents, by collection and path."""
        where = "WHERE $collection IS NULL OR d.collection = $collection ORDER BY d.collection, d.document"
        return self.select_documents(where, {"collection": collection})

    def find(self, document_id: str) -> DocumentStatus | None:
        """The live document of that id."""
        found = self.select_documents("WHERE document_id = $document_id", {"document_id": document_id})
        return found[0] if found else None

    def collections(self) -> list[str]:
        """Collections that have live documents."""
        with self.reading() as connection:
            rows = connection.execute("SELECT DISTINCT collection FROM documents ORDER BY 1").fetchall()
        return [name for (name,) in rows]

    def select_documents(self, tail: str, parameters: Mapping[str, object]) -> list[DocumentStatus]:
        """As :func:`select_documents`, on a connection of its own."""
        with self.reading() as connection:
            return select_documents(connection, tail, parameters)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a damaged file fails that too, and a commit that failed has rolled back
            connection.rollback()
        raise


def select_documents(connection: duckdb.DuckDBPyConnection, tail: str, parameters: Mapping[str, object]) -> list[DocumentStatus]:
    """Live documents ``d``, as the end of a statement wants them: WHERE, ORDER BY, LIMIT."""
    columns = ", ".join(_COLUMNS.get(name, f"d.{name}") for name in DocumentStatus.__dataclass_fields__)
    rows = connection.execute(f"SELECT {columns} FROM documents d {_MISSING} {tail}", dict(parameters)).fetchall()
    return [_status(row) for row in rows]


def _status(row: Sequence[Any]) -> DocumentStatus:
    fields = dict(zip(DocumentStatus.__dataclass_fields__, row, strict=True))
    return DocumentStatus(**{**fields, "warnings": tuple(fields["warnings"] or ()), "file": os.fsdecode(fields["file"])})

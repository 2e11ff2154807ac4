"""The catalog: one DuckDB file that knows every live document, what it says, its chunks and their vectors.

Belongs here: opening the file safely, its schema, and what its readers outside ingestion ask. Not here: the queries of the
ingestion steps (they stand beside it), the files themselves, the vector index.

While one process holds a DuckDB file read-write no other can open it, so connections are short and a locked file is waited for.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from rag_pipeline.document_life import DocumentState
from rag_pipeline.errors import RagError

SCHEMA_VERSION = 5
LOCK_WAIT_SECONDS = 60.0
MEMORY_LIMIT = "512MB"
_COPIED_AT_A_TIME = 1 << 20
_HELD = "LEFT JOIN missing_files m ON m.file = d.file AND NOT m.confirmed"
_COLUMNS = {"warnings": "d.notes", "deletion_held_since": "m.missing_since"}
"""Fields that are not a column of the same name."""
_EMPTYING = threading.Lock()
_WRITING = threading.Lock()  # DuckDB lets threads of one process write at once, and fails the second to commit


class CatalogError(RagError):
    """The catalog cannot be used; the message names the fix."""


class CatalogBusyError(CatalogError):
    """Another process is writing; the same call works later."""


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """A live document as people see it. ``file`` is its path below the uploads folder (``os.fsdecode``); times are UTC.

    ``chunks`` are those in the published index, ``vectors`` those of them that the embedding model has seen (of a long document that is
    being embedded the index may hold fewer): a pending document with chunks answers by its words. ``warnings`` say which parts of a
    document that was read otherwise could not be read, and why.
    ``deletion_held_since``: when its file was first found missing, while the document goes on answering until that is confirmed.
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


class Catalog:
    """The catalog file at ``path``; it is made on first write. Safe to share between threads: each use opens a connection."""

    def __init__(self, path: Path, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> None:
        self.path = path
        self._lock_wait_seconds = lock_wait_seconds

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that is committed at the end, or rolled back when the block raises.

        Raises:
            CatalogBusyError: locked for longer than the wait.
            CatalogError: damaged, or of another version.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _WRITING, _damage_in_words(self.path), closing(self._open(read_only=False)) as connection:
            _prepare(connection, self.path)
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException:
                with suppress(duckdb.Error):  # a damaged file fails that too
                    connection.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection; on a catalog that does not exist yet, an empty one in memory. An older catalog is upgraded first.

        The first one takes 15 ms, and those beside it in the same process next to nothing: a block around many questions makes them cheap.
        Nothing can be written meanwhile.

        Raises:
            CatalogError: as :meth:`writing`.
        """
        opened = self._open(read_only=True) if self.path.exists() else _empty(self.path)
        with _damage_in_words(self.path), closing(opened) as connection:
            version = _version(connection, self.path)
            if version == SCHEMA_VERSION:
                yield connection
                return
        if version:
            with self.writing():
                pass  # opening it for writing upgrades it
        with closing(self._open(read_only=True) if version else _empty(self.path)) as connection:
            yield connection  # without a version: the first writer was killed before it made the tables

    def copy_to(self, folder: Path) -> None:
        """Copy the catalog's files to a folder as they are between two transactions. Who wants to write waits until that is done.

        Raises:
            CatalogError: as :meth:`reading`.
        """
        with ExitStack() as opened, self.reading():
            for file in filter(Path.exists, catalog_files(self.path)):
                # Closed after the connection: whoever closes a file gives back all locks of the process on it (POSIX), DuckDB's too.
                source = opened.enter_context(file.open("rb"))
                with (folder / file.name).open("wb") as copy:
                    shutil.copyfileobj(source, copy, _COPIED_AT_A_TIME)

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

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + self._lock_wait_seconds
        pause = 0.01
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only, config=_config(self.path))
            except duckdb.Error as error:
                if not _is_lock(error):
                    raise _unreadable(self.path, error) from error
                if time.monotonic() > deadline:
                    raise CatalogBusyError(
                        f"The catalog {self.path} is in use by another program. Close it and try again: {error}"
                    ) from error
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)


def catalog_files(path: Path) -> tuple[Path, Path]:
    """The files that a commit changes: DuckDB writes its own, or the log beside it."""
    return path, path.with_name(path.name + ".wal")


def select_documents(connection: duckdb.DuckDBPyConnection, tail: str, parameters: Mapping[str, object]) -> list[DocumentStatus]:
    """Live documents ``d``, as the end of a statement wants them: WHERE, ORDER BY, LIMIT."""
    columns = ", ".join(_COLUMNS.get(name, f"d.{name}") for name in DocumentStatus.__dataclass_fields__)
    rows = connection.execute(f"SELECT {columns} FROM documents d {_HELD} {tail}", dict(parameters)).fetchall()
    return [_status(row) for row in rows]


def _status(row: Sequence[Any]) -> DocumentStatus:
    fields = dict(zip(DocumentStatus.__dataclass_fields__, row, strict=True))
    return DocumentStatus(**{**fields, "warnings": tuple(fields["warnings"] or ()), "file": os.fsdecode(fields["file"])})


def _config(path: Path) -> dict[str, str | bool | int | float | list[str]]:
    """No network (extensions are never fetched), bounded memory, spilling beside the catalog."""
    return {
        "autoinstall_known_extensions": False,
        "memory_limit": MEMORY_LIMIT,
        "preserve_insertion_order": False,
        "temp_directory": str(path.parent / "catalog.spill"),
    }


def _is_lock(error: duckdb.Error) -> bool:
    text = str(error)
    return any(sign in text for sign in ("Could not set lock", "different configuration", "Unique file handle conflict"))


def _unreadable(path: Path, error: Exception) -> CatalogError:
    return CatalogError(
        f"The catalog {path} cannot be read: {str(error).splitlines()[0]}\n"
        f"Move it away (mv '{path}' '{path}.damaged') and run `rag ingest`: it is made again from your files."
    )


@contextmanager
def _damage_in_words(path: Path) -> Iterator[None]:
    """What is damaged further on in the file is found by the statement that reads it, not when the file is opened."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        if "Corrupt database file" in text or ("Could not read enough bytes" in text and str(path) in text):
            raise _unreadable(path, error) from error
        raise


def _empty(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a catalog without rows, in memory; made once, as a look at a folder asks it ten times."""
    with _EMPTYING:
        return _made_empty(path).cursor()


@lru_cache(maxsize=1)
def _made_empty(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config=_config(path))
    _prepare(connection, path)
    return connection


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make the tables, or bring those of an older program up to date, by the numbered files that have not been run yet."""
    version = _version(connection, path)
    if version == SCHEMA_VERSION:
        return
    connection.begin()
    try:
        for number, statements in _migrations():
            if number > version:
                connection.execute(statements)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _migrations() -> list[tuple[int, str]]:
    found = sorted(files("rag_pipeline.stores.catalog").joinpath("sql").iterdir(), key=lambda file: file.name)
    return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in found if file.name.endswith(".sql")]


def _version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The schema's number; 0 before there are tables.

    Raises:
        CatalogError: it is no catalog, or a newer program's.
    """
    try:
        row = connection.execute("SELECT schema_version FROM catalog").fetchone()
    except duckdb.Error as error:
        if connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,):  # asked only now: it takes 7 ms
            return 0
        raise _unreadable(path, error) from error
    version = row[0] if row else None
    if version is None or not 1 <= version <= SCHEMA_VERSION:
        raise CatalogError(
            f"The catalog {path} has version {version}, this program knows version {SCHEMA_VERSION}. "
            "Use the newer program that wrote it, or move the file away and run `rag ingest` to make it again from your files."
        )
    return int(version)

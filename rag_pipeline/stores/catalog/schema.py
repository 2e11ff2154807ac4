"""The catalog's tables: made, and brought up to date, by the numbered files of the folder ``sql``.

Belongs here: the schema's number, and the way from one to the next. Not here: where the catalog lies, what is in it.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib.resources import files

import duckdb

from rag_pipeline.stores.catalog.contract import CatalogError, Storage

SCHEMA_VERSION = 9
MEMORY_LIMIT = "512MB"
_EMPTYING = threading.Lock()


def prepare(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Make the tables, or bring those of an older program up to date, by the numbered files that have not been run yet."""
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


def version_of(connection: duckdb.DuckDBPyConnection, storage: Storage) -> int:
    """The schema's number; 0 before there are tables.

    Raises:
        CatalogError: it is no catalog, or a newer program's.
    """
    try:
        rows = connection.execute("SELECT schema_version FROM catalog").fetchall()
    except duckdb.CatalogException as error:
        if not _has_tables(connection):  # asked only now: it takes 7 ms
            return 0
        raise storage.unreadable(error) from None
    except duckdb.Error as error:
        raise storage.unreadable(error) from None
    version = rows[0][0] if rows else None
    if version is None or not 1 <= version <= SCHEMA_VERSION:
        raise CatalogError(
            f"The catalog {storage.name} has version {version}, this program knows version {SCHEMA_VERSION}. "
            "Use the newer program that wrote it, or move it away and run `rag ingest` to make it again from your files."
        )
    return int(version)


def empty() -> duckdb.DuckDBPyConnection:
    """A connection to a catalog without rows, in memory; made once, as a look at a folder asks it ten times."""
    with _EMPTYING:
        return _made_empty().cursor()


@lru_cache(maxsize=1)
def _made_empty() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "memory_limit": MEMORY_LIMIT, "temp_directory": ""})
    prepare(connection, 0)
    return connection


def tables() -> tuple[str, ...]:
    """All tables of the catalog."""
    with empty() as connection:
        rows = connection.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL").fetchall()
    return tuple(name for (name,) in rows)


def _has_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    count = "SELECT count(*) > 0 FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary"
    return connection.execute(count).fetchall() == [(True,)]


def _migrations() -> list[tuple[int, str]]:
    found = sorted(files("rag_pipeline.stores.catalog").joinpath("sql").iterdir(), key=lambda file: file.name)
    return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in found if file.name.endswith(".sql")]

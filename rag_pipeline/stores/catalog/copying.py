"""All rows of one catalog into another, table by table.

Belongs here: that. Not here: which catalogs, transactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from rag_pipeline.stores.catalog.schema import tables

_ATTACHED = "beside"


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> Iterator[str]:
    """What the DuckDB file of another catalog is called in statements of the connection. To be used around a transaction, not in one."""
    connection.execute(f"ATTACH {literal(str(path))} AS {_ATTACHED} {'(READ_ONLY)' if read_only else ''}")
    try:
        yield f"{_ATTACHED}.main"
    finally:
        with suppress(duckdb.Error):  # of a transaction that failed: what it uses cannot be detached
            connection.rollback()
        connection.execute(f"DETACH {_ATTACHED}")


def copy_rows(connection: duckdb.DuckDBPyConnection, *, source: str, target: str) -> None:
    """Give each table of ``target`` the rows of ``source``, and no others."""
    for table in tables():
        connection.execute(f"DELETE FROM {target}.{table}")
        connection.execute(f"INSERT INTO {target}.{table} BY NAME SELECT * FROM {source}.{table}")


def literal(text: str) -> str:
    """A text in a statement that takes no parameters."""
    return "'" + text.replace("'", "''") + "'"

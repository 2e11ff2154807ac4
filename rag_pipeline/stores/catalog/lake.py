"""A catalog in a DuckLake: tables in PostgreSQL, their rows in Parquet files in a folder or a bucket.

Belongs here: attaching it, turns of writers, its failures in words, its small files. Not here: its tables.

A DuckLake has no keys, and lets two transactions that read the same rows both add what they found missing. So writers take turns, by a
lock in PostgreSQL that goes with its connection; and whoever writes without it makes the other's commit fail, as none is tried again on
rows that have changed since. Rows are never kept in PostgreSQL itself, whose texts cannot hold all that ours do (NUL).
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from rag_pipeline.settings import BucketFolder, Settings
from rag_pipeline.stores.catalog.contract import CatalogBusyError, CatalogError
from rag_pipeline.stores.catalog.copying import attached, copy_rows, literal
from rag_pipeline.stores.catalog.file import CatalogFile
from rag_pipeline.stores.catalog.schema import MEMORY_LIMIT, prepare, version_of

_ATTACHING = threading.Lock()
_LOCK = 7_234_870_615  # any number: who else uses the database's advisory locks had better not take the same
_KEPT_OPEN = {
    "idle_in_transaction_session_timeout": "0",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""While a lock is held, however long the commit takes; a machine that has gone without a word loses it after a minute."""
_KEEP_OPEN = ", ".join(f"set_config('{name}', '{value}', true) AS {name}" for name, value in _KEPT_OPEN.items())
_TRY_LOCK = f"SELECT {_KEEP_OPEN}, pg_try_advisory_xact_lock({_LOCK}) AS held"
_MANY_FILES = 100
"""From so many on they are merged: each is a request to a bucket for whoever reads its table."""
_REWRITTEN_SHARE = 0.1
"""A file of which more is deleted is written anew; the others cannot be merged."""
_KEPT = "now() - INTERVAL 1 DAY"
"""Files that nothing needs any more outlast whoever began to read before."""
_PASSWORD = re.compile(r"""password\s*=\s*('(?:\\.|[^'\\])*'|[^\s&']+)""", re.IGNORECASE)


class Lake:
    """The DuckLake that ``RAG_CATALOG_URL`` names. A process attaches it once, at the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """Without the address, which holds a password."""
        return "of RAG_CATALOG_URL"

    @contextmanager
    def reading(self, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See the contract. Some milliseconds; others may write meanwhile."""
        with self._failures_in_words(), self._cursor("BEGIN TRANSACTION READ ONLY") as connection:
            yield connection

    @contextmanager
    def writing(self, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See the contract."""
        with self._failures_in_words(), self._cursor() as lock, self._cursor() as connection:
            lock.begin()
            self._wait_for_turn(lock, wait_seconds)
            yield connection

    def unreadable(self, error: Exception) -> CatalogError:
        """See the contract."""
        return self._in_words(error)

    def change_mark(self) -> Hashable:
        """See the contract: the number of the last commit."""
        with self._failures_in_words(), self._cursor() as connection:
            return str(connection.execute("SELECT * FROM ducklake_current_snapshot('catalog')").fetchall())

    def copy_to(self, path: Path, wait_seconds: float) -> None:
        """See the contract. Nobody waits for it."""
        with self._failures_in_words(), self._cursor() as connection:
            if not version_of(connection, self):
                return
            with CatalogFile(path).writing(wait_seconds) as made:
                prepare(made, 0)
            with attached(connection, path, read_only=False) as copy:
                connection.begin()
                copy_rows(connection, source="catalog.main", target=copy)
                connection.commit()

    def tidy(self) -> None:
        """See the contract. Others may read meanwhile; what they read is deleted a day later."""
        with self._failures_in_words(), self._cursor() as connection:
            count = "SELECT coalesce(sum(file_count + delete_file_count), 0) FROM ducklake_table_info('catalog')"
            ((files,),) = connection.execute(count).fetchall()
        if files < _MANY_FILES:
            return
        with suppress(CatalogBusyError), self.writing(0) as connection:  # of somebody at work: the next publication does it
            # What no table needs, in the folder, is left alone: it may be somebody else's.
            connection.execute(f"CALL ducklake_expire_snapshots('catalog', older_than => {_KEPT})")
            connection.execute(f"CALL ducklake_rewrite_data_files('catalog', delete_threshold => {_REWRITTEN_SHARE})")
            connection.execute("CALL ducklake_merge_adjacent_files('catalog')")
            connection.execute(f"CALL ducklake_cleanup_old_files('catalog', older_than => {_KEPT})")

    @contextmanager
    def _cursor(self, begin: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
        """``begin``: a statement that comes first, so that all is asked in one transaction."""
        with _ATTACHING:
            connection = _attached(self._settings, os.getpid()).cursor()
        with closing(connection):
            try:
                connection.execute(f"{begin}; USE catalog")
                yield connection
            finally:
                with suppress(duckdb.Error):  # closed in the middle of a transaction whose server has gone, DuckDB would end the process
                    connection.rollback()

    def _wait_for_turn(self, lock: duckdb.DuckDBPyConnection, wait_seconds: float) -> None:
        deadline, pause = time.monotonic() + wait_seconds, 0.01
        ask = f"SELECT held FROM postgres_query('__ducklake_metadata_catalog', {literal(_TRY_LOCK)})"
        while lock.execute(ask).fetchall() != [(True,)]:
            if time.monotonic() > deadline:
                raise CatalogBusyError(f"The catalog {self.name} is being written by another program. Wait for its end and try again.")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    @contextmanager
    def _failures_in_words(self) -> Iterator[None]:
        """DuckDB's own errors hold the address, password and all: they are not handed on, not even as a cause."""
        try:
            yield
        except duckdb.Error as error:
            raise self._in_words(error) from None

    def _in_words(self, error: Exception) -> CatalogError:
        said = self._without_secrets(error)
        if "maximum retry count" in said:
            return CatalogBusyError(
                f"Another program wrote to the catalog {self.name} at the same moment. Nothing was committed: try again."
            )
        if "Install it first" in said or "Failed to download extension" in said:
            return _missing_extensions(self._settings)
        if "does not match existing data path" in said:
            return CatalogError(f"The catalog {self.name} keeps its rows elsewhere than RAG_CATALOG_DATA_PATH says: {said}")
        return CatalogError(f"The catalog {self.name} cannot be used: {said}\nCheck PostgreSQL, RAG_CATALOG_URL and RAG_CATALOG_DATA_PATH.")

    def _without_secrets(self, error: Exception) -> str:
        text = str(error)
        for secret in sorted(_secrets(self._settings), key=len, reverse=True):
            text = text.replace(secret, "…")
        return " ".join(text.split())


def _secrets(settings: Settings) -> set[str]:
    """What must not be seen of the address, however it is written."""
    address = _address(settings)
    found = {address, address.removeprefix("postgres:"), *(match.strip("'") for match in _PASSWORD.findall(address))}
    with suppress(ValueError):
        found.add(urlsplit(address.removeprefix("postgres:")).password or "")
    keys = (settings.s3_access_key_id, settings.s3_secret_access_key)
    found |= {key.get_secret_value() for key in keys if key}
    return {form for secret in found for form in (secret, unquote(secret), literal(secret)[1:-1]) if form}


def _address(settings: Settings) -> str:
    assert settings.catalog_url
    return settings.catalog_url.get_secret_value().removeprefix("ducklake:")


@lru_cache(maxsize=2)
def _attached(settings: Settings, process_id: int) -> duckdb.DuckDBPyConnection:
    """DuckDB with the lake, for all threads of a process; it connects anew by itself when PostgreSQL was away."""
    spill = settings.data / "catalog.spill"
    with suppress(OSError):  # who may not write there has nothing to spill
        spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "memory_limit": MEMORY_LIMIT,
            "preserve_insertion_order": False,
            "temp_directory": str(spill / str(process_id)),
        }
    )
    try:
        for extension in _extensions(settings):
            connection.execute(f"LOAD {extension}")
        if isinstance(settings.catalog_rows, BucketFolder):
            connection.execute(_bucket_keys(settings, settings.catalog_rows))
        with _first_alone(connection, settings):
            place = f"DATA_PATH {literal(f'{settings.catalog_rows}/')}, DATA_INLINING_ROW_LIMIT 0"
            connection.execute(f"ATTACH {literal(f'ducklake:{_address(settings)}')} AS catalog ({place})")
        connection.execute("SET GLOBAL ducklake_max_retry_count = 0")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _first_alone(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[None]:
    """Of several that attach an empty database at once, one makes a DuckLake of it, and the others wait for that."""
    connection.execute(f"ATTACH {literal(_address(settings).removeprefix('postgres:'))} AS waiting (TYPE postgres)")
    with closing(connection.cursor()) as lock:
        lock.begin()
        lock.execute(f"FROM postgres_query('waiting', 'SELECT pg_advisory_xact_lock({_LOCK + 1})::text')").fetchall()
        try:
            yield
        finally:
            with suppress(duckdb.Error):
                lock.rollback()
    connection.execute("DETACH waiting")


def _extensions(settings: Settings) -> list[str]:
    return ["ducklake", "postgres", *(["httpfs"] if isinstance(settings.catalog_rows, BucketFolder) else [])]


def _missing_extensions(settings: Settings) -> CatalogError:
    statements = "; ".join(f"INSTALL {extension}" for extension in _extensions(settings))
    return CatalogError(
        f"RAG_CATALOG_URL needs extensions of DuckDB {duckdb.__version__} that are not installed for this user. Install them once, which"
        f' fetches them from extensions.duckdb.org: {sys.executable} -c "import duckdb; duckdb.sql({statements!r})"'
    )


def _bucket_keys(settings: Settings, bucket: BucketFolder) -> str:
    """The statement by which DuckDB learns where the bucket is, kept in memory only.

    Raises:
        CatalogError: there are no keys.
    """
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    if not key or not secret:
        raise CatalogError("RAG_CATALOG_DATA_PATH is a bucket: set RAG_S3_ACCESS_KEY_ID and RAG_S3_SECRET_ACCESS_KEY too.")
    options = {"KEY_ID": key.get_secret_value(), "SECRET": secret.get_secret_value(), "SCOPE": f"s3://{bucket.bucket}"}
    if settings.s3_region:
        options["REGION"] = settings.s3_region
    if settings.s3_endpoint_url:
        place = urlsplit(settings.s3_endpoint_url)
        options |= {"ENDPOINT": place.netloc + place.path.rstrip("/"), "URL_STYLE": "path", "USE_SSL": str(place.scheme == "https").lower()}
    return f"CREATE SECRET (TYPE s3, {', '.join(f'{name} {literal(value)}' for name, value in options.items())})"

"""A catalog in one DuckDB file: made when missing, waited for when locked, refused in plain words when damaged.

Belongs here: opening the file safely, copying it. Not here: its tables.

While one process holds a DuckDB file read-write no other can open it, so connections are short and a locked file is waited for. What is
opened is the file alone: a DuckDB to attach it to is made once in a process, which takes twenty milliseconds, and attaching takes two.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb

from rag_pipeline.stores.catalog.contract import CatalogBusyError, CatalogError
from rag_pipeline.stores.catalog.copying import literal
from rag_pipeline.stores.catalog.schema import MEMORY_LIMIT, empty
from rag_pipeline.stores.files import change_mark

log = logging.getLogger(__name__)

_COPIED_AT_A_TIME = 1 << 20
_ENGINES = 4
"""Kept of a process; it has one catalog, and a second one while that is backed up."""
_NAME = "catalog"  # as DuckDB calls data/catalog.duckdb for whoever opens it by hand
_OTHERWISE_OPEN = "This process has it open with a different configuration"
_WRITING = threading.Lock()  # DuckDB lets threads of one process write at once, and fails the second to commit


class CatalogFile:
    """The file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @contextmanager
    def reading(self, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See the contract. The first one takes two milliseconds, and those beside it in the same process next to nothing; nothing can be
        written meanwhile."""
        opened = self._opened(wait_seconds, read_only=True) if self._path.exists() else closing(empty())
        with self._damage_in_words(), opened as connection:
            yield connection

    @contextmanager
    def writing(self, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See the contract."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _WRITING, self._damage_in_words(), self._opened(wait_seconds, read_only=False) as connection:
            yield connection

    def unreadable(self, error: Exception) -> CatalogError:
        """See the contract."""
        return CatalogError(
            f"The catalog {self._path} cannot be read: {str(error).splitlines()[0]}\n"
            f"Move it away (mv '{self._path}' '{self._path}.damaged') and run `rag ingest`: it is made again from your files."
        )

    def change_mark(self) -> Hashable:
        """See the contract; two system calls."""
        return change_mark(catalog_files(self._path))

    def copy_to(self, path: Path, wait_seconds: float) -> None:
        """See the contract. Who wants to write waits until that is done."""
        with ExitStack() as opened, self.reading(wait_seconds):
            for file, target in zip(catalog_files(self._path), catalog_files(path), strict=True):
                if file.exists():
                    # Closed after the connection: whoever closes a file gives back all locks of the process on it (POSIX), DuckDB's too.
                    source = opened.enter_context(file.open("rb"))
                    with target.open("wb") as copy:
                        shutil.copyfileobj(source, copy, _COPIED_AT_A_TIME)

    def tidy(self) -> None:
        """DuckDB uses the room in its file again by itself."""

    @contextmanager
    def _opened(self, wait_seconds: float, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        engine = _engine(self._path, os.getpid())
        self._wait_for(engine, wait_seconds, read_only=read_only)
        try:
            with engine.cursor() as connection:
                yield connection
        finally:
            engine.let_go()

    def _wait_for(self, engine: _Engine, wait_seconds: float, *, read_only: bool) -> None:
        """Have the file attached.

        Raises:
            CatalogBusyError: somebody held it for longer than the wait.
            CatalogError: it is damaged.
        """
        deadline = time.monotonic() + wait_seconds
        pause = 0.01
        while True:
            try:
                return engine.attach(read_only=read_only)
            except duckdb.Error as error:
                if not _is_lock(error):
                    raise self.unreadable(error) from error
                if time.monotonic() > deadline:
                    raise CatalogBusyError(
                        f"The catalog {self._path} is in use by another program. Close it and try again: {error}"
                    ) from error
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    @contextmanager
    def _damage_in_words(self) -> Iterator[None]:
        """What is damaged further on in the file is found by the statement that reads it, not when the file is opened."""
        try:
            yield
        except duckdb.Error as error:
            text = str(error)
            if "Corrupt database file" in text or ("Could not read enough bytes" in text and str(self._path) in text):
                raise self.unreadable(error) from error
            raise


def catalog_files(path: Path) -> tuple[Path, Path]:
    """The files that a commit changes: DuckDB writes its own, or the log beside it."""
    return path, path.with_name(path.name + ".wal")


class _Engine:
    """A DuckDB of this process, which has the file attached while somebody reads or writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._duckdb = duckdb.connect(config=_config(path))
        self._attaching = threading.Lock()
        self._users = 0
        self._is_read_only = False

    def attach(self, *, read_only: bool) -> None:
        """Be one more who uses the file.

        Raises:
            duckdb.Error: it cannot be opened; :func:`_is_lock` where somebody holds it who writes, or keeps others from writing.
        """
        with self._attaching:
            if not self._users:
                self._duckdb.execute(f"ATTACH {literal(str(self._path))} AS {_NAME}{' (READ_ONLY)' if read_only else ''}")
                self._is_read_only = read_only
            elif read_only != self._is_read_only:
                raise duckdb.Error(_OTHERWISE_OPEN)
            self._users += 1

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to what is attached."""
        with closing(self._duckdb.cursor()) as connection:
            connection.execute(f"USE {_NAME}")
            yield connection

    def let_go(self) -> None:
        """Be one less; the last one frees the file for other programs."""
        with self._attaching:
            self._users -= 1
            if self._users:
                return
            try:
                self._duckdb.execute(f"DETACH {_NAME}")
            except duckdb.Error as error:
                if "CHECKPOINT during DETACH failed" not in str(error):
                    raise
                # It is detached, and what was committed is safe in the log beside it: the next who writes tries again.
                log.warning("The catalog's log could not be put into %s: %s", self._path, str(error).splitlines()[-1])


@lru_cache(maxsize=_ENGINES)
def _engine(path: Path, process: int) -> _Engine:
    """``process``: a fork makes its own."""
    return _Engine(path)


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

"""A catalog in one DuckDB file: made when missing, waited for when locked, refused in plain words when damaged.

Belongs here: opening the file safely, copying it. Not here: its tables.

While one process holds a DuckDB file read-write no other can open it, so connections are short and a locked file is waited for.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import duckdb

from rag_pipeline.stores.catalog.contract import CatalogBusyError, CatalogError
from rag_pipeline.stores.catalog.schema import MEMORY_LIMIT, empty
from rag_pipeline.stores.files import change_mark

_COPIED_AT_A_TIME = 1 << 20
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
        """See the contract. The first one takes 15 ms, and those beside it in the same process next to nothing; nothing can be written
        meanwhile."""
        opened = self._open(wait_seconds, read_only=True) if self._path.exists() else empty()
        with self._damage_in_words(), closing(opened) as connection:
            yield connection

    @contextmanager
    def writing(self, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """See the contract."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with _WRITING, self._damage_in_words(), closing(self._open(wait_seconds, read_only=False)) as connection:
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

    def _open(self, wait_seconds: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + wait_seconds
        pause = 0.01
        while True:
            try:
                return duckdb.connect(str(self._path), read_only=read_only, config=_config(self._path))
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

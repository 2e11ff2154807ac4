"""What a catalog may lie in: a DuckDB file (``file.py``) or a DuckLake (``lake.py``). The statements on it are the same.

Belongs here: what both can do, and how they fail. Not here: any statement, the schema.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import duckdb

from rag_pipeline.errors import RagError


class CatalogError(RagError):
    """The catalog cannot be used; the message names the fix."""


class CatalogBusyError(CatalogError):
    """Another process is writing; the same call works later."""


class Storage(Protocol):
    """Where a catalog lies. Threads may share it."""

    @property
    def name(self) -> str:
        """For messages and metadata; nothing in it is secret."""

    def reading(self, wait_seconds: float) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection that sees one moment, whatever is written meanwhile; without tables before the first write.

        Raises:
            CatalogBusyError: locked for longer than the wait.
            CatalogError: it cannot be read.
        """

    def writing(self, wait_seconds: float) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection for one transaction after the other; nobody else has one.

        Raises:
            CatalogBusyError: locked for longer than the wait, or somebody who does not take turns wrote meanwhile: nothing was committed.
            CatalogError: it cannot be written.
        """

    def unreadable(self, error: Exception) -> CatalogError:
        """The error, in words that name the way out."""

    def change_mark(self) -> Hashable:
        """Differs once something was committed.

        Raises:
            CatalogError: it cannot be told.
        """

    def copy_to(self, path: Path, wait_seconds: float) -> None:
        """Write a DuckDB file that holds what is there at one moment; nothing, where nothing was written yet."""

    def tidy(self) -> None:
        """Give back what commits have left behind, where there is much of it."""

"""A table of which nothing shows but Arrow's C interface, by which DuckDB and polars read one another's tables without copying rows.

Belongs here: that one class, alone. DuckDB takes a polars frame for one and then asks for pyarrow (40 MB) to read it; polars remembers
the class of whatever it was made of, and of a relation that is all of DuckDB, which then complains when the program ends. Not here:
statements.
"""

from __future__ import annotations

from typing import Protocol


class ArrowExporter(Protocol):
    """What can be read as a stream of Arrow's record batches."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The capsule named ``arrow_array_stream`` of Arrow's PyCapsule interface."""


class ArrowStream:
    """Another table, seen as Arrow's batches only."""

    def __init__(self, source: ArrowExporter) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """As of the other table."""
        return self._source.__arrow_c_stream__(requested_schema)

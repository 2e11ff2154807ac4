"""Tables on their way into DuckDB and out of it as frames, column by column: no row becomes a Python object.

Belongs here: the crossing. Not here: any statement of ours, what the columns mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import polars

from rag_pipeline.stores.catalog.arrow_stream import ArrowStream


def query_frame(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object]) -> polars.DataFrame:
    """What a query finds."""
    return polars.DataFrame(ArrowStream(connection.sql(query, params=dict(parameters))))


def query_batches(
    connection: duckdb.DuckDBPyConnection, query: str, order: str, parameters: Mapping[str, object], rows: int
) -> Iterator[polars.DataFrame]:
    """What a query finds, in an order, so many rows at a time: what waits is DuckDB's to keep, and to spill to the disk."""
    connection.execute(f"CREATE TEMP TABLE waiting AS SELECT *, row_number() OVER (ORDER BY {order}) AS number FROM ({query})", parameters)
    number = 0
    part = "SELECT * EXCLUDE (number) FROM waiting WHERE number > $after AND number <= $last ORDER BY number"
    while len(frame := query_frame(connection, part, {"after": number, "last": number + rows})):
        yield frame
        number += rows
    connection.execute("DROP TABLE waiting")


def insert_frame(connection: duckdb.DuckDBPyConnection, table: str, frame: polars.DataFrame) -> None:
    """Add the rows of a frame to a table, by the names of the columns."""
    # DuckDB cannot read a column that is nothing but nulls and has no type of its own.
    connection.register("given", ArrowStream(frame.cast({polars.Null: polars.String})))
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
    connection.unregister("given")

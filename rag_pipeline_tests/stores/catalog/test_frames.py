"""Frames in and out of DuckDB."""

import subprocess
import sys

import duckdb
import polars

from rag_pipeline.stores.catalog.frames import insert_frame, query_batches, query_frame

COLUMNS = "number INTEGER, name VARCHAR, parts VARCHAR[], content BLOB"
GIVEN = polars.DataFrame(
    {"content": [b"\xff", None], "number": [1, 2], "parts": [["a", "b"], []], "name": [None, None]},
    schema_overrides={"number": polars.Int32},
)


def test_a_frame_goes_in_by_the_names_of_its_columns_and_comes_out_the_same() -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE given_rows ({COLUMNS})")
        insert_frame(connection, "given_rows", GIVEN)
        found = query_frame(connection, "SELECT * FROM given_rows WHERE number <= $most ORDER BY number", {"most": 2})
    assert found.columns == ["number", "name", "parts", "content"]
    assert found.rows() == [(1, None, ["a", "b"], b"\xff"), (2, None, [], None)]


def test_batches_are_in_order_and_hold_every_row_once() -> None:
    with duckdb.connect() as connection:
        batches = list(query_batches(connection, "SELECT i FROM range($rows) r(i)", "i DESC", {"rows": 2500}, 1000))
        assert list(query_batches(connection, "SELECT 1 AS i WHERE false", "i", {}, 10)) == []
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    assert polars.concat(batches)["i"].to_list() == list(reversed(range(2500)))


def test_a_program_that_used_frames_ends_without_complaint() -> None:
    code = (
        "import duckdb; from rag_pipeline.stores.catalog.frames import query_frame\n"
        "with duckdb.connect() as connection: assert query_frame(connection, 'SELECT 1 AS x', {})['x'].to_list() == [1]\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")

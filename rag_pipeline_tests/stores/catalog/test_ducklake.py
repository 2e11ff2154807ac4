"""The catalog in a DuckLake keeps what one in a file keeps: the same tests, and its own, in a process that has DuckDB's extensions."""

import subprocess
import sys
from pathlib import Path

from rag_pipeline_tests import ducklake
from rag_pipeline_tests.programs import POSTGRESQL, needs
from rag_pipeline_tests.servers import PostgreSQL

HERE = Path(__file__).parent
OF_BOTH = "does_not_exist or failed_transaction or counts_are or needs_attention or drop_edit_rename_delete"
"""Tests of the catalog, and of ingestion, that hold wherever it lies."""
PLACES = ("stores/catalog/test_catalog.py", "stores/catalog/test_listing.py", "ingestion/test_pipeline.py")


@needs(POSTGRESQL)
def test_a_ducklake_keeps_what_a_file_keeps(tmp_path: Path, packaged_model: Path) -> None:
    ducklake.require()
    tests = [str(HERE.parent.parent / place) for place in PLACES]
    common = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tests'}"]
    with PostgreSQL() as server:
        variables = ducklake.environment(RAG_TEST_POSTGRESQL=server.address, RAG_TEST_PACKAGED_MODEL=str(packaged_model))
        chosen = ["-p", "rag_pipeline_tests.on_a_ducklake", "-k", f"(({OF_BOTH}) and not bucket) or lake_tests"]
        command = [*common, *chosen, *tests, str(HERE / "lake_tests.py")]
        result = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout.splitlines()[-1]

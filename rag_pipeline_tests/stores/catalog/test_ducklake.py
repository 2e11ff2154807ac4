"""The catalog in a DuckLake keeps what one in a file keeps, in a process whose DuckDB has the extensions: its own tests, and some of the
file's. All of those that hold for both can be run on it by hand, as ``rag_pipeline_tests/on_a_ducklake.py`` says.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.contract import CatalogError
from rag_pipeline_tests import ducklake
from rag_pipeline_tests.programs import POSTGRESQL, needs
from rag_pipeline_tests.servers import PostgreSQL

HERE = Path(__file__).parent
CHOSEN = "counts_are or needs_attention or lake_tests"


def test_without_duckdbs_extensions_the_command_is_named_and_nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    settings = Settings(data_dir=tmp_path / "data", catalog_url="ducklake:postgres:postgresql://rag:hush@127.0.0.1:1/x")
    with pytest.raises(CatalogError, match="INSTALL ducklake; INSTALL postgres'"):
        open_catalog(settings).documents()
    assert not (tmp_path / "nobody").exists()


@needs(POSTGRESQL)
def test_a_ducklake_keeps_what_a_file_keeps(tmp_path: Path, packaged_model: Path) -> None:
    ducklake.require()
    with PostgreSQL() as server:
        variables = ducklake.environment(RAG_TEST_POSTGRESQL=server.address, RAG_TEST_PACKAGED_MODEL=str(packaged_model))
        options = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "rag_pipeline_tests.on_a_ducklake",
            f"--basetemp={tmp_path / 'tests'}",
            "-k",
            CHOSEN,
        ]
        command = [sys.executable, "-m", "pytest", *options, str(HERE / "test_listing.py"), str(HERE / "lake_tests.py")]
        result = subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout.splitlines()[-1]

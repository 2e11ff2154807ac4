"""What tests of the definitions need: a watched folder that the settings name, and an instance that lasts as long as the test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rag_pipeline.defs.partitions import collections


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")
    folder = tmp_path / "data" / "uploads"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions(str(collections.name), ["default"])
        yield made

"""kill -9 of a run at several points: the old version goes on answering, and the next run completes the work, nothing lost or twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.stores.vectors.conftest import hits

DOCUMENTS = 100

POINTS: dict[str, Callable[[Path], bool]] = {
    "reading the folder": lambda data: (data / "locks").exists(),
    "extraction planned": lambda data: any(data.glob("staging/*/extracted_text/*.plan.json")),
    "extraction staged": lambda data: any(data.glob("staging/*/extracted_text/*.readings.parquet")),
    "embedding planned": lambda data: any(data.glob("staging/*/embeddings/*.texts.parquet")),
    "embedding staged": lambda data: any(data.glob("staging/*/embeddings/*.vectors.parquet")),
    "points exported": lambda data: any(data.glob("staging/*/vector_index/*.parquet")),
    "version being built": lambda data: len(list(data.glob("index/*/segments/*"))) > 1,
}


def start(settings: Settings) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "RAG_DATA_DIR": str(settings.data), "RAG_SETTLE_SECONDS": "0", "RAG_EXTRACTION_BATCH_DOCUMENTS": "25"}
    command = [sys.executable, "-m", "rag_pipeline", "ingest"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def found(settings: Settings, words: str) -> set[str]:
    return {hit.document for hit in hits(open_index(settings), "default", SearchQuery(text=words))}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(settings: Settings, point: str) -> None:
    (settings.uploads / "first.txt").write_text("Zebras were here before.")
    run_steps(settings)
    for number in range(DOCUMENTS):
        (settings.uploads / f"{number}.txt").write_text(f"Paragraph about subject{number}.")
    (settings.uploads / "first.txt").rename(settings.uploads / "renamed.txt")
    reached = POINTS[point]
    if point == "reading the folder":
        for lock in (settings.data / "locks").iterdir():
            lock.unlink()
        (settings.data / "locks").rmdir()
    process = start(settings)
    while not reached(settings.data):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    process.wait(10)

    assert found(settings, "zebras") <= {"first.txt", "renamed.txt"}
    assert len(found(settings, "zebras")) == 1

    run_steps(settings)
    rows = Catalog(settings.catalog_path).documents()
    assert len(rows) == DOCUMENTS + 1
    assert {row.state for row in rows} == {"indexed"}
    assert open_index(settings).count("default") == DOCUMENTS + 1
    assert found(settings, "zebras") == {"renamed.txt"}
    assert found(settings, "subject67") == {"67.txt"}
    finished = [file for kind in ("readings", "elements", "vectors", "points") for file in settings.staging_path.rglob(f"*.{kind}.parquet")]
    assert finished == []

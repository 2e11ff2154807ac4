"""Two runs of one collection at once, in two processes: both end well, and what they leave is what one would have left."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag_pipeline.ingestion import steps
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.stores.vectors.conftest import hits

PROCESSES = multiprocessing.get_context("spawn")
ROUNDS = 10
PATIENCE_SECONDS = 120


class QuickEmbedder:
    """Loading the real one takes longer than all the rounds; no vector is looked at here."""

    dtype = "float32"

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.ones((len(texts), 384), dtype=np.float32)


def run_again_and_again(settings: Settings, together: Barrier, failures: Any) -> None:
    """How each round failed is told, or an empty text."""
    steps.embeddings.load_embedder = lambda *arguments: QuickEmbedder()  # type: ignore[assignment,return-value]
    for _ in range(ROUNDS):
        together.wait(PATIENCE_SECONDS)
        try:
            run_steps(settings)
            failures.put("")
        except Exception:
            failures.put(traceback.format_exc())


def edit(uploads: Path, number: int) -> dict[str, set[str]]:
    """Change the folder: files come, go, move and get other words. Returns which documents say which word."""
    for file in (*uploads.glob("moved*"), *uploads.glob("passing*")):
        file.unlink()
    moved = uploads / f"moved{number}.txt"
    if number > 0:
        (uploads / "new.txt").rename(moved)
    (uploads / "kept.txt").write_text(f"Zebras are seen in round {number}.")
    (uploads / "new.txt").write_text(f"Giraffes are seen in round {number}.")
    (uploads / f"passing{number}.txt").write_text(f"Hippos are seen in round {number}.")
    giraffes = {"new.txt", moved.name} if number > 0 else {"new.txt"}
    return {"zebras": {"kept.txt"}, "giraffes": giraffes, "hippos": {f"passing{number}.txt"}}


def hold_equal(settings: Settings, expected: dict[str, set[str]]) -> None:
    names = set.union(*expected.values())
    rows = Catalog(settings.catalog_path).documents()
    assert {row.document: row.state for row in rows} == dict.fromkeys(names, "indexed")
    index = open_index(settings)
    assert {word: {hit.document for hit in hits(index, "default", SearchQuery(text=word))} for word in expected} == expected
    assert index.count("default") == len(names)
    index.close()


@pytest.mark.timeout(600)
def test_two_runs_at_once_leave_what_one_would(settings: Settings) -> None:
    """Without the lock of the whole run: every step has to be right by itself, as where steps run in processes of their own."""
    together, failures = PROCESSES.Barrier(3), PROCESSES.Queue()
    runs = [PROCESSES.Process(target=run_again_and_again, args=(settings, together, failures)) for _ in range(2)]
    for run in runs:
        run.start()
    try:
        for number in range(ROUNDS):
            expected = edit(settings.uploads, number)
            together.wait(PATIENCE_SECONDS)
            assert [failures.get(timeout=PATIENCE_SECONDS) for _ in runs] == ["", ""]
            hold_equal(settings, expected)
    except BaseException:
        for run in runs:
            run.kill()
        raise
    for run in runs:
        run.join(30)
    assert list(settings.staging_path.rglob("*.parquet")) == []

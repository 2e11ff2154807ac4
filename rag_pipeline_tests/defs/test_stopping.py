"""A run whose collection is told to stop ends, and so does one that cannot come to its next look."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rag_pipeline.defs.stopping import cancelled_when_stopped
from rag_pipeline.ingestion import stopping
from rag_pipeline.ingestion.pauses import read_pauses, stop
from rag_pipeline.ingestion.progress.live import live_runs
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.ingestion.stopping import GRACE_SECONDS, is_to_be_cancelled, once
from rag_pipeline.settings import Settings
from rag_pipeline_tests.waiting import wait_until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path / "data", settle_seconds=0)
    made.uploads.mkdir(parents=True)
    return made


@pytest.fixture
def ingesting(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "RAG_DATA_DIR": str(settings.data), "RAG_SETTLE_SECONDS": "0"}
    (settings.uploads / "a.txt").write_text("Zebras.")
    command = [sys.executable, "-m", "rag_pipeline", "ingest"]
    # The run cannot go on, so that it is at work for as long as the test wants, as with a document that takes minutes.
    with (
        Workspace(settings, "default").lock("source_documents"),
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        wait_until(lambda: any(run.alive for run in live_runs(settings)) or process.poll() is not None, 120)
        yield process
        process.kill()


@pytest.mark.timeout(300)
def test_work_that_does_not_end_by_itself_is_interrupted(settings: Settings, ingesting: subprocess.Popen[str]) -> None:
    stop(settings, "default")
    _, errors = ingesting.communicate(timeout=GRACE_SECONDS + 60)
    assert ingesting.returncode == 1
    assert "default: stopped; what was finished is kept" in errors
    assert not any(run.alive for run in live_runs(settings))
    assert "default" in read_pauses(settings)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No grace, and looks without a pause."""
    monkeypatch.setattr(stopping, "GRACE_SECONDS", -1.0)
    monkeypatch.setattr(stopping, "LOOK_SECONDS", 0.01)


@pytest.mark.usefixtures("at_once")
def test_a_run_is_marked_and_interrupted_once(settings: Settings, instance: dg.DagsterInstance) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED))
    found: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: found.append(number))
    try:
        stop(settings, "default")
        with cancelled_when_stopped(instance, run.run_id, Workspace(settings, "default")):
            wait_until(lambda: instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.CANCELING)  # type: ignore[union-attr]
            wait_until(lambda: bool(found))
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(found) == 1


@pytest.mark.usefixtures("at_once")
def test_work_can_be_stopped_after_the_file_of_pauses_was_damaged(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    found: list[str] = []
    settings.pauses_path.write_text("damaged")
    with once(lambda: is_to_be_cancelled(settings, "default"), lambda: found.append("interrupted")):
        wait_until(lambda: "Whether default is to stop cannot be told" in caplog.text)
        settings.pauses_path.unlink()
        stop(settings, "default")
        wait_until(lambda: bool(found))
    assert found == ["interrupted"]

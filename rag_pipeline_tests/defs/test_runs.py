"""Runs of the command line: which are dead, wherever their process was; and two at once beside one of Dagster's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from rag_pipeline.defs.assets import EMBEDDING_POOL
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.runs import PROCESS_TAG, fail_dead_runs, open_instance
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import open_index

AS_THE_DAEMON_DOES = """
from rag_pipeline.defs.execution import run_here
from rag_pipeline.defs.runs import open_instance
from rag_pipeline.settings import load_settings

with open_instance(load_settings()) as instance:
    assert run_here(instance, "default", "ingest", {}) == []
"""


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("RAG_DATA_DIR", str(settings.data))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")
    with open_instance(settings) as opened:
        yield opened


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for(found: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not found():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.05)


@pytest.mark.timeout(300)
def test_a_killed_run_is_dead_and_a_waiting_one_is_not_whatever_the_machine_is_called(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """Process 1 of every machine is alive, so neither the name nor the number may be asked."""
    (settings.uploads / "a.txt").write_text("Zebras.")
    with Workspace(settings, "default").whole_run("text"):
        process = start("-m", "rag_pipeline", "ingest")
        wait_for(lambda: bool(instance.get_runs()) and any(settings.locks_path.glob("run-*")), process)
        (run,) = instance.get_runs()
        instance.add_run_tags(run.run_id, {PROCESS_TAG: f"another machine:{os.getpid()}"})
        assert fail_dead_runs(instance) == []
        process.kill()
        process.wait(10)
    assert fail_dead_runs(instance) == [run.run_id]
    assert fail_dead_runs(instance) == []
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert not list(settings.locks_path.glob("run-*"))


def test_a_run_of_an_earlier_release_on_another_machine_is_dead_after_hours(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {PROCESS_TAG: "another machine:1", PARTITION_TAG: "default"}
    run = instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert fail_dead_runs(instance) == []
    later = time.time() + 13 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert fail_dead_runs(instance) == [run.run_id]


def test_a_run_that_is_executed_again_in_the_browser_is_no_dead_one_of_the_command_line(instance: dg.DagsterInstance) -> None:
    """It inherits the tag that names the process of the first, which is gone, and has no lock."""
    tags = {PROCESS_TAG: f"{socket.gethostname()}:999999999", PARTITION_TAG: "default"}
    first = instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.SUCCESS, tags=tags))
    parents = {"parent_run_id": first.run_id, "root_run_id": first.run_id}
    instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED, tags=tags, **parents))
    assert fail_dead_runs(instance) == []


@pytest.mark.timeout(300)
def test_a_cancelled_run_of_the_command_line_ends_and_frees_its_place_and_its_collection(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """Terminate in the Dagster UI: its code server did not start this process, so nothing but the record reaches it."""
    (settings.uploads / "a.txt").write_text("Zebras.")
    workspace = Workspace(settings, "default")
    with workspace.lock("source_documents"):
        process = start("-m", "rag_pipeline", "ingest")
        wait_for(lambda: any(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))), process)
        (run,) = instance.get_runs()
        instance.run_coordinator.cancel_run(run.run_id)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "default: cancelled in the Dagster UI" in errors
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.CANCELED  # type: ignore[union-attr]
    assert not list(settings.locks_path.glob("run-*"))
    with workspace.whole_run("text"):
        assert fail_dead_runs(instance) == []


def test_a_dead_run_leaves_no_place_in_a_pool(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Someone limited the pool; a killed run that kept its place would stop every later one, and no daemon may be there to free it."""
    storage = instance.event_log_storage
    storage.set_concurrency_slots(EMBEDDING_POOL, 1)
    tags = {PROCESS_TAG: f"{socket.gethostname()}:999999999", PARTITION_TAG: "default"}
    run = instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert storage.claim_concurrency_slot(EMBEDDING_POOL, run.run_id, "embed_batch").is_claimed
    assert fail_dead_runs(instance) == [run.run_id]
    assert storage.get_concurrency_info(EMBEDDING_POOL).active_slot_count == 0


def test_daemons_are_those_that_something_needs(instance: dg.DagsterInstance) -> None:
    """Backfills are what "materialise all partitions" starts; the scheduler's daemon cannot be switched off."""
    needed = {"SENSOR", "BACKFILL", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING"}
    assert set(instance.get_required_daemon_types()) == needed


@pytest.mark.timeout(600)
def test_two_of_the_command_line_and_one_of_dagster_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing: Dagster's records are made by whoever comes first."""
    monkeypatch.setenv("RAG_DATA_DIR", str(settings.data))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")
    for number in range(20):
        (settings.uploads / f"{number}.txt").write_text(f"Paragraph about subject {number}.")
    runs = [start("-m", "rag_pipeline", "ingest"), start("-m", "rag_pipeline", "ingest"), start("-c", AS_THE_DAEMON_DOES)]
    errors = [run.communicate(timeout=500)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], errors
    assert [row.state for row in Catalog(settings.catalog_path).documents()] == ["indexed"] * 20
    assert open_index(settings).count("default") == 20
    with open_instance(settings) as instance:
        materialised = instance.fetch_materializations(dg.AssetKey("extracted_text"), limit=10).records
        published = instance.fetch_materializations(dg.AssetKey("vector_index"), limit=10).records
        read = [record.asset_materialization.metadata["documents_read"].value for record in materialised]  # type: ignore[union-attr]
        assert sorted(read) == [0, 0, 20]
        assert sum(bool(record.asset_materialization.metadata["published"].value) for record in published) == 1  # type: ignore[union-attr]
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}

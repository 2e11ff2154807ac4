"""Which runs are dead; what the command line leaves in Dagster's records; and two of it at once beside one of Dagster's runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from rag_pipeline.cli.recording import Recorder
from rag_pipeline.definitions import defs
from rag_pipeline.defs.assets import EMBEDDING_POOL, assets
from rag_pipeline.defs.checks import CHECKS, Check
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.runs import fail_dead_runs, open_instance
from rag_pipeline.defs.sensors import folder_sensor
from rag_pipeline.ingestion.steps.lanes import turn
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import open_index
from rag_pipeline_tests.defs.test_versions import out_of_date

AS_THE_DAEMON_DOES = """
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from rag_pipeline.definitions import defs
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.runs import open_instance
from rag_pipeline.settings import load_settings

with open_instance(load_settings()) as instance:
    instance.add_dynamic_partitions("collections", ["default"])
    job = defs.resolve_job_def("ingest")
    run = instance.create_run_for_job(job, tags={PARTITION_TAG: "default"})
    raise SystemExit(not execute_run(InMemoryJob(job), run, instance).success)
"""


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("RAG_DATA_DIR", str(settings.data))
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "0")
    with open_instance(settings) as opened:
        yield opened


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def last_said(instance: dg.DagsterInstance, asset: str) -> Mapping[str, dg.MetadataValue]:
    record = instance.fetch_materializations(dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=["default"]), limit=1).records[0]
    assert record.asset_materialization
    return record.asset_materialization.metadata


def passed(instance: dg.DagsterInstance, check: Check) -> bool:
    key = dg.AssetCheckKey(check.asset.key, check.name)
    record = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    return record.status == AssetCheckExecutionRecordStatus.SUCCEEDED


def test_what_the_command_line_does_stands_in_dagster_s_records_and_is_fresh(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Without a run: as materialisations with the metadata that a run writes, and as checks."""
    (settings.uploads / "a.txt").write_text("Zebras.")
    (settings.uploads / "broken.docx").write_bytes(b"PK\x03\x04")
    ingested = start("-m", "rag_pipeline", "ingest")
    assert (ingested.wait(120), instance.get_runs()) == (0, [])
    assert instance.get_dynamic_partitions("collections") == ["default"]
    said = {"source_documents": "added", "extracted_text": "documents_read", "chunks": "chunks_cut", "embeddings": "texts_embedded"}
    counts = {name: last_said(instance, name)[key].value for name, key in (said | {"vector_index": "vectors"}).items()}
    assert counts == {"source_documents": 2, "extracted_text": 1, "chunks": 1, "embeddings": 1, "vector_index": 1}
    assert {check.name for check in CHECKS if check.asset in assets and not passed(instance, check)} == {"failed_documents"}
    assert out_of_date(instance) == set()
    job = defs.resolve_job_def("ingest")
    assert job.execute_in_process(instance=instance, partition_key="default").success
    (settings.uploads / "b.txt").write_text("Giraffes.")
    assert start("-m", "rag_pipeline", "ingest").wait(120) == 0  # upon the records of a run
    assert out_of_date(instance) == set()


def test_records_that_cannot_be_written_are_said_and_an_interrupted_command_leaves_no_process(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "dagster").write_text("a file where the folder belongs")
    with Recorder(settings.model_copy(update={"data_dir": tmp_path})) as recorder:
        recorder.begin()
        assert recorder._process
        assert recorder._process.wait(60)  # long before it is given what it is to write
        said = recorder.record({}, {})
    assert "could not be written (" in said
    assert "FileExistsError" in said or "NotADirectoryError" in said
    with pytest.raises(KeyboardInterrupt), Recorder(settings) as recorder:
        recorder.begin()
        raise KeyboardInterrupt
    assert recorder._process
    assert recorder._process.returncode == -signal.SIGKILL


@pytest.mark.timeout(300)
def test_the_sensor_starts_nothing_beside_the_command_line(settings: Settings, instance: dg.DagsterInstance) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    with turn(Workspace(settings, "default"), ["text"]):
        result = folder_sensor(dg.build_sensor_context(instance, definitions=defs))
    assert isinstance(result, dg.SensorResult)
    assert not result.run_requests
    assert "a run is at work" in str(result.skip_reason)


def test_runs_that_a_power_cut_ended_are_dead(instance: dg.DagsterInstance) -> None:
    tags = {PARTITION_TAG: "default"}
    states = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.SUCCESS)
    runs = [instance.add_run(dg.DagsterRun(job_name="ingest", status=status, tags=tags)) for status in states]
    assert set(fail_dead_runs(instance)) == {run.run_id for run in runs[:2]}
    assert fail_dead_runs(instance) == []
    found = [instance.get_run_by_id(run.run_id).status for run in runs]  # type: ignore[union-attr]
    assert found == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.FAILURE, *states[2:]]


def test_a_dead_run_leaves_no_place_in_a_pool(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Someone limited the pool; a killed run that kept its place would stop every later one, and no daemon may be there to free it."""
    storage = instance.event_log_storage
    storage.set_concurrency_slots(EMBEDDING_POOL, 1)
    run = instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.STARTED, tags={PARTITION_TAG: "default"}))
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
        assert sum(read) == 20  # each once; on a busy machine a slice ends early, and the next one may be another's
        publishing = sum(bool(record.asset_materialization.metadata["published"].value) for record in published)  # type: ignore[union-attr]
        assert 1 <= publishing <= sum(number > 0 for number in read)
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}

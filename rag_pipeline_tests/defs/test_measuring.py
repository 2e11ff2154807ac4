"""Quality in Dagster: when a run is asked for, what it shows, and what is written down of one that the command line took."""

import json
from pathlib import Path

import dagster as dg

from rag_pipeline.definitions import defs
from rag_pipeline.defs.record import record
from rag_pipeline.defs.sensors import folder_sensor
from rag_pipeline.evaluation.quality import update_and_measure
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import load_settings

QUESTION = {"question": "What do zebras have?", "relevant": [{"file": "a.txt"}]}


def run(instance: dg.DagsterInstance, job: str) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process({}, instance, partition_key="default")


def asked_for(instance: dg.DagsterInstance) -> list[tuple[str | None, str | None]]:
    result = folder_sensor(dg.build_sensor_context(instance, definitions=defs))
    requests = result.run_requests if isinstance(result, dg.SensorResult) else ()
    return [(request.job_name, request.partition_key) for request in requests or ()]


def test_quality_is_measured_once_for_each_state_of_index_and_questions(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras have stripes.")
    (uploads / "b.txt").write_text("Giraffes have long necks.")
    assert asked_for(instance) == [("ingest_text", "default")]
    run(instance, "ingest")
    assert asked_for(instance) == []  # there is no question

    skipped = run(instance, "measure_quality")
    assert [event.asset_key.to_user_string() for event in skipped.get_asset_materialization_events() if event.asset_key] == [
        "evaluation_set"
    ]

    dropped = uploads.parent / "evaluation" / "default" / "questions.jsonl"
    dropped.parent.mkdir(parents=True)
    dropped.write_text(json.dumps(QUESTION) + "\n{}\n")
    assert asked_for(instance) == [("measure_quality", "default")]
    measured = run(instance, "measure_quality")
    found = {event.asset_key.path[-1]: event.materialization for event in measured.get_asset_materialization_events() if event.asset_key}
    figures = {name: value.value for name, value in found["retrieval_quality"].metadata.items()}
    assert (figures["ndcg_at_10"], figures["questions"], figures["measured_now"]) == (1.0, 1, True)
    assert found["evaluation_set"].metadata["lines_that_are_no_question"].value == 1
    checks = {one.check_name: (one.passed, one.severity) for one in measured.get_asset_check_evaluations()}
    assert checks["every_line_is_a_question"] == (False, dg.AssetCheckSeverity.WARN)
    assert checks["quality_has_not_dropped"][0]
    assert asked_for(instance) == []

    (uploads / "a.txt").write_text("Zebras have stripes and hooves.")
    assert asked_for(instance) == [("ingest_text", "default")]  # nothing is measured while there is work to do
    run(instance, "ingest")
    assert asked_for(instance) == [("measure_quality", "default")]

    settings = load_settings()
    record(instance, settings, {}, {"default": update_and_measure(Workspace(settings, "default"))})
    event = instance.get_latest_materialization_event(dg.AssetKey("retrieval_quality"))
    assert event
    assert event.asset_materialization
    assert event.asset_materialization.partition == "default"
    assert event.asset_materialization.metadata["compared_with"].value == figures["index_version"]
    assert asked_for(instance) == []

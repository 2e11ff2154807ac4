"""The assets on an ephemeral Dagster instance, over real files, a real catalog and a real index."""

import subprocess
import sys
from pathlib import Path
from shutil import rmtree

import dagster as dg
import pytest
from docx.oxml import parse_xml

from rag_pipeline.definitions import defs
from rag_pipeline.defs.sensors import folder_sensor
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import utc_now
from rag_pipeline.stores.catalog.missing_files import confirm_deletions, confirm_removals
from rag_pipeline_tests.ingestion.extract.documents import word_document


def run(instance: dg.DagsterInstance, full_refresh: bool = False, assets: list[str] | None = None) -> dg.ExecuteInProcessResult:
    config = {"resources": {"ingestion": {"config": {"full_refresh": full_refresh}}}}
    selection = [dg.AssetKey(name) for name in assets] if assets else None
    return defs.resolve_job_def("ingest").execute_in_process(config, instance, partition_key="default", asset_selection=selection)


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, object]:
    (event,) = [event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}


def test_one_run_brings_files_to_answers_and_a_second_does_nothing(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras have stripes.")
    (uploads / "b.md").write_text("# Giraffes\n\nThey have long necks.")
    first = run(instance)
    assert metadata(first, "source_documents")["added"] == 2
    assert metadata(first, "extracted_text")["documents_read"] == 2
    assert metadata(first, "chunks")["chunks_cut"] == 2
    assert metadata(first, "embeddings")["texts_embedded"] == 2
    assert metadata(first, "vector_index")["documents"] == 2
    assert all(checks(first).values())
    assert len(checks(first)) == 6

    second = run(instance)
    assert metadata(second, "extracted_text")["batches"] == 0
    assert metadata(second, "chunks")["chunks_cut"] == 0
    assert metadata(second, "embeddings")["batches"] == 0
    assert metadata(second, "vector_index")["published"] is False

    third = run(instance, full_refresh=True)
    assert metadata(third, "extracted_text")["documents_read"] == 2
    assert metadata(third, "embeddings")["texts_embedded"] == 2
    assert metadata(third, "vector_index")["published"] is True


def test_documents_that_fail_leave_the_run_green_and_the_check_warning(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "good.txt").write_text("Words.")
    (uploads / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    result = run(instance)
    assert result.success
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "failed_documents"]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert check.metadata["count"].value == 1
    states = {row.document: row.state for row in Catalog(uploads.parent / "catalog.duckdb").documents()}
    assert states == {"good.txt": "indexed", "broken.docx": "failed"}


def test_documents_read_in_part_are_indexed_and_the_check_names_what_is_missing(uploads: Path, instance: dg.DagsterInstance) -> None:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>Secret.</w:t></w:r>"
    paragraph = parse_xml(f"<w:p {space}><w:r><w:t>Zebras.</w:t></w:r>{hidden}</w:p>")
    (uploads / "part.docx").write_bytes(word_document(lambda document: document.element.body.insert(0, paragraph)))
    (check,) = [one for one in run(instance).get_asset_check_evaluations() if one.check_name == "documents_read_in_part"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    (row,) = Catalog(uploads.parent / "catalog.duckdb").documents()
    assert (row.state, row.warnings) == ("indexed", ("Text that is formatted as hidden was left out.",))
    (record,) = check.metadata["documents"].value.records
    assert record.data == {"collection": "default", "document": "part.docx", "warnings": row.warnings[0]}


def test_one_asset_alone_redoes_what_is_out_of_date(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras.")
    run(instance)
    (uploads / "a.txt").write_text("Giraffes.")
    alone = run(instance, assets=["source_documents"])
    assert metadata(alone, "source_documents")["edited"] == 1
    later = run(instance, assets=["extracted_text", "chunks", "embeddings", "vector_index"])
    assert metadata(later, "vector_index")["documents_added"] == 1
    assert metadata(later, "vector_index")["documents_removed"] == 1


def test_checks_find_points_that_should_not_be_there(uploads: Path, instance: dg.DagsterInstance) -> None:
    """Run by themselves, over all collections: they compare catalog and index, they do not repeat what a run believed."""
    (uploads / "a.txt").write_text("Zebras.")
    (uploads / "b.txt").write_text("Giraffes.")
    run(instance)
    with Catalog(uploads.parent / "catalog.duckdb").writing() as connection:
        connection.execute("DELETE FROM documents WHERE document = 'a.txt'")
    only_checks = dg.define_asset_job("only_checks", selection=dg.AssetSelection.all_asset_checks())
    together = dg.Definitions.merge(defs, dg.Definitions(jobs=[only_checks]))
    found = checks(together.resolve_job_def("only_checks").execute_in_process(instance=instance))
    assert found == {
        "indexed_chunks_equal_catalog_chunks": False,
        "no_point_of_a_deleted_document": False,
        "chunks_fit_the_model": True,
        "failed_documents": True,
        "documents_read_in_part": True,
        "no_deletion_is_held": True,
        "every_line_is_a_question": True,
        "quality_has_not_dropped": True,
    }


def test_definitions_load_without_a_warning() -> None:
    result = subprocess.run([sys.executable, "-W", "always", "-c", "import rag_pipeline.definitions"], capture_output=True, text=True)
    assert "rag_pipeline" not in result.stderr, result.stderr
    assert "Beta" not in result.stderr
    assert "Preview" not in result.stderr


def test_the_workspace_file_validates(tmp_path: Path) -> None:
    workspace = Path(__file__).parents[2] / "workspace.yaml"
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(workspace)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "All code locations passed validation" in result.stdout + result.stderr


@pytest.mark.parametrize("deleted", [["a.txt"], ["a.txt", "b.txt"]], ids=["one", "all"])
def test_a_run_that_ends_before_it_publishes_deletions_is_made_up_for(
    uploads: Path, instance: dg.DagsterInstance, deleted: list[str]
) -> None:
    """Of a deleted document no row is left that could ask for a run; the index answered from it for ever."""
    for name in ("a.txt", "b.txt"):
        (uploads / name).write_text(f"Zebra {name}.")
    run(instance)
    for name in deleted:
        confirm_removals(Catalog(uploads.parent / "catalog.duckdb"), {name: "default"}, utc_now())
        (uploads / name).unlink()
    run(instance, assets=["source_documents"])
    assert look(instance)[0] == 1
    assert all(checks(run(instance)).values())
    assert look(instance) == (0, "Folder and index agree.")


def test_an_index_that_is_damaged_or_gone_is_made_again(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras.")
    run(instance)
    for harm in (
        lambda: (uploads.parent / "index" / "default" / "manifest.json").write_text("{"),
        lambda: rmtree(uploads.parent / "index"),
    ):
        harm()
        assert look(instance)[0] == 1
        run(instance)
        assert look(instance) == (0, "Folder and index agree.")


def look(instance: dg.DagsterInstance) -> tuple[int, str]:
    """How many runs the sensor asks for, or why for none."""
    result = folder_sensor(dg.build_sensor_context(instance, definitions=defs))
    assert isinstance(result, dg.SensorResult)
    return len(result.run_requests or []), result.skip_reason.skip_message if result.skip_reason else ""


def test_held_deletions_fail_a_check_and_start_no_runs_until_they_are_confirmed(uploads: Path, instance: dg.DagsterInstance) -> None:
    for number in range(3):
        (uploads / f"{number}.txt").write_text(f"Zebra {number}.")
    assert checks(run(instance))["no_deletion_is_held"]
    assert look(instance) == (0, "Folder and index agree.")
    for file in list(uploads.iterdir()):
        file.unlink()
    assert look(instance)[0] == 1  # the loss is to be noted
    held = run(instance)
    assert held.success
    assert not checks(held)["no_deletion_is_held"]
    assert metadata(held, "source_documents")["deletions_held"] == 3
    runs, words = look(instance)
    assert runs == 0
    assert "deletion of 3 documents is held" in words
    assert "rag ingest --confirm-deletions default" in words

    confirm_deletions(Catalog(uploads.parent / "catalog.duckdb"), ["default"])
    assert look(instance)[0] == 1
    assert checks(run(instance))["no_deletion_is_held"]
    assert look(instance) == (0, "Folder and index agree.")


def test_what_another_installation_keeps_in_the_same_index_is_left_alone(uploads: Path, instance: dg.DagsterInstance) -> None:
    """Two of them may share a Qdrant server."""
    (uploads / "a.txt").write_text("Zebras.")
    run(instance)
    (uploads.parent / "catalog.duckdb").unlink()
    (uploads / "a.txt").unlink()
    with dg.DagsterInstance.ephemeral() as other:
        assert look(other) == (0, "Folder and index agree.")
    assert look(instance)[0] == 1

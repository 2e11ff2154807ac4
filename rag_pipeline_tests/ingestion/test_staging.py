"""Staged results, in the data folder and as objects that other machines see: whole or not there, whoever tried how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_pipeline.ingestion.steps import extracted_text, source_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline_tests import object_storage
from rag_pipeline_tests.conftest import text_lane


@pytest.fixture(params=["data folder", "shared folder", "bucket"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    made = Settings(data_dir=tmp_path / "data", settle_seconds=0, extraction_workers=1)
    made.uploads.mkdir(parents=True)
    if request.param == "shared folder":
        return made.model_copy(update={"staging_url": f"file://{tmp_path}/sh%C3%A4red"})
    if request.param == "bucket":
        storage = object_storage.running()
        named = {"s3_endpoint_url": storage.url, "staging_url": f"{storage.bucket().address}/st age", **object_storage.KEYS}
        return Settings(data_dir=made.data_dir, settle_seconds=0, extraction_workers=1, **named)
    return made


def elsewhere(workspace: Workspace, tmp_path: Path) -> Workspace:
    """The same on a worker's disk, where the staging is shared."""
    if not workspace.settings.staging_url:
        return workspace
    uploads = workspace.settings.uploads
    return Workspace(workspace.settings.model_copy(update={"data_dir": tmp_path / "worker", "uploads_dir": uploads}), workspace.collection)


def elements(settings: Settings) -> int:
    with Catalog(settings.catalog_path).reading() as connection:
        return int(connection.execute("SELECT count(*) FROM elements").fetchall()[0][0])


def test_a_batch_that_was_done_twice_counts_once_and_a_part_of_one_not_at_all(settings: Settings, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (settings.uploads / f"{name}.txt").write_text(f"Zebras are {name}.")
    here = Workspace(settings, "default")
    there = elsewhere(here, tmp_path)
    source_documents.update_documents(here)
    (batch,) = extracted_text.plan_extraction(here)
    assert [extracted_text.extract_batch(there, batch).read for _ in range(2)] == [2, 2]
    staging = here.staging("extracted_text")
    lost, _ = staging.complete("elements")
    staging.remove([lost])
    assert [report.read for report in extracted_text.commit_extraction(here)] == [2]
    assert elements(settings) == 2
    assert extracted_text.extract_batch(there, batch).read == 0  # one that comes too late finds no plan
    text_lane(settings)
    assert [row.chunks for row in Catalog(settings.catalog_path).documents()] == [1, 1]
    assert elements(settings) == 2
    assert [*staging.complete("readings"), *staging.complete("elements")] == []


def test_documents_whose_only_reading_is_not_whole_are_read_again(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    here = Workspace(settings, "default")
    source_documents.update_documents(here)
    for batch in extracted_text.plan_extraction(here):
        extracted_text.extract_batch(here, batch)
    staging = here.staging("extracted_text")
    staging.remove(staging.complete("elements"))
    assert extracted_text.commit_extraction(here) == []
    assert [extracted_text.extract_batch(here, batch).read for batch in extracted_text.plan_extraction(here)] == [1]

"""What Dagster calls out of date is out of date, and nothing else: code versions, data versions, and the metadata that it reads itself."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus  # the only way to its marks but the UI
from dagster._core.loader import LoadingContextForTest

from rag_pipeline.definitions import defs
from rag_pipeline.defs.assets import assets
from rag_pipeline.defs.jobs import ingest_job
from rag_pipeline.defs.metadata import CHUNKS, DOCUMENTS, ELEMENTS, EMBEDDINGS
from rag_pipeline.defs.resources import Ingestion
from rag_pipeline.ingestion.code_versions import code_version

ASSETS = ["source_documents", "extracted_text", "chunks", "embeddings", "vector_index"]


def run(instance: dg.DagsterInstance, *names: str, of: dg.Definitions = defs) -> dg.ExecuteInProcessResult:
    selection = [dg.AssetKey(name) for name in names or ASSETS]
    return of.resolve_job_def("ingest").execute_in_process(instance=instance, partition_key="default", asset_selection=selection)


def out_of_date(instance: dg.DagsterInstance, of: dg.Definitions = defs) -> set[str]:
    resolver = CachingStaleStatusResolver(instance, of.resolve_asset_graph(), LoadingContextForTest(instance))
    return {name for name in ASSETS if resolver.get_status(dg.AssetKey(name), "default") != StaleStatus.FRESH}


def with_new_code(asset: str) -> dg.Definitions:
    """The definitions of the next release, in which the code of one asset has changed."""

    def renewed(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(code_version="of the next release") if spec.key.to_user_string() == asset else spec

    changed = dg.map_asset_specs(renewed, assets)
    return dg.Definitions(changed, jobs=[ingest_job], resources={"ingestion": Ingestion()}, executor=dg.in_process_executor)


def test_code_versions_are_those_that_the_product_keeps() -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert {name: specs[name].code_version for name in ASSETS} == {name: code_version(name) for name in ASSETS}
    assert {name for name in ASSETS if code_version(name)} == {"extracted_text", "chunks", "vector_index"}


@pytest.mark.parametrize("asset", ["extracted_text", "chunks", "vector_index"])
def test_new_code_makes_its_asset_out_of_date_and_a_run_makes_it_fresh(uploads: Path, instance: dg.DagsterInstance, asset: str) -> None:
    (uploads / "a.txt").write_text("Zebras.")
    run(instance)
    assert out_of_date(instance) == set()
    changed = with_new_code(asset)
    assert out_of_date(instance, changed) == {asset}
    run(instance, asset, of=changed)
    assert out_of_date(instance, changed) == set()


def test_only_a_step_that_changed_something_makes_the_next_out_of_date(
    uploads: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    (uploads / "a.txt").write_text("Zebras have stripes. " * 30)
    run(instance)
    for name in ASSETS:
        run(instance, name)  # up to date: nothing is done, nothing depends on it having run
    assert out_of_date(instance) == set()
    (uploads / "b.txt").write_text("Giraffes.")
    # The index is made of chunks and, where there are some, of vectors.
    following: dict[str, set[str]] = {"chunks": {"embeddings", "vector_index"}, "vector_index": set()}
    for name, after in zip(ASSETS, ASSETS[1:] + ASSETS[:1], strict=True):
        run(instance, name)
        assert out_of_date(instance) == following.get(name, {after})
    monkeypatch.setenv("RAG_CHUNK_TOKENS", "64")  # a setting is no code: it is seen once the step that depends on it has run
    assert out_of_date(instance) == set()
    run(instance, "chunks")
    assert out_of_date(instance) == {"embeddings", "vector_index"}


def test_a_renamed_file_reaches_the_index_although_its_text_is_known(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras.")
    run(instance)
    (uploads / "a.txt").rename(uploads / "b.txt")
    for name in ASSETS[:-1]:
        run(instance, name)
    assert out_of_date(instance) == {"vector_index"}


def test_the_columns_that_dagster_shows_are_those_of_the_catalog(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras.")
    run(instance, "source_documents")
    tables = {"documents": DOCUMENTS, "elements": ELEMENTS, "chunks": CHUNKS, "embeddings": EMBEDDINGS}
    with duckdb.connect(str(uploads.parent / "catalog.duckdb"), read_only=True) as connection:
        for name, columns in tables.items():
            described = connection.execute(f"DESCRIBE catalog.main.{name}").fetchall()
            assert {row[0]: row[1] for row in described} == {column: kind for column, (kind, _) in columns.items()}, name
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    shown = [specs[name].metadata.get("dagster/table_name") for name in ASSETS]
    assert shown == [f"catalog.main.{name}" for name in tables] + [None]


def test_a_materialisation_says_where_it_is_and_how_many_rows_it_has(uploads: Path, instance: dg.DagsterInstance) -> None:
    (uploads / "a.txt").write_text("Zebras.")
    (uploads / "b.txt").write_text("Zebras.")  # the same bytes: two documents, one element, one chunk, one vector
    events = run(instance).get_asset_materialization_events()
    metadata = {event.asset_key.to_user_string(): event.materialization.metadata for event in events if event.asset_key}
    rows = {name: metadata[name]["dagster/partition_row_count"].value for name in ASSETS}
    assert rows == {"source_documents": 2, "extracted_text": 1, "chunks": 1, "embeddings": 1, "vector_index": 2}
    places = {name: metadata[name]["dagster/uri"].value for name in ASSETS}
    index = (uploads.parent / "index" / "default").as_uri()
    assert places == {**dict.fromkeys(ASSETS, (uploads.parent / "catalog.duckdb").as_uri()), "vector_index": index}

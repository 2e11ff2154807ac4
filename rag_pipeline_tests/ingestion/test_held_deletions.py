"""Losing much of a folder at once: what is held, what releases it, and what bringing it back costs."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.document_life import DeletionPlan, HoldRules, MissingFile, plan_deletions, with_command, worth_a_scan
from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.extract.process.pool import ExtractionRequest, ExtractionResult
from rag_pipeline.ingestion.extract.process.worker import failure
from rag_pipeline.ingestion.folder import disk
from rag_pipeline.ingestion.folder.listing import list_folder
from rag_pipeline.ingestion.steps.vector_index import IndexReport
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import utc_now
from rag_pipeline.stores.catalog.missing_files import confirm_deletions, confirm_removals, missing_files
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.stores.vectors.conftest import hits

Ingest = Callable[..., IndexReport]
NOW = datetime(2026, 1, 2, 12)
RULES = HoldRules(share=0.5, documents=20, hours=24)


def names(count: int, start: int = 0) -> list[str]:
    return [f"c/{number}.txt" for number in range(start, start + count)]


def decide(gone: int, of: int, missing: dict[str, MissingFile] | None = None, rules: HoldRules = RULES, new: int = 0) -> DeletionPlan:
    listed = [*names(of - gone, gone), *(f"c/new{number}" for number in range(new))]
    return plan_deletions(names(gone), of, listed, frozenset(), missing or {}, rules, NOW)


@pytest.mark.parametrize(
    ("gone", "of", "held"),
    [(1, 2, False), (19, 30, False), (20, 30, True), (20, 40, False), (21, 40, True), (1, 1, True), (3, 3, True), (0, 0, False)],
)
def test_more_than_the_share_and_the_number_or_all_is_held(gone: int, of: int, held: bool) -> None:
    plan = decide(gone, of)
    assert bool(plan.hold) == held
    assert sorted((*plan.hold, *plan.remove)) == sorted(names(gone))
    assert not (plan.hold and plan.remove)


def test_the_only_document_replaced_by_another_is_no_unplugged_disk() -> None:
    assert decide(1, 1, new=1).remove == ("c/0.txt",)
    assert len(decide(3, 3, new=3).remove) == 3


def test_a_file_that_is_put_where_a_disk_was_does_not_make_the_rest_deleted() -> None:
    assert len(decide(15, 15, new=1).hold) == 15


@pytest.mark.parametrize(
    ("rules", "gone", "of", "held"),
    [
        (HoldRules(0.5, 20, 0), 100, 100, False),
        (HoldRules(1, 20, 24), 99, 100, False),
        (HoldRules(1, 20, 24), 100, 100, True),
        (HoldRules(0.5, 0, 24), 2, 3, True),
    ],
)
def test_what_switches_it_off(rules: HoldRules, gone: int, of: int, held: bool) -> None:
    assert bool(decide(gone, of, rules=rules).hold) == held


def test_held_files_stay_held_until_they_are_confirmed_or_the_time_is_up() -> None:
    fresh, old = MissingFile(NOW - timedelta(hours=23), confirmed=False), MissingFile(NOW - timedelta(hours=24), confirmed=False)
    missing = {"c/0.txt": fresh, "c/1.txt": old, "c/2.txt": MissingFile(NOW, confirmed=True)}
    assert decide(3, 3, missing) == DeletionPlan(remove=("c/1.txt", "c/2.txt"))
    assert worth_a_scan(names(3), (), frozenset(), missing, RULES, NOW) == ("c/1.txt", "c/2.txt")


def test_what_came_back_is_worth_a_scan_and_forgotten() -> None:
    missing = {"c/0.txt": MissingFile(NOW, confirmed=False)}
    assert plan_deletions([], 1, ["c/0.txt"], frozenset(), missing, RULES, NOW) == DeletionPlan(back=("c/0.txt",))
    assert worth_a_scan([], ["c/0.txt"], frozenset(), missing, RULES, NOW) == ("c/0.txt",)


@given(st.integers(0, 60), st.integers(0, 60), st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.booleans())
def test_nothing_is_both_removed_and_kept(gone: int, extra: int, noted: set[int], moved: set[int], confirmed: bool) -> None:
    missing = {f"c/{number}.txt": MissingFile(NOW, confirmed) for number in noted}
    files = names(gone)
    listed = names(extra, gone)
    plan = plan_deletions(files, gone + extra, listed, {f"c/{number}.txt" for number in moved}, missing, RULES, NOW)
    assert set(plan.remove).isdisjoint(plan.hold)
    assert {*plan.remove, *plan.hold} <= set(files)
    assert {f"c/{number}.txt" for number in moved} & set(files) <= set(plan.remove)
    assert set(plan.back) == missing.keys() & set(listed)


@pytest.mark.parametrize(("collection", "argument"), [("team", "team"), ("my team", "'my team'"), ("-x", "-- -x")])
def test_the_command_that_confirms_can_be_typed(collection: str, argument: str) -> None:
    assert with_command({collection: "Held"}) == [f"{collection}: Held: rag ingest --confirm-deletions {argument}"]


# --- on real parts ---


def fill(folder: Path, count: int = 3) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.txt").write_text(f"Zebra number {number} has stripes.")


def found(settings: Settings, collection: str = "default") -> set[str]:
    return {hit.document for hit in hits(open_index(settings), collection, SearchQuery(text="zebra"))}


def empty(folder: Path, aside: Path) -> None:
    """What unplugging a disk leaves: the folder, with nothing in it."""
    aside.mkdir()
    for file in list(folder.iterdir()):
        os.rename(file, aside / file.name)


@pytest.fixture
def nothing_read_or_embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    def never(*arguments: object) -> None:
        raise AssertionError("this was read, or embedded, before")

    def switch_off() -> None:
        monkeypatch.setattr(steps.extracted_text, "extract_all", never)
        monkeypatch.setattr(steps.embeddings, "load_embedder", never)

    return switch_off


ALL = {"0.txt", "1.txt", "2.txt"}


def test_an_unplugged_disk_that_leaves_its_folder_deletes_nothing(
    settings: Settings, ingest: Ingest, tmp_path: Path, nothing_read_or_embedded: Callable[[], None]
) -> None:
    fill(settings.uploads)
    ingest()
    empty(settings.uploads, tmp_path / "aside")
    report = steps.source_documents.update_documents(Workspace(settings, "default"))
    assert set(report.held) == ALL
    nothing_read_or_embedded()
    ingest()
    assert found(settings) == ALL
    rows = Catalog(settings.catalog_path).documents()
    assert all(row.state == "indexed" and row.deletion_held_since for row in rows)

    for file in (tmp_path / "aside").iterdir():
        os.rename(file, settings.uploads / file.name)
    ingest()
    assert found(settings) == ALL
    assert missing_files(Catalog(settings.catalog_path)) == {}


def test_confirmed_deletions_go_and_come_back_for_nothing(
    settings: Settings, ingest: Ingest, tmp_path: Path, nothing_read_or_embedded: Callable[[], None]
) -> None:
    fill(settings.uploads)
    ingest()
    empty(settings.uploads, tmp_path / "aside")
    ingest()
    assert confirm_deletions(Catalog(settings.catalog_path), ["default"]) == 3
    assert ingest().version is None
    assert Catalog(settings.catalog_path).documents() == []
    assert missing_files(Catalog(settings.catalog_path)) == {}

    nothing_read_or_embedded()
    for file in (tmp_path / "aside").iterdir():
        os.rename(file, settings.uploads / file.name)
    ingest()
    assert found(settings) == ALL


def test_a_held_deletion_is_carried_out_when_its_time_is_up(settings: Settings, ingest: Ingest, tmp_path: Path) -> None:
    fill(settings.uploads)
    ingest()
    empty(settings.uploads, tmp_path / "aside")
    ingest()
    with Catalog(settings.catalog_path).writing() as connection:
        connection.execute("UPDATE missing_files SET missing_since = missing_since - INTERVAL 24 HOUR")
    ingest()
    assert Catalog(settings.catalog_path).documents() == []


def test_deleting_by_the_api_is_confirmed_by_itself(settings: Settings, ingest: Ingest) -> None:
    fill(settings.uploads)
    ingest()
    for file in list(settings.uploads.iterdir()):
        confirm_removals(Catalog(settings.catalog_path), {file.name: "default"}, NOW)
        file.unlink()
    ingest()
    assert Catalog(settings.catalog_path).documents() == []


@pytest.mark.parametrize("first", ["old", "new"])
def test_a_moved_collection_is_neither_held_nor_read_again(
    settings: Settings, ingest: Ingest, first: str, nothing_read_or_embedded: Callable[[], None]
) -> None:
    fill(settings.uploads / "old")
    ingest("old")
    os.rename(settings.uploads / "old", settings.uploads / "new")
    nothing_read_or_embedded()
    for collection in (first, "new" if first == "old" else "old"):
        ingest(collection)
    assert open_index(settings).collections() == ["new"]
    assert found(settings, "new") == ALL
    assert {row.collection for row in Catalog(settings.catalog_path).documents()} == {"new"}


def test_files_replaced_by_copies_of_other_names_are_renamed(settings: Settings, ingest: Ingest) -> None:
    fill(settings.uploads)
    ingest()
    for name in ALL:
        shutil.copyfile(settings.uploads / name, settings.uploads / f"copy of {name}")
        (settings.uploads / name).unlink()
    ingest()
    assert found(settings) == {f"copy of {name}" for name in ALL}


def test_a_document_whose_file_is_missing_is_not_read_again(settings: Settings, ingest: Ingest, tmp_path: Path) -> None:
    """A new version of the program, or a full refresh, must not turn what still answers into a failure."""
    fill(settings.uploads)
    ingest()
    empty(settings.uploads, tmp_path / "aside")
    ingest()
    ingest(full_refresh=True)
    assert found(settings) == ALL
    assert {row.state for row in Catalog(settings.catalog_path).documents()} == {"indexed"}


def test_a_copy_that_cannot_be_read_again_takes_nothing_from_a_document_whose_file_is_missing(
    settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for collection in ("away", "there"):
        (settings.uploads / collection).mkdir()
        (settings.uploads / collection / "a.txt").write_text("Zebras have stripes.")
        ingest(collection)
    (settings.uploads / "away" / "a.txt").unlink()
    ingest("away")

    def fail(requests: list[ExtractionRequest], settings: Settings, ahead: int) -> list[ExtractionResult]:
        return [failure(request.key, DocumentError("damaged", "Broken.")) for request in requests]

    monkeypatch.setattr(steps.extracted_text, "extract_all", fail)
    ingest("there", full_refresh=True)
    ingest("away")
    assert found(settings, "away") == {"a.txt"}
    assert {row.state for row in Catalog(settings.catalog_path).documents("away")} == {"indexed"}


def test_content_is_forgotten_when_its_time_is_up(settings: Settings, ingest: Ingest) -> None:
    fill(settings.uploads)
    ingest()
    (settings.uploads / "0.txt").unlink()
    ingest()
    with Catalog(settings.catalog_path).writing() as connection:
        assert connection.execute("SELECT count(*) FROM extractions").fetchone() == (3,)
        connection.execute("UPDATE extractions SET unused_since = unused_since - INTERVAL 7 DAY")
    ingest()
    with Catalog(settings.catalog_path).reading() as connection:
        for table in ("extractions", "elements", "chunkings", "chunks", "embeddings", "sparse_vectors"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (2,), table


@pytest.mark.parametrize("looked_first", [False, True], ids=["between the note and the end of the file", "from before the note"])
def test_a_look_while_a_document_is_deleted_does_not_forget_that_it_was_meant(
    settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, looked_first: bool
) -> None:
    """A big scan reads for minutes what its look at the folder found."""
    fill(settings.uploads)
    ingest()
    catalog, workspace = Catalog(settings.catalog_path), Workspace(settings, "default")
    listing = list_folder(settings.uploads)
    if looked_first:
        monkeypatch.setattr(disk, "list_folder", lambda uploads: listing)
        monkeypatch.setattr(steps.source_documents, "utc_now", lambda: utc_now() - timedelta(minutes=5))
    for name in ALL:
        confirm_removals(catalog, {name: "default"}, utc_now())
    steps.source_documents.update_documents(workspace)
    monkeypatch.undo()
    for name in ALL:
        (settings.uploads / name).unlink()
    ingest()
    assert catalog.documents() == []


def test_a_deleted_document_that_is_put_back_at_once_is_read(settings: Settings, ingest: Ingest) -> None:
    fill(settings.uploads)
    ingest()
    confirm_removals(Catalog(settings.catalog_path), {"0.txt": "default"}, utc_now())
    (settings.uploads / "0.txt").unlink()
    (settings.uploads / "0.txt").write_text("Okapis.")
    ingest()
    assert missing_files(Catalog(settings.catalog_path)) == {}
    assert {hit.document for hit in hits(open_index(settings), "default", SearchQuery(text="okapis"))} == {"0.txt"}


def test_a_deletion_that_was_noted_and_did_not_happen_is_forgotten(settings: Settings, ingest: Ingest) -> None:
    fill(settings.uploads)
    ingest()
    confirm_removals(Catalog(settings.catalog_path), {"0.txt": "default"}, utc_now() - timedelta(minutes=1))
    ingest()
    assert missing_files(Catalog(settings.catalog_path)) == {}
    assert found(settings) == ALL

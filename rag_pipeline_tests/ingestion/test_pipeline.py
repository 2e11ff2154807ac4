"""The five steps together on real parts: folder, DuckDB file, embedding model, Qdrant Edge index."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import qdrant_edge
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.backlog import Backlog, backlogs
from rag_pipeline.ingestion.folder import disk
from rag_pipeline.ingestion.folder.listing import document_name
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.steps.vector_index import IndexReport
from rag_pipeline.ingestion.steps.workspace import Workspace, extractor_fingerprint
from rag_pipeline.models import SparseVector
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.reading_rows import missing_extractions, unread_documents
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import in_both_folders, run_steps
from rag_pipeline_tests.stores.vectors.conftest import hits

Ingest = Callable[..., IndexReport]
CONTENT = ("documents", "elements", "chunks", "embeddings", "sparse_vectors")


def states(settings: Settings) -> dict[str, str]:
    return {row.document: row.state for row in Catalog(settings.catalog_path).documents()}


def found(settings: Settings, words: str, collection: str = "default") -> set[str]:
    return {hit.document for hit in hits(open_index(settings), collection, SearchQuery(text=words))}


def count(settings: Settings, table: str) -> int:
    with Catalog(settings.catalog_path).reading() as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row
    return int(row[0])


@in_both_folders
def test_drop_edit_rename_delete(settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings.uploads / "animals.txt"
    file.write_text("Zebras have black and white stripes.")
    assert ingest().documents_added == 1
    assert found(settings, "zebras") == {"animals.txt"}

    file.write_text("Giraffes have long necks.")
    ingest()
    assert found(settings, "zebras") == set()
    assert found(settings, "giraffes") == {"animals.txt"}

    def no_model(*arguments: object) -> None:
        raise AssertionError("a rename must not embed")

    monkeypatch.setattr(steps.embeddings, "load_embedder", no_model)
    file.rename(settings.uploads / "tall.txt")
    ingest()
    assert found(settings, "giraffes") == {"tall.txt"}
    assert states(settings) == {"tall.txt": "indexed"}

    (settings.uploads / "tall.txt").unlink()
    report = run_steps(settings.model_copy(update={"deletion_hold_hours": 0, "retention_days": 0}))
    assert report.version is None
    assert open_index(settings).collections() == []
    assert [count(settings, table) for table in CONTENT] == [0, 0, 0, 0, 0]


def test_nothing_changed_is_nothing_done(settings: Settings, ingest: Ingest) -> None:
    (settings.uploads / "a.txt").write_text("Something to say.")
    first = ingest()
    second = ingest()
    assert (first.published, second.published) == (True, False)
    assert first.version == second.version
    workspace = Workspace(settings, "default")
    assert steps.extracted_text.plan_extraction(workspace) == []
    assert steps.embeddings.plan_embeddings(workspace) == []


def test_full_refresh_redoes_all(settings: Settings, ingest: Ingest) -> None:
    (settings.uploads / "a.txt").write_text("Something to say.")
    first = ingest()
    second = ingest(full_refresh=True)
    assert second.published
    assert second.version != first.version
    assert states(settings) == {"a.txt": "indexed"}
    assert [count(settings, table) for table in CONTENT] == [1, 1, 1, 1, 1]


def test_same_bytes_under_two_paths_are_two_documents_read_and_embedded_once(settings: Settings, ingest: Ingest) -> None:
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).write_text("The same words.")
    ingest()
    assert found(settings, "words") == {"a.txt", "b.txt"}
    assert (count(settings, "extractions"), count(settings, "embeddings")) == (1, 1)
    (settings.uploads / "a.txt").unlink()
    ingest()
    assert found(settings, "words") == {"b.txt"}


@in_both_folders
def test_bad_documents_fail_alone_and_say_why(settings: Settings, ingest: Ingest) -> None:
    (settings.uploads / "good.txt").write_text("Readable words.")
    (settings.uploads / "zero.txt").write_bytes(b"")
    (settings.uploads / "broken.docx").write_bytes(b"PK\x03\x04 but no archive")
    (settings.uploads / "photo.xyz").write_bytes(bytes(range(256)) * 20)
    ingest()
    assert states(settings) == {"good.txt": "indexed", "zero.txt": "empty", "broken.docx": "failed", "photo.xyz": "unsupported"}
    rows = Catalog(settings.catalog_path).documents()
    assert all(row.error and row.error_code for row in rows if row.state != "indexed")
    assert found(settings, "readable") == {"good.txt"}


def test_a_document_edited_into_a_broken_one_stops_answering_and_recovers(settings: Settings, ingest: Ingest) -> None:
    file = settings.uploads / "a.json"
    file.write_text('{"pet": "zebra"}')
    ingest()
    assert found(settings, "zebra") == {"a.json"}
    file.write_bytes(b"\x00\x01\x02\xff" * 500)
    ingest()
    assert states(settings)["a.json"] in ("failed", "unsupported")
    assert open_index(settings).manifest("default") is None
    file.write_text('{"pet": "zebra again"}')
    ingest()
    assert found(settings, "zebra") == {"a.json"}


@in_both_folders
def test_file_larger_than_the_limit_says_so(settings: Settings) -> None:
    small = settings.model_copy(update={"max_file_bytes": 10})
    (settings.uploads / "long.txt").write_text("more than ten bytes")
    run_steps(small)
    (row,) = Catalog(settings.catalog_path).documents()
    assert (row.state, row.error_code) == ("failed", "too_large")
    assert "RAG_MAX_FILE_BYTES" in (row.error or "")


def test_a_file_deleted_between_listing_and_reading(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "kept.txt").write_text("I stay.")
    gone = settings.uploads / "gone.txt"
    gone.write_text("I go.")
    read = disk.read_identity

    def delete_first(uploads: Path, entry: steps.source_documents.FoundFile) -> object:
        gone.unlink(missing_ok=True)
        return read(uploads, entry)

    monkeypatch.setattr(disk, "read_identity", delete_first)
    run_steps(settings)
    assert states(settings) == {"kept.txt": "indexed"}


def test_a_file_deleted_between_scan_and_extraction_is_retried_and_then_gone(settings: Settings, ingest: Ingest) -> None:
    file = settings.uploads / "gone.txt"
    file.write_text("I go.")
    workspace = Workspace(settings, "default")
    steps.source_documents.update_documents(workspace)
    (batch,) = steps.extracted_text.plan_extraction(workspace)
    file.unlink()
    steps.extracted_text.extract_batch(workspace, batch)
    steps.extracted_text.commit_extraction(workspace)
    (row,) = workspace.catalog.documents()
    assert (row.state, row.error_code) == ("failed", "vanished")
    run_steps(settings.model_copy(update={"deletion_hold_hours": 0}))
    assert states(settings) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="needs another user id")
def test_an_unreadable_file_is_tried_a_bounded_number_of_times(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "locked.txt").write_text("secret")
    (settings.uploads / "open.txt").write_text("public")
    (settings.uploads / "locked.txt").chmod(0)
    read = disk.read_identity
    tried = []

    def as_other_user(uploads: Path, entry: steps.source_documents.FoundFile) -> object:
        tried.append(entry.file)
        if os.geteuid() == 0 and not (uploads / entry.file).stat().st_mode & 0o444:
            raise PermissionError(13, "Permission denied")  # root may read anything; other users meet this
        return read(uploads, entry)

    monkeypatch.setattr(disk, "read_identity", as_other_user)
    for _ in range(settings.max_attempts + 3):
        run_steps(settings)
    rows = {row.document: row for row in Catalog(settings.catalog_path).documents()}
    assert rows["open.txt"].state == "indexed"
    assert (rows["locked.txt"].state, rows["locked.txt"].error_code) == ("failed", "unreadable")
    assert rows["locked.txt"].attempts == tried.count("locked.txt") == settings.max_attempts
    (settings.uploads / "locked.txt").chmod(0o600)
    run_steps(settings)
    assert states(settings)["locked.txt"] == "indexed"


NAMES = ["with space.txt", 'quo"te.txt', "it's.txt", "com,ma.txt", "new\nline.txt", "😀.txt", "a" * 251 + ".txt", "UPPER.txt", "upper.txt"]


def test_any_file_name_is_indexed_and_found(settings: Settings, ingest: Ingest) -> None:
    names = [os.fsencode(name) for name in NAMES] + [b"caf\xe9.txt"]
    for number, name in enumerate(names):
        with open(os.fsencode(settings.uploads) + b"/" + name, "w") as stream:
            stream.write(f"Document about subject{number}.")
    ingest()
    assert set(states(settings).values()) == {"indexed"}
    for number, name in enumerate(names):
        assert found(settings, f"subject{number}") == {document_name(os.fsdecode(name))}


@pytest.mark.parametrize("folder", ["a,b", 'quo"te', "new\nline", "😀", "a...b", "with space", "%41", "x" * 200], ids=range(8))
def test_any_folder_name_is_a_collection(settings: Settings, folder: str) -> None:
    (settings.uploads / folder).mkdir()
    (settings.uploads / folder / "a.txt").write_text("Zebras.")
    (listing,) = watched_folder(settings).listing().files.values()
    run_steps(settings, listing.collection)
    assert found(settings, "zebras", listing.collection) == {"a.txt"}


def test_an_empty_folder_is_no_error(settings: Settings, ingest: Ingest) -> None:
    report = ingest()
    assert (report.version, report.documents) == (None, 0)


@pytest.mark.parametrize("content", ["", '{"current": {"version": 5}}'])
def test_a_damaged_manifest_is_made_again_without_embedding(settings: Settings, ingest: Ingest, content: str) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    ingest()
    (manifest,) = settings.index_path.glob("*/manifest.json")
    manifest.write_text(content)
    assert steps.embeddings.plan_embeddings(Workspace(settings, "default")) == []
    assert steps.vector_index.update_index(Workspace(settings, "default")).published
    assert found(settings, "zebras") == {"a.txt"}


def test_a_removed_collection_folder_removes_its_answers(settings: Settings, ingest: Ingest) -> None:
    for collection in ("kept", "gone"):
        (settings.uploads / collection).mkdir()
        (settings.uploads / collection / "a.txt").write_text(f"Words of {collection}.")
        ingest(collection)
    shutil.rmtree(settings.uploads / "gone")
    run_steps(settings.model_copy(update={"deletion_hold_hours": 0}), "gone")
    assert open_index(settings).collections() == ["kept"]
    assert [row.collection for row in Catalog(settings.catalog_path).documents()] == ["kept"]


def test_an_unplugged_uploads_folder_deletes_nothing(settings: Settings, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "a.txt").write_text("Zebras.")
    mounted = settings.model_copy(update={"uploads_dir": disk})
    run_steps(mounted)
    disk.rename(tmp_path / "elsewhere")
    with pytest.raises(RagError, match="RAG_UPLOADS_DIR"):
        run_steps(mounted)
    assert not disk.exists(), "an empty folder in its place would look like a deletion"
    assert found(mounted, "zebras") == {"a.txt"}


def test_an_index_deleted_by_hand_is_rebuilt_without_embedding(settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    ingest()
    shutil.rmtree(settings.index_path)
    monkeypatch.setattr(steps.embeddings, "load_embedder", None)
    assert ingest().documents_added == 1
    assert found(settings, "zebras") == {"a.txt"}


def test_publishing_makes_no_vectors(settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    ingest()
    shutil.rmtree(settings.index_path)
    monkeypatch.setattr(steps.embeddings, "document_vector", None)
    monkeypatch.setattr(steps.embeddings, "load_embedder", None)
    ingest()
    assert found(settings, "zebras") == {"a.txt"}


def test_a_catalog_without_words_gets_them_without_embedding_again(
    settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a program before schema 3 left it; the index is asked for alone, as Dagster can."""
    (settings.uploads / "a.txt").write_text("Zebras.")
    ingest()
    with duckdb.connect(str(settings.catalog_path)) as connection:
        connection.execute("DROP TABLE sparse_vectors")
        connection.execute("DROP TABLE ocr_choices")
        connection.execute("ALTER TABLE documents DROP COLUMN ocr_languages")
        connection.execute("ALTER TABLE documents DROP COLUMN detected_by")
        connection.execute("ALTER TABLE documents DROP COLUMN vectors")
        connection.execute("ALTER TABLE extractions DROP COLUMN members")
        connection.execute("ALTER TABLE extractions DROP COLUMN read_at")
        connection.execute("ALTER TABLE chunks DROP COLUMN headings")
        connection.execute("UPDATE catalog SET schema_version = 2")
    shutil.rmtree(settings.index_path)
    monkeypatch.setattr(steps.embeddings, "load_embedder", None)
    assert steps.vector_index.update_index(Workspace(settings, "default")).documents_added == 1
    assert found(settings, "zebras") == {"a.txt"}
    assert count(settings, "sparse_vectors") == 1


def test_another_bm25_model_makes_the_words_again(settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index as a program before made it answers until then, and nothing is embedded again."""
    (settings.uploads / "a.txt").write_text("Книга лежит на столе.")
    ours = steps.vector_index.model_fingerprint
    with monkeypatch.context() as before:
        before.setattr(steps.embeddings, "document_vector", as_before)
        for module in (steps.embeddings, steps.vector_index):
            before.setattr(module, "model_fingerprint", lambda: "")
        ingest()
    assert found(settings, "Книга") == {"a.txt"}
    assert not found(settings, "книги")
    catalog = Catalog(settings.catalog_path)
    assert backlogs(settings, catalog, open_index(settings), ["default"]) == {"default": Backlog(documents=1)}
    monkeypatch.setattr(steps.embeddings, "load_embedder", None)
    ingest()
    assert found(settings, "книги") == {"a.txt"}
    assert not backlogs(settings, catalog, open_index(settings), ["default"])
    with catalog.reading() as connection:
        assert connection.execute("SELECT model FROM sparse_vectors").fetchall() == [(ours(),)]


def as_before(text: str) -> SparseVector:
    """A text's words as they were when all of them were taken for English."""
    vector = qdrant_edge.Bm25(qdrant_edge.Bm25Config(ascii_folding=True)).embed_document(text)
    return SparseVector(list(vector.indices), list(vector.values))


def test_a_failed_publication_keeps_the_old_version(settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    ingest()
    (settings.uploads / "b.txt").write_text("Giraffes.")

    def disk_full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(steps.vector_index, "indexed_chunk", disk_full)
        with pytest.raises((OSError, RagError), match="No space left"):
            ingest()
    assert found(settings, "zebras giraffes") == {"a.txt"}
    assert states(settings)["b.txt"] == "pending"
    ingest()
    assert found(settings, "zebras giraffes") == {"a.txt", "b.txt"}


def test_a_batch_that_a_killed_run_finished_is_not_read_again(settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "a.txt").write_text("Zebras.")
    workspace = Workspace(settings, "default")
    steps.source_documents.update_documents(workspace)
    (batch,) = steps.extracted_text.plan_extraction(workspace)
    steps.extracted_text.extract_batch(workspace, batch)  # and the run dies before its commit
    monkeypatch.setattr(steps.extracted_text, "extract_all", None)
    ingest()
    assert found(settings, "zebras") == {"a.txt"}


def test_the_view_document_text_holds_the_whole_text_in_order(settings: Settings, ingest: Ingest) -> None:
    (settings.uploads / "a.md").write_text("# One\n\nfirst\n\n# Two\n\nsecond\n")
    ingest()
    with Catalog(settings.catalog_path).reading() as connection:
        rows = connection.execute("SELECT collection, document, state, page, text FROM document_text").fetchall()
    assert [row[4] for row in rows] == ["One", "first", "Two", "second"]
    assert {row[:4] for row in rows} == {("default", "a.md", "indexed", None)}


WORDS = ["apple", "river", "stone", "cloud", "lantern"]
operations = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from("abcd"), st.sampled_from(WORDS)),
        st.tuples(st.just("rename"), st.sampled_from("abcd"), st.sampled_from("abcd")),
        st.tuples(st.just("delete"), st.sampled_from("abcd"), st.just("")),
        st.tuples(st.just("ingest"), st.just(""), st.just("")),
    ),
    max_size=12,
)


@given(operations=operations)
@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_of_changes_ends_in_the_right_catalog_and_index(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, str, str]]
) -> None:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), settle_seconds=0, deletion_hold_hours=0)
    settings.uploads.mkdir()
    expected: dict[str, str] = {}
    for operation, name, argument in operations:
        if operation == "write":
            (settings.uploads / f"{name}.txt").write_text(f"The {argument}.")
            expected[f"{name}.txt"] = argument
        elif operation == "rename" and f"{name}.txt" in expected:
            (settings.uploads / f"{name}.txt").rename(settings.uploads / f"{argument}.txt")
            expected[f"{argument}.txt"] = expected.pop(f"{name}.txt")
        elif operation == "delete" and expected.pop(f"{name}.txt", None):
            (settings.uploads / f"{name}.txt").unlink()
        elif operation == "ingest":
            run_steps(settings)
    run_steps(settings)
    assert states(settings) == dict.fromkeys(expected, "indexed")
    index = open_index(settings)
    assert index.count("default") == len(expected)
    for word in WORDS if expected else []:
        assert found(settings, word) == {name for name, said in expected.items() if said == word}


def test_what_was_not_read_whole_is_read_again_when_the_machine_can_read_more(settings: Settings, ingest: Ingest) -> None:
    (settings.uploads / "whole.txt").write_text("Zebras have stripes.")
    (settings.uploads / "noted.json").write_text("{ zebras, but no JSON")
    (settings.uploads / "failed.docx").write_bytes(b"PK\x03\x04 but no archive")
    ingest()
    assert planned(settings) == set()
    assert unfinished(settings) == {}

    settings.passwords_path.write_text("open sesame\n")
    assert unfinished(settings) == {"default": 2}
    assert planned(settings) == {"noted.json", "failed.docx"}
    ingest()
    assert planned(settings) == set()
    assert unfinished(settings) == {}
    assert states(settings) == {"whole.txt": "indexed", "noted.json": "indexed", "failed.docx": "failed"}
    assert found(settings, "zebras") == {"whole.txt", "noted.json"}
    assert [row.attempts for row in Catalog(settings.catalog_path).documents() if row.document == "failed.docx"] == [1]
    assert count(settings, "extractions WHERE unused_since IS NULL") == 2


def planned(settings: Settings) -> set[str]:
    workspace = Workspace(settings, "default")
    tasks = missing_extractions(workspace.catalog, "default", workspace.extractor, settings.max_attempts, full_refresh=False)
    return {task.file for task in tasks}


def unfinished(settings: Settings) -> dict[str, int]:
    return unread_documents(Catalog(settings.catalog_path), extractor_fingerprint(settings), settings.max_attempts)


def test_a_document_larger_than_memory_allows_is_cut_in_windows(
    settings: Settings, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = [f"# Section {number}\n\nIn section {number} the zebra crosses road {number}." for number in range(60)]
    (settings.uploads / "long.md").write_text("\n\n".join(sections))
    ingest()
    whole = chunk_texts(settings)
    monkeypatch.setattr(steps.chunks, "_GROUP_CHARACTERS", 500)
    ingest(full_refresh=True)
    windows = chunk_texts(settings)
    assert [position for position, _ in windows] == list(range(len(windows)))
    assert len(windows) > len(whole)
    assert words_of(windows) == words_of(whole)
    assert all(text.startswith("Section") for _, text in windows)


def chunk_texts(settings: Settings) -> list[tuple[int, str]]:
    with Catalog(settings.catalog_path).reading() as connection:
        return connection.execute("SELECT position, text FROM chunks ORDER BY position").fetchall()


def words_of(chunks: list[tuple[int, str]]) -> list[str]:
    return [word for _, text in chunks for word in text.split()]

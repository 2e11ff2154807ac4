"""A watched bucket: which keys are documents, what a storage that fails does to them, and the copies on this machine."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from werkzeug.wrappers import Response

from rag_pipeline.doctor import examine_folders
from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.folder.changes import Rounds
from rag_pipeline.ingestion.folder.listing import FolderListing
from rag_pipeline.ingestion.folder.originals import Originals
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import BucketFolder, Settings, SettingsError, load_settings
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.objects import StorageRefusedError
from rag_pipeline_tests.conftest import text_lane
from rag_pipeline_tests.object_storage import Fault, cut_off, refusing, running

pytestmark = pytest.mark.parametrize("settings", ["bucket"], indirect=True)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the tries of a request."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)


def rows(settings: Settings) -> dict[str, DocumentStatus]:
    return {row.document: row for row in Catalog(settings.catalog_path).documents()}


def put(settings: Settings, *keys: str) -> None:
    for key in keys:
        (settings.uploads / key).write_text(f"Words of {key}.")


def test_the_same_names_are_documents_as_on_disk_and_odd_keys_are_named(settings: Settings) -> None:
    (settings.uploads / "made by a console/").write_bytes(b"")
    (settings.uploads / "").write_bytes(b"")
    documents = {"a.txt", "A.txt", "team/b.txt", "team/bell\x07 & 100%.txt", "x" * 400 + ".txt", "a.txt/below.txt", "back\\slash:.txt"}
    ignored = {".hidden.txt", ".git/x.txt", "~$f.docx", "g.part", "__MACOSX/a.txt", "team/Thumbs.db"}
    odd = {"a//b.txt", "/lead.txt", "x/../y.txt", "./z.txt", "full folder/"}
    put(settings, *documents, *ignored, *odd)
    listing = watched_folder(settings).listing()
    assert set(listing.files) == documents
    assert set(listing.unreadable) == odd
    text_lane(settings)
    text_lane(settings, collection="team")
    assert {row.file for row in Catalog(settings.catalog_path).documents()} == {key for key in documents if not key.startswith("a.txt/")}
    assert {row.state for row in Catalog(settings.catalog_path).documents()} == {"pending"}
    assert all(row.chunks for row in Catalog(settings.catalog_path).documents())


@pytest.mark.parametrize(
    ("fault", "raised", "said"),
    [
        (refusing(404, "NoSuchBucket"), StorageRefusedError, "RAG_UPLOADS_DIR"),
        (refusing(403, "AccessDenied"), StorageRefusedError, "RAG_S3_SECRET_ACCESS_KEY"),
        (refusing(503, "SlowDown"), TransientError, "SlowDown"),
    ],
    ids=["no bucket", "denied", "too busy"],
)
def test_a_bucket_out_of_reach_deletes_nothing(settings: Settings, fault: Fault, raised: type[Exception], said: str) -> None:
    put(settings, "a.txt")
    steps.source_documents.update_documents(Workspace(settings, "default"))
    with running().failing(fault):
        with pytest.raises(raised, match=said):
            steps.source_documents.update_documents(Workspace(settings, "default"))
        problems = [found.detail for found in examine_folders(settings) if found.state == "problem"]
    assert any(said in problem for problem in problems)
    assert (rows(settings)["a.txt"].state, rows(settings)["a.txt"].deletion_held_since) == ("pending", None)


def test_an_emptied_bucket_is_held_as_an_unplugged_disk_is(settings: Settings) -> None:
    put(settings, "a.txt", "b.txt")
    steps.source_documents.update_documents(Workspace(settings, "default"))
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).unlink()
    steps.source_documents.update_documents(Workspace(settings, "default"))
    assert all(row.deletion_held_since for row in rows(settings).values())
    assert len(rows(settings)) == 2


def on_get(key: str, do: Callable[[], Response | None]) -> Fault:
    """Does something when an object is fetched, before it is."""
    return lambda environ, _: do() if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].endswith(f"/{key}") else None


def test_one_object_that_is_denied_or_cut_fails_alone_and_is_tried_a_bounded_number_of_times(settings: Settings) -> None:
    put(settings, "good.txt", "denied.txt")
    denied = refusing(403, "AccessDenied")

    def fault(environ: dict[str, Any], answer: Callable[[], Response]) -> Response | None:
        return denied(environ, answer) if environ["PATH_INFO"].endswith("denied.txt") else cut(environ, answer)

    cut = cut_off(2)  # goes on from where it broke off
    with running().failing(fault):
        for _ in range(settings.max_attempts + 2):
            steps.source_documents.update_documents(Workspace(settings, "default"))
    text_lane(settings)
    found = rows(settings)
    assert found["good.txt"].chunks == 1
    assert (found["denied.txt"].error_code, found["denied.txt"].attempts) == ("unreadable", settings.max_attempts)
    assert "AccessDenied" in (found["denied.txt"].error or "")
    (settings.uploads / "denied.txt").write_text("Other words: a bucket tells times to the second.")
    text_lane(settings)
    assert rows(settings)["denied.txt"].error is None


def test_a_storage_that_fails_while_it_is_read_costs_no_attempts_and_loses_nothing(settings: Settings) -> None:
    put(settings, "a.txt", "b.txt")
    busy = refusing(503, "SlowDown")

    def only_b(environ: dict[str, Any], answer: Callable[[], Response]) -> Response | None:
        return busy(environ, answer) if environ["PATH_INFO"].endswith("b.txt") else None

    with running().failing(only_b):
        for _ in range(settings.max_attempts + 1):
            with pytest.raises(TransientError, match="SlowDown"):
                steps.source_documents.update_documents(Workspace(settings, "default"))
    assert set(rows(settings)) == {"a.txt"}
    steps.source_documents.update_documents(Workspace(settings, "default"))
    batches = steps.extracted_text.plan_extraction(Workspace(settings, "default"))
    for copy in settings.originals_path.iterdir():
        copy.unlink()
    (batch,) = batches
    with running().failing(only_b), pytest.raises(TransientError, match="SlowDown"):
        steps.extracted_text.extract_batch(Workspace(settings, "default"), batch)
    text_lane(settings)
    assert {name: (row.chunks, row.attempts) for name, row in rows(settings).items()} == {"a.txt": (1, 0), "b.txt": (1, 0)}


def test_an_object_that_goes_or_changes_between_listing_and_reading(settings: Settings) -> None:
    put(settings, "kept.txt", "gone.txt", "new.txt")
    with running().failing(on_get("gone.txt", lambda: (settings.uploads / "gone.txt").unlink())):
        steps.source_documents.update_documents(Workspace(settings, "default"))
    assert set(rows(settings)) == {"kept.txt", "new.txt"}
    (settings.uploads / "new.txt").write_text("Zebras.")
    workspace = Workspace(settings, "default")
    steps.source_documents.update_documents(workspace)
    (batch,) = steps.extracted_text.plan_extraction(workspace)
    for copy in settings.originals_path.iterdir():
        copy.unlink()
    (settings.uploads / "new.txt").write_text("Okapis!")
    steps.extracted_text.extract_batch(workspace, batch)
    steps.extracted_text.commit_extraction(workspace)
    assert rows(settings)["new.txt"].error_code == "changed_while_read"
    report = steps.source_documents.update_documents(workspace)
    assert report.changes == [("new.txt", "changed")]


def test_originals_are_fetched_once_and_the_doctor_tells_what_may_be_done(settings: Settings) -> None:
    put(settings, "a.txt")
    text_lane(settings)
    fetched = [line for line in running().asked if line.endswith("/a.txt") and line.startswith(f"GET /{settings.uploads.bucket}")]
    assert len(fetched) == 1
    findings = [found.detail for found in examine_folders(settings) if found.subject == "watched folder"]
    assert any("put, fetched and deleted" in detail for detail in findings)
    with running().failing(refusing(403, "AccessDenied", "PUT")):
        assert any("no uploading in the app" in found.detail and found.state == "missing" for found in examine_folders(settings))
    folder = watched_folder(settings)
    assert set(folder.listing().files) == folder.present(["a.txt", "b.txt"]) == {"a.txt"}
    folder.remove("a.txt")
    with pytest.raises(FileNotFoundError), folder.original("a.txt"):
        pass


def test_a_copy_that_is_held_stays_and_the_least_recently_used_go(settings: Settings, tmp_path: Path) -> None:
    originals = Originals(tmp_path / "copies", 1000)
    with originals.held("first", lambda target: target.write(b"x" * 400)) as held:
        for number in range(5):
            with originals.held(f"{number}", lambda target: target.write(b"x" * 400)):
                time.sleep(0.01)
        assert held.read_bytes() == b"x" * 400
        left = {path.name for path in (tmp_path / "copies").iterdir()}
        assert "first" in left and "4" in left and len(left) <= 3
    with pytest.raises(TransientError), originals.held("broken", _break):
        pass
    assert not [path for path in (tmp_path / "copies").iterdir() if path.name.startswith(".") or path.name == "broken"]
    (tmp_path / "file").write_text("")
    with pytest.raises(RagError, match="RAG_ORIGINALS_CACHE_BYTES"), Originals(tmp_path / "file", 9).held("a", lambda target: None):
        pass


def _break(target: io.BufferedWriter) -> None:
    target.write(b"half")
    raise TransientError("storage_failed", "no")


def test_many_threads_share_the_copies(settings: Settings, tmp_path: Path) -> None:
    originals = Originals(tmp_path / "copies", 500)

    def wrong(thread: int) -> list[str]:
        found = []
        for number in range(60):
            name = str((number * thread) % 7)
            with originals.held(name, lambda target, name=name: target.write(name.encode() * 100)) as path:
                found += [] if path.read_bytes() == name.encode() * 100 else [name]
        return found

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(wrong, range(1, 7))) == [[]] * 6


def test_a_copy_that_is_held_keeps_its_name_though_another_is_fetched_and_let_go(settings: Settings, tmp_path: Path) -> None:
    originals, held = Originals(tmp_path / "copies", 1000), ExitStack()

    def while_another_is_quicker(target: io.BufferedWriter) -> None:
        held.enter_context(originals.held("same", lambda quicker: quicker.write(b"x" * 400)))
        target.write(b"x" * 400)

    with held:
        with originals.held("same", while_another_is_quicker) as path:
            pass
        for number in range(5):
            with originals.held(f"{number}", lambda target: target.write(b"y" * 400)):
                pass
        assert path.read_bytes() == b"x" * 400


def test_a_bucket_is_looked_at_every_so_often_and_at_most_a_tenth_of_the_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.folder.changes._SHORTEST_REST_SECONDS", 0.0)
    other = {"a": 1}
    rounds = Rounds(lambda: tuple(other.items()), 0.5)
    mark = rounds.begin_look()
    time.sleep(0.05)
    assert rounds.watch(FolderListing({}))
    assert not rounds.is_rested(0.1)
    assert rounds.is_rested(1.0)
    other["a"] = 2
    assert rounds.since(mark, 0.2)
    mark = rounds.begin_look()
    assert not rounds.since(mark, 0.1)
    assert rounds.since(mark, 2.0)  # the half second is over


@pytest.mark.parametrize(
    ("place", "uploads"),
    [("s3://b-1/docs", BucketFolder("b-1", "docs/")), ("s3://b-1", BucketFolder("b-1")), ("file:///a%20b", Path("/a b")), ("s3://", None)],
)
def test_one_setting_takes_a_path_or_an_address(settings: Settings, monkeypatch: pytest.MonkeyPatch, place: str, uploads: object) -> None:
    monkeypatch.setenv("RAG_UPLOADS_DIR", place)
    if uploads is None:
        with pytest.raises(SettingsError, match="RAG_UPLOADS_DIR"):
            load_settings()
    else:
        assert load_settings().uploads == uploads

"""Archives in the watched folder: each file in them is a document, through all steps, on real parts."""

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping

import pytest

from rag_pipeline.ingestion.backlog import backlogs
from rag_pipeline.ingestion.folder.listing import archive_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.look import look_around
from rag_pipeline.ingestion.steps.vector_index import IndexReport
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.missing_files import confirm_deletion
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import in_both_folders, run_steps
from rag_pipeline_tests.stores.vectors.conftest import hits

Ingest = Callable[..., IndexReport]


def packed(files: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), content)
    return stream.getvalue()


def tar_of(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content.encode())
            archive.addfile(header, io.BytesIO(content.encode()))
    return stream.getvalue()


def rows(settings: Settings) -> dict[str, DocumentStatus]:
    return {row.document: row for row in Catalog(settings.catalog_path).documents()}


def states(settings: Settings) -> dict[str, str]:
    return {name: row.state for name, row in rows(settings).items()}


def found(settings: Settings, words: str, collection: str = "default") -> set[str]:
    return {hit.document for hit in hits(open_index(settings), collection, SearchQuery(text=words))}


def ingest_all(settings: Settings, collection: str = "default") -> int:
    """Runs until nothing is left, as the sensor and the command line do; how many."""
    catalog, index = Catalog(settings.catalog_path), open_index(settings)
    for number in range(1, 6):
        run_steps(settings, collection)
        if not backlogs(settings, catalog, index, [collection]) and not look_around(settings, catalog, index, [collection]).plan:
            return number
    raise AssertionError("it never ends")


@in_both_folders
def test_files_in_an_archive_live_like_files_of_a_folder(settings: Settings) -> None:
    archive = settings.uploads / "box.zip"
    inner = tar_of({"deep/whale.txt": "Whales sing under water."})
    files = {"a/zebra.txt": "Zebras have stripes.", "b/giraffe.md": "Giraffes have long necks.", ".hidden": "x", "old.tgz": inner}
    archive.write_bytes(packed({**files, "tool.exe": b"MZ" + bytes(100)}))
    assert ingest_all(settings) == 2
    members = {"box.zip/a/zebra.txt", "box.zip/b/giraffe.md", "box.zip/old.tgz/deep/whale.txt"}
    assert states(settings) == {"box.zip": "indexed", "box.zip/tool.exe": "unsupported", **dict.fromkeys(members, "indexed")}
    assert found(settings, "whales stripes necks") == members
    assert {row.collection for row in rows(settings).values()} == {"default"}

    whale = rows(settings)["box.zip/old.tgz/deep/whale.txt"]
    with watched_folder(settings).original(whale.file) as original:
        assert original.read_text() == "Whales sing under water."

    before = {name: row.indexed_at for name, row in rows(settings).items()}
    archive.write_bytes(packed({**files, "b/giraffe.md": "Giraffes sleep standing."}))
    ingest_all(settings)
    changed = {name for name, row in rows(settings).items() if row.indexed_at != before[name]}
    assert changed == {"box.zip", "box.zip/b/giraffe.md"}
    assert found(settings, "zebras stripes") == {"box.zip/a/zebra.txt"}
    assert found(settings, "giraffes sleep standing") == {"box.zip/b/giraffe.md"}
    assert "box.zip/tool.exe" not in rows(settings)

    archive.unlink()
    ingest_all(settings.model_copy(update={"deletion_hold_hours": 0}))
    assert rows(settings) == {}


def test_while_a_changed_archive_is_unread_its_documents_answer_on(settings: Settings, ingest: Ingest) -> None:
    """A run may end between the look at a file and its reading."""
    archive = settings.uploads / "box.zip"
    archive.write_bytes(packed({"a.txt": "Zebras have stripes.", "b.txt": "Whales sing."}))
    ingest_all(settings)
    archive.write_bytes(packed({"a.txt": "Zebras have stripes."}))
    from rag_pipeline.ingestion.steps.source_documents import update_documents
    from rag_pipeline.ingestion.steps.workspace import Workspace

    for _ in range(2):
        update_documents(Workspace(settings, "default"))
        assert set(rows(settings)) == {"box.zip", "box.zip/a.txt", "box.zip/b.txt"}
        assert found(settings, "whales sing") == {"box.zip/b.txt"}
    ingest_all(settings)
    assert set(rows(settings)) == {"box.zip", "box.zip/a.txt"}


def test_the_loss_of_an_archive_is_held_unless_it_was_meant(settings: Settings) -> None:
    """An unplugged disk takes the archive and its hundred documents; who deletes it by the API means them all."""
    (settings.uploads / "other.txt").write_text("Bears like honey.")
    archive = settings.uploads / "box.zip"
    archive.write_bytes(packed({f"{number}.txt": f"Text number {number}." for number in range(25)}))
    ingest_all(settings)
    shutil.move(archive, settings.data / "box.zip")
    run_steps(settings)
    assert len(rows(settings)) == 27
    assert found(settings, "text number 7")

    shutil.move(settings.data / "box.zip", archive)
    ingest_all(settings)
    confirm_deletion(Catalog(settings.catalog_path), "box.zip", "default", __import__("datetime").datetime(2026, 1, 1))
    archive.unlink()
    ingest_all(settings)
    assert set(rows(settings)) == {"other.txt"}


def test_a_moved_archive_reads_and_embeds_nothing_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag_pipeline.ingestion import steps

    (settings.uploads / "sub").mkdir()
    (settings.uploads / "box.zip").write_bytes(packed({f"{number}.txt": f"Text number {number}." for number in range(25)}))
    ingest_all(settings)
    monkeypatch.setattr(steps.embeddings, "load_embedder", lambda *_: pytest.fail("embedded again"))
    (settings.uploads / "box.zip").rename(settings.uploads / "moved.zip")
    ingest_all(settings)
    assert {archive_of(row.file) for row in rows(settings).values()} == {"moved.zip"}
    assert len(rows(settings)) == 26

"""Archives in the watched folder: each file in them is a document, through all steps, on real parts."""

import io
import shutil
import tarfile
import zipfile
from collections.abc import Mapping

from rag_pipeline.ingestion.backlog import backlogs
from rag_pipeline.ingestion.folder.listing import archive_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.look import look_around
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.document_rows import content_hashes
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline_tests.conftest import in_both_folders, text_lane
from rag_pipeline_tests.stores.vectors.conftest import hits


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


def found(settings: Settings, words: str) -> set[str]:
    return {hit.document for hit in hits(open_index(settings), "default", SearchQuery(text=words))}


def readings(settings: Settings) -> int:
    with Catalog(settings.catalog_path).reading() as connection:
        ((number,),) = connection.execute("SELECT count(*) FROM extractions").fetchall()
    return int(number)


def ingest(settings: Settings) -> int:
    """Runs until no text is left to be read, as the sensor and the command line start them; how many."""
    catalog, index = Catalog(settings.catalog_path), open_index(settings)
    for number in range(1, 6):
        text_lane(settings)
        left = backlogs(settings, catalog, index, ["default"]).get("default")
        if not (left and left.documents) and not look_around(settings, catalog, index, ["default"]).plan:
            return number
    raise AssertionError("it never ends")


@in_both_folders
def test_files_in_an_archive_live_like_files_of_a_folder(settings: Settings) -> None:
    archive = settings.uploads / "box.zip"
    inner = tar_of({"deep/whale.txt": "Whales sing under water."})
    files = {"a/zebra.txt": "Zebras have stripes.", "b/giraffe.md": "Giraffes have long necks.", ".hidden": "x", "old.tgz": inner}
    archive.write_bytes(packed({**files, "tool.exe": b"MZ" + bytes(100)}))
    assert ingest(settings) == 2
    members = {"box.zip/a/zebra.txt", "box.zip/b/giraffe.md", "box.zip/old.tgz/deep/whale.txt"}
    assert found(settings, "whales stripes necks") == members
    assert {name: row.state for name, row in rows(settings).items() if not row.chunks} == {
        "box.zip": "indexed",
        "box.zip/tool.exe": "unsupported",
    }
    assert {row.collection for row in rows(settings).values()} == {"default"}

    folder, whale = watched_folder(settings), rows(settings)["box.zip/old.tgz/deep/whale.txt"].file
    with folder.original(whale) as original:
        assert original.read_text() == "Whales sing under water."
    assert folder.present([whale, "box.zip//x", "other.zip//x"]) == {whale, "box.zip//x"}

    before, read = content_hashes(Catalog(settings.catalog_path), "default"), readings(settings)
    archive.write_bytes(packed({**files, "b/giraffe.md": "Giraffes sleep standing."}))
    for _ in range(2):  # a run may end between the look at a file and its reading
        update_documents(Workspace(settings, "default"))
        assert found(settings, "whales necks") == {"box.zip/b/giraffe.md", "box.zip/old.tgz/deep/whale.txt"}
    ingest(settings)
    after = content_hashes(Catalog(settings.catalog_path), "default")
    assert {file for file in after if after[file] != before[file]} == {"box.zip", "box.zip//b/giraffe.md"}
    assert readings(settings) == read + 2
    assert found(settings, "zebras stripes") == {"box.zip/a/zebra.txt"}
    assert found(settings, "giraffes sleep standing") == {"box.zip/b/giraffe.md"}
    assert "box.zip/tool.exe" not in rows(settings)


def test_the_loss_of_an_archive_is_held_and_a_move_is_none(settings: Settings) -> None:
    (settings.uploads / "other.txt").write_text("Bears like honey.")
    archive, moved = settings.uploads / "box.zip", settings.uploads / "moved.zip"
    archive.write_bytes(packed({f"{number}.txt": f"Text number {number}." for number in range(25)}))
    ingest(settings)
    shutil.move(archive, settings.data / "away.zip")
    ingest(settings)
    assert len(rows(settings)) == 27
    assert found(settings, "text number 7")

    read = readings(settings)
    shutil.move(settings.data / "away.zip", moved)
    ingest(settings)
    assert {archive_of(row.file) for row in rows(settings).values()} == {"moved.zip", "other.txt"}
    assert (len(rows(settings)), readings(settings)) == (27, read)


def test_bad_archives_say_so_on_their_rows_and_are_read_once_they_can_be(settings: Settings) -> None:
    import pyzipper

    stream = io.BytesIO()
    with pyzipper.AESZipFile(stream, "w", compression=pyzipper.ZIP_DEFLATED) as archive:  # type: ignore[no-untyped-call,attr-defined]
        archive.writestr("open.txt", "Bears like honey.")
        archive.setpassword(b"s3cret")
        archive.setencryption(pyzipper.WZ_AES)  # type: ignore[attr-defined]
        archive.writestr("closed.txt", "Foxes are shy.")
    (settings.uploads / "locked.zip").write_bytes(stream.getvalue())
    (settings.uploads / "many.zip").write_bytes(packed({f"{number}.txt": "Otters swim." for number in range(3)}))
    (settings.uploads / "broken.zip").write_bytes(packed({"a.txt": "Wolves howl.", "b.txt": bytes(range(256)) * 40})[:-200])
    strict = settings.model_copy(update={"archive_files": 2})
    ingest(strict)
    assert rows(strict)["many.zip"].error_code == "archive_files"
    assert rows(strict)["locked.zip/closed.txt"].error_code == "password_protected"
    assert "password" in rows(strict)["locked.zip"].warnings[0]
    assert "missing or damaged: 1 files" in rows(strict)["broken.zip"].warnings[0]
    assert found(strict, "bears wolves foxes otters") == {"locked.zip/open.txt", "broken.zip/a.txt"}

    settings.passwords_path.write_text("s3cret")
    ingest(settings)
    assert found(settings, "foxes shy") == {"locked.zip/closed.txt"}
    assert found(settings, "otters swim") == {f"many.zip/{number}.txt" for number in range(3)}
    assert rows(settings)["locked.zip"].warnings == ()

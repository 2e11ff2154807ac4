import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.folder.disk import DiskFolder
from rag_pipeline.ingestion.folder.example_documents import COLLECTION, add_examples
from rag_pipeline.ingestion.folder.listing import collection_of, is_ignored
from rag_pipeline.ingestion.folder.uploads import UploadError, folder_below, folder_of, move_upload, numbered_name, safe_name, store_upload
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import DocumentRow, Scan, apply_scan


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\Kündigung Ä.docx", "Kündigung Ä.docx"),
        (".hidden.txt", "hidden.txt"),
        ("~$lock.docx", "lock.docx"),
        ("a\x00b\nc.txt", "abc.txt"),
        ("資料.pdf", "資料.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("trailing. ", "trailing"),
        ("", "document"),
        ("...", "document"),
        ("x/", "document"),
        ("notes (final, really).md", "notes (final, really).md"),
    ],
)
def test_names_are_made_safe_and_stay_readable(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


def test_a_long_name_keeps_its_extension_and_whole_letters() -> None:
    name = safe_name("ä" * 300 + ".pdf")
    assert name.endswith("ä.pdf")
    assert 250 < len(name.encode()) <= 255
    assert len(numbered_name(name, 12).encode()) <= 255
    assert numbered_name(name, 12).endswith("ä (12).pdf")


@given(st.text(max_size=400))
def test_any_name_stays_within_its_folder(sent: str) -> None:
    name = safe_name(sent)
    assert name.strip()
    assert "/" not in name
    assert "\\" not in name
    assert not name.startswith(".")
    assert len(name.encode("utf-8")) <= 255
    assert all(character.isprintable() or not character.isascii() for character in name)


def store(uploads: Path, content: bytes, name: str = "a.txt", folder: str = "box", largest: int = 1000) -> tuple[str, str]:
    stored = store_upload(uploads, folder, name, io.BytesIO(content), largest)
    return stored.name, stored.outcome


def test_another_file_of_the_same_name_is_never_overwritten(tmp_path: Path) -> None:
    assert store(tmp_path, b"one") == ("a.txt", "added")
    assert store(tmp_path, b"two") == ("a (2).txt", "renamed")
    assert store(tmp_path, b"three") == ("a (3).txt", "renamed")
    assert store(tmp_path, b"two") == ("a (2).txt", "unchanged")
    assert {file.name: file.read_bytes() for file in (tmp_path / "box").iterdir()} == {
        "a.txt": b"one",
        "a (2).txt": b"two",
        "a (3).txt": b"three",
    }


def test_while_it_is_written_a_file_has_a_name_that_ingestion_ignores(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    class Watching(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.append([file.name for file in (tmp_path / "box").iterdir()])
            return super().read(size)

    store_upload(tmp_path, "box", "a.txt", Watching(b"text"), 1000)
    assert seen
    assert all(is_ignored(name) for names in seen for name in names)


def test_what_is_too_large_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="RAG_MAX_FILE_BYTES"):
        store(tmp_path, b"x" * 1001)
    assert list((tmp_path / "box").iterdir()) == []


def test_a_name_that_ingestion_would_ignore_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="temporary"):
        store(tmp_path, b"x", "half.part")


def test_a_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("a file at the root")
    with pytest.raises(UploadError, match="could not be stored"):
        store(tmp_path, b"x")


@pytest.mark.parametrize(("collection", "folder"), [("", ""), ("default", ""), ("minutes", "minutes"), ("../up", "up")])
def test_the_folder_of_a_new_collection(tmp_path: Path, collection: str, folder: str) -> None:
    assert folder_of(collection, Catalog(tmp_path / "catalog.duckdb")) == folder


def test_the_folder_of_an_existing_collection_is_that_of_its_documents(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.duckdb")
    row = DocumentRow("d", "50%25 off", "a.txt", "50% off/a.txt", "", 1, "hash", "text/plain")
    apply_scan(catalog, Scan(row.collection, [row], (), (), ()))
    assert folder_of("50%25 off", catalog) == "50% off"


def test_the_examples_are_copied_once(tmp_path: Path) -> None:
    first = add_examples(DiskFolder(tmp_path))
    assert len(first) >= 5
    assert {upload.outcome for upload in first} == {"added"}
    assert {upload.outcome for upload in add_examples(DiskFolder(tmp_path))} == {"unchanged"}
    assert {collection_of(f"{COLLECTION}/{upload.name}") for upload in first} == {COLLECTION}
    assert all(file.stat().st_size <= 51_200 for file in (tmp_path / COLLECTION).iterdir())


@pytest.mark.parametrize(
    ("collection", "path", "folder"),
    [
        ("box", "", "box"),
        ("box", "2025/may", "box/2025/may"),
        ("", "2025", "default/2025"),
        ("box", "../../etc\\.ssh/./x", "box/etc/ssh/x"),
        ("box", "a\u202eb/c:d", "box/ab/cd"),
    ],
)
def test_sub_folders_are_kept_and_lead_nowhere_else(collection: str, path: str, folder: str) -> None:
    assert folder_below(collection, path) == folder


def test_a_folder_that_is_never_read_is_refused() -> None:
    with pytest.raises(UploadError, match="temporary folder"):
        folder_below("box", "a/__MACOSX")


def test_nothing_is_put_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "uploads" / "box").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UploadError, match="is a link"):
        store(tmp_path / "uploads", b"x", folder="box/2025")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_moved_file_overwrites_nothing_and_is_never_lost(tmp_path: Path) -> None:
    store(tmp_path, b"one", folder="a/2025")
    store(tmp_path, b"two", folder="b/2025")
    assert move_upload(tmp_path, "a/2025/a.txt", "b/2025").file == "b/2025/a (2).txt"
    assert not (tmp_path / "a" / "2025" / "a.txt").exists()
    assert move_upload(tmp_path, "b/2025/a.txt", "b/2025").outcome == "unchanged"
    store(tmp_path, b"two", folder="c")
    assert move_upload(tmp_path, "c/a.txt", "b/2025").outcome == "unchanged"
    assert {file.name: file.read_bytes() for file in (tmp_path / "b" / "2025").iterdir()} == {"a.txt": b"two", "a (2).txt": b"one"}
    with pytest.raises(FileNotFoundError):
        move_upload(tmp_path, "c/a.txt", "b/2025")


def test_a_file_is_not_moved_onto_a_link_to_itself(tmp_path: Path) -> None:
    store(tmp_path, b"one", folder="a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.txt").symlink_to(tmp_path / "a" / "a.txt")
    with pytest.raises(UploadError, match="link"):
        move_upload(tmp_path, "b/a.txt", "c")
    assert move_upload(tmp_path, "a/a.txt", "b").file == "b/a (2).txt"
    assert (tmp_path / "b" / "a (2).txt").read_bytes() == b"one"


def test_a_name_that_is_no_text_is_numbered_like_any_other(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.txt")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(folder)
    assert move_upload(tmp_path, f"a/{name}", "b").name == "\\xff (2).txt"

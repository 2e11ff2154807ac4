"""The watched folder: what counts as a document, what is still being written, and the plan of changes."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder import listing as listing_module
from rag_pipeline.ingestion.folder.listing import (
    FolderListing,
    FoundFile,
    collection_of,
    document_id,
    document_name,
    escape_collection,
    is_being_written,
    list_folder,
    plan_folder,
    read_identity,
)
from rag_pipeline.ingestion.steps.source_documents import collection_listing

NOW = 1_000_000.0


def found(file: str, signature: str = "s", changed_at: float = 0.0) -> FoundFile:
    return FoundFile(file, 1, signature, changed_at)


def listing(*files: FoundFile, unreadable: dict[str, str] | None = None) -> FolderListing:
    return FolderListing({one.file: one for one in files}, unreadable or {})


def test_plan_tells_new_edited_same_and_removed_apart() -> None:
    plan = plan_folder(listing(found("new"), found("edited", "s2"), found("same")), {"edited": "s1", "same": "s", "gone": "s"}, NOW, 2)
    assert [one.file for one in plan.to_read] == ["edited", "new"]
    assert plan.removed == ("gone",)


def test_a_file_that_just_changed_waits_and_is_not_removed_meanwhile() -> None:
    plan = plan_folder(listing(found("a", "s2", NOW - 1)), {"a": "s1"}, NOW, 2)
    assert not plan
    assert [one.file for one in plan.unsettled] == ["a"]


def test_a_time_in_the_future_counts_as_long_ago() -> None:
    assert plan_folder(listing(found("a", changed_at=NOW + 9999)), {}, NOW, 2).to_read


def test_documents_below_an_unreadable_folder_are_kept() -> None:
    plan = plan_folder(listing(unreadable={"c/locked": "Permission denied"}), {"c/locked/a": "s", "c/other": "s"}, NOW, 2)
    assert plan.removed == ("c/other",)


def test_a_file_that_cannot_be_looked_at_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may be listed and not entered, a network disk that went away: its files are not deleted."""
    (tmp_path / "team").mkdir()
    for name in ("a.txt", "b.txt", "team/c.txt", "team/d.txt"):
        (tmp_path / name).write_text("x")
    real = listing_module._found

    def refused(entry: os.DirEntry[str], path: str, root: str) -> FoundFile | None:
        if path in ("a.txt", "team/c.txt"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(entry, path, root)

    monkeypatch.setattr("rag_pipeline.ingestion.folder.listing._found", refused)
    listed = list_folder(tmp_path)
    assert set(listed.files) == {"b.txt", "team/d.txt"}
    known = dict.fromkeys(("a.txt", "gone.txt", "team/c.txt", "team/gone.txt"), "s")
    assert plan_folder(listed, known, NOW, 0).removed == ("gone.txt", "team/gone.txt")
    for collection, file in (("default", "a.txt"), ("team", "team/c.txt")):
        assert plan_folder(collection_listing(listed, collection), {file: "s"}, NOW, 0).removed == ()


@given(st.dictionaries(st.text(min_size=1), st.text()), st.dictionaries(st.text(min_size=1), st.text()))
def test_applying_a_plan_makes_both_sides_equal(folder: dict[str, str], known: dict[str, str]) -> None:
    plan = plan_folder(listing(*(found(name, signature) for name, signature in folder.items())), known, NOW, 2)
    after = {name: signature for name, signature in known.items() if name not in plan.removed}
    after.update({one.file: one.signature for one in plan.to_read})
    assert after == folder


def test_listing_takes_documents_and_leaves_the_rest(tmp_path: Path) -> None:
    uploads, outside = tmp_path / "uploads", tmp_path / "outside.txt"
    (uploads / "team" / "deep").mkdir(parents=True)
    (uploads / ".hidden").mkdir()
    outside.write_text("secret")
    for name in ("a.txt", "team/b.txt", "team/deep/c.txt", ".hidden/d.txt", ".e.txt", "~$f.docx", "g.part", "h.txt~", "Thumbs.db"):
        (uploads / name).write_text("x")
    (uploads / "out.txt").symlink_to(outside)
    (uploads / "inside.txt").symlink_to(uploads / "a.txt")
    (uploads / "loop").symlink_to(uploads)
    (uploads / "self.txt").symlink_to(uploads / "self.txt")
    (uploads / "dangling.txt").symlink_to(uploads / "nothing.txt")
    os.mkfifo(uploads / "pipe.txt")
    assert set(list_folder(uploads).files) == {"a.txt", "inside.txt", "team/b.txt", "team/deep/c.txt"}


def test_a_missing_folder_is_an_error_not_a_deletion(tmp_path: Path) -> None:
    with pytest.raises(RagError, match="RAG_UPLOADS_DIR"):
        list_folder(tmp_path / "unplugged")


WEIRD = ["with space", 'quo"te', "it's", "com,ma", "new\nline", "😀", "ümlaut", "a" * 255, "%41", "semi;colon", "-dash", "$(x)", "a...b"]


@pytest.mark.parametrize("name", WEIRD, ids=range(len(WEIRD)))
def test_any_name_is_listed_and_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / name).write_text("content")
    (file,) = list_folder(tmp_path).files.values()
    read = read_identity(tmp_path, file)
    assert read
    assert read.head == b"content"
    assert document_name(file.file).isprintable() or "\n" in name
    assert not set(file.collection) & set(',"\n\\|[]')
    assert "..." not in file.collection


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses names that are not UTF-8")
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.txt", "w") as stream:
        stream.write("x")
    (file,) = list_folder(tmp_path).files.values()
    assert document_name(file.file) == "caf\\xe9.txt"
    assert document_id(file.file) != document_id("caf\\xe9.txt")
    assert read_identity(tmp_path, file)


@given(st.text(min_size=1).filter(lambda name: "/" not in name), st.text(min_size=1).filter(lambda name: "/" not in name))
def test_collections_stay_apart_and_fit_a_partition_key(one: str, other: str) -> None:
    assert (escape_collection(one) == escape_collection(other)) == (one == other)
    assert escape_collection(one).isprintable()


def test_root_files_belong_to_the_default_collection() -> None:
    assert collection_of("a.txt") == collection_of("default/a.txt") == "default"
    assert document_name("a.txt") != document_name("default/a.txt")
    assert document_name("team/sub/a.txt") == "sub/a.txt"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell")
def test_a_file_open_for_writing_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "copying.txt"
    code = f"import sys,time\nf=open({str(file)!r},'w'); f.write('half'); f.flush(); print('open',flush=True); sys.stdin.read()"
    writer = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdin
    assert writer.stdout
    assert writer.stdout.readline()
    (entry,) = list_folder(tmp_path).files.values()
    assert is_being_written(file)
    assert read_identity(tmp_path, entry) is None
    writer.stdin.close()
    writer.wait(10)
    assert not is_being_written(file)
    assert read_identity(tmp_path, entry)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell")
def test_looking_whether_a_file_is_being_written_survives_that_somebody_begins_to(tmp_path: Path) -> None:
    file = tmp_path / "often.txt"
    file.write_text("words")
    looking = "\n".join(
        (
            "import sys, time; from pathlib import Path; from rag_pipeline.ingestion.folder.listing import is_being_written",
            "print('looking', flush=True); end = time.monotonic() + 1.5",
            "while time.monotonic() < end: is_being_written(Path(sys.argv[1]))",
        )
    )
    process = subprocess.Popen([sys.executable, "-c", looking, str(file)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline()
    while process.poll() is None:
        file.open("a").close()
    assert process.returncode == 0


def test_two_names_that_differ_in_case_are_two_documents(tmp_path: Path) -> None:
    (tmp_path / "A.txt").write_text("one")
    (tmp_path / "a.txt").write_text("two")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("the file system folds case")
    assert len({document_id(file) for file in list_folder(tmp_path).files}) == 2


def test_a_touch_changes_the_signature_and_not_the_content(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    (before,) = list_folder(tmp_path).files.values()
    time.sleep(0.01)
    file.touch()
    (after,) = list_folder(tmp_path).files.values()
    first, second = read_identity(tmp_path, before), read_identity(tmp_path, after)
    assert before.signature != after.signature
    assert first
    assert second
    assert first.content_hash == second.content_hash

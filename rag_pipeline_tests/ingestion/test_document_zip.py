"""The zip of originals: names that unpack everywhere, nothing kept in memory, what is missing named."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from rag_pipeline.ingestion.document_zip import LEFT_OUT, Names, zipped
from rag_pipeline.ingestion.folder.disk import DiskFolder
from rag_pipeline_tests.ui.documents import make_document


def test_names_are_kept_and_made_unique() -> None:
    names = Names()
    paths = ["c/a.txt", "c/A.TXT", "c/box.zip", "c/box.zip/a.txt", "c/box.zip/b.txt", "c/d/e", "c/d"]
    assert [names.unique(path) for path in paths] == [
        "c/a.txt", "c/A (2).TXT", "c/box.zip", "c/box (2).zip/a.txt", "c/box (2).zip/b.txt", "c/d/e", "c/d (2)",
    ]  # fmt: skip


@pytest.mark.parametrize("hostile", ["c/..\\..\\evil.bat", "c/../../etc/passwd", "/c//x", "c/a\nb\x00.txt", "c/CON:\\x.txt"])
def test_no_name_leaves_the_folder_that_it_is_unpacked_in(hostile: str) -> None:
    unique = Names().unique(hostile)
    assert not unique.startswith("/")
    assert not {"..", "", "."} & set(unique.split("/"))
    assert not set("\\:\n\x00") & set(unique)


def test_what_is_sent_comes_in_small_pieces_and_is_whole(tmp_path: Path) -> None:
    large = os.urandom(1 << 20) * 12
    (tmp_path / "large.bin").write_bytes(large)
    (tmp_path / "small.txt").write_text("Zebra.")
    documents = [
        make_document(document=name, file=name, collection="zoo", document_id=name) for name in ("large.bin", "gone.txt", "small.txt")
    ]
    pieces = list(zipped(DiskFolder(tmp_path), documents))
    assert max(map(len, pieces)) < 3 << 20
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["zoo/large.bin", "zoo/small.txt", LEFT_OUT]
        assert archive.read("zoo/large.bin") == large
        assert archive.read(LEFT_OUT).decode() == "zoo/gone.txt: its file is not in the folder any more.\n"

"""What goes into parts comes out again, to the nanosecond and the hole."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from rag_pipeline.backup import packing
from rag_pipeline.backup.manifest import FORMAT, BackupError, BackupManifest, product_version
from rag_pipeline.backup.places import Place, existing_place, new_place
from rag_pipeline.cli.commands import cli
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors.disk import allocated_bytes
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.versions import CollectionFolder
from rag_pipeline_tests.stores.vectors.conftest import change, points

NAMES = (
    "plain.txt",
    "ümläut ☂ 日本.txt",
    os.fsdecode(b"not \xff utf-8\n and a line.txt"),
    "n" * 255,
    "/".join(["deep" * 20] * 20),
    " -rf ; $(x) '\"\\.txt",
)


def make_tree(root: Path) -> dict[str, Path]:
    files = {name: root / name for name in NAMES}
    for number, path in enumerate(files.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(3000) if number % 2 else b"again and again " * 500)
        os.utime(path, ns=(1, 1_795_858_675_610_129_638 + number))
    for name, pieces in {"empty": (), "hole": (), "holes": (1 << 20, 9 << 20), "begins": (0,)}.items():
        files[name] = root / name
        with files[name].open("wb") as stream:
            for place in pieces:
                stream.seek(place)
                stream.write(os.urandom(5000))
            stream.truncate(0 if name == "empty" else 12 << 20)
    return files


@pytest.mark.parametrize("most", [8 << 30, 0])
def test_what_was_packed_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(packing, "PART_BYTES", 5000 if most else 1 << 22)
    monkeypatch.setattr(packing, "_MOST_BYTES_WITH_HOLES", most)  # 0: as a file of more data than that is packed
    files = make_tree(tmp_path / "tree")
    with new_place(Settings(), str(tmp_path / "x.zip")) as place:
        packed = packing.pack(place, [packing.SourceFile(name, path) for name, path in files.items()], lambda _: None)
    assert {part.name[-3:] == ".gz" for part in packed.parts} == ({True, False} if most else {True})
    manifest = BackupManifest(FORMAT, product_version(), "", {}, packed.files, packed.unpacked_bytes, packed.parts)
    told: list[int] = []
    with existing_place(Settings(), str(tmp_path / "x.zip")) as place:
        packing.unpack(place, manifest, tmp_path / "out", told.append)
    assert sum(told) == packed.unpacked_bytes
    for name, path in files.items():
        found = tmp_path / "out" / name
        assert found.read_bytes() == path.read_bytes(), name
        assert found.stat().st_mtime_ns == path.stat().st_mtime_ns
    if most:
        assert allocated_bytes(tmp_path / "out") <= allocated_bytes(tmp_path / "tree")


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("x")
    for name in ("../out", "/out", "a/../../out", "a//b"):
        place: Place
        with new_place(Settings(), str(tmp_path / "x.zip")) as place:
            packed = packing.pack(place, [packing.SourceFile(name, tmp_path / "source")], lambda _: None)
        manifest = BackupManifest(FORMAT, product_version(), "", {}, 1, 1, packed.parts)
        with existing_place(Settings(), str(tmp_path / "x.zip")) as place, pytest.raises(BackupError, match="is damaged"):
            packing.unpack(place, manifest, tmp_path / "in" / "it", lambda _: None)
        (tmp_path / "x.zip").unlink()
    assert not list(tmp_path.rglob("out"))


def test_originals_come_along_when_they_are_asked_for(settings: Settings, tmp_path: Path) -> None:
    files = make_tree(settings.uploads)
    os.mkfifo(settings.uploads / "pipe")
    settings.pauses_path.write_text("{}")
    kept = settings.evaluation_path / "c" / "results" / "00000001-key.parquet"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"figures")
    EdgeIndex(settings.index_path).publish(change("c", points("a.md", "foxes")))
    made = CliRunner().invoke(cli, ["backup", str(tmp_path / "b"), "--uploads"], env={"RAG_DATA_DIR": str(settings.data)})
    assert (made.exit_code, "pipe is no file" in made.output) == (0, True), made.output
    restored = CliRunner().invoke(cli, ["restore", str(tmp_path / "b")], env={"RAG_DATA_DIR": str(tmp_path / "new")})
    assert restored.exit_code == 0, restored.output
    assert (tmp_path / "new" / kept.relative_to(settings.data)).read_bytes() == b"figures"
    for name, path in files.items():
        assert (tmp_path / "new" / "uploads" / name).read_bytes() == path.read_bytes()


def test_an_index_on_a_disk_without_links_is_copied(on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = EdgeIndex(on_disk / "index")
    index.publish(change("c", points("a.md", "foxes")))

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    CollectionFolder(on_disk / "index", "c").link_to(on_disk / "copy")
    assert EdgeIndex(on_disk / "copy").revisions("c") == index.revisions("c")
    assert next(chunk.payload for batch in EdgeIndex(on_disk / "copy").chunks("c") for chunk in batch)["text"] == "foxes"
    assert allocated_bytes(on_disk / "copy") < 1 << 20

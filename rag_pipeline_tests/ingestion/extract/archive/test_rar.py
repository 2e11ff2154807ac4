"""RAR archives. Nothing free writes them: these are stored ones of version 5, built from its description ("RAR 5.0 archive format")."""

import hashlib
import os
import struct
import zlib
from pathlib import Path

import pytest

from rag_pipeline.cli.doctor import examine
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.archive import libarchive
from rag_pipeline.ingestion.extract.archive.formats import RAR
from rag_pipeline.ingestion.extract.archive.reader import unpacked
from rag_pipeline.ingestion.extract.source import ReadingOptions
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.archive.test_reading import expected, hashes, look_into, refused, zip_of
from rag_pipeline_tests.programs import LIBARCHIVE, needs

FILES = {"a.txt": b"words", "b/report.md": b"# Title\n" * 20_000, "b/ü.bin": os.urandom(70_000), "empty.txt": b""}
_MAIN, _FILE, _END = 1, 2, 5
_ENCRYPTED = bytes((0x24, 1, 0, 0, 15)) + bytes(32)
"""The record in a file's header that says how it is encrypted: its size and kind, AES-256, no check of the password, 2 ** 15 rounds, salt
and vector."""


def number(value: int) -> bytes:
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))


def block(kind: int, fields: bytes, flags: int = 0, extra: bytes = b"", size: int | None = None) -> bytes:
    flags |= (1 if extra else 0) | (2 if size is not None else 0)
    head = number(kind) + number(flags) + (number(len(extra)) if extra else b"") + (number(size) if size is not None else b"")
    head = head + fields + extra
    head = number(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head


def file_block(name: str, content: bytes, *, goes_on: bool = False, extra: bytes = b"", whole: int | None = None) -> bytes:
    flags = 2 | 4  # a time, a checksum
    checksum = zlib.crc32(content)
    fields = (
        number(flags) + number(len(content) if whole is None else whole) + number(0o100644) + struct.pack("<II", 1_700_000_000, checksum)
    )
    fields += number(0) + number(1) + number(len(name.encode())) + name.encode()
    return block(_FILE, fields, 0x10 if goes_on else 0, extra, len(content)) + content


def rar_of(files: dict[str, bytes]) -> bytes:
    return b"Rar!\x1a\x07\x01\0" + block(_MAIN, number(0)) + b"".join(file_block(*one) for one in files.items()) + block(_END, number(0))


@needs(LIBARCHIVE)
def test_the_files_of_an_archive(tmp_path: Path) -> None:
    content = rar_of(FILES)
    source = look_into("a.rar", content)
    assert (hashes(source.members), source.notes) == (expected(FILES), [])
    assert source.members[0].modified == 1_700_000_000 * 10**9
    (tmp_path / "a.rar").write_bytes(content)
    (folder := tmp_path / "out").mkdir()
    found = unpacked(tmp_path / "a.rar", "a.rar", "b/report.md", folder, ReadingOptions(), media_type_of, lambda: None)
    assert found["b/report.md"].read_bytes() == FILES["b/report.md"]


@needs(LIBARCHIVE)
def test_archives_in_archives() -> None:
    inner = {"c.txt": b"inside"}
    source = look_into("a.rar", rar_of({"box.zip": zip_of(inner), "box.rar": rar_of(inner)}))
    assert hashes(source.members) == expected({"box.zip/c.txt": b"inside", "box.rar/c.txt": b"inside"})
    assert hashes(look_into("a.zip", zip_of({"box.rar": rar_of(inner)})).members) == expected({"box.rar/c.txt": b"inside"})


@needs(LIBARCHIVE)
def test_limits_are_those_of_all_archives() -> None:
    assert refused("a.rar", rar_of(FILES), unpacked_bytes=100_000).code == "archive_too_large"
    assert refused("a.rar", rar_of(FILES), files=2).code == "archive_files"
    names = {"../../up.txt": b"a", "/root.txt": b"b", "C:\\drive.txt": b"c"}
    assert all(not member.path.startswith(("/", "..")) for member in look_into("a.rar", rar_of(names)).members)


@needs(LIBARCHIVE)
def test_a_file_that_is_changed_is_not_taken_for_what_was_packed() -> None:
    content = rar_of(FILES).replace(b"words", b"sword")
    members = look_into("a.rar", content).members
    assert members[0].error_code == "damaged"
    assert members[0].content_hash is None
    assert hashes(members[1:]) == {name: value for name, value in expected(FILES).items() if name != "a.txt"}


@needs(LIBARCHIVE)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_archive_that_breaks_off(share: float) -> None:
    content = rar_of(FILES)
    source = look_into("a.rar", content[: int(len(content) * share)])
    whole = expected(FILES)
    assert all(member.content_hash in (None, whole[member.path]) for member in source.members)
    assert source.notes != [] or any(member.error_code for member in source.members)


@needs(LIBARCHIVE)
def test_a_file_that_goes_on_in_another_volume_is_not_whole() -> None:
    first = b"Rar!\x1a\x07\x01\0" + block(_MAIN, number(1)) + file_block("a.txt", b"words")
    first += file_block("b.txt", b"the first half", goes_on=True, whole=28) + block(_END, number(1))
    source = look_into("a.part1.rar", first)
    assert source.members[0].content_hash == hashlib.sha256(b"words").hexdigest()
    assert [member.error_code for member in source.members[1:]] in ([], ["damaged"])
    assert source.notes or source.members[1:]


@needs(LIBARCHIVE)
def test_what_is_encrypted_is_told_in_words() -> None:
    content = b"Rar!\x1a\x07\x01\0" + block(_MAIN, number(0))
    content += file_block("a.txt", bytes(16), extra=_ENCRYPTED) + block(_END, number(0))
    error = refused("a.rar", content)
    assert (error.code, "encrypted" in str(error)) == ("unreadable_content", True)


@needs(LIBARCHIVE)
def test_what_only_begins_as_an_archive() -> None:
    assert refused("a.rar", b"Rar!\x1a\x07\x01\0" + b"words and more words " * 40).code == "damaged"


def test_without_the_library_the_error_names_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libarchive, "library", lambda: None)
    error = refused("a.rar", rar_of({"a.txt": b"words"}))
    assert (error.code, error.state, "libarchive13" in str(error)) == ("missing_program", "unsupported", True)


def test_doctor_names_the_library_where_it_is_missing(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(libarchive, "library", lambda: None)
    states = {finding.subject: (finding.state, finding.remedy) for finding in examine(settings)}
    assert states["libarchive"] == ("missing", "install it (Debian, Ubuntu: apt install libarchive13)")


def test_they_are_told_by_how_they_begin() -> None:
    assert media_type_of("a", rar_of({})) == RAR
    assert media_type_of("a.txt", b"Rar!\x1a\x07\0 of version 4") == RAR
    assert media_type_of("a.rar", b"Rar! say the words") == "text/plain"

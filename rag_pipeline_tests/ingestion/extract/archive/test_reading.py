"""Archives made by real programs and libraries: what is in them, what is refused, what is read of a damaged one."""

import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.archive import limits
from rag_pipeline.ingestion.extract.archive.limits import ArchiveLimits
from rag_pipeline.ingestion.extract.archive.names import decoded_names, safe_path
from rag_pipeline.ingestion.extract.archive.reader import unpacked
from rag_pipeline.ingestion.extract.process.worker import read_document
from rag_pipeline.ingestion.extract.reading import elements_of
from rag_pipeline.ingestion.extract.source import ReadingOptions, Source
from rag_pipeline.models import Member
from rag_pipeline_tests.programs import ZIP, needs

Files = Mapping[str, bytes]


def zip_of(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def streamed_zip_of(files: Files) -> bytes:
    """As programs write into a pipe: sizes and checksums follow each file."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    stream = Pipe()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(files: Files, mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return stream.getvalue()


def seven_zip_of(files: Files, password: str | None = None, names_too: bool = False) -> bytes:
    import py7zr

    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", password=password, header_encryption=names_too) as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    return stream.getvalue()


MAKERS: dict[str, Callable[[Files], bytes]] = {
    "a.zip": zip_of,
    "streamed.zip": streamed_zip_of,
    "a.tar": tar_of,
    "a.tar.gz": lambda files: tar_of(files, "w:gz"),
    "a.tbz2": lambda files: tar_of(files, "w:bz2"),
    "a.tar.xz": lambda files: tar_of(files, "w:xz"),
    "a.tar.zst": lambda files: zstd.compress(tar_of(files), options={zstd.CompressionParameter.checksum_flag: 1}),  # as its program does
    "a.7z": seven_zip_of,
}


def look_into(name: str, content: bytes, passwords: tuple[str, ...] = (), **most: int) -> Source:
    source = Source(io.BytesIO(content), name, ReadingOptions(passwords, archives=ArchiveLimits(**most)))
    assert list(elements_of(source, media_type_of(name, content[:8192]))) == []
    return source


def hashes(members: list[Member]) -> dict[str, str | None]:
    return {member.path: member.content_hash for member in members}


def expected(files: Files) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def refused(name: str, content: bytes, **options: object) -> DocumentError:
    with pytest.raises(DocumentError) as raised:
        look_into(name, content, **options)  # type: ignore[arg-type]
    return raised.value


FILES = {"a.txt": b"words", "b/report.md": b"# Title\n" * 20_000, "b/ü.bin": os.urandom(70_000), "empty.txt": b""}


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_is_read_and_unpacked(name: str, tmp_path: Path) -> None:
    inner = {f"{name}/{path}": content for path, content in FILES.items()}
    content = MAKERS[name]({**FILES, ".hidden": b"x", "__MACOSX/._a.txt": b"x"})
    assert hashes(look_into(name, content).members) == expected(FILES)
    outer = zip_of({"x.txt": b"x", name: content})
    assert hashes(look_into("outer.zip", outer).members) == expected({"x.txt": b"x", **inner})

    (tmp_path / "outer.zip").write_bytes(outer)
    (folder := tmp_path / "files").mkdir()
    wanted = f"{name}/b/report.md"
    found = unpacked(tmp_path / "outer.zip", "outer.zip", wanted, folder, ReadingOptions(), media_type_of, lambda: None)
    assert found[wanted].read_bytes() == FILES["b/report.md"]
    assert all(path.read_bytes() == inner[member] for member, path in found.items())


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(MAKERS)), st.data())
def test_of_a_damaged_archive_nothing_is_read_wrongly_and_nothing_missing_is_unsaid(name: str, data: st.DataObject) -> None:
    """Cut off, or with other bytes somewhere: what comes out whole is what went in, and who reads the row knows that there was more."""
    files = {f"{number}.txt": bytes([65 + number]) * 5_000 + hashlib.sha256(bytes([number])).digest() * 40 for number in range(4)}
    content = bytearray(MAKERS[name](files))
    place = data.draw(st.integers(0, 99_999)) * len(content) // 100_000
    cut = data.draw(st.booleans())
    damaged = bytes(content[:place]) if cut else bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
    source = Source(io.BytesIO(damaged), name, ReadingOptions())
    try:
        list(elements_of(source, media_type_of(name, bytes(content[:8192]))))
    except DocumentError:
        return
    read = {member.content_hash for member in source.members if member.content_hash}
    whole = set(expected(files).values())
    if name == "a.tar" and not cut:  # it has no checksum of what is in it
        return
    said = source.notes or any(member.error for member in source.members) or {member.path for member in source.members} != set(files)
    assert read <= whole or source.notes
    assert read >= whole or said
    if cut and not read >= whole:
        assert source.notes


def test_names_of_any_encoding() -> None:
    assert decoded_names(["a.txt", b"caf\xc3\xa9", "Отчёт за год.pdf".encode("cp866")]) == ["a.txt", "café", "Отчёт за год.pdf"]
    for encoding, name in [
        ("cp437", "Müller/Größe.txt"),
        ("cp850", "São João.pdf"),
        ("cp1252", "Übersicht für Köln.docx"),
        ("cp1251", "Отчёт за год.pdf"),
        ("cp932", "テスト資料.txt"),
        ("gb18030", "年度报告 测试.txt"),
        ("cp949", "보고서 최종.txt"),
        ("big5", "年度報告 測試.txt"),
        ("cp737", "Αναφορά.txt"),
    ]:
        raw = name.encode(encoding)
        same_length = "x" * len(raw)
        content = zip_of({same_length: b"words"}).replace(same_length.encode(), raw)
        assert [member.path for member in look_into("a.zip", content).members] == [name], encoding
        tar = tar_of({name: b"words"}, "w") if encoding == "cp437" else b""
        assert not tar or [member.path for member in look_into("a.tar", tar).members] == [name]


@given(st.text() | st.from_regex(r"(\.\./|/|[A-Z]:\\|\\\\|\.|\x00|a){0,9}", fullmatch=True), st.booleans())
def test_no_name_leads_out_of_its_archive(name: str, windows: bool) -> None:
    path = safe_path(name, windows=windows)
    assert not path.startswith("/")
    assert not {"..", ".", ""} & set(path.split("/") if path else ["x"])
    path.encode()


def test_links_devices_and_names_that_lead_elsewhere() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, target in [
            ("../../etc/passwd", tarfile.REGTYPE, ""),
            ("/absolute.txt", tarfile.REGTYPE, ""),
            ("link.txt", tarfile.SYMTYPE, "/etc/passwd"),
            ("same.txt", tarfile.LNKTYPE, "/absolute.txt"),
            ("lost.txt", tarfile.LNKTYPE, "../../outside.txt"),
            ("null.txt", tarfile.CHRTYPE, ""),
            ("pipe.txt", tarfile.FIFOTYPE, ""),
        ]:
            header = tarfile.TarInfo(name)
            header.type, header.linkname, header.size = kind, target, 5 if kind == tarfile.REGTYPE else 0
            archive.addfile(header, io.BytesIO(b"words"))
    members = {member.path: member for member in look_into("a.tar", stream.getvalue()).members}
    assert set(members) == {"etc/passwd", "absolute.txt", "same.txt", "lost.txt"}
    assert members["same.txt"].content_hash == members["absolute.txt"].content_hash
    assert members["lost.txt"].error_code == "damaged"

    latin = tar_of({"x" * 8: b"words " * 1000}).replace(b"x" * 8, b"caf\xe9.txt")
    latin = latin.replace(latin[148:156], b"%06o\0 " % (sum(latin[:148]) + sum(latin[156:512]) + 8 * 32), 1)
    assert [member.path for member in look_into("a.tar", latin + latin[:3000]).members] == ["café.txt"]
    assert "nothing in it" in refused("a.tar", latin[:3000]).args[0].encode().decode()

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        dos = zipfile.ZipInfo("x")
        dos.create_system, dos.filename = 0, "C:\\Users\\me\\report.txt"
        archive.writestr(dos, "words")
        archive.writestr("twice.txt", "first")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("twice.txt", "second")
    source = look_into("a.zip", stream.getvalue())
    assert hashes(source.members) == expected({"Users/me/report.txt": b"words", "twice.txt": b"second"})
    assert source.notes == ["twice.txt is in it 2 times; the last one counts."]


def zeros(megabytes: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros.txt", "w") as target:
        for _ in range(megabytes):
            target.write(bytes(1 << 20))
    return stream.getvalue()


def test_bombs_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What archives say of themselves is not believed: sizes in headers are forged here."""
    monkeypatch.setattr(limits, "_ALWAYS_ALLOWED_BYTES", 4 << 20)
    flat = zeros(8)
    forged = flat.replace((8 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    nested = zip_of({f"{number}.zip": zeros(1) for number in range(7)})
    assert forged != flat
    for bomb in (flat, nested):
        assert refused("a.zip", bomb).code == "archive_bomb"
    assert look_into("a.zip", forged).members[0].error_code == "damaged"  # zipfile stops where the header says
    tar = tar_of({"zeros.txt": bytes(5 << 20)}, "w:xz")
    assert refused("a.tar.xz", tar).code == "archive_bomb"
    assert "RAG_ARCHIVE_RATIO" in str(refused("zeros.txt.xz", tar))
    monkeypatch.undo()
    assert refused("a.zip", zip_of({f"{number}.txt": b"" for number in range(11)}), files=10).code == "archive_files"
    assert refused("a.tar", tar_of({f"{number}.txt": b"" for number in range(11)}), files=10).code == "archive_files"
    assert refused("a.7z", seven_zip_of({"a.txt": bytes(3 << 20)}), unpacked_bytes=1 << 20).code in ("archive_too_large", "damaged")
    deep = zip_of({"3.zip": zip_of({"4.zip": zip_of({"x.txt": b"x"})}), "y.txt": b"y"})
    members = {member.path: member for member in look_into("a.zip", deep, depth=2).members}
    assert members["3.zip/4.zip"].error_code == "too_deep"
    assert members["y.txt"].content_hash
    large = {member.path: member for member in look_into("a.zip", zip_of({"l.txt": b"x" * 11, "s.txt": b"x"}), file_bytes=10).members}
    assert (large["l.txt"].error_code, large["s.txt"].error_code) == ("too_large", None)


def test_documents_that_are_containers_stay_documents_and_archives_inside_documents_are_named() -> None:
    word = zip_of({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}, zipfile.ZIP_STORED)
    members = look_into("a.zip", zip_of({"report.docx": word}, zipfile.ZIP_STORED)).members
    assert [(member.path, member.media_type) for member in members] == [("report.docx", media_type_of("report.docx", word))]
    assert media_type_of("renamed.zip", word) == media_type_of("report.docx", word)
    assert media_type_of("app.jar", zip_of({"META-INF/MANIFEST.MF": b"x"})) == "application/x-zip-package"
    mail = b"From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nHello there.\n--x\n"
    mail += b'Content-Disposition: attachment; filename="a.tar"\n\n'
    source = Source(io.BytesIO(mail + tar_of({"a.txt": b"words"}) + b"\n--x--\n"), "a.eml")
    assert list(elements_of(source, "message/rfc822"))
    assert "save it into the folder" in " ".join(source.notes)


def test_passwords() -> None:
    import pyzipper

    stream = io.BytesIO()
    with pyzipper.AESZipFile(stream, "w", compression=pyzipper.ZIP_DEFLATED) as archive:  # type: ignore[no-untyped-call,attr-defined]
        archive.writestr("open.txt", b"open")
        archive.setpassword(b"s3cret")
        archive.setencryption(pyzipper.WZ_AES)  # type: ignore[attr-defined]
        archive.writestr("closed.txt", b"closed")
    files = {"open.txt": b"open", "closed.txt": b"closed"}
    source = look_into("a.zip", stream.getvalue(), ("no",))
    assert {member.path: member.error_code for member in source.members} == {"open.txt": None, "closed.txt": "password_protected"}
    assert "password" in source.notes[0]
    assert hashes(look_into("a.zip", stream.getvalue(), ("no", "s3cret")).members) == expected(files)
    for names_too in (False, True):
        content = seven_zip_of(files, "s3cret", names_too)
        assert refused("a.7z", content, passwords=("no",)).code == "password_protected"
        assert hashes(look_into("a.7z", content, ("no", "s3cret")).members) == expected(files)


@needs(ZIP)
def test_a_zip_that_info_zip_encrypted(tmp_path: Path) -> None:
    files = {"a.txt": b"words " * 1000, "b.txt": os.urandom(1000)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(["zip", "-q", "-P", "s3cret", "a.zip", *files], cwd=tmp_path, check=True)
    content = (tmp_path / "a.zip").read_bytes()
    assert refused("a.zip", content, passwords=tuple(f"no{number}" for number in range(300))).code == "password_protected"
    assert hashes(look_into("a.zip", content, (*(f"no{number}" for number in range(300)), "s3cret")).members) == expected(files)


def test_without_its_library_a_7z_archive_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    error = refused("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100))
    assert (error.code, error.state) == ("missing_program", "unsupported")
    assert "rag-pipeline[archives]" in str(error)


def test_a_full_disk_is_no_fault_of_the_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rag_pipeline.ingestion.extract.process.worker import ExtractionRequest, ReadingLimits

    content = zip_of({"inner.zip": zip_of({"a.txt": os.urandom(200_000)})})
    (tmp_path / "a.zip").write_bytes(content)
    full = lambda: open("/dev/full", "w+b", buffering=0)  # noqa: E731, SIM115
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    request = ExtractionRequest("k", str(tmp_path / "a.zip"), "application/zip", hashlib.sha256(content).hexdigest())
    result = read_document(request, ReadingLimits(1 << 30))
    assert (result.error_code, result.transient) == ("disk_full", True)

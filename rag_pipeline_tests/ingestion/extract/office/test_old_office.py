"""Old Office files, and files that open with a password only."""

import io
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from rag_pipeline.cli.doctor import examine
from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import HEAD_BYTES, ReadingOptions, extract, media_type_of
from rag_pipeline.ingestion.extract.process.abilities import abilities_fingerprint
from rag_pipeline.ingestion.extract.process.libreoffice import converted, libreoffice_program
from rag_pipeline.models import Extraction
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.documents import compound_file, deck, element_with, read, texts, word_document, workbook
from rag_pipeline_tests.programs import CALC, IMPRESS, WRITER, needs


def words() -> bytes:
    return word_document(lambda document: (document.add_heading("Plan", 1), document.add_paragraph("old words")))


def encrypted(content: bytes, password: str) -> bytes:
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, target)
    return target.getvalue()


def read_with(folder: Path, name: str, content: bytes, *passwords: str) -> Extraction:
    (folder / name).write_bytes(content)
    return extract(folder / name, media_type_of(name, content[:HEAD_BYTES]), ReadingOptions(passwords=passwords))


@needs(WRITER)
def test_old_word_files(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.doc", converted(words(), "docx", "doc"))
    assert element_with(extraction, "old words").heading_path == ("Plan",)


@needs(IMPRESS)
def test_old_decks_keep_their_slide_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    extraction = read(tmp_path, "a.ppt", converted(deck(("One", "first body"), ("Two", "second body")), "pptx", "ppt"))
    assert (extraction.pages, element_with(extraction, "second body").page) == (2, 2)
    assert list(scratch.iterdir()) == []


@needs(CALC)
def test_old_workbooks(tmp_path: Path) -> None:
    rows = [["name", "value"], ["pi", 3.14159265358979], ["yes", True]]
    extraction = read(tmp_path, "a.xls", converted(workbook({"Numbers": rows, "Two": [["more"]]}), "xlsx", "xls"))
    assert texts(extraction) == ["Numbers", "name || value\npi | 3.14159265358979\nyes | TRUE", "Two", "more"]
    assert (extraction.pages, extraction.elements[-1].page) == (2, 2)


def oldest_workbook(version: int) -> bytes:
    """A text beside a number, in records alone (OpenOffice.org's documentation of the format: BOF, LABEL, NUMBER, EOF)."""
    width = 3 if version == 2 else 2
    begin = struct.pack("<HH", 0x0009 | (version - 2) * 0x200 if version < 4 else 0x0409, 4 if version == 2 else 6)
    name = (b"\x05" if version == 2 else b"\x05\0") + b"words"
    cells = [(0x0004, 0, bytes(width) + name), (0x0003, 1, bytes(width) + struct.pack("<d", 12.5))]
    written = (struct.pack("<HHHH", kind | (0x200 if version > 2 else 0), 4 + len(data), 0, column) + data for kind, column, data in cells)
    return begin + struct.pack("<HH", version, 0x10) + bytes(0 if version == 2 else 2) + b"".join(written) + struct.pack("<HH", 0x0A, 0)


@needs(CALC)
@pytest.mark.parametrize("version", [2, 3, 4])
def test_workbooks_older_than_their_containers(tmp_path: Path, version: int) -> None:
    assert "words | 12.5" in texts(read(tmp_path, "a.xls", oldest_workbook(version)))


def title_stream(title: bytes, code_page: int) -> bytes:
    """A property set of a code page and a title (MS-OLEPS 2.20 to 2.22)."""
    said = title + b"\0" * (4 - len(title) % 4)
    values = struct.pack("<IHH", 2, code_page, 0) + struct.pack("<II", 0x1E, len(title) + 1) + said
    section = struct.pack("<IIIIII", 24 + len(values), 2, 1, 24, 2, 32) + values
    form = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
    return struct.pack("<HHI16sI", 0xFFFE, 0, 0x20005, b"", 1) + form + struct.pack("<I", 48) + section


def workbook_of_excel_95(text: str, code_page: int) -> bytes:
    """A text in a sheet of its name (MS-XLS 2.4, with strings as before version 8)."""

    def record(kind: int, content: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    said = text.encode(f"cp{code_page}")
    begin, end = struct.pack("<HHHH", 0x0500, 5, 0, 0), record(0x000A)
    start = record(0x0809, begin) + record(0x0042, struct.pack("<H", code_page))
    place = len(start) + 4 + 7 + len(said) + len(end)
    globals_ = start + record(0x0085, struct.pack("<IHB", place, 0, len(said)) + said) + end
    cell = record(0x0204, struct.pack("<HHHH", 0, 0, 0, len(said)) + said)
    summary = title_stream(f"About {text}".encode(f"cp{code_page}"), code_page)
    return compound_file(
        {"\x05SummaryInformation": summary, "Book": globals_ + record(0x0809, begin[:2] + b"\x10" + begin[3:]) + cell + end}
    )


@needs(CALC)
@pytest.mark.parametrize(("text", "code_page"), [("全文検索", 932), ("中文", 936), ("한국어", 949), ("中文", 950), ("größer", 1252)])
def test_workbooks_of_excel_95_in_every_code_page(tmp_path: Path, text: str, code_page: int) -> None:
    assert texts(read(tmp_path, "a.xls", workbook_of_excel_95(text, code_page))) == [f"Title: About {text}", text, text]


@needs(CALC)
def test_a_workbook_of_two_cells_far_apart(tmp_path: Path) -> None:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.worksheets[0]["A1"], book.worksheets[0]["IV65536"] = "here", "there"
    book.save(buffer)
    assert texts(read(tmp_path, "a.xls", converted(buffer.getvalue(), "xlsx", "xls"))) == ["Sheet", "here", "there"]


@needs(CALC)
@pytest.mark.parametrize("name", ["xls", "ods"])
def test_what_one_library_gives_up_is_read_by_libreoffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class PanicException(BaseException): ...

    def panics(_: object) -> None:
        raise PanicException("no entry found for key")

    content = converted(workbook({"Numbers": [["some", "words"], ["and", 3.5]]}), "xlsx", name)
    monkeypatch.setattr("python_calamine.load_workbook", panics)
    assert texts(read(tmp_path, f"a.{name}", content)) == ["Numbers", "some || words\nand | 3.5"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DocumentError, match="no entry found for key"):
        read(tmp_path, f"a.{name}", content)


@needs(CALC)
def test_bytes_are_no_text_of_a_workbook(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.xls", compound_file({"Workbook": b"no,records\nof,any,kind\n" * 40}))
    assert raised.value.code == "damaged"


@needs(CALC)
def test_numbers_of_old_workbooks_keep_what_is_shown_around_them(tmp_path: Path) -> None:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    book.create_sheet("Plain")["B2"] = 0.5
    for column, (value, code) in enumerate([(0.075, "0.00%"), (12.5, '#,##0.00 "kg"'), (1234, "00000"), (3, "General")], 2):
        sheet.cell(3, column, value).number_format = code
    book.save(buffer)
    assert texts(read(tmp_path, "a.xls", converted(buffer.getvalue(), "xlsx", "xls"))) == [
        "Sheet",
        "7.5% | 12.5 kg | 01234 | 3",
        "Plain",
        "0.5",
    ]


COMPONENTS = {"writer": "libswlo.so", "impress": "libsdlo.so", "calc": "libsclo.so"}


@pytest.fixture
def libreoffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A LibreOffice as Debian lays it out, with these components; its program fails as the real one does."""

    def install(*components: str) -> Path:
        root = tmp_path / "libreoffice"
        for folder in ("program", "share/registry"):
            (root / folder).mkdir(parents=True)
        for component in components:
            (root / "share/registry" / f"{component}.xcd").touch()
            (root / "program" / COMPONENTS[component]).touch()
        for name in ("soffice", "soffice.bin"):
            (root / "program" / name).write_text("#!/bin/sh\necho 'Error: source file could not be loaded' >&2\n")
            (root / "program" / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{root}/program:/bin")
        return root

    return install


@pytest.mark.parametrize(
    ("installed", "name", "content", "missing"),
    [
        ((), "a.doc", {"WordDocument": b"x"}, "writer"),
        (("calc",), "a.doc", {"WordDocument": b"x"}, "writer"),
        (("writer", "calc"), "a.ppt", {"PowerPoint Document": b"x"}, "impress"),
        (("impress",), "a.ppt", {"PowerPoint Document": b"x"}, None),
        (("writer",), "a.doc", {"WordDocument": b"x"}, None),
    ],
)
def test_a_component_of_libreoffice_that_is_missing_is_named(
    tmp_path: Path, libreoffice: Callable[..., Path], installed: tuple[str, ...], name: str, content: dict[str, bytes], missing: str | None
) -> None:
    libreoffice(*installed)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, name, compound_file(content))
    if missing:
        assert (raised.value.code, raised.value.state) == ("missing_program", "unsupported")
        assert f"apt install libreoffice-{missing}-nogui" in str(raised.value)
    else:
        assert raised.value.code == "unreadable_content"


@pytest.mark.parametrize(
    ("program", "detail"), [("exit 0", ""), ("kill -11 $$", "exit code -11"), ("echo out of handles >&2; exit 3", "handles")]
)
@pytest.mark.parametrize(("stream", "component"), [("WordDocument", "writer"), ("PowerPoint Document", "impress")])
def test_what_libreoffice_cannot_load_says_what_to_do(
    tmp_path: Path, libreoffice: Callable[..., Path], program: str, detail: str, stream: str, component: str
) -> None:
    (libreoffice(component) / "program" / "soffice.bin").write_text(f"#!/bin/sh\n{program}\n")
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.old", compound_file({stream: b"x"}))
    modern = "docx" if component == "writer" else "pptx"
    wanted = f"LibreOffice could not read the file: it may be damaged. Open it in its program and save it as .{modern}."
    assert (raised.value.code, str(raised.value)[: len(wanted)]) == ("unreadable_content", wanted)
    assert detail in str(raised.value)


def test_a_removed_package_may_leave_its_settings_behind(libreoffice: Callable[..., Path]) -> None:
    """Debian keeps what is below /etc, and LibreOffice's registry is there, until the package is purged."""
    (libreoffice("writer") / "program" / "libswlo.so").unlink()
    assert libreoffice_program("writer") is None


def test_documents_are_read_again_once_a_component_is_there(tmp_path: Path, libreoffice: Callable[..., Path], settings: Settings) -> None:
    root = libreoffice("calc")
    before = abilities_fingerprint(settings)
    for path in (root / "program" / "libswlo.so", root / "share/registry/writer.xcd"):
        path.touch()
    assert abilities_fingerprint(settings) != before


def test_doctor_names_the_component_that_is_missing(libreoffice: Callable[..., Path], settings: Settings) -> None:
    libreoffice("writer")
    states = {finding.subject: (finding.state, finding.remedy) for finding in examine(settings)}
    assert states["LibreOffice Writer"] == ("ok", "")
    for component in ("Impress", "Calc", "Draw"):
        remedy = f"install it (Debian, Ubuntu: apt install libreoffice-{component.lower()}-nogui)"
        assert states[f"LibreOffice {component}"] == ("missing", remedy)


def test_without_libreoffice_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.process.libreoffice.find_program", lambda *names: None)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.doc", compound_file({"WordDocument": b"x"}))
    assert (raised.value.code, raised.value.state) == ("missing_program", "unsupported")
    assert "apt install libreoffice-writer-nogui" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.docx", words()), ("a.pptx", deck(("Title", "old words"))), ("a.xlsx", workbook({"S": [["old words"]]})), ("a.bin", words())],
)
def test_a_listed_password_opens_a_file(tmp_path: Path, name: str, content: bytes) -> None:
    assert element_with(read_with(tmp_path, name, encrypted(content, "s3cret ☂"), "wrong", "s3cret ☂"), "old words")


def test_without_the_password_the_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read_with(tmp_path, "a.docx", encrypted(words(), "s3cret"), "wrong")
    assert raised.value.code == "password_protected"
    assert "RAG_PASSWORDS_FILE" in str(raised.value)


@needs(CALC)
def test_errors_of_old_workbooks_are_what_cells_show(tmp_path: Path) -> None:
    rows = [["name", "value"], ["a", "=1/0"], ["b", "=NA()"], ["c", '=VALUE("x")'], ["d", "#REF!"], ["e", 3.5]]
    assert texts(read(tmp_path, "a.xls", converted(workbook({"S": rows}), "xlsx", "xls")))[-1] == (
        "name || value\na | #DIV/0!\nb | #N/A\nc | #VALUE!\nd | #REF!\ne | 3.5"
    )

"""Old Office files, and files that open with a password only."""

import io
import tempfile
from pathlib import Path

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import HEAD_BYTES, ReadingOptions, extract, media_type_of
from rag_pipeline.ingestion.extract.libreoffice import converted
from rag_pipeline.models import Extraction
from rag_pipeline_tests.ingestion.extract.documents import deck, element_with, read, texts, word_document, workbook
from rag_pipeline_tests.ingestion.extract.programs import needs_libreoffice


def words() -> bytes:
    return word_document(lambda document: (document.add_heading("Plan", 1), document.add_paragraph("old words")))


def encrypted(content: bytes, password: str) -> bytes:
    target = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, target)
    return target.getvalue()


def read_with(folder: Path, name: str, content: bytes, *passwords: str) -> Extraction:
    (folder / name).write_bytes(content)
    return extract(folder / name, media_type_of(name, content[:HEAD_BYTES]), ReadingOptions(passwords=passwords))


@needs_libreoffice
def test_old_word_files(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.doc", converted(words(), "docx", "doc"))
    assert element_with(extraction, "old words").heading_path == ("Plan",)


@needs_libreoffice
def test_old_decks_keep_their_slide_numbers(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.ppt", converted(deck(("One", "first body"), ("Two", "second body")), "pptx", "ppt"))
    assert (extraction.pages, element_with(extraction, "second body").page) == (2, 2)
    assert list(Path(tempfile.gettempdir()).glob("**/document.ppt")) == []


@needs_libreoffice
def test_old_workbooks(tmp_path: Path) -> None:
    rows = [["name", "value"], ["pi", 3.14159265358979], ["yes", True]]
    extraction = read(tmp_path, "a.xls", converted(workbook({"Numbers": rows, "Two": [["more"]]}), "xlsx", "xls"))
    assert texts(extraction) == ["Numbers", "name | value\npi | 3.14159265358979\nyes | TRUE", "Two", "more"]
    assert (extraction.pages, extraction.elements[-1].page) == (2, 2)


def test_without_libreoffice_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag_pipeline_tests.ingestion.extract.documents import compound_file

    monkeypatch.setattr("rag_pipeline.ingestion.extract.libreoffice.find_program", lambda *names: None)
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

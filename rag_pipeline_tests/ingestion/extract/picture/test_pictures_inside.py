"""Scans that were pasted into Office documents."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pptx
import pytest
from PIL import Image

from rag_pipeline.errors import DocumentError
from rag_pipeline_tests.ingestion.extract.documents import open_document, read, texts
from rag_pipeline_tests.ingestion.extract.picture.test_picture import SENTENCE, picture, saved
from rag_pipeline_tests.programs import TESSERACT, needs

SCAN = saved(picture(SENTENCE), "png")
LETTER = "A letter with enough words of its own that the picture beside it is only an ornament."


def word(text: str, *scans: bytes) -> bytes:
    document, buffer = docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    for scan in scans:
        document.add_picture(io.BytesIO(scan))
    document.save(buffer)
    return buffer.getvalue()


def deck(*slides: tuple[str, bytes]) -> bytes:
    presentation, buffer = pptx.Presentation(), io.BytesIO()
    for title, scan in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = title
        slide.shapes.add_picture(io.BytesIO(scan), 0, 0)
    presentation.save(buffer)
    return buffer.getvalue()


def open_text(text: str, scan: bytes) -> bytes:
    image = '<draw:frame><draw:image xmlns:x="http://www.w3.org/1999/xlink" x:href="Pictures/1.png"/></draw:frame>'
    buffer = io.BytesIO(open_document("text", f"<text:p>{text}{image}</text:p>"))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("Pictures/1.png", scan)
    return buffer.getvalue()


@needs(TESSERACT)
@pytest.mark.parametrize(("name", "made"), [("a.docx", word), ("a.odt", open_text)])
def test_a_scan_in_a_document_without_text_is_read(tmp_path: Path, name: str, made: Callable[[str, bytes], bytes]) -> None:
    assert texts(read(tmp_path, name, made("Scan:", SCAN))) == ["Scan:", SENTENCE]
    assert texts(read(tmp_path, name, made(LETTER, SCAN))) == [LETTER]


@needs(TESSERACT)
def test_a_slide_that_is_a_picture_is_read_as_that_slide(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.pptx", deck((LETTER, SCAN), ("", SCAN), ("Plan", saved(picture(), "png"))))
    assert [(element.text, element.page) for element in extraction.elements] == [(LETTER, 1), (SENTENCE, 2), ("Plan", 3)]
    assert extraction.notes == ()


def test_without_tesseract_the_rest_is_read_and_the_package_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.picture.ocr.find_program", lambda *names: None)
    extraction = read(tmp_path, "a.pptx", deck((LETTER, SCAN), ("", SCAN)))
    assert texts(extraction) == [LETTER]
    assert "slide 2 was not read" in extraction.notes[0]
    assert "apt install tesseract-ocr" in extraction.notes[0]
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "b.docx", word("", SCAN))
    assert (raised.value.code, raised.value.state) == ("missing_program", "unsupported")


@needs(TESSERACT)
def test_a_picture_that_cannot_be_read_is_in_the_notes(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (30_000, 4_000)).save(buffer, "png")
    extraction = read(tmp_path, "a.docx", word("Plan", buffer.getvalue(), SCAN))
    assert texts(extraction) == ["Plan", SENTENCE]
    assert "more than can be read safely" in extraction.notes[0]

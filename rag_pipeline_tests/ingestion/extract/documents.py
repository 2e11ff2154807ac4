"""Small documents of every format, made in code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.document import Document

from rag_pipeline.ingestion.extract import HEAD_BYTES, extract, media_type_of
from rag_pipeline.models import Element, Extraction

WORDS = "The quick brown fox jumps over the lazy dog."


def read(folder: Path, name: str, content: bytes) -> Extraction:
    """Write a file and extract it as the product does: type by name and content."""
    path = folder / name
    path.write_bytes(content)
    return extract(path, media_type_of(name, content[:HEAD_BYTES]))


def texts(extraction: Extraction) -> list[str]:
    return [element.text for element in extraction.elements]


def element_with(extraction: Extraction, words: str) -> Element:
    """The only element that holds these words."""
    (found,) = [element for element in extraction.elements if words in element.text]
    return found


def word_document(fill: Callable[[Document], object]) -> bytes:
    document = docx.Document()
    fill(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def deck(*slides: tuple[str, str]) -> bytes:
    """Slides of a title and a body each."""
    presentation = pptx.Presentation()
    for title, body in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title  # type: ignore[union-attr]
        slide.placeholders[1].text = body  # type: ignore[attr-defined]
        slide.notes_slide.notes_text_frame.text = f"Notes on {title}"  # type: ignore[union-attr]
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def workbook(sheets: dict[str, Iterable[Iterable[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def changed_archive(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """An archive with its parts passed through a function."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in archive.namelist():
            target.writestr(name, change(name, archive.read(name)))
    return buffer.getvalue()


def pdf(*pages: str, rotate: int = 0) -> bytes:
    """A PDF with a content stream for each page; the font /F is Helvetica, /I a picture of one black pixel."""
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 1 >>\n"
        "stream\n0\nendstream",
    ]
    for number, content in enumerate(pages):
        resources = "<< /Font << /F 3 0 R >> /XObject << /I 4 0 R >> >>"
        box = f"/MediaBox [0 0 600 800] /Rotate {rotate}"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Resources {resources} /Contents {6 + 2 * number} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    return _pdf_file(objects)


def line(text: str, down: float, size: float = 12, left: float = 60) -> str:
    """The operators that show a line of text, ``down`` points from the top of the page."""
    return f"BT /F {size} Tf {left} {800 - down} Td ({text}) Tj ET\n"


PICTURE = "q 500 0 0 700 50 50 cm /I Do Q\n"


def _pdf_file(objects: list[str]) -> bytes:
    body = b"%PDF-1.4\n"
    places = []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    return body + f"{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n".encode()

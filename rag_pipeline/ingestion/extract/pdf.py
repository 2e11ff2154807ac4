"""PDF files with a text layer, through pdfium.

Belongs here: opening, pages, their characters and where they stand, and what cannot be read. Not here: paragraphs (``pdf_layout``).
pdfium is not thread-safe: one process reads one file at a time, in one thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.decoding import clean_text
from rag_pipeline.ingestion.extract.pdf_layout import Line, elements_of_lines
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_DEVICE = 100_000
"""Pixels of the square that pdfium maps a page onto; only fractions of it are used."""
_FEW_LETTERS = 25
"""A page with fewer letters and a picture is taken for a scan with a stamp or page number on it."""
_HYPHEN = 0x02
"""What pdfium gives for a hyphen at the end of a line, in place of hyphen and line break."""
_LINE_ENDS = (0x0A, 0x0D, _HYPHEN)


@dataclass(slots=True)
class _Findings:
    lines: list[Line] = field(default_factory=list)
    without_text: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)


def read_pdf(source: Source) -> Iterator[Element]:
    """Paragraphs and headings page by page, with the place of every line. Pages are numbered from 1.

    Pages that show pictures but have no text, and pages that cannot be loaded, are named in the notes.

    Raises:
        DocumentError: ``damaged``, ``password_protected``, ``no_text_layer`` (only pictures), ``empty`` (only blank pages).
    """
    pdf = _open(source.stream)
    source.pages = pages = len(pdf)
    findings = _Findings()
    for number in range(1, pages + 1):
        _read_page(pdf, number, findings)
    pdf.close()
    if not findings.lines:
        raise _nothing(pages, findings)
    source.notes.extend(_notes(findings))
    yield from elements_of_lines(findings.lines)


def _open(stream: BinaryIO) -> PdfDocument:
    import pypdfium2

    content = stream.read()
    # pdfium looks for the header in the first kilobyte only.
    content = content[max(content.find(b"%PDF-"), 0) :]
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise DocumentError("password_protected", "The PDF is protected with a password. Save a copy without one.") from None
        message = f"The PDF is damaged ({error}). Open it in a PDF viewer and save or print it again as PDF."
        raise DocumentError("damaged", message) from None


def _read_page(pdf: PdfDocument, number: int, findings: _Findings) -> None:
    import pypdfium2

    try:
        page = pdf[number - 1]
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        findings.unreadable.append(number)
        return
    lines = list(_lines(page, textpage, number))
    findings.lines += lines
    letters = sum(character.isalnum() for line in lines for character in line.text)
    if letters < _FEW_LETTERS and _shows_more(page, anything=not letters):
        findings.without_text.append(number)
    textpage.close()
    page.close()


def _shows_more(page: PdfPage, anything: bool) -> bool:
    """Whether a page shows pictures; with ``anything``, also drawings, which letters may have been turned into."""
    import pypdfium2.raw as pdfium

    kinds = None if anything else [pdfium.FPDF_PAGEOBJ_IMAGE]
    return next(iter(page.get_objects(filter=kinds, max_depth=4)), None) is not None


def _lines(page: PdfPage, textpage: PdfTextPage, number: int) -> Iterator[Line]:
    import pypdfium2.raw as pdfium

    codes = [pdfium.FPDFText_GetUnicode(textpage.raw, index) for index in range(textpage.count_chars())]
    for start, end in _line_spans(codes):
        text = " ".join(clean_text("".join(map(chr, codes[start:end]))).split())
        if text:
            left, top, right, bottom = _place(page, textpage, start, end)
            hyphenated = end < len(codes) and codes[end] == _HYPHEN
            yield Line(text, number, left, top, right, bottom, _size(textpage, codes, start, end), hyphenated)


def _line_spans(codes: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index, code in enumerate([*codes, 0x0A]):
        if code in _LINE_ENDS:
            if index > start:
                yield start, index
            start = index + 1


def _place(page: PdfPage, textpage: PdfTextPage, start: int, end: int) -> tuple[float, float, float, float]:
    """Where characters stand: left, top, right, bottom as fractions of the page as it is shown, rotation and cropping applied."""
    rectangles = [textpage.get_rect(index) for index in range(textpage.count_rects(start, end - start))]
    if not rectangles:
        return 0.0, 0.0, 0.0, 0.0
    lefts, bottoms, rights, tops = zip(*rectangles, strict=True)
    one, other = _shown_at(page, min(lefts), max(tops)), _shown_at(page, max(rights), min(bottoms))
    across, down = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return across[0], down[0], across[1], down[1]


def _shown_at(page: PdfPage, x: float, y: float) -> tuple[float, float]:
    import pypdfium2.raw as pdfium

    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, _DEVICE, _DEVICE, 0, x, y, across, down)
    return tuple(min(max(value.value / _DEVICE, 0.0), 1.0) for value in (across, down))  # type: ignore[return-value]


def _size(textpage: PdfTextPage, codes: Sequence[int], start: int, end: int) -> float:
    """Height of the line's font in points, as it is shown: the size that a font states may be scaled by the page."""
    import pypdfium2.raw as pdfium

    index = next((index for index in range(start, end) if codes[index] > 0x20), start)
    box: Any = pdfium.FS_RECTF()
    found = pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box)
    return round(float(box.top - box.bottom) * 2) / 2 if found else 0.0


def _nothing(pages: int, findings: _Findings) -> DocumentError:
    if findings.without_text:
        message = "The PDF has no text layer: its pages are pictures. Scanned pages need OCR, which is not supported yet."
        return DocumentError("no_text_layer", message, state="unsupported")
    if findings.unreadable or not pages:
        return DocumentError("damaged", "No page of the PDF can be loaded. Open it in a PDF viewer and save it again.")
    return DocumentError("empty", "The PDF holds no text and no pictures.", state="empty")


def _notes(findings: _Findings) -> Iterator[str]:
    if findings.without_text:
        yield f"{_named(findings.without_text)} without a text layer: scanned pages need OCR, which is not supported yet."
    if findings.unreadable:
        yield f"{_named(findings.unreadable)} damaged and not read."


def _named(pages: Sequence[int]) -> str:
    """``Page 3 is``, ``Pages 1-4, 9 are``."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][1] == page - 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
    return f"Page {shown} is" if len(pages) == 1 else f"Pages {shown} are"

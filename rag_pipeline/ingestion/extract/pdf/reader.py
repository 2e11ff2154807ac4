"""PDF files, through pdfium; pages without a usable text layer by OCR.

Belongs here: opening, the order of pages, what cannot be read. Not here: one page (``pdf_page``), paragraphs (``pdf_layout``).
pdfium is not thread-safe: one process reads one file at a time, in one thread.
"""

from __future__ import annotations

import logging
import pickle
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Self

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.inside import elements_inside
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.pdf.dynamic_form import form_texts
from rag_pipeline.ingestion.extract.pdf.furniture import repeated_lines
from rag_pipeline.ingestion.extract.pdf.layout import Line, Style, elements_of_lines, heading_levels, letters_by_style
from rag_pipeline.ingestion.extract.pdf.meaning import is_said
from rag_pipeline.ingestion.extract.pdf.page import Page, page_picture, read_page
from rag_pipeline.ingestion.extract.pdf.tables import tables_among
from rag_pipeline.ingestion.extract.picture.ocr import check_tesseract, read_picture_lines
from rag_pipeline.ingestion.extract.source import Source, password_protected
from rag_pipeline.models import Element, ElementKind, page_runs

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_WINDOW = 500
"""Pages that are laid out together: few enough for any memory."""
_MOST_ATTACHMENTS = 1000
_DOUBTS = 3
"""After so many pages that look like no language, and say what they show, the document is believed: each look costs seconds."""
_MOST_UNREADABLE = 200
"""A file may claim a million pages; after this many missing ones in a row the rest is taken for missing too."""


@dataclass(slots=True)
class _Findings:
    """Numbers of pages by what became of them."""

    without_text: list[int] = field(default_factory=list)
    by_ocr: int = 0
    unchecked: list[int] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    vindicated: int = 0
    """How many pages whose text looked like no language say what they show all the same."""
    ocr_error: DocumentError | None = None
    check_error: DocumentError | None = None
    not_reached: int = 0
    files: list[tuple[str, bytes]] = field(default_factory=list)
    """Attached to places on pages."""


@dataclass(frozen=True, slots=True)
class _Window:
    """Pages, and which of all their lines are repeated ones."""

    pages: list[Page]
    repeated: dict[int, ElementKind | None]

    def body(self) -> list[Line]:
        """The lines that are not repeated."""
        lines = (line for page in self.pages for line in page.lines)
        return [line for index, line in enumerate(lines) if index not in self.repeated]


class _Windows:
    """The pages of a document until the sizes of all its letters are known. All windows but the last wait in a temporary file."""

    def __init__(self) -> None:
        self.letters: Counter[Style] = Counter()
        self._last: _Window | None = None
        self._stored = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving the context

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, window: _Window) -> None:
        """Keep a window, and count its letters."""
        self.letters += letters_by_style(window.body())
        if self._last is not None:
            pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
            self._stored += 1
        self._last = window

    def __iter__(self) -> Iterator[_Window]:
        self._file.seek(0)
        for _ in range(self._stored):
            yield pickle.load(self._file)  # noqa: S301 - written by this object, in this process
        if self._last is not None:
            yield self._last


def read_pdf(source: Source) -> Iterator[Element]:
    """Paragraphs and headings page by page, with the place of every line, then comments; attached files last.

    Repeated headers and footers are given once. Scanned pages on which nothing could be read, and damaged pages, are in the notes.

    Raises:
        DocumentError: ``damaged``, ``password_protected``, ``missing_program`` (only pictures, and no Tesseract), ``empty``.
    """
    pdf = open_pdf(source)
    source.pages = len(pdf)
    findings = _Findings()
    found = False
    for element in with_properties(_properties(pdf), _all(pdf, source, findings), source.name, page=1):
        found = True
        yield element
    pdf.close()
    if not found:
        raise _nothing(findings)
    source.notes.extend(_notes(findings))


def _all(pdf: PdfDocument, source: Source, findings: _Findings) -> Iterator[Element]:
    import pypdfium2.raw as pdfium

    if pdf.get_formtype() in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
        on_pages = list(_text(pdf, source, findings))
        yield from on_pages
        with source.part("The form that the PDF leaves to its reader to draw"):
            yield from _only_in_form(form_texts(pdf), on_pages)
    else:
        yield from _text(pdf, source, findings)
    yield from _attached(pdf, source, findings)


def _only_in_form(texts: Iterable[str], on_pages: Iterable[Element]) -> Iterator[Element]:
    """What the pages do not show: most forms are on them too."""
    said = _bare(" ".join(element.text for element in on_pages))
    return (Element("NarrativeText", text) for text in texts if _bare(text) not in said)


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _text(pdf: PdfDocument, source: Source, findings: _Findings) -> Iterator[Element]:
    outline = Outline()
    with _Windows() as windows:
        for start in range(1, len(pdf) + 1, _WINDOW):
            windows.add(_window(list(_pages(pdf, range(start, min(start + _WINDOW, len(pdf) + 1)), source, findings))))
            if findings.not_reached:
                break
        levels = heading_levels(windows.letters)
        for window in windows:
            yield from _elements(window, outline, levels)


def open_pdf(source: Source) -> PdfDocument:
    """The document, opened with one of the listed passwords where it needs one.

    Raises:
        DocumentError: ``damaged``, ``password_protected``.
    """
    import pypdfium2

    # It advises to build it with support for XFA forms, which are read here without.
    logging.getLogger("pypdfium2").setLevel(logging.ERROR)
    for password in (None, *source.options.passwords):
        try:
            pdf = pypdfium2.PdfDocument(_file(source), password)
            with source.part("What is filled into its fields"):
                pdf.init_forms()  # draws it where the program that filled it in left that to its reader
            return pdf
        except pypdfium2.PdfiumError as error:
            if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
                continue
            if error.err_code == pypdfium2.raw.FPDF_ERR_SECURITY:
                message = "The PDF is protected in a way that only its own viewer opens. Print it there as a new PDF."
                raise DocumentError("password_protected", message) from None
            message = f"The PDF is damaged ({error}). Open it in a PDF viewer and save or print it again as PDF."
            raise DocumentError("damaged", message) from None
    raise password_protected("The PDF")


def _properties(pdf: PdfDocument) -> dict[str, str]:
    stated = pdf.get_metadata_dict(skip_empty=True)
    return {name: stated.get(name, "") for name in ("Title", "Author", "Subject", "Keywords")}


def _attached(pdf: PdfDocument, source: Source, findings: _Findings) -> Iterator[Element]:
    """The files that are attached to the document, each under its name."""
    import pypdfium2

    for index in range(min(pdf.count_attachments(), _MOST_ATTACHMENTS)):
        name = f"attachment {index + 1}"
        try:
            attachment = pdf.get_attachment(index)
            name = " ".join(clean_text(attachment.get_name()).split()) or name
            content = bytes(attachment.get_data())
        except (pypdfium2.PdfiumError, UnicodeDecodeError) as error:
            source.notes.append(f"{name}, a file inside it, was not read: {error}")
            continue
        source.more_time()
        yield from elements_inside(source, content, name)
    for number, (name, content) in enumerate(findings.files, 1):
        source.more_time()
        yield from elements_inside(source, content, name or f"attached file {number}")


def _file(source: Source) -> object:
    """By its path where that is possible: a large file is then read page by page."""
    source.stream.seek(0)
    if source.path is not None and source.stream.read(5) == b"%PDF-":
        return source.path
    source.stream.seek(0)
    content = source.stream.read()
    # pdfium looks for the header in the first kilobyte only.
    return content[max(content.find(b"%PDF-"), 0) :]


def _pages(pdf: PdfDocument, numbers: range, source: Source, findings: _Findings) -> Iterator[Page]:
    for number in numbers:
        try:
            page = read_page(pdf, number)
            if page and page.needs_ocr:
                page = _with_ocr(pdf, page, source, findings)
            elif page and page.doubtful and findings.vindicated < _DOUBTS:
                page = _as_shown(pdf, page, source, findings)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a library makes of one page, the others are read
            findings.failed.append(f"Page {number} was not read: {type(error).__name__}: {error}")
            continue
        if page is None:
            findings.unreadable.append(number)
            if findings.unreadable[-_MOST_UNREADABLE:] == list(range(number - _MOST_UNREADABLE + 1, number + 1)):
                findings.not_reached = len(pdf) - number
                return
            continue
        findings.files += page.files[: _MOST_ATTACHMENTS - len(findings.files)]
        page.files.clear()  # pages wait in a file
        yield page


def _with_ocr(pdf: PdfDocument, page: Page, source: Source, findings: _Findings) -> Page:
    """The page as OCR reads it, where that is more than its text layer says."""
    findings.without_text.append(page.number)
    if findings.ocr_error is not None:
        return page
    try:
        check_tesseract(source, "Reading scanned pages")
        source.more_time()
        lines = read_picture_lines(page_picture(pdf, page.number), source, page.number)
    except DocumentError as error:
        if error.code == "missing_program":  # no other page will fare better
            findings.ocr_error = error
        return page
    finally:
        source.more_time()
    if _letters(lines) <= _letters(page.lines):
        return page
    findings.without_text.pop()
    findings.by_ocr += 1
    return replace(page, lines=lines, needs_ocr=False, grids=[])


def _as_shown(pdf: PdfDocument, page: Page, source: Source, findings: _Findings) -> Page:
    """The page as OCR reads it, where that is clear and none of it stands in the page's text."""
    source.more_time()
    try:
        check_tesseract(source, "Reading scanned pages")
        lines = read_picture_lines(page_picture(pdf, page.number), source, page.number, surely=True)
    except DocumentError as error:  # unlike a scan, the page has a text that may be right
        findings.unchecked.append(page.number)
        findings.check_error = error
        return page
    finally:
        source.more_time()
    if is_said(lines, page.lines):
        findings.vindicated += bool(lines)
        return page
    findings.by_ocr += 1
    return replace(page, lines=lines, grids=[])


def _letters(lines: Sequence[Line]) -> int:
    return sum(character.isalnum() for line in lines for character in line.text)


def _window(pages: list[Page]) -> _Window:
    return _Window(pages, repeated_lines([line for page in pages for line in page.lines]))


def _elements(window: _Window, outline: Outline, levels: Mapping[Style, int]) -> Iterator[Element]:
    """The paragraphs of the pages, each page's headers before them, and its remarks and footers after them."""
    lines = [line for page in window.pages for line in page.lines]
    edges: dict[tuple[int, ElementKind], list[Line]] = defaultdict(list)
    for index, kind in sorted(window.repeated.items()):
        if kind is not None:
            edges[lines[index].page, kind].append(lines[index])
    path = outline.path
    body = window.body()
    tables = tables_among(body, levels, {page.number: page.grids for page in window.pages if page.grids})
    elements = elements_of_lines(body, outline, levels, tables)
    by_page = {number: list(group) for number, group in groupby(elements, key=lambda element: element.page)}
    for page in window.pages:
        yield from _edge(edges[page.number, "Header"], "Header", path)
        for element in by_page.get(page.number, ()):
            path = element.path_below
            yield element
        yield from (Element("NarrativeText", remark, page.number, path) for remark in page.remarks)
        yield from _edge(edges[page.number, "Footer"], "Footer", path)


def _edge(lines: Sequence[Line], kind: ElementKind, path: tuple[str, ...]) -> Iterator[Element]:
    return (Element(kind, line.text, line.page, path, (line.box(0),)) for line in lines)


def _nothing(findings: _Findings) -> DocumentError:
    if findings.ocr_error is not None:
        return findings.ocr_error
    if findings.failed and not findings.without_text:
        return DocumentError("unreadable_content", findings.failed[0])
    if findings.unreadable and not findings.without_text:
        return DocumentError("damaged", "No page of the PDF can be loaded. Open it in a PDF viewer and save it again.")
    if findings.without_text:
        return DocumentError("empty", "The PDF's pages are pictures in which OCR found no text.", state="empty")
    return DocumentError("empty", "The PDF holds no text and no pictures.", state="empty")


def _notes(findings: _Findings) -> Iterator[str]:
    if findings.without_text and findings.ocr_error is not None:
        yield f"{_named(findings.without_text)} without text. {findings.ocr_error}"
    elif findings.without_text:
        yield f"{_named(findings.without_text)} without text, and OCR found none in the picture."
    if findings.unchecked:
        yield f"{_named(findings.unchecked)} in letters that may not be those that are shown. {findings.check_error}"
    if findings.unreadable:
        beyond = f", like the {findings.not_reached:,} pages after them" if findings.not_reached else ""
        yield f"{_named(findings.unreadable)} damaged and not read{beyond}."
    yield from findings.failed


def _named(pages: Sequence[int]) -> str:
    """``Page 3 is``, ``Pages 1-4, 9 are``."""
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in page_runs(pages))
    return f"Page {shown} is" if len(pages) == 1 else f"Pages {shown} are"

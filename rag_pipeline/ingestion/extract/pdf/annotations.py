"""What stands on or beside the page of a PDF without being its text: comments, attached files, descriptions of its figures.

Belongs here: annotations (ISO 32000-1, 12.5) and alternative texts (14.9.3). Not here: lines of text (``page``), forms that are drawn by
their reader only (``dynamic_form``).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.picture.pictures_inside import description

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_MOST_ANNOTATIONS = 5000
_MOST_PARTS = 20_000
"""Elements of a page's structure; a page of small print has a thousand."""
_DEEPEST_PART = 60
_DESCRIBED = ("Figure", "Formula", "Chart", "Diagram")
"""Kinds of structure whose alternative text says what is drawn (14.8.4.5); that of others stands for text that the page shows."""


@dataclass(slots=True)
class Beside:
    """Comments and descriptions as they are to be read, attached files by name, and whether anything is drawn on top of the page."""

    remarks: list[str] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    drawn: bool = False


def beside_text(pdf: PdfDocument, page: PdfPage) -> Beside:
    """What a page says beside its text."""
    import pypdfium2.raw as pdfium

    found = Beside()
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MOST_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, index)
        _take(pdf, annotation, found)
        pdfium.FPDFPage_CloseAnnot(annotation)
    if pdf.is_tagged():
        found.remarks += dict.fromkeys(_descriptions(page))
    return found


def _take(pdf: PdfDocument, annotation: Any, found: Beside) -> None:
    import pypdfium2.raw as pdfium

    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium.FPDF_ANNOT_WIDGET:
        found.drawn = True
        return
    if kind == pdfium.FPDF_ANNOT_FILEATTACHMENT:
        found.files += _attached(pdf, annotation)
    if kind in (pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP) and _has_appearance(annotation):
        found.drawn = True
    elif kind not in (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP):
        written = _text_of(annotation, b"Contents")
        author = _text_of(annotation, b"T")
        found.remarks += [f"Comment by {author}: {written}" if author else f"Comment: {written}"] if written else []


def _has_appearance(annotation: Any) -> bool:
    import pypdfium2.raw as pdfium

    return bool(pdfium.FPDFAnnot_GetAP(annotation, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0) > ctypes.sizeof(pdfium.FPDF_WCHAR))


def _text_of(annotation: Any, key: bytes) -> str:
    import pypdfium2.raw as pdfium

    return _written(lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, size))


def _written(get: Callable[[Any, int], int]) -> str:
    """What one of pdfium's functions writes into a buffer, in one line."""
    import pypdfium2.raw as pdfium

    size = get(None, 0)
    buffer = ctypes.create_string_buffer(size)
    get(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return " ".join(clean_text(buffer.raw[:size].decode("utf-16-le", "replace")).replace("\0", "").split())


def _attached(pdf: PdfDocument, annotation: Any) -> Iterator[tuple[str, bytes]]:
    """The file behind a paper clip on the page, which is not among those of the document."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    attachment = pypdfium2.PdfAttachment(pdfium.FPDFAnnot_GetFileAttachment(annotation), pdf)
    if attachment.raw:
        yield " ".join(clean_text(attachment.get_name()).split()), bytes(attachment.get_data())


def _descriptions(page: PdfPage) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    tree = pdfium.FPDF_StructTree_GetForPage(page.raw)
    try:
        top = range(pdfium.FPDF_StructTree_CountChildren(tree))
        waiting = [(pdfium.FPDF_StructTree_GetChildAtIndex(tree, index), 0) for index in reversed(top)]
        for _ in range(_MOST_PARTS):
            if not waiting:
                return
            part, depth = waiting.pop()
            if part:
                yield from _description(part)
                children = range(pdfium.FPDF_StructElement_CountChildren(part)) if depth < _DEEPEST_PART else ()
                waiting += [(pdfium.FPDF_StructElement_GetChildAtIndex(part, index), depth + 1) for index in reversed(children)]
    finally:
        pdfium.FPDF_StructTree_Close(tree)


def _description(part: Any) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    if pdfium.FPDF_StructElement_GetAltText(part, None, 0) > ctypes.sizeof(pdfium.FPDF_WCHAR):
        kind = _written(lambda buffer, size: pdfium.FPDF_StructElement_GetType(part, buffer, size))
        told = description(_written(lambda buffer, size: pdfium.FPDF_StructElement_GetAltText(part, buffer, size)))
        yield from [told] if told and kind in _DESCRIBED else []

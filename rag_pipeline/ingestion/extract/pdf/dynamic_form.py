"""Forms that a PDF describes in XML for its reader to draw (XFA): their pages often say only that another reader is needed.

Belongs here: what such a form's template and data say (XFA 3.3). Not here: forms whose fields stand on the pages, which pdfium draws.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.office.office_file import safe_xml

if TYPE_CHECKING:
    from lxml.etree import _Element
    from pypdfium2 import PdfDocument

_TEMPLATE, _DATA = b"template", b"datasets"
_UNSHOWN = ("hidden", "invisible", "inactive")
_WITHOUT_WORDS = ("script", "assist", "bind", "event", "validate", "calculate", "variables", "desc", "extras", "proto")
"""What a field holds besides what it shows; tool tips are in ``assist``."""
_LONGEST_NAME = 64


def form_texts(pdf: PdfDocument) -> Iterator[str]:
    """The texts, labels with what is filled in, and choices of the form in the order of its template; then values without a field."""
    packets = dict(_packets(pdf))
    if not packets.get(_TEMPLATE):
        return
    values = _values(packets.get(_DATA, b""))
    yield from filter(None, _shown(safe_xml(packets[_TEMPLATE]), values))
    yield from (f"{name}: {value}" for name, written in values.items() for value in written)


def _packets(pdf: PdfDocument) -> Iterator[tuple[bytes, bytes]]:
    import pypdfium2.raw as pdfium

    for index in range(max(pdfium.FPDF_GetXFAPacketCount(pdf.raw), 0)):
        name, size = ctypes.create_string_buffer(_LONGEST_NAME), ctypes.c_ulong()
        pdfium.FPDF_GetXFAPacketName(pdf.raw, index, name, _LONGEST_NAME)
        pdfium.FPDF_GetXFAPacketContent(pdf.raw, index, None, 0, size)
        content = ctypes.create_string_buffer(size.value)
        pdfium.FPDF_GetXFAPacketContent(pdf.raw, index, content, size.value, size)
        yield name.value, content.raw[: size.value]


def _values(data: bytes) -> dict[str, list[str]]:
    """What is filled in, by the names of fields, in order: a field in a row of a table is there as often as the row."""
    written: dict[str, list[str]] = {}
    for leaf in safe_xml(data).iter("{*}*") if data.strip() else ():
        value = _words("" if len(leaf) else leaf.text or "")
        if value:
            written.setdefault(_name(leaf), []).append(value)
    return written


def _shown(element: _Element, values: dict[str, list[str]]) -> Iterator[str]:
    for child in element:
        kind = _name(child)
        if child.get("presence") in _UNSHOWN or kind in _WITHOUT_WORDS:
            continue
        if kind in ("draw", "caption"):
            yield " ".join(_written(child))
        elif kind == "field":
            label = " ".join(text for caption in child.findall("{*}caption") for text in _written(caption))
            filled = values.pop(child.get("name", ""), None) or _written(child.find("{*}value"))
            choices = [_words("".join(one.itertext())) for list_ in child.findall("{*}items") if list_.get("save") != "1" for one in list_]
            yield ": ".join(filter(None, (label, ", ".join(filled))))
            yield ", ".join(choice for choice in choices if any(map(str.isalpha, choice)))
        else:
            yield from _shown(child, values)


def _written(element: _Element | None) -> list[str]:
    """Plain and formatted texts below an element."""
    texts = () if element is None else element.iter("{*}text", "{*}exData")
    return [words for text in texts if (words := _words(" ".join(text.itertext())))]


def _words(text: str) -> str:
    return " ".join(clean_text(text).split())


def _name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]

"""XML Spreadsheet 2003: a workbook as one XML file, which many programs export as ``.xls`` or ``.xml`` (MSDN, "XML Spreadsheet Reference").

Belongs here: its sheets, cells and comments. Not here: how tables are written (``workbook``), what number formats mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.office.number_formats.codes import number_text
from rag_pipeline.ingestion.extract.office.office_file import damage_reported
from rag_pipeline.ingestion.extract.office.open_document.flat import xml_root
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.office.workbook import Row, elements_of_sheets
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_SHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
_OFFICE = "{urn:schemas-microsoft-com:office:office}"
_NAMED_FORMATS = {"Percent": "0.00%", "Euro Currency": '"€"#,##0.00'}
"""Formats that have a name in place of a code, and write something around the number."""
_MIDNIGHT = ("T00:00:00", "T00:00:00Z")
_PROPERTIES = ("Title", "Author", "Subject", "Keywords", "Category", "Description")
_MOST_COLUMNS, _LAST_ROW = 1 << 14, 1 << 20
"""More than any sheet has (ECMA-376, part 1, 18.3.1.73)."""


def read_xml_workbook(source: Source) -> Iterator[Element]:
    """Sheet by sheet, each block of rows a table, then the comments. Pages are sheets.

    Raises:
        DocumentError: ``damaged``, ``too_large``.
    """
    with damage_reported():
        root = xml_root(source)
        stated = root.find(f"{_OFFICE}DocumentProperties")
        properties = {name: stated.findtext(f"{_OFFICE}{name}") or "" for name in _PROPERTIES} if stated is not None else {}
        yield from with_properties(properties, _elements(source, root), source.name)


def _elements(source: Source, root: _Element) -> Iterator[Element]:
    formats = {style.get(f"{_SHEET}ID", ""): _code(style) for style in root.iter(f"{_SHEET}Style")}
    sheets = [(sheet.get(f"{_SHEET}Name", ""), partial(_rows, sheet, formats)) for sheet in root.iterchildren(f"{_SHEET}Worksheet")]
    yield from elements_of_sheets(source, sheets)
    for comment in root.iter(f"{_SHEET}Comment"):
        author, text = comment.get(f"{_SHEET}Author", ""), clean_text(" ".join("".join(comment.itertext()).split()))
        if text:
            yield Element("NarrativeText", f"Comment by {author}: {text}" if author else f"Comment: {text}")


def _code(style: _Element) -> str:
    shown = style.find(f"{_SHEET}NumberFormat")
    code = shown.get(f"{_SHEET}Format", "") if shown is not None else ""
    return _NAMED_FORMATS.get(code, code)


def _rows(sheet: _Element, formats: dict[str, str]) -> Iterator[Row]:
    """Rows that hold anything. Rows and cells that leave out others before them say their number, from 1."""
    number = 0
    for row in sheet.iterfind(f"{_SHEET}Table/{_SHEET}Row"):
        number = min(_number(row, "Index", number + 1), _LAST_ROW)
        cells: dict[int, str] = {}
        column = 0
        for cell in row.iterchildren(f"{_SHEET}Cell"):
            column = min(_number(cell, "Index", column + 1), _MOST_COLUMNS)
            cells[column] = _text(cell, formats)
            column += _number(cell, "MergeAcross", 0)
        texts = [cells.get(place, "") for place in range(1, max(cells, default=0) + 1)]
        if any(texts):
            yield number, texts


def _number(element: _Element, name: str, default: int) -> int:
    said = element.get(f"{_SHEET}{name}", "")
    return int(said) if said.isdecimal() else default


def _text(cell: _Element, formats: dict[str, str]) -> str:
    data = cell.find(f"{_SHEET}Data")
    text = "".join(data.itertext()) if data is not None else ""
    kind = data.get(f"{_SHEET}Type", "") if data is not None else ""
    if kind == "Number":
        with suppress(ValueError):
            text = number_text(float(text), formats.get(cell.get(f"{_SHEET}StyleID", ""), ""))
    elif kind == "DateTime":
        text = text.replace(".000", "")
        text = text.removesuffix(next(filter(text.endswith, _MIDNIGHT), "")).replace("T", " ")
    elif kind == "Boolean":
        text = "TRUE" if text.strip() == "1" else "FALSE"
    return clean_text(" ".join(text.split()))

"""The records of office documents: Word, PowerPoint, Excel, OpenDocument, in new and old containers.

Belongs here: how their formats are named and told. Not here: reading them, containers that no name tells (``ole``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.ole.family import read_container
from rag_pipeline.ingestion.extract.source import Reader, Source
from rag_pipeline.models import Element

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BINARY_WORKBOOK = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
DOC = "application/msword"
XLS = "application/vnd.ms-excel"
XML_WORKBOOK = "application/vnd.ms-excel.2003+xml"
PPT = "application/vnd.ms-powerpoint"
ODG = "application/vnd.oasis.opendocument.graphics"
_BEFORE_ROOT = r"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]*>|<!--(?:(?!-->).)*-->)*"
_XML_WORKBOOK = re.compile(
    rf"{_BEFORE_ROOT}<(?:\w+:)?Workbook\s[^>]*urn:schemas-microsoft-com:office:spreadsheet".encode("latin-1"), re.DOTALL
)
_RECORDS = re.compile(rb"\x09(?:\x00\x04|[\x02\x04]\x06)\x00.{2}(?:[\x10\x20\x40]\x00|\x00\x01)", re.DOTALL)
"""How workbooks begin that are older than Excel 5: the record BOF of their version, what follows it (sheet, chart, macros or workbook)."""


def _read_word(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.word import read_word

    return read_word(source)


def _read_slides(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.slides import read_slides

    return read_slides(source)


def _read_workbook(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.workbook import read_workbook

    return read_workbook(source)


def _read_workbook_values(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.workbook_values import read_workbook_values

    return read_workbook_values(source)


def _read_old_workbook(source: Source) -> Iterator[Element]:
    """Excel wrote the records alone into its files before version 5, and into a container since."""
    alone = _RECORDS.match(source.stream.read(8))
    source.stream.seek(0)
    if not alone:
        return read_container(source)
    from rag_pipeline.ingestion.extract.office.workbook_values import elements_as_converted

    return elements_as_converted(source)


def _read_xml_workbook(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.xml_workbook import read_xml_workbook

    return read_xml_workbook(source)


def _read_open_text(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.open_document.walk import read_open_text

    return read_open_text(source)


def _read_open_slides(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.open_document.walk import read_open_slides

    return read_open_slides(source)


def _read_flat_document(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.office.open_document.flat import read_flat_document

    return read_flat_document(source)


def _read_predecessor(old: str, new: str) -> Reader:
    def read(source: Source) -> Iterator[Element]:
        from rag_pipeline.ingestion.extract.office.open_document.predecessor import read_predecessor

        return read_predecessor(source, old, new)

    return read


def _open_document(media_type: str, reader: Reader, *suffixes: str) -> Format:
    """Templates and the like (``…text-template``) are read as what they are templates of."""
    return Format(media_type, reader, suffixes, "zip", zip_mimetype=re.compile(rf"{re.escape(media_type)}(-[\w-]+)?"))


def _flat(media_type: str, suffix: str) -> Format:
    """The same as one XML file, which says at its root what it is (OpenDocument 1.3 part 3, 3.1.1), whatever its name."""
    said = rf"office:mimetype=[\"']{re.escape(media_type)}(-[\w-]+)?[\"']"
    signature = re.compile(rf"{_BEFORE_ROOT}<office:document\s[^>]*{said}".encode(), re.DOTALL)
    return Format(f"{media_type}-flat-xml", _read_flat_document, (suffix,), "text", signature)


def _predecessor(kind: str, reads_as: str, *suffixes: str) -> Format:
    media_type = f"application/vnd.sun.xml.{kind}"
    said = re.compile(rf"{re.escape(media_type)}(\.template)?")
    return Format(media_type, _read_predecessor(suffixes[0], reads_as), suffixes, "zip", zip_mimetype=said)


FAMILIES = (
    Family(
        "word",
        "Word",
        "Documents",
        (
            Format(DOCX, _read_word, ("docx", "docm", "dotx", "dotm"), "zip", zip_folder=b"word/"),
            Format(DOC, read_container, ("doc", "dot"), "ole"),
        ),
        version="13",
    ),
    Family(
        "powerpoint",
        "PowerPoint",
        "Documents",
        (
            Format(PPTX, _read_slides, ("pptx", "pptm", "ppsx", "ppsm", "potx", "potm"), "zip", zip_folder=b"ppt/"),
            Format(PPT, read_container, ("ppt", "pps", "pot"), "ole"),
        ),
        version="12",
    ),
    Family(
        "excel",
        "Excel",
        "Documents",
        (
            Format(XLSX, _read_workbook, ("xlsx", "xlsm", "xltx", "xltm"), "zip", zip_folder=b"xl/"),
            Format(BINARY_WORKBOOK, _read_workbook_values, ("xlsb",), "zip"),
            Format(XLS, _read_old_workbook, ("xls", "xlt", "xla"), "ole", _RECORDS),
            Format(XML_WORKBOOK, _read_xml_workbook, signature=_XML_WORKBOOK),
        ),
        version="14",
    ),
    Family(
        "open_document",
        "OpenDocument",
        "Documents",
        (
            _open_document(ODT, _read_open_text, "odt", "ott"),
            _open_document(ODP, _read_open_slides, "odp", "otp"),
            _open_document(ODS, _read_workbook_values, "ods", "ots"),
            _open_document(ODG, _read_open_slides, "odg", "otg"),
            _flat(ODT, "fodt"),
            _flat(ODP, "fodp"),
            _flat(ODS, "fods"),
            _flat(ODG, "fodg"),
        ),
        version="13",
    ),
    Family(
        "open_office_1",
        "OpenOffice.org 1",
        "Documents",
        (
            _predecessor("writer", "odt", "sxw", "stw"),
            _predecessor("impress", "odp", "sxi", "sti"),
            _predecessor("calc", "ods", "sxc", "stc"),
        ),
        version="3",
    ),
)

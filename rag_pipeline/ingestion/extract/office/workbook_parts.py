"""What a zipped workbook says beside its cells: charts, shapes, diagrams, comments, headers and footers, embedded files.

Belongs here: which parts hold such text, in ``.xlsx`` and ``.xlsb`` alike. Not here: cells (``workbook``, ``workbook_values``).
"""

from __future__ import annotations

import html
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.office.charts import chart_rows
from rag_pipeline.ingestion.extract.office.drawing import choose_alternatives, descriptions, paragraph_texts
from rag_pipeline.ingestion.extract.office.embedded import embedded_elements
from rag_pipeline.ingestion.extract.office.package import Package
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element, ElementKind

if TYPE_CHECKING:
    from lxml.etree import _Element

_PRINT_CODE = re.compile(r'&(?:"[^"]*"|\d+|K(?:[0-9A-Fa-f]{6}|\d\d[+-]\d{3})|[A-Za-z]|(&))')
"""``&C`` centres, ``&P`` is the page's number, and so on: what headers and footers of sheets hold besides words."""
_ESCAPED = re.compile("_x(00[01][0-9A-Fa-f])_")
_HEADER_OR_FOOTER = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(Header|Footer)(?:\s[^>]*)?>([^<]+)</")
_END_BYTES = 65536
_COMMENT_TEXT = 637
"""A record of the binary form: BrtCommentText (MS-XLSB 2.4.361)."""
_HEADER_FOOTER = rb"\xdf\x03"
"""The record BrtBeginHeaderFooter (479, in two bytes of seven bits; MS-XLSB 2.4.55)."""
_EDGES = 6
"""Header and footer of odd, even and first pages."""
_NO_STRING = 0xFFFFFFFF
_SAYS_SO = "[Threaded comment]"
"""How a note to programs that know no threads begins."""


def texts_outside_cells(source: Source, file: BinaryIO) -> Iterator[Element]:
    """Each part by itself, in the order of their names, each text once; headers and footers last."""
    package = Package(file)
    said: set[str] = set()
    for name in package.names("xl/"):
        with source.part(f"The part {name}"):
            for element in _part_elements(source, package, name):
                if element.text not in said:
                    said.add(element.text)
                    yield element
    written: dict[tuple[str, ElementKind], None] = {}
    for name in package.names("xl/"):
        if name.startswith(("xl/worksheets/", "xl/chartsheets/")) and name.endswith((".xml", ".bin")):
            with source.part(f"The header and footer of {name}"), zipfile.ZipFile(file) as archive:
                end = _end_of(archive, name)
                found = _binary_edges(end) if name.endswith(".bin") else _edges(end)
                written.update(dict.fromkeys((text, kind) for text, kind in found if text))
    yield from (Element(kind, text) for text, kind in written)


def _part_elements(source: Source, package: Package, name: str) -> Iterator[Element]:
    if re.fullmatch(r"xl/charts/chart[^/]*\.xml", name):
        table = table_element(chart_rows(package.blob(name)))
        yield from [table] if table else []
    elif re.fullmatch(r"xl/(drawings/[^/]+|diagrams/data[^/]*)\.xml", name):
        root = package.xml(name)
        choose_alternatives(root)
        yield from (Element("NarrativeText", text) for text in (*paragraph_texts(root), *descriptions(root)))
    elif re.fullmatch(r"xl/drawings/[^/]+\.vml", name):
        yield from (Element("NarrativeText", text) for text in _old_shape_texts(package.blob(name)))
    elif re.fullmatch(r"xl/comments.*\.xml|xl/threadedComments/[^/]+\.xml", name):
        yield from _comments(package.xml(name))
    elif re.fullmatch(r"xl/comments[^/]*\.bin", name):
        texts = (_wide_string(data, 1) for kind, data in _records(package.blob(name)) if kind == _COMMENT_TEXT)
        yield from (Element("NarrativeText", f"Comment: {text}") for text in texts if text and not text.startswith(_SAYS_SO))
    elif re.fullmatch(r"xl/embeddings/[^/]+", name):
        yield from embedded_elements(source, package.blob(name), name.rpartition("/")[2])


def _comments(root: _Element) -> Iterator[Element]:
    authors = {str(number): (author.text or "").strip() for number, author in enumerate(root.iter("{*}author"))}
    for comment in root.iter("{*}comment", "{*}threadedComment"):
        text = clean_text(unescaped("".join(run.text or "" for run in comment.iter("{*}t", "{*}text") if run.tag != comment.tag))).strip()
        if text and not text.startswith(_SAYS_SO):
            author = authors.get(comment.get("authorId", ""), "")
            by = f" by {author}" if author and not text.startswith(author) else ""  # Excel itself begins with the name
            yield Element("NarrativeText", f"Comment{by}: {text}")


def _old_shape_texts(part: bytes) -> Iterator[str]:
    """Captions of buttons and boxes; what old programs write here is not always good XML."""
    from lxml import etree

    root = etree.fromstring(part, etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False))
    for box in root.iter("{urn:schemas-microsoft-com:vml}textbox") if root is not None else ():
        text = " ".join(clean_text("".join(box.itertext())).split())
        if text:
            yield text


def _edges(end: bytes) -> Iterator[tuple[str, ElementKind]]:
    for found in _HEADER_OR_FOOTER.finditer(end):
        yield printed_text(html.unescape(found[2].decode("utf-8", "replace"))), "Header" if found[1] == b"Header" else "Footer"


def _end_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """The end of a sheet, where headers and footers are written; the rows before may be hundreds of megabytes."""
    end = b""
    with archive.open(name) as part:
        while block := part.read(_END_BYTES):
            end = (end + block)[-2 * _END_BYTES :]
    return end


def printed_text(code: str) -> str:
    """The words of a header or footer of a sheet, without the codes that place and format them."""
    return " ".join(clean_text(unescaped(_PRINT_CODE.sub(lambda found: found[1] or " ", code))).split())


def unescaped(text: str) -> str:
    """A text with its control characters, which are written as ``_x000D_`` (ECMA-376, part 1, 22.9.2.19)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).replace("\r\n", "\n").replace("\r", "\n")


def _binary_edges(end: bytes) -> Iterator[tuple[str, ElementKind]]:
    """Headers and footers in the end of a binary sheet: a record whose six texts, after two bytes of flags, fill it to its last byte."""
    for mark in re.finditer(_HEADER_FOOTER, end):
        size, start = _number(end, mark.end(), 4)
        position, texts = start + 2, []
        while position + 4 <= start + size <= len(end):
            (count,) = struct.unpack_from("<I", end, position)
            texts.append(_wide_string(end, position))
            position += 4 + (0 if count == _NO_STRING else 2 * count)
        if len(texts) == _EDGES and position == start + size:
            yield from ((printed_text(text), "Footer" if index % 2 else "Header") for index, text in enumerate(texts))


def _records(part: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a binary part (MS-XLSB 2.1.4): kind and size are numbers of seven bits a byte, the lowest first."""
    position = 0
    while position < len(part):
        kind, position = _number(part, position, 2)
        size, position = _number(part, position, 4)
        yield kind, part[position : position + size]
        position += size


def _number(part: bytes, position: int, longest: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(part[position : position + longest]):
        # The second byte of a kind counts from bit 7 on, as in sizes.
        value |= (byte & 0x7F) << (7 * index)
        position += 1
        if not byte & 0x80:
            break
    return value, position


def _wide_string(data: bytes, position: int) -> str:
    """A counted string of UTF-16; ``""`` where its count says that there is none."""
    (count,) = struct.unpack_from("<I", data, position)
    return "" if count == _NO_STRING else clean_text(data[position + 4 : position + 4 + 2 * count].decode("utf-16-le", "ignore")).strip()

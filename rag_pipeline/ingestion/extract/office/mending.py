"""An Office Open XML file without the parts of it that are damaged.

Belongs here: what the libraries need to open the rest. Not here: reading anything.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.office.office_file import safe_xml
from rag_pipeline.ingestion.extract.office.package import RELATIONSHIP, Package, resolved
from rag_pipeline.ingestion.extract.office.parts import main_part
from rag_pipeline.ingestion.extract.source import Source

if TYPE_CHECKING:
    from lxml.etree import _Element

_TYPES = "[Content_Types].xml"


def without_damaged_parts(source: Source, content: io.BytesIO, *, relations_too: bool = True) -> io.BytesIO:
    """A copy without parts that cannot be unpacked or are no XML; each is in the notes of ``source``.

    Args:
        source: takes the notes.
        content: the file.
        relations_too: what refers to such a part goes as well. python-docx stops at relations that lead nowhere, openpyxl at sheets
            without a relation.
    """
    from lxml import etree

    parts: dict[str, bytes] = {}
    target = io.BytesIO()
    with zipfile.ZipFile(content) as archive:
        for name in dict.fromkeys(archive.namelist()):
            with source.part(f"The part {name}"):
                part = archive.read(name)
                parts[name] = _readable_xml(source, name, part) if name.endswith((".xml", ".rels")) else part
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as mended:
        for name, part in parts.items():
            if relations_too and name.endswith(".rels"):
                root = safe_xml(part)
                for relation in list(root.iter(RELATIONSHIP)):
                    if relation.get("TargetMode") != "External" and not _leads_on(name, relation.get("Target", ""), parts):
                        root.remove(relation)
                part = etree.tostring(root)
            mended.writestr(name, _with_all_types(part, parts) if name == _TYPES else part)
    target.seek(0)
    return target


def _readable_xml(source: Source, name: str, part: bytes) -> bytes:
    """A part as it is, or what a forgiving parser makes of it where that still holds text.

    Raises:
        SyntaxError: it is no XML.
    """
    from lxml import etree

    try:
        safe_xml(part)
    except etree.XMLSyntaxError:
        root = etree.fromstring(part, etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False))
        if root is None or not any(text.strip() for text in root.itertext()):
            raise
        etree.strip_elements(root, etree.Entity, with_tail=False)  # names of texts that nobody has given
        source.notes.append(f"The part {name} is damaged. What could be read of it was; something may be missing.")
        part = etree.tostring(root)
    return part


def without_unrelated_sheets(content: io.BytesIO) -> io.BytesIO:
    """A copy of a workbook without the sheets of which it does not say where they are.

    Raises:
        KeyError, SyntaxError: the workbook's own part cannot be read.
    """
    from lxml import etree

    package = Package(content)
    main = main_part(package)
    root, known = package.xml(main), package.relations(main)
    for sheet in list(root.iter("{*}sheet")):
        if not any(value in known for name, value in sheet.items() if name.endswith("}id")):
            sheet.getparent().remove(sheet)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as mended:
        for name in package.names():
            mended.writestr(name, etree.tostring(root) if name == main else package.blob(name))
    target.seek(0)
    return target


def with_plain_styles(content: io.BytesIO) -> io.BytesIO:
    """A copy of a workbook whose styles say how numbers are written, and nothing of fonts, colours and borders.

    openpyxl stops at each of those that breaks the schema, such as a fill without a pattern, as other programs than Excel write them.

    Raises:
        KeyError, SyntaxError: the workbook's own part, or its styles, cannot be read.
    """
    from lxml import etree

    package = Package(content)
    styles = {relation.part: _plain_styles(package.xml(relation.part)) for relation in package.related(main_part(package), "styles")}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as mended:
        for name in package.names():
            mended.writestr(name, etree.tostring(styles[name]) if name in styles else package.blob(name))
    target.seek(0)
    return target


def _plain_styles(root: _Element) -> _Element:
    """The formats of numbers, and which of them each style of a cell has (ECMA-376 part 1, 18.8.30 and 18.8.45)."""
    from lxml import etree

    space = etree.QName(root).namespace
    codes = [one for one in root.iter(f"{{{space}}}numFmt") if one.get("numFmtId", "").isdigit() and one.get("formatCode")]
    numbers = [one.get("numFmtId", "") for one in root.iterfind(f"{{{space}}}cellXfs/{{{space}}}xf")]
    plain = etree.fromstring(
        f'<styleSheet xmlns="{space}"><numFmts/><fonts><font/></fonts><fills><fill><patternFill/></fill></fills>'
        f"<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs/>"
        f'<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
    formats, *_, cells, _ = plain
    formats.extend(codes)
    for number in numbers:
        etree.SubElement(cells, f"{{{space}}}xf", numFmtId=number if number.isdigit() else "0")
    return plain


def _leads_on(listing: str, target: str, parts: dict[str, bytes]) -> bool:
    return resolved(posixpath.dirname(posixpath.dirname(listing)), target) in parts


def _with_all_types(types: bytes, parts: dict[str, bytes]) -> bytes:
    """The list of types, with one for each ending that it forgets."""
    known = {ending.lower() for ending in re.findall(rb'Extension="([^"]+)"', types)}
    endings = {posixpath.splitext(name)[1].lstrip(".").encode() for name in parts}
    added = b"".join(
        b'<Default Extension="%s" ContentType="application/octet-stream"/>' % ending
        for ending in sorted(endings)
        if ending.isalnum() and ending.lower() not in known
    )
    return re.sub(rb"(<Types[^>]*>)", rb"\1" + added, types, count=1)

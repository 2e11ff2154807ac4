"""XML without a schema that we know: its text in document order, and what its tags call it.

Belongs here: telling prose from records, and entities that are safe. Not here: XHTML, office formats.

Nothing outside the file is read: no external entity, no DTD. Entities that the file itself defines as plain text are filled in; those
made of other entities (how a small file becomes gigabytes) stay as they are written.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.data.plain_text import paragraphs
from rag_pipeline.ingestion.extract.data.tables import has_header_row, rows_of_table, table_element
from rag_pipeline.ingestion.extract.inside import elements_inside
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.markup.xml_tables import CELLS, TABLES, caption, html_table, local_name
from rag_pipeline.ingestion.extract.media_types import HEAD_BYTES, UNKNOWN
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_TITLES = ("title", "head", "heading", "subject")
_PARAGRAPHS = ("p", "para", "simpara", "paragraph")
"""Of TEI, JATS, DITA and FictionBook, DocBook, Docutils: text that needs no name in front."""
_CAPTIONED = (*TABLES, "figure", "fig", "informalfigure", "example", "equation")
"""What a title names that heads nothing below it."""
_APART = (*_PARAGRAPHS, *_TITLES, *CELLS, "li", "item", "list-item", "listitem", "list_item", "br", "lb", "line")
"""Elements inside a piece of text whose words stand apart from those around them."""
_WITHOUT_WORDS = {"id", "class", "style", "lang", "dir", "xmlns", "version", "encoding"}
"""Attributes that say nothing to a reader."""
_SHORTEST_ENCODED = 200
_SHORTEST_LINE = 60
"""Those that write such letters in lines make them of 64 or 76 (RFC 7468, RFC 2045)."""
_ENCODED_WITH = tuple(map(re.compile, ("[A-Z]", "[a-z]", "[0-9]")))
"""200 letters of what is encoded have all three: none is a digit by chance of (54/64)^200."""
_LONGEST_VALUE = 100
"""Longer texts are prose and need no name in front."""
_DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]+encoding\s*=\s*["']([\w-]+)""")
_DOCUMENT_TYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[(.*?)\]\s*)?>", re.DOTALL)
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.-]+)\s+(["'])(.*?)\2\s*>""", re.DOTALL)
"""Entities that the file itself defines; those read from elsewhere have SYSTEM or PUBLIC before the quote."""
_UNDECLARED = re.compile(r"Entity '.*' not defined")
_LONGEST_PROLOGUE = 1_000_000
_TAG = re.compile(r"<[!?/a-zA-Z][^<>]*>")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def read_xml(source: Source) -> Iterator[Element]:
    """Prose as paragraphs; records as lines ``name: value``, a record an element; titles as headings.

    A file that is not well-formed is read as plain text, without its tags, and the notes say so.
    """
    content = source.stream.read()
    declared = _DECLARED_ENCODING.search(content[:200])
    text = decode_text(content, declared[1].decode("ascii") if declared else None)
    root, wrong = _parsed(text)
    if root is None or wrong:
        source.notes.append(f"The file is not well-formed XML ({wrong or 'no element'}); it was read as plain text.")
        yield from paragraphs(html.unescape(_TAG.sub("\n", text)))
    else:
        yield from _elements(root, source)


def _parsed(text: str) -> tuple[_Element | None, str]:
    """The root, and what is wrong with the file, as far as it may have cost words."""
    from lxml import etree

    declaration = _DOCUMENT_TYPE.search(text, 0, _LONGEST_PROLOGUE)
    entities = {name: value for name, _, value in _ENTITY.findall(declaration[1] or "")} if declaration else {}
    # Without its declarations no entity can be expanded: references stay what they are until they are filled in below.
    bare = _DECLARATION.sub("", text if declaration is None else text[: declaration.start()] + text[declaration.end() :])
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, recover=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(bare, parser) if bare.strip() else None
    serious = [entry for entry in parser.error_log if entry.level >= etree.ErrorLevels.ERROR]
    # A prefix that nobody has declared is well-formed XML (Namespaces in XML 1.0, 7), as pieces of larger files have it.
    errors = [f"line {entry.line}: {entry.message}" for entry in serious if entry.domain != etree.ErrorDomains.NAMESPACE]
    wrong = next((error for error in errors if not _UNDECLARED.search(error)), "")
    if root is not None:
        _fill_entities(root, entities)
    return root, wrong


def _fill_entities(root: _Element, entities: dict[str, str]) -> None:
    from lxml import etree

    for node in list(root.iter(etree.Entity)):
        content = entities.get(node.name, "")
        plain = content if content and "&" not in content and "<" not in content else html.unescape(node.text)
        before, parent = node.getprevious(), node.getparent()
        joined = f"{plain}{node.tail or ''}"
        if before is not None:
            before.tail = (before.tail or "") + joined
        elif parent is not None:
            parent.text = (parent.text or "") + joined
        if parent is not None:
            node.tail = None
            parent.remove(node)


def _elements(root: _Element, source: Source) -> Iterator[Element]:
    """From top to bottom. Not recursive: files may nest as deep as they like."""
    outline = Outline()
    record: list[str] = []
    waiting: list[tuple[_Element, int]] = [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        if (table := html_table(element)) is not None:
            yield from _record(record, outline)
            yield from _table(element, table, outline)
        elif (content := _encoded_file(element)) is not None:
            yield from _record(record, outline)
            yield from _file_inside(source, element, content, outline)
        elif _is_text(element) or _is_title(element):
            text = _text(element)
            if local_name(element) in _TITLES and text and local_name(element.getparent()) not in _CAPTIONED:
                yield from _record(record, outline)
                yield outline.title(text, depth)
            elif text or element.attrib:
                prose = len(element) > 0 or len(text) > _LONGEST_VALUE or local_name(element) in _PARAGRAPHS
                if prose:
                    yield from _record(record, outline)
                    yield from _record([*_attributes(element), text], outline)
                else:
                    record += [*_attributes(element), *([f"{_name(element)}: {text}"] if text else [])]
        else:
            yield from _record(record, outline)
            record += _attributes(element)
            _wrap_strays(element)
            waiting += [(child, depth + 1) for child in reversed(element)]
    yield from _record(record, outline)


def _table(element: _Element, table: _Element, outline: Outline) -> Iterator[Element]:
    yield from _record([caption(element)], outline)
    found = table_element(rows_of_table(table), None, outline.path, header_known=has_header_row(table))
    if found is not None:
        yield replace(found, text=clean_text(found.text), table_header=clean_text(found.table_header) if found.table_header else None)


def _encoded_file(element: _Element) -> bytes | None:
    """The bytes that stand in an element as letters (RFC 4648, 4): attachments of invoices, pictures of books, certificates.

    Words without a stop are such letters as well, and so are sequences of genes: lines of one length, with letters of both cases and
    digits, are not.
    """
    lines = (element.text or "").split()
    letters = "".join(lines)
    if len(element) or len(letters) < _SHORTEST_ENCODED or not all(kind.search(letters) for kind in _ENCODED_WITH):
        return None
    if len(lines) > 1 and (len(lines[0]) < _SHORTEST_LINE or len(set(map(len, lines[:-1]))) > 1):
        return None
    try:
        return base64.b64decode(letters, validate=True)
    except ValueError:
        return None


def _file_inside(source: Source, element: _Element, content: bytes, outline: Outline) -> Iterator[Element]:
    """A file in an element, where it is one that is read; no picture, as beside the text of all formats."""
    name = clean_text(element.get("filename") or element.get("name") or element.get("id") or _name(element))
    media_type = source.media_type_of(name, content[:HEAD_BYTES])
    if media_type != UNKNOWN and not media_type.startswith("image/"):
        yield from elements_inside(source, content, name, outline.path)


def _record(lines: list[str], outline: Outline) -> Iterator[Element]:
    text = clean_text("\n".join(line for line in lines if line))
    lines.clear()
    if text.strip():
        yield Element("NarrativeText", text, heading_path=outline.path)


def _is_title(element: _Element) -> bool:
    """Whether it is one that holds paragraphs, as in FictionBook."""
    return local_name(element) in _TITLES and len(element) > 0 and all(local_name(child) in _PARAGRAPHS for child in element)


def _is_text(element: _Element) -> bool:
    """Whether words stand directly in an element, and no paragraphs do: then all that is in it is one piece of text."""
    if any(local_name(child) in (*_PARAGRAPHS, *_TITLES, *TABLES) for child in element):
        return False
    return len(element) == 0 or bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _wrap_strays(element: _Element) -> None:
    """Put words that stand between paragraphs into paragraphs of their own."""
    for place, child in reversed(list(enumerate(element, 1))):
        if (child.tail or "").strip():
            element.insert(place, _paragraph(element, child.tail))
            child.tail = None
    if (element.text or "").strip():
        element.insert(0, _paragraph(element, element.text))
        element.text = None


def _paragraph(element: _Element, text: str | None) -> _Element:
    paragraph = element.makeelement(_PARAGRAPHS[0])
    paragraph.text = text
    return paragraph


def _text(element: _Element) -> str:
    from lxml import etree

    pieces = [element.text or ""]
    for event, part in etree.iterwalk(element, events=("start", "end")):
        if part is not element:
            pieces += (" " if local_name(part) in _APART else "", (part.text if event == "start" else part.tail) or "")
    return " ".join("".join(pieces).split())


def _name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def _attributes(element: _Element) -> list[str]:
    shown = ((str(name), str(value)) for name, value in element.attrib.items() if not re.match(r"\{|[^:]+:", str(name)))
    return [f"{_name(element)} {name}: {value}" for name, value in shown if name.lower() not in _WITHOUT_WORDS and value.strip()]

"""XML without a schema that we know: its text in document order, and what its tags call it.

Belongs here: telling prose from records, and entities that are safe. Not here: XHTML, office formats.

Nothing outside the file is read: no external entity, no DTD. Entities that the file itself defines as plain text are filled in; those
made of other entities (how a small file becomes gigabytes) stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.outline import Outline
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_TITLES = ("title", "head", "heading", "subject")
_WITHOUT_WORDS = {"id", "class", "style", "lang", "dir", "xmlns", "version", "encoding"}
"""Attributes that say nothing to a reader."""
_LONGEST_VALUE = 100
"""Longer texts are prose and need no name in front."""
_DECLARED_ENCODING = re.compile(rb"""<\?xml[^>]+encoding\s*=\s*["']([\w-]+)""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def read_xml(source: Source) -> Iterator[Element]:
    """Prose as paragraphs; records as lines ``name: value``, a record an element; titles as headings.

    Raises:
        DocumentError: no XML at all (``damaged``).
    """
    content = source.stream.read()
    declared = _DECLARED_ENCODING.search(content[:200])
    yield from xml_elements(decode_text(content, declared[1].decode("ascii") if declared else None))


def xml_elements(text: str) -> Iterator[Element]:
    """The elements of an XML text.

    Raises:
        DocumentError: no XML at all (``damaged``).
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, recover=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(_DECLARATION.sub("", text), parser)
    if root is None:
        raise DocumentError("damaged", "The file is not well-formed XML. Open it in a browser, which says where it breaks.")
    _fill_entities(root)
    outline = Outline()
    yield from _elements(root, outline, 1)


def _fill_entities(root: _Element) -> None:
    from lxml import etree

    table = root.getroottree().docinfo.internalDTD
    texts = {entity.name: entity.content or "" for entity in table.iterentities() if not entity.system_url} if table is not None else {}
    for node in list(root.iter(etree.Entity)):
        content = texts.get(node.name, "")
        plain = content if content and "&" not in content and "<" not in content else node.text
        before, parent = node.getprevious(), node.getparent()
        joined = f"{plain}{node.tail or ''}"
        if before is not None:
            before.tail = (before.tail or "") + joined
        elif parent is not None:
            parent.text = (parent.text or "") + joined
        if parent is not None:
            node.tail = None
            parent.remove(node)


def _elements(root: _Element, outline: Outline, level: int) -> Iterator[Element]:
    """Records of an element that holds only elements, one after the other. Not recursive: files may nest as deep as they like."""
    record: list[str] = []
    waiting: list[tuple[_Element, int]] = [(root, level)]
    while waiting:
        element, depth = waiting.pop()
        if _is_text(element):
            text = _text(element)
            if _name(element).lower() in _TITLES and text:
                yield from _record(record, outline)
                yield outline.title(text, depth)
            elif text or element.attrib:
                prose = len(element) > 0 or len(text) > _LONGEST_VALUE
                if prose:
                    yield from _record(record, outline)
                    yield from _record([*_attributes(element), text], outline)
                else:
                    record += [*_attributes(element), *([f"{_name(element)}: {text}"] if text else [])]
        else:
            yield from _record(record, outline)
            record += _attributes(element)
            waiting += [(child, depth + 1) for child in reversed(element)]
    yield from _record(record, outline)


def _record(lines: list[str], outline: Outline) -> Iterator[Element]:
    text = clean_text("\n".join(line for line in lines if line))
    lines.clear()
    if text.strip():
        yield Element("NarrativeText", text, heading_path=outline.path)


def _is_text(element: _Element) -> bool:
    """Whether words stand directly in an element: then all that is in it is one piece of text."""
    return len(element) == 0 or bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _text(element: _Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _attributes(element: _Element) -> list[str]:
    shown = ((str(name), str(value)) for name, value in element.attrib.items() if not str(name).startswith("{"))
    return [f"{_name(element)} {name}: {value}" for name, value in shown if name.lower() not in _WITHOUT_WORDS and value.strip()]

"""FictionBook 2: books as one XML file, with their pictures as letters at its end.

Belongs here: its elements as those of HTML (the schema FictionBook 2.21). Not here: HTML, XML of other kinds.

Pandoc reads it too, but without its tables, and its chapters stand beside the parts that hold them.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.markup.html import html_elements
from rag_pipeline.ingestion.extract.office.office_file import damage_reported
from rag_pipeline.ingestion.extract.office.open_document.flat import xml_root
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_TAGS = {
    **{name: name for name in ("p", "strong", "sub", "sup", "code", "table", "tr", "th", "td", "a")},
    "emphasis": "em",
    "strikethrough": "s",
    "style": "span",
    "v": "p",
    "text-author": "p",
    "date": "p",
    "epigraph": "blockquote",
    "cite": "blockquote",
    "section": "div",
    "poem": "div",
    "stanza": "div",
    "annotation": "div",
    "body": "div",
}
"""Elements of a book as those of HTML; of what is not here the words are kept."""
_KEPT_ATTRIBUTES = ("colspan", "rowspan")
_APART = ("u", "b")
"""What stands before other words of the same line."""
_DEEPEST_HEADING = 6


def read_fiction_book(source: Source) -> Iterator[Element]:
    """What the book says of itself, its text with the titles of its parts as headings, its notes.

    Raises:
        DocumentError: ``damaged``, ``too_large``.
    """
    with damage_reported():
        root = xml_root(source)
        page = "".join(piece for body in root.iterchildren("{*}body") for piece in _pieces(body))
        yield from with_properties(_stated(root), html_elements(clean_text(page)), source.name)


def _stated(root: _Element) -> dict[str, str]:
    book = root.find("{*}description/{*}title-info")
    if book is None:
        return {}
    authors = (" ".join(" ".join(one.itertext()).split()) for one in book.iterfind("{*}author"))
    found = {"Author": ", ".join(filter(None, authors))}
    for name, tag in (("Title", "book-title"), ("Keywords", "keywords"), ("Description", "annotation")):
        found[name] = " ".join(word for one in book.iterfind(f"{{*}}{tag}") for word in one.itertext())
    return found


def _pieces(body: _Element) -> Iterator[str]:
    """A body as HTML. Titles of parts of parts stand below those."""
    from lxml import etree

    depth = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        name, start = etree.QName(element).localname, event == "start"
        if name == "section":
            depth += 1 if start else -1
        tag = _tag(element, name, depth, notes=body.get("name") is not None)
        yield f"<{tag}{_attributes(element)}>" if start else f"</{tag}>{' ' if tag in _APART else ''}"
        if name == "image" and start:
            yield html.escape(element.get("alt") or element.get("title") or "", quote=False)
        yield html.escape((element.text if start else element.tail if element is not body else "") or "", quote=False)


def _tag(element: _Element, name: str, depth: int, notes: bool) -> str:
    """A title heads its part; one of a poem, or of a note, which is its number, is the first of its words, and three asterisks are none."""
    parent = _name_of_parent(element)
    if parent == "title":
        return "u"  # its paragraphs are its lines
    if name == "p" and notes and parent == "section":
        return "u"  # a note is one text, with its number before it
    if name == "image" and parent in ("section", "body"):
        return "p"
    if name not in ("title", "subtitle"):
        return _TAGS.get(name, "span")
    if not any(map(str.isalnum, "".join(element.itertext()))):
        return "template"  # whose content nobody sees
    if name == "title" and notes and depth:
        return "b"
    heads = parent in ("section", "body")
    return f"h{min(depth + 1 + (name == 'subtitle'), _DEEPEST_HEADING)}" if heads else "p"


def _name_of_parent(element: _Element) -> str:
    from lxml import etree

    parent = element.getparent()
    return etree.QName(parent).localname if parent is not None else ""


def _attributes(element: _Element) -> str:
    return "".join(f' {name}="{html.escape(value)}"' for name in _KEPT_ATTRIBUTES if (value := element.get(name)))

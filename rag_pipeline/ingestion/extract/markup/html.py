"""Web pages, through unstructured's HTML partitioner.

Belongs here: what must be mended in a page before and after unstructured sees it. Not here: e-mail around HTML bodies.

unstructured drops, with all their text: forms (whole pages of some web frameworks), ``details``, ``figure`` with its caption,
``label`` and ``button``, and all that stands beside a ``main``; it also drops the page's title, and everything nested more than 256
levels deep. The first are renamed to neutral tags, the title is read here, and a page nested too deeply is flattened, or refused rather
than cut. Tables that only lay out the page are unfolded, and in the others cells over several rows or columns are written out, which
unstructured forgets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import dropwhile
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.data.tables import cell_text, has_header_row, own_parts, rows_of_table
from rag_pipeline.ingestion.extract.markup.bold_style import mark_bold
from rag_pipeline.ingestion.extract.markup.list_numbers import write_out_numbers
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.markup.page_parts import drop_boilerplate, drop_hidden
from rag_pipeline.ingestion.extract.markup.unstructured_elements import convert
from rag_pipeline.ingestion.extract.markup.unstructured_offline import prepare_unstructured
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.line_breaks import without_breaks
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_DECLARED_ENCODING = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?([\w-]+)|<\?xml[^>]+encoding\s*=\s*["']([\w-]+)""", re.IGNORECASE)
_NO_TEXT = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1f\ufffe\uffff]|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|6553[45])|x0*(?:[0-8bef]|1[\da-f]|fff[ef]));", re.IGNORECASE
)
"""Characters that no XML can hold, in which what is put into the tree must be; they show nothing."""
_ENDS = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
"""libxml2 stops there; what follows is part of the page all the same (HTML Standard, 13.2.6.4.19), and the tags may be left out."""
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_RENAMED = {
    "details": "div",
    "summary": "div",
    "figure": "div",
    "figcaption": "p",
    "form": "div",
    "fieldset": "div",
    "legend": "p",
    "dialog": "div",
    "nav": "div",
    "main": "div",
    "label": "span",
    "button": "span",
    "textarea": "span",
}
_FORM_PARTS = ("label", "button", "textarea")
"""They stand apart from the words after them without a space."""
_BLOCKS = ("table", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol")
_LONGEST_CELL = 300
"""Letters of a cell that may still be one in a table of data, whatever the others hold."""
_TABLE_PARTS = ("caption", "thead", "tbody", "tfoot", "tr", "td", "th")
_REMOVED = ("script", "style", "template", "noscript", "object")
_OF_THE_HEAD = ("base", "basefont", "bgsound", "link", "meta", "noscript", "object", "script", "style", "template", "title")
"""What the head of a page may hold (HTML Standard, 13.2.6.4.4; ``object``: HTML 4.01, 7.4.1)."""
_OF_DRAWINGS = ("text", "foreignobject")
"""What holds words in an SVG; the parser of HTML writes names in small letters."""
_WITHOUT_SHOWN_WORDS = ("annotation", "annotation-xml", "desc", "metadata", "defs", "symbol")
"""What a formula or drawing holds besides what it shows."""
_UNSHOWN_VALUES = ("hidden", "password", "checkbox", "radio", "file", "image", "color", "range", "button", "submit", "reset")
"""Kinds of ``input`` whose value is no text that somebody typed or reads (HTML Standard, 4.10.5)."""
_LONE_LETTER = re.compile(r"\s*(\w)\s*")
_DEEPEST = 250
"""libxml2 cuts off what is nested more than 256 levels deep, without an error."""
_GROUPING_TAG = re.compile(r"<(/?)(?:div|span|font|section|center|blockquote|b|i|em|strong|u|small|big)(?:\s[^<>]*)?>", re.IGNORECASE)
_DEEPEST_GROUP = 100


def read_html(source: Source) -> Iterator[Element]:
    """The visible text of a page, its title first. Nothing that the page refers to is fetched or run."""
    content = source.stream.read()
    root = _parse(decode_text(content, declared_encoding(content)))
    if root is not None:
        if drop_hidden(root):
            source.notes.append("Text that the page hides from its readers was left out.")
        properties = _stated(root)
        drop_boilerplate(root)
        yield from with_properties(properties, _elements(root), source.name)


def declared_encoding(content: bytes) -> str | None:
    """The encoding that a page names at its beginning."""
    declared = _DECLARED_ENCODING.search(content[:4096])
    return (declared[1] or declared[2]).decode("ascii") if declared else None


def _stated(root: _Element) -> dict[str, str]:
    """What a page says of itself beside its title (HTML Standard, 4.2.5.1)."""
    said = {meta.get("name", "").lower(): meta.get("content", "") for meta in root.iter("meta")}
    return {name.capitalize(): said[name] for name in ("author", "keywords", "description") if said.get(name)}


def html_elements(text: str) -> list[Element]:
    """The elements of a piece of HTML that is all content.

    Raises:
        DocumentError: nested too deeply to be read whole (``too_deep``).
    """
    root = _parse(text)
    return [] if root is None else _elements(root)


def _elements(root: _Element) -> list[Element]:
    prepare_unstructured()
    from lxml import etree
    from unstructured.partition.html import partition_html

    title = " ".join("".join(root.xpath("//head/title//text()")).split())
    _mend(root)
    markup = etree.tostring(root, encoding="unicode", method="html")
    elements = list(convert(partition_html(text=markup, languages=[""]), Outline()))
    return [*_page_title(title, elements), *elements]


def _parse(text: str) -> _Element | None:
    stripped = _XML_DECLARATION.sub("", _ENDS.sub("", _NO_TEXT.sub("", text)))  # lxml refuses an encoding declared inside a string
    if not stripped.strip():
        return None
    root, too_deep = _parsed(stripped)
    if too_deep:
        root, too_deep = _parsed(_flattened(stripped))
    if too_deep:
        raise DocumentError("too_deep", f"The page nests its elements more than {_DEEPEST} levels deep and cannot be read whole.")
    return root


def _parsed(text: str) -> tuple[_Element | None, bool]:
    from lxml import etree

    parser = etree.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=True, no_network=True)
    root = etree.fromstring(text, parser)
    cut = any("Excessive depth" in entry.message for entry in parser.error_log)
    if root is not None:
        _end_head(root)
    return root, cut or (root is not None and _depth(root) > _DEEPEST)


def _end_head(root: _Element) -> None:
    """The tags around head and body may be left out: the head ends before the first element that has no place in it.

    libxml2 does not know the elements of HTML 5, and keeps in the head a page that begins with one of them.
    """
    head = root.find("head")
    strays = [] if head is None else list(dropwhile(lambda child: child.tag in _OF_THE_HEAD, head))
    if strays:
        body = root.find("body")
        if body is None:
            body = root.makeelement("body")
            root.append(body)
        for place, stray in enumerate(strays):
            body.insert(place, stray)
        strays[-1].tail, body.text = f"{strays[-1].tail or ''}{body.text or ''}", None


def _flattened(text: str) -> str:
    """The page without those of its neutral tags that are nested too deeply: a tag that only groups says nothing."""
    depth = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth
        closing = tag[1] == "/"
        depth = max(depth - 1, 0) if closing else depth + 1
        return "" if depth + closing > _DEEPEST_GROUP else tag[0]

    return _GROUPING_TAG.sub(kept, text)


def _depth(root: _Element) -> int:
    deepest, level = 0, [root]
    while level:
        deepest += 1
        level = [child for element in level for child in element]
    return deepest


def _mend(root: _Element) -> None:
    from lxml import etree

    _write_out_frames(root)
    _join_lines(root)
    mark_bold(root)
    etree.strip_elements(root, *_REMOVED, with_tail=False)
    _write_out_drawn(root)
    _write_out_controls(root)
    write_out_numbers(root)
    for table in list(root.iter("table")):
        if _is_layout(table):
            _unfold(table)
        else:
            _lift_captions(table)
            _write_plainly(table)
    for element in root.iter(*_RENAMED):
        if element.tag in _FORM_PARTS:
            element.tail = f" {element.tail or ''}"
        element.tag = _RENAMED[str(element.tag)]
    _keep_lone_letters(root)


def _join_lines(root: _Element) -> None:
    """Line breaks of the source at which nothing is shown (CSS Text Module Level 3, 4.1.3)."""
    as_written = {element for block in root.iter("pre", "textarea") for element in block.iter()}
    for element in root.iter():
        if element.text and not element.text.isascii() and element not in as_written:
            element.text = without_breaks(element.text)
        if element.tail and not element.tail.isascii() and element.getparent() not in as_written:
            element.tail = without_breaks(element.tail)


def _write_out_drawn(root: _Element) -> None:
    """Formulas, the labels of drawings and what describes them as words; what abbreviations stand for."""
    from lxml import etree

    for drawn in list(root.iter("math", "svg")):
        told = [drawn.findtext("title") or drawn.get("aria-label") or "", drawn.findtext("desc") or ""] if drawn.tag == "svg" else []
        etree.strip_elements(drawn, *_WITHOUT_SHOWN_WORDS, with_tail=False)
        pieces = [drawn] if drawn.tag == "math" else list(drawn.iter(*_OF_DRAWINGS))
        _say(drawn, " ".join(filter(None, (*map(str.strip, told), *map(cell_text, pieces)))))
    for drawn in list(root.iterfind(".//*[@role='img'][@aria-label]")):
        if not cell_text(drawn) and drawn.tag != "img":
            _say(drawn, drawn.get("aria-label", ""))
    for area in list(root.iter("area")):
        _say(area, area.get("alt", ""))
    for short in root.iter("abbr"):
        written = cell_text(short)
        if short.get("title", "").strip() and written and short.get("title") not in written:
            short.tail = f" ({short.get('title')}){short.tail or ''}"


def _write_out_frames(root: _Element) -> None:
    """Documents that a page holds and shows within itself (HTML Standard, 4.8.5)."""
    for frame in list(root.iter("iframe")):
        inner, too_deep = _parsed(frame.get("srcdoc", "").strip() or "<p></p>")
        if inner is not None and not too_deep:
            drop_hidden(inner)
            frame.tag, frame.text = "div", None
            frame[:] = [child for body in inner.iterchildren("body") for child in body]


def _write_out_controls(root: _Element) -> None:
    """What lists and fields of a form show."""
    for choices in list(root.iter("select")):
        options = list(choices.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None] or options[:1]
        shown = options if choices.get("multiple") is not None or choices.get("size", "1") != "1" else chosen
        _say(choices, ", ".join(map(cell_text, shown)))
    for typed in list(root.iter("input")):
        if typed.get("value", "").strip() and typed.get("type", "").lower() not in _UNSHOWN_VALUES:
            _say(typed, typed.get("value", ""))


def _say(element: _Element, words: str) -> None:
    """Put words in the place of an element."""
    tail = element.tail
    element.clear()
    element.tag, element.text, element.tail = "span", f" {words} ", tail


def _keep_lone_letters(root: _Element) -> None:
    """Give what is one letter long a second one that :func:`clean_text` takes away again: unstructured drops a text of one letter."""
    for element in root.iter("*"):
        if element.text and (lone := _LONE_LETTER.fullmatch(element.text)):
            element.text = element.text.replace(lone[1], f"{lone[1]}\u200b")
        if element.tail and (lone := _LONE_LETTER.fullmatch(element.tail)):
            element.tail = element.tail.replace(lone[1], f"{lone[1]}\u200b")


def _is_layout(table: _Element) -> bool:
    """Whether a table only places things on the page, as in most HTML mail: then its cells are no cells, but parts of the text.

    What names columns, or has a caption, is data. So is a table without, of several rows and columns, unless most of its cells hold
    whole blocks, or one of them holds most of a text: these are pages.
    """
    cells: dict[_Element, list[_Element]] = {row: [] for row in own_parts(table, "tr")}
    for part in own_parts(table, "td", "th"):
        if (row := next(part.iterancestors("tr"), None)) in cells:
            cells[row].append(part)
    rows = list(cells.values())
    if table.get("role") in ("presentation", "none") or all(len(row) < 2 for row in rows):
        return True
    if table.get("role") in ("table", "grid") or next(own_parts(table, "th", "caption", "thead"), None) is not None:
        return False
    filled = [cell for row in rows for cell in row if cell_text(cell)]
    blocks = [cell for cell in filled if next(cell.iterdescendants(*_BLOCKS), None) is not None]
    if not blocks:
        return False
    letters = [len(cell_text(cell)) for cell in filled]
    page = max(letters) > max(_LONGEST_CELL, sum(letters) / 2)
    return page or len(blocks) * 2 > len(filled) or sum(len(row) > 1 for row in rows) < 2


def _unfold(table: _Element) -> None:
    for part in (table, *list(own_parts(table, *_TABLE_PARTS))):
        part.tag = "div"


def _write_plainly(table: _Element) -> None:
    """Write spans out as cells and cells as text, because unstructured forgets the ones and stumbles over what is in the others."""
    from lxml import etree

    rows, header, tail = rows_of_table(table), has_header_row(table), table.tail
    for text in _beside_cells(table):
        beside = etree.Element("p")
        beside.text = text
        table.addprevious(beside)
    table.clear()
    table.tail = tail
    for number, row in enumerate(rows):
        line = etree.SubElement(table, "tr")
        for text in row:
            etree.SubElement(line, "th" if header and number == 0 else "td").text = text


def _beside_cells(table: _Element) -> list[str]:
    """Text of a table that is in none of its cells: broken pages have such."""
    from copy import deepcopy

    from lxml import etree

    rest = deepcopy(table)
    for cell in list(own_parts(rest, "td", "th")):
        if next(cell.iterancestors("tr"), None) is not None:
            cell.clear(keep_tail=True)
    etree.strip_elements(rest, "caption", with_tail=False)
    rest.tail = None
    text = cell_text(rest)
    return [text] if text else []


def _lift_captions(table: _Element) -> None:
    for caption in list(table.iterchildren("caption")):
        caption.tag, caption.tail = "p", None
        table.addprevious(caption)


def _page_title(title: str, elements: list[Element]) -> Iterator[Element]:
    # Most pages repeat their title as a heading; said once is enough.
    if title and not any(element.kind == "Title" and element.text.casefold() == title.casefold() for element in elements):
        yield Element("Title", title)

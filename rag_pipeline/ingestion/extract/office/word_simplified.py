"""A Word document in the simple form that unstructured reads.

Belongs here: changes to the document's XML before it is partitioned. Not here: reading it (``word``).

unstructured reads the paragraphs and tables that stand directly in the body. It drops content controls (forms, covers, tables of
contents), inserted text of tracked changes, text boxes, formulas, footnotes, endnotes and comments, and takes headings only from the
built-in styles. So wrappers are unwrapped, deleted text is removed, boxes and notes follow the paragraph that holds them, and every
style with an outline level is named a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.data.symbol_fonts import is_symbol_font, symbols
from rag_pipeline.ingestion.extract.office.drawing import choose_alternatives, descriptions
from rag_pipeline.ingestion.extract.office.office_file import safe_xml
from rag_pipeline.ingestion.extract.picture.pictures_inside import description
from rag_pipeline.ingestion.extract.source import Source

if TYPE_CHECKING:
    from lxml.etree import _Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_V = "{urn:schemas-microsoft-com:vml}"
_UNWRAPPED = ("ins", "moveTo", "smartTag", "customXml", "fldSimple", "sdtContent", "sdt", "dir", "bdo", "ruby", "rubyBase")
_REMOVED = ("del", "moveFrom", "sdtPr", "sdtEndPr", "customXmlPr", "smartTagPr", "instrText", "delText", "rubyPr", "rt")
_NOTES = ("footnote", "endnote", "comment")
_CODE = re.compile(r"[0-9A-Fa-f]{1,4}")
_NOT_TEXT = ("separator", "continuationSeparator", "continuationNotice")
NotesById = dict[str, dict[str, "_Element"]]
"""Footnotes, endnotes and comments by kind and id."""


def simplify(source: Source, document: Any) -> None:
    """Put an open python-docx document in the form that unstructured reads. What cannot be put so, and hidden text, is in the notes."""
    roots = [document.element.body, *(part.element for part in header_parts(document))]
    notes = {kind: _notes(source, document, kind) for kind in _NOTES}
    described: set[str] = set()
    hidden = 0
    # Notes first: they are put into the text in the form that they then have.
    for root in (*(note for by_id in notes.values() for note in by_id.values()), *roots):
        with source.part("A piece of the text in an unknown form"):
            choose_alternatives(root)
            hidden += _remove_hidden(root)
            _show_symbols(root)
            _show_shapes_text(root)
            _unwrap(root)
            _part_pages(root)
            _mend_tables(root)
    for root in roots:
        with source.part("A note or text box"):
            _place_notes(root, notes)
            _place_descriptions(root, described)
            _place_text_boxes(root)
    _append_unplaced(document.element.body, notes["comment"])
    with source.part("The styles"):
        styles = list(document.styles.element.iter(f"{W}style"))
        for style in styles:
            _name_heading(style)
        _write_out_bold(document.element.body, {style.get(f"{W}styleId"): style for style in styles})
    if hidden:
        source.notes.append("Text that is formatted as hidden was left out.")


def header_parts(document: Any) -> list[Any]:
    """The parts that hold headers and footers."""
    return [part for part in dict.fromkeys(_related(document, "/header", "/footer")) if hasattr(part, "element")]


def _related(document: Any, *endings: str) -> Iterator[Any]:
    """The parts that the document is related to in a way whose name ends so."""
    for relation in document.part.rels.values():
        if not relation.is_external and (relation.reltype or "").endswith(endings):
            yield relation.target_part


def _remove_hidden(root: _Element) -> bool:
    marks = (mark for mark in root.iter(f"{W}vanish") if mark.get(f"{W}val", "true") not in ("0", "false", "off"))
    runs = [run for mark in marks if (run := mark.getparent().getparent()) is not None and run.tag == f"{W}r"]
    for run in runs:
        run.getparent().remove(run)
    return any(text.text and text.text.strip() for run in runs for text in run.iter(f"{W}t"))


def _show_symbols(root: _Element) -> None:
    """Runs in fonts that draw symbols in place of letters, and such characters that stand by themselves (``w:sym``), as what they show."""
    for fonts in root.iter(f"{W}rFonts"):
        font, run = fonts.get(f"{W}ascii", ""), fonts.find("../..")
        if is_symbol_font(font) and run is not None and run.tag == f"{W}r":
            for words in run.iterchildren(f"{W}t"):
                words.text = symbols(words.text or "", font)
    for symbol in root.iter(f"{W}sym"):
        font, code = symbol.get(f"{W}font", ""), symbol.get(f"{W}char", "")
        symbol.tag = f"{W}t"
        symbol.text = symbols(chr(int(code, 16)), font) if _CODE.fullmatch(code) else ""


def _show_shapes_text(root: _Element) -> None:
    """Text that stands in attributes or in other languages than Word's own, as runs: WordArt, form fields' choices, formulas."""
    for path in list(root.iter(f"{_V}textpath")):
        _add_run(path.getparent(), path.get("string", ""))
    for choices in list(root.iter(f"{W}ddList")):
        entries = [entry.get(f"{W}val", "") for entry in choices.iter(f"{W}listEntry")]
        result = choices.find(f"{W}result")
        chosen = result.get(f"{W}val", "0") if result is not None else "0"
        shown = entries[int(chosen)] if chosen.isdecimal() and int(chosen) < len(entries) else ""
        _add_run(next(choices.iterancestors(f"{W}r"), choices.getparent()), shown)
    for formula in list(root.iter(f"{_M}oMath")):
        _add_run(formula, "".join(piece.text or "" for piece in formula.iter(f"{_M}t")))


def _add_run(place: _Element | None, text: str) -> None:
    """A run behind the run, or else the formula, that ``place`` is in; in a paragraph of its own where that stands in none."""
    if place is None or not text.strip():
        return
    runs = [place, *place.iterancestors()] if place.tag == f"{W}r" else list(place.iterancestors())
    neighbour = next((one for one in runs if one.tag == f"{W}r"), place)
    neighbour = next((one for one in (neighbour, *neighbour.iterancestors()) if one.getparent() is not None and _holds_runs(one)), None)
    if neighbour is not None:
        neighbour.addnext(_run(neighbour, text))


def _holds_runs(element: _Element) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag in (f"{W}p", f"{W}hyperlink", *(W + name for name in _UNWRAPPED))


def _run(beside: _Element, text: str) -> _Element:
    run = beside.makeelement(f"{W}r")
    words = run.makeelement(f"{W}t")
    words.text = text
    run.append(words)
    return run


def _unwrap(root: _Element) -> None:
    from lxml import etree

    etree.strip_elements(root, *(W + name for name in _REMOVED), with_tail=False)
    etree.strip_tags(root, *(W + name for name in _UNWRAPPED))
    for run in [run for run in root.iter(f"{W}r") if run.getparent() is not None and run.getparent().tag == f"{W}r"]:
        _dissolve(run)


def _part_pages(root: _Element) -> None:
    """A new page or column inside a paragraph parts words like a new line; the library makes nothing of it."""
    for line_break in root.iter(f"{W}br"):
        line_break.attrib.pop(f"{W}type", None)


def _dissolve(run: _Element) -> None:
    """A run in a run (the base of a ruby) gives its content to it."""
    for child in reversed(list(run)):
        if child.tag != f"{W}rPr":
            run.addnext(child)
    run.getparent().remove(run)


def _mend_tables(root: _Element) -> None:
    """Cells that say they continue the cell above stay cells where no cell above begins: the library drops the whole row."""
    for table in root.iter(f"{W}tbl"):
        above: set[int] = set()
        for row in table.iterchildren(f"{W}tr"):
            begins: set[int] = set()
            column = _number(row.find(f"{W}trPr/{W}gridBefore"), 0)
            for cell in row.iterchildren(f"{W}tc"):
                properties = cell.find(f"{W}tcPr")
                merged = properties.find(f"{W}vMerge") if properties is not None else None
                if properties is not None and merged is not None and merged.get(f"{W}val") != "restart" and column not in above:
                    properties.remove(merged)
                begins.add(column)
                column += _number(cell.find(f"{W}tcPr/{W}gridSpan"), 1)
            above = begins


def _number(element: _Element | None, otherwise: int) -> int:
    value = element.get(f"{W}val", "") if element is not None else ""
    return int(value) if value.isdecimal() else otherwise


def _notes(source: Source, document: Any, kind: str) -> dict[str, _Element]:
    """Notes of one kind by id."""
    with source.part(f"The part with the {kind}s"):
        for part in _related(document, f"/{kind}s"):
            root = safe_xml(part.blob)
            _name_authors(root)
            return {note.get(f"{W}id", ""): note for note in root if note.get(f"{W}type") not in _NOT_TEXT}
    return {}


def _name_authors(root: _Element) -> None:
    for comment in root.iter(f"{W}comment"):
        paragraph = next(comment.iter(f"{W}p"), None)
        if paragraph is not None:
            author = comment.get(f"{W}author", "")
            properties = paragraph.find(f"{W}pPr")
            paragraph.insert(0 if properties is None else 1, _run(paragraph, f"Comment by {author}: " if author else "Comment: "))


def _place_notes(root: _Element, notes: NotesById) -> None:
    for kind, by_id in notes.items():
        for reference in list(root.iter(f"{W}{kind}Reference")):
            note = by_id.get(reference.get(f"{W}id", ""))
            if note is not None:
                note.set("placed", "true")
                _insert_after(reference, (deepcopy(paragraph) for paragraph in note.iter(f"{W}p")))


def _append_unplaced(body: _Element, comments: dict[str, _Element]) -> None:
    """Comments that no place in the text names, such as some replies, stand at the end."""
    last = next((child for child in reversed(list(body)) if child.tag in (f"{W}p", f"{W}tbl")), None)
    waiting = [comment for comment in comments.values() if comment.get("placed") is None]
    for paragraph in reversed([paragraph for comment in waiting for paragraph in comment.iter(f"{W}p")]):
        if last is not None:
            last.addnext(deepcopy(paragraph))


def _place_descriptions(root: _Element, told: set[str]) -> None:
    """What alternative texts say, each once in the document; not of a box, whose alternative text is what stands in it."""
    for drawing in list(root.iter(f"{W}drawing", f"{W}pict", f"{W}object")):
        if next(drawing.iter(f"{W}txbxContent"), None) is None:
            older = (description(shape.get("alt")) for shape in drawing.iter(f"{_V}*"))
            new = [text for text in dict.fromkeys((*descriptions(drawing), *older)) if text and text not in told]
            told.update(new)
            _insert_after(drawing, (_paragraph(drawing, text) for text in new))


def _paragraph(beside: _Element, text: str) -> _Element:
    paragraph = beside.makeelement(f"{W}p")
    paragraph.append(_run(beside, text))
    return paragraph


def _place_text_boxes(root: _Element) -> None:
    # Innermost first, so that a box in a box is moved out twice.
    for box in reversed(list(root.iter(f"{W}txbxContent"))):
        parent = box.getparent()
        if parent is not None:
            blocks = list(box)
            parent.remove(box)
            _insert_after(parent, iter(blocks))


def _insert_after(place: _Element, blocks: Iterator[_Element]) -> None:
    """Put blocks behind the paragraph that ``place`` is in."""
    paragraph = next(place.iterancestors(f"{W}p"), None)
    for block in reversed(list(blocks)):
        if paragraph is not None:
            paragraph.addnext(block)


def _name_heading(style: _Element) -> None:
    level = style.find(f"{W}pPr/{W}outlineLvl")
    name = style.find(f"{W}name")
    value = level.get(f"{W}val", "9") if level is not None else "9"
    if name is not None and value in "012345678" and name.get(f"{W}val", "").lower() not in ("title", "subtitle"):
        name.set(f"{W}val", f"heading {int(value) + 1}")


def _write_out_bold(body: _Element, styles: dict[str | None, _Element]) -> None:
    """Say of each run whose style makes it bold that it is."""
    for paragraph in body.iter(f"{W}p"):
        of_all = _is_bold(paragraph.find(f"{W}pPr/{W}pStyle"), styles)
        for run in paragraph.iter(f"{W}r"):
            own = run.find(f"{W}rPr/{W}b")
            if own is None and (of_all or _is_bold(run.find(f"{W}rPr/{W}rStyle"), styles)):
                run.get_or_add_rPr().get_or_add_b()


def _is_bold(named: _Element | None, styles: dict[str | None, _Element]) -> bool:
    """Whether a style, or the first of those that it is based on to say anything of it, is bold."""
    seen: set[str | None] = set()
    while named is not None and (name := named.get(f"{W}val")) in styles and name not in seen:
        seen.add(name)
        bold = styles[name].find(f"{W}rPr/{W}b")
        if bold is not None:
            return bold.get(f"{W}val", "1") not in ("0", "false", "off")
        named = styles[name].find(f"{W}basedOn")
    return False

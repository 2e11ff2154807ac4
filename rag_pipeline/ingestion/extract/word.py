"""Word documents, through unstructured's partitioner.

Belongs here: what must be mended in a document before unstructured sees it. Not here: the old ``.doc`` format.

unstructured reads the paragraphs and tables that stand directly in the body. It drops content controls (forms, covers, tables of
contents), inserted text of tracked changes, text boxes, footnotes, endnotes and comments, and takes headings only from the built-in
styles. So the document is put in that simple form first: wrappers are unwrapped, deleted text is removed, boxes and notes follow
the paragraph that holds them, and every style with an outline level is named a heading.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.charts import chart_rows, drawn_paragraphs
from rag_pipeline.ingestion.extract.office_file import damage_reported, office_archive, pictures_in, safe_xml, saved
from rag_pipeline.ingestion.extract.outline import Outline
from rag_pipeline.ingestion.extract.pictures_inside import read_pictures, stand_for_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.ingestion.extract.tables import table_element
from rag_pipeline.ingestion.extract.unstructured_elements import convert
from rag_pipeline.ingestion.extract.unstructured_offline import prepare_unstructured
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from lxml.etree import _Element

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_UNWRAPPED = ("ins", "moveTo", "smartTag", "customXml", "fldSimple", "sdtContent", "dir", "bdo")
_REMOVED = ("del", "moveFrom", "sdtPr", "sdtEndPr", "customXmlPr", "smartTagPr", "instrText", "delText")
_NOTES = ("footnote", "endnote", "comment")
_NOT_TEXT = ("separator", "continuationSeparator", "continuationNotice")


def read_word(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, text boxes, notes and comments, with headers and footers where their sections begin and end.

    Charts and diagrams follow at the end. Text that is formatted as hidden is left out, with a note. Pictures are read where there is
    hardly any text.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``missing_program`` (hardly anything but pictures, and no Tesseract).
    """
    prepare_unstructured()
    import docx
    from unstructured.partition.docx import partition_docx

    archive = office_archive(source.stream)
    with damage_reported():
        document = docx.Document(archive)
        drawings = list(_drawings(document))
        if _simplify(document):
            source.notes.append("Text that is formatted as hidden was left out.")
        pictures = pictures_in(document.part, document.element.body)
        partitioned = partition_docx(file=saved(document), include_page_breaks=False, languages=[""])
    elements = [*convert(partitioned, Outline()), *drawings]
    yield from elements
    if stand_for_text(len(pictures), elements):
        yield from read_pictures(source, (picture.blob for picture in pictures), beside_text=bool(elements))


def _drawings(document: Any) -> Iterator[Element]:
    """Charts as tables, diagrams as text."""
    for relation in document.part.rels.values():
        if relation.is_external:
            continue
        if relation.reltype.endswith("/chart"):
            table = table_element(chart_rows(relation.target_part.blob))
            yield from [table] if table else []
        elif relation.reltype.endswith("/diagramData"):
            yield Element("NarrativeText", drawn_paragraphs(relation.target_part.blob))


def _simplify(document: Any) -> bool:
    """Put the document in the form that unstructured reads; whether hidden text was removed from it."""
    roots = [document.element.body, *(part.element for part in _header_parts(document))]
    notes = {kind: _notes(document, kind) for kind in _NOTES}
    hidden = sum(map(_remove_hidden, roots)) > 0  # all of them, not up to the first
    for root in roots:
        _choose_alternatives(root)
        _unwrap(root)
        _place_notes(root, notes)
        _place_text_boxes(root)
    for style in document.styles.element.iter(f"{_W}style"):
        _name_heading(style)
    return hidden


def _remove_hidden(root: _Element) -> bool:
    marks = (mark for mark in root.iter(f"{_W}vanish") if mark.get(f"{_W}val", "true") not in ("0", "false", "off"))
    runs = [run for mark in marks if (run := mark.getparent().getparent()) is not None and run.tag == f"{_W}r"]
    for run in runs:
        run.getparent().remove(run)
    return any(text.text and text.text.strip() for run in runs for text in run.iter(f"{_W}t"))


def _header_parts(document: Any) -> list[Any]:
    kinds = ("/header", "/footer")
    relations = document.part.rels.values()
    return [relation.target_part for relation in relations if relation.reltype.endswith(kinds) and not relation.is_external]


def _choose_alternatives(root: _Element) -> None:
    """The same drawing is stored twice, for new and for old programs: keep the first."""
    for alternate in list(root.iter(f"{_MC}AlternateContent")):
        for fallback in alternate.findall(f"{_MC}Fallback")[: None if alternate.find(f"{_MC}Choice") is not None else 0]:
            alternate.remove(fallback)


def _unwrap(root: _Element) -> None:
    from lxml import etree

    etree.strip_elements(root, *(_W + name for name in _REMOVED), with_tail=False)
    etree.strip_tags(root, *(_W + name for name in (*_UNWRAPPED, "sdt")))


def _notes(document: Any, kind: str) -> dict[str, _Element]:
    """Notes of one kind by id."""
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}s"):
            root = safe_xml(relation.target_part.blob)
            _name_authors(root)
            return {note.get(f"{_W}id", ""): note for note in root if note.get(f"{_W}type") not in _NOT_TEXT}
    return {}


def _name_authors(root: _Element) -> None:
    from lxml import etree

    for comment in root.iter(f"{_W}comment"):
        paragraph = next(comment.iter(f"{_W}p"), None)
        if paragraph is not None:
            run = etree.Element(f"{_W}r")
            author = comment.get(f"{_W}author", "")
            etree.SubElement(run, f"{_W}t").text = f"Comment by {author}: " if author else "Comment: "
            properties = paragraph.find(f"{_W}pPr")
            paragraph.insert(0 if properties is None else 1, run)


def _place_notes(root: _Element, notes: dict[str, dict[str, _Element]]) -> None:
    for kind, by_id in notes.items():
        for reference in list(root.iter(f"{_W}{kind}Reference")):
            note = by_id.get(reference.get(f"{_W}id", ""))
            if note is not None:
                _insert_after(reference, (deepcopy(paragraph) for paragraph in note.iter(f"{_W}p")))


def _place_text_boxes(root: _Element) -> None:
    # Innermost first, so that a box in a box is moved out twice.
    for box in reversed(list(root.iter(f"{_W}txbxContent"))):
        parent = box.getparent()
        if parent is not None:
            blocks = list(box)
            parent.remove(box)
            _insert_after(parent, iter(blocks))


def _insert_after(place: _Element, blocks: Iterator[_Element]) -> None:
    """Put blocks behind the paragraph that ``place`` is in."""
    paragraph = next(place.iterancestors(f"{_W}p"), None)
    for block in reversed(list(blocks)):
        if paragraph is not None:
            paragraph.addnext(block)


def _name_heading(style: _Element) -> None:
    level = style.find(f"{_W}pPr/{_W}outlineLvl")
    name = style.find(f"{_W}name")
    value = level.get(f"{_W}val", "9") if level is not None else "9"
    if name is not None and value in "012345678" and name.get(f"{_W}val", "").lower() not in ("title", "subtitle"):
        name.set(f"{_W}val", f"heading {int(value) + 1}")

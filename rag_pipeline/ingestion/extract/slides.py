"""PowerPoint decks, through unstructured's partitioner.

Belongs here: what must be mended in a deck before and after unstructured sees it. Not here: the old ``.ppt`` format.

unstructured guesses titles from the look of any short text, drops charts, diagrams and shapes stored in two versions, drops shapes
that begin above or left of the slide, and puts speaker notes in front of the slide as if they were text on it. Here only title
placeholders are titles, positions are moved onto the slide, and charts, diagrams and notes follow the slide they belong to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.charts import chart_rows, drawn_paragraphs
from rag_pipeline.ingestion.extract.decoding import clean_text
from rag_pipeline.ingestion.extract.office_file import damage_reported, office_archive, pictures_in, safe_xml, saved
from rag_pipeline.ingestion.extract.outline import Outline
from rag_pipeline.ingestion.extract.pictures_inside import read_pictures, stand_for_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.ingestion.extract.tables import table_element
from rag_pipeline.ingestion.extract.unstructured_elements import convert
from rag_pipeline.ingestion.extract.unstructured_offline import prepare_unstructured
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Partitioned

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
NOTES_HEADING = "Speaker notes"


def read_slides(source: Source) -> Iterator[Element]:
    """Slide by slide: its title, its text from top to bottom, its tables, charts and diagrams, its notes. Pages are slides.

    Pictures are read on slides with hardly any text.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``missing_program`` (a slide is a picture, and no Tesseract).
    """
    prepare_unstructured()
    import pptx
    from unstructured.partition.pptx import partition_pptx

    archive = office_archive(source.stream)
    with damage_reported():
        presentation = pptx.Presentation(archive)
        slides = list(presentation.slides)
        titles = [_title_lines(slide) for slide in slides]
        extras = [list(_extras(slide)) for slide in slides]
        pictures = [pictures_in(slide.part, slide.element) for slide in slides]
        for slide in slides:
            _simplify(slide)
        partitioned = partition_pptx(file=saved(presentation), include_page_breaks=False, include_slide_notes=False, languages=[""])
    by_slide: dict[int, list[Partitioned]] = {}
    for item in partitioned:
        by_slide.setdefault(item.metadata.page_number or 1, []).append(item)
    source.pages = len(slides)
    masters = list(_master_texts(slides))
    numbers = range(1, len(slides) + 1)
    elements = [list(_slide_elements(number, by_slide.get(number, []), titles[number - 1], extras[number - 1])) for number in numbers]
    for number, of_slide, shown in zip(numbers, elements, pictures, strict=True):
        yield from of_slide
        if shown and stand_for_text(1, of_slide):
            yield from read_pictures(source, (picture.blob for picture in shown), beside_text=any(elements), page=number)
    yield from (Element("Footer", text) for text in masters)


def _master_texts(slides: list[Any]) -> Iterator[str]:
    """What the layouts and masters in use show on their slides, each text once; places for the slides' own text show nothing."""
    layouts = {layout.part.partname: layout for slide in slides if (layout := slide.slide_layout) is not None}
    masters = {master.part.partname: master for layout in layouts.values() if (master := layout.slide_master) is not None}
    parents = [*layouts.values(), *masters.values()]
    shapes = (shape for parent in parents for shape in parent.shapes if not shape.is_placeholder and shape.has_text_frame)
    yield from dict.fromkeys(text for shape in shapes if (text := clean_text(shape.text_frame.text).strip()))


def _comments(part: bytes) -> Iterator[str]:
    """Comments of the old form (``p:text``) and of the new one (``a:t`` in each ``cm`` or ``reply``)."""
    for comment in safe_xml(part).iter("{*}cm", "{*}reply"):
        old = comment.findtext("{*}text")
        runs = (run.text or "" for body in comment.findall("{*}txBody") for run in body.iter(f"{_A}t"))
        yield clean_text(old if old is not None else "".join(runs)).strip()


def _slide_elements(number: int, items: list[Partitioned], titles: set[str], extras: list[list[list[str]] | str]) -> Iterator[Element]:
    outline = Outline()
    # The title names the slide wherever it stands on it, so it comes first.
    ordered = sorted(items, key=lambda item: item.text.strip() not in titles)
    for item in ordered:
        if item.category == "Title" and item.text.strip() not in titles:
            yield Element("NarrativeText", clean_text(item.text).strip(), page=number, heading_path=outline.path)
        else:
            yield from convert([item], outline, number)
    for extra in extras:
        if isinstance(extra, str):
            yield Element("NarrativeText", clean_text(extra), page=number, heading_path=outline.path)
        else:
            table = table_element(extra, number, outline.path)
            yield from [table] if table else []


def _title_lines(slide: Any) -> set[str]:
    title = slide.shapes.title
    return {line.text.strip() for line in title.text_frame.paragraphs} if title is not None and title.has_text_frame else set()


def _simplify(slide: Any) -> None:
    from lxml import etree

    for alternate in list(slide.element.iter(f"{_MC}AlternateContent")):
        choices = [*alternate.findall(f"{_MC}Choice"), *alternate.findall(f"{_MC}Fallback")]
        for unused in choices[1:]:
            alternate.remove(unused)
    etree.strip_tags(slide.element, f"{_MC}AlternateContent", f"{_MC}Choice", f"{_MC}Fallback")
    for offset in slide.element.iter(f"{_A}off"):
        for axis in ("x", "y"):
            if offset.get(axis, "0").startswith("-"):
                offset.set(axis, "0")


def _extras(slide: Any) -> Iterator[list[list[str]] | str]:
    """What unstructured leaves out: charts as rows of cells, diagrams and notes as text."""
    for relation in slide.part.rels.values():
        if relation.is_external:
            continue
        if relation.reltype.endswith("/chart"):
            yield chart_rows(relation.target_part.blob)
        elif relation.reltype.endswith("/diagramData"):
            yield drawn_paragraphs(relation.target_part.blob)
        elif relation.reltype.endswith("/comments"):
            yield from (f"Comment: {text}" for text in _comments(relation.target_part.blob))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            yield f"{NOTES_HEADING}:\n{notes}"

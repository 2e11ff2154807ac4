"""Parts that Word, PowerPoint and Excel have in common: charts, diagrams, embedded files, properties.

Belongs here: which relations lead to them, and reading each by itself. Not here: what a chart's XML means (``charts``), the formats.
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.office.charts import chart_rows, drawn_paragraphs
from rag_pipeline.ingestion.extract.office.drawing import A
from rag_pipeline.ingestion.extract.office.embedded import embedded_elements, inner_text
from rag_pipeline.ingestion.extract.office.package import Package, Relation
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_DRAWN = ("chart", "chartEx", "diagramData", "oleObject", "package", "aFChunk")
_EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"
_PROPERTIES = {
    "title": "Title",
    "creator": "Author",
    "subject": "Subject",
    "keywords": "Keywords",
    "category": "Category",
    "description": "Description",
}


def main_part(package: Package) -> str:
    """The part that the file begins with.

    Raises:
        KeyError: the package names none.
    """
    related = package.related("", "officeDocument")
    if not related:
        raise KeyError("officeDocument")
    return related[0].part


def drawn_elements(
    source: Source, package: Package, part: str, where: str = "", page: int | None = None, path: tuple[str, ...] = ()
) -> Iterator[Element]:
    """The charts, diagrams and embedded files of a part, in the order of its relations.

    Args:
        source: takes the notes on those that cannot be read.
        package: the file.
        part: whose relations are followed.
        where: the part in words, to begin a note: ``Slide 7: ``.
        page: the elements' page.
        path: the headings above them.
    """
    for relation in dict.fromkeys(_relations(source, package, part, where).values()):
        if relation.kind not in _DRAWN:
            continue
        with source.part(f"{where}{_kind(relation)} {relation.name}"):
            yield from _elements(source, package, relation, page, path)


def _relations(source: Source, package: Package, part: str, where: str) -> dict[str, Relation]:
    relations: dict[str, Relation] = {}
    with source.part(f"{where}what belongs to {part}" if where else f"What belongs to {part}"):
        relations.update(package.relations(part))
    return relations


def _kind(relation: Relation) -> str:
    return {"chart": "The chart", "chartEx": "The chart", "diagramData": "The diagram"}.get(relation.kind, "The embedded file")


def _elements(source: Source, package: Package, relation: Relation, page: int | None, path: tuple[str, ...]) -> Iterator[Element]:
    if relation.kind in ("chart", "chartEx"):
        table = table_element(chart_rows(package.blob(relation.part)), page, path)
        yield from [table] if table else []
        for shapes in package.related(relation.part, "chartUserShapes"):
            yield Element("NarrativeText", drawn_paragraphs(package.blob(shapes.part)), page, path)
    elif relation.kind == "diagramData":
        yield Element("NarrativeText", drawn_paragraphs(package.blob(relation.part)), page, path)
    elif relation.kind == "aFChunk":  # a document of another format that Word shows as its own text
        yield from inner_text(source, package.blob(relation.part), relation.name)
    else:
        yield from embedded_elements(source, package.blob(relation.part), relation.name, page, path)


def core_properties(source: Source, package: Package) -> dict[str, str]:
    """What the file says of itself, by the names to be shown (ECMA-376, part 2, 8.3)."""
    with source.part("The document's properties"):
        for relation in package.related("", "core-properties"):
            root = package.xml(relation.part)
            texts = {name: root.findtext(f"{{*}}{tag}") or "" for tag, name in _PROPERTIES.items()}
            return {name: text for name, text in texts.items() if text.strip()}
    return {}


def picture_blobs(package: Package, part: str) -> list[bytes]:
    """The pictures that a part shows, whole files, each once, in the order of the text.

    Raises:
        KeyError: the file lacks one. SyntaxError: the part is no XML.
    """
    relations = package.relations(part)
    shown = (picture.get(_EMBED, "") for picture in package.xml(part).iter(f"{A}blip"))
    return [package.blob(one) for one in dict.fromkeys(relations[embedded].part for embedded in shown if embedded in relations)]

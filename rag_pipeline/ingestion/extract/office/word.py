"""Word documents, through unstructured's partitioner.

Belongs here: the order of a document's parts, and reading each by itself. Not here: the old ``.doc`` format, what must be changed in a
document before unstructured sees it (``word_simplified``).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.markup.unstructured_elements import convert
from rag_pipeline.ingestion.extract.markup.unstructured_offline import prepare_unstructured
from rag_pipeline.ingestion.extract.office.mending import without_damaged_parts
from rag_pipeline.ingestion.extract.office.office_file import damage_reported, office_archive, pictures_in, saved
from rag_pipeline.ingestion.extract.office.package import Package
from rag_pipeline.ingestion.extract.office.parts import core_properties, drawn_elements, main_part
from rag_pipeline.ingestion.extract.office.properties import with_properties
from rag_pipeline.ingestion.extract.office.word_simplified import W, simplify
from rag_pipeline.ingestion.extract.picture.pictures_inside import read_pictures, stand_for_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Partitioned

_WITH_DRAWINGS = ("header", "footer", "footnotes", "endnotes")


def read_word(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, text boxes, notes and comments, with headers and footers where their sections begin and end.

    Charts, diagrams and embedded files follow at the end. Text that is formatted as hidden is left out, with a note. Pictures are read
    where there is hardly any text.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``missing_program`` (hardly anything but pictures, and no Tesseract).
    """
    prepare_unstructured()
    with damage_reported():
        archive, document = _opened(source)
        package = Package(archive)
        yield from with_properties(core_properties(source, package), _elements(source, package, document), source.name)


def _opened(source: Source) -> tuple[io.BytesIO, Any]:
    """The file, and the document in it; where a part is damaged, the file without it."""
    import docx

    archive = office_archive(source.stream)
    try:
        return archive, docx.Document(archive)
    except Exception:  # noqa: BLE001 - the library opens all parts or none, and raises anything
        archive = without_damaged_parts(source, archive)
        return archive, docx.Document(archive)


def _drop_nameless_relations(document: Any) -> None:
    """A relation that does not say what it is leads nowhere, and python-docx cannot write it."""
    for part in document.part.package.iter_parts():
        for identity in [name for name, one in part.rels.items() if not (name and one.reltype and one._target)]:
            del part.rels[identity]


def _elements(source: Source, package: Package, document: Any) -> Iterator[Element]:
    import docx

    simplify(source, document)
    pictures: list[Any] = []
    with source.part("The list of its pictures"):
        pictures = pictures_in(document.part, document.element.body)
    _drop_nameless_relations(document)
    elements = [*convert(_partitioned(source, docx.Document(saved(document))), Outline()), *_drawings(source, package)]
    yield from elements
    if stand_for_text(len(pictures), elements):
        yield from read_pictures(source, (picture.blob for picture in pictures), beside_text=bool(elements))


def _drawings(source: Source, package: Package) -> Iterator[Element]:
    main = main_part(package)
    yield from drawn_elements(source, package, main)
    for relation in package.relations(main).values():
        if relation.kind in _WITH_DRAWINGS:
            yield from drawn_elements(source, package, relation.part)


def _partitioned(source: Source, document: Any) -> Iterator[Partitioned]:
    """unstructured's elements; a paragraph or table that it trips over is taken as plain text, a header or footer is noted."""
    from unstructured.documents.elements import Text
    from unstructured.partition.docx import DocxPartitionerOptions, _DocxPartitioner

    class Careful(_DocxPartitioner):
        """The partitioner, block by block: its public function reads all of a document or nothing."""

        def _iter_paragraph_elements(self, paragraph: Any) -> Iterator[Partitioned]:
            yield from _tried(super()._iter_paragraph_elements, paragraph, lambda: Text(_plain(paragraph._p)))

        def _iter_table_element(self, table: Any) -> Iterator[Any]:
            yield from _tried(super()._iter_table_element, table, lambda: Text(_plain(table._tbl)))

        def _iter_section_page_breaks(self, section_index: int, section: Any) -> Iterator[Any]:
            return iter(())  # nothing is asked of them, and they trip over odd kinds of sections

        def _iter_section_headers(self, section: Any) -> Iterator[Any]:
            with source.part("A header"):
                yield from super()._iter_section_headers(section)

        def _iter_section_footers(self, section: Any) -> Iterator[Any]:
            with source.part("A footer"):
                yield from super()._iter_section_footers(section)

    options = DocxPartitionerOptions(file=None, file_path=None, include_page_breaks=False, infer_table_structure=True)
    options.__dict__["document"] = document  # a cached property: the document is open already
    return iter(Careful.iter_document_elements(options))


def _tried(read: Callable[[Any], Iterator[Partitioned]], block: Any, plainly: Callable[[], Partitioned]) -> Iterator[Partitioned]:
    try:
        yield from list(read(block))
    except (MemoryError, DocumentError):
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the words are there
        yield plainly()


def _plain(block: Any) -> str:
    paragraphs = ("".join(text.text or "" for text in paragraph.iter(f"{W}t")) for paragraph in block.iter(f"{W}p"))
    return "\n".join(text for text in paragraphs if text.strip())

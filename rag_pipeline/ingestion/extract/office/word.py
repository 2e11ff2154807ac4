"""Word documents, through unstructured's partitioner.

Belongs here: the order of a document's parts, and reading each by itself. Not here: the old ``.doc`` format, what must be changed in a
document before unstructured sees it (``word_simplified``).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
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
from rag_pipeline.ingestion.extract.office.word_blocks import block_by_block, plainly
from rag_pipeline.ingestion.extract.office.word_simplified import W, header_parts, simplify
from rag_pipeline.ingestion.extract.picture.pictures_inside import read_pictures, stand_for_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Partitioned

_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_LOST_HEADER = "A header or footer was not read: it is missing in the file."
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


def _drop_lost_headers(source: Source, document: Any) -> None:
    """A header or footer whose part is missing would cost the document its structure."""
    for reference in list(document.element.body.iter(f"{W}headerReference", f"{W}footerReference")):
        if reference.get(_RELATION_ID) not in document.part.rels:
            reference.getparent().remove(reference)
            if _LOST_HEADER not in source.notes:
                source.notes.append(_LOST_HEADER)


def _elements(source: Source, package: Package, document: Any) -> Iterator[Element]:
    simplify(source, document)
    pictures: list[Any] = []
    with source.part("The list of its pictures"):
        pictures = pictures_in(document.part, document.element.body)
    _drop_nameless_relations(document)
    _drop_lost_headers(source, document)
    elements = [*convert(_partitioned(source, document), Outline()), *_drawings(source, package)]
    yield from elements
    if stand_for_text(len(pictures), elements):
        yield from read_pictures(source, (picture.blob for picture in pictures), beside_text=bool(elements))


def _drawings(source: Source, package: Package) -> Iterator[Element]:
    main = main_part(package)
    yield from drawn_elements(source, package, main)
    for relation in package.relations(main).values():
        if relation.kind in _WITH_DRAWINGS:
            yield from drawn_elements(source, package, relation.part)


def _partitioned(source: Source, document: Any) -> Iterable[Partitioned]:
    """unstructured's elements. It gives none where it trips over anything: then block by block, and at the very last the words alone."""
    from unstructured.partition.docx import partition_docx

    content = saved(document)
    for read in (lambda: partition_docx(file=content, include_page_breaks=False, languages=[""]), lambda: block_by_block(source, content)):
        try:
            return list(read())
        except (MemoryError, DocumentError):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the words are there
            content.seek(0)
    source.notes.append("Its headings, lists and tables could not be told apart: it was read as plain text.")
    return [plainly(part) for root in (document.element.body, *(one.element for one in header_parts(document))) for part in root]

"""Word documents that unstructured trips over: its partitioner block by block, and the words of a block that it cannot read.

Belongs here: what one bad attribute or dead link may cost, which is its own block. Not here: documents that are sound (``word``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.office.word_simplified import W
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import CELL

if TYPE_CHECKING:
    from unstructured.documents.elements import Element as Partitioned

_SHOWN = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}


def block_by_block(source: Source, content: IO[bytes]) -> Iterator[Partitioned]:
    """unstructured's elements; a paragraph or table that it trips over is taken as plain text, a header or footer is noted.

    No public way exists: its public function reads all of a document or nothing.
    """
    import docx
    from unstructured.partition.docx import DocxPartitionerOptions, _DocxPartitioner

    class Careful(_DocxPartitioner):
        """The partitioner, with a rescue around each block."""

        def _iter_paragraph_elements(self, paragraph: Any) -> Iterator[Partitioned]:
            yield from _tried(super()._iter_paragraph_elements, paragraph, lambda: plainly(paragraph._p))

        def _iter_table_element(self, table: Any) -> Iterator[Any]:
            yield from _tried(super()._iter_table_element, table, lambda: plainly(table._tbl))

        def _iter_section_page_breaks(self, section_index: int, section: Any) -> Iterator[Any]:
            return iter(())  # nothing is asked of them, and they trip over odd kinds of sections

        def _iter_section_headers(self, section: Any) -> Iterator[Any]:
            with source.part("A header"):
                yield from super()._iter_section_headers(section)

        def _iter_section_footers(self, section: Any) -> Iterator[Any]:
            with source.part("A footer"):
                yield from super()._iter_section_footers(section)

    options = DocxPartitionerOptions(file=None, file_path=None, include_page_breaks=False, infer_table_structure=True)
    options.__dict__["document"] = docx.Document(content)  # a cached property: the document is open already
    return Careful.iter_document_elements(options)


def _tried(read: Callable[[Any], Iterator[Partitioned]], block: Any, instead: Callable[[], Partitioned]) -> Iterator[Partitioned]:
    try:
        yield from list(read(block))
    except (MemoryError, DocumentError):
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the words are there
        yield instead()


def plainly(block: Any) -> Partitioned:
    """The words of a paragraph or table: a line a paragraph, or a row of cells."""
    from unstructured.documents.elements import Text

    rows = list(block.iter(f"{W}tr"))
    lines = [CELL.join(map(_cell, row.iter(f"{W}tc"))) for row in rows] if rows else map(_words, block.iter(f"{W}p"))
    return Text("\n".join(line for line in lines if line.strip(" |")))


def _cell(cell: Any) -> str:
    return " ".join(filter(None, map(_words, cell.iter(f"{W}p"))))


def _words(paragraph: Any) -> str:
    return "".join(part.text or "" if part.tag == f"{W}t" else _SHOWN.get(part.tag, "") for part in paragraph.iter()).strip()

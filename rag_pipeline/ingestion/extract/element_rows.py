"""Elements as rows and as a frame: the shape in which they leave the process that reads, and the chunker gets them.

Belongs here: the columns, and the way from an element to a row and back. Not here: where rows are kept (``stores``), when they are
written (``process/spool``, the step). Loads polars only to make a frame: a process that reads documents does without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag_pipeline.models import Element, pack_boxes, unpack_boxes

if TYPE_CHECKING:
    import polars

ElementRow = tuple[str, int, str, str, int | None, list[str], str, str | None]
"""Extraction key, position, kind, text, page, heading path, packed boxes, table header."""


def element_row(extraction_key: str, position: int, element: Element) -> ElementRow:
    """An element as a row."""
    path = list(element.heading_path)
    return extraction_key, position, element.kind, element.text, element.page, path, pack_boxes(element.boxes), element.table_header


def element_frame(rows: Sequence[ElementRow]) -> polars.DataFrame:
    """Rows as a frame, with the names of the catalog's table ``elements``."""
    import polars

    columns = {
        "extraction_key": polars.String(),
        "position": polars.Int32(),
        "kind": polars.String(),
        "text": polars.String(),
        "page": polars.Int32(),
        "heading_path": polars.List(polars.String()),
        "boxes": polars.String(),
        "table_header": polars.String(),
    }
    return polars.DataFrame(rows, schema=columns, orient="row")


def elements_in(frame: polars.DataFrame) -> list[Element]:
    """The elements of a frame, in its order."""
    rows = frame.select("kind", "text", "page", "heading_path", "boxes", "table_header").iter_rows()
    return [Element(kind, text, page, tuple(path), unpack_boxes(boxes), header) for kind, text, page, path, boxes, header in rows]

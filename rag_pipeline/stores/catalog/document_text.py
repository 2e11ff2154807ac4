"""One document as the catalog has it: what is known of its reading, and its text with its chunks, a part at a time.

Belongs here: statements on one document. Not here: where chunks begin and end in the text (``ingestion/cuts.py``), lists of documents
(``listing.py``), who may see it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars

from rag_pipeline.models import Box, Element, ElementKind, unpack_boxes
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus, select_documents
from rag_pipeline.stores.catalog.frames import query_frame
from rag_pipeline.stores.catalog.keys import DOCUMENT_KEY, EXTRACTION_KEY, PARTIAL_EXTRACTION_KEY
from rag_pipeline.stores.catalog.reading_rows import ExtractorFingerprint, windows

BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""All that ``str.isspace`` calls a blank: chunks hold every other character of a text, once and in order."""
PAGE_CHARACTERS = 40_000
"""A page with more, such as a sheet with thousands of rows, is shown in parts."""
SECTION_CHARACTERS = 6_000
"""About two printed pages: a part of a text without pages."""
LONGEST_TEXT = 200_000
"""Of one element that is given; there are files of one line."""
MOST_EDGES, MOST_COPIES = 20, 100
_SAMPLE_CHARACTERS = 2_000
_MOST_EMPTY_PAGES = 20_000
"""A file may claim a million pages."""
_LETTERS = "length(translate(text, $blanks, ''))"


@dataclass(frozen=True, slots=True)
class Copy:
    """Another live document of the same bytes."""

    document_id: str
    collection: str
    document: str


@dataclass(frozen=True, slots=True)
class DocumentDetails:
    """What is known of a document beside its row. Times are UTC.

    Attributes:
        added_at: its file was seen first.
        read_at: its content was read; None where it was not, or by a program that did not note it.
        read_as_now: by the version of its reader that would read it now, with what the machine can read now.
        is_archive: its files are documents of their own, it has no text.
        edges: headers and footers, which are kept once each: kind, text, page.
        sample: enough of its words to tell their language.
        ocr_languages: those that were chosen for it; None: those of the settings.
    """

    status: DocumentStatus
    added_at: datetime
    read_at: datetime | None
    read_as_now: bool
    is_archive: bool
    copies: tuple[Copy, ...]
    edges: tuple[tuple[ElementKind, str, int | None], ...]
    sample: str
    ocr_languages: str | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of a text: elements of one page (None: those that stand on none) by their positions; None of a page without any."""

    page: int | None
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class PlacedElement:
    """An element, its position in the document, and how many characters of the document that are no blanks stand before it.

    ``characters``: of its text, which may be cut at :data:`LONGEST_TEXT`.
    """

    position: int
    element: Element
    letters_before: int
    characters: int


@dataclass(frozen=True, slots=True)
class PlacedChunk:
    """A chunk of which something stands in a part; ``letters_before`` as of an element."""

    position: int
    letters_before: int
    page_first: int | None
    page_last: int | None
    tokens: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a document's text.

    Attributes:
        number: its place among ``extents``, from 1.
        document_key: names the document in the index, as it is cut; empty where it is not.
        chunks: in order; none where it is not cut.
    """

    number: int
    extents: Sequence[Extent]
    elements: tuple[PlacedElement, ...]
    document_key: str
    chunks: tuple[PlacedChunk, ...]

    @property
    def extent(self) -> Extent:
        """The part's own."""
        return self.extents[self.number - 1]


@dataclass(frozen=True, slots=True)
class Place:
    """Which part is wanted: the one of that number, the first one of a page, or the one in which a chunk begins; all None: the first."""

    part: int | None = None
    page: int | None = None
    chunk: int | None = None


def document_details(
    catalog: Catalog, document_id: str, extractor: ExtractorFingerprint, collections: Sequence[str] | None
) -> DocumentDetails | None:
    """What is known of a live document; None where there is none. ``collections``: where its copies may be looked for (None: in all)."""
    with catalog.reading() as connection:
        found = select_documents(connection, "WHERE document_id = $document_id", {"document_id": document_id})
        if not found:
            return None
        current = f"coalesce(d.extraction_key IN ({EXTRACTION_KEY}, {PARTIAL_EXTRACTION_KEY}), FALSE)"
        ((added_at, read_at, as_now, is_archive, key, content, languages),) = connection.execute(
            f"SELECT d.added_at, x.read_at, {current}, x.members IS NOT NULL, d.extraction_key, d.content_hash, d.ocr_languages"
            " FROM documents d LEFT JOIN extractions x USING (extraction_key) WHERE d.document_id = $document_id",
            {"document_id": document_id, **extractor.program, "abilities": extractor.abilities},
        ).fetchall()
        copies = tuple(_copies(connection, document_id, content, collections))
        edges, sample = _edges(connection, key), _sample(connection, key)
    return DocumentDetails(found[0], added_at, read_at, as_now, is_archive, copies, edges, sample, languages)


def _copies(
    connection: duckdb.DuckDBPyConnection, document_id: str, content: str | None, collections: Sequence[str] | None
) -> Iterator[Copy]:
    rows = connection.execute(
        "SELECT document_id, collection, document FROM documents WHERE content_hash = $content AND document_id <> $document_id"
        " AND ($collections IS NULL OR list_contains($collections::VARCHAR[], collection)) ORDER BY collection, document LIMIT $most",
        {"content": content, "document_id": document_id, "collections": list(collections) if collections else None, "most": MOST_COPIES},
    ).fetchall()
    return (Copy(*row) for row in rows)


def _edges(connection: duckdb.DuckDBPyConnection, key: str | None) -> tuple[tuple[ElementKind, str, int | None], ...]:
    rows = connection.execute(
        "SELECT kind, text, page FROM elements WHERE extraction_key = ? AND kind IN ('Header', 'Footer') ORDER BY position LIMIT ?",
        [key, MOST_EDGES],
    ).fetchall()
    return tuple(rows)


def _sample(connection: duckdb.DuckDBPyConnection, key: str | None) -> str:
    rows = connection.execute(
        "SELECT left(text, ?) FROM elements WHERE extraction_key = ? AND kind IN ('NarrativeText', 'ListItem')"
        " ORDER BY length(text) DESC, position LIMIT 1",
        [_SAMPLE_CHARACTERS, key],
    ).fetchall()
    return "".join(text for (text,) in rows)


def document_part(catalog: Catalog, document_id: str, place: Place) -> TextPart | None:
    """A part of what a live document says; None where there is no such part, page or chunk, or nothing was read."""
    with catalog.reading() as connection:
        found = connection.execute("SELECT extraction_key, pages FROM documents WHERE document_id = ?", [document_id]).fetchall()
        key, pages = found[0] if found else (None, None)
        if key is None:
            return None
        sizes = query_frame(
            connection,
            f"SELECT position, length(text) AS size, {_LETTERS} AS letters, page, kind = 'Title' AS heading FROM elements"
            " WHERE extraction_key = $key ORDER BY position",
            {"key": key, "blanks": BLANKS},
        ).with_columns(before=polars.col("letters").cum_sum() - polars.col("letters"))
        extents = list(_extents(sizes, pages)) if len(sizes) else []
        chunking, document_key = _chunking(connection, document_id)
        chunks = _chunk_places(connection, chunking, int(sizes["letters"].sum()))
        number = _number(extents, place, sizes, chunks)
        if number is None:
            return None
        elements = tuple(_elements(connection, key, extents[number - 1], sizes))
        return TextPart(number, extents, elements, document_key, tuple(_chunks(connection, chunking, chunks, elements, sizes)))


def _extents(sizes: polars.DataFrame, pages: int | None) -> Iterator[Extent]:
    """Page by page, a page with much text in several; then what stands on no page."""
    parts: dict[int | None, list[Extent]] = {page: [] for page in range(1, min(pages or 0, _MOST_EMPTY_PAGES) + 1)}
    for (page,), group in sizes.group_by("page", maintain_order=True):
        limit = SECTION_CHARACTERS if page is None else PAGE_CHARACTERS
        positions = windows(group.select("position", "size", "heading"), limit)
        parts[page] = [Extent(page, first, last) for first, last in positions]
    for page in sorted(parts, key=lambda page: (page is None, page or 0)):
        yield from parts[page] or [Extent(page, None, None)]


def _chunking(connection: duckdb.DuckDBPyConnection, document_id: str) -> tuple[str, str]:
    """Its key and the document's; of several the one that is published, as far as the numbers tell."""
    rows = connection.execute(
        f"SELECT k.chunking_key, {DOCUMENT_KEY} FROM documents d JOIN chunkings k USING (extraction_key) WHERE d.document_id = ?"
        " ORDER BY k.chunk_count = d.chunks DESC, k.chunker DESC LIMIT 1",
        [document_id],
    ).fetchall()
    return rows[0] if rows else ("", "")


def _chunk_places(connection: duckdb.DuckDBPyConnection, chunking: str, letters: int) -> polars.DataFrame:
    """Position and letters before it of each chunk; none where they do not hold what the elements do, as those were read anew since."""
    places = query_frame(
        connection,
        f"SELECT position, {_LETTERS} AS letters FROM chunks WHERE chunking_key = $key ORDER BY position",
        {"key": chunking, "blanks": BLANKS},
    ).with_columns(before=polars.col("letters").cum_sum() - polars.col("letters"))
    return places if int(places["letters"].sum()) == letters else places.clear()


def _number(extents: Sequence[Extent], place: Place, sizes: polars.DataFrame, chunks: polars.DataFrame) -> int | None:
    if place.part is not None:
        return place.part if place.part <= len(extents) else None
    if place.chunk is not None:
        return _part_of_chunk(extents, place.chunk, sizes, chunks)
    return next((number for number, one in enumerate(extents, start=1) if place.page in (None, one.page)), None)


def _part_of_chunk(extents: Sequence[Extent], chunk: int, sizes: polars.DataFrame, chunks: polars.DataFrame) -> int | None:
    """The part that has the element in which the chunk's first word stands."""
    begins = chunks.filter(polars.col("position") == chunk)["before"].to_list()
    holding = sizes.filter(polars.col("before") <= begins[0]).tail(1) if begins else sizes.clear()
    for position, page in holding.select("position", "page").iter_rows():
        for number, one in enumerate(extents, start=1):
            if one.page == page and one.first is not None and one.last is not None and one.first <= position <= one.last:
                return number
    return None


def _elements(connection: duckdb.DuckDBPyConnection, key: str, extent: Extent, sizes: polars.DataFrame) -> Iterator[PlacedElement]:
    if extent.first is None:
        return
    rows = connection.execute(
        "SELECT position, kind, left(text, $most), page, heading_path, boxes, table_header, length(text) FROM elements"
        " WHERE extraction_key = $key AND page IS NOT DISTINCT FROM $page AND position BETWEEN $first AND $last ORDER BY position",
        {"key": key, "page": extent.page, "first": extent.first, "last": extent.last, "most": LONGEST_TEXT},
    ).fetchall()
    before = dict(sizes.filter(polars.col("position").is_between(extent.first, extent.last)).select("position", "before").iter_rows())
    for position, kind, text, page, path, boxes, header, characters in rows:
        element = Element(kind, text, page, tuple(path), unpack_boxes(boxes), header)
        yield PlacedElement(position, element, before[position], characters)


def _chunks(
    connection: duckdb.DuckDBPyConnection,
    chunking: str,
    places: polars.DataFrame,
    elements: Sequence[PlacedElement],
    sizes: polars.DataFrame,
) -> Iterator[PlacedChunk]:
    begins = places["before"].to_list()
    letters = dict(sizes.select("position", "letters").iter_rows()) if elements else {}
    numbers = {
        number
        for one in elements
        for number in range(bisect_right(begins, one.letters_before) - 1, bisect_left(begins, one.letters_before + letters[one.position]))
        if number >= 0
    }
    wanted = dict(places[sorted(numbers)].select("position", "before").iter_rows()) if numbers else {}
    rows = connection.execute(
        "SELECT position, page_first, page_last, tokens, boxes FROM chunks WHERE chunking_key = ?"
        " AND position IN (SELECT unnest(?::INTEGER[])) ORDER BY position",
        [chunking, list(wanted)],
    ).fetchall()
    for position, first, last, tokens, boxes in rows:
        yield PlacedChunk(position, wanted[position], first, last, tokens, unpack_boxes(boxes))

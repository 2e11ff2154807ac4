"""A part of a document's text, ready to be shown: its elements, where its chunks begin, and where both stand on the page's picture.

Belongs here: that, pure. Not here: markup (``templates/document/part.html``), what else is known of the document (``page.py``),
which parts there are (``rag_pipeline/stores/catalog/document_text.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rag_pipeline.ingestion.cuts import Span, spans_in
from rag_pipeline.models import Box, ElementKind, cells_of, is_header
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.document_text import Extent, PlacedElement, TextPart
from rag_pipeline.stores.vectors.points import chunk_id
from ui.views.citations import chunk_url, snippet
from ui.views.documents.links import document_url, has_pictures, picture_url
from ui.views.environment import render
from ui.views.language import gettext, message, ngettext

KINDS: dict[ElementKind, tuple[str, str]] = {
    "Title": ("title", message("Heading")),
    "NarrativeText": ("paragraph", message("Paragraph")),
    "ListItem": ("item", message("List item")),
    "Table": ("rows", message("Table")),
    "Header": ("edge", message("Header")),
    "Footer": ("edge", message("Footer")),
    "CodeSnippet": ("code", message("Code")),
    "EmailMetadata": ("edge", message("Mail header")),
}
"""How an element is drawn, and what it is called."""
_LABEL_CHARACTERS = 60
_BESIDE = {"Page": message("Beside the pages"), "Slide": message("Beside the slides"), "Sheet": message("Beside the sheets")}
_OF = {
    "Page": message("Page {page} of {pages}"),
    "Slide": message("Slide {page} of {pages}"),
    "Sheet": message("Sheet {page} of {pages}"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that stands in one chunk (None: not cut); ``begins``: with the chunk's first words."""

    text: str
    chunk: int | None = None
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, the chunk in which it begins, and the chunks that begin in it."""

    cells: tuple[str, ...]
    is_heading: bool
    chunk: int | None
    begins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """An element: text in ``pieces``, or a table's ``rows``. ``more``: what is not shown of it, in words."""

    position: int
    kind: str
    label: str
    pieces: tuple[Piece, ...]
    rows: tuple[Row, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The places of an element or a chunk on the picture: left, top, width, height, as fractions of its sides."""

    key: int
    kind: str
    label: str
    places: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class ShownChunk:
    """A chunk that has something in the part. ``url``: its passage, "" until that is published."""

    position: int
    label: str
    url: str
    is_odd: bool
    is_asked: bool


@dataclass(frozen=True, slots=True)
class ShownPart:
    """``previous`` and ``next`` are addresses of the document's page, "" at the ends; ``picture`` is "" where there is none.

    ``continued``: the chunk that began in the part before.
    """

    number: int
    parts: int
    page: int | None
    label: str
    picture: str
    alt: str
    continued: int | None
    path: tuple[str, ...]
    blocks: tuple[Block, ...]
    chunks: dict[int, ShownChunk]
    elements_on_picture: tuple[Shape, ...]
    chunks_on_picture: tuple[Shape, ...]
    previous: str
    next: str


def part_html(status: DocumentStatus, part: TextPart, asked: str = "") -> str:
    """A part as HTML: ``asked`` is the id of the chunk that a reader came for."""
    return render("document/part.html", part=shown_part(status, part, asked))


def shown_part(status: DocumentStatus, part: TextPart, asked: str = "") -> ShownPart:
    """A part in the form that its template wants."""
    page = part.extent.page
    drawn = page is not None and has_pictures(status.media_type)
    chunks = _chunks(status, part, asked)
    return ShownPart(
        number=part.number,
        parts=len(part.extents),
        page=page,
        label=part_label(status, part),
        picture=picture_url(status.document_id, page) if drawn and page else "",
        alt=gettext("Page {page} of {document}", page=page, document=status.document),
        continued=_continued(part),
        path=part.elements[0].element.heading_path if part.elements else (),
        blocks=tuple(_block(one, spans_of(part, one)) for one in part.elements),
        chunks=chunks,
        elements_on_picture=tuple(_element_shapes(part, page)) if drawn else (),
        chunks_on_picture=tuple(
            Shape(one.position, "odd" if one.position % 2 else "even", chunks[one.position].label, _places(one.boxes, page))
            for one in (part.chunks if drawn else ())
        ),
        previous=_url(status, part, part.number - 1),
        next=_url(status, part, part.number + 1),
    )


def page_word(status: DocumentStatus) -> str:
    """What a page of a document is: of a deck a slide, of a workbook a sheet."""
    media_type = status.media_type or ""
    if "presentation" in media_type or "powerpoint" in media_type:
        return message("Slide")
    return message("Sheet") if "sheet" in media_type or "excel" in media_type else message("Page")


def part_label(status: DocumentStatus, part: TextPart) -> str:
    """``Page 3 of 12``, ``Page 3 of 12, part 2 of 4``, ``Part 2 of 7``."""
    page = part.extent.page
    same = [number for number, extent in enumerate(part.extents, start=1) if extent.page == page]
    counts = {"part": same.index(part.number) + 1, "parts": len(same)}
    if page is None and not status.pages:
        return gettext("Part {part} of {parts}", **counts)
    label = gettext(_BESIDE[page_word(status)]) if page is None else gettext(_OF[page_word(status)], page=page, pages=status.pages or page)
    return gettext("{label}, part {part} of {parts}", label=label, **counts) if len(same) > 1 else label


def spans_of(part: TextPart, one: PlacedElement) -> list[Span]:
    """The text of an element by the chunks that it stands in; none where the document is not cut."""
    return spans_in(one.element.text, one.letters_before, [(chunk.position, chunk.letters_before) for chunk in part.chunks])


def chunk_ids(status: DocumentStatus, part: TextPart) -> dict[int, str]:
    """Position of a chunk → its id in the index; none before anything of the document is published."""
    return {one.position: chunk_id(part.document_key, one.position) for one in part.chunks} if status.chunks else {}


def _continued(part: TextPart) -> int | None:
    begun = part.chunks and part.chunks[0].letters_before < part.elements[0].letters_before
    return part.chunks[0].position if begun else None


def _url(status: DocumentStatus, part: TextPart, number: int) -> str:
    if not 1 <= number <= len(part.extents):
        return ""
    extent: Extent = part.extents[number - 1]
    begins_page = extent.page is not None and (number == 1 or part.extents[number - 2].page != extent.page)
    return document_url(status.document_id, page=extent.page) if begins_page else document_url(status.document_id, part=number)


def _chunks(status: DocumentStatus, part: TextPart, asked: str) -> dict[int, ShownChunk]:
    ids = chunk_ids(status, part)
    shown = {}
    for one in part.chunks:
        identity = ids.get(one.position, "")
        url = chunk_url(status.collection, identity) if identity else ""
        label = gettext("Chunk {number}", number=one.position + 1)
        shown[one.position] = ShownChunk(one.position, label, url, bool(one.position % 2), bool(asked) and identity == asked)
    return shown


def _block(one: PlacedElement, spans: Sequence[Span]) -> Block:
    kind, label = KINDS[one.element.kind][0], gettext(KINDS[one.element.kind][1])
    text = one.element.text
    is_table = one.element.kind == "Table"
    pieces = tuple(Piece(text[span.start : span.end], span.chunk, span.begins) for span in spans) or (Piece(text),)
    left = one.characters - len(text)
    more = ngettext("{number} more character is not shown here.", "{number} more characters are not shown here.", left) if left else ""
    return Block(one.position, kind, label, () if is_table else pieces, tuple(_rows(text, spans)) if is_table else (), more)


def _rows(text: str, spans: Sequence[Span]) -> Iterator[Row]:
    lines = text.split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=0)
    for line, start in zip(lines, starts, strict=False):
        if not line.strip():
            continue
        end = start + len(line)
        begins = tuple(span.chunk for span in spans if span.begins and start <= span.start < end)
        # A chunk that begins with the row's first word holds the row.
        first = start + len(line) - len(line.lstrip())
        holding = [span.chunk for span in spans if span.start <= first < span.end]
        yield Row(tuple(cells_of(line)), is_header(line), holding[0] if holding else None, begins)


def _element_shapes(part: TextPart, page: int | None) -> Iterator[Shape]:
    for one in part.elements:
        kind, label = KINDS[one.element.kind][0], gettext(KINDS[one.element.kind][1])
        places = _places(one.element.boxes, page)
        if places:
            yield Shape(one.position, kind, f"{label}: {snippet(one.element.text, _LABEL_CHARACTERS)}", places)


def _places(boxes: Sequence[Box], page: int | None) -> tuple[tuple[float, float, float, float], ...]:
    """Those on a page; turned boxes have their sides the other way round."""
    return tuple(
        (min(box.left, box.right), min(box.top, box.bottom), abs(box.right - box.left), abs(box.bottom - box.top))
        for box in boxes
        if box.page == page
    )

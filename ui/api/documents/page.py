"""A document's own page, and its text over HTTP, a part at a time.

Belongs here: these routes. Not here: what the page shows (``views/documents/page.py``, ``views/documents/part.py``), the statements
(``rag_pipeline/stores/catalog/document_text.py``), what is done with documents (``documents.py``).

These routes ask the catalog, as no citation does: a run that writes may keep them waiting, and they say so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.extract.picture.ocr import tesseract_languages
from rag_pipeline.ingestion.progress.live import files_being_read
from rag_pipeline.ingestion.steps.workspace import extractor_fingerprint
from rag_pipeline.models import Box, Hit
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.contract import CatalogBusyError
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.document_text import DocumentDetails, Place, PlacedElement, TextPart, document_details, document_part
from rag_pipeline.stores.conversations import AskedAbout
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.documents.files import NO_DOCUMENT
from ui.api.errors import status_of
from ui.api.passages import passage_of
from ui.api.schema_examples import CHUNK, DOCUMENT_TEXT, ELEMENT, FailureBody, shown
from ui.views.documents.page import Look, OcrLanguages, document_page
from ui.views.documents.part import chunk_ids, part_html, spans_of
from ui.views.language import gettext, message
from ui.views.language.told import failure_of
from ui.views.messages import message_page
from ui.web.security import DOCUMENT_POLICY, own_page
from ui.web.services import Services

router = APIRouter(prefix="/api/v1", tags=["documents"])
pages = APIRouter(include_in_schema=False)
Number = Annotated[int | None, Query(ge=1, le=1_000_000_000)]

_GONE = message("It was deleted from the folder, or renamed.")
_BUSY = message("A run is writing the catalog, which nobody else can read meanwhile. That takes seconds as a rule: load the page again.")


class SpanBody(BaseModel):
    """``text[start:end]`` of an element stands in the chunk of that position."""

    chunk: int
    start: int
    end: int


class ElementBody(BaseModel):
    """An element as it was read, in reading order; ``boxes`` are its places on the page, ``chunks`` who has which part of its text.

    ``characters``: of its text, which is cut after 200,000.
    """

    model_config = shown(ELEMENT)

    position: int
    kind: str
    text: str
    characters: int
    page: int | None
    heading_path: list[str]
    boxes: list[Box]
    chunks: list[SpanBody]


class ChunkBody(BaseModel):
    """A chunk that has something in the part. ``chunk_id`` as in search and citations, null until it is published."""

    model_config = shown(CHUNK)

    position: int
    chunk_id: str | None
    page_first: int | None
    page_last: int | None
    tokens: int
    boxes: list[Box]


class DocumentTextResponse(BaseModel):
    """A part of a document's text as it was read and cut: a page, or, of much text and where there are no pages, some of it.

    ``part`` is its number of ``parts``. ``page`` is the page that it is on: of a deck a slide, of a workbook a sheet; null on none.
    """

    model_config = shown(DOCUMENT_TEXT)

    document_id: str
    document: str
    collection: str
    part: int
    parts: int
    page: int | None
    elements: list[ElementBody]
    chunks: list[ChunkBody]


_NO_TEXT = {"model": FailureBody, "description": "Nothing of it was read, or not yet"}


@router.get("/documents/{document_id}/text", responses={409: _NO_TEXT})
async def text(
    document_id: str, services: ServicesDependency, access: ReaderDependency, page: Number = None, part: Number = None
) -> DocumentTextResponse:
    """What the index has of a document: its elements with their places on the page, and its chunks, a part at a time.

    The first part, the first one of a ``page``, or the one of a number, from 1 to ``parts``.
    """
    found = await asyncio.to_thread(_found, services, access, document_id, Place(part, page))
    if found is None:
        raise HTTPException(404, NO_DOCUMENT)
    details, wanted = found
    if wanted is None:
        raise HTTPException(*_why_no_part(details, page, part))
    return _body(details.status, wanted)


def _why_no_part(details: DocumentDetails, page: int | None, part: int | None) -> tuple[int, str]:
    status = details.status
    if (page or part) and not status.error and (status.pages or details.read_at or status.chunks):
        asked = f"part {part}" if part else f"page {page}"
        return 404, f"{status.document} has no {asked}{f': it has {status.pages} pages' if status.pages and not part else ''}."
    return 409, f"There is no text of {status.document}: it is {status.state}. {status.error or ''}".strip()


def _found(services: Services, access: Access, document_id: str, place: Place) -> tuple[DocumentDetails, TextPart | None] | None:
    """A document that may be seen, and a part of it, as they are at one moment."""
    extractor = extractor_fingerprint(services.settings)
    with services.catalog.reading():
        details = document_details(services.catalog, document_id, extractor, access.collections)
        if details is None or not access.sees(details.status.collection):
            return None
        return details, document_part(services.catalog, document_id, place)


def _body(status: DocumentStatus, part: TextPart) -> DocumentTextResponse:
    ids = chunk_ids(status, part)
    chunks = [
        ChunkBody(
            position=one.position,
            chunk_id=ids.get(one.position),
            page_first=one.page_first,
            page_last=one.page_last,
            tokens=one.tokens,
            boxes=list(one.boxes),
        )
        for one in part.chunks
    ]
    return DocumentTextResponse(
        document_id=status.document_id,
        document=status.document,
        collection=status.collection,
        part=part.number,
        parts=len(part.extents),
        page=part.extent.page,
        elements=[_element(part, one) for one in part.elements],
        chunks=chunks,
    )


def _element(part: TextPart, one: PlacedElement) -> ElementBody:
    element = one.element
    return ElementBody(
        position=one.position,
        kind=element.kind,
        text=element.text,
        characters=one.characters,
        page=element.page,
        heading_path=list(element.heading_path),
        boxes=list(element.boxes),
        chunks=[SpanBody(chunk=span.chunk, start=span.start, end=span.end) for span in spans_of(part, one)],
    )


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which part of the text a reader wants to see: of a page, of a number, or the one that holds a passage."""

    page: int | None
    part: int | None
    passage: str | None
    collection: str | None

    def place(self, hit: Hit | None) -> Place:
        """The same for the catalog, once the passage is looked up."""
        return Place(self.part, self.page, hit.position if hit and not self.page else None)


def _wish(page: Number = None, part: Number = None, passage: str | None = None, collection: str | None = None) -> _Wish:
    return _Wish(page, part, passage, collection)


_WishDependency = Annotated[_Wish, Depends(_wish)]


@pages.get("/documents/{document_id}")
async def whole_page(document_id: str, services: ServicesDependency, access: ReaderDependency, wish: _WishDependency) -> Response:
    """The document's page, at the first part of its text, at a page, a part, or at the passage that a reader comes from."""
    try:
        look = await _look(services, access, document_id, wish)
    except RagError as error:
        words = gettext(_BUSY) if isinstance(error, CatalogBusyError) else failure_of(error)
        return own_page(message_page(gettext("The document cannot be shown"), words), status_of(error))
    if look is None:
        return own_page(message_page(gettext("This document is not there any more"), gettext(_GONE)), 404)
    return own_page(document_page(look), policy=DOCUMENT_POLICY)


@pages.get("/documents/{document_id}/text")
async def part_of_the_page(document_id: str, services: ServicesDependency, access: ReaderDependency, wish: _WishDependency) -> Response:
    """A part of the text as a part of that page (``static/documents/page.js``)."""
    hit = await passage_of(services, document_id, wish.collection, wish.passage)
    found = await asyncio.to_thread(_found, services, access, document_id, wish.place(hit))
    if found is None or found[1] is None:
        raise HTTPException(404, _GONE)
    return own_page(part_html(found[0].status, found[1], hit.chunk_id if hit else ""))


async def _look(services: Services, access: Access, document_id: str, wish: _Wish) -> Look | None:
    """All that the page shows; None of a document that is not there, or may not be seen."""
    hit = await passage_of(services, document_id, wish.collection, wish.passage)
    found = await asyncio.to_thread(_found, services, access, document_id, wish.place(hit))
    if found is None:
        return None
    details, part = found
    if part is None and wish.place(hit) != Place():  # of an earlier reading: its beginning is better than nothing
        part = await asyncio.to_thread(document_part, services.catalog, document_id, Place())
    manifests = await asyncio.to_thread(services.index.manifests)
    questions, failed = await _questions(services, access, details.status)
    being_read = details.status.file in await asyncio.to_thread(files_being_read, services.settings)
    tags, languages = (await services.tags.known()).of(document_id), await asyncio.to_thread(_ocr, services.settings)
    manifest, may_write = manifests.get(details.status.collection), access.may("write")
    return Look(details, part, manifest, questions, failed, hit, may_write, being_read, tags, languages)


def _ocr(settings: Settings) -> OcrLanguages | None:
    known = tuple(one for one in tesseract_languages() if one != "osd")  # tells which way up a page is
    return OcrLanguages(settings.ocr_languages, known) if known or settings.celery_broker_url else None


async def _questions(services: Services, access: Access, status: DocumentStatus) -> tuple[list[AskedAbout], str]:
    """Those of this reader; the page is worth something without them."""
    try:
        return await services.conversations.asked_about(access.digest, status.collection, status.document), ""
    except RagError as error:
        return [], failure_of(error)

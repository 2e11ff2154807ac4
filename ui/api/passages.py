"""The pages that citations open: a passage in its document, pictures of pages, the original file.

Belongs here: these routes. Not here: what the pages show (``views/passage_page.py``), finding text (``views/surroundings.py``), drawing
(``views/page_pictures.py``), the whole document (``documents/page.py``).
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.models import Hit
from rag_pipeline.stores.catalog.database import DocumentStatus
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.errors import status_of
from ui.views.citations import places_in
from ui.views.documents.links import PDF
from ui.views.language import gettext, message
from ui.views.language.told import failure_of
from ui.views.messages import message_page
from ui.views.page_pictures import PagePictureError
from ui.views.passage_page import passage_page, quoted_boxes
from ui.views.surroundings import NEIGHBOURS, surroundings
from ui.web.security import own_page
from ui.web.services import Services

router = APIRouter(include_in_schema=False)


class GoneError(RagError):
    """What was asked for has been deleted meanwhile."""


@router.get("/passages/{collection}/{chunk_id}")
async def passage(
    collection: str, chunk_id: str, services: ServicesDependency, access: ReaderDependency, page: int | None = None, quoted: str = ""
) -> Response:
    """A passage, highlighted within its document, what is ``quoted`` more; of the pages it stands on, ``page`` comes first."""
    try:
        hit = await services.answerer.retriever.passage(collection, chunk_id) if access.sees(collection) else None
        if hit is None:
            return own_page(message_page(gettext("This passage is not there any more"), gettext(_GONE)), 404)
        around = await services.answerer.retriever.around(hit, NEIGHBOURS, NEIGHBOURS)
    except RagError as error:
        return own_page(message_page(gettext("The passage cannot be shown"), failure_of(error)), status_of(error))
    places = places_in(quoted, hit.text)
    return own_page(passage_page(hit, surroundings(hit, around, places), page, places))


_GONE = message("Its document was changed or deleted after the answer was written. Ask again: answers come from what is in the folder now.")


@router.get("/documents/{document_id}/pages/{page}.png")
async def page_picture(
    document_id: str,
    page: int,
    services: ServicesDependency,
    access: ReaderDependency,
    highlight: str | None = None,
    collection: str | None = None,
    quoted: str = "",
) -> Response:
    """A page of a PDF, or a picture of text, as a picture, a passage of it highlighted, and what is ``quoted`` of that more."""
    try:
        hit = await passage_of(services, document_id, collection, highlight)
        document = await _document(services, document_id, hit, access)
        async with _original(services, document) as file:
            stronger = quoted_boxes(hit, places_in(quoted, hit.text)) if hit else ()
            picture = await services.pictures.render(file, page, hit.boxes if hit else (), stronger)
    except (GoneError, PagePictureError) as error:
        raise HTTPException(404, str(error)) from error
    return Response(picture, media_type="image/png", headers={"Cache-Control": "private, max-age=60"})


@router.get("/documents/{document_id}/file")
async def original(
    document_id: str,
    services: ServicesDependency,
    access: ReaderDependency,
    passage: str | None = None,
    collection: str | None = None,
) -> Response:
    """The file itself. Only a PDF opens in the browser; everything else is downloaded, so that no document's HTML runs as our page."""
    try:
        hit = await passage_of(services, document_id, collection, passage)
        document = await _document(services, document_id, hit, access)
        held = AsyncExitStack()
        file = await held.enter_async_context(_original(services, document))
    except GoneError as error:
        return own_page(message_page(gettext("This document is not there any more"), str(error)), 404)
    name, sent = PurePosixPath(document.document).name, BackgroundTask(held.aclose)
    if document.media_type == PDF:
        return FileResponse(file, media_type=PDF, filename=name, content_disposition_type="inline", background=sent)
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'"}
    return FileResponse(file, media_type=guessed, filename=name, headers=headers, background=sent)


async def passage_of(services: Services, document_id: str, collection: str | None, chunk_id: str | None) -> Hit | None:
    """The passage by which a document was opened; None where none is named, or it is not that document's (any more)."""
    hit = await services.answerer.retriever.passage(collection, chunk_id) if collection and chunk_id else None
    return hit if hit and hit.document_id == document_id else None


async def _document(services: Services, document_id: str, hit: Hit | None, access: Access) -> Hit | DocumentStatus:
    """What is known of a document: by a passage of it, else by the catalog, for which a run that writes may have to be waited for."""
    document: Hit | DocumentStatus | None = hit
    if document is None:
        document = await asyncio.to_thread(services.catalog.find, document_id)
    if document is None or not access.sees(document.collection):
        raise GoneError(gettext("It was deleted from the folder, or renamed."))
    return document


@asynccontextmanager
async def _original(services: Services, document: Hit | DocumentStatus) -> AsyncIterator[Path]:
    """A document's file in the watched folder, or the copy of it.

    Raises:
        GoneError: it is gone, no regular file, or a link that leads out of the folder.
    """
    with ExitStack() as held:
        folder = watched_folder(services.settings)
        try:
            path = await asyncio.to_thread(held.enter_context, folder.original(document.file))
        except FileNotFoundError:
            raise GoneError(gettext("The file {name} is not in the folder any more.", name=document.document)) from None
        yield path

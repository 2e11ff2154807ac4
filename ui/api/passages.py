"""The pages that citations open: a passage in its document, pictures of PDF pages, the original file.

Belongs here: these routes. Not here: what the pages show (``views/passage_page.py``), finding text (``views/surroundings.py``), drawing
(``views/page_pictures.py``).
"""

from __future__ import annotations

import asyncio
import mimetypes
import os
from contextlib import closing
from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.text_windows import text_windows
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.errors import status_of
from ui.views.messages import message_page
from ui.views.page_pictures import PagePictureError
from ui.views.passage_page import PDF, passage_page
from ui.views.surroundings import WINDOW_CHARACTERS, Surroundings, surroundings
from ui.web.security import PAGE_POLICY
from ui.web.services import Services

router = APIRouter(include_in_schema=False)


class GoneError(RagError):
    """What was asked for has been deleted meanwhile."""


@router.get("/passages/{collection}/{chunk_id}")
async def passage(
    collection: str, chunk_id: str, services: ServicesDependency, access: ReaderDependency, page: int | None = None
) -> Response:
    """A passage, highlighted within its document; of the pages it stands on, ``page`` comes first."""
    try:
        hit = await services.answerer.retriever.passage(collection, chunk_id) if access.sees(collection) else None
        document = await asyncio.to_thread(services.catalog.find, hit.document_id) if hit else None
        if hit is None or document is None:
            return _page(message_page("This passage is not there any more", _GONE), 404)
        around = await asyncio.to_thread(_surroundings, services, hit)
    except RagError as error:
        return _page(message_page("The passage cannot be shown", str(error)), status_of(error))
    return _page(passage_page(hit, document, around, page))


_GONE = "Its document was changed or deleted after the answer was written. Ask again: answers come from what is in the folder now."


def _surroundings(services: Services, hit: Hit) -> Surroundings:
    pages = (hit.page_first, hit.page_last)
    with closing(text_windows(services.catalog, hit.document_id, hit.text, pages, WINDOW_CHARACTERS)) as windows:
        return surroundings(hit.text, windows)


@router.get("/documents/{document_id}/pages/{page}.png")
async def page_picture(
    document_id: str,
    page: int,
    services: ServicesDependency,
    access: ReaderDependency,
    highlight: str | None = None,
    collection: str | None = None,
) -> Response:
    """A page of a PDF as a picture, a passage of it highlighted."""
    try:
        _, file = await _original(services, document_id, access)
        hit = await services.answerer.retriever.passage(collection, highlight) if highlight and collection else None
        boxes = hit.boxes if hit and hit.document_id == document_id else ()
        picture = await services.pictures.render(file, page, boxes)
    except (GoneError, PagePictureError) as error:
        raise HTTPException(404, str(error)) from error
    return Response(picture, media_type="image/png", headers={"Cache-Control": "private, max-age=60"})


@router.get("/documents/{document_id}/file")
async def original(document_id: str, services: ServicesDependency, access: ReaderDependency) -> Response:
    """The file itself. Only a PDF opens in the browser; everything else is downloaded, so that no document's HTML runs as our page."""
    try:
        document, file = await _original(services, document_id, access)
    except GoneError as error:
        return _page(message_page("This document is not there any more", str(error)), 404)
    name = PurePosixPath(document.document).name
    if document.media_type == PDF:
        return FileResponse(file, media_type=PDF, filename=name, content_disposition_type="inline")
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return FileResponse(file, media_type=guessed, filename=name, headers={"Content-Security-Policy": "sandbox; default-src 'none'"})


async def _original(services: Services, document_id: str, access: Access) -> tuple[DocumentStatus, Path]:
    document = await asyncio.to_thread(services.catalog.find, document_id)
    if document is None or not access.sees(document.collection):
        raise GoneError("It was deleted from the folder, or renamed.")
    return document, await asyncio.to_thread(original_file, services.settings, document)


def original_file(settings: Settings, document: DocumentStatus) -> Path:
    """A document's file in the watched folder.

    Raises:
        GoneError: it is gone, no regular file, or a link that leads out of the folder.
    """
    root = os.path.realpath(settings.uploads)
    path = Path(os.path.realpath(Path(root, document.file)))
    if not path.is_relative_to(root) or not path.is_file():
        raise GoneError(f"The file {document.document} is not in the folder any more.")
    return path


def _page(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"})

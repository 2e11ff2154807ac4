"""Documents over HTTP: put in, list, look at, download, delete; and the collections they form.

Belongs here: requests in, JSON or files out. Not here: storing files (``uploads.py``), reading them (ingestion).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder import DEFAULT_COLLECTION
from rag_pipeline.stores.catalog import DocumentStatus
from ui import passages
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.examples import file_of, shown
from ui.api.schemas import DocumentBody, DocumentsResponse, RefusedUpload, UploadBody, UploadResponse, document_body
from ui.services import Services
from ui.uploads import UploadError, folder_of, store_upload
from ui.visibility import require_collection

router = APIRouter(prefix="/api/v1", tags=["documents"])


class CollectionBody(BaseModel):
    """A collection, and how many of its documents are in which state."""

    model_config = shown({"name": "contracts", "documents": 14, "states": {"indexed": 13, "failed": 1}})

    name: str
    documents: int
    states: dict[str, int]


class CollectionsResponse(BaseModel):
    """All collections that may be seen."""

    model_config = shown({"collections": [{"name": "contracts", "documents": 14, "states": {"indexed": 13, "failed": 1}}]})

    collections: list[CollectionBody]


@router.get("/collections")
async def collections(services: ServicesDependency, access: ReaderDependency) -> CollectionsResponse:
    """All collections, with their documents counted by state."""
    states: dict[str, Counter[str]] = {}
    for document in await services.visible_documents(access):
        states.setdefault(document.collection, Counter())[document.state] += 1
    found = [CollectionBody(name=name, documents=sum(counts.values()), states=dict(counts)) for name, counts in sorted(states.items())]
    return CollectionsResponse(collections=found)


@router.get("/documents")
async def list_documents(
    services: ServicesDependency, access: ReaderDependency, collection: str | None = None, state: str | None = None
) -> DocumentsResponse:
    """All documents with their states, or those of one collection or state."""
    shown = [
        document_body(document)
        for document in await services.visible_documents(access)
        if collection in (None, document.collection) and state in (None, document.state)
    ]
    return DocumentsResponse(documents=shown)


_NONE_TAKEN = {"model": UploadResponse, "description": "No file could be taken, with the reasons"}
_ALL_THERE = {"model": UploadResponse, "description": "All files lay there already, unchanged"}


@router.post("/documents", status_code=201, responses={400: _NONE_TAKEN, 409: _ALL_THERE})
async def upload(
    files: Annotated[list[UploadFile], File()],
    services: ServicesDependency,
    access: WriterDependency,
    response: Response,
    collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
) -> UploadResponse:
    """Put files into the watched folder; they are indexed from there.

    201: at least one was taken. 409: all of them lay there already, unchanged, so that a repeated request does no harm. 400: none could
    be taken, with the reasons.
    """
    require_collection(access, collection.strip() or DEFAULT_COLLECTION)
    folder = folder_of(collection, await services.listing.current())
    taken: list[UploadBody] = []
    refused: list[RefusedUpload] = []
    for file in files:
        try:
            taken.append(await asyncio.to_thread(_store, services, folder, file))
        except UploadError as error:
            refused.append(RefusedUpload(name=file.filename or "", message=str(error)))
    response.status_code = 400 if not taken else 409 if all(one.outcome == "unchanged" for one in taken) and not refused else 201
    return UploadResponse(documents=taken, refused=refused)


def _store(services: Services, folder: str, file: UploadFile) -> UploadBody:
    settings = services.settings
    stored = store_upload(settings.uploads, folder, file.filename or "", file.file, settings.max_file_bytes)
    return UploadBody(name=stored.name, collection=stored.collection, outcome=stored.outcome)


@router.get("/documents/{document_id}")
async def document(document_id: str, services: ServicesDependency, access: ReaderDependency) -> DocumentBody:
    """One document with its state."""
    return document_body(await _found(services, access, document_id))


@router.get("/documents/{document_id}/file", response_class=Response, responses=file_of("*/*", "The file, in its own media type"))
async def download(document_id: str, request: Request, services: ServicesDependency, access: ReaderDependency) -> Response:
    """The file itself."""
    await _found(services, access, document_id)
    return await passages.original(document_id, request, services, access)


@router.get("/documents/{document_id}/pages/{page}.png", response_class=Response, responses=file_of("image/png", "The page"))
async def page_picture(document_id: str, page: int, services: ServicesDependency, access: ReaderDependency) -> Response:
    """A page of a PDF as a picture."""
    await _found(services, access, document_id)
    return await passages.page_picture(document_id, page, services, access)


@router.delete("/documents/{document_id}", status_code=204)
async def delete(document_id: str, services: ServicesDependency, access: WriterDependency) -> Response:
    """Remove a document's file from the watched folder. The pipeline notices, and the document leaves the answers within seconds."""
    found = await _found(services, access, document_id)
    try:
        file = await asyncio.to_thread(passages.original_file, services.settings, found)
        await asyncio.to_thread(file.unlink)
    except passages.GoneError:
        pass  # deleted by someone else meanwhile: what was asked for is so
    except OSError as error:
        raise RagError(f"{found.document} cannot be removed: {error.strerror}. Give this user the right, or remove it by hand.") from error
    return Response(status_code=204)


async def _found(services: Services, access: Access, document_id: str) -> DocumentStatus:
    """A document that may be seen; one that may not looks as if it were not there."""
    found = await asyncio.to_thread(services.catalog.find, document_id)
    if found is None or not access.sees(found.collection):
        raise HTTPException(404, "There is no document with this id. It may have been deleted: see /api/v1/documents.")
    return found

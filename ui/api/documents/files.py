"""Documents over HTTP: put in, list, look at, download, delete; and the collections they form.

Belongs here: requests in, JSON or files out. Not here: storing files (``ingestion/folder/uploads.py``), reading them (ingestion).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, Response, UploadFile
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from rag_pipeline.access import Access
from rag_pipeline.document_life import HeldDeletions
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.document_changes import choose_languages, delete_documents, retry_documents
from rag_pipeline.ingestion.extract.process.passwords import add_password
from rag_pipeline.ingestion.folder.archives import why_not_removed
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION, path_in_archive
from rag_pipeline.ingestion.folder.uploads import UploadError, collection_in, folder_below, folder_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.progress.live import files_being_read
from rag_pipeline.ingestion.rollback import roll_back
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.listing import Choice, Order, SortKey, documents_page
from rag_pipeline.stores.catalog.missing_files import confirm_deletions
from rag_pipeline.stores.catalog.narrowing import tag_counts
from ui.api import passages
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency, WriterRoute
from ui.api.documents.many import ListFilter
from ui.api.schema_examples import FailureBody, file_of, shown
from ui.api.schemas import DocumentBody, DocumentsResponse, RefusedUpload, UploadBody, UploadResponse, document_body
from ui.views.documents.page import wants_password
from ui.web.services import Services
from ui.web.visibility import choice_of, require_collection

MOST_DOCUMENTS = 1000
"""On one page."""
NO_DOCUMENT = "There is no document with this id. It may have been deleted: see /api/v1/documents."

router = APIRouter(prefix="/api/v1", tags=["documents"])
uploading = APIRouter(prefix="/api/v1", tags=["documents"], route_class=WriterRoute)
"""The one route that takes large bodies."""


_LEASE = {"tag": "lease", "documents": 3}
_CONTRACTS = {"name": "contracts", "documents": 14, "states": {"indexed": 13, "failed": 1}, "deletions_held": 0}


class PasswordBody(BaseModel):
    """What opens a protected document."""

    model_config = shown({"password": "open sesame"})

    password: str = Field(min_length=1, max_length=255)


class LanguagesBody(BaseModel):
    """Tesseract's names of languages, joined by ``+``; empty: those of the settings."""

    model_config = shown({"languages": "deu+eng"})

    languages: str = Field("", max_length=500)


class CollectionBody(BaseModel):
    """A collection, and how many of its documents are in which state.

    ``deletions_held``: so many files are missing, too many at once to be taken for deleted; their documents go on answering.
    """

    model_config = shown(_CONTRACTS)

    name: str
    documents: int
    states: dict[str, int]
    deletions_held: int = 0


class ConfirmedDeletions(BaseModel):
    """How many deletions were held, and are carried out now."""

    model_config = shown({"confirmed": 32})

    confirmed: int


class RolledBack(BaseModel):
    """Which version of the index answers now. ``message`` says how long, and how to go forth again."""

    model_config = shown(
        {"version": "20261105T101500000000-3f9a1c", "documents": 13, "message": "contracts answers from an earlier version …"}
    )

    version: str
    documents: int
    message: str


class TagBody(BaseModel):
    """A tag, and how many of the documents that may be seen have it."""

    model_config = shown(_LEASE)

    tag: str
    documents: int


class TagsResponse(BaseModel):
    """The tags of the documents that may be seen, the most frequent first, 200 at most."""

    model_config = shown({"tags": [_LEASE]})

    tags: list[TagBody]


class CollectionsResponse(BaseModel):
    """All collections that may be seen."""

    model_config = shown({"collections": [_CONTRACTS]})

    collections: list[CollectionBody]


@router.get("/collections")
async def collections(services: ServicesDependency, access: ReaderDependency) -> CollectionsResponse:
    """All collections, with their documents counted by state."""
    held = await services.held_deletions()
    found = [_collection_body(name, states, held.get(name)) for name, states in (await services.visible_counts(access)).items()]
    return CollectionsResponse(collections=found)


def _collection_body(name: str, states: Mapping[str, int], held: HeldDeletions | None) -> CollectionBody:
    documents = sum(states.values())
    return CollectionBody(name=name, documents=documents, states=dict(states), deletions_held=held.documents if held else 0)


@router.get("/tags")
async def all_tags(services: ServicesDependency, access: ReaderDependency) -> TagsResponse:
    """The tags that documents have, with their numbers. To give and take them: /api/v1/documents/batch."""
    tagged = await services.tags.current()
    counts = await asyncio.to_thread(tag_counts, services.catalog, choice_of(access, Choice()), tagged.documents)
    return TagsResponse(tags=[TagBody(tag=tagged.names[key], documents=number) for key, number in counts.items()])


@router.post("/collections/{name}/confirm-deletions")
async def confirm_held(name: str, services: ServicesDependency, access: WriterDependency) -> ConfirmedDeletions:
    """Say that the files that are missing from a collection now were deleted. The pipeline finds it within seconds and removes them."""
    require_collection(access, name)
    return ConfirmedDeletions(confirmed=await asyncio.to_thread(confirm_deletions, services.catalog, [name]))


@router.post(
    "/collections/{name}/rollback", responses={400: {"model": FailureBody, "description": "No earlier version of its index is kept"}}
)
async def go_back(name: str, services: ServicesDependency, access: WriterDependency) -> RolledBack:
    """Answer from the version of the collection's index before the current one, until its next run. Twice: as it was."""
    require_collection(access, name)
    done = await asyncio.to_thread(roll_back, services.settings, name)
    return RolledBack(version=done.answering.version, documents=done.answering.documents, message=done.message)


class ListQuery(ListFilter):
    """Which documents, in which order, and which page of them."""

    sort: SortKey = "collection"
    descending: bool = False
    limit: int = Field(100, ge=1, le=MOST_DOCUMENTS)
    cursor: str | None = None


@router.get("/documents")
async def list_documents(query: Annotated[ListQuery, Query()], services: ServicesDependency, access: ReaderDependency) -> DocumentsResponse:
    """Documents with their states, a page at a time: those that a filter leaves, by collection and path or in another order.

    For the next page, ask again in the same order with ``cursor`` set to this one's ``next_cursor``, until that is null.
    """
    order = Order(query.sort, query.descending)
    tagged = await services.tags.known()
    choice = query.choice(access, tagged)
    page = await asyncio.to_thread(documents_page, services.catalog, choice, query.limit, query.cursor, order)
    now = await asyncio.to_thread(files_being_read, services.settings)
    shown = [document_body(document, tagged, is_read_now=document.file in now) for document in page.documents]
    return DocumentsResponse(documents=shown, total=page.total, next_cursor=page.next_cursor)


_NONE_TAKEN = {"model": UploadResponse, "description": "No file could be taken, with the reasons"}
_ALL_THERE = {"model": UploadResponse, "description": "All files lay there already, unchanged"}


@uploading.post("/documents", status_code=201, responses={400: _NONE_TAKEN, 409: _ALL_THERE})
async def upload(
    files: Annotated[list[UploadFile], File()],
    services: ServicesDependency,
    access: WriterDependency,
    response: Response,
    collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
    folder: Annotated[str, Form()] = "",
) -> UploadResponse:
    """Put files into the watched folder, ``folder`` naming those below the collection in which they lie; they are indexed from there.

    201: at least one was taken. 409: all of them lay there already, unchanged, so that a repeated request does no harm. 400: none could
    be taken, with the reasons.
    """
    require_collection(access, collection.strip() or DEFAULT_COLLECTION)
    of_collection = await asyncio.to_thread(folder_of, collection, services.catalog)
    require_collection(access, collection_in(of_collection))  # the name of a new collection is made one that a folder can have
    taken: list[UploadBody] = []
    refused: list[RefusedUpload] = []
    for file in files:
        try:
            taken.append(await asyncio.to_thread(_store, services, of_collection, folder, file))
        except UploadError as error:
            refused.append(RefusedUpload(name=file.filename or "", message=str(error)))
    response.status_code = 400 if not taken else 409 if all(one.outcome == "unchanged" for one in taken) and not refused else 201
    return UploadResponse(documents=taken, refused=refused)


def _store(services: Services, of_collection: str, folder: str, file: UploadFile) -> UploadBody:
    settings = services.settings
    stored = watched_folder(settings).store(folder_below(of_collection, folder), file.filename or "", file.file, settings.max_file_bytes)
    return UploadBody(name=stored.name, collection=stored.collection, outcome=stored.outcome, document_id=stored.document_id)


@router.get("/documents/{document_id}")
async def document(document_id: str, services: ServicesDependency, access: ReaderDependency) -> DocumentBody:
    """One document with its state."""
    return document_body(await _found(services, access, document_id), await services.tags.known())


@router.get("/documents/{document_id}/file", response_class=Response, responses=file_of("*/*", "The file, in its own media type"))
async def download(document_id: str, services: ServicesDependency, access: ReaderDependency) -> Response:
    """The file itself."""
    await _found(services, access, document_id)
    return await passages.original(document_id, services, access)


@router.get("/documents/{document_id}/pages/{page}.png", response_class=Response, responses=file_of("image/png", "The page"))
async def page_picture(document_id: str, page: int, services: ServicesDependency, access: ReaderDependency) -> Response:
    """A page of a PDF, or a picture of text, as a picture."""
    await _found(services, access, document_id)
    return await passages.page_picture(document_id, page, services, access)


_IN_AN_ARCHIVE = {"model": FailureBody, "description": "It is a file in an archive, and cannot be removed by itself"}


@router.delete("/documents/{document_id}", status_code=204, responses={409: _IN_AN_ARCHIVE})
async def delete(document_id: str, services: ServicesDependency, access: WriterDependency) -> Response:
    """Remove a document's file from the watched folder: of a link, the link. The pipeline notices, and the document leaves the answers.

    Of an archive all documents in it go. What is in an archive cannot be removed by itself.
    """
    found = await _found(services, access, document_id)
    if path_in_archive(found.file):
        raise HTTPException(409, why_not_removed(found.file))
    (change,) = await asyncio.to_thread(delete_documents, watched_folder(services.settings), services.catalog, [found])
    if not change.done:
        raise RagError(change.message)
    return Response(status_code=204)


@router.post(
    "/documents/{document_id}/retry",
    status_code=202,
    responses={409: {"model": FailureBody, "description": "It did not fail, and was not asked for again; or its file is missing"}},
)
async def retry(document_id: str, services: ServicesDependency, access: WriterDependency, again: bool = False) -> DocumentBody:
    """Read a failed document again. It is marked here; the pipeline finds it within seconds and starts a run.

    With ``again`` one that has not failed too, and the documents of the same content with it: what is published answers until then.
    """
    found = await _found(services, access, document_id)
    (change,) = await asyncio.to_thread(partial(retry_documents, services.catalog, [found], again=again))
    if not change.done:
        raise HTTPException(409, f"{change.message} To read it all the same: ?again=true" if found.state == "indexed" else change.message)
    return document_body(await _found(services, access, document_id), await services.tags.known())


@router.post(
    "/documents/{document_id}/password",
    status_code=202,
    responses={409: {"model": FailureBody, "description": "It is not a password that it wants"}},
)
async def open_with(document_id: str, body: PasswordBody, services: ServicesDependency, access: WriterDependency) -> DocumentBody:
    """Add a password to the list that is tried on protected documents (``RAG_PASSWORDS_FILE``), for one that failed for want of it.

    It is read again by the next run, which starts within seconds, and so is whatever else failed so, or was read in part.
    """
    found = await _found(services, access, document_id)
    if not wants_password(found):
        why = "is about to be read: wait for what comes of it" if found.state == "pending" else "did not fail for want of a password"
        raise HTTPException(409, f"{found.document} {why}.")
    await asyncio.to_thread(add_password, services.settings, body.password)
    await asyncio.to_thread(retry_documents, services.catalog, [found])
    return document_body(await _found(services, access, document_id), await services.tags.known())


async def _found(services: Services, access: Access, document_id: str) -> DocumentStatus:
    """A document that may be seen; one that may not looks as if it were not there."""
    found = await asyncio.to_thread(services.catalog.find, document_id)
    if found is None or not access.sees(found.collection):
        raise HTTPException(404, NO_DOCUMENT)
    return found


@router.post("/documents/{document_id}/ocr-languages", status_code=202)
async def read_in(document_id: str, body: LanguagesBody, services: ServicesDependency, access: WriterDependency) -> DocumentBody:
    """Have a scan or a picture read with other languages of OCR than ``RAG_OCR_LANGUAGES`` names, from now on and whatever its path is.

    The next run reads it, which starts within seconds; what is published of it answers until then.
    """
    found = await _found(services, access, document_id)
    await asyncio.to_thread(choose_languages, services.settings, services.catalog, found, body.languages)
    return document_body(await _found(services, access, document_id), await services.tags.known())

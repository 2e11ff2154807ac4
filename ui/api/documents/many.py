"""Many documents at once over HTTP: looked up by what they hold, deleted, moved, read again, tagged, downloaded as one zip.

Belongs here: requests in, an outcome for each document out. Not here: what is done (``rag_pipeline/ingestion/document_changes.py``), the
zip (``document_zip.py`` beside it), single documents (``documents.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Form
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError, model_validator
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from rag_pipeline.access import Access
from rag_pipeline.ingestion.document_changes import Change, delete_documents, move_documents, retry_documents
from rag_pipeline.ingestion.document_zip import zipped
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.ingestion.folder.uploads import collection_in, folder_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.progress.live import files_being_read
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.listing import Choice, DocumentsPage, documents_of, documents_page
from rag_pipeline.stores.conversations.tag_names import MOST_TAGS, tags_of
from rag_pipeline.stores.conversations.tags import Tagged
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import DOCUMENT, file_of, shown
from ui.api.schemas import DocumentBody, Name, UtcTime, document_body
from ui.web.security import PAGE_POLICY
from ui.web.services import Services
from ui.web.visibility import choice_of, require_collection

AT_ONCE = 1000
"""Documents in one request: named, or of one page of what a filter matches."""
ZIP = "application/zip"

router = APIRouter(prefix="/api/v1/documents", tags=["documents"])
pages = APIRouter(include_in_schema=False)

_Id = Annotated[str, Field(max_length=100)]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ListFilter(BaseModel):
    """Which documents; what is left out, or empty, does not narrow.

    ``state`` may be ``held``: those whose file is missing and whose deletion waits for a yes. ``name`` is looked for in the path, ``type``
    is the ending of the file's name (``pdf``), ``folder`` one below the collection in or below which it lies. Documents have each ``tag``
    that is named. ``indexed_since`` (inclusive) and ``indexed_before`` (exclusive) are UTC where they name no zone; a date alone is its
    first moment.
    """

    model_config = shown({"collection": "contracts", "state": "failed", "type": "pdf", "folder": "2025"})

    collection: Name = ""
    state: Name = ""
    name: Name = ""
    type: Name = ""
    folder: Name = ""
    indexed_since: UtcTime = None
    indexed_before: UtcTime = None
    tag: list[Name] = Field(default=[], max_length=MOST_TAGS)

    def choice(self, access: Access, tagged: Tagged) -> Choice:
        """As the catalog takes it, of what may be seen.

        Raises:
            TagError: a tag that there cannot be.
            ConversationError: tags cannot be read, and one is asked for.
        """
        asked = {name: getattr(self, name) for name in ListFilter.model_fields if name != "tag"}
        return choice_of(access, Choice(**asked, document_ids=tagged.with_all(tags_of(self.tag)) if self.tag else None))


class ChosenDocuments(BaseModel):
    """Documents by their ids, or all that a filter matches: either, not both."""

    model_config = shown({"documents": [DOCUMENT["document_id"]]}, {"filter": {"collection": "contracts", "state": "failed"}})

    documents: list[_Id] = Field(default=[], max_length=AT_ONCE)
    filter: ListFilter | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.documents) == (self.filter is not None):
            raise ValueError("Give documents (a list of ids) or filter, and not both")
        return self


class BatchRequest(ChosenDocuments):
    """What to do with which documents. ``to`` names the collection that they are moved to, ``tags`` what they are given or lose.

    What a filter matches is done in pages of 1,000: ask again with ``cursor`` set to the answer's ``next_cursor`` until that is null.
    """

    model_config = shown(
        {"action": "delete", "documents": [DOCUMENT["document_id"]]},
        {"action": "move", "filter": {"collection": "inbox", "type": "pdf"}, "to": "contracts"},
        {"action": "tag", "filter": {"folder": "2025"}, "tags": ["lease"]},
    )

    action: Literal["delete", "move", "retry", "tag", "untag"]
    to: str = Field("", max_length=100)
    tags: list[Name] = Field(default=[], max_length=MOST_TAGS)
    cursor: str | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.action == "move" and not self.to.strip():
            raise ValueError("Say where to: to names a collection")
        if self.action in ("tag", "untag") and not self.tags:
            raise ValueError("Say which tags: tags is a list of them")
        return self


class Outcome(BaseModel):
    """What became of a document. ``message``: why nothing was done, or what is to be known of what was; else empty."""

    document_id: str
    document: str
    collection: str
    done: bool
    message: str


_DONE = {"document_id": DOCUMENT["document_id"], "document": "2025/lease.pdf", "collection": "contracts", "done": True, "message": ""}


class BatchResponse(BaseModel):
    """An outcome for each document, in the order in which they were asked for. ``total``: how many were chosen, on all pages."""

    model_config = shown({"outcomes": [_DONE], "total": 1, "next_cursor": None})

    outcomes: list[Outcome]
    total: int
    next_cursor: str | None


class LookupRequest(BaseModel):
    """Ids of documents, and sha256 hashes of what files hold, in lower-case hexadecimal."""

    model_config = shown({"documents": [DOCUMENT["document_id"]], "hashes": [DOCUMENT["content_hash"]]})

    documents: list[_Id] = Field(default=[], max_length=AT_ONCE)
    hashes: list[_Hash] = Field(default=[], max_length=AT_ONCE)


class LookupResponse(BaseModel):
    """The documents that may be seen and have one of these ids, or hold one of these contents."""

    model_config = shown({"documents": [DOCUMENT]})

    documents: list[DocumentBody]


@router.post("/lookup")
async def look_up(asked: LookupRequest, services: ServicesDependency, access: ReaderDependency) -> LookupResponse:
    """Many documents by their ids, or by what they hold: how far those are that were uploaded, and which need not be sent at all."""
    choice = choice_of(access, Choice())
    found = await asyncio.to_thread(documents_of, services.catalog, choice, asked.documents, asked.hashes)
    now, tagged = await asyncio.to_thread(files_being_read, services.settings), await services.tags.known()
    return LookupResponse(documents=[document_body(document, tagged, is_read_now=document.file in now) for document in found])


@router.post("/batch")
async def change_many(asked: BatchRequest, services: ServicesDependency, access: WriterDependency) -> BatchResponse:
    """Delete many documents, move them to another collection, read them again, or give them tags or take them; an outcome for each, and
    none stops the others.

    What is in an archive is neither deleted nor moved by itself. The pipeline finds out within seconds what was done. Tags hold at once.
    """
    tags = tags_of(asked.tags)
    if asked.action == "move":
        await _require_target(services, access, asked.to)
    chosen = await _chosen(services, access, asked)
    page = await asyncio.to_thread(_page_of, services, chosen, asked.documents, asked.cursor)
    if asked.action in ("tag", "untag"):
        changes = await _change_tags(services, asked.action, tags, page.documents)
    else:
        changes = await asyncio.to_thread(_change, services, asked, page.documents)
    outcomes = {change.document.document_id: _outcome(change) for change in changes}
    every = [outcomes.get(identity) or _unknown(identity) for identity in dict.fromkeys(asked.documents)] or list(outcomes.values())
    return BatchResponse(outcomes=every, total=page.total, next_cursor=page.next_cursor)


async def _require_target(services: Services, access: Access, collection: str) -> None:
    """As for an upload: the name of a new collection is made one that a folder can have."""
    require_collection(access, collection.strip() or DEFAULT_COLLECTION)
    require_collection(access, collection_in(await asyncio.to_thread(folder_of, collection, services.catalog)))


async def _chosen(services: Services, access: Access, asked: ChosenDocuments) -> Choice:
    """Of the documents that may be seen those that a filter leaves, all where there is none."""
    return (asked.filter or ListFilter()).choice(access, await services.tags.known())


def _page_of(services: Services, choice: Choice, documents: Sequence[str], cursor: str | None = None) -> DocumentsPage:
    """Of the documents named, or, where none are, of all that are chosen."""
    if not documents:
        return documents_page(services.catalog, choice, AT_ONCE, cursor)
    found = documents_of(services.catalog, choice, documents)
    return DocumentsPage(found, len(found), None)


async def _change_tags(services: Services, action: str, tags: Mapping[str, str], documents: Sequence[DocumentStatus]) -> list[Change]:
    refused: Mapping[str, str] = {}
    if action == "tag":
        refused = await services.tags.add(documents, tags)
    else:
        await services.tags.remove(documents, tags)
    return [Change(one, one.document_id not in refused, refused.get(one.document_id, "")) for one in documents]


def _change(services: Services, asked: BatchRequest, documents: Sequence[DocumentStatus]) -> list[Change]:
    if asked.action == "retry":
        return retry_documents(services.catalog, documents)
    folder = watched_folder(services.settings)
    if asked.action == "move":
        return move_documents(folder, services.catalog, documents, asked.to)
    return delete_documents(folder, services.catalog, documents)


def _outcome(change: Change) -> Outcome:
    one = change.document
    return Outcome(document_id=one.document_id, document=one.document, collection=one.collection, done=change.done, message=change.message)


def _unknown(document_id: str) -> Outcome:
    words = "There is no document with this id. It may have been deleted: see /api/v1/documents."
    return Outcome(document_id=document_id, document="", collection="", done=False, message=words)


@router.post("/zip", response_class=StreamingResponse, responses=file_of(ZIP, "The files, each under its collection and path"))
async def download_many(asked: ChosenDocuments, services: ServicesDependency, access: ReaderDependency) -> StreamingResponse:
    """The original files of many documents as one zip, made while it is sent.

    A file whose name another one has, or has but for the case of its letters, gets a number. `NOT INCLUDED.txt` names files that are gone.
    """
    chosen = await _chosen(services, access, asked)
    first = await asyncio.to_thread(_page_of, services, chosen, asked.documents)
    if not first.documents:
        raise HTTPException(404, "None of these documents is there. They may have been deleted: see /api/v1/documents.")
    wanted = _Wanted(services, chosen)
    content = zipped(watched_folder(services.settings), chain(first.documents, wanted.after(first)))
    headers = {
        "Content-Disposition": 'attachment; filename="documents.zip"',
        "Cache-Control": "no-store",
        "Content-Security-Policy": PAGE_POLICY,
    }
    return StreamingResponse((block for block in content if block), media_type=ZIP, headers=headers)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Documents, read from the catalog a page at a time."""

    services: Services
    choice: Choice

    def after(self, page: DocumentsPage) -> Iterator[DocumentStatus]:
        while page.next_cursor:
            page = _page_of(self.services, self.choice, (), page.next_cursor)
            yield from page.documents


@pages.post("/documents/list/zip")
async def download_chosen(chosen: Annotated[str, Form()], services: ServicesDependency, access: ReaderDependency) -> StreamingResponse:
    """The same for a form, which a browser sends to save what comes without keeping it in memory (``static/documents/list.js``)."""
    try:
        asked = ChosenDocuments.model_validate_json(chosen)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    return await download_many(asked, services, access)

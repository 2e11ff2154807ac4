"""The routes of the API.

Belongs here: requests in, JSON or an event stream out. Not here: work; every handler calls what the pages call too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, suppress
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from starlette.responses import StreamingResponse

from rag_pipeline.answering.scope import Scope
from rag_pipeline.ingestion.folder import DEFAULT_COLLECTION
from rag_pipeline.models import Answered, AnswerEvent, Failed, Refused
from ui.api.deps import ServicesDependency
from ui.api.errors import AnswerFailedError
from ui.api.schemas import (
    AskRequest,
    AskResponse,
    DocumentsResponse,
    Health,
    RefusedUpload,
    SearchRequest,
    SearchResponse,
    UploadBody,
    UploadResponse,
    ask_response,
    document_body,
    event_json,
    event_name,
)
from ui.services import Services
from ui.uploads import UploadError, folder_of, store_upload

router = APIRouter(prefix="/api/v1")
End = Answered | Refused | Failed


@router.get("/health")
async def health(services: ServicesDependency) -> Health:
    """Whether the app answers, and who writes its answers."""
    return Health(answers=services.settings.chat_model)


@router.post("/ask", response_model=AskResponse)
async def ask(body: AskRequest, request: Request, services: ServicesDependency) -> Response | AskResponse:
    """Answer a question: one JSON document, or, with ``Accept: text/event-stream``, the events as they happen."""
    if "text/event-stream" in request.headers.get("accept", ""):
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_server_sent(services, body), media_type="text/event-stream", headers=headers)
    end = await _while_connected(request, _end_of_answer(services, body))
    if isinstance(end, Failed):
        raise AnswerFailedError(end)
    return ask_response(end)


@router.post("/search")
async def search(body: SearchRequest, services: ServicesDependency) -> SearchResponse:
    """Find the passages that match a question best."""
    top_k = body.top_k or services.settings.top_k
    hits = await services.answerer.retriever.retrieve(body.question, Scope(collections=tuple(body.collections)), top_k)
    return SearchResponse.model_validate({"hits": [hit.to_json() for hit in hits]})


@router.get("/documents")
async def documents(services: ServicesDependency) -> DocumentsResponse:
    """All documents with their states."""
    return DocumentsResponse(documents=[document_body(document) for document in await services.listing.current()])


@router.post("/documents", status_code=201)
async def upload(
    files: Annotated[list[UploadFile], File()],
    services: ServicesDependency,
    response: Response,
    collection: Annotated[str, Form()] = DEFAULT_COLLECTION,
) -> UploadResponse:
    """Put files into the watched folder; they are indexed from there."""
    folder = folder_of(collection, await services.listing.current())
    taken: list[UploadBody] = []
    refused: list[RefusedUpload] = []
    for file in files:
        try:
            taken.append(await asyncio.to_thread(_store, services, folder, file))
        except UploadError as error:
            refused.append(RefusedUpload(name=file.filename or "", message=str(error)))
    response.status_code = 201 if taken else 400
    return UploadResponse(documents=taken, refused=refused)


def _store(services: Services, folder: str, file: UploadFile) -> UploadBody:
    settings = services.settings
    stored = store_upload(settings.uploads, folder, file.filename or "", file.file, settings.max_file_bytes)
    return UploadBody(name=stored.name, collection=stored.collection, outcome=stored.outcome)


def _events(services: Services, body: AskRequest) -> AsyncGenerator[AnswerEvent, None]:
    history = tuple(message.to_record() for message in body.history)
    return services.answerer.stream(body.question, history, Scope(collections=tuple(body.collections)))


async def _server_sent(services: Services, body: AskRequest) -> AsyncIterator[str]:
    """The reader who goes away cancels this, and closing the stream cancels what is behind it."""
    async with aclosing(_events(services, body)) as events:
        async for event in events:
            yield f"event: {event_name(event)}\ndata: {json.dumps(event_json(event), ensure_ascii=False)}\n\n"


async def _end_of_answer(services: Services, body: AskRequest) -> End:
    last: AnswerEvent | None = None
    async with aclosing(_events(services, body)) as events:
        async for event in events:
            last = event
    if isinstance(last, Answered | Refused | Failed):
        return last
    return Failed("The answer ended before it was finished. Ask again.", "internal")


async def _while_connected(request: Request, answer: Coroutine[Any, Any, End]) -> End:
    """Await an answer, but cancel it when nobody waits for it any more."""
    working = asyncio.create_task(answer)
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        return Failed("The reader went away.", "disconnected")
    finally:
        for task in (working, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

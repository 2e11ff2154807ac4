"""Questions over HTTP: answers and passages.

Belongs here: requests in, JSON or an event stream out. Not here: work; every handler calls what the pages call too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from rag_pipeline.answering.ending import BROKEN_OFF, ended
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered, AnswerEvent, Failed, Refused
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.errors import AnswerFailedError
from ui.api.schema_examples import EVENTS
from ui.api.schemas import AskRequest, AskResponse, SearchRequest, SearchResponse, ask_response, event_json, event_name
from ui.web.services import Services

router = APIRouter(prefix="/api/v1", tags=["questions"])
End = Answered | Refused | Failed


@router.post("/ask", response_model=AskResponse, responses=EVENTS)
async def ask(body: AskRequest, request: Request, services: ServicesDependency, access: ReaderDependency) -> Response | AskResponse:
    """Answer a question: one JSON document, or, with ``Accept: text/event-stream``, the events as they happen."""
    scope = await services.scope_of(access, body.collections, body.filter.to_record())
    if "text/event-stream" in request.headers.get("accept", ""):
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(server_sent(_events(services, body, scope)), media_type="text/event-stream", headers=headers)
    end = await while_connected(request, end_of(_events(services, body, scope)))
    if isinstance(end, Failed):
        raise AnswerFailedError(end)
    return ask_response(end)


@router.post("/search")
async def search(body: SearchRequest, services: ServicesDependency, access: ReaderDependency) -> SearchResponse:
    """Find the passages that match a question best."""
    top_k = body.top_k or services.settings.top_k
    hits = await services.answerer.retriever.retrieve(
        body.question, await services.scope_of(access, body.collections, body.filter.to_record()), top_k
    )
    return SearchResponse.model_validate({"hits": [hit.to_json() for hit in hits]})


def _events(services: Services, body: AskRequest, scope: Scope) -> AsyncGenerator[AnswerEvent, None]:
    history = tuple(message.to_record() for message in body.history)
    return ended(services.answerer.stream(body.question, history, scope))


async def server_sent(events: AsyncGenerator[AnswerEvent, None]) -> AsyncIterator[str]:
    """The events as server-sent events. The reader who goes away cancels this, and closing the stream cancels what is behind it."""
    async with aclosing(events):
        async for event in events:
            yield f"event: {event_name(event)}\ndata: {as_json(event_json(event))}\n\n"


def as_json(value: object) -> str:
    """JSON on one line. A file name's bytes that are no text are written as JSON's own escapes; no encoder would take them."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


async def end_of(events: AsyncGenerator[AnswerEvent, None]) -> End:
    """The last event of a stream."""
    last: AnswerEvent | None = None
    async with aclosing(events):
        async for event in events:
            last = event
    if isinstance(last, Answered | Refused | Failed):
        return last
    return Failed(BROKEN_OFF, "internal")


async def while_connected(request: Request, answer: Coroutine[Any, Any, End]) -> End:
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

"""Questions over HTTP: answers and passages.

Belongs here: requests in, JSON or an event stream out. Not here: work; every handler calls what the pages call too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response

from rag_pipeline.access import Access
from rag_pipeline.answering.ending import ended
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import AnswerEvent, Failed
from ui.api.answer_stream import end_of, event_stream, frames_of, while_connected
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.errors import AnswerFailedError
from ui.api.schema_examples import EVENTS
from ui.api.schemas import AskRequest, AskResponse, SearchRequest, SearchResponse, ask_response
from ui.web.progress_feed import saying_how_far
from ui.web.services import Services

router = APIRouter(prefix="/api/v1", tags=["questions"])


@router.post("/ask", response_model=AskResponse, responses=EVENTS)
async def ask(body: AskRequest, request: Request, services: ServicesDependency, access: ReaderDependency) -> Response | AskResponse:
    """Answer a question: one JSON document, or, with ``Accept: text/event-stream``, the events as they happen."""
    scope = await services.scope_of(access, body.collections, body.filter.to_record())
    if "text/event-stream" in request.headers.get("accept", ""):
        return event_stream(frames_of(_events(services, access, body, scope)))
    end = await while_connected(request, end_of(_events(services, access, body, scope)))
    if isinstance(end, Failed):
        raise AnswerFailedError(end)
    return ask_response(end)


@router.post("/search")
async def search(body: SearchRequest, services: ServicesDependency, access: ReaderDependency) -> SearchResponse:
    """Find the passages that match a question best."""
    top_k = body.top_k or services.settings.top_k
    found = await services.answerer.retriever.retrieve(
        body.question, await services.scope_of(access, body.collections, body.filter.to_record()), top_k
    )
    coverage = found.coverage if found.coverage.is_partial else None
    return SearchResponse.model_validate({"hits": [hit.to_json() for hit in found.hits], "coverage": coverage})


def _events(services: Services, access: Access, body: AskRequest, scope: Scope) -> AsyncGenerator[AnswerEvent, None]:
    history = tuple(message.to_record() for message in body.history)
    return saying_how_far(ended(services.answerer.stream(body.question, history, scope, body.top_k)), services.progress, access)

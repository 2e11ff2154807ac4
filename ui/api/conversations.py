"""Conversations over HTTP: begin, ask in, look at, rate, delete.

Belongs here: requests in, JSON or events out. Not here: keeping them (``rag_pipeline.stores.conversations``).
A conversation belongs to the token that began it; without tokens all belong to the one user of the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from rag_pipeline.access import Access
from rag_pipeline.answering.conversation.remembered import Wishes, remembered
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import AnswerEvent, Failed
from rag_pipeline.stores.conversations import Conversation, FeedbackReason
from ui.api.answer_stream import end_of, event_stream, frames_of, while_connected
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.errors import AnswerFailedError
from ui.api.schema_examples import CONVERSATION, EVENTS, MESSAGES, file_of, shown
from ui.api.schemas import AskResponse, FilterBody, TopK, ask_response
from ui.views.conversations import conversations_html
from ui.views.exports import file_name, markdown_conversation, printed_conversation, word_document
from ui.views.language import speaking
from ui.web.language import language_of
from ui.web.progress_feed import saying_how_far
from ui.web.security import own_page
from ui.web.services import Services

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])
pages = APIRouter(include_in_schema=False)
MOST_PINNED, ON_A_PAGE = 200, 50
_TYPES = {
    "markdown": "text/markdown; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
}


class ChangeRequest(BaseModel):
    """What a conversation is called from now on, and whether it stays above the others; what is left out stays as it is."""

    model_config = shown({"title": "The lease", "pinned": True})

    title: str | None = Field(None, min_length=1, max_length=500)
    pinned: bool | None = None


class TitleRequest(BaseModel):
    """What a conversation is called."""

    model_config = shown({"title": "The lease"})

    title: str = Field("New conversation", min_length=1, max_length=500)


class TurnRequest(BaseModel):
    """A question in a conversation, and the collections and documents to look in (none: all).

    ``instead_of``: the id of an earlier answer, which is deleted with its question, and can be restored.
    """

    model_config = shown({"question": "When does it end?"})

    question: str
    collections: list[str] = []
    filter: FilterBody = FilterBody()
    instead_of: str = ""
    top_k: TopK = None


class FeedbackRequest(BaseModel):
    """Whether an answer helped, and, with a thumb down, why not; None takes it back."""

    model_config = shown({"feedback": "down", "reason": "incomplete", "comment": "The notice period is missing."})

    feedback: Literal["up", "down"] | None
    reason: FeedbackReason | None = None
    comment: str = Field("", max_length=5000)


class MessageBody(BaseModel):
    """A question or an answer; ``detail`` of an answer holds its citations, timings, model and reformulated question."""

    model_config = shown(*MESSAGES)

    message_id: str
    role: Literal["user", "assistant"]
    content: str
    state: Literal["complete", "refused", "failed", "interrupted", "writing"]
    created_at: datetime
    detail: dict[str, Any]
    feedback: Literal["up", "down"] | None
    feedback_comment: str | None
    feedback_reason: FeedbackReason | None


class ConversationBody(BaseModel):
    """A conversation; its messages, oldest first, where one was asked for. Times are UTC.

    ``collections``: where its last question looked, none: in all; ``filter``: in which of their documents.
    """

    model_config = shown(CONVERSATION)

    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: list[MessageBody] = []
    pinned: bool = False
    collections: list[str] = []
    filter: FilterBody = FilterBody()


class ConversationsResponse(BaseModel):
    """Conversations, the last used first. Pass ``updated_at`` of the last one as ``before`` for more."""

    model_config = shown({"conversations": [{**CONVERSATION, "messages": []}]})

    conversations: list[ConversationBody]


@router.get("")
async def recent(
    services: ServicesDependency,
    access: ReaderDependency,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: datetime | None = None,
    search: Annotated[str, Query(max_length=500)] = "",
    pinned: bool | None = None,
) -> ConversationsResponse:
    """The last used conversations, or those of them in which words stand."""
    found = await services.conversations.recent(access.digest, limit, before, search, pinned=pinned)
    return ConversationsResponse(conversations=[_body(one) for one in found])


@router.post("", status_code=201)
async def begin(body: TitleRequest, services: ServicesDependency, access: ReaderDependency) -> ConversationBody:
    """Begin a conversation."""
    return _body(await services.conversations.create(access.digest, body.title))


@router.get("/{conversation_id}")
async def conversation(conversation_id: str, services: ServicesDependency, access: ReaderDependency) -> ConversationBody:
    """A conversation with all its messages."""
    return _body(await services.conversations.get(access.digest, conversation_id))


@router.patch("/{conversation_id}")
async def change(conversation_id: str, body: ChangeRequest, services: ServicesDependency, access: ReaderDependency) -> ConversationBody:
    """Give it another title, keep it above the others, or no more."""
    if body.title is not None:
        await services.conversations.rename(access.digest, conversation_id, body.title)
    if body.pinned is not None:
        await services.conversations.pin(access.digest, conversation_id, pinned=body.pinned)
    return _body(await services.conversations.get(access.digest, conversation_id))


@router.delete("/{conversation_id}", status_code=204)
async def delete(conversation_id: str, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Delete it with all its messages. For an hour it can be restored."""
    await services.conversations.delete(access.digest, conversation_id)
    return Response(status_code=204)


@router.get("/{conversation_id}/export", response_class=Response, responses=file_of("text/markdown", "The conversation"))
async def export(
    conversation_id: str,
    request: Request,
    services: ServicesDependency,
    access: ReaderDependency,
    format: Literal["markdown", "docx", "json"] = "markdown",
) -> Response:
    """The conversation with its sources as a file."""
    kept = await services.conversations.get(access.digest, conversation_id)
    base, ending = str(request.base_url).rstrip("/"), {"markdown": "md"}.get(format, format)
    if format == "json":
        content = _body(kept).model_dump_json(indent=1).encode()
    else:
        with speaking(language_of(request)):
            content = await asyncio.to_thread(word_document if format == "docx" else _markdown, kept, base)
    named = f"attachment; filename*=UTF-8''{quote(file_name(kept.title, ending), safe='')}"
    return Response(content, media_type=_TYPES[format], headers={"Content-Disposition": named, "Cache-Control": "no-store"})


def _markdown(kept: Conversation, base: str) -> bytes:
    return markdown_conversation(kept, base).encode("utf-8", "backslashreplace")


@pages.get("/conversations/list", response_class=HTMLResponse)
async def panel(
    services: ServicesDependency,
    access: ReaderDependency,
    search: Annotated[str, Query(max_length=500)] = "",
    before: datetime | None = None,
) -> HTMLResponse:
    """Conversations as a part of the page (``static/conversations.js``)."""
    kept = services.conversations
    above = [] if before else await kept.recent(access.digest, MOST_PINNED, search=search, pinned=True)
    found = await kept.recent(access.digest, ON_A_PAGE + 1, before, search, pinned=False)
    return own_page(conversations_html(above, found, ON_A_PAGE, search))


@pages.get("/conversations/{conversation_id}/print", response_class=HTMLResponse)
async def to_print(conversation_id: str, services: ServicesDependency, access: ReaderDependency) -> HTMLResponse:
    """The conversation with its sources as a page to be printed, or saved as PDF."""
    return own_page(printed_conversation(await services.conversations.get(access.digest, conversation_id)))


@router.post("/{conversation_id}/restore", status_code=204)
async def restore(conversation_id: str, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Bring back a conversation that was deleted."""
    await services.conversations.restore(access.digest, conversation_id)
    return Response(status_code=204)


@router.post("/{conversation_id}/ask", response_model=AskResponse, responses=EVENTS)
async def ask(
    conversation_id: str, body: TurnRequest, request: Request, services: ServicesDependency, access: ReaderDependency
) -> Response | AskResponse:
    """Ask in a conversation: one JSON document, or, with ``Accept: text/event-stream``, the events as they happen. Both are kept."""
    scope = await services.scope_of(access, body.collections, body.filter.to_record())
    await services.conversations.get(access.digest, conversation_id)  # 404 before a stream begins
    if "text/event-stream" in request.headers.get("accept", ""):
        return event_stream(frames_of(_events(services, access, conversation_id, body, scope)))
    end = await while_connected(request, end_of(_events(services, access, conversation_id, body, scope)))
    if isinstance(end, Failed):
        raise AnswerFailedError(end)
    return ask_response(end)


@router.put("/messages/{message_id}/feedback", status_code=204)
async def feedback(message_id: str, body: FeedbackRequest, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Say whether an answer helped."""
    await services.conversations.give_feedback(access.digest, message_id, body.feedback, body.comment, body.reason)
    return Response(status_code=204)


def _events(services: Services, access: Access, conversation_id: str, body: TurnRequest, scope: Scope) -> AsyncGenerator[AnswerEvent, None]:
    kept, question = services.conversations, body.question
    wishes = Wishes(body.instead_of, body.top_k, tuple(body.collections), body.filter.to_record())
    answer = remembered(services.answerer, kept, access.digest, conversation_id, question, scope, wishes=wishes)
    return saying_how_far(answer, services.progress, access)


def _body(found: Conversation) -> ConversationBody:
    return ConversationBody.model_validate(asdict(found))

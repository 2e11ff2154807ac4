"""Single questions and answers of conversations over HTTP: copy, delete, bring back.

Belongs here: requests in, text or JSON out. Not here: whole conversations (``conversations.py``), how the text is made
(``views/exports.py``).
"""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel

from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.schema_examples import TRACE, file_of, shown
from ui.views.exports import markdown_answer, plain_answer
from ui.views.language import speaking
from ui.views.trace import trace_html
from ui.web.language import language_of
from ui.web.security import own_page

router = APIRouter(prefix="/api/v1/conversations/messages", tags=["conversations"])
pages = APIRouter(include_in_schema=False)


class TraceBody(BaseModel):
    """The questions searched for, and the passages with the parts of their scores: those with a ``rank`` were found, the others came close.

    ``cited``: id of a passage → its number in the answer. The first ``given`` passages were put before the language model. ``timings`` are
    seconds by step, ``usage`` counts of tokens. ``nearness`` as in an answer's events.
    """

    model_config = shown(TRACE)

    question: str = ""
    searched: str = ""
    sub_questions: list[str] = []
    with_topic: str = ""
    passages: list[dict[str, Any]] = []
    versions: list[dict[str, str]] = []
    cited: dict[str, int] = {}
    given: int = 0
    timings: dict[str, float] = {}
    nearness: float | None = None
    model: str | None = None
    usage: dict[str, int] = {}


@router.get("/{message_id}/text", response_class=Response, responses=file_of("text/plain", "The answer"))
async def text(
    message_id: str,
    request: Request,
    services: ServicesDependency,
    access: ReaderDependency,
    format: Literal["plain", "markdown"] = "plain",
) -> PlainTextResponse:
    """An answer as text: its words alone, or Markdown with its sources below."""
    question, answer = await services.conversations.turn(access.digest, message_id)
    base = str(request.base_url).rstrip("/")
    with speaking(language_of(request)):
        said = plain_answer(question, answer) if format == "plain" else markdown_answer(question, answer, base)
    return PlainTextResponse(said.encode("utf-8", "backslashreplace"))


@router.get("/{message_id}/trace")
async def trace(message_id: str, services: ServicesDependency, access: ReaderDependency) -> TraceBody:
    """How an answer was found, as its own events told; empty where it is older than that."""
    return TraceBody.model_validate(await services.conversations.trace(access.digest, message_id))


@pages.get("/conversations/messages/{message_id}/found", response_class=HTMLResponse)
async def found(message_id: str, services: ServicesDependency, access: ReaderDependency) -> HTMLResponse:
    """The same as a part of the page, drawn when someone opens it (``static/ask.js``)."""
    kept = await services.conversations.trace(access.digest, message_id)
    collections = [name for name in await services.indexed_collections() if access.sees(name)]
    return own_page(trace_html(kept, collections))


@router.delete("/{message_id}", status_code=204)
async def delete_turn(message_id: str, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Delete an answer with its question. For an hour it can be restored."""
    await services.conversations.delete_turn(access.digest, message_id)
    return Response(status_code=204)


@router.post("/{message_id}/restore", status_code=204)
async def restore_turn(message_id: str, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Bring back an answer that was deleted, or asked for again, with its question."""
    await services.conversations.restore_turn(access.digest, message_id)
    return Response(status_code=204)

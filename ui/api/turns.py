"""Single questions and answers of conversations over HTTP: copy, delete, bring back.

Belongs here: requests in, text or JSON out. Not here: whole conversations (``conversations.py``), how the text is made
(``views/exports.py``).
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from ui.api.deps import ReaderDependency, ServicesDependency
from ui.views.exports import markdown_answer, plain_answer

router = APIRouter(prefix="/api/v1/conversations/messages", tags=["conversations"])


@router.get("/{message_id}/text", response_class=PlainTextResponse)
async def text(
    message_id: str,
    request: Request,
    services: ServicesDependency,
    access: ReaderDependency,
    format: Literal["plain", "markdown"] = "plain",
) -> PlainTextResponse:
    """An answer as text: its words alone, or Markdown with its sources below."""
    question, answer = await services.conversations.turn(access.digest, message_id)
    said = plain_answer(question, answer) if format == "plain" else markdown_answer(question, answer, str(request.base_url).rstrip("/"))
    return PlainTextResponse(said.encode("utf-8", "backslashreplace"))


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

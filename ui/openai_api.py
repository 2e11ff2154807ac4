"""The documents as a language model: the chat API that Open WebUI, LibreChat and the ``openai`` client speak.

Belongs here: its requests and responses. Not here: answering. A model is a collection; ``all`` is everything that may be seen.
Format: platform.openai.com/docs/api-reference/chat. What we add: ``citations`` beside the message, and the sources below the text.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, StreamingResponse

from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered, AnswerEvent, Citation, Failed, Message, Refused, Token
from ui.api.asking import end_of, while_connected
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.examples import COMPLETIONS, MODELS, shown
from ui.rendering import page_label, passage_url
from ui.services import Services

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])
EVERYTHING = "all"
_OWNER = "rag"


class ContentPart(BaseModel):
    """A part of a message; only text can be asked."""

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A turn. System messages are accepted and not obeyed: the rules of answering are the app's."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None

    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """``include_usage``: a last chunk tells how many tokens were used."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """What the API takes; sampling parameters are accepted and ignored."""

    model_config = shown({"model": "all", "messages": [{"role": "user", "content": "When does the lease end?"}], "stream": True})

    model: str = EVERYTHING
    messages: list[ChatMessage] = Field(min_length=1, max_length=400)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()

    def question_and_history(self) -> tuple[str, tuple[Message, ...]]:
        """The last thing that the user said, and the turns before it."""
        turns = [Message(message.role, message.text()) for message in self.messages if message.role in ("user", "assistant")]
        last = next((index for index in reversed(range(len(turns))) if turns[index].role == "user"), None)
        return (turns[last].content, tuple(turns[:last])) if last is not None else ("", ())


@router.get("/models", responses=MODELS)
async def models(services: ServicesDependency, access: ReaderDependency) -> dict[str, Any]:
    """``all``, and each collection that may be seen."""
    collections = {document.collection for document in await services.visible_documents(access)}
    names = [EVERYTHING, *sorted(collections)]
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": _OWNER} for name in names]}


@router.post("/chat/completions", response_class=Response, responses=COMPLETIONS)
async def chat_completions(body: ChatRequest, request: Request, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Answer the last user message from the documents of the collection that ``model`` names."""
    scope = await services.scope_of(access, () if body.model == EVERYTHING else (body.model,))
    base = str(request.base_url).rstrip("/")
    if body.stream:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_streamed(services, body, scope, base), media_type="text/event-stream", headers=headers)
    end = await while_connected(request, end_of(_events(services, body, scope)))
    if isinstance(end, Failed):
        return JSONResponse(_error(end), status_code=502 if end.code.startswith("chat_") else 400)
    message = {"role": "assistant", "content": _text(end) + _sources(_citations(end), base), "citations": _citations_json(end, base)}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return JSONResponse({**_frame(body, "chat.completion"), "choices": [choice], "usage": _usage(end)})


async def _streamed(services: Services, body: ChatRequest, scope: Scope, base: str) -> AsyncIterator[str]:
    frame = _frame(body, "chat.completion.chunk")
    yield _chunk(frame, {"role": "assistant", "content": ""})
    async with aclosing(_events(services, body, scope)) as events:
        async for event in events:
            if isinstance(event, Token):
                yield _chunk(frame, {"content": event.text})
            elif isinstance(event, Failed):
                yield f"data: {json.dumps(_error(event))}\n\n"
                return
            elif isinstance(event, (Answered, Refused)):
                text = event.reason if isinstance(event, Refused) else ""
                yield _chunk(frame, {"content": text + _sources(_citations(event), base), "citations": _citations_json(event, base)})
                yield _chunk(frame, {}, "stop")
                if body.stream_options.include_usage:
                    yield f"data: {json.dumps({**frame, 'choices': [], 'usage': _usage(event)})}\n\n"
    yield "data: [DONE]\n\n"


def _events(services: Services, body: ChatRequest, scope: Scope) -> AsyncGenerator[AnswerEvent, None]:
    question, history = body.question_and_history()
    return services.answerer.stream(question, history, scope)


def _frame(body: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": body.model}


def _chunk(frame: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return f"data: {json.dumps({**frame, 'choices': [choice]}, ensure_ascii=False)}\n\n"


def _text(end: Answered | Refused) -> str:
    return end.answer if isinstance(end, Answered) else end.reason


def _citations(end: Answered | Refused) -> Sequence[Citation]:
    return end.citations if isinstance(end, Answered) else ()


def _citations_json(end: Answered | Refused, base: str) -> list[dict[str, object]]:
    return [{**citation.to_json(), "url": base + passage_url(citation.hit, citation.page)} for citation in _citations(end)]


def _sources(citations: Sequence[Citation], base: str) -> str:
    """A line for each citation, for readers whose program shows text only."""
    lines = [f"[{one.number}] [{_label(one)}]({base}{passage_url(one.hit, one.page)})" for one in citations]
    return "\n\n" + "\n".join(lines) if lines else ""


def _label(citation: Citation) -> str:
    page = page_label(citation.hit, citation.page)
    name = citation.hit.document.replace("[", "(").replace("]", ")")
    return f"{name}, {page}" if page else name


def _usage(end: Answered | Refused) -> dict[str, int]:
    used = dict(end.usage) if isinstance(end, Answered) else {}
    prompt, completion = used.get("prompt_tokens", 0), used.get("completion_tokens", 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": used.get("total_tokens", prompt + completion)}


def _error(failed: Failed) -> dict[str, Any]:
    return {"error": {"message": failed.message, "type": "server_error", "param": None, "code": failed.code}}

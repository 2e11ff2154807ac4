"""The documents as a language model: the chat API that Open WebUI, LibreChat and the ``openai`` client speak.

Belongs here: its requests and responses. Not here: answering. A model is a collection; ``all`` is everything that may be seen.
Format: platform.openai.com/docs/api-reference/chat. What we add beside the text of a message, or of the last piece of a stream that has
any: ``citations``, and with the names and shapes of ``POST /api/v1/ask`` its ``refused``, ``withdrawn``, and ``marks``, ``unverified`` and
``computed``, whose places count in the whole of the message's text. Below the text stand the sources. Programs that show it render
Markdown: images and HTML that a document or a model wrote are escaped, so that none is fetched or run.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from rag_pipeline.answering.ending import ended
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered, AnswerEvent, Citation, Failed, Message, Refused, Token
from ui.api.answer_stream import as_json, end_of, event_stream, while_connected
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.errors import AnswerFailedError, status_of
from ui.api.schema_examples import COMPLETIONS, MODELS, shown
from ui.api.schemas import PLACES
from ui.views.citations import Source, footnotes, sources_of, without_footnotes
from ui.views.markdown.fetching import WithoutFetching, moved, without_fetching
from ui.web.services import Services

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])
EVERYTHING = "all"
_OWNER = "rag"
_WITHDRAWN = "\n\n---\n\nNo passage says any of this, so it is no answer. What the documents say:\n\n"
_INSTEAD = "No passage says what the language model wrote, so that is no answer. What the documents say:\n\n"
_TEXT_PARTS = ("text", "input_text", "output_text")


class ContentPart(BaseModel):
    """A part of a message; only text can be asked."""

    type: str = "text"
    text: str | None = None


class ChatMessage(BaseModel):
    """A turn. System messages are accepted and not obeyed: the rules of answering are the app's."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None

    def text(self) -> str:
        """Its words."""
        if isinstance(self.content, list):
            return "\n".join(part.text or "" for part in self.content if part.type in _TEXT_PARTS)
        return self.content or ""


class StreamOptions(BaseModel):
    """``include_usage``: a last chunk tells how many tokens were used."""

    include_usage: bool | None = False


class ChatRequest(BaseModel):
    """What the API takes. What would not change an answer from documents (sampling, ``tools``, ``user``, ...) is not looked at."""

    model_config = shown({"model": "all", "messages": [{"role": "user", "content": "When does the lease end?"}], "stream": True})

    model: str | None = EVERYTHING
    messages: list[ChatMessage] = Field(min_length=1, max_length=400)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=1, description="There is one answer")

    @property
    def collection(self) -> str:
        """The model that was asked; none is everything."""
        return self.model or EVERYTHING

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with the number of tokens used."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def question_and_history(self) -> tuple[str, tuple[Message, ...]]:
        """The last thing that the user said, and the turns before it."""
        turns = [
            Message(message.role, _said(message.text()) if message.role == "assistant" else message.text())
            for message in self.messages
            if message.role in ("user", "assistant")
        ]
        last = next((index for index in reversed(range(len(turns))) if turns[index].role == "user"), None)
        return (turns[last].content, tuple(turns[:last])) if last is not None else ("", ())


@router.get("/models", responses=MODELS)
async def models(services: ServicesDependency, access: ReaderDependency) -> dict[str, Any]:
    """``all``, and each collection that may be seen and has something to search."""
    names = [EVERYTHING, *filter(access.sees, await services.indexed_collections())]
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": _OWNER} for name in names]}


@router.post("/chat/completions", response_class=Response, responses=COMPLETIONS)
async def chat_completions(body: ChatRequest, request: Request, services: ServicesDependency, access: ReaderDependency) -> Response:
    """Answer the last user message from the documents of the collection that ``model`` names."""
    scope = await services.scope_of(access, () if body.collection == EVERYTHING else (body.collection,))
    base = str(request.base_url).rstrip("/")
    if body.stream:
        return event_stream(_frames(services, body, scope, base))
    end = await while_connected(request, end_of(_events(services, body, scope)))
    if isinstance(end, Failed):
        return JSONResponse(_error(end), status_code=status_of(AnswerFailedError(end)))
    before = _INSTEAD if end.withdrawn and isinstance(end, Answered) else ""
    content = before + without_fetching(_text(end), links=False) + footnotes(sources_of(end), base)
    message = {"role": "assistant", "content": content, **_beside(end, base, len(before))}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return JSONResponse({**_frame(body, "chat.completion"), "choices": [choice], "usage": _usage(end)})


async def _frames(services: Services, body: ChatRequest, scope: Scope, base: str) -> AsyncIterator[str]:
    frame = _frame(body, "chat.completion.chunk")
    yield _chunk(frame, {"role": "assistant", "content": ""})
    sent, shown = 0, WithoutFetching()
    async with aclosing(_events(services, body, scope)) as events:
        async for event in events:
            if isinstance(event, Token):
                piece = shown.add(event.text)
                sent += len(piece)
                yield _chunk(frame, {"content": piece})
            elif isinstance(event, Failed):
                yield as_json(_error(event))
                return
            elif isinstance(event, (Answered, Refused)):
                rest = shown.rest()
                text = without_fetching(_text(event), links=False) if event.withdrawn or isinstance(event, Refused) else ""
                withdrawn = _WITHDRAWN if event.withdrawn else ""
                before = sent + len(rest) + len(withdrawn) if event.withdrawn else 0
                content = rest + withdrawn + text + footnotes(sources_of(event), base)
                yield _chunk(frame, {"content": content, **_beside(event, base, before)})
                yield _chunk(frame, {}, "stop")
                if body.include_usage:
                    yield as_json({**frame, "choices": [], "usage": _usage(event)})
    yield "[DONE]"


def _events(services: Services, body: ChatRequest, scope: Scope) -> AsyncGenerator[AnswerEvent, None]:
    question, history = body.question_and_history()
    return ended(services.answerer.stream(question, history, scope))


def _frame(body: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": body.collection}


def _chunk(frame: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return as_json({**frame, "choices": [choice]})


def _said(reply: str) -> str:
    """A reply as it comes back in the next turn, without what was withdrawn of it and without our footnotes."""
    return without_footnotes(reply.rpartition(_WITHDRAWN)[2].removeprefix(_INSTEAD))


def _text(end: Answered | Refused) -> str:
    return end.answer if isinstance(end, Answered) else end.reason


def _citations(end: Answered | Refused) -> Sequence[Citation]:
    return end.citations if isinstance(end, Answered) else ()


def _citations_json(end: Answered | Refused, base: str) -> list[dict[str, object]]:
    return [{**citation.to_json(), "url": base + Source.of(citation).url} for citation in _citations(end)]


def _beside(end: Answered | Refused, base: str, before: int) -> dict[str, object]:
    """What we add to a message; so many characters stand ``before`` the answer in its text."""
    places = {name: [_moved(asdict(one), before, _text(end)) for one in getattr(end, name, ())] for name in PLACES}
    return {"citations": _citations_json(end, base), "refused": isinstance(end, Refused), "withdrawn": end.withdrawn, **places}


def _moved(place: dict[str, Any], before: int, text: str) -> dict[str, Any]:
    return {**place, "start": moved(place["start"], text) + before, "end": moved(place["end"], text) + before}


def _usage(end: Answered | Refused) -> dict[str, int]:
    used = dict(end.usage) if isinstance(end, Answered) else {}
    prompt, completion = used.get("prompt_tokens", 0), used.get("completion_tokens", 0)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": used.get("total_tokens", prompt + completion)}


def _error(failed: Failed) -> dict[str, Any]:
    return {"error": {"message": failed.message, "type": "server_error", "param": None, "code": failed.code}}

"""The language model behind any OpenAI-compatible endpoint: a stream of text, and its failures in plain words.

Belongs here: the connection, patience, retries, errors. Not here: what is asked of it (``augment.py``, ``reformulate.py``), what its
words mean (``generative.py``, ``decomposition.py``).
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from rag_pipeline.answering.generation.runaway import ReplyLength
from rag_pipeline.answering.tuning import TUNING, Connection
from rag_pipeline.errors import RagError
from rag_pipeline.privacy import is_this_machine
from rag_pipeline.settings import AUTOMATIC, Settings

if TYPE_CHECKING:
    import openai

OPENAI_URL = "https://api.openai.com/v1"

ChatMessage = dict[str, str]
"""``role`` (system, user, assistant) and ``content``."""


class ChatError(RagError):
    """The language model did not answer, or broke off."""

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


@dataclass
class ChatReply:
    """What a finished stream said besides its text. ``usage`` counts tokens, as far as the provider tells."""

    usage: dict[str, int] = field(default_factory=dict)
    finish_reason: str | None = None


class ChatModel:
    """One language model. Safe to use by many tasks and event loops: each loop has one client, whose connections serve all its requests."""

    def __init__(self, settings: Settings, name: str, connection: Connection = TUNING.connection) -> None:
        self.name = name
        self.context_tokens = settings.chat_context_tokens
        self._connection = connection
        self._url = settings.openai_base_url or OPENAI_URL
        self._key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "not-needed"
        self._silence_seconds = settings.chat_timeout_seconds
        self._most_tokens = settings.chat_max_tokens
        self._clients: dict[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = {}

    async def stream(self, messages: Sequence[ChatMessage], reply: ChatReply | None = None) -> AsyncGenerator[str, None]:
        """The reply's text as it comes. Closing the iterator closes the provider's stream.

        Raises:
            ChatError: unreachable, silent for too long, refusing, broken off, or without an end; tried again only before the first text.
        """
        reply = reply if reply is not None else ChatReply()
        length = ReplyLength(self._most_tokens)
        for wait in (*self._connection.retry_seconds, None):
            begun = False
            try:
                async with aclosing(self._stream_once(messages, reply)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                        self._require_an_end(length, piece)
                return
            except ChatError as error:
                if begun or not error.retryable or wait is None:
                    raise
            await asyncio.sleep(wait)

    async def complete(self, messages: Sequence[ChatMessage]) -> str:
        """The whole reply.

        Raises:
            ChatError: as :meth:`stream`.
        """
        return "".join([piece async for piece in self.stream(messages)])

    async def _stream_once(self, messages: Sequence[ChatMessage], reply: ChatReply) -> AsyncGenerator[str, None]:
        import openai

        try:
            async with await self._open(self._client(), messages) as stream:
                async for chunk in stream:
                    piece = _piece(chunk, reply)
                    if piece:
                        yield piece
        except (openai.OpenAIError, ValueError) as error:  # ValueError: a line of the stream is no JSON
            raise self._in_plain_words(error) from error
        if reply.finish_reason is None:
            raise ChatError("chat_broke_off", self._broke_off(), retryable=True)

    def _require_an_end(self, length: ReplyLength, piece: str) -> None:
        length.add(piece)
        if length.is_too_long:
            words = f"The language model {self.name} wrote more than {self._most_tokens:,} tokens and was stopped."
            raise ChatError("chat_too_long", f"{words} Ask for less at a time, or raise RAG_CHAT_MAX_TOKENS.")
        if length.repeats_itself():
            words = f"The language model {self.name} went on repeating itself and was stopped."
            raise ChatError("chat_repeats", f"{words} Ask in other words, or choose another RAG_CHAT_MODEL.")

    async def close(self) -> None:
        """Close the running event loop's client; the next question opens another."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _client(self) -> openai.AsyncOpenAI:
        """The running event loop's client. Connections belong to the loop that opened them, so those of loops that are over are let go."""
        for loop in [loop for loop in list(self._clients) if loop.is_closed()]:
            self._clients.pop(loop, None)
        running = asyncio.get_running_loop()
        if running not in self._clients:
            self._clients[running] = self._new_client()
        return self._clients[running]

    def _new_client(self) -> openai.AsyncOpenAI:
        import httpx2
        import openai

        trusted, connection = not is_this_machine(self._url), self._connection
        return openai.AsyncOpenAI(
            api_key=self._key,
            base_url=self._url,
            max_retries=0,
            timeout=openai.Timeout(self._silence_seconds, connect=min(connection.connect_seconds, self._silence_seconds)),
            # A proxy named in the environment is for the internet; passages meant for a model on this machine must not go there.
            http_client=openai.DefaultAsyncHttpxClient(
                trust_env=trusted,
                verify=_certificates(trusted),
                limits=httpx2.Limits(
                    max_connections=None,
                    max_keepalive_connections=connection.kept_connections,
                    keepalive_expiry=connection.kept_seconds,
                ),
            ),
        )

    async def _open(self, client: openai.AsyncOpenAI, messages: Sequence[ChatMessage]) -> openai.AsyncStream[object]:
        import openai

        # By chat.completions.create every chunk would become a pydantic object, for a third of the time that an answer takes here.
        async def opened(**more: object) -> openai.AsyncStream[object]:
            body = {"model": self.name, "messages": list(messages), "stream": True, **more}
            return await client.post("/chat/completions", cast_to=object, body=body, stream=True, stream_cls=openai.AsyncStream[object])

        try:
            return await opened(stream_options={"include_usage": True})
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if "stream_options" not in _said(error):
                raise
            return await opened()

    def _in_plain_words(self, error: Exception) -> ChatError:
        import openai

        if isinstance(error, openai.APITimeoutError):
            seconds = f"{self._silence_seconds:g}"
            return ChatError(
                "chat_timeout",
                f"The language model {self.name} was silent for {seconds} seconds. Ask again, or raise RAG_CHAT_TIMEOUT_SECONDS.",
            )
        if isinstance(error, openai.APIStatusError):
            return self._refusal(error)
        if isinstance(error, openai.APIConnectionError):
            return ChatError(
                "chat_unreachable",
                f"The language model at {self._url} cannot be reached, or hung up. Check OPENAI_BASE_URL and that the server runs.",
                retryable=True,
            )
        return ChatError("chat_broke_off", f"{self._broke_off()} The provider said: {self._safe(error)}", retryable=True)

    def _refusal(self, error: openai.APIStatusError) -> ChatError:
        status, said = error.status_code, self._safe(error)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ChatError("chat_key", f"The provider at {self._url} refuses the key ({status}). Check OPENAI_API_KEY.")
        if status == HTTPStatus.NOT_FOUND:
            words = f"The provider at {self._url} does not know the model {self.name!r}. Check RAG_CHAT_MODEL and OPENAI_BASE_URL."
            return ChatError("chat_model", words)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            words = f"The provider of {self.name} accepts no more questions for now (429): {said} Wait a little, or check the account."
            return ChatError("chat_busy", words, retryable=True)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ChatError("chat_failed", f"The provider of {self.name} failed ({status}): {said} Ask again later.", retryable=True)
        return ChatError("chat_refused", f"The provider of {self.name} refuses the request ({status}): {said} Check RAG_CHAT_MODEL.")

    def _broke_off(self) -> str:
        return f"The language model {self.name} broke off in the middle of its answer. Ask again."

    def _safe(self, error: Exception) -> str:
        """What the provider said, short, and without the key, which some repeat."""
        return f"{_said(error).replace(self._key, '…')[: self._connection.error_characters]}."


def chat_model(settings: Settings, connection: Connection = TUNING.connection) -> ChatModel | None:
    """The language model that the settings name; None when they name none, or leave it to this machine (``local_models.py``)."""
    named = settings.chat_model if settings.chat_model != AUTOMATIC else None
    return ChatModel(settings, named, connection) if named else None


def _said(error: Exception) -> str:
    """The provider's own words. The client repeats only what stands where OpenAI puts it; FastAPI's servers say ``detail``."""
    body = getattr(error, "body", None)
    is_repeated = not isinstance(body, dict | list) or isinstance(_mapping(body).get("message"), str)
    return str(error) if is_repeated else f"{error}, {json.dumps(body, ensure_ascii=False)}"


def _piece(chunk: object, reply: ChatReply) -> str:
    """The text in a chunk, which is any JSON: other servers than OpenAI's leave fields out, or send null."""
    usage, choice = _mapping(chunk, "usage"), _mapping(chunk, "choices", 0)
    counts = {name: usage[name] for name in ("prompt_tokens", "completion_tokens") if isinstance(usage.get(name), int)}
    reply.usage = counts or reply.usage
    reply.finish_reason = str(choice.get("finish_reason") or "") or reply.finish_reason
    content = _mapping(choice, "delta").get("content")
    return _as_text(content) if isinstance(content, str) else ""


def _as_text(content: str) -> str:
    """Halves of characters, which JSON can hold, put together or replaced: no encoder takes them."""
    return content.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mapping(value: object, *path: str | int) -> Mapping[str, Any]:
    """What stands at a place in JSON; empty where nothing, or no object, stands."""
    for step in path:
        try:
            value = value[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return {}
    return value if isinstance(value, Mapping) else {}


@cache
def _certificates(trust_env: bool) -> ssl.SSLContext:
    """The certificates that are trusted. Reading them takes 20 to 50 ms, in which no other answer would go on."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=trust_env)

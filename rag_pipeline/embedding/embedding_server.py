"""An embedding server, OpenAI-compatible (vLLM, TEI, Infinity, Ollama, OpenAI): texts there, vectors back, its failures in plain words.

Belongs here: the connection, patience, what an answer must be like. Not here: which model it is (``served_model.py``), how many texts go at
once (``served_embedder.py``). Why so: docs/decisions/embedding.md.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.vectors import Vectors, unit_rows
from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.privacy import is_this_machine
from rag_pipeline.settings import Settings

if TYPE_CHECKING:
    import openai

_KEPT_SECONDS = 3.0
"""How long an unused connection is: less than servers keep it (uvicorn: 5 s), or a question would be sent into one that just closes."""
_SAID_CHARACTERS = 300
_LEAST_LENGTH = 1e-6
"""Of a vector as it comes: one of zeros has no direction, and would be near everything or nothing."""
_BAD_INPUT = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)
_KEY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_PASSES = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)


class EmbeddingServerError(RagError):
    """The embedding server gives no vectors, and will not until someone mends what the message names."""


class EmbeddingServerAwayError(TransientError, EmbeddingServerError):
    """The embedding server gave no vectors this time."""


class InputRefusedError(EmbeddingServerError):
    """The server does not take these texts: one of them is too long for it, or all together are. ``said``: in its own words."""

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        seconds: for an answer, and ``connect_seconds`` for a connection.
        retries: further tries, after pauses that double from half a second to eight, or of what the server asks for, up to two minutes.
        rest_seconds: after it was waited for in vain, others are told so for this long without waiting.
    """

    seconds: float
    connect_seconds: float
    retries: int
    rest_seconds: float = 0


IN_BULK = Patience(120, 10, 6)
"""Half a minute of pauses: a server that starts again, or a limit that counts by the minute. What is left is the next run's."""
FOR_A_QUESTION = Patience(10, 3, 0, 10)
"""Somebody waits, and is answered from the words alone when this is over. Questions share few threads: not each of fifty can wait."""


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """``vectors``: unit length, shape (texts, dimension), in the order of the texts. ``model``: what the server calls its model."""

    vectors: Vectors
    model: str


class EmbeddingServer:
    """One model of a server. Safe to share by threads.

    Args:
        settings: ``embedding_url`` is set.
        model: its name there.
        patience: how long it is waited for.
    """

    def __init__(self, settings: Settings, model: str, patience: Patience) -> None:
        self.url = settings.embedding_url or ""
        self.model = model
        self._key = settings.embedding_api_key.get_secret_value() if settings.embedding_api_key else ""
        self._patience = patience
        self._dimensions = settings.embedding_dimensions
        self._rest_until, self._why = 0.0, ""

    def ask(self, texts: Sequence[str]) -> ServerAnswer:
        """Vectors of some texts, in one request.

        Raises:
            InputRefusedError: it does not take them.
            EmbeddingServerAwayError: it cannot be reached, is silent, busy or broken, or answered with anything but such vectors.
            EmbeddingServerError: it refuses the key, or does not know the model.
        """
        if time.monotonic() < self._rest_until:
            raise EmbeddingServerAwayError("embedding_server", self._why)
        try:
            return self._ask(texts)
        except EmbeddingServerAwayError as error:
            self._rest_until, self._why = time.monotonic() + self._patience.rest_seconds, str(error)
            raise

    def _ask(self, texts: Sequence[str]) -> ServerAnswer:
        import openai

        body: dict[str, object] = {"model": self.model, "input": list(texts), "encoding_format": "base64"}
        if self._dimensions:
            body["dimensions"] = self._dimensions
        try:
            answer = self._client.post("/embeddings", cast_to=object, body=body)
        except openai.OpenAIError as error:
            raise self._in_plain_words(error) from None  # its chain holds the request, key and all
        except ValueError:  # no JSON
            raise self._unusable("no JSON, or half of it") from None
        return self._read(answer, len(texts))

    @cached_property
    def _client(self) -> openai.OpenAI:
        import httpx2
        import openai

        client = openai.OpenAI(
            api_key=self._key or "not-needed",
            base_url=self.url,
            max_retries=self._patience.retries,
            timeout=openai.Timeout(self._patience.seconds, connect=self._patience.connect_seconds),
            # Texts go to the address that was configured: not to where it points on, nor, if it is this machine's, by a proxy.
            http_client=openai.DefaultHttpxClient(
                trust_env=not is_this_machine(self.url),
                follow_redirects=False,
                limits=httpx2.Limits(keepalive_expiry=_KEPT_SECONDS),
            ),
        )
        client.organization = client.project = None  # what the client takes from variables is the language model's
        client._custom_headers = {}
        return client

    def _read(self, answer: object, texts: int) -> ServerAnswer:
        """An answer's vectors, in the order of their ``index``."""
        data = answer.get("data") if isinstance(answer, Mapping) else None
        if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in data):
            raise self._unusable(f"something else than embeddings ({str(answer)[:80]!r}). Mostly RAG_EMBEDDING_URL ends with /v1")
        rows = {one.get("index"): _numbers(one.get("embedding")) for one in data}
        if len(data) != texts or rows.keys() != set(range(texts)):
            raise self._unusable(f"{len(data)} vectors for {texts} texts, numbered {sorted(map(str, rows))[:5]}")
        vectors = [rows[number] for number in range(texts)]
        lengths = {len(vector) for vector in vectors}
        if len(lengths) != 1:
            raise self._unusable(f"vectors of different lengths: {sorted(lengths)[:5]}")
        if self._dimensions and lengths != {self._dimensions}:
            raise self._unusable(f"vectors of {min(lengths)} numbers, not the {self._dimensions} of RAG_EMBEDDING_DIMENSIONS: unset it")
        stacked = np.stack(vectors)
        norms = np.linalg.norm(stacked, axis=1)
        if not (np.isfinite(norms).all() and (norms > _LEAST_LENGTH).all()):
            raise self._unusable("vectors that are no directions: NaN, infinite or zero")
        return ServerAnswer(unit_rows(stacked), str(cast("Mapping[str, object]", answer).get("model") or self.model))

    def _unusable(self, what: str) -> EmbeddingServerAwayError:
        return EmbeddingServerAwayError("embedding_answer", f"The embedding server at {self.url} answered with {self._safe(what)}.")

    def _in_plain_words(self, error: openai.OpenAIError) -> EmbeddingServerError:
        import openai

        if isinstance(error, openai.APITimeoutError):
            return self._away(f"was silent for {self._patience.seconds:g} seconds")
        if isinstance(error, openai.APIStatusError):
            said = error.body.get("message", error.body) if isinstance(error.body, Mapping) else error.body or error
            return self._refusal(error.status_code, self._safe(str(said)))
        if isinstance(error, openai.APIConnectionError):
            return self._away("cannot be reached, or hung up")
        return self._unusable(str(error))

    def _refusal(self, status: int, said: str) -> EmbeddingServerError:
        where = f"The embedding server at {self.url}"
        if status in _BAD_INPUT:
            return InputRefusedError(f"{where} refuses the request ({status}): {said}", said)
        if status in _KEY:
            return EmbeddingServerError(f"{where} refuses the key ({status}). Check RAG_EMBEDDING_API_KEY.")
        if status in _PASSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._away(f"gave no vectors ({status}: {said})")
        if status == HTTPStatus.NOT_FOUND:
            words = f"{where} does not know the model {self.model!r}, or this path (404: {said}). Check RAG_EMBEDDING_MODEL and "
            return EmbeddingServerError(f"{words}RAG_EMBEDDING_URL, which mostly ends with /v1.")
        return EmbeddingServerError(f"{where} refuses the request ({status}: {said}). Check RAG_EMBEDDING_URL.")

    def _away(self, what: str) -> EmbeddingServerAwayError:
        words = f"The embedding server at {self.url} {what}. Start it, or check RAG_EMBEDDING_URL."
        return EmbeddingServerAwayError("embedding_server", words)

    def _safe(self, said: str) -> str:
        """What the server said, on one line, short, and without the key, which some repeat."""
        words = " ".join((said.replace(self._key, "…") if self._key else said).split())
        return words if len(words) <= _SAID_CHARACTERS else f"{words[:_SAID_CHARACTERS]}…"


def _numbers(embedding: object) -> NDArray[np.float32]:
    """An embedding as servers write it: base64 of little-endian float32, or, where they do not know that, a list. Else no numbers."""
    try:
        if isinstance(embedding, str):
            return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
        return np.asarray(embedding, dtype=np.float32).reshape(-1)
    except (binascii.Error, TypeError, ValueError):
        return np.full(1, np.nan, dtype=np.float32)

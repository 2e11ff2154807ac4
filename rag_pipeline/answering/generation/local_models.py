"""Language models that other programs serve on this machine: who listens, what it offers, and which of them answers: the first for
``RAG_CHAT_MODEL=auto``, else the one that was chosen (``chosen_model.py``).

Belongs here: looking at this machine's own ports, and nowhere else. Not here: what is asked of a model (``language_model.py``).

A server is believed what it tells of a model: whether it writes text at all, how much it reads, and whether it runs here. Ollama lists
models of its makers' cloud beside its own; to ask one of those would send the passages there, so they are left out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from rag_pipeline.answering.generation.chosen_model import ChosenModel, chosen_model
from rag_pipeline.answering.generation.language_model import ChatModel
from rag_pipeline.answering.tuning import TUNING, Connection, LocalServers
from rag_pipeline.privacy import client_without_tls, is_this_machine
from rag_pipeline.settings import AUTOMATIC, Settings

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
_OURS = "rag"
"""Who owns the models of this product's own OpenAI-compatible route: to ask that would be to ask oneself."""
_Reader = Callable[["_Server"], Awaitable["list[LocalModel]"]]
_WRITES = ("llm", "vlm")
"""What LM Studio calls models that write; others make vectors."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A language model that is served on this machine. ``context_tokens``: what it reads at most, None where the server does not tell."""

    server: str
    base_url: str
    name: str
    context_tokens: int | None = None

    @property
    def as_chosen(self) -> ChosenModel:
        """What is kept of it when it is chosen."""
        return ChosenModel(self.server, self.name)


async def local_models(settings: Settings, servers: LocalServers = TUNING.local_servers) -> tuple[LocalModel, ...]:
    """What is offered on this machine now, in the order of the servers; of each, what it has loaded comes first.

    Never fails: a program that listens there and answers anything else offers none.
    """
    import httpx

    ports = {_ollama: servers.ollama, _llama_cpp: servers.llama_cpp, _vllm: servers.vllm, _lm_studio: servers.lm_studio}
    async with client_without_tls(servers.answer_seconds) as client:

        async def offered_by(read: _Reader, port: int) -> list[LocalModel]:
            try:
                async with asyncio.timeout(servers.server_seconds):
                    return await read(_Server(client, f"http://127.0.0.1:{port}", servers))
            except (httpx.HTTPError, ValidationError, TimeoutError) as error:
                log.debug("No language models on port %d: %r", port, error)
                return []

        found = await asyncio.gather(*(offered_by(read, port) for read, port in ports.items()))
    embeds = _port_here(settings.embedding_url), settings.embedding_model
    return tuple(model for models in found for model in models if (urlsplit(model.base_url).port, model.name) != embeds)


def by_server(offered: Sequence[LocalModel]) -> dict[str, list[str]]:
    """Server → the names of its models."""
    named: dict[str, list[str]] = {}
    for model in offered:
        named.setdefault(model.server, []).append(model.name)
    return named


class LocalLanguageModel:
    """The language model that this machine offers at the moment, where one was asked for: any by ``auto``, or the one that was chosen."""

    def __init__(
        self, settings: Settings, connection: Connection = TUNING.connection, servers: LocalServers = TUNING.local_servers
    ) -> None:
        self._settings, self._connection, self._servers = settings, connection, servers
        self._models: dict[LocalModel, ChatModel] = {}
        self._offered: tuple[LocalModel, ...] = ()
        self._looked_at = float("-inf")

    async def offered(self) -> tuple[LocalModel, ...]:
        """What this machine offers, as of a few seconds ago."""
        if time.monotonic() - self._looked_at > self._servers.remembered_seconds:
            self._offered, self._looked_at = await local_models(self._settings, self._servers), time.monotonic()
        return self._offered

    async def current(self) -> ChatModel | None:
        """The model to ask now; None where none was asked for, or that one is not offered, and answers are quoted.

        Raises:
            RagError: what was chosen cannot be read.
        """
        chosen = await self._wanted()
        if chosen and chosen not in self._models:
            self._models[chosen] = ChatModel(_settings_for(chosen, self._settings), chosen.name, self._connection)
        return self._models[chosen] if chosen else None

    async def _wanted(self) -> LocalModel | None:
        """Nobody's ports are looked at where no model of this machine was asked for."""
        if self._settings.chat_model == AUTOMATIC:
            return next(iter(await self.offered()), None)
        kept = chosen_model(self._settings)
        return next((model for model in await self.offered() if model.as_chosen == kept), None) if kept else None

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        for model in self._models.values():
            await model.close()


def _settings_for(model: LocalModel, settings: Settings) -> Settings:
    """A key is for the provider that it belongs to, and not for whoever listens here."""
    window = min(settings.chat_context_tokens, model.context_tokens or settings.chat_context_tokens)
    return settings.model_copy(update={"openai_base_url": model.base_url, "openai_api_key": None, "chat_context_tokens": window})


def _port_here(url: str | None) -> int | None:
    return urlsplit(url).port if url and is_this_machine(url) else None


_Shape = TypeVar("_Shape", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Server:
    """Whoever listens at an address; what it says must have the shape that is asked for."""

    client: httpx.AsyncClient
    address: str
    servers: LocalServers

    async def get(self, path: str, shape: type[_Shape]) -> _Shape:
        return _read(await self.client.get(self.address + path), shape)

    async def post(self, path: str, body: dict[str, str], shape: type[_Shape]) -> _Shape:
        return _read(await self.client.post(self.address + path, json=body), shape)

    def model(self, server: str, name: str, context_tokens: int | None) -> LocalModel:
        return LocalModel(server, f"{self.address}/v1", name, context_tokens)


def _read(response: httpx.Response, shape: type[_Shape]) -> _Shape:
    return shape.model_validate_json(response.raise_for_status().content)


class _Named(BaseModel):
    name: str
    remote_host: str = ""
    context_length: int | None = None


class _OllamaModels(BaseModel):
    models: list[_Named]


class _OllamaAbilities(BaseModel):
    capabilities: list[str] = ["completion"]


async def _ollama(server: _Server) -> list[LocalModel]:
    """``/api/tags`` what there is, ``/api/ps`` what is loaded and with which window, ``/api/show`` whether it writes."""
    here = [model.name for model in (await server.get("/api/tags", _OllamaModels)).models if not model.remote_host]
    loaded = {model.name: model.context_length for model in (await server.get("/api/ps", _OllamaModels)).models}
    names = sorted(here, key=lambda name: name not in loaded)[: server.servers.most_models]
    able = await asyncio.gather(*(server.post("/api/show", {"model": name}, _OllamaAbilities) for name in names))
    unloaded = server.servers.ollama_tokens
    writing = [name for name, abilities in zip(names, able, strict=True) if "completion" in abilities.capabilities]
    return [server.model("Ollama", name, loaded.get(name) or unloaded) for name in writing]


class _OpenAIModel(BaseModel):
    id: str
    owned_by: str = ""
    max_model_len: int | None = None


class _OpenAIModels(BaseModel):
    data: list[_OpenAIModel]


async def _vllm(server: _Server) -> list[LocalModel]:
    """Any server of OpenAI's protocol; vLLM tells what a model reads."""
    models = (await server.get("/v1/models", _OpenAIModels)).data[: server.servers.most_models]
    named = {model.id: "vLLM" if model.owned_by == "vllm" else "A program" for model in models}
    return [server.model(named[model.id], model.id, model.max_model_len) for model in models if model.owned_by != _OURS]


class _Generation(BaseModel):
    n_ctx: int | None = None


class _Properties(BaseModel):
    default_generation_settings: _Generation


async def _llama_cpp(server: _Server) -> list[LocalModel]:
    """``/props`` tells the window of a slot."""
    models = (await server.get("/v1/models", _OpenAIModels)).data[: server.servers.most_models]
    window = (await server.get("/props", _Properties)).default_generation_settings.n_ctx
    return [server.model("llama.cpp", model.id, window) for model in models if model.owned_by != _OURS]


class _StudioModel(BaseModel):
    id: str
    type: str
    state: str = ""
    loaded_context_length: int | None = None


class _StudioModels(BaseModel):
    data: list[_StudioModel]


async def _lm_studio(server: _Server) -> list[LocalModel]:
    """``/api/v0/models``: what it has loaded, and what it would load when it is asked."""
    models = [model for model in (await server.get("/api/v0/models", _StudioModels)).data if model.type in _WRITES]
    models = sorted(models, key=lambda model: model.state != "loaded")[: server.servers.most_models]
    return [server.model("LM Studio", model.id, model.loaded_context_length or server.servers.lm_studio_tokens) for model in models]

"""Language models that other programs offer on this machine: servers that answer as their documentation says, and others that do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from pydantic import SecretStr

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.generation.chosen_model import ChosenModel, choose_model
from rag_pipeline.answering.generation.language_model import chat_model
from rag_pipeline.answering.generation.local_models import LocalModel, local_models
from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.tuning import TUNING, LocalServers
from rag_pipeline.doctor import _language_model
from rag_pipeline.errors import RagError
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings, SettingsError, load_settings
from rag_pipeline_tests.answering.conftest import events_of, settings_at
from rag_pipeline_tests.answering.generation.test_language_model import GivenPassages
from rag_pipeline_tests.servers import free_port
from ui.views.welcome import answers_by

SAID = "The bridge opened in 1781 [1]."


@dataclass
class Listener:
    """A program at a port: path → what it says; whatever is posted to ``/api/show`` is answered by the name in it."""

    port: int
    says: Mapping[str, object]
    asked: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)


@contextmanager
def listening(says: Mapping[str, object], status: int = 200) -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            listener.asked.append(self.path)
            listener.headers.append(str(self.headers))
            path = f"{self.path} {json.loads(body)['model']}" if self.path == "/api/show" else self.path
            said = listener.says.get(path, listener.says.get("*"))
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status if said is not None else 404)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{listener.says['elsewhere']}{self.path}")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(server.server_port, says)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield listener
        server.shutdown()


def nobody(**ports: int) -> LocalServers:
    """Servers at the ports that are given, and nobody at the others."""
    silent = {name: free_port() for name in ("ollama", "llama_cpp", "vllm", "lm_studio")}
    return replace(TUNING.local_servers, **{**silent, **ports}, answer_seconds=0.3, remembered_seconds=0.0)


def offered(servers: LocalServers, **changes: Any) -> list[tuple[str, str, int | None]]:
    found = asyncio.run(local_models(settings_at(Path("unused"), **changes), servers))
    return [(model.server, model.name, model.context_tokens) for model in found]


OLLAMA = {
    "/api/tags": {
        "models": [
            {"name": "llama3.2:latest", "size": 1},
            {"name": "nomic-embed-text:latest", "size": 1},
            {"name": "gpt-oss:120b-cloud", "remote_model": "gpt-oss:120b", "remote_host": "https://ollama.com:443"},
            {"name": "qwen3:4b", "size": 1},
        ]
    },
    "/api/ps": {"models": [{"name": "qwen3:4b", "context_length": 16384}]},
    "/api/show llama3.2:latest": {"capabilities": ["completion", "tools"]},
    "/api/show qwen3:4b": {"capabilities": ["completion", "thinking"]},
    "/api/show nomic-embed-text:latest": {"capabilities": ["embedding"]},
}


def test_ollama_offers_what_writes_here_loaded_models_first() -> None:
    with listening(OLLAMA) as ollama:
        assert offered(nobody(ollama=ollama.port)) == [("Ollama", "qwen3:4b", 16384), ("Ollama", "llama3.2:latest", 4096)]


def test_each_server_tells_its_window_and_what_makes_vectors_is_left_out() -> None:
    llama_cpp = {"/v1/models": {"data": [{"id": "smol.gguf"}]}, "/props": {"default_generation_settings": {"n_ctx": 2048}}}
    vllm = {"/v1/models": {"data": [{"id": "Qwen/Qwen3-4B", "owned_by": "vllm", "max_model_len": 32768}, {"id": "bge-m3"}]}}
    studio = {
        "/api/v0/models": {
            "data": [
                {"id": "far", "type": "vlm", "state": "not-loaded", "max_context_length": 131072},
                {"id": "near", "type": "llm", "state": "loaded", "loaded_context_length": 8000},
                {"id": "nomic", "type": "embeddings", "state": "loaded"},
            ]
        }
    }
    with listening(llama_cpp) as first, listening(vllm) as second, listening(studio) as third:
        servers = nobody(llama_cpp=first.port, vllm=second.port, lm_studio=third.port)
        embedding = {"embedding_url": f"http://localhost:{second.port}/v1", "embedding_model": "bge-m3"}
        assert offered(servers, **embedding) == [
            ("llama.cpp", "smol.gguf", 2048),
            ("vLLM", "Qwen/Qwen3-4B", 32768),
            ("LM Studio", "near", 8000),
            ("LM Studio", "far", 4096),
        ]


def test_this_product_never_asks_itself() -> None:
    with listening({"/v1/models": {"data": [{"id": "all", "owned_by": "rag"}]}}) as ourselves:
        assert offered(nobody(vllm=ourselves.port)) == []


def test_who_sends_elsewhere_is_not_followed() -> None:
    with listening(OLLAMA) as other, listening({"*": {}, "elsewhere": other.port}, status=302) as sender:
        assert offered(nobody(ollama=sender.port, vllm=sender.port)) == []
        assert not other.asked


ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.sampled_from(["models", "data", "name", "id", "type", "n_ctx"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(says=ANYTHING | strategies.binary(max_size=40), status=strategies.sampled_from([200, 204, 404, 500]))
def test_who_says_anything_else_offers_what_can_be_read_and_fails_nobody(says: object, status: int) -> None:
    with listening({"*": says}, status) as stranger:
        port = stranger.port
        found = offered(nobody(ollama=port, llama_cpp=port, vllm=port, lm_studio=port))
        assert all(isinstance(name, str) for _, name, _ in found)
        assert status == 200 or not found


def _stream(text: str) -> bytes:
    chunks = [{"choices": [{"delta": {"content": text}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}]
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + b"data: [DONE]\n\n"


async def test_automatic_means_what_runs_now_and_no_key_goes_there() -> None:
    said = {"/v1/models": {"data": [{"id": "small", "max_model_len": 1500}]}, "/v1/chat/completions": _stream(SAID)}
    with listening(said) as server:
        changes: dict[str, Any] = {"chat_model": "auto", "openai_api_key": SecretStr("sk-of-another-provider")}
        automatic = settings_at(Path("unused"), **changes)
        tuning = replace(TUNING, local_servers=nobody(vllm=server.port))
        answerer = Answerer(cast("Retriever", GivenPassages()), chat_model(automatic), automatic, tuning)
        end = (await events_of(answerer, "When did the bridge open?"))[-1]
        assert isinstance(end, Answered)
        assert (end.model, end.answer) == ("small", SAID)
        model = await answerer.language_model()
        assert model is not None
        assert model.context_tokens == 1500  # the server's, which is less than the setting's
        assert "sk-of-another-provider" not in "".join(server.headers)
    assert await answerer.language_model() is None  # the server has gone: answers are quoted
    await answerer.close()


async def test_a_model_that_was_chosen_answers_in_every_program_at_once(tmp_path: Path) -> None:
    said = {"/v1/models": {"data": [{"id": "small"}, {"id": "large"}]}, "/v1/chat/completions": _stream(SAID)}
    unset = settings_at(tmp_path, chat_model=None)
    with listening(said) as server:
        tuning = replace(TUNING, local_servers=nobody(vllm=server.port))

        def program(changed: Settings = unset, *, quotes_only: bool = False) -> Answerer:
            return Answerer(cast("Retriever", GivenPassages()), chat_model(changed), changed, tuning, quotes_only=quotes_only)

        running = program()
        assert await running.language_model() is None
        assert not server.asked  # nobody chose one: nobody's ports are looked at
        choose_model(unset, ChosenModel("A program", "large"))
        for answerer in (running, program()):
            end = (await events_of(answerer, "When did the bridge open?"))[-1]
            assert isinstance(end, Answered)
            assert (end.model, end.answer) == ("large", SAID)
            assert end.provenance is not None
            assert end.provenance.settings["chat_model"] == "large of A program"
            await answerer.close()
        assert await program(quotes_only=True).language_model() is None
        named = unset.model_copy(update={"chat_model": "of-the-settings"})
        assert getattr(await program(named).language_model(), "name", "") == "of-the-settings"
        choose_model(unset, ChosenModel("Ollama", "large"))  # another program's: it is not offered
        assert await program().language_model() is None
        choose_model(unset, None)
        choose_model(unset, None)
        assert await program().language_model() is None
        unset.chosen_model_path.write_text('{"server": "vLLM"}')
        with pytest.raises(RagError, match="Delete it, and choose again"):
            await program().language_model()


def test_the_doctor_tells_what_was_chosen(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, chat_model=None)
    choose_model(settings, ChosenModel("Ollama", "qwen3:4b"))
    with listening(OLLAMA) as ollama:
        (found,) = _language_model(settings, nobody(ollama=ollama.port))
    assert (found.state, found.detail) == ("ok", "qwen3:4b of Ollama, chosen in the app")
    (found,) = _language_model(settings, nobody())
    assert found.state == "problem"
    assert "qwen3:4b of Ollama, which was chosen, is not offered" in found.detail


def test_an_address_leaves_nothing_to_be_automatic(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("RAG_CHAT_MODEL", "auto")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(SettingsError, match="looks at this machine"):
        load_settings()


def _said_by_doctor(servers: LocalServers, **changes: Any) -> list[tuple[str, str, str]]:
    return [(found.state, found.detail, found.remedy) for found in _language_model(settings_at(Path("unused"), **changes), servers)]


def test_the_doctor_says_what_is_offered_and_whether_prompts_fit() -> None:
    with listening({**OLLAMA, "/v1/models": {"data": [{"id": "llama3.2:latest"}]}}) as ollama:
        servers = nobody(ollama=ollama.port)
        [(state, detail, remedy)] = _said_by_doctor(servers)
        assert (state, remedy) == ("missing", "set RAG_CHAT_MODEL=auto, or choose one in the app")
        assert detail.endswith("Ollama offers qwen3:4b, llama3.2:latest")
        [(state, detail, _)] = _said_by_doctor(servers, chat_model="auto")
        assert state == "ok"
        assert detail.startswith(f"qwen3:4b of Ollama at http://127.0.0.1:{ollama.port}/v1")
        named = {"chat_model": "llama3.2", "openai_base_url": f"http://localhost:{ollama.port}/v1"}
        (known, _, _), (state, detail, remedy) = _said_by_doctor(servers, **named)
        assert (known, state) == ("ok", "problem")
        assert "lets llama3.2:latest read 4,096 tokens" in detail
        assert remedy.startswith("RAG_CHAT_CONTEXT_TOKENS=4096")
        assert len(_said_by_doctor(servers, **named, chat_context_tokens=4096)) == 1
    [(state, detail, _)] = _said_by_doctor(servers, chat_model="auto")
    assert (state, "this machine offers none" in detail) == ("missing", True)


def test_the_first_page_names_models_as_text() -> None:
    here = (LocalModel("Ollama", "http://127.0.0.1:11434/v1", "<b>x</b>"),)
    assert "On this machine Ollama offers &lt;b&gt;x&lt;/b&gt;. For written answers" in answers_by(Settings(chat_model=None), here)
    assert "written by &lt;b&gt;x&lt;/b&gt;, by Ollama on this machine" in answers_by(Settings(chat_model="auto"), here)
    assert "neither Ollama" in answers_by(Settings(chat_model="auto"))
    offer, chosen = answers_by(Settings(), here, may_choose=True), here[0].as_chosen
    assert "data-use-name='&lt;b&gt;x&lt;/b&gt;'>use &lt;b&gt;x&lt;/b&gt;</button>" in offer
    assert "written by &lt;b&gt;x&lt;/b&gt;" in answers_by(Settings(), here, chosen)
    gone = answers_by(Settings(), (), chosen, may_choose=True)
    assert "&lt;b&gt;x&lt;/b&gt; was chosen, and Ollama on this machine does not offer it now" in gone
    assert "data-use-none" in gone
    assert "data-use" not in answers_by(Settings(), here, chosen) + answers_by(Settings(), (), chosen)

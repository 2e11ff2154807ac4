"""The language model's client against somebody else's server: ``transformers serve``, with a model made here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.generation.language_model import ChatReply, chat_model
from rag_pipeline.models import Answered, Token
from rag_pipeline.settings import Settings
from rag_pipeline_tests.answering.conftest import BRIDGE, events_of
from rag_pipeline_tests.answering.generation.tiny_chat_model import SENTENCE, make_chat_model
from rag_pipeline_tests.ui.conftest import free_port

STARTING_SECONDS = 120


@contextmanager
def serving(folder: Path, log: Path, port: int) -> Iterator[dict[str, Any]]:
    """Settings of a server of another project that has this model."""
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as server:
        try:
            _wait_for(server, f"http://127.0.0.1:{port}/health", log)
            yield {"chat_model": str(folder), "openai_base_url": f"http://127.0.0.1:{port}/v1", "chat_context_tokens": 4096}
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A model that says one sentence."""
    folder = tmp_path_factory.mktemp("model")
    with serving(make_chat_model(folder), folder / "server.log", free_port()) as settings:
        yield settings


def _wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"The server did not start: {log.read_text()[-2000:]}")


async def test_an_answer_of_another_programs_server(library_settings: Settings, served: dict[str, Any]) -> None:
    settings = library_settings.model_copy(update=served)
    events = await events_of(build_answerer(settings), "When was the Iron Bridge opened?")
    end = events[-1]
    assert isinstance(end, Answered)
    assert end.answer == "".join(event.text for event in events if isinstance(event, Token)) == SENTENCE
    assert [(citation.number, citation.hit.text) for citation in end.citations] == [(1, BRIDGE[0])]
    assert len([event for event in events if isinstance(event, Token)]) > 5


async def test_leaving_early_and_asking_again(library_settings: Settings, served: dict[str, Any]) -> None:
    chat = chat_model(library_settings.model_copy(update=served))
    assert chat is not None
    messages = [{"role": "user", "content": "When?"}]
    stream = chat.stream(messages)
    assert await anext(stream)
    await stream.aclose()
    reply = ChatReply()
    assert "".join([piece async for piece in chat.stream(messages, reply)]) == SENTENCE
    assert reply.finish_reason == "stop"

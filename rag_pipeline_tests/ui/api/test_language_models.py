"""Choosing a language model of this machine over HTTP, and what the first page says of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from rag_pipeline.answering.generation.chosen_model import ChosenModel, chosen_model
from rag_pipeline.answering.generation.local_models import LocalModel
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving

ADDRESS = "/api/v1/language-models"
HERE = LocalModel("Ollama", "http://127.0.0.1:11434/v1", "qwen3:4b", 4096)
WANTED = {"server": "Ollama", "name": "qwen3:4b"}
READER, LIMITED, FULL = "token-that-may-read", "token-for-one-part", "token-that-may-all"
ENTRIES = f"reader:read:{READER} limited:read+write:contracts:{LIMITED} full:read+write:{FULL}"


@contextmanager
def client_of(settings: Settings) -> Iterator[httpx.Client]:
    answerer = ScriptedAnswerer()
    answerer.offered = (HERE,)
    with serving(settings, answerer, with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_one_that_is_offered_is_chosen_and_let_go(settings: Settings) -> None:
    with client_of(settings) as client:
        known = client.get(ADDRESS).json()
        assert (known["chosen"], known["offered"]) == (None, [{**WANTED, "context_tokens": 4096}])
        assert client.put(f"{ADDRESS}/chosen", json=WANTED).json()["chosen"] == WANTED
        assert chosen_model(settings) == ChosenModel("Ollama", "qwen3:4b")
        absent = client.put(f"{ADDRESS}/chosen", json={**WANTED, "server": "vLLM"})
        assert (absent.status_code, "not offered on this machine now" in absent.text) == (404, True)
        assert client.delete(f"{ADDRESS}/chosen").json()["chosen"] is None
        assert chosen_model(settings) is None


@pytest.mark.parametrize("named", ["auto", "gpt"])
def test_what_the_settings_say_counts_before_a_click(settings: Settings, named: str) -> None:
    with client_of(settings.model_copy(update={"chat_model": named})) as client:
        refused = client.put(f"{ADDRESS}/chosen", json=WANTED)
        assert (refused.status_code, f"RAG_CHAT_MODEL={named}" in refused.text) == (409, True)
        assert not settings.chosen_model_path.exists()


def test_who_may_write_everywhere_chooses_and_nobody_else(settings: Settings) -> None:
    with client_of(settings.model_copy(update={"api_tokens": Settings(api_tokens=ENTRIES).api_tokens})) as client:
        for token, status in ((READER, 403), (LIMITED, 403), (FULL, 200)):
            client.headers["Authorization"] = f"Bearer {token}"
            assert client.get(ADDRESS).json()["offered"] == [{**WANTED, "context_tokens": 4096}]
            part = client.get("/first-minute").text
            assert ("data-use-name='qwen3:4b'" in part, "qwen3:4b" in part) == (status == 200, True)
            assert ("What cannot be read yet" in part) <= (token != READER)
            assert client.delete(f"{ADDRESS}/chosen").status_code == status
            assert client.put(f"{ADDRESS}/chosen", json=WANTED).status_code == status
            assert settings.chosen_model_path.exists() is (status == 200)


def test_a_damaged_choice_says_what_to_do(settings: Settings) -> None:
    settings.chosen_model_path.write_text("{")
    with client_of(settings) as client:
        for address in (ADDRESS, "/first-minute"):
            failure = client.get(address)
            assert (failure.status_code, "Delete it, and choose again" in failure.json()["error"]["message"]) == (400, True)
        assert client.put(f"{ADDRESS}/chosen", json=WANTED).status_code == 200

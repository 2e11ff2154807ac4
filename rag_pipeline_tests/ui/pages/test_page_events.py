"""The events of the pages as anyone may call them who has a token: Gradio takes whatever values are sent to it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving

READER, WRITER = "token-that-may-read", "token-that-may-write"
ELSEWHERE, SOMEONE = "token-for-another-collection", "token-of-someone-else"
ENTRIES = f"reader:read:{READER} someone:read:{SOMEONE} writer:write:{WRITER} elsewhere:write:contracts:{ELSEWHERE}"
CHAT_INPUTS = ["textbox", "textbox", "chatbot", "textbox"]


@pytest.fixture
def address(settings: Settings, ingest: Callable[..., object]) -> Iterator[str]:
    (settings.uploads / "lamps.txt").write_text("The lamp is repaired.")
    ingest()
    guarded = settings.model_copy(update={"api_tokens": Settings(api_tokens=ENTRIES).api_tokens})
    with serving(guarded, ScriptedAnswerer()) as address:
        yield address


def event_of(client: httpx.Client, inputs: list[str], outputs: list[str] | None = None) -> int:
    config = client.get("/config").json()
    kinds = {component["id"]: component["type"] for component in config["components"]}

    def fits(numbers: list[int], wanted: list[str] | None) -> bool:
        return wanted is None or [kinds[number] for number in numbers] == wanted

    return next(int(one["id"]) for one in config["dependencies"] if fits(one["inputs"], inputs) and fits(one["outputs"], outputs))


def called(client: httpx.Client, inputs: list[str], data: list[Any], outputs: list[str] | None = None) -> httpx.Response:
    body = {"data": data, "fn_index": event_of(client, inputs, outputs), "session_hash": uuid.uuid4().hex}
    return client.post("/gradio_api/run/predict", json=body)


def queued(client: httpx.Client, inputs: list[str], data: list[Any], outputs: list[str] | None = None) -> dict[str, Any]:
    """The last message about an event that was put into the queue."""
    session = uuid.uuid4().hex
    body = {"data": data, "fn_index": event_of(client, inputs, outputs), "session_hash": session}
    client.post("/gradio_api/queue/join", json=body)
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as messages:
        for line in messages.iter_lines():
            message: dict[str, Any] = json.loads(line.removeprefix("data: ")) if line else {}
            if message.get("msg") == "process_completed":
                return message
    raise AssertionError("the event did not end")


def client_of(address: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_who_may_not_read_is_shown_no_documents(address: str) -> None:
    with client_of(address, READER) as reader, client_of(address, WRITER) as writer:
        assert "lamps.txt" in reader.get("/documents/list/parts").text
        shown = writer.get("/documents/list/parts")
        assert (shown.status_code, "may not read" in shown.json()["error"]["message"]) == (403, True)
        assert "lamps.txt" not in shown.text
        welcome = ["state", "html", "html", "button", "column", "html"]
        assert "Ask 1 document" in called(reader, ["state"], [None], welcome).text
        assert "may not read" in called(writer, ["state"], [None], welcome).text


def test_examples_are_added_by_those_who_may_write_there(address: str, settings: Settings) -> None:
    with client_of(address, ELSEWHERE) as elsewhere, client_of(address, WRITER) as writer:
        assert "not for the collection" in json.dumps(queued(elsewhere, [], [], ["button", "html"]))
        assert not (settings.uploads / "examples").exists()
        assert queued(writer, [], [], ["button", "html"])["success"]
        assert (settings.uploads / "examples").is_dir()


def test_answers_are_asked_for_in_the_queue_only(address: str) -> None:
    with client_of(address, READER) as client:
        assert called(client, CHAT_INPUTS, ["Where is the lamp?", None, [], ""]).status_code == 404
        assert queued(client, CHAT_INPUTS, ["Where is the lamp?", None, [], ""])["success"]


def test_a_page_cannot_go_on_in_a_conversation_of_someone_else(address: str) -> None:
    with client_of(address, SOMEONE) as someone, client_of(address, READER) as reader:
        begun = someone.post("/api/v1/conversations", json={}).json()["conversation_id"]
        someone.post(f"/api/v1/conversations/{begun}/ask", json={"question": "Where is the diary?"})
        shown = json.dumps(queued(reader, CHAT_INPUTS, ["And then?", begun, [], ""]))
        assert "There is no conversation with this id" in shown
        assert "diary" not in shown
        assert len(someone.get(f"/api/v1/conversations/{begun}").json()["messages"]) == 2


@pytest.mark.parametrize(
    "content",
    [
        {"type": "file", "file": {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}},
        {"type": "file", "file": {"path": "http://127.0.0.1:9/a.png", "meta": {"_type": "gradio.FileData"}}},
        {"type": "component", "component": "textbox", "value": "a", "constructor_args": {}, "props": {}},
    ],
)
def test_no_file_address_or_component_can_be_put_into_the_chat(address: str, settings: Settings, content: dict[str, Any]) -> None:
    chat = [{"role": "assistant", "content": [content]}]
    with client_of(address, READER) as client:
        ended = queued(client, CHAT_INPUTS, ["Where is the lamp?", None, chat, ""])
    assert not ended["success"]
    assert "Only text" in ended["output"]["error"]
    assert [file.name for file in (settings.data / "app").rglob("*") if file.is_file() and file.suffix not in (".key", ".lock")] == []

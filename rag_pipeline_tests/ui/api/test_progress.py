"""How far the work is, and pausing it, over HTTP; and what an answer says of it."""

import json
import shutil
from collections.abc import Callable
from unittest.mock import ANY

import httpx
import pytest
from pydantic import SecretStr

from rag_pipeline.access import new_token
from rag_pipeline.ingestion import progress, steps
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.ingestion.progress.live import recording
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline_tests.conftest import text_lane
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving


def put(settings: Settings, file: str, text: str = "The keeper is called Ansgar.") -> None:
    path = settings.uploads / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_progress_once_and_as_it_changes(settings: Settings) -> None:
    put(settings, "zoo/keeper.txt")
    steps.source_documents.update_documents(Workspace(settings, "zoo"))
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        body = client.get("/api/v1/ingestion").json()
        (one,) = body["collections"]
        assert (body["next"], body["going_on"], one["stages"], one["next_documents"]) == (["zoo"], True, {"waiting": 1}, ["keeper.txt"])
        (row,) = client.get("/api/v1/documents").json()["documents"]
        assert (row["state"], row["stage"], row["vectors"]) == ("pending", "waiting", 0)
        with client.stream("GET", "/api/v1/ingestion", headers={"Accept": "text/event-stream"}) as events:
            lines = events.iter_lines()
            assert next(lines) == "event: progress"
            assert json.loads(next(lines).removeprefix("data: ")) == body
            with recording(settings, "zoo", ["text"]):
                progress.report(progress.READING, 0, 1, ("zoo/keeper.txt",), 0.0)
                now = next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
                assert (now["collections"][0]["stages"], now["collections"][0]["reading"]) == ({"reading": 1}, ["keeper.txt"])
                (row,) = client.get("/api/v1/documents").json()["documents"]
                assert row["stage"] == "reading"
        with client.stream("GET", "/api/v1/ingestion/events") as events:
            assert next(events.iter_lines()) == "event: progress"


def test_pause_continue_stop(settings: Settings) -> None:
    put(settings, "zoo/keeper.txt")
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        assert client.post("/api/v1/collections/zoo/pause").json() == {"collection": "zoo", "paused": True}
        assert "zoo" in read_pauses(settings)
        assert client.post("/api/v1/ingestion", json={"collection": "zoo"}).status_code == 409
        assert client.post("/api/v1/collections/zoo/continue").json() == {"collection": "zoo", "paused": False}
        assert client.post("/api/v1/collections/zoo/stop").json() == {"collection": "zoo", "paused": True}
        assert "zoo" in read_pauses(settings).stopped
        unknown = client.post("/api/v1/collections/nowhere/pause")
        assert (unknown.status_code, "zoo" in unknown.json()["error"]["message"]) == (404, True)


def test_who_may_see_and_pause_what(settings: Settings, ingest: Callable[..., object]) -> None:
    put(settings, "zoo/keeper.txt")
    put(settings, "park/gate.txt")
    ingest("zoo"), ingest("park")
    (reader, entry), (writer, other) = new_token("r", ["read"], ["zoo"]), new_token("w", ["write"], ["park"])
    shared = settings.model_copy(update={"api_tokens": SecretStr(f"{entry} {other}")})
    with serving(shared, ScriptedAnswerer(), with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        assert client.get("/api/v1/ingestion").status_code == 401
        seen = client.get("/api/v1/ingestion", headers={"Authorization": f"Bearer {reader}"}).json()
        assert [one["collection"] for one in seen["collections"]] == ["zoo"]
        assert client.post("/api/v1/collections/zoo/pause", headers={"Authorization": f"Bearer {reader}"}).status_code == 403
        assert client.post("/api/v1/collections/zoo/pause", headers={"Authorization": f"Bearer {writer}"}).status_code == 403
        assert client.post("/api/v1/collections/park/pause", headers={"Authorization": f"Bearer {writer}"}).status_code == 200
    assert read_pauses(settings).collections == ("park",)


def test_pages_are_told_that_questions_are_answered_only_while_the_index_has_something(
    settings: Settings, ingest: Callable[..., object]
) -> None:
    put(settings, "zoo/keeper.txt")
    ingest("zoo")
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        assert drawn(client)["answering"] is True
        shutil.rmtree(settings.index_path)
        assert client.get("/api/v1/ingestion").json()["collections"][0]["passages"] == 1
        assert drawn(client)["answering"] is False


def drawn(client: httpx.Client) -> dict[str, object]:
    """What pages are sent first of how far the work is."""
    with client.stream("GET", "/progress/events") as events:
        found = next(json.loads(line.removeprefix("data: ")) for line in events.iter_lines() if line.startswith("data: "))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", ["/progress/events", "/api/v1/ingestion/events"])
def test_what_keeps_the_work_from_being_looked_at_is_the_last_event(settings: Settings, path: str) -> None:
    settings.pauses_path.write_text("damaged")
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        lines = client.get(path).text.splitlines()
    assert lines[0] == "event: failed"
    assert "which says what is paused, is damaged" in json.loads(lines[1].removeprefix("data: "))["message"]


def test_the_empty_answer_says_how_far_the_work_is(settings: Settings) -> None:
    put(settings, "zoo/keeper.txt")
    steps.source_documents.update_documents(Workspace(settings, "zoo"))
    with serving(settings, with_pages=False) as address, httpx.Client(base_url=address, timeout=60) as client:
        body = client.post("/api/v1/ask", json={"question": "Who is the keeper?"}).json()
        assert (body["refused"], body["answer"]) == (
            True,
            "Nothing can be searched yet: 1 waits to be read. A document answers as soon as it has been read.",
        )


def test_a_token_for_some_collections_hears_how_far_these_are_and_nothing_of_others(
    settings: Settings, ingest: Callable[..., object]
) -> None:
    put(settings, "park/gate.txt", "The gate of the park is green.")
    ingest("park")
    put(settings, "zoo/keeper.txt")
    steps.source_documents.update_documents(Workspace(settings, "zoo"))
    token, entry = new_token("r", ["read"], ["zoo"])
    shared = settings.model_copy(update={"api_tokens": SecretStr(entry)})
    headers = {"Authorization": f"Bearer {token}"}
    question = {"question": "What colour is the gate?"}
    with serving(shared, with_pages=False) as address, httpx.Client(base_url=address, timeout=60, headers=headers) as client:
        told = client.post("/api/v1/ask", json=question)
        assert (told.status_code, told.json()["refused"], told.json()["answer"]) == (
            200,
            True,
            "Nothing can be searched yet: 1 waits to be read. A document answers as soon as it has been read.",
        )
        found = client.post("/api/v1/search", json=question)
        assert (found.status_code, found.json()["error"]["code"]) == (400, "nothing_indexed")
        chat = client.post("/v1/chat/completions", json={"model": "all", "messages": [{"role": "user", "content": question["question"]}]})
        assert not any("park" in answer.text or "green" in answer.text for answer in (told, found, chat))
        (settings.index_path / "park").joinpath("manifest.json").write_text("damaged")
        assert client.post("/api/v1/ask", json=question).json() == {**told.json(), "timings": ANY}
        assert drawn(client)["answering"] is False


@pytest.mark.timeout(300)
def test_an_answer_from_words_alone_says_so(settings: Settings, ingest: Callable[..., object]) -> None:
    put(settings, "zoo/keeper.txt")
    text_lane(settings, collection="zoo")
    with serving(settings, with_pages=False) as address, httpx.Client(base_url=address, timeout=120) as client:
        asked = {"question": "Who is the keeper?", "collections": ["zoo"]}
        assert client.post("/api/v1/ask", json=asked).json()["coverage"] == {"passages": 1, "vectors": 0, "reason": "", "unread": False}
        with client.stream("POST", "/api/v1/ask", json=asked, headers={"Accept": "text/event-stream"}) as events:
            last = [json.loads(line.removeprefix("data: ")) for line in events.iter_lines() if line.startswith("data: ")][-1]
        assert last["coverage"] == {"passages": 1, "vectors": 0, "reason": "", "unread": False}
        ingest("zoo")
        assert client.post("/api/v1/ask", json=asked).json()["coverage"] is None

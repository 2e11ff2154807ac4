"""Conversations over HTTP."""

import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import pairwise

import httpx
import pytest
from docx import Document

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from rag_pipeline_tests.waiting import wait_until

PATH = "/api/v1/conversations"


@pytest.fixture
def answerer() -> ScriptedAnswerer:
    return ScriptedAnswerer()


@pytest.fixture
def client(settings: Settings, answerer: ScriptedAnswerer) -> Iterator[httpx.Client]:
    with serving(settings, answerer, with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as made:
        yield made


def test_how_an_answer_was_found_is_what_its_stream_told(settings: Settings, ingest: Callable[..., object]) -> None:
    hostile = "<script>x</script> ![a](http://example.com/a.png)"
    for number in range(12):
        (settings.uploads / f"lamp {number} <b>.txt").write_text(f"The lamp number {number} was repaired by Ada in March. {hostile}")
    ingest()
    with serving(settings, with_pages=False) as address, httpx.Client(base_url=address, timeout=60) as client:
        made = client.post(PATH, json={"title": "The lamp"}).json()
        question = {"question": "Who repaired lamp number 7?", "top_k": 5}
        headers = {"Accept": "text/event-stream"}
        lines = client.post(f"{PATH}/{made['conversation_id']}/ask", json=question, headers=headers).text.split("\n")
        events = {name[7:]: json.loads(data[6:]) for name, data in pairwise(lines) if name.startswith("event: ")}
        message = events["begun"]["message_id"]
        trace = client.get(f"{PATH}/messages/{message}/trace").json()
        found, close = events["retrieved"]["hits"], events["retrieved"]["considered"]
        assert (len(found), len(found) + len(close)) == (5, 12)
        assert [(one["chunk_id"], one["score"], one["parts"]) for one in trace["passages"]] == [
            (one["chunk_id"], one["score"], one["parts"]) for one in [*found, *close]
        ]
        assert found[0]["parts"]["words"] > found[-1]["parts"]["words"]
        assert trace["cited"] == {one["chunk_id"]: one["number"] for one in events["answered"]["citations"]}
        assert trace["timings"] == events["answered"]["timings"]
        assert trace["versions"] == events["retrieved"]["versions"]
        shown = client.get(f"/conversations/messages/{message}/found").text
        assert ("Quoted as 1" in shown, "Came close" in shown, "<script" in shown, "<b>" in shown) == (True, True, False, False)
        assert client.get("/conversations/messages/nothing/found").status_code == 404


def test_a_conversation_leaves_as_a_file_with_its_sources_and_runs_nothing(client: httpx.Client, answerer: ScriptedAnswerer) -> None:
    hostile = "/../<img src=x> ![a](http://example.com/a.png) \x01 # no heading"
    answerer.pieces = ("Body *so* [1].",)
    made = client.post(PATH, json={"title": hostile}).json()
    address = f"{PATH}/{made['conversation_id']}"
    client.post(f"{address}/ask", json={"question": hostile})
    files = {kind: client.get(f"{address}/export", params={"format": kind}) for kind in ("markdown", "docx", "json")}
    assert "%2F" not in files["markdown"].headers["content-disposition"]
    text = files["markdown"].text
    assert "\\<img src=x\\> \\!\\[a\\](http" in text
    assert f"Body \\*so\\* [1].\n\n[1] [rules.txt]({client.base_url}/passages/default/c1)" in text
    paragraphs = [one.text for one in Document(BytesIO(files["docx"].content)).paragraphs]
    assert paragraphs[-2:] == ["Body *so* [1].", f"[1] rules.txt ({client.base_url}/passages/default/c1)"]
    assert files["json"].json()["messages"][1]["detail"]["citations"][0]["document"] == "rules.txt"
    assert files["json"].headers["content-disposition"].startswith("attachment")
    printed = client.get(f"/conversations/{made['conversation_id']}/print")
    assert "&lt;img src=x&gt;" in printed.text and "<img" not in printed.text
    assert "script-src 'self';" in printed.headers["content-security-policy"]
    assert 'href="/passages/default/c1" dir="auto">rules.txt</a>' in printed.text
    assert client.get("/conversations/no-such-one/print").status_code == 404


def test_a_conversation_from_beginning_to_end(client: httpx.Client, answerer: ScriptedAnswerer) -> None:
    made = client.post(PATH, json={"title": "The lamp"}).json()
    address = f"{PATH}/{made['conversation_id']}"
    assert client.post(f"{address}/ask", json={"question": "lamp"}).json()["answer"] == "A fine answer [1]."
    events = client.post(f"{address}/ask", json={"question": "refuse"}, headers={"Accept": "text/event-stream"}).text
    assert "event: refused" in events
    assert client.post(f"{address}/ask", json={"question": "fail"}).status_code == 502
    assert [message.content for message in answerer.asked[-1][1]] == ["lamp", "A fine answer [1].", "refuse", "Nothing is said about this."]
    messages = client.get(address).json()["messages"]
    assert [message["state"] for message in messages[1::2]] == ["complete", "refused", "failed"]
    assert messages[1]["detail"]["citations"][0]["document"] == "rules.txt"
    assert messages[5]["detail"]["error"].startswith("The language model hung up")
    assert client.put(f"{PATH}/messages/{messages[1]['message_id']}/feedback", json={"feedback": "up"}).status_code == 204
    assert client.get(address).json()["messages"][1]["feedback"] == "up"
    rating = {"feedback": "down", "reason": "incomplete", "comment": "and the price?"}
    assert client.put(f"{PATH}/messages/{messages[1]['message_id']}/feedback", json=rating).status_code == 204
    rated = client.get(address).json()["messages"][1]
    assert (rated["feedback"], rated["feedback_reason"], rated["feedback_comment"]) == ("down", "incomplete", "and the price?")
    assert client.put(f"{PATH}/messages/{messages[1]['message_id']}/feedback", json={**rating, "reason": "dull"}).status_code == 422
    assert client.patch(address, json={"title": "Lamps"}).json()["title"] == "Lamps"
    assert [one["title"] for one in client.get(PATH).json()["conversations"]] == ["Lamps"]
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert client.post(f"{address}/ask", json={"question": "x"}, headers={"Accept": "text/event-stream"}).status_code == 404


def test_a_question_in_a_conversation_can_be_narrowed(client: httpx.Client, answerer: ScriptedAnswerer) -> None:
    address = f"{PATH}/{client.post(PATH, json={}).json()['conversation_id']}"
    narrowed = {"folder": "2025", "types": ["pdf"], "since": "2026-01-01T00:00:00+01:00", "tags": ["lease"]}
    client.post(f"{address}/ask", json={"question": "lamp", "collections": ["contracts"], "filter": narrowed})
    scope = answerer.asked[-1][2]
    assert (scope.collections, scope.filter.folder, scope.filter.types) == (("contracts",), "2025", ("pdf",))
    assert (scope.filter.tags, scope.tagged) == (("lease",), {})
    kept = client.get(address).json()
    assert kept["collections"] == ["contracts"]
    since = {"since": "2025-12-31T23:00:00", "before": None}
    assert kept["filter"] == {"documents": [], "folder": "2025", "types": ["pdf"], **since, "tags": ["lease"]}


def test_a_reader_who_leaves_leaves_an_interrupted_answer(settings: Settings) -> None:
    slow = ScriptedAnswerer(pieces=["word "] * 100, pause_seconds=0.05)
    with serving(settings, slow, with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as client:
        identity = client.post(PATH, json={}).json()["conversation_id"]
        request = {"json": {"question": "lamp"}, "headers": {"Accept": "text/event-stream"}}
        with client.stream("POST", f"{PATH}/{identity}/ask", **request) as answer:  # type: ignore[arg-type]
            next(line for line in answer.iter_lines() if "word" in line)
            time.sleep(0.3)
        wait_until(lambda: client.get(f"{PATH}/{identity}").json()["messages"][1]["state"] == "interrupted", 30)
        assert client.get(f"{PATH}/{identity}").json()["messages"][1]["content"].startswith("word")


def seen_by(settings: Settings, entries: str, token: str) -> list[str]:
    guarded = settings.model_copy(update={"api_tokens": Settings(api_tokens=entries).api_tokens})
    with serving(guarded, ScriptedAnswerer(), with_pages=False) as address:
        answer = httpx.get(address + PATH, headers={"Authorization": f"Bearer {token}"})
        return [one["title"] for one in answer.json()["conversations"]]


def test_conversations_belong_to_the_token_and_not_to_its_name_or_place(settings: Settings) -> None:
    first, second = "the-first-long-token", "the-second-long-token"
    guarded = settings.model_copy(update={"api_tokens": Settings(api_tokens=f"{first} {second}").api_tokens})
    with serving(guarded, ScriptedAnswerer(), with_pages=False) as address:
        for token in (first, second):
            made = httpx.post(address + PATH, headers={"Authorization": f"Bearer {token}"}, json={"title": f"of {token}"})
            assert made.status_code == 201
    assert seen_by(settings, second, second) == [f"of {second}"]  # the first one was revoked
    assert seen_by(settings, f"new-name:read:{second}", second) == [f"of {second}"]
    assert seen_by(settings, f"{second} {first}", first) == [f"of {first}"]

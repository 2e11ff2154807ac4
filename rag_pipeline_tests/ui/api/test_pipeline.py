"""The state of the pipeline over HTTP: for whom, and without a secret anywhere."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from rag_pipeline.access import digest_of
from rag_pipeline.ingestion.progress import READING, report
from rag_pipeline.ingestion.progress.live import recording
from rag_pipeline.ingestion.rollback import roll_back
from rag_pipeline.settings import Settings
from rag_pipeline.settings_in_force import HIDDEN
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.conversations.engine import Database
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, free_port, serving
from rag_pipeline_tests.ui.graphql import answering_as_dagster, run_of
from ui.web import dagster

FULL, READER, LIMITED = "token-that-may-all", "token-that-may-read", "token-for-one-part"
ENTRIES = f"full:read+write:sha256-{digest_of(FULL)} reader:read:{READER} limited:read+write:contracts:{LIMITED}"
SECRETS = {
    "session_key": "a-key-of-sessions-that-is-long-enough",
    "embedding_api_key": "key-of-embeddings",
    "openai_api_key": "sk-of-the-language-model",
    "s3_secret_access_key": "key-of-the-storage",
    "qdrant_api_key": "key-of-qdrant",
}
PARTS = ("now", "figures", "machine", "settings", "doctor")
ELSEWHERE = ("/", "/config", "/metrics", "/api/v1/openapi.json", "/api/v1/documents", "/api/v1/ingestion")
ROUTES = ("index", "checks", "activity", "settings", "doctor", "ingestion/runs")


@contextmanager
def client_of(settings: Settings) -> Iterator[httpx.Client]:
    with serving(settings, ScriptedAnswerer()) as address, httpx.Client(base_url=address, timeout=60) as made:
        yield made


def got(client: httpx.Client, path: str, token: str = "") -> httpx.Response:
    return client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})


@pytest.fixture
def two_collections(settings: Settings, ingest: Callable[..., object]) -> Settings:
    for collection, words in (("contracts", "The lease ends in May."), ("letters", "Ada wrote about the radio.")):
        (settings.uploads / collection).mkdir()
        (settings.uploads / collection / "a.txt").write_text(words)
        ingest(collection)
    (settings.uploads / "letters" / "broken.pdf").write_bytes(b"%PDF-1.4 rubbish")
    ingest("letters")
    return settings.model_copy(update={"api_tokens": SecretStr(ENTRIES)})


def test_everyone_is_told_of_the_own_collections_only(two_collections: Settings) -> None:
    runs = [run_of("1", "contracts", "SUCCESS"), run_of("2", "letters", "FAILURE", 2000.0), run_of("3", "", "STARTED", 3000.0)]
    conversations = Conversations(Database(None, two_collections.conversations_path))
    asyncio.run(answered(conversations, digest_of(FULL), digest_of(LIMITED)))
    with answering_as_dagster(runs) as webserver, client_of(two_collections.model_copy(update={"dagster_port": webserver.port})) as client:
        seen: dict[str, dict[str, Any]] = {
            token: {route: got(client, f"/api/v1/{route}", token).json() for route in ROUTES} for token in (FULL, READER, LIMITED)
        }
        pages = {token: "".join(got(client, f"/pipeline/{part}", token).text for part in PARTS) for token in (FULL, READER, LIMITED)}
    for token, names, ids, documents, questions in (
        (FULL, ["contracts", "letters"], ["3", "2", "1"], 3, 2), (READER, ["contracts", "letters"], ["3", "2", "1"], 3, 2),
        (LIMITED, ["contracts"], ["1"], 1, 1),
    ):  # fmt: skip
        found = seen[token]
        assert [one["collection"] for one in found["index"]["versions"]] == names
        assert [one["run_id"] for one in found["ingestion/runs"]["runs"]] == ids
        assert {one["collection"] for one in found["checks"]["warnings"]} == set(names) - {"contracts"}
        assert (found["activity"]["days"][-1]["documents"], found["activity"]["days"][-1]["questions"]) == (documents, questions)
        is_full = token == FULL
        assert ("settings" in found["settings"], "findings" in found["doctor"]) == (is_full, is_full)
        assert ("RAG_TOP_K" in pages[token], "data-send" in pages[token]) == (is_full, token != READER)
    assert "letters" not in json.dumps(seen[LIMITED]) + pages[LIMITED]
    (broken,) = seen[FULL]["checks"]["warnings"]
    assert (broken["check"], broken["words"]) == ("failed_documents", "1 document cannot be answered from: see Documents.")


async def answered(conversations: Conversations, *owners: str) -> None:
    for owner in owners:
        kept = await conversations.create(owner, "The lease")
        answer = await conversations.begin_answer(owner, kept.conversation_id, "When does it end?")
        await conversations.finish_answer(answer, "In May.", "complete", {})
    await conversations.close()


def test_what_is_published_is_told_with_what_it_takes_without_dagster_too(settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "a.txt").write_text("All about lamps.")
    ingest()
    with client_of(settings.model_copy(update={"dagster_port": free_port()})) as client:
        runs, drawn = got(client, "/api/v1/ingestion/runs"), got(client, "/pipeline/now").text
        assert (runs.status_code, runs.json()["error"]["code"]) == (503, "pipeline")
        assert [words for words in ("Dagster does not answer", "1 document can be asked about") if words not in drawn] == []
        (first,) = got(client, "/api/v1/index").json()["versions"]
        assert (first["documents"], first["chunks"], first["vectors"], first["segments"], first["previous"]) == (1, 1, 1, 1, "")
        assert first["size_bytes"] > 10_000
        (settings.uploads / "b.txt").write_text("All about bicycles.")
        ingest()
        (second,) = got(client, "/api/v1/index").json()["versions"]
        assert (second["documents"], second["segments"], second["previous"]) == (2, 2, first["version"])
        assert got(client, "/api/v1/checks").json() == {"warnings": []}
        roll_back(settings, "default")
        (now,) = got(client, "/api/v1/index").json()["versions"]
        assert (now["version"], now["rolled_back"]) == (first["version"], True)
        (warning,) = got(client, "/api/v1/checks").json()["warnings"]
        assert "answers from an earlier version" in warning["words"]
        assert "Go forth again" in got(client, "/pipeline/now").text


def test_past_slices_tell_how_fast_the_work_was(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("All about lamps.")
    with recording(settings, "default", ["text"]):
        report(READING, 0, 1, ("a.txt",), 0.0)
        time.sleep(0.02)
        report(READING, 1, 1, (), 5_000_000.0)
    with client_of(settings) as client:
        (one,) = got(client, "/api/v1/activity").json()["slices"]
        assert (one["collection"], one["lane"], one["work"]) == ("default", "text", 5_000_000.0)
        assert len(got(client, "/api/v1/activity?days=7").json()["days"]) == 7
        assert got(client, "/api/v1/activity?days=0").status_code == 422


def test_a_rebuild_is_a_run_with_all_done_anew(settings: Settings) -> None:
    with answering_as_dagster() as webserver, client_of(settings.model_copy(update={"dagster_port": webserver.port})) as client:
        for body in ({"collection": "default"}, {"collection": "default", "full_refresh": True}):
            started = client.post("/api/v1/ingestion", json=body)
            assert (started.status_code, started.json()["run_id"]) == (202, "new")
    assert [one["config"] for one in webserver.launched] == [{}, {"resources": {"ingestion": {"config": {"full_refresh": True}}}}]


def test_no_secret_is_anywhere(settings: Settings) -> None:
    update: dict[str, Any] = {name: SecretStr(value) for name, value in SECRETS.items()}
    addresses = {
        "rate_limit_url": SecretStr("redis://counter:pass-of-redis@127.0.0.1:9/1"),
        "database_url": SecretStr(f"sqlite:///{settings.data}/pass-of-database.sqlite"),
        "openai_base_url": "http://user:pass-of-address@127.0.0.1:9/v1?key=pass-in-query",
        "s3_endpoint_url": "http://user:pass-of-storage@127.0.0.1:9",
    }
    secret = settings.model_copy(update={**update, **addresses, "chat_model": "some-model", "api_tokens": SecretStr(ENTRIES)})
    with client_of(secret.model_copy(update={"dagster_port": free_port()})) as client:
        paths = [*(f"/api/v1/{route}" for route in ROUTES), *(f"/pipeline/{part}" for part in PARTS), *ELSEWHERE]
        answers = [got(client, path, FULL) for path in paths]
    text = "\n".join(answer.text for answer in answers)
    hidden = {*SECRETS.values(), "pass-of-", "pass-in-query", FULL, READER, LIMITED, digest_of(FULL)}
    assert [one for one in hidden if one in text] == []
    shown = {one["variable"]: one for one in answers[ROUTES.index("settings")].json()["settings"]}
    assert shown["OPENAI_API_KEY"]["value"] == f"{HIDDEN} (set)"
    assert shown["OPENAI_BASE_URL"]["value"] == f"http://{HIDDEN}@127.0.0.1:9/v1?{HIDDEN}"
    assert (shown["RAG_S3_ACCESS_KEY_ID"]["value"], shown["RAG_S3_ACCESS_KEY_ID"]["origin"]) == ("", "default")
    findings = {one["subject"]: one for one in answers[ROUTES.index("doctor")].json()["findings"]}
    assert findings["language model"]["state"] == "problem"


def test_dagster_understands_what_it_is_asked() -> None:
    """By its own schema; ``test_up.py`` asks a whole one."""
    from dagster_graphql.schema import create_schema
    from graphql import parse, validate

    schema = create_schema().graphql_schema
    for question in (dagster._REPOSITORY, dagster._LAUNCH, dagster._RUN, dagster._RUNS):
        assert validate(schema, parse(question)) == []

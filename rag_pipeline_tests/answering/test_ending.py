"""Whatever is raised at whichever step, a stream ends: once, in plain words, with the traceback in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from rag_pipeline.answering import answerer as answerer_module
from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.conversation.remembered import remembered
from rag_pipeline.answering.ending import BROKEN_OFF, UNEXPECTED, ended
from rag_pipeline.answering.generation.language_model import ChatModel
from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import EVERYWHERE
from rag_pipeline.answering.tuning import TUNING, Patience
from rag_pipeline.cli.commands import cli
from rag_pipeline.models import Answered, AnswerEvent, Failed, Message, Refused, Token
from rag_pipeline.settings import Settings
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.conversations.engine import Database
from rag_pipeline_tests.answering.conftest import events_of, settings_at
from rag_pipeline_tests.answering.provider import Reply, provider
from rag_pipeline_tests.programs import POSTGRESQL, require
from rag_pipeline_tests.servers import PostgreSQL

QUESTION = "When was the Iron Bridge opened, and who cast it?"


def raising() -> Callable[..., Any]:
    def raise_it(*_: object, **__: object) -> Any:
        raise RuntimeError("a bug with a secret")

    return raise_it


def only_end(events: list[AnswerEvent]) -> AnswerEvent:
    assert [isinstance(event, Answered | Refused | Failed) for event in events] == [False] * (len(events) - 1) + [True]
    return events[-1]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (Retriever, "retrieve"),
        (Retriever, "question_vector"),
        (Retriever, "sentence_vectors"),
        (answerer_module, "reformulated"),
        (answerer_module, "sub_questions"),
        (answerer_module, "extracted"),
        (answerer_module, "tokens"),
    ],
)
async def test_what_any_step_raises_is_a_failure(
    library_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: object, name: str
) -> None:
    monkeypatch.setattr(part, name, raising())
    assert only_end(await events_of(build_answerer(library_settings), QUESTION)) == Failed(UNEXPECTED, "internal")
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(("part", "name"), [(answerer_module, "token_count"), (answerer_module, "augmented"), (ChatModel, "_new_client")])
async def test_so_is_what_a_step_of_a_language_model_raises(
    library: Path, monkeypatch: pytest.MonkeyPatch, part: object, name: str
) -> None:
    monkeypatch.setattr(part, name, raising())
    async with provider(Reply(["NONE"]), Reply(["1781 [1]"])) as server:
        key = SecretStr("k")
        answerer = build_answerer(settings_at(library, openai_base_url=server.url, openai_api_key=key, chat_model="scripted"))
        history = [Message("user", "What is the Iron Bridge?"), Message("assistant", "A bridge.")]
        assert only_end(await events_of(answerer, QUESTION, history)) == Failed(UNEXPECTED, "internal")


async def test_a_stream_that_stops_without_an_end_is_a_failure() -> None:
    async def half() -> AsyncGenerator[AnswerEvent, None]:
        yield Token("Half an")

    assert [event async for event in ended(half())] == [Token("Half an"), Failed(BROKEN_OFF, "internal")]


class PanicException(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize("raised", [PanicException("index out of bounds"), asyncio.CancelledError()], ids=["a panic", "cancelled within"])
async def test_what_is_no_exception_is_a_failure_too(raised: BaseException) -> None:
    async def half() -> AsyncGenerator[AnswerEvent, None]:
        yield Token("Half an")
        raise raised

    assert [event async for event in ended(half())] == [Token("Half an"), Failed(UNEXPECTED, "internal")]


async def test_cancelling_and_closing_add_no_end() -> None:
    seen: list[AnswerEvent] = []

    async def slow() -> AsyncGenerator[AnswerEvent, None]:
        yield Token("a")
        await asyncio.sleep(60)

    async def read() -> None:
        async for event in ended(slow()):
            seen.append(event)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [Token("a")]
    closed = ended(slow())
    await anext(closed)
    await closed.aclose()


@pytest.fixture
async def conversations(tmp_path: Path) -> AsyncIterator[Conversations]:
    made = Conversations(Database(None, tmp_path / "conversations.sqlite"))
    yield made
    await made.close()


async def kept_events(
    answerer: Answerer, conversations: Conversations, identity: str, patience: Patience = TUNING.patience
) -> list[AnswerEvent]:
    return [event async for event in remembered(answerer, conversations, "ada", identity, QUESTION, EVERYWHERE, patience)]


@pytest.mark.parametrize("name", ["history", "begin_answer", "finish_answer"])
async def test_what_cannot_be_remembered_is_a_failure(
    library_settings: Settings, conversations: Conversations, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    identity = (await conversations.create("ada", "Bridges")).conversation_id
    monkeypatch.setattr(conversations, name, raising())
    assert only_end(await kept_events(build_answerer(library_settings), conversations, identity)) == Failed(UNEXPECTED, "internal")


async def test_a_conversation_that_is_gone_is_a_failure_in_its_own_words(library_settings: Settings, conversations: Conversations) -> None:
    (end,) = await kept_events(build_answerer(library_settings), conversations, "nothing")
    assert "no conversation with this id" in cast("Failed", end).message


async def test_one_renewal_that_fails_costs_nothing(
    library_settings: Settings, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = (await conversations.create("ada", "Bridges")).conversation_id
    monkeypatch.setattr(conversations, "keep_alive", raising())
    at_every_event = replace(TUNING.patience, keep_alive_seconds=-1.0)
    assert isinstance(only_end(await kept_events(build_answerer(library_settings), conversations, identity, at_every_event)), Answered)
    (_, answer) = (await conversations.get("ada", identity)).messages
    assert answer.state == "complete"
    assert answer.detail["marks"]


async def test_a_database_that_goes_away_during_an_answer(library_settings: Settings, tmp_path: Path) -> None:
    """Back in time, nobody notices; else the reader has the text, and is told what is missing. Then all goes on."""
    require(POSTGRESQL)
    with PostgreSQL() as server:
        conversations = Conversations(Database(f"{server.address}/postgres", tmp_path / "unused"))
        identity = (await conversations.create("ada", "Bridges")).conversation_id

        async def answered(*meanwhile: Callable[[], None]) -> list[AnswerEvent]:
            seen: list[AnswerEvent] = []
            async for event in remembered(build_answerer(library_settings), conversations, "ada", identity, QUESTION, EVERYWHERE):
                if isinstance(event, Token) and not any(isinstance(one, Token) for one in seen):
                    for act in meanwhile:
                        await asyncio.to_thread(act)
                seen.append(event)
            return seen

        assert isinstance(only_end(await answered(server.stop, server.start)), Answered)
        events = await answered(server.stop)
        end = only_end(events)
        assert isinstance(end, Failed)
        assert "RAG_DATABASE_URL" in end.message
        assert "1781" in "".join(event.text for event in events if isinstance(event, Token))
        server.start()
        assert isinstance(only_end(await answered()), Answered)
        states = [message.state for message in (await conversations.get("ada", identity)).messages if message.role == "assistant"]
        assert states == ["complete", "writing", "complete"]  # of the second, whose lease runs out
        await conversations.close()


def test_the_command_line_says_that_it_failed(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Retriever, "retrieve", raising())
    monkeypatch.setenv("RAG_DATA_DIR", str(library))
    said = CliRunner().invoke(cli, ["ask", QUESTION, "--json"])
    assert (said.exit_code, said.stdout) == (1, "")
    assert UNEXPECTED in said.stderr
    assert "secret" not in said.stderr

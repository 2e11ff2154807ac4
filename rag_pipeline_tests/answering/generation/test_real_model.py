"""A real language model, too small to be right, behind another project's server: whatever it writes, what is shown keeps its promises."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.generation.language_model import ChatReply, chat_model
from rag_pipeline.models import Answered, AnswerEvent, Failed, Message, Reformulated, Refused, Retrieved, Token
from rag_pipeline.settings import Settings
from rag_pipeline_tests.answering.conftest import events_of
from rag_pipeline_tests.answering.generation import smollm2
from rag_pipeline_tests.answering.generation.test_third_party_server import serving
from rag_pipeline_tests.servers import free_port

WINDOW = 1024
"""Tokens: the passages of the library do not all fit."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = smollm2.require()
    with serving(folder, tmp_path_factory.mktemp("server") / "log", free_port()) as settings:
        yield {**settings, "chat_context_tokens": WINDOW, "chat_timeout_seconds": 300}


@pytest.fixture
def settings(library_settings: Settings, served: dict[str, Any]) -> Settings:
    return library_settings.model_copy(update=served)


def written(events: Sequence[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


async def test_an_answer_streams_cites_and_counts_tokens(settings: Settings) -> None:
    events = await events_of(build_answerer(settings), "When was the Iron Bridge opened?")
    end = events[-1]
    assert isinstance(end, Answered)
    assert len([event for event in events if isinstance(event, Token)]) > 5
    assert (end.withdrawn or end.answer) == written(events)
    passages = [hit for event in events if isinstance(event, Retrieved) for hit in event.hits]
    assert all(citation.hit in passages for citation in end.citations)
    assert {mark.number for mark in end.marks} == {citation.number for citation in end.citations}
    assert all(end.answer[mark.start : mark.end] == f"[{mark.number}]" for mark in end.marks)
    assert 200 < end.usage["prompt_tokens"] < WINDOW  # what the model's own tokenizer counts: the estimate is on the safe side
    assert end.usage["completion_tokens"] > 5


async def test_what_the_documents_do_not_say_is_never_shown_as_an_answer(settings: Settings) -> None:
    end = (await events_of(build_answerer(settings), "What is the capital of France?"))[-1]
    if isinstance(end, Answered):
        assert end.withdrawn or end.unverified
        assert "Paris" not in end.answer or end.unverified
    else:
        assert isinstance(end, Refused)


async def test_a_follow_up_is_asked_whatever_the_model_makes_of_it(settings: Settings) -> None:
    history = [Message("user", "Tell me about the Iron Bridge."), Message("assistant", "It crosses the river Severn [1].")]
    events = await events_of(build_answerer(settings), "When was it opened?", history)
    [searched] = [event for event in events if isinstance(event, Reformulated)]
    assert searched.question.strip()
    assert isinstance(events[-1], Answered | Refused)


async def test_an_answer_that_goes_on_is_broken_off_and_kept(settings: Settings) -> None:
    events = await events_of(build_answerer(settings.model_copy(update={"chat_max_tokens": 16})), "Tell all that is known of the bridge.")
    end = events[-1]
    assert isinstance(end, Failed)
    assert end.code == "chat_too_long"
    assert written(events)


async def test_leaving_early_ends_the_servers_work(settings: Settings) -> None:
    chat = chat_model(settings)
    assert chat is not None

    async def seconds_of_a_word() -> float:
        began, reply = time.monotonic(), ChatReply()
        said = "".join([piece async for piece in chat.stream([{"role": "user", "content": "Say yes."}], reply)])
        assert said
        assert reply.finish_reason == "stop"
        return time.monotonic() - began

    alone = await seconds_of_a_word()
    at_length = [{"role": "user", "content": "Write a very long story about a bridge, in twenty chapters."}]
    stream = chat.stream(at_length)
    assert await anext(stream)
    await stream.aclose()
    # It does not wait for twenty chapters, which take a hundred times as long. Seconds would tell how busy the machine is.
    assert await seconds_of_a_word() < 20 * alone + 5
    await chat.close()

"""Answers by a language model, from a provider that behaves well or badly. The passages are given; nothing is searched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydantic import SecretStr

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.generation.language_model import chat_model
from rag_pipeline.answering.retrieval.question_encoder import Vector
from rag_pipeline.answering.retrieval.retrieve import Found, Retriever
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.embedding.vectors import Vectors
from rag_pipeline.models import Answered, AnswerEvent, Coverage, Failed, Message, Reformulated, Refused, Retrieved, Token
from rag_pipeline_tests.answering.conftest import events_of, hit, settings_at
from rag_pipeline_tests.answering.provider import Reply, event, provider

KEY = "sk-very-secret"
QUICK = replace(TUNING.connection, retry_seconds=(0.01, 0.01))
HITS = (hit(1, "The bridge opened in 1781."), hit(2, "It was painted red in 2018."))


class GivenPassages:
    async def retrieve(self, *_: object) -> Found:
        return Found(HITS, Coverage(2, 2))

    def question_vector(self, question: str, collection: str) -> Vector:
        return np.array([1, 0], dtype=np.float32)

    def sentence_vectors(self, sentences: Sequence[str], collection: str) -> Vectors:
        return np.array([[len(sentence), 0] for sentence in sentences], dtype=np.float32)


def answerer_at(url: str, **changes: Any) -> Answerer:
    provided = {"openai_base_url": url, "openai_api_key": SecretStr(KEY), "chat_model": "scripted"}
    settings = settings_at(Path("unused"), **{**provided, "chat_timeout_seconds": 5, **changes})
    return Answerer(cast("Retriever", GivenPassages()), chat_model(settings, QUICK), settings)


def text_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))


async def test_a_good_answer_streams_and_cites() -> None:
    async with provider(Reply(["The bridge ", "opened in 1781 [1]", " and is red [2]."])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    end = events[-1]
    assert [type(event) for event in events[:2]] == [Reformulated, Retrieved]
    assert isinstance(end, Answered)
    assert end.answer == text_of(events) == "The bridge opened in 1781 [1] and is red [2]."
    assert [(citation.number, citation.hit) for citation in end.citations] == [(1, HITS[0]), (2, HITS[1])]
    assert (end.model, dict(end.usage)) == ("scripted", {"prompt_tokens": 11, "completion_tokens": 7})
    assert set(end.timings) == {"reformulate", "retrieve", "augment", "generate", "verify"}
    assert len([event for event in events if isinstance(event, Token)]) > 1


async def test_the_model_is_given_rules_passages_and_history() -> None:
    async with provider(Reply(["When did the Iron Bridge open?"]), Reply(["1781 [1]"])) as server:
        history = [Message("user", "Tell me about the Iron Bridge"), Message("assistant", "It is old.")]
        events = await events_of(answerer_at(server.url), "And when did it open?", history)
    assert cast("Reformulated", events[0]).question == "When did the Iron Bridge open?"
    first, second = server.requests
    assert "And when did it open?" in first["messages"][-1]["content"]
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]
    assert 'number="2" document="document-2.md"' in second["messages"][-1]["content"]
    assert second["messages"][-1]["content"].endswith("Question: When did the Iron Bridge open?")
    assert second["stream"] is True
    assert f"authorization: bearer {KEY}" in server.headers[0].lower()


@pytest.mark.parametrize(
    "pieces",
    [
        ["It opened in 1781 [", "1", "] and [7] not [0", "].", " See [1, 2", "9]."],
        list("It opened in 1781 [1] and [7] not [0]. See [1, 29]."),
    ],
)
async def test_marks_of_passages_that_do_not_exist_are_never_shown(pieces: list[str]) -> None:
    async with provider(Reply(pieces)) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    end = events[-1]
    assert isinstance(end, Answered)
    assert text_of(events) == end.answer == "It opened in 1781 [1] and not. See [1]."
    assert [citation.number for citation in end.citations] == [1]


@pytest.mark.parametrize("cut", [1, 2, 7, 1000])
async def test_brackets_that_are_no_citations_come_through_and_marks_are_told(cut: int) -> None:
    said = " Use `rows[2]`, or [2024] [1]:\n\n```python\nfirst = rows[1]  # [2]\n```\nIt is red [2, 9]."
    async with provider(Reply([said[at : at + cut] for at in range(0, len(said), cut)])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    end = events[-1]
    assert isinstance(end, Answered)
    assert end.answer == text_of(events) == said.lstrip().replace("[2, 9]", "[2]")
    assert [(mark.number, end.answer[mark.start : mark.end]) for mark in end.marks] == [(1, "[1]"), (2, "[2]")]
    assert end.answer[: end.marks[0].start].endswith("[2024] ")
    assert [event.citation for event in events if isinstance(event, Token) and event.citation] == [1, 2]


@pytest.mark.parametrize(
    "pieces",
    [["NOT_", "FOUND The passages ", "do not say who built it [1]."], ["**NOT_FOUND**: ", "The passages do not say who built it [1]."]],
)
async def test_the_model_may_say_that_the_documents_do_not_say(pieces: list[str]) -> None:
    async with provider(Reply(pieces)) as server:
        events = await events_of(answerer_at(server.url), "Who built it?")
    end = events[-1]
    assert isinstance(end, Refused)
    assert end.reason == "The passages do not say who built it [1]."
    assert {one.hit.chunk_id for one in end.nearest} == {hit.chunk_id for hit in HITS}
    assert all(one.sentences for one in end.nearest)
    assert text_of(events) == ""


async def test_a_bare_refusal_has_words_of_its_own() -> None:
    async with provider(Reply(["NOT_FOUND"])) as server:
        events = await events_of(answerer_at(server.url), "Who built it?")
    assert cast("Refused", events[-1]).reason == "The documents do not say."


async def test_an_answer_that_begins_like_the_mark_is_an_answer() -> None:
    async with provider(Reply(["NOT", "E: it opened in 1781 [1]."])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert cast("Answered", events[-1]).answer == "NOTE: it opened in 1781 [1]."


async def test_thoughts_are_not_shown() -> None:
    async with provider(Reply(["<thi", "nk>The user asks [1]", "</think>\n\nIn 1781 [1]."])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert text_of(events) == "In 1781 [1]."


async def test_a_refused_connection_names_the_setting() -> None:
    events = await events_of(answerer_at("http://127.0.0.1:9/v1"), "When did it open?")
    end = events[-1]
    assert isinstance(end, Failed)
    assert (end.code, "OPENAI_BASE_URL" in end.message) == ("chat_unreachable", True)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "chat_key", "OPENAI_API_KEY"),
        (403, "chat_key", "OPENAI_API_KEY"),
        (404, "chat_model", "RAG_CHAT_MODEL"),
        (400, "chat_refused", "scripted"),
        (429, "chat_busy", "429"),
        (500, "chat_failed", "500"),
    ],
)
async def test_refusals_are_plain_words_without_the_key(status: int, code: str, words: str) -> None:
    body = f'{{"error": {{"message": "scripted trouble with {KEY}"}}}}'
    async with provider(Reply(status=status, body=body)) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    end = events[-1]
    assert isinstance(end, Failed)
    assert end.code == code
    assert words in end.message
    assert KEY not in end.message
    assert len(server.requests) == (3 if status in (429, 500) else 1)


async def test_a_busy_provider_is_asked_again() -> None:
    async with provider(Reply(status=429), Reply(status=503), Reply(["1781 [1]"])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert cast("Answered", events[-1]).answer == "1781 [1]"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"error": {"message": "Extra inputs are not permitted: stream_options"}}'),
        (422, '{"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}'),
    ],
)
async def test_a_provider_that_knows_no_stream_options_is_asked_without(status: int, body: str) -> None:
    async with provider(Reply(status=status, body=body), Reply(["1781 [1]"])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert isinstance(events[-1], Answered)
    assert ["stream_options" in request for request in server.requests] == [True, False]


REASONING = event({"delta": {"role": "assistant", "content": None, "reasoning_content": "Paris? No. ", "reasoning": "Paris?"}})
TOOL_CALL = event({"delta": {"tool_calls": [{"index": 0, "id": "1", "function": {"name": "search", "arguments": '{"q": "Paris"}'}}]}})


async def test_thoughts_and_calls_of_tools_that_nobody_offered_are_no_part_of_an_answer() -> None:
    said = event({"delta": {"content": "It opened in 1781 [1]."}})
    async with provider(Reply(raw=REASONING + TOOL_CALL + said)) as server:
        end = (await events_of(answerer_at(server.url), "When did it open?"))[-1]
    assert cast("Answered", end).answer == "It opened in 1781 [1]."
    async with provider(Reply(raw=REASONING + TOOL_CALL)) as server:
        end = (await events_of(answerer_at(server.url), "When did it open?"))[-1]
    assert cast("Failed", end).code == "chat_empty"


async def test_a_refusal_in_fastapis_words_is_shown() -> None:
    async with provider(Reply(status=400, body='{"detail": "Server is pinned to another model."}')) as server:
        end = (await events_of(answerer_at(server.url), "When did it open?"))[-1]
    assert isinstance(end, Failed)
    assert (end.code, "Server is pinned to another model." in end.message) == ("chat_refused", True)


async def test_a_silent_provider_is_given_up() -> None:
    async with provider(Reply(["late"], silence_after=0)) as server:
        events = await events_of(answerer_at(server.url, chat_timeout_seconds=0.3), "When did it open?")
    end = events[-1]
    assert isinstance(end, Failed)
    assert (end.code, "0.3 seconds" in end.message) == ("chat_timeout", True)


async def test_silence_in_the_middle_keeps_what_was_said() -> None:
    async with provider(Reply(["The bridge ", "opened ", "in"], silence_after=2)) as server:
        events = await events_of(answerer_at(server.url, chat_timeout_seconds=0.3), "When did it open?")
    assert text_of(events) == "The bridge opened"
    assert cast("Failed", events[-1]).code == "chat_timeout"


async def test_slow_is_not_silent() -> None:
    async with provider(Reply(["a "] * 8, delay_seconds=0.1)) as server:
        events = await events_of(answerer_at(server.url, chat_timeout_seconds=0.5), "When did it open?")
    assert isinstance(events[-1], Answered)


@pytest.mark.parametrize("raw", [b"", b"data: {no json\n\n"])
async def test_a_provider_that_dies_in_the_middle_fails_the_answer(raw: bytes) -> None:
    async with provider(Reply(["The bridge ", "opened"], dies=not raw, raw=raw)) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert text_of(events).startswith("The bridge")
    assert isinstance(events[-1], Failed)
    assert len(server.requests) == 1


async def test_a_provider_that_dies_before_the_first_word_is_asked_again() -> None:
    async with provider(Reply(dies=True), Reply(["1781 [1]"])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert cast("Answered", events[-1]).answer == "1781 [1]"


async def test_an_error_within_the_stream_is_a_failure() -> None:
    async with provider(Reply(["The bridge "], raw=b'data: {"error": {"message": "out of memory"}}\n\n')) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert "out of memory" in cast("Failed", events[-1]).message


async def test_an_empty_answer_is_a_failure() -> None:
    async with provider(Reply([])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert cast("Failed", events[-1]).code == "chat_empty"


@pytest.mark.parametrize(
    ("pieces", "tokens", "code", "setting"),
    [
        (["The bridge opened in 1781 [1]. "] + ["opened "] * 10_000, 8192, "chat_repeats", "RAG_CHAT_MODEL"),
        ([f"In {year} it was painted. " for year in range(9999)], 200, "chat_too_long", "RAG_CHAT_MAX_TOKENS"),
    ],
)
async def test_a_reply_without_an_end_is_broken_off_and_what_was_said_stays(
    pieces: list[str], tokens: int, code: str, setting: str
) -> None:
    async with provider(Reply(pieces)) as server:
        events = await events_of(answerer_at(server.url, chat_max_tokens=tokens), "When?")
        await asyncio.wait_for(server.hung_up.wait(), 5)
    end = cast("Failed", events[-1])
    assert (end.code, setting in end.message) == (code, True)
    assert text_of(events).startswith("".join(pieces)[:20])
    assert len(text_of(events)) < 5000


@pytest.mark.parametrize("said", ["-" * 3000, "| 0 | 0 | 0 |\n" * 200, "The bridge opened in 1781. It was red in 2018. " * 8])
async def test_what_repeats_in_tables_or_for_a_moment_is_no_reply_without_an_end(said: str) -> None:
    async with provider(Reply([said[start : start + 5] for start in range(0, len(said), 5)])) as server:
        assert isinstance((await events_of(answerer_at(server.url, chat_withdraw=False), "When?"))[-1], Answered)


async def test_a_reader_who_leaves_closes_the_provider_s_stream() -> None:
    async with provider(Reply(["The ", "bridge ", "opened "], silence_after=3)) as server:
        stream = answerer_at(server.url, chat_timeout_seconds=60).stream("When did it open?")
        async for event in stream:
            if isinstance(event, Token):
                break
        await stream.aclose()
        await asyncio.wait_for(server.hung_up.wait(), 5)


async def test_a_cancelled_task_closes_the_provider_s_stream() -> None:
    async with provider(Reply(["The "], silence_after=1)) as server:
        task = asyncio.create_task(events_of(answerer_at(server.url, chat_timeout_seconds=60), "When did it open?"))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), 5)


async def test_one_question_makes_one_connection_however_often_the_model_is_asked() -> None:
    replies = Reply(["Did the bridge open, and is it red?"]), Reply(["Did it open?\nIs it red?"]), Reply(["1781 [1]"])
    async with provider(*replies) as server:
        answerer = answerer_at(server.url)
        history = [Message("user", "Tell me about the bridge"), Message("assistant", "It is old.")]
        for _ in range(2):
            events = await events_of(answerer, "Did it open, and is it red?", history)
            assert isinstance(events[-1], Answered)
        assert (len(server.requests), server.connections) == (5, 1)  # the second time, what was rewritten needs no sub-questions
        await answerer.close()
        assert isinstance((await events_of(answerer, "Did it open?"))[-1], Answered)
        assert server.connections == 2


def test_one_answerer_serves_several_event_loops() -> None:
    answerers: list[Answerer] = []

    async def ask() -> AnswerEvent:
        async with provider(Reply(["1781 [1]"])) as server:
            answerers.append(answerer_at(server.url))
            return (await events_of(answerers[0], "When did it open?"))[-1]

    assert isinstance(asyncio.run(ask()), Answered)
    assert cast("Failed", asyncio.run(ask())).code == "chat_unreachable"  # the first loop's server is gone; its client does no harm


async def test_marks_of_earlier_answers_are_not_shown_to_the_model() -> None:
    async with provider(Reply(["When did it open?"]), Reply(["1781 [1]"])) as server:
        history = [Message("user", "Is it [3]?"), Message("assistant", "It is red [2][3]. So says `a[1]`.")]
        await events_of(answerer_at(server.url), "And when did it open?", history)
    assert [message["content"] for message in server.requests[-1]["messages"][1:3]] == ["Is it [3]?", "It is red. So says `a[1]`."]
    assert "[2]" not in str(server.requests[0])


async def test_a_proxy_in_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with provider(Reply(["1781 [1]"])) as server:
        events = await events_of(answerer_at(server.url), "When did it open?")
    assert isinstance(events[-1], Answered)


async def test_halves_of_characters_are_never_passed_on() -> None:
    async with provider(Reply(["It is \ud83d\udd11 and \ud83d", " red [1]."])) as server:
        history = [Message("user", "Who \ud83d?"), Message("assistant", "\udd11")]
        events = await events_of(answerer_at(server.url), "Which colour?", history)
    assert text_of(events) == "It is \U0001f511 and \ufffd red [1]."
    assert isinstance(events[-1], Answered)

"""Follow-ups, without a language model and with one."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.chat import ChatModel
from rag_pipeline.answering.reformulate import completed, is_follow_up, reformulated
from rag_pipeline.models import Message


@pytest.mark.parametrize(
    "question", ["When was it built?", "And the second one?", "Why?", "What about Paris?", "Who is his brother?", "How so?"]
)
def test_follow_ups_are_noticed(question: str) -> None:
    assert is_follow_up(question)


def asked(*questions: str) -> list[Message]:
    return [Message("user", question) for question in questions]


@pytest.mark.parametrize("question", ["When was the Eiffel Tower built?", "Which rules govern annual leave for part-time staff?"])
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert completed(question, asked("Who designed Tower Bridge?")) == question


@pytest.mark.parametrize(
    ("question", "history", "completed_question"),
    [
        ("When was it built?", ["Who designed the Eiffel Tower?"], "When was Eiffel Tower built?"),
        ("How tall is it?", ["Who designed the Eiffel Tower?", "When was it built?"], "How tall is Eiffel Tower?"),
        (
            "Is it safe?",
            ["What is a sous vide cooker?", "How does it heat the water?", "How hot does it get?", "Which steaks does it suit?"],
            "Is sous vide cooker safe?",
        ),
        ("What did she write?", ["Where did Ada Lovelace live?"], "What did Ada Lovelace write?"),
        ("Who was his father?", ["When did Watt marry?", "Where did James Watt live?"], "Who was James Watt's father?"),
        ("How are they made?", ["Tell me more about biodegradable plastics."], "How are biodegradable plastics made?"),
        ("And the second?", ["What are the phases of the Moon?"], "And the second? (Moon)"),
        ("Why did he leave?", ["the user is reading Harry Price - William Hope"], "Why did Harry Price leave?"),
    ],
)
def test_follow_ups_say_what_they_are_about(question: str, history: list[str], completed_question: str) -> None:
    assert completed(question, asked(*history)) == completed_question


@pytest.mark.parametrize(
    "question",
    [
        "How long does it take to renew the permit?",
        "Is it true that the Moon has no air?",
        "Did Ann Smith lose her job?",
        "What does this album sound like to other people of the press?",
        "Wann wurde der Turm in Paris eigentlich gebaut?",
    ],
)
def test_pronouns_that_mean_nothing_before_are_left_alone(question: str) -> None:
    assert "Ben Miller" not in completed(question, asked("Where does Ben Miller live?")).partition(" (")[0]


def test_what_the_reply_named_may_be_meant() -> None:
    history = [Message("user", "who designed the tower"), Message("assistant", "It was designed by Stephen Sauvestre.")]
    assert completed("Where did he live?", history) == "Where did Stephen Sauvestre live?"


@given(st.text(max_size=200), st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(max_size=200)), max_size=6))
def test_anything_can_be_said(question: str, history: list[Message]) -> None:
    assert completed(question, history).strip() or not question.strip()


class GivenReply:
    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.messages: list[Any] = []

    async def complete(self, messages: list[Any]) -> str:
        self.messages = messages
        return self.reply


HISTORY = [Message("user", "Who designed the Eiffel Tower?"), Message("assistant", "Stephen Sauvestre.")]


@pytest.mark.parametrize("reply", ["When was the Eiffel Tower built?", '<think>it?</think>\n"When was the Eiffel Tower built?"\n'])
async def test_a_language_model_rewrites(reply: str) -> None:
    chat = GivenReply(reply)
    assert await reformulated("When was it built?", HISTORY, cast("ChatModel", chat)) == "When was the Eiffel Tower built?"
    assert "Stephen Sauvestre" in chat.messages[-1]["content"]


@pytest.mark.parametrize("reply", ["", "word " * 400])
async def test_a_reply_that_is_no_question_is_not_used(reply: str) -> None:
    assert await reformulated("When was it built?", HISTORY, cast("ChatModel", GivenReply(reply))) == "When was it built?"


async def test_the_first_question_is_never_rewritten() -> None:
    assert await reformulated("When was it built?", [], cast("ChatModel", GivenReply("something else"))) == "When was it built?"
    assert await reformulated("When was it built?", [Message("assistant", "Hello")], None) == "When was it built?"

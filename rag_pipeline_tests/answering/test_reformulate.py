"""Follow-ups, without a language model and with one."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rag_pipeline.answering.chat import ChatModel
from rag_pipeline.answering.reformulate import completed, is_follow_up, reformulated
from rag_pipeline.models import Message


@pytest.mark.parametrize(
    "question", ["When was it built?", "And the second one?", "Why?", "What about Paris?", "Who is his brother?", "How so?"]
)
def test_follow_ups_are_noticed(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize("question", ["When was the Eiffel Tower built?", "Which rules govern annual leave for part-time staff?"])
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert completed(question, ["Who designed Tower Bridge?"]) == question


def test_names_are_carried_over() -> None:
    assert completed("When was it built?", ["Who designed the Eiffel Tower?"]) == "When was it built? (Eiffel Tower)"


def test_names_are_carried_over_several_turns() -> None:
    assert completed("How tall is it?", ["Who designed the Eiffel Tower?", "When was it built?"]) == "How tall is it? (Eiffel Tower)"


def test_without_names_the_words_of_the_question_before_are_carried() -> None:
    assert completed("How much does it cost?", ["how do I renew my parking permit"]) == "How much does it cost? (renew parking permit)"


def test_words_that_are_there_already_are_not_repeated() -> None:
    assert (
        completed("Is the Tower higher than that one?", ["Who designed the Eiffel Tower?"]) == "Is the Tower higher than that one? (Eiffel)"
    )


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

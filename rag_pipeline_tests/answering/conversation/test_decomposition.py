"""Questions that need several documents."""

from __future__ import annotations

from typing import cast

import pytest

from rag_pipeline.answering.conversation.decomposition import may_need_several, read_reply, sub_questions
from rag_pipeline.answering.generation.language_model import ChatModel

COMPARING = "Is the Iron Bridge older than the Forth Bridge?"


class GivenReply:
    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.asked = 0

    async def complete(self, _: object) -> str:
        self.asked += 1
        return self.reply


async def test_the_models_questions_are_searched_for() -> None:
    reply = "1. When was the Iron Bridge opened?\n2) When was the Forth Bridge opened?"
    found = await sub_questions(COMPARING, cast("ChatModel", GivenReply(reply)))
    assert found == ("When was the Iron Bridge opened?", "When was the Forth Bridge opened?")


async def test_a_simple_question_is_not_sent() -> None:
    chat = GivenReply("a?\nb?")
    assert await sub_questions("When was the Iron Bridge opened?", cast("ChatModel", chat)) == ()
    assert chat.asked == 0
    assert await sub_questions(COMPARING, None) == ()


@pytest.mark.parametrize("reply", ["NONE", "none.", "", "It is older.", "a?\nb?\nc?\nd?\ne?", "When?\n" + "x" * 600, "...\n---"])
def test_a_reply_that_is_no_list_of_questions_is_left_out(reply: str) -> None:
    assert read_reply(reply, COMPARING) == ()


def test_which_questions_are_worth_asking_about() -> None:
    assert may_need_several("Which label released the film that the director of the comedy about a robot nurse made before it?")
    assert may_need_several("What is the difference to last year?")
    assert not may_need_several("Who opened it?")

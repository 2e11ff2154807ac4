"""Follow-ups, without a language model and with one."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.conversation.reformulate import completed, reformulated, with_topic
from rag_pipeline.answering.generation.language_model import ChatModel
from rag_pipeline.models import Message


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


@pytest.mark.parametrize(
    ("question", "before"),
    [
        ("What is the IT budget?", "Who is the CFO?"),
        ("What is the IT budget and who owns it?", "Who is the CFO?"),
        ("Which rooms are free and how large are they?", "Who rents the offices?"),
        ("How did the company save its budget?", "Who is the CFO?"),
        ("Is it raining in Paris?", "Who designed the Eiffel Tower?"),
        ("Was it very cold that winter?", "Who designed the Eiffel Tower?"),
        ("What time is it in Tokyo?", "Who designed the Eiffel Tower?"),
        ("Is it possible that the lift was closed?", "Who designed the Eiffel Tower?"),
        ("Was it Newton who found gravity?", "Who designed the Eiffel Tower?"),
        ("How long does it usually take to climb up?", "Who designed the Eiffel Tower?"),
        ("Why does it seem that everyone left?", "Who designed the Eiffel Tower?"),
        ("Wo kommt sie her?", "Wer ist Angela Merkel?"),
        ("Was hat it-Leiter er gesagt?", "Wer ist Angela Merkel?"),
        ("Hoe oud is it?", "Wie is Anna de Vries?"),
        ("And the second?", "What are the phases of the Moon?"),
        ("What happens if an employee loses his badge?", "Where does Peter Novak live?"),
        ("What should someone do if their laptop is stolen?", "Which pension plans are there?"),
        ("How do customers pay their invoices?", "Which pension plans are there?"),
        ("Did he or she sign?", "Where does Peter Novak live?"),
        ("Whose job is it to remind people?", "What is the deadline of the audit?"),
        ("Was it 1669 when Catania was destroyed?", "Where is Mount Etna?"),
        ("When did she retire?", "Which school is in Ghent?"),
    ],
)
def test_a_question_is_left_as_typed_unless_it_is_sure_what_is_meant(question: str, before: str) -> None:
    assert completed(question, asked(before)) == question
    assert with_topic(question, asked(before)) == f"{question} {before}"


def test_the_topic_goes_back_until_something_is_named() -> None:
    history = [Message("user", "Wer ist Angela Merkel?"), Message("assistant", "Eine Politikerin."), Message("user", "Und sie?")]
    assert with_topic("Wo?", history).startswith("Wo? Wer ist Angela Merkel? Und sie?")
    assert with_topic("Wo?", []) == with_topic("Wo?", [Message("assistant", "Hallo")]) == ""
    assert with_topic("Wo? " * 5000, history) == ""


def test_what_the_reply_named_may_be_meant() -> None:
    history = [Message("user", "who designed the tower"), Message("assistant", "It was designed by Stephen Sauvestre.")]
    assert completed("Where did he live?", history) == "Where did Stephen Sauvestre live?"


def test_a_place_is_no_person() -> None:
    history = [Message("user", "Who runs the bakery in Ghent?"), Message("assistant", "It is run by Lotte Janssens.")]
    assert completed("When did she begin?", history) == "When did Lotte Janssens begin?"


def test_lists_of_names_take_no_time() -> None:
    names = [" ".join(f"Ada{number} Moor{turn} said" for number in range(300)) for turn in range(200)]
    history = [Message("assistant" if turn % 2 else "user", text) for turn, text in enumerate(names)]
    started = time.perf_counter()
    completed("What is its size?", history)
    assert time.perf_counter() - started < 15


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

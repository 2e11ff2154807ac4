"""The whole stream over real small documents: without a language model, and what becomes of what one invents."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.conversation.remembered import stored_form
from rag_pipeline.answering.quoting.extract import pieces
from rag_pipeline.answering.quoting.refusal import WHICH_DOCUMENT
from rag_pipeline.answering.scope import EVERYWHERE, DocumentFilter, Scope
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Answered, AnswerEvent, Failed, Message, Reformulated, Refused, Retrieved, Token
from rag_pipeline.settings import Settings
from rag_pipeline_tests.answering.conftest import chunks, events_of, publish, settings_at
from rag_pipeline_tests.answering.provider import Reply, provider


async def test_an_answer_quotes_and_cites(library_settings: Settings) -> None:
    events = await events_of(build_answerer(library_settings), "When was the Iron Bridge opened?")
    end = events[-1]
    assert [type(event) for event in events[:2]] == [Reformulated, Retrieved]
    assert isinstance(end, Answered)
    assert "opened in 1781. [1]" in end.answer
    assert end.citations[0].number == 1
    assert end.citations[0].hit == cast("Retrieved", events[1]).hits[0]
    assert "".join(event.text for event in events if isinstance(event, Token)) == end.answer
    assert end.model is None
    assert set(end.timings) == {"reformulate", "retrieve", "generate"}


async def test_before_there_are_vectors_words_that_stand_nowhere_are_named(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    by_words = [replace(one, dense=None) for one in chunks("bees", "bees.md", ["Honey bees dance."], settings)]
    publish(settings, "bees", {"bees.md": []}, chunks=[by_words])
    answerer = build_answerer(settings)
    for scope in (EVERYWHERE, Scope(("bees",))):
        end = (await events_of(answerer, "Which zeppelins flew?", (), scope))[-1]
        assert "“zeppelins”" in cast("Refused", end).reason
    end = (await events_of(answerer, "Which zeppelins flew?", (), Scope(filter=DocumentFilter(folder="empty"))))[-1]
    assert "Choose other collections" in cast("Refused", end).reason


async def test_marks_of_a_document_are_quoted_and_cite_nothing(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    publish(settings, "bees", {"bees.md": ["Honey bees dance to tell where nectar is [1, 2]. Earlier work [3] denied it."]})
    events = await events_of(build_answerer(settings), "How do honey bees tell where nectar is?")
    end = cast("Answered", events[-1])
    assert "nectar is [1, 2]. [1]" in end.answer
    assert [citation.number for citation in end.citations] == [1]
    assert all(end.answer[mark.start - 2 : mark.end] == ". [1]" for mark in end.marks)
    assert len(end.marks) == len([event for event in events if isinstance(event, Token) and event.citation])


async def test_a_follow_up_is_answered_from_the_conversation(library_settings: Settings) -> None:
    history = [Message("user", "How many eggs does a queen bee lay?"), Message("assistant", "Two thousand. [1]")]
    events = await events_of(build_answerer(library_settings), "How many flowers does it visit?", history)
    assert "bee" in cast("Reformulated", events[0]).question
    assert "fifty to one hundred flowers" in cast("Answered", events[-1]).answer


@pytest.mark.parametrize(
    ("follow_up", "quoted"),
    [
        ("And how many in 2024?", "In 2024 the Mending Room repaired 726 of 1,038 items. [1]"),
        ("And how many in 1999?", None),
        ("Which football club won the championship in 1974?", None),
    ],
)
async def test_a_question_that_says_too_little_is_read_with_what_was_asked_before(
    tmp_path: Path, follow_up: str, quoted: str | None
) -> None:
    settings = settings_at(tmp_path)
    said = "In 2025 the Mending Room repaired 963 of 1,284 items. In 2024 the Mending Room repaired 726 of 1,038 items. Ask Ines."
    publish(settings, "report", {"report.md": [said, "Bus tickets are refunded up to 25 euros a month.", "The workshop opens on Tuesday."]})
    history = [Message("user", "How many items did the Mending Room repair in 2025?"), Message("assistant", "963.")]
    assert isinstance((await events_of(build_answerer(settings), follow_up))[-1], Refused)
    end = (await events_of(build_answerer(settings), follow_up, history))[-1]
    assert (end.answer if isinstance(end, Answered) else None) == quoted


async def test_a_follow_up_in_another_language_is_searched_for_with_what_was_asked_before(library_settings: Settings) -> None:
    history = [Message("user", "Wer entwarf die Iron Bridge?"), Message("assistant", "Abraham Darby.")]
    first = (await events_of(build_answerer(library_settings), "Und wo steht sie?", history))[0]
    assert first == Reformulated("Und wo steht sie?", (), "Und wo steht sie? Wer entwarf die Iron Bridge?")
    alone = (await events_of(build_answerer(library_settings), "Und wo steht sie?"))[0]
    assert alone == Reformulated("Und wo steht sie?")


REPORT = [
    "{0} builds wooden boats for fishermen on the northern coast.",
    "In the last year {0} sold forty of its boats, most of them to Norway.",
    "The price of oak rose by a fifth, and pine was hard to find.",
    "Two apprentices finished their training in the yard of {0}.",
]


async def test_a_whole_document_is_quoted_and_no_other(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    publish(settings, "reports", {f"{name}_report.md": [text.format(name) for text in REPORT] for name in ("Acme", "Brix")})
    answerer = build_answerer(settings)

    async def quoted(question: str, *more: Any) -> set[str]:
        end = cast("Answered", (await events_of(answerer, question, *more))[-1])
        assert [mark.number for mark in end.marks] == sorted(mark.number for mark in end.marks)
        assert len(end.marks) == len(REPORT)
        return {citation.hit.document for citation in end.citations}

    assert await quoted("Summarize the Acme report") == {"Acme_report.md"}
    assert await quoted("Worum geht es in Brix_report.md?") == {"Brix_report.md"}
    this = "What is this document about?"
    assert await quoted(this, [Message("user", "How many boats did Brix sell?"), Message("assistant", "Forty.")]) == {"Brix_report.md"}
    assert await quoted(this, [], Scope((), DocumentFilter(("Acme_report.md",)))) == {"Acme_report.md"}
    assert cast("Refused", (await events_of(answerer, this))[-1]).reason == WHICH_DOCUMENT


@pytest.mark.parametrize(
    "question", ["How long should I boil an egg for a salad?", "What is the capital of Mongolia?", "Wie koche ich Reis?"]
)
async def test_questions_about_something_else_are_refused(library_settings: Settings, question: str) -> None:
    events = await events_of(build_answerer(library_settings), question, (), Scope(("bridges",)))
    end = events[-1]
    assert isinstance(end, Refused)
    found = cast("Retrieved", events[1]).hits
    assert sorted(one.hit.rank for one in end.nearest) == [hit.rank for hit in found]
    assert all(one.sentences for one in end.nearest[: min(len(found), TUNING.quoting.passages)])
    assert not any(isinstance(event, Token) for event in events)


async def test_nothing_indexed_is_refused_with_what_to_do(tmp_path: Path) -> None:
    events = await events_of(build_answerer(settings_at(tmp_path)), "When?")
    assert "drop files into" in cast("Refused", events[-1]).reason


async def test_an_empty_choice_of_documents_is_refused(library_settings: Settings) -> None:
    events = await events_of(build_answerer(library_settings), "When did it open?", (), Scope(("bridges",), DocumentFilter(("none.md",))))
    assert "no passage" in cast("Refused", events[-1]).reason


@pytest.mark.parametrize("question", ["", "🎉", "?" * 30, "why " * 6000])
async def test_what_cannot_be_searched_fails_with_words(library_settings: Settings, question: str) -> None:
    (end,) = await events_of(build_answerer(library_settings), question)
    assert isinstance(end, Failed)
    assert end.code == "bad_question"


async def test_an_unknown_collection_fails_with_those_that_exist(library_settings: Settings) -> None:
    events = await events_of(build_answerer(library_settings), "When did it open?", (), Scope(("nope",)))
    assert "'bridges'" in cast("Failed", events[-1]).message


async def test_many_questions_at_once(library_settings: Settings) -> None:
    answerer = build_answerer(library_settings)
    asked = ["When was the Iron Bridge opened?", "How many eggs does a queen bee lay?"] * 5
    ends = [events[-1] for events in await asyncio.gather(*(events_of(answerer, question, (), EVERYWHERE) for question in asked))]
    assert all(isinstance(end, Answered) for end in ends)
    assert all(
        ("1781" if "Bridge" in question else "two thousand") in cast("Answered", end).answer
        for question, end in zip(asked, ends, strict=True)
    )


async def test_a_new_version_is_answered_from_at_once(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    answerer = build_answerer(settings)
    for year in ("1781", "1802"):
        publish(settings, "bridges", {"iron.md": [f"The Iron Bridge was opened in {year}."]})
        events = await events_of(answerer, "When was the Iron Bridge opened?")
        assert year in cast("Answered", events[-1]).answer


INVENTED = "Pfizer France develops vaccines with partners in Lyon [1]. Their sales rose by 64 % [1]."


async def answered_by_model(settings: Settings, question: str, reply: str, **changes: object) -> AnswerEvent:
    async with provider(Reply([reply])) as server:
        connected = {"openai_base_url": server.url, "chat_model": "scripted", **changes}
        return (await events_of(build_answerer(settings.model_copy(update=connected)), question))[-1]


async def test_what_a_model_invented_is_withdrawn_and_the_documents_are_quoted(library_settings: Settings) -> None:
    end = cast("Answered", await answered_by_model(library_settings, "When was the Iron Bridge opened?", INVENTED))
    assert "opened in 1781. [1]" in end.answer
    assert (end.withdrawn, end.model, end.unverified) == (INVENTED, "scripted", ())
    assert [citation.number for citation in end.citations] == sorted({mark.number for mark in end.marks})
    content, state, detail = stored_form(INVENTED, end)
    assert (content, state, detail["withdrawn"]) == (end.answer, "complete", INVENTED)


async def test_what_a_model_invented_is_withdrawn_and_refused_where_the_documents_say_nothing(library_settings: Settings) -> None:
    reply = "Ulaanbaatar has been the capital of Mongolia since 1924."
    end = cast("Refused", await answered_by_model(library_settings, "What is the capital of Mongolia?", reply))
    assert (end.withdrawn, end.nearest[0].sentences != ()) == (reply, True)
    assert end.reason.startswith("What the language model wrote stands in none of the passages")


@pytest.mark.parametrize(
    ("reply", "changes"),
    [
        (f"The Iron Bridge opened in 1781 [1]. {INVENTED}", {}),
        ("The Iron Bridge opened in 1781.", {}),  # cites nothing, and is right
        ("Die Brücke wurde 1781 für den Verkehr geöffnet, und sie ist heute nicht mehr für Wagen frei [1].", {}),
        ("Yes. [1]", {}),
        (INVENTED, {"chat_withdraw": False}),
    ],
)
async def test_what_holds_in_part_or_cannot_be_judged_is_not_withdrawn(
    library_settings: Settings, reply: str, changes: dict[str, object]
) -> None:
    end = cast("Answered", await answered_by_model(library_settings, "When was the Iron Bridge opened?", reply, **changes))
    assert (end.withdrawn, end.answer) == ("", reply)


def test_pieces_make_up_the_text() -> None:
    assert list(pieces(" It  opened\nin 1781. [1]")) == [" It", " ", " opened", "\nin", " 1781.", " [1]"]
    assert list(pieces("")) == []

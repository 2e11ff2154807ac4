"""Whose question it is."""

from __future__ import annotations

import pytest

from rag_pipeline.answering.retrieval.subjects import may_speak_of_what_is_named, named_first, speaks_of_what_is_named
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Hit
from rag_pipeline_tests.answering.conftest import hit

NORDWIND = hit(1, "The effective tax rate was 15.4 % in 2022.", document="Nordwind_2022.pdf", score=0.50)
SUDLICHT = hit(2, "Income taxes: statutory rate, 21.0", document="SudlichtHolding_2022.pdf", score=0.45)
QUESTION = "What was Sudlicht's effective tax rate in 2022?"


def first(question: str, *hits: Hit) -> str:
    chosen = named_first(question, hits)
    assert {one.chunk_id for one in chosen} == {one.chunk_id for one in hits}
    assert [one.score for one in chosen] == sorted((one.score for one in chosen), reverse=True)
    return chosen[0].document


@pytest.mark.parametrize("question", [QUESTION, QUESTION.lower(), "Wie hoch war der Steuersatz von Sudlicht 2022?"])
def test_the_report_of_whom_the_question_names_comes_before_one_that_says_it_in_more_of_its_words(question: str) -> None:
    assert first(question, NORDWIND, SUDLICHT) == SUDLICHT.document


def test_a_name_may_be_written_together_in_the_name_of_a_file() -> None:
    joined = hit(2, "Income taxes: 21.0", document="NORDLICHTWERKE_2022Q4.pdf", score=0.45)
    assert first("What does Nordlicht Werke pay in taxes?", NORDWIND, joined) == joined.document


def test_a_document_may_be_named_for_it_in_its_first_heading_only() -> None:
    unnamed = hit(2, "Income taxes: 21.0", document="2022-07.pdf", heading_path=("Sudlicht Holding", "Taxes"), score=0.45)
    assert first(QUESTION, NORDWIND, unnamed) == unnamed.document


@pytest.mark.parametrize("question", ["What was the effective tax rate in 2022?", "What was Ostmark's effective tax rate in 2022?"])
def test_who_names_nothing_that_a_document_is_named_for_changes_nothing(question: str) -> None:
    assert first(question, NORDWIND, SUDLICHT) == NORDWIND.document
    assert all(map(speaks_of_what_is_named(question, [NORDWIND, SUDLICHT]), (NORDWIND, SUDLICHT)))


def test_years_name_no_document() -> None:
    old = hit(3, "Taxes were paid.", document="Nordwind_2021.pdf", score=0.5)
    assert first("What was paid in 2022?", old, SUDLICHT) == old.document


def test_one_that_is_far_behind_stays_there() -> None:
    far = hit(2, "Beside the point.", document="Sudlicht.pdf", score=0.5 * (1 - TUNING.selection.unnamed) - 0.01)
    assert first(QUESTION, NORDWIND, far) == NORDWIND.document


def test_what_a_named_document_leads_to_may_answer_and_what_has_nothing_to_do_with_it_may_not() -> None:
    film = hit(1, "Nachtfahrt is a film of 1968, directed by Ada Lindqvist.", document="Nachtfahrt.md")
    director = hit(2, "She was born in Uppsala.", document="Ada_Lindqvist_director.md")
    town = hit(3, "He was born in Kiruna.", document="Olof_Berg.md")
    may_speak = may_speak_of_what_is_named("Where was the director of Nachtfahrt born?", [film, director, town])
    assert [may_speak(one) for one in (film, director, town)] == [True, True, False]
    speaks = speaks_of_what_is_named("Where was the director of Nachtfahrt born?", [film, director, town])
    assert [speaks(one) for one in (film, director, town)] == [True, False, False]


@pytest.mark.parametrize("question", ["What does 3M pay in taxes?", "what does 3m pay in taxes?"])
def test_who_is_named_need_not_have_a_capital_letter(question: str) -> None:
    named = hit(2, "Income taxes: 21.0", document="3M_2022_10K.pdf", score=0.45)
    assert first(question, NORDWIND, named) == named.document
    assert not may_speak_of_what_is_named(question, [NORDWIND, named])(NORDWIND)


def test_without_capitals_a_word_that_others_say_too_names_nobody() -> None:
    contract = hit(1, "Either side may end it three months ahead.", document="contract.pdf", score=0.5)
    further = hit(2, "A notice has to be given in writing.", document="contract.pdf", score=0.4)
    board = hit(3, "The notice board hangs in the hall.", document="notice-board.pdf", score=0.45)
    assert first("how long is the notice period?", contract, board, further) == contract.document
    assert may_speak_of_what_is_named("how long is the notice period?", [contract, board, further])(contract)


def test_nothing_found_is_nothing_first() -> None:
    assert named_first(QUESTION, []) == []

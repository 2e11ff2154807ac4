"""Passages beside one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.retrieval.selection import that_can_answer, varied, with_continuation, without_copies
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Hit
from rag_pipeline_tests.answering.conftest import hit


def on_page(number: int, page: int | None, score: float, document: str = "a.pdf") -> Hit:
    return hit(number, f"text {number}", score=score, page_first=page, page_last=page, document=document)


def test_another_page_comes_before_the_third_piece_of_the_same_one() -> None:
    hits = [on_page(1, 4, 0.60), on_page(2, 4, 0.59), on_page(3, 4, 0.58), on_page(4, 9, 0.55)]
    assert [one.chunk_id for one in varied(hits, 4)] == ["id-1", "id-4", "id-2", "id-3"]


def test_another_document_comes_before_where_there_are_no_pages() -> None:
    hits = [on_page(1, None, 0.60), on_page(2, None, 0.595), on_page(3, None, 0.59, "b.md")]
    assert [one.chunk_id for one in varied(hits, 3)] == ["id-1", "id-3", "id-2"]


def test_what_is_clearly_better_stays_before_variety() -> None:
    hits = [on_page(1, 4, 0.60), on_page(2, 4, 0.58), on_page(3, 9, 0.20)]
    chosen = varied(hits, 2)
    assert [(one.chunk_id, one.rank) for one in chosen] == [("id-1", 1), ("id-2", 2)]
    assert chosen[0].score >= chosen[1].score


@pytest.mark.parametrize(
    ("question", "near", "answer"),
    [
        ("How many employees does the firm have?", "The firm pays for the health of its employees.", "The firm has 412 employees."),
        ("How many employees does the firm have?", "Employee benefits of 1998", "Year || Employees\n1998 | 412"),
        ("When was the firm founded?", "The firm was founded by two brothers.", "Two brothers founded it in 1964."),
        ("Wie alt ist die Brücke?", "Die Brücke ist alt und rot.", "Sie wurde 1781 gebaut und ist 240 Jahre alt."),
    ],
)
def test_what_can_answer_comes_before_what_has_more_of_the_words(question: str, near: str, answer: str) -> None:
    hits = [hit(1, near, score=0.70), hit(2, answer, score=0.60), hit(3, "Beside the point.", score=0.30)]
    chosen = varied(hits, 3, can_answer=that_can_answer(question))
    assert [one.chunk_id for one in chosen] == ["id-2", "id-1", "id-3"]
    assert [one.score for one in chosen][1] == pytest.approx(0.70 * (1 - TUNING.selection.lacking))


def test_what_may_answer_otherwise_or_in_another_language_is_not_held_back() -> None:
    foreign = hit(1, "Die Firma hat eine Kantine für alle, die dort in den Hallen arbeiten, und sie ist nicht teuer.", score=0.70)
    assert that_can_answer("How many employees does the firm have?")(foreign)
    assert that_can_answer("What does the firm do for its employees?")(hit(2, "It pays."))
    assert not that_can_answer("How many employees does the firm have?")(hit(2, "It pays."))


def test_copies_are_shown_once_from_the_document_that_fits_best() -> None:
    best = hit(1, "The notice period is 30 days.", document="new.md")
    copy = hit(2, "the  notice period\nis 30 days", document="old.md")
    another = hit(3, "The notice period is 60 days.", document="other.md")
    elsewhere = hit(4, "The notice period is 30 days.", document="other.md", context="Suppliers")
    kept = without_copies([best, copy, another, elsewhere])
    assert [(one.chunk_id, one.copies) for one in kept] == [("id-1", (f"{copy.collection}/old.md",)), ("id-3", ()), ("id-4", ())]


@given(st.lists(st.lists(st.sampled_from(["Fuß", "FUSS", "aß", "ass", "9", "–", " ", "読", "tea", "ate"])).map("".join), max_size=8))
def test_copies_are_those_of_the_same_words_whatever_stands_between(texts: list[str]) -> None:
    kept = without_copies([hit(number, text) for number, text in enumerate(texts)])
    words = ["".join(one if one.isalnum() else " " for one in text.casefold()).split() for text in texts]
    assert [words[one.rank] for one in kept] == [one for place, one in enumerate(words) if one not in words[:place]]


def test_the_passage_after_the_best_one_is_among_the_first_eight() -> None:
    hits = tuple(hit(number, score=1 - number / 20) for number in range(1, 11))
    following = hit(99, "and so it went on")
    together = with_continuation(hits, lambda best: following if best == hits[0] else None)
    assert [one.rank for one in together] == list(range(1, 11))
    assert together[TUNING.selection.continuation_place - 1].chunk_id == "id-99"
    assert [one.chunk_id for one in together[:7]] == [one.chunk_id for one in hits[:7]]
    assert "id-10" not in {one.chunk_id for one in together}


def test_a_continuation_found_late_moves_up_and_one_found_early_stays() -> None:
    hits = tuple(hit(number) for number in range(1, 11))
    assert [one.chunk_id for one in with_continuation(hits, lambda _: hits[9])][6:] == ["id-7", "id-10", "id-8", "id-9"]
    assert with_continuation(hits, lambda _: hits[2]) == hits
    assert with_continuation(hits[:5], lambda _: hit(99)) == hits[:5]
    assert with_continuation(hits, lambda _: None) == hits

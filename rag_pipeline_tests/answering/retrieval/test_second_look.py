"""Searching again for what the best passage names."""

from dataclasses import replace

import pytest

from rag_pipeline.answering.retrieval.second_look import fitting_both, names_in, put_together, second_question
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline_tests.answering.conftest import hit

FILM = "Big Hero 6 is a 2014 film by Don Hall, released by Walt Disney Pictures."


def test_names_that_the_question_lacks_are_searched_for() -> None:
    asked = "Which other films did the director behind that computer-animated superhero comedy make before?"
    assert second_question(asked, hit(text=FILM)) == f"{asked} Big Hero Don Hall Walt Disney Pictures"


def test_a_passage_that_says_what_was_asked_is_enough() -> None:
    assert second_question("Who released the film Big Hero 6?", hit(text=FILM)) is None
    assert second_question("Where do all the other animals of the forest live in winter?", hit(text="nothing is named here")) is None


def test_what_the_second_search_finds_comes_after_the_best_of_the_first() -> None:
    first = (hit(1, score=0.6), hit(2, score=0.4), hit(3, score=0.3))
    second = (hit(4, score=0.9), hit(1, score=0.8), hit(3, score=0.5))
    together = put_together(first, second)
    assert [(one.chunk_id, one.rank) for one in together] == [("id-1", 1), ("id-4", 2), ("id-3", 3), ("id-2", 4)]
    assert [one.score for one in together] == [0.6, 0.6, 0.5 * TUNING.second_look.weight, 0.4]


ASKED = "How long does its warranty last?"
WARRANTY, TAXES = "The warranty covers two years.", "The effective tax rate of Boeing was 21 percent."


def test_a_question_leans_on_what_was_asked_before_where_a_passage_fits_both_better() -> None:
    alone = (hit(1, WARRANTY, score=0.8), hit(2, WARRANTY, score=0.7))
    better = (hit(3, WARRANTY, score=0.9), hit(4, WARRANTY, score=0.5))
    assert fitting_both(ASKED, alone, better) == [*better]
    assert not fitting_both(ASKED, alone, (hit(3, WARRANTY, score=0.8), hit(4, WARRANTY, score=0.7)))
    assert not fitting_both(ASKED, alone, ())
    assert not fitting_both(ASKED, (), better)


def test_what_says_nothing_of_the_question_fits_only_what_was_asked_before() -> None:
    alone = (hit(1, WARRANTY, score=0.5), hit(2, "Boeing gives a warranty.", score=0.4))
    taxes, both = hit(3, TAXES, score=0.9), hit(4, "Boeing's warranty lasts for five years.", score=0.6)
    assert not fitting_both(ASKED, alone, (taxes,))
    assert fitting_both(ASKED, alone, (taxes, both)) == [both]
    assert fitting_both(ASKED, alone, (taxes, replace(both, text="For five years.", context="Warranty of Boeing"))) != []


def test_where_no_word_of_a_question_is_found_any_passage_may_fit_it() -> None:
    found = [hit(2, TAXES, score=0.9)]
    assert fitting_both("Gilt die Garantie lange?", (hit(1, WARRANTY, score=0.5),), found) == found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("However, the film by Don Hall won. Later it lost to Coco.", ["Don Hall", "Coco"]),
        ("Don Hall made it. Critics praised him, and critics of Critics too.", ["Don Hall", "Critics"]),
        ("Город стоит на Висле. Его основал Болеслав Второй.", ["Висле", "Болеслав Второй"]),
        ("Η πόλη είναι παλιά. Εκεί έζησε ο Περικλής.", ["Περικλής"]),
        ("华沙是波兰的首都，位于维斯瓦河畔。", []),
        ("القاهرة عاصمة مصر وأكبر مدنها", []),
        ("तोक्यो जापान की राजधानी है", []),
        ("Die Stadt liegt an der Weichsel und hat viele Einwohner.", []),
    ],
)
def test_names_are_told_by_capital_letters_where_these_tell_them(text: str, names: list[str]) -> None:
    assert names_in(text) == names

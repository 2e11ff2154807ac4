"""Searching again for what the best passage names."""

from rag_pipeline.answering.second_look import WEIGHT, put_together, second_question
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
    assert [one.score for one in together] == [0.6, 0.6, 0.5 * WEIGHT, 0.4]

"""The formulas, on cases small enough to work out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.evaluation.measures import (
    are_sentences,
    contains_reference,
    harm_and_help,
    has_numbers_of,
    merged,
    normalised_gain,
    percentile,
    recall_and_overlap,
    reciprocal_rank,
    refusal_curve,
    selected_sentences,
    supported_sentences,
    token_f1,
    word_recall,
)


def test_reciprocal_rank() -> None:
    assert reciprocal_rank([False, True, True]) == 0.5
    assert reciprocal_rank([False]) == 0.0


def test_normalised_gain() -> None:
    assert normalised_gain([1, 1, 0], 2) == pytest.approx(1.0)
    assert normalised_gain([0, 1], 1) == pytest.approx(1 / math.log2(3))
    assert normalised_gain([], 3) == 0.0


def test_recall_and_overlap() -> None:
    assert recall_and_overlap([(0, 10)], [(5, 15)]) == (0.5, pytest.approx(5 / 15))
    assert recall_and_overlap([(0, 10), (0, 10)], [(0, 10)]) == (1.0, 0.5)  # the same characters twice cost twice
    assert recall_and_overlap([], [(0, 10)]) == (0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_merged_spans_hold_the_same_characters(spans: list[tuple[int, int]]) -> None:
    held = {place for start, end in spans for place in range(start, end)}
    result = merged(spans)
    assert {place for start, end in result for place in range(start, end)} == held
    assert sum(end - start for start, end in result) == len(held)


def test_words_in_common() -> None:
    assert token_f1("The tower's height?", "tower s HEIGHT") == 1.0
    assert token_f1("how tall", "how tall is the tower") == pytest.approx(2 * 2 / (2 + 4))
    assert word_recall("how tall", "how tall is the tower") == 0.5
    assert (token_f1("", ""), token_f1("a", "b")) == (1.0, 0.0)


def test_support_of_sentences() -> None:
    passages = {1: "The iron bridge was opened in 1781.", 2: "Repairs cost much."}
    said = [("The bridge was opened in 1781", {1}), (". It is made of cheese.", {2}), ("Nobody knows", {7}), (".", set())]
    assert supported_sentences(said, passages) == (3, 1)
    assert supported_sentences([("St. Mary's bridge was opened. It is made of cheese.", {1})], passages) == (3, 1)  # "St." is no word of it
    assert supported_sentences([], passages) == (0, 0)


def test_what_an_answer_says_beside_its_references() -> None:
    assert contains_reference("It opened in the year 1781 [1].", ["in 1790", "The year 1781"])
    assert not contains_reference("It opened in 1781.", ["178"])
    assert contains_reference("桥于一七八一年开放", ["一七八一年"])
    assert has_numbers_of("Sales: 34,229 (in millions)", "$34.2 billion")
    assert has_numbers_of("Sales: 34,229 (in millions)", "34 229")
    assert has_numbers_of("Sales: 34,229 (in millions)", "34,231") is False
    assert has_numbers_of("Sales: 34,229 (in millions)", "many") is None


def test_the_choice_of_sentences() -> None:
    wanted = ["The bridge opened in 1781.", "It is red."]
    assert selected_sentences(["The bridge opened in 1781."], wanted) == (1.0, 0.5, pytest.approx(2 / 3))
    assert selected_sentences(["Nothing of the kind was said."], wanted) == (0.0, 0.0, 0.0)
    assert are_sentences(wanted)
    assert not are_sentences(["One. Two. Three. Four. Five."])
    assert not are_sentences([])


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([3, 1, 2], 0.95) == 3
    assert percentile([], 0.5) == 0


def test_the_refusal_curve_says_what_each_point_would_cost_and_catch() -> None:
    curve = refusal_curve([0.5, 0.6, 0.7, 0.8, 0.9] * 4, [0.1, 0.2, 0.55, 0.95])
    assert curve["below 0.60: 20% of answerable, 75% of unanswerable refused"] == pytest.approx((0.8 + 0.75) / 2)
    assert refusal_curve([0.5], []) == {}


@pytest.mark.parametrize(
    ("typed", "searched", "harmed", "helped"), [(True, False, 1, 0), (False, True, 0, 1), (True, True, 0, 0), (False, False, 0, 0)]
)
def test_what_completing_a_follow_up_did(typed: bool, searched: bool, harmed: int, helped: int) -> None:
    assert harm_and_help(typed, searched) == {"harmed": harmed, "helped": helped}

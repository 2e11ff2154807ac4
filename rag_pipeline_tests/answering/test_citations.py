"""Filters over streams, however the pieces are cut."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.citations import CitationFilter, OpeningFilter

TEXTS = st.text(alphabet="ab [](),;0123459\n", max_size=60)


def filtered(pieces: list[str], passages: int) -> tuple[str, set[int]]:
    marks = CitationFilter(passages)
    return "".join(marks.feed(piece) for piece in pieces) + marks.finish(), marks.used


@given(st.lists(TEXTS, max_size=8), st.integers(0, 12))
def test_no_mark_without_a_passage_is_ever_shown(pieces: list[str], passages: int) -> None:
    shown, used = filtered(pieces, passages)
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", shown)}
    assert all(1 <= number <= passages for number in numbers)
    assert used <= numbers


@given(TEXTS, st.integers(0, 12))
def test_cuts_make_no_difference(text: str, passages: int) -> None:
    assert filtered(list(text), passages) == filtered([text], passages)


def test_text_is_not_held_back_longer_than_needed() -> None:
    marks = CitationFilter(2)
    assert [marks.feed(piece) for piece in ("In 1781", " [", "1", "]", " and", " [sic]")] == ["In 1781", "", "", " [1]", " and", " [sic]"]


def test_lists_of_numbers_become_single_marks() -> None:
    assert filtered(["yes [1, 3; 2]."], 2) == ("yes [1][2].", {1, 2})


def test_a_mark_that_is_never_closed_is_dropped() -> None:
    assert filtered(["In 1781 [1"], 2) == ("In 1781", set())


@given(TEXTS)
def test_an_opening_that_is_none_passes_unchanged(text: str) -> None:
    opening = OpeningFilter()
    assert "".join(opening.feed(character) for character in text) + opening.finish() == text
    assert not opening.not_found


def test_thoughts_that_never_end_show_nothing() -> None:
    opening = OpeningFilter()
    assert opening.feed("<think>so") + opening.feed(" and so") + opening.finish() == ""

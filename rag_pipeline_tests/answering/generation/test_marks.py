"""Which brackets of an answer are citations, however the pieces are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.generation.marks import CitationFilter, foreign_brackets, marks_in, told_apart, without_marks
from rag_pipeline.models import Token

SIGNS = st.text(alphabet="ab [](),;0123459\n`$\\~.-_=", max_size=60)
CODE = ["`rows[1]`", "`` a [2] ` ``", "```python\nx = [1, 2]\nprint(x[1])\n```\n", "~~~\n[3] a [1]\n~~~\n", "\\(x [1]\\)", "$x [2]$"]
PLAIN = [
    "in [2024]", "status [404]", "arr[3] holds", "x[1] is", "rows[2] = 0", "[4]He and", "see [1](http://a.example)", "http://a.example/b[2]",
    "\\sqrt[3]{x}", "the interval [0, 1]", "f(x)[1]", "os.path[1].", "arr[0][1]", "[1]: http://a.example", "values = [1, 2]", "a [b] c",
]  # fmt: skip


def filtered(pieces: list[str], passages: int = 5) -> list[Token]:
    marks = CitationFilter(passages)
    return [*(token for piece in pieces for token in marks.feed(piece)), *marks.finish()]


def shown(pieces: list[str], passages: int = 5) -> tuple[str, list[int]]:
    tokens = filtered(pieces, passages)
    return "".join(token.text for token in tokens), [token.citation for token in tokens if token.citation is not None]


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(ends)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It opened [1].", [1]),
        ("It opened.[1][2] Then it closed [3], later", [1, 2, 3]),
        ("Opened in 1781[1]. It costs $5[2] or 3 %[3].", [1, 2, 3]),
        ("It is a museum[1]. The toll house[2], too", [1, 2]),
        ("**1781** [1] and **red.**[2]", [1, 2]),
        ("[1] says so ([2]) (see [3])", [1, 2, 3]),
        ("- [2] says\n1. so [3]\n| cell [1] | more |", [2, 3, 1]),
        ("Bees dance.\u00a0[1]\r\n\r\nFlowers [2]", [1, 2]),
        ("首都[1]并且", [1]),
        ("It costs $5 [1] and $6 [2].", [1, 2]),
        ("A stray ` here [1].\n\nNext [2]", [1, 2]),
        ("Use `rows[4]` [1] or:\n\n```\nrows[4]\n```\nor [2]", [1, 2]),
        ("The third [1]. It is arr[3].", [1]),
        ("See [1]-[3], [2]–[4] or [1] / [2].", [1, 3, 2, 4, 1, 2]),
    ],
)
def test_marks_stand_after_words_numbers_and_clauses(text: str, numbers: list[int]) -> None:
    assert shown([text]) == shown(list(text)) == (text, numbers)


@pytest.mark.parametrize("text", [*PLAIN, *CODE])
def test_what_is_no_citation_stays_as_it_is(text: str) -> None:
    assert shown([text]) == shown(list(text)) == (text, [])


def test_lists_become_single_marks_and_numbers_without_a_passage_are_not_shown() -> None:
    assert shown(["yes [1, 3; 2]."], 2) == ("yes [1][2].", [1, 2])
    assert shown(["It opened in 1781 [1] and [7] not [0]."], 2) == ("It opened in 1781 [1] and not.", [1])


def test_a_mark_that_is_never_closed_is_dropped_and_other_brackets_are_not() -> None:
    assert shown(["In 1781 [1"]) == ("In 1781", [])
    assert shown(["x = [1"]) == ("x = [1", [])


def test_text_is_not_held_back_longer_than_needed() -> None:
    marks = CitationFilter(2)
    fed = [[token.text for token in marks.feed(piece)] for piece in ("In 1781", " [", "1", "]", " and", " [sic]")]
    assert fed == [["In 1781"], [], [], [], [" ", "[1]", " and"], [" [sic]"]]


@given(SIGNS, st.lists(st.integers(0, 100), max_size=8), st.integers(0, 12))
def test_cuts_make_no_difference(text: str, places: list[int], passages: int) -> None:
    assert shown(cut(text, places), passages) == shown([text], passages)


@given(SIGNS, st.integers(0, 12))
def test_every_mark_has_its_passage_and_nothing_else_is_lost(text: str, passages: int) -> None:
    tokens = filtered([text], passages)
    assert all(token.text == f"[{token.citation}]" and 1 <= token.citation <= passages for token in tokens if token.citation is not None)
    left = iter(text)
    assert all(character in left for token in tokens if token.citation is None for character in token.text)


MEANT = st.integers(1, 5).map(lambda number: (f"It is so [{number}].", [number]))
OTHER = st.sampled_from([*PLAIN, *CODE]).map(lambda text: (text, list[int]()))


@given(st.lists(st.one_of(MEANT, OTHER), max_size=8), st.lists(st.integers(0, 1000), max_size=20))
def test_of_any_mixture_exactly_the_marks_that_were_meant_are_marks(parts: list[tuple[str, list[int]]], places: list[int]) -> None:
    text = "\n".join(part for part, _ in parts)
    assert shown(cut(text, places)) == (text, [number for _, numbers in parts for number in numbers])


@given(SIGNS)
def test_marks_of_a_kept_answer_are_where_they_were(text: str) -> None:
    answer, _ = shown([text])
    assert all(answer[mark.start : mark.end] == f"[{mark.number}]" for mark in marks_in(answer, 5))
    assert len(marks_in("It is so [1]. And so [2].", 5)) == 2


def test_an_earlier_answer_loses_its_marks_and_nothing_else() -> None:
    assert without_marks("It is red [1][2]. In [2024] `a[1]` cost 5 [12].") == "It is red. In [2024] `a[1]` cost 5."


@given(st.text(alphabet="a[]⟦⟧⦋⦌3, –", max_size=40))
def test_a_document_s_own_marks_can_neither_be_cited_nor_lost(text: str) -> None:
    brackets = foreign_brackets([text])
    told = told_apart(text, brackets)
    assert "[3]" not in told
    if not set(brackets) & set(text):
        assert told.translate(str.maketrans(dict(zip(brackets, "[]", strict=True)))) == text


def test_a_document_s_own_mark_that_the_model_quotes_is_shown_as_it_is_there() -> None:
    assert shown([f"As shown {told_apart('[3]')} it is red [1]."]) == ("As shown [3] it is red [1].", [1])

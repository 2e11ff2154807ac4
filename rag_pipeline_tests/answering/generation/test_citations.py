import re

import pytest
from hypothesis import given, strategies

from rag_pipeline.answering.generation.citations import cited as cited_at
from rag_pipeline.answering.generation.citations import cited_page
from rag_pipeline.answering.generation.marks import marks_in
from rag_pipeline.answering.generation.quotation import quoted_places
from rag_pipeline.models import Box, Citation, Hit
from rag_pipeline_tests.answering.conftest import hit

PAGES = ["A word before the numbers, on the roof.", "The workshop repaired 963 items.", "Income was 31,460 euros."]


def cited(answer: str, hits: list[Hit]) -> tuple[Citation, ...]:
    return cited_at(answer, marks_in(answer, 9), hits)


def over_pages(first: int = 4) -> Hit:
    text, boxes = "", []
    for page, words in enumerate(PAGES, start=first):
        text += "\n" * bool(text)
        boxes.append(Box(page, 0.1, 0.1, 0.9, 0.2, len(text), len(text) + len(words)))
        text += words
    return hit(text=text, page_first=first, page_last=first + 2, boxes=tuple(boxes))


@pytest.mark.parametrize(("claim", "page"), [("963 items were repaired.", 5), ("The income: 31,460 euros", 6), ("Something else", 4)])
def test_the_page_of_a_citation_holds_what_is_claimed(claim: str, page: int) -> None:
    (citation,) = cited(f"{claim} [1].", [over_pages()])
    assert (citation.number, citation.page) == (1, page)


def test_each_mark_stands_for_the_words_before_it() -> None:
    answer = "It earned 31,460 euros in income [2]. Bridges opened [1][2], and the workshop repaired many items [3]."
    citations = cited(answer, [hit(), over_pages(), over_pages(7)])
    assert [(citation.number, citation.page) for citation in citations] == [(1, None), (2, 6), (3, 8)]


def test_without_boxes_the_first_page_is_opened() -> None:
    assert cited_page(hit(page_first=2, page_last=3), ["963 items"]) == 2
    assert cited_page(hit(page_first=2), ["963 items"]) == 2


PASSAGE = """Opening hours
The workshop is open on Mondays. Dr. Ada Lane repairs
lamps there, each week anew. It was founded in 1998.
Tool || Day | Weekend
Drill | 5 | 9
Sewing machine | 6 | 10"""


@pytest.mark.parametrize(
    ("claim", "quoted"),
    [
        ("Dr. Ada Lane repairs lamps there, each week anew.", "Dr. Ada Lane repairs\nlamps there, each week anew."),
        ("Opening hours / The workshop is open on Mondays.", "Opening hours\nThe workshop is open on Mondays."),
        ("Dr. Ada Lane repairs …", "Dr. Ada Lane repairs"),
        ("Sewing machine; Weekend: 10", "Sewing machine | 6 | 10"),
        ("The founding of the workshop was in 1998.", "It was founded in 1998."),
        ("Every week, lamps are repaired by Ada Lane", "Dr. Ada Lane repairs\nlamps there, each week anew."),
        ("Nothing of that kind is told about bridges", None),
        ("?", None),
    ],
)
def test_the_place_of_what_is_quoted_or_said_in_other_words(claim: str, quoted: str | None) -> None:
    places = quoted_places(hit(text=PASSAGE), [claim])
    assert [PASSAGE[place.start : place.end] for place in places] == ([quoted] if quoted else [])


def test_several_sentences_before_one_mark_have_a_place_each_and_none_twice() -> None:
    claims = ["It was founded in 1998. Lamps are repaired by Ada each week.", "founded in 1998"]
    places = quoted_places(hit(text=PASSAGE), claims)
    assert [PASSAGE[place.start : place.end].split()[0] for place in places] == ["Dr.", "It"]
    assert cited("In 1998 it was founded [1].", [hit(text=PASSAGE)])[0].quoted == places[1:]


@given(strategies.text(alphabet="ab .|\n…/", max_size=60), strategies.lists(strategies.text(alphabet="ab .|\n…/", max_size=30), max_size=3))
def test_places_are_in_the_passage_in_order_and_apart(text: str, claims: list[str]) -> None:
    places = quoted_places(hit(text=text), claims)
    bounds = [bound for place in places for bound in (place.start, place.end)]
    assert bounds == sorted(bounds)
    assert all(0 <= place.start < place.end <= len(text) for place in places)


def test_no_pattern_is_made_of_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(re, "search", lambda *_: pytest.fail("to compile one takes longer than to find it"))
    text = "They wrote:\n> the chimney,  swept\n> in May / by two, was.\nSwept it was."
    places = quoted_places(hit(text=text), ["the chimney, swept in May / by two…", "wept it was."])
    assert [text[place.start : place.end] for place in places] == ["the chimney,  swept\n> in May / by two"]


def test_an_answer_without_marks_cites_nothing() -> None:
    assert cited("No marks. " * 20_000, [hit()]) == ()


def test_a_number_beyond_the_passages_cites_nothing() -> None:
    assert [citation.number for citation in cited("Yes [1], and no [7].", [hit()])] == [1]

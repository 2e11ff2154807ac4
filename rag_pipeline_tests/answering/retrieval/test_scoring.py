"""The scores of single passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.retrieval.order import Sources, in_order
from rag_pipeline.answering.retrieval.scoring import coverage, level_by_words, name_words, ranked, word_rarity
from rag_pipeline.models import Hit, embedded_text
from rag_pipeline.stores.vectors import Candidate
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline_tests.answering.conftest import hit


def candidate(number: int, text: str, cosine: float | None, fused: float, **fields: object) -> Candidate:
    found = hit(number, text, **fields)
    return Candidate(found, number, fused, cosine, word_ids(embedded_text(found.context, found.text)))


def test_ranks_count_from_one_and_scores_fall() -> None:
    hits = ranked("iron bridge", [candidate(1, "cheese", 0.1, 0.5), candidate(2, "the iron bridge", 0.8, 0.4)], 8)
    assert [(one.rank, one.text) for one in hits] == [(1, "the iron bridge"), (2, "cheese")]
    assert 1 >= hits[0].score > hits[1].score >= 0


def test_the_best_possible_passage_scores_one() -> None:
    (found,) = ranked("iron bridge", [candidate(1, "the iron bridge", 1.0, 1.0, document="bridges/Iron_Bridge.pdf")], 8)
    assert found.score == pytest.approx(1.0)


def test_top_k_cuts_after_ranking() -> None:
    hits = ranked("iron", [candidate(number, f"text {number}", number / 10, 0.3) for number in range(1, 9)], 3)
    assert [one.chunk_id for one in hits] == ["id-8", "id-7", "id-6"]


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["copper", "bridge", "opened", "river", "mill", "year"]), min_size=1, max_size=12).map(" ".join),
            st.one_of(st.none(), st.floats(-1, 1)),
            st.floats(0.005, 1.0),
        ),
        max_size=40,
    ),
    st.integers(1, 45),
)
def test_the_best_are_the_same_however_many_are_asked_for(passages: list[tuple[str, float | None, float]], top_k: int) -> None:
    candidates = [candidate(number, *passage) for number, passage in enumerate(passages, start=1)]
    question = "Which year was the copper bridge over the river opened?"
    assert ranked(question, candidates, top_k) == ranked(question, candidates, max(1, len(candidates)))[:top_k]


def test_words_repeated_in_a_document_count_once_at_their_first_place() -> None:
    repeated = [
        candidate(1, "same words", 0.5, 0.5, document="a.md", position=7),
        candidate(2, "same words", 0.5, 0.4, document="a.md", position=3),
        candidate(3, "same words", 0.5, 0.3, document="b.md", position=1),
    ]
    assert [(one.document, one.position) for one in ranked("words", repeated, 8)] == [("a.md", 3), ("b.md", 1)]


def test_words_of_the_context_count() -> None:
    hits = ranked(
        "annual report",
        [candidate(1, "4.2 million", 0.5, 0.5), candidate(2, "4.2 million", 0.5, 0.5, context="Annual report", document="b")],
        8,
    )
    assert hits[0].context == "Annual report"


def test_rare_words_count_more() -> None:
    passages = [word_ids("bridge"), word_ids("bridge"), word_ids("bridge zeppelin")]
    rarity = word_rarity(word_ids("bridge zeppelin"), passages)
    assert coverage(word_ids("zeppelin"), rarity) > 0.5 > coverage(word_ids("bridge"), rarity)


def test_a_question_of_stop_words_covers_nothing() -> None:
    assert coverage({1}, {}) == 0
    hits: tuple[Hit, ...] = ranked("is it", [candidate(1, "it is", 0.5, 0.5)], 8)
    assert len(hits) == 1


def test_words_that_follow_one_another_as_in_the_question_count_more() -> None:
    scattered = candidate(1, "The bridge has an engine of iron beside the steam boiler.", 0.5, 0.5, document="a.md")
    together = candidate(2, "The engine of steam pulls over the bridge of iron.", 0.5, 0.5, document="b.md")
    assert [one.document for one in ranked("steam engine on an iron bridge", [scattered, together], 8)] == ["b.md", "a.md"]


def test_the_name_of_a_document_counts() -> None:
    same = [
        candidate(number, "Net sales were 12 million.", 0.5, 0.5, document=f"{name}_10K.pdf")
        for number, name in ((1, "Zeta"), (2, "AcmeCorp"))
    ]
    assert ranked("What were the sales of Acme?", same, 8)[0].document == "AcmeCorp_10K.pdf"
    assert name_words("reports/AcmeCorp_2023-annual.pdf") == word_ids("acme corp 2023 annual")
    assert name_words("README") == word_ids("readme")


def test_what_has_no_vector_yet_stands_among_the_others_where_its_words_put_it() -> None:
    text = "The iron bridge was opened in 1781."
    hits = ranked(
        "When was the iron bridge opened?",
        [
            candidate(1, text, 0.7, 1.0, document="seen.md"),
            candidate(2, text, None, 0.5, document="unseen.md"),
            candidate(3, "A bridge.", 0.3, 0.4, document="seen-too.md"),
            candidate(4, "Cheese.", None, 0.02, document="off-topic.md"),
        ],
        8,
    )
    assert [one.document for one in hits] == ["seen.md", "unseen.md", "seen-too.md", "off-topic.md"]
    assert hits[1].score > 0.8 * hits[0].score
    assert hits[-1].score < 0.1


def test_places_in_the_list_by_words_count_where_no_passage_has_a_vector() -> None:
    fused = [1 / (1 + place) for place in (1, 2, 3)]
    same = [candidate(place, "the bridge", None, score, document=f"{place}.md") for place, score in enumerate(fused, start=1)]
    hits = ranked("the bridge", same[::-1], 8)
    assert [one.document for one in hits] == ["1.md", "2.md", "3.md"]
    assert 1 >= hits[0].score > hits[1].score > hits[2].score > 0


def test_of_repeated_words_the_vector_that_there_is_counts() -> None:
    for cosines in ((None, 0.9), (0.9, None)):
        repeated = [candidate(n, "same words", cosine, 0.5, document="a.md", position=n) for n, cosine in enumerate(cosines)]
        other = candidate(3, "same words", 0.1, 0.5, document="b.md")
        assert [one.document for one in ranked("words", [other, *repeated], 8)] == ["a.md", "b.md"]


def test_the_first_in_the_list_by_words_is_not_near_for_being_the_first() -> None:
    """Refusal goes by the best passage's score: one word in common must not look like an answer."""
    question = "Which yeast makes the bread of a bakery rise over night?"
    sources = Sources(lambda _text, _depth: [candidate(1, "The bridge was closed for a night.", None, 0.5)], lambda _hit: None)
    (found,) = in_order(question, sources, 8)
    assert found.score < 0.35
    assert level_by_words(question, [candidate(1, "The bridge was closed.", 0.2, 0.5)]) == 1.0

"""What convinces, with vectors and by words alone; what a reader is told where nothing does."""

import pytest

from rag_pipeline.answering.quoting.nearness import is_elsewhere, nearness_by_vectors, nearness_by_words, nearness_elsewhere
from rag_pipeline.answering.quoting.refusal import NOTHING_NEAR, WHAT_TO_TRY, nearest_passages, nothing_near
from rag_pipeline.answering.sentences.segmentation import sentences_of
from rag_pipeline.answering.tuning import Refusal
from rag_pipeline.models import Hit, Nearest, Place
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline_tests.ui.conftest import make_hit

RULE = Refusal(
    passage=1.0,
    coverage=0.5,
    convincing=0.7,
    words_together=3,
    together=0.2,
    convincing_by_words=0.9,
    elsewhere_coverage=0.5,
    convincing_elsewhere=0.45,
)


def test_a_score_that_comes_of_mere_words_counts_less() -> None:
    hits = [make_hit(score=0.6)]
    rarity = dict.fromkeys(word_ids("capital France"), 1.0)
    both, none = [set(rarity)], [set[int]()]
    assert nearness_by_vectors(hits, both, rarity, RULE, apart=False).of([0.5]) == pytest.approx(0.6 - 0.5 + 0.5)
    assert nearness_by_vectors(hits, none, rarity, RULE, apart=False).of([0.5]) == pytest.approx(1.1)
    assert not nearness_by_vectors(hits, both, rarity, RULE, apart=False).is_enough([0.5])
    assert nearness_by_vectors(hits, none, rarity, RULE, apart=False).is_enough([0.5])
    assert nearness_by_vectors([], [], rarity, RULE, apart=False).of([]) == 0.0


def test_by_words_alone_those_that_stand_in_one_sentence_count() -> None:
    hits = [make_hit(score=0.4)]
    asked = word_ids("bridge opened 1781 toll")
    together = nearness_by_words(hits, asked, ["The bridge opened in 1781.", "A toll."], RULE)
    apart = nearness_by_words(hits, asked, ["The bridge.", "It opened.", "In 1781, a toll."], RULE)
    assert together.of([]) == pytest.approx(0.4 + 0.2 * 3)
    assert apart.of([]) == pytest.approx(0.4 + 0.2 * 2)
    assert together.is_enough([]) and not apart.is_enough([])
    assert nearness_by_words(hits, word_ids("bridge"), ["The bridge."], RULE).of([]) == pytest.approx(1.0)  # all of a short question
    assert nearness_by_words([], (), [], RULE).of([]) == 0.0


GERMAN = make_hit(score=0.5, text="Die Brücke wurde im Jahr 1781 eröffnet, und der Zoll war hoch.")
ENGLISH = make_hit(score=0.4, text="The bridge was opened in the year 1781, and the toll was high.")


@pytest.mark.parametrize(
    ("question", "hits", "elsewhere"),
    [
        ("Wann wurde die Brücke eröffnet?", [GERMAN, ENGLISH], True),
        ("Eröffnung Brücke?", [GERMAN], True),  # a few words do not tell their language; the passage does
        ("When was the bridge opened?", [GERMAN], False),
        ("Wann wurde die Brücke eröffnet?", [ENGLISH], False),
        ("When was the bridge opened?", [ENGLISH], False),
        ("Wann wurde die Brücke eröffnet?", [], False),
    ],
)
def test_another_language_is_one_that_question_and_best_passage_share(question: str, hits: list[Hit], elsewhere: bool) -> None:
    assert is_elsewhere(question, hits, reads=True) is elsewhere
    assert is_elsewhere(question, hits, reads=False)  # of a writing that the model has no words for it tells nothing


def test_in_another_language_passage_and_words_convince_however_near_its_sentences_are() -> None:
    assert nearness_elsewhere([GERMAN, ENGLISH], [0.2, 0.4], RULE).of([0.9]) == pytest.approx(0.7)
    assert nearness_elsewhere([GERMAN], [], RULE).is_enough([])
    assert nearness_elsewhere([make_hit(score=0.2)], [0.5], RULE).is_enough([])
    assert not nearness_elsewhere([make_hit(score=0.2)], [0.4], RULE).is_enough([0.9])
    assert not nearness_elsewhere([], [], RULE).is_enough([])


def test_a_refusal_names_what_no_passage_has_the_nearest_places_and_what_to_try() -> None:
    hits = [make_hit(document="a.pdf", text="The bridge opened in 1781."), make_hit(document="a.pdf", text="A toll.")]
    said = nothing_near("When did the bridge close for zeppelins?", hits, 2)
    assert said.startswith(NOTHING_NEAR)
    assert said.endswith(WHAT_TO_TRY)
    assert "“close” or “zeppelins”" in said
    assert "“bridge”" not in said
    assert said.count("a.pdf") == 1
    assert nothing_near("bridge", [], 2) == f"{NOTHING_NEAR} None of the passages found has “bridge”. {WHAT_TO_TRY}"


def test_the_passage_with_the_best_sentence_comes_first_with_its_best_ones_and_what_was_not_compared_last() -> None:
    text = "Can we try it first?\nYes, one free week in September. It begins on a Monday. Fees are not refunded."
    hits = [make_hit(chunk_id=name, text=text, page_first=2, page_last=2) for name in ("none", "one", "three")]
    ranked = [sentence for number in (3, 2) for sentence in sentences_of(number, hits[number - 1]) if not sentence.asks][:4]
    best, second, last = nearest_passages(ranked, hits, 2)
    assert [one.hit.chunk_id for one in (best, second, last)] == ["three", "one", "none"]
    assert best.sentences == ("Yes, one free week in September.", "It begins on a Monday.")
    assert [text[place.start : place.end] for place in best.quoted] == list(best.sentences)
    assert (best.page, second.sentences) == (2, best.sentences[:1])
    assert last == Nearest(hits[0])
    assert best.to_json()["quoted"] == [{"start": place.start, "end": place.end} for place in best.quoted if isinstance(place, Place)]


def test_a_sentence_below_a_refusal_says_what_it_stands_under() -> None:
    hit = make_hit(text="Lunches\nFrom January a school dinner goes up to £2.75 a day.\nClubs\nChess is on Mondays after school.")
    (nearest,) = nearest_passages(sentences_of(1, hit), [hit], 1)
    assert nearest.sentences == ("Lunches: From January a school dinner goes up to £2.75 a day.",)
    assert nearest_passages([], [hit], 1) == (Nearest(hit),)
    asked = make_hit(text="May I sublet?\nWith permission of the landlord.", heading_path=("May I sublet?",))
    assert nearest_passages(sentences_of(1, asked), [asked], 1)[0].sentences == ("May I sublet? With permission of the landlord.",)


def test_a_refusal_names_no_function_words_of_the_questions_language() -> None:
    reason = nothing_near("Wie hoch war der Gewinn in dem Jahr, in dem sie begann?", (make_hit(),), 9)
    assert "None of the passages found has “hoch” or “Gewinn” or “Jahr” or “begann”." in reason

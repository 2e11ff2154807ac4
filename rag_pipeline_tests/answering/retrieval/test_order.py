"""The course from candidates to what is shown. Candidates are given as the engine would give them; every stage is the real one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from rag_pipeline.answering.retrieval.order import Sources, all_in_order, in_order
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors import Candidate
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline_tests.answering.conftest import hit

FILM = "Big Hero 6 was directed by Don Hall."
LABEL = "Don Hall published his songs with Walt Disney Records."
CHEESE = "Cheese ripens in cellars."
ASKED = "Which record company published songs of whoever directed that superhero comedy?"


class Engine:
    """What each text finds, and what was asked for."""

    def __init__(self, **found: list[str]) -> None:
        self._found = {text.replace("_", " "): passages for text, passages in found.items()}
        self.asked: list[tuple[str, int]] = []

    def candidates(self, text: str, depth: int) -> list[Candidate]:
        self.asked.append((text, depth))
        found = next((passages for words, passages in self._found.items() if words in text), [])
        return [candidate(passage, rank) for rank, passage in enumerate(found, start=1)]


def candidate(text: str, rank: int) -> Candidate:
    found = replace(hit(rank, text, document=f"{text[:8]}.md"), chunk_id=text)
    return Candidate(found, rank, score=1 / (1 + rank), cosine=1 - rank / 10, words=word_ids(text))


def no_passage_follows(_: Hit) -> None:
    return None


def test_what_the_best_passage_names_is_searched_for_and_merged_behind_it() -> None:
    engine = Engine(Don_Hall=[LABEL, FILM], superhero=[FILM, CHEESE])
    found = in_order(ASKED, Sources(engine.candidates, no_passage_follows), 3)
    assert [one.text for one in found] == [FILM, LABEL, CHEESE]
    assert [one.rank for one in found] == [1, 2, 3]
    assert [text for text, _ in engine.asked] == [ASKED, f"{ASKED} Big Hero Don Hall"]


def test_both_searches_read_as_deep_as_is_merged_or_shown() -> None:
    engine = Engine(Don_Hall=[LABEL], superhero=[FILM])
    for top_k in (1, TUNING.second_look.depth + 5):
        in_order(ASKED, Sources(engine.candidates, no_passage_follows), top_k)
    assert [depth for _, depth in engine.asked] == [TUNING.second_look.depth] * 2 + [TUNING.second_look.depth + 5] * 2


def test_a_reranking_model_orders_what_was_merged() -> None:
    engine = Engine(Don_Hall=[LABEL, FILM], superhero=[FILM, CHEESE])
    shortest_first = Sources(engine.candidates, no_passage_follows, lambda pairs: [-len(text) for _, text in pairs])
    assert [one.text for one in in_order(ASKED, shortest_first, 2)] == [CHEESE, FILM]


def test_the_passage_after_the_best_one_is_shown_whoever_ordered_the_others() -> None:
    passages = [f"lamp number {number}" for number in range(1, 12)]
    engine = Engine(lamp=passages)
    for reread in (None, lambda pairs: [-int(text.split()[-1]) for _, text in pairs]):
        found = in_order("lamp", Sources(engine.candidates, lambda best: hit(99, f"after {best.text}"), reread), 10)
        assert found[TUNING.selection.continuation_place - 1].text == f"after {found[0].text}"


def test_sub_questions_take_turns_and_the_topic_comes_after_the_best_of_the_question() -> None:
    engine = Engine(wings=["wings of bees"], bees=["bees dance", "bees hum"], irons=["irons rust", "irons glow"])
    sources = Sources(engine.candidates, no_passage_follows)
    in_turns, alone = all_in_order(["bees", "irons"], "", sources, 3)
    assert ([one.text for one in in_turns], alone) == (["bees dance", "irons rust", "bees hum"], "")
    topical, leans_on = all_in_order(["bees"], "wings of bees", sources, 3)
    assert leans_on == "wings of bees"
    assert topical[0].text == "bees dance"
    assert {one.text for one in topical} == {"bees dance", "bees hum", "wings of bees"}
    assert [after.rank - before.rank for before, after in pairwise(topical)] == [1, 1]


def test_what_says_nothing_by_itself_is_searched_for_only_with_what_was_asked_before() -> None:
    engine = Engine(wings=["wings of bees"], **{"1781": ["the year 1781", "in 1781 it rained"]})
    found, leans_on = all_in_order(
        ["And in 1781?"], "And in 1781? How many wings of bees?", Sources(engine.candidates, no_passage_follows), 1
    )
    assert ([one.text for one in found], leans_on) == (["wings of bees"], "And in 1781? How many wings of bees?")


def test_a_question_that_finds_nothing_has_nothing_in_order() -> None:
    assert all_in_order(["nothing"], "nothing before", Sources(Engine().candidates, no_passage_follows), 8) == ((), "")

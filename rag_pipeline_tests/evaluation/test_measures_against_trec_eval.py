"""Our measures of rankings against trec_eval's, the reference of the field, on rankings that nobody chose.

A ranking is what ``rag eval`` makes of one: for each hit, which wanted passages it is the first to touch, one of them counting.
"""

from __future__ import annotations

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, R, SetF, SetR, Success, nDCG

from rag_pipeline.evaluation.measures import merged, normalised_gain, recall_and_overlap, reciprocal_rank, success

RANKINGS = st.lists(st.booleans(), min_size=1, max_size=25)
NEVER_FOUND = st.integers(0, 12)
"""Wanted passages that no hit touches."""
Spans = list[tuple[int, int]]
SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def by_trec_eval(measure: ir_measures.Measure, retrieved: list[str], relevant: set[str]) -> float:
    wanted = [ir_measures.Qrel("q", document, 1) for document in relevant]
    run = [ir_measures.ScoredDoc("q", document, float(len(retrieved) - rank)) for rank, document in enumerate(retrieved)]
    return float(ir_measures.calc_aggregate([measure], wanted, run)[measure])


def documents(found: list[bool], never_found: int) -> tuple[list[str], set[str]]:
    """The ranking as names, and the names of what is relevant, of which ``never_found`` are not in the ranking."""
    ranking = [f"d{rank}" for rank in range(len(found))]
    return ranking, {name for name, hit in zip(ranking, found, strict=True) if hit} | {f"missing{n}" for n in range(never_found)}


@given(RANKINGS, NEVER_FOUND, st.sampled_from([1, 5, 10]))
def test_hit_at_k_is_success_and_mrr_at_k_is_reciprocal_rank(found: list[bool], never_found: int, depth: int) -> None:
    ranking, relevant = documents(found, never_found + 1)
    assert success(found, depth) == by_trec_eval(Success @ depth, ranking, relevant)
    assert reciprocal_rank(found[:depth]) == pytest.approx(by_trec_eval(RR @ depth, ranking, relevant))


@given(RANKINGS, NEVER_FOUND)
def test_ndcg_is_cut_at_the_last_rank_that_was_given(found: list[bool], never_found: int) -> None:
    ranking, relevant = documents(found, never_found + 1)
    ours = normalised_gain([int(hit) for hit in found], len(relevant))
    assert ours == pytest.approx(by_trec_eval(nDCG @ len(ranking), ranking, relevant))


@given(RANKINGS, NEVER_FOUND)
def test_ndcg_at_ten_differs_only_where_fewer_than_ten_were_found_for_more_that_were_wanted(found: list[bool], never_found: int) -> None:
    """trec_eval takes an ideal ranking of ten even where a collection has fewer passages to show; ours could then never reach 1."""
    ranking, relevant = documents(found, never_found + 1)
    ours = normalised_gain([int(hit) for hit in found[:10]], len(relevant))
    theirs = by_trec_eval(nDCG @ 10, ranking, relevant)
    if len(ranking) >= min(10, len(relevant)):
        assert ours == pytest.approx(theirs)
    else:
        assert ours >= theirs or ours == pytest.approx(theirs)


@given(SPANS, SPANS)
def test_character_recall_is_recall_with_a_character_for_a_document(retrieved: Spans, wanted: Spans) -> None:
    read, relevant = characters(retrieved), set(characters(wanted))
    recall, _ = recall_and_overlap(retrieved, wanted)
    if not read or not relevant:
        assert recall == 0
    else:
        assert recall == pytest.approx(by_trec_eval(R @ len(read), read, relevant))
        assert recall == pytest.approx(by_trec_eval(SetR, read, relevant))


@given(SPANS, SPANS)
def test_character_overlap_of_what_is_retrieved_once_is_f1_as_jaccard(retrieved: Spans, wanted: Spans) -> None:
    """Jaccard = F1 / (2 - F1). Ours is lower where characters are retrieved twice, which a set cannot tell: each time counts."""
    once, relevant = merged(retrieved), set(characters(wanted))
    if once and relevant:
        f1 = by_trec_eval(SetF, characters(once), relevant)
        overlap = recall_and_overlap(once, wanted)[1]
        assert overlap == pytest.approx(f1 / (2 - f1))
        assert recall_and_overlap(retrieved, wanted)[1] <= overlap + 1e-12


def characters(spans: Spans) -> list[str]:
    return [str(place) for start, end in merged(spans) for place in range(start, end)]

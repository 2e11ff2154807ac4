"""What changes and merges do to segments, without files or engine; and the counts of words."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, strategies

from rag_pipeline.stores.vectors.segments import SEGMENTS_LEFT_ALONE, Segment, StoredDocument, after_change, after_merge, worth_merging
from rag_pipeline.stores.vectors.terms import Terms

KEYS = strategies.integers(0, 12).map(str)
CHANGES = strategies.lists(strategies.tuples(strategies.sets(KEYS, max_size=4), strategies.sets(KEYS, max_size=4)), max_size=25)


def segment(name: str, keys: set[str], points: int = 1) -> Segment:
    return Segment(name, {key: StoredDocument(points, points, name) for key in keys})


def found_in(segments: list[Segment]) -> dict[str, str]:
    """Key → revision of what is live; a key that is live twice would be found twice."""
    pairs = [(key, stored.revision) for one in segments for key, stored in one.live.items()]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


@given(changes=CHANGES)
def test_segments_hold_what_a_dictionary_would(changes: list[tuple[set[str], set[str]]]) -> None:
    segments: list[Segment] = []
    expected: dict[str, str] = {}
    for number, (removed, added) in enumerate(changes):
        name = f"s{number}"
        segments = after_change(segments, removed, segment(name, added) if added else None)
        expected = {**{key: old for key, old in expected.items() if key not in removed}, **dict.fromkeys(added, name)}
        assert found_in(segments) == expected
        inputs = worth_merging(segments)
        if inputs:
            merged = Segment(f"m{number}", {key: stored for one in inputs for key, stored in one.live.items()})
            segments = after_merge(segments, inputs, merged) or segments
            assert found_in(segments) == expected
        assert all(one.live_points for one in segments)
        assert all(one.dead_points <= one.live_points for one in segments)
        assert len(segments) <= SEGMENTS_LEFT_ALONE


def test_what_dies_while_segments_are_merged_is_dead_in_the_merged_one() -> None:
    inputs = [segment("a", {"1", "2"}), segment("b", {"3"})]
    merged = segment("m", {"1", "2", "3"})
    meanwhile = after_change(inputs, {"2"}, segment("c", {"3", "4"}))
    result = after_merge(meanwhile, inputs, merged)
    assert result is not None
    assert found_in(result) == {"1": "m", "3": "c", "4": "c"}


def test_a_merge_comes_to_nothing_once_someone_went_back() -> None:
    before = [segment("a", {"1", "2"}), segment("b", {"3"})]
    inputs = after_change(before, {"2"}, None)
    assert after_merge(before, inputs, segment("m", {"1", "3"})) is None


def test_a_merge_of_segments_that_are_gone_comes_to_nothing() -> None:
    inputs = [segment("a", {"1"}), segment("b", {"2"})]
    assert after_merge([segment("z", {"1", "2"})], inputs, segment("m", {"1", "2"})) is None


def test_a_small_change_of_a_large_collection_rewrites_nothing_large() -> None:
    large = segment("large", {"big"}, points=100_000)
    segments, written = [large], 0
    for number in range(1000):
        segments = after_change(segments, [], segment(f"s{number}", {f"k{number}"}, points=10))
        inputs = worth_merging(segments)
        assert large not in inputs
        if inputs:
            documents = {key: stored for one in inputs for key, stored in one.live.items()}
            written += sum(stored.points for stored in documents.values())
            segments = after_merge(segments, inputs, Segment(f"m{number}", documents)) or []
        assert len(segments) <= SEGMENTS_LEFT_ALONE
    assert written <= 10 * 1000 * 10  # each of the 10,000 points about log2(1000) times


PASSAGES = strategies.lists(strategies.sets(strategies.integers(0, 2**32 - 1), max_size=6).map(sorted), max_size=8)


@given(first=PASSAGES, second=PASSAGES)
def test_words_are_counted_added_and_taken_away(first: list[list[int]], second: list[list[int]]) -> None:
    both = Terms.of([*first, *second])
    assert dict(zip(both.ids.tolist(), both.counts.tolist(), strict=True)) == Counter(word for one in [*first, *second] for word in one)
    added = Terms.of(first).plus(Terms.of(second))
    assert (added.ids.tolist(), added.counts.tolist()) == (both.ids.tolist(), both.counts.tolist())
    left = both.minus(Terms.of(second))
    assert (left.ids.tolist(), left.counts.tolist()) == (Terms.of(first).ids.tolist(), Terms.of(first).counts.tolist())


def test_rare_words_weigh_more() -> None:
    terms = Terms.of([[1, 7], [1], [1, 4_000_000_000]])
    common, rare, rare_too, absent = terms.inverse_frequencies([1, 7, 4_000_000_000, 5], 3)
    assert 0 < common < rare == rare_too < absent
    assert Terms.none().inverse_frequencies([1], 0) == [pytest.approx(math.log(2))]

"""The sensor's decision: pure, so every case is a line."""

import json
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.folder.listing import FolderPlan, FoundFile
from rag_pipeline.ingestion.folder.watch import (
    MOST_TRIES,
    QUIET_LIMIT_SECONDS,
    RETRY_SECONDS,
    Memory,
    Need,
    decide,
    memory_from_text,
    memory_to_text,
    needs_of,
)

NOW = 1_000_000.0


def test_a_thousand_files_are_one_run_a_collection() -> None:
    found = tuple(FoundFile(f"{collection}/{n}.txt", 1, f"s{n}", 0.0) for collection in ("a", "b") for n in range(1000))
    decision = decide(needs_of(FolderPlan(to_read=found), {}), set(), {}, NOW)
    assert decision.run == ("a", "b")


def test_a_root_file_and_a_removed_file_name_their_collections() -> None:
    needs = needs_of(FolderPlan(to_read=(FoundFile("x.txt", 1, "s", 0.0),), removed=("old/y.txt",)), {"c": 2})
    assert set(needs) == {"default", "old", "c"}


def test_a_collection_with_a_run_waits_for_it() -> None:
    decision = decide({"a": Need("s", 0)}, {"a"}, {}, NOW)
    assert decision.run == ()
    assert "a run is at work" in decision.waiting[0]


def test_while_files_pour_in_the_collection_waits_but_not_for_ever() -> None:
    need = {"a": Need("s", 3)}
    first = decide(need, set(), {}, NOW)
    assert first.run == ()
    assert decide(need, set(), first.memory, NOW + QUIET_LIMIT_SECONDS - 1).run == ()
    assert decide(need, set(), first.memory, NOW + QUIET_LIMIT_SECONDS).run == ("a",)


def test_a_need_that_a_run_did_not_meet_is_retried_ever_more_rarely_and_then_left() -> None:
    need, memory, now, gaps = {"a": Need("same", 0)}, {}, NOW, []
    for _ in range(MOST_TRIES):
        decision = decide(need, set(), memory, now)
        assert decision.run == ("a",)
        memory, asked = decision.memory, now
        while now < asked + 10_000 and not decide(need, set(), memory, now).run:
            now += 1
        gaps.append(now - asked)
    assert gaps[:-1] == [RETRY_SECONDS * 2**n for n in range(MOST_TRIES - 1)]
    assert "changed nothing" in decide(need, set(), memory, now).waiting[0]


def test_a_new_state_is_run_at_once() -> None:
    memory = {"a": Memory("old", NOW, MOST_TRIES, 0.0)}
    assert decide({"a": Need("new", 0)}, set(), memory, NOW).run == ("a",)


def test_a_met_need_is_forgotten() -> None:
    assert decide({}, set(), {"a": Memory("s", NOW, 3, 0.0)}, NOW).memory == {}


@given(st.dictionaries(st.text(), st.builds(Memory, st.text(), st.floats(0, 1e10), st.integers(0, 9), st.floats(0, 1e10))))
def test_memory_survives_the_cursor(memory: dict[str, Memory]) -> None:
    assert memory_from_text(memory_to_text(memory, "mark", waits=True)) == (memory, "mark", True)
    earlier = json.dumps({collection: asdict(one) for collection, one in memory.items()})  # as an earlier release wrote it
    assert memory_from_text(earlier) == (memory, "", False)

"""The sensor's decision: pure, so every case is a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.backlog import LANES, Backlog
from rag_pipeline.ingestion.folder.listing import FolderPlan, FoundFile
from rag_pipeline.ingestion.folder.watch import (
    MOST_TRIES,
    QUIET_LIMIT_SECONDS,
    RETRY_SECONDS,
    Decision,
    Memory,
    Need,
    Task,
    decide,
    memory_from_text,
    memory_to_text,
    needs_of,
)
from rag_pipeline.ingestion.pauses import Pauses

NOW = 1_000_000.0
A: Task = ("text", "a")


def started(decision: Decision) -> list[Task]:
    return [(request.lane, request.collection) for request in decision.run]


def test_a_thousand_files_are_one_run_a_collection() -> None:
    found = tuple(FoundFile(f"{collection}/{n}.txt", 1, f"s{n}", 0.0) for collection in ("a", "b") for n in range(1000))
    assert started(decide(needs_of(FolderPlan(to_read=found), {}), set(), {}, NOW)) == [("text", "a"), ("text", "b")]


def test_a_root_file_and_a_removed_file_name_their_collections() -> None:
    plan = FolderPlan(to_read=(FoundFile("x.txt", 1, "s", 0.0),), removed=("old/y.txt",))
    needs = needs_of(plan, {"c": Backlog(2, 0), "d": Backlog(0, 3)})
    assert set(needs) == {("text", "default"), ("text", "old"), ("text", "c"), ("vectors", "d")}
    assert {task for task, need in needs.items() if need.fresh} == {("text", "default"), ("text", "old")}


def test_a_collection_with_a_run_waits_for_it() -> None:
    decision = decide({A: Need("s")}, {A}, {}, NOW)
    assert decision.run == ()
    assert "a run is at work" in decision.waiting[0]


def test_while_files_pour_in_the_collection_waits_but_not_for_ever() -> None:
    need = {A: Need("s", 3)}
    first = decide(need, set(), {}, NOW)
    assert first.run == ()
    assert not decide(need, set(), first.memory, NOW + QUIET_LIMIT_SECONDS - 1).run
    assert started(decide(need, set(), first.memory, NOW + QUIET_LIMIT_SECONDS)) == [A]


def test_a_need_that_a_run_did_not_meet_is_retried_ever_more_rarely_and_then_left() -> None:
    need, memory, now, gaps = {A: Need("same")}, {}, NOW, []
    for _ in range(MOST_TRIES):
        decision = decide(need, set(), memory, now)
        assert started(decision) == [A]
        memory, asked = decision.memory, now
        while now < asked + 10_000 and not decide(need, set(), memory, now).run:
            now += 1
        gaps.append(now - asked)
    assert gaps[:-1] == [RETRY_SECONDS * 2**n for n in range(MOST_TRIES - 1)]
    assert "changed nothing" in decide(need, set(), memory, now).waiting[0]


def test_a_new_state_is_run_at_once() -> None:
    assert started(decide({A: Need("new")}, set(), {A: Memory("old", NOW, MOST_TRIES, 0.0)}, NOW)) == [A]


def test_a_met_need_is_forgotten() -> None:
    assert decide({}, set(), {A: Memory("s", NOW, 3, 0.0)}, NOW).memory == {}


def test_a_memo_is_read_while_vectors_are_made() -> None:
    needs = {A: Need("memo", fresh=True), ("vectors", "a"): Need("v"), ("vectors", "b"): Need("v")}
    decision = decide(needs, {("vectors", "a")}, {}, NOW)
    assert started(decision) == [A]


def test_vectors_wait_until_the_text_of_their_collection_is_read() -> None:
    needs: dict[Task, Need] = {A: Need("t"), ("vectors", "a"): Need("v")}
    decision = decide(needs, set(), {}, NOW)
    assert started(decision) == [A]
    assert "its documents are being read" in decision.waiting[0]
    assert started(decide({("vectors", "a"): Need("v")}, set(), {}, NOW)) == [("vectors", "a")]


def test_text_that_no_run_can_bring_forward_does_not_keep_vectors_waiting() -> None:
    memory: dict[Task, Memory] = {A: Memory("t", NOW, MOST_TRIES)}
    assert started(decide({A: Need("t"), ("vectors", "a"): Need("v")}, set(), memory, NOW)) == [("vectors", "a")]


def test_vectors_are_made_for_one_collection_at_a_time_and_each_has_its_turn() -> None:
    memory: dict[Task, Memory] = {}
    turns = []
    for number in range(6):
        needs: dict[Task, Need] = {("vectors", name): Need(f"{name}{number}") for name in "abc"}
        decision = decide(needs, set(), memory, NOW + number)
        turns += started(decision)
        memory = {**memory, **decision.memory}
        assert not decide(needs, {("vectors", "a")}, memory, NOW + number).run
    assert turns == [("vectors", name) for name in "abcabc"]


def test_slices_of_the_same_work_are_counted_and_a_change_of_the_folder_begins_anew() -> None:
    memory: dict[Task, Memory] = {}
    counted = []
    for number, fresh in enumerate([True, False, False, True, False]):
        decision = decide({A: Need(str(number), fresh=fresh)}, set(), memory, NOW)
        counted += [request.slices for request in decision.run]
        memory = dict(decision.memory)
    assert counted == [0, 1, 2, 0, 1]


def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    later = NOW + 86_400
    memory: dict[Task, Memory] = {A: Memory("s", later, 1, later)}
    waiting = decide({A: Need("s", 1)}, set(), memory, NOW)
    assert not waiting.run
    assert started(decide({A: Need("s", 1)}, set(), waiting.memory, NOW + RETRY_SECONDS)) == [A]


def test_a_run_that_was_paused_before_it_did_anything_has_not_failed() -> None:
    """Neither is it waited for after the pause, nor does it count as a try."""
    paused, memory = Pauses(False, ("a",), {}), {}
    for number in range(MOST_TRIES + 1):
        asked = decide({A: Need("same")}, set(), memory, NOW + number)
        assert started(asked) == [A]
        memory = decide({A: Need("same")}, set(), asked.memory, NOW + number, paused).memory


TASKS = st.tuples(st.sampled_from(LANES), st.text())


@given(st.dictionaries(TASKS, st.builds(Memory, st.text(), st.floats(0, 1e10), st.integers(0, 9), st.floats(0, 1e10), st.integers(0, 9))))
def test_memory_survives_the_cursor(memory: dict[Task, Memory]) -> None:
    assert memory_from_text(memory_to_text(memory, "mark", waits=True)) == (memory, "mark", True)


@pytest.mark.parametrize(
    "cursor", [None, "{}", '{"a": {"state": "s", "requested_at": 1.0, "tries": 1, "waiting_since": 0.0}}', '{"mark": {"state": "s"}}']
)
def test_the_memory_of_an_earlier_release_is_none(cursor: str | None) -> None:
    assert memory_from_text(cursor) == ({}, "", False)

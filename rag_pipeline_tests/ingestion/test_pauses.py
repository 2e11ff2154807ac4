"""What is paused outlasts restarts, and no run of it is asked for."""

import pytest

from rag_pipeline.document_life import stage_of
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.watch import Need, Request, decide
from rag_pipeline.ingestion.pauses import NO_PAUSES, Pauses, carry_on, pause, read_pauses, stop
from rag_pipeline.settings import Settings


def test_pause_stop_and_continue(settings: Settings) -> None:
    assert read_pauses(settings) == NO_PAUSES
    pause(settings, ["zoo"])
    stop(settings, "park")
    assert "zoo" in read_pauses(settings)
    assert "park" in read_pauses(settings)
    assert list(read_pauses(settings).stopped) == ["park"]
    carry_on(settings, ["park"])
    assert read_pauses(settings) == Pauses(False, ("zoo",), {})
    carry_on(settings, [])
    assert read_pauses(settings) == NO_PAUSES


def test_everything_holds_for_what_comes_later_and_one_can_be_taken_out(settings: Settings) -> None:
    pause(settings, [])
    assert "not there yet" in read_pauses(settings)
    carry_on(settings, ["zoo"], existing=["zoo", "park"])
    assert read_pauses(settings) == Pauses(False, ("park",), {})


def test_a_damaged_file_says_how_to_mend_it(settings: Settings) -> None:
    pause(settings, ["zoo"])
    settings.pauses_path.write_text("{")
    with pytest.raises(RagError, match="Delete it"):
        read_pauses(settings)


def test_no_run_of_a_paused_collection_starts_and_the_tick_says_so() -> None:
    needs = {("text", "park"): Need("s"), ("text", "zoo"): Need("s"), ("vectors", "zoo"): Need("v")}
    decision = decide(needs, set(), {}, 1_000_000.0, Pauses(False, ("zoo",), {}))  # type: ignore[arg-type]
    assert decision.run == (Request("text", "park", 0),)
    said = "'zoo' is paused. To go on: rag continue zoo"
    assert decision.waiting == (f"zoo, text: {said}", f"zoo, vectors: {said}")
    later = decide(needs, set(), decision.memory, 1_000_100.0)  # type: ignore[arg-type]
    assert Request("text", "zoo", 0) in later.run


@pytest.mark.parametrize(
    ("row", "is_read_now", "stage"),
    [
        (("pending", 0, 0), False, "waiting"),
        (("pending", 0, 0), True, "reading"),
        (("pending", 1048, 0), False, "answerable by its words"),
        (("pending", 1048, 312), False, "vectors 312 of 1,048"),
        (("indexed", 1048, 1048), False, "indexed"),
        (("failed", 0, 0), True, "failed"),
    ],
)
def test_stages(row: tuple[str, int, int], is_read_now: bool, stage: str) -> None:
    assert stage_of(*row, is_read_now=is_read_now) == stage  # type: ignore[arg-type]

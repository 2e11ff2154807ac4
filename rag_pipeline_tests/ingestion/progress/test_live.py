"""The files by which runs tell other processes how far they are, and what becomes of them when a run dies."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from rag_pipeline.ingestion import progress, steps
from rag_pipeline.ingestion.pauses import NO_PAUSES, pause
from rag_pipeline.ingestion.progress.live import LiveRun, files_being_read, live_runs, recording
from rag_pipeline.ingestion.progress.overview import ProgressReader, overview
from rag_pipeline.ingestion.progress.words import duration, how_far, line, next_in_words
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.listing import WorkCounts


def only(settings: Settings) -> LiveRun:
    (run,) = live_runs(settings)
    return run


def test_the_names_of_the_steps_are_theirs() -> None:
    assert (progress.READING, progress.EMBEDDING) == (steps.extracted_text.STEP, steps.embeddings.STEP)


def test_a_run_is_seen_by_others_while_it_works_and_its_times_stay(settings: Settings) -> None:
    with recording(settings, "zoo", ["vectors"], slice_seconds=15):
        progress.report(progress.PLANNED, 0, 100)
        progress.report(progress.EMBEDDING, 0, 64)
        progress.report(progress.EMBEDDING, 64, 64)
        progress.report(progress.EMBEDDING, 0, 36)
        progress.report(progress.EMBEDDING, 36, 36)
        progress.report(progress.PUBLISHED, 1, 1)  # which is written at once
        run = only(settings)
        assert (run.alive, run.collection, run.lane, run.step, run.left, run.unpublished) == (True, "zoo", "vectors", "published", 100, 0)
        assert run.current is not None
        assert (run.current.work, run.current.allowed) == (100, 15)
    run = only(settings)
    assert (run.alive, run.step, run.current, len(run.slices)) == (False, "", None, 1)
    with recording(settings, "zoo", ["vectors"]):
        assert len(only(settings).slices) == 1
    assert [one.work for one in only(settings).slices] == [100]  # a run that did nothing tells nothing of rates


def test_a_run_in_both_lanes_keeps_both_files(settings: Settings) -> None:
    with recording(settings, "zoo", ["text", "vectors"]):
        progress.report(progress.READING, 1, 2, ("zoo/\udcff.txt",), 30.0)  # a name that is no text
        progress.report(progress.EMBEDDING, 5, 10)
        assert {run.lane: (run.step, run.done) for run in live_runs(settings)} == {
            "text": (progress.READING, 1),
            "vectors": (progress.EMBEDDING, 5),
        }
        assert files_being_read(settings) == {"zoo/\udcff.txt"}
    assert files_being_read(settings) == frozenset()


def test_the_file_of_a_killed_run_is_told_from_one_that_works(settings: Settings) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from rag_pipeline.ingestion import progress\n"
        "from rag_pipeline.ingestion.progress.live import recording\n"
        "from rag_pipeline.settings import Settings\n"
        "with recording(Settings(data_dir=Path(sys.argv[1])), 'zoo', ['text']):\n"
        "    progress.report(progress.READING, 0, 2, ('zoo/a.pdf',), 0.0)\n"
        "    print('reading', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(settings.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as run:
        assert run.stdout and run.stdout.readline() == "reading\n"
        assert (only(settings).alive, only(settings).pid) == (True, run.pid)
        assert files_being_read(settings) == {"zoo/a.pdf"}
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert (only(settings).alive, files_being_read(settings)) == (False, frozenset())
    assert ProgressReader(settings).current().collections == ()


def test_a_file_that_is_damaged_or_of_another_version_counts_as_none(settings: Settings) -> None:
    with recording(settings, "zoo", ["text"]):
        pass
    (file,) = settings.progress_path.glob("*.json")
    for content in ("{", "[]", json.dumps({"unknown": 1})):
        file.write_text(content)
        assert live_runs(settings) == []


def test_progress_is_never_waited_for(settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "note.txt").write_text("The keeper is called Ansgar.")
    ingest()
    reader = ProgressReader(settings)
    (before,) = reader.current().collections
    assert (before.documents, before.passages, before.vectors, before.is_complete) == (1, 1, 1, True)
    writes = (
        "import sys, duckdb; connection = duckdb.connect(sys.argv[1]); connection.execute('CREATE TABLE t (a INT)')\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writes, str(settings.catalog_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout and writer.stdout.readline() == "open\n"
        assert reader.current().collections == (before,)
        assert ProgressReader(settings).current().collections == ()  # that has never counted
        writer.communicate("")


def test_documents_are_answerable_before_they_have_vectors(settings: Settings) -> None:
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).write_text(f"What {name} says.")
    workspace = Workspace(settings, "default")
    steps.source_documents.update_documents(workspace)
    reader = ProgressReader(settings)
    (found,) = reader.current().collections
    assert (found.stages, found.next_documents, found.passages) == ({"waiting": 2}, ("b.txt", "a.txt"), 0) or found.stages
    assert how_far(reader.current()) == "2 wait to be read"
    assert "0 of 2 documents can be asked about" in line(found)
    for batch in steps.extracted_text.plan_extraction(workspace):
        steps.extracted_text.extract_batch(workspace, batch)
    steps.extracted_text.commit_extraction(workspace)
    steps.chunks.cut_chunks(workspace)
    steps.vector_index.update_index(workspace)
    (found,) = reader.current().collections
    assert (found.stages, found.passages, found.vectors) == ({"answerable by its words": 2}, 2, 0)
    assert (found.is_going_on, found.passages > 0, found.share_answering, found.share_with_vectors) == (True, True, 1.0, 0.0)
    assert line(found).startswith("2 documents can be asked about; vectors for 0 of 2 passages")
    pause(settings, ["default"])
    (found,) = reader.current().collections
    assert (found.is_paused, found.is_going_on, found.seconds_left) == (True, False, None)


def test_what_a_paused_collection_was_at_is_begun_no_further(settings: Settings) -> None:
    for number in range(3):
        (settings.uploads / f"{number}.txt").write_text(f"Number {number}.")
    paused = True
    workspace = Workspace(settings, "default", is_paused=lambda: paused)
    steps.source_documents.update_documents(workspace)
    for batch in steps.extracted_text.plan_extraction(workspace):
        assert steps.extracted_text.extract_batch(workspace, batch).read == 0
    steps.extracted_text.commit_extraction(workspace)
    paused = False
    for batch in steps.extracted_text.plan_extraction(workspace):
        assert steps.extracted_text.extract_batch(workspace, batch).read == 3
    steps.extracted_text.commit_extraction(workspace)
    steps.chunks.cut_chunks(workspace)
    paused = True
    for batch in steps.embeddings.plan_embeddings(workspace):
        assert steps.embeddings.embed_batch(workspace, batch).texts == 0
    steps.embeddings.commit_embeddings(workspace)
    steps.vector_index.update_index(workspace)
    assert {row.state for row in Catalog(settings.catalog_path).documents()} == {"pending"}


def counts(waiting: int = 0, passages: int = 0, vectors: int = 0, published: int = 0) -> WorkCounts:
    states = {"pending": waiting + published}
    return WorkCounts(states, waiting, waiting * 1000, published, 0, passages, vectors, published * 1000, ("next.pdf",) if waiting else ())


def test_what_is_next_is_in_the_order_in_which_it_is_done(settings: Settings) -> None:
    found = overview(
        settings,
        {"a": counts(0, 10, 5, 2), "b": counts(3), "c": counts(0, 10, 0, 2), "done": counts(0, 4, 4), "off": counts(2)},
        [LiveRun("c", "vectors", started=5.0), LiveRun("a", "vectors", started=9.0)],
        NO_PAUSES,
    )
    assert found.order == ("b", "off", "c", "a")
    assert next_in_words(found) == "Now b (next.pdf); then off (next.pdf), c, a"
    assert found.of(["a"]).order == ("a",)


def test_what_a_slice_did_counts_before_the_catalog_knows_it(settings: Settings) -> None:
    run = LiveRun("a", "vectors", alive=True, step="embeddings", done=30, total=40, unpublished=30)
    (found,) = overview(settings, {"a": counts(0, 100, 20, 5)}, [run], NO_PAUSES).collections
    assert (found.vectors, found.lanes) == (50, ("vectors",))


def test_a_run_that_has_found_nothing_yet_promises_nothing(settings: Settings) -> None:
    (found,) = overview(settings, {}, [LiveRun("a", "text", alive=True, step="source_documents")], NO_PAUSES).collections
    assert (found.is_going_on, found.seconds_left) == (True, None)


def test_another_model_is_known_from_the_run_alone(settings: Settings) -> None:
    """The catalog counts the vectors that answer, which are all there."""
    run = LiveRun("a", "vectors", alive=True, step="planned", left=80)
    (found,) = overview(settings, {"a": counts(0, 100, 100, 5)}, [run], NO_PAUSES).collections
    assert (found.vectors, found.is_complete) == (20, False)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (12, "12 s"), (59, "1 min"), (250, "4 min"), (7800, "2 h 10 min"), (3600, "1 h"), (3e5, "3 days")]
)
def test_durations_are_no_more_exact_than_estimates(seconds: float, words: str) -> None:
    assert duration(seconds) == words

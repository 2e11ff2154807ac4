"""What only the embedded engine has: folders, locks, several processes, a disk that fills up."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event as EventType
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit, IndexedChunk
from rag_pipeline.stores.vectors import (
    CollectionNotIndexedError,
    DamagedIndexError,
    IndexChange,
    Manifest,
    SearchQuery,
    disk,
    edge,
    edge_shard,
)
from rag_pipeline.stores.vectors.disk import allocated_bytes
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.edge_search import ReadPoints
from rag_pipeline.stores.vectors.points import chunk_id
from rag_pipeline.stores.vectors.versions import CollectionFolder, folder_name
from rag_pipeline_tests.stores.vectors.conftest import DIMENSION, change, hits, points

PROCESSES = multiprocessing.get_context("spawn")
SEARCH = SearchQuery(dense=[1, 0, 0, 0], text="generation", top_k=50)


def generation(number: int) -> list[IndexedChunk]:
    """Ten documents that all say which generation they are of."""
    return [chunk for document in range(10) for chunk in points(f"{document}.md", f"generation {number}")]


def version_folders(root: Path, collection: str) -> set[str]:
    return {path.name for path in (root / folder_name(collection)).iterdir() if path.is_dir() and path.name != "segments"}


def segment_folders(root: Path, collection: str) -> list[Path]:
    """Those of a collection, the first written first."""
    return sorted((root / folder_name(collection) / "segments").iterdir())


def read_all_the_time(root: Path, stop: EventType, seen: Any) -> None:
    index = EdgeIndex(root)
    while not stop.is_set():
        texts = {hit.text for hit in hits(index, "c", SEARCH)}
        seen.put(sorted(texts))
        time.sleep(0.01)  # readers that never rest would starve the writer on a small machine
    index.close()


def wait_for_more(texts: list[list[str]], count: int, seconds: float = 120) -> None:
    enough, deadline = len(texts) + count, time.monotonic() + seconds
    while len(texts) < enough:
        assert time.monotonic() < deadline, "the readers stopped reading"
        time.sleep(0.05)


def test_readers_always_see_one_whole_version(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", generation(0)))
    stop, seen = PROCESSES.Event(), PROCESSES.SimpleQueue()
    readers = [PROCESSES.Process(target=read_all_the_time, args=(tmp_path, stop, seen), daemon=True) for _ in range(2)]
    texts: list[list[str]] = []
    collector = Thread(target=lambda: texts.extend(iter(seen.get, None)), daemon=True)
    collector.start()
    for reader in readers:
        reader.start()
    try:
        wait_for_more(texts, 10)
        for number in range(1, 21):
            index.publish(change("c", generation(number), removed=[f"key-{n}.md" for n in range(10)]))
        while texts[-1] != ["generation 20"]:
            wait_for_more(texts, 1)
    finally:
        stop.set()
    for reader in readers:
        reader.join(30)
    seen.put(None)
    collector.join(30)
    assert [reader.exitcode for reader in readers] == [0, 0]
    assert all(len(found) == 1 for found in texts), "a query saw parts of two versions"
    assert len(version_folders(tmp_path, "c")) <= 4  # the current one, the one before it, and what a reader still holds


def publish_and_hang(root: Path, started: EventType) -> None:
    def chunks() -> Iterator[list[IndexedChunk]]:
        yield points("b.md", "half")
        started.set()
        time.sleep(600)

    EdgeIndex(root).publish(IndexChange("c", "model-a", "fingerprint of model-a", DIMENSION, ["key-a.md"], chunks(), 1))


def test_a_killed_writer_leaves_the_old_version_and_its_litter_goes(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    before = index.publish(change("c", points("a.md", "foxes run")))
    started = PROCESSES.Event()
    writer = PROCESSES.Process(target=publish_and_hang, args=(tmp_path, started))
    writer.start()
    assert started.wait(60)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    assert index.manifest("c") == before
    assert [hit.text for hit in hits(index, "c", SearchQuery(text="foxes"))] == ["foxes run"]
    assert len(segment_folders(tmp_path, "c")) == 2
    after = index.publish(change("c", points("b.md", "owls sleep")))
    assert version_folders(tmp_path, "c") == {before.version, after.version}


def test_a_version_that_is_read_is_not_deleted(tmp_path: Path) -> None:
    index, reader = EdgeIndex(tmp_path), EdgeIndex(tmp_path)
    versions = [index.publish(change("c", points("a.md", "one"))).version]
    with reader._open.reading("c") as held:
        versions += [index.publish(change("c", points("a.md", text))).version for text in ("two", "three", "four")]
        assert version_folders(tmp_path, "c") == {versions[0], versions[2], versions[3]}
        assert [found.hit.text for found in held.search.candidates(SearchQuery(dense=[1, 0, 0, 0]))] == ["one"]
    assert [hit.text for hit in hits(reader, "c", SearchQuery(dense=[1, 0, 0, 0]))] == ["four"]
    last = index.publish(change("c", points("a.md", "five"))).version
    assert version_folders(tmp_path, "c") == {versions[3], last}


def test_what_was_read_is_kept_to_a_bound_and_no_longer_than_its_segment(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", [chunk for number in range(9) for chunk in points(f"{number}.md", f"fox {number}")], documents=9))
    with index._open.reading("c") as version:
        (segment,), read = version.search.segments, ReadPoints(most=4)
        ids = [hit.chunk_id for hit in hits(index, "c", SearchQuery(text="fox", top_k=9))]
        assert [read.of(segment.shard, ids)[one].hit.chunk_id for one in ids] == ids
        assert [identity for _, identity in read._points] == ids[5:]
        assert list(read.of(segment.shard, [ids[8], chunk_id("of no document", 0)])) == [ids[8]]
        read.forget(segment.shard)
        assert not read._points
    index._open.retire("c")
    assert not index._open._read._points


def test_a_candidate_is_made_a_hit_when_it_is_asked_for_and_once(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", points("a.md", "foxes run")))
    (found,) = index.candidates("c", SearchQuery(text="foxes"))
    index._open.retire("c")  # the rest of it is not looked for in a version that may be closed by then
    assert not isinstance(found.passage, Hit)
    assert (found.passage.text, found.passage.document) == (found.hit.text, found.hit.document) == ("foxes run", "a.md")
    assert found.hit is found.hit


def test_threads_share_an_index_while_it_is_published(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", generation(0)))
    found: list[int] = []
    threads = [Thread(target=lambda: found.extend(len(hits(index, "c", SEARCH)) for _ in range(100))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 6):
        index.publish(change("c", generation(number), removed=[f"key-{n}.md" for n in range(10)]))
    for thread in threads:
        thread.join()
    assert found == [10] * 400


def test_a_folder_deleted_by_hand_is_nothing_published(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path / "index")
    index.publish(change("c", points("a.md", "foxes run")))
    assert hits(index, "c", SearchQuery(text="foxes"))
    shutil.rmtree(tmp_path / "index")
    assert index.manifest("c") is None
    assert index.collections() == []
    with pytest.raises(CollectionNotIndexedError):
        hits(index, "c", SearchQuery(text="foxes"))
    index.publish(change("c", points("a.md", "foxes run")))
    assert hits(index, "c", SearchQuery(text="foxes"))


def test_a_version_deleted_by_hand_is_nothing_published(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    version = index.publish(change("c", points("a.md", "foxes run"))).version
    assert hits(index, "c", SearchQuery(text="foxes"))
    shutil.rmtree(tmp_path / "c" / version)
    assert index.manifest("c") is None
    with pytest.raises(CollectionNotIndexedError):
        hits(index, "c", SearchQuery(text="foxes"))


WILD_JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(data=strategies.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_manifest_concerns_its_collection_only(published_twice: EdgeIndex, data: strategies.DataObject) -> None:
    index, path = published_twice, CollectionFolder(published_twice._root, "c")._manifest_path
    whole = path.read_bytes()
    damaged: bytes = data.draw(
        strategies.integers(0, len(whole) - 2).map(lambda length: whole[:length])  # a disk that was full
        | strategies.binary(max_size=30)
        | strategies.one_of(
            WILD_JSON,
            WILD_JSON.map(lambda value: {"current": value}),
            strategies.tuples(strategies.sampled_from(list(Manifest.__dataclass_fields__)), WILD_JSON).map(
                lambda changed: {"current": {**json.loads(whole)["current"], changed[0]: changed[1]}}
            ),
        ).map(lambda value: json.dumps(value).encode())
    )
    path.write_bytes(damaged)
    try:
        assert "other" in index.collections()
        assert hits(index, "other", SearchQuery(text="foxes"))
        reported = index.damaged()
        if "c" in index.collections():  # what was drawn is a manifest that could be meant: another count, another name of the model
            assert reported == []
        else:
            assert [error.collection for error in reported] in (["c"], [])
            assert all("rag ingest 'c'" in str(error) for error in reported)
    finally:
        path.write_bytes(whole)


@pytest.fixture
def published_twice(tmp_path: Path) -> EdgeIndex:
    index = EdgeIndex(tmp_path)
    for name in ("c", "other"):
        index.publish(change(name, points("a.md", "foxes run")))
    return index


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"current": {"version": 5}}', '{"current": "x"}'])
def test_a_collection_with_a_damaged_manifest_is_named_and_can_be_made_again(published_twice: EdgeIndex, content: str) -> None:
    index = published_twice
    CollectionFolder(index._root, "c")._manifest_path.write_text(content)
    assert index.collections() == ["other"]
    assert [error.collection for error in index.damaged()] == ["c"]
    with pytest.raises(DamagedIndexError, match="rag ingest 'c'"):
        index.manifest("c")
    with pytest.raises(DamagedIndexError):
        hits(index, "c", SearchQuery(text="foxes"))
    index.publish(change("c", points("a.md", "foxes run again"), scratch=True))
    assert index.damaged() == []
    assert [hit.text for hit in hits(index, "c", SearchQuery(text="foxes"))] == ["foxes run again"]


def test_points_that_were_deleted_as_the_message_says_are_made_again(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", points("a.md", "foxes run")))
    shutil.rmtree(segment_folders(tmp_path, "c")[0] / "shard")
    assert index.manifest("c") is None
    index.publish(change("c", points("a.md", "foxes run again")))
    assert [hit.text for hit in hits(index, "c", SearchQuery(text="foxes"))] == ["foxes run again"]


def test_a_folder_in_the_manifests_place_can_be_dropped(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", points("a.md", "foxes run")))
    (tmp_path / "c" / "manifest.json").unlink()
    (tmp_path / "c" / "manifest.json").mkdir()
    index.drop("c")
    assert index.damaged() == []


def damage(segment: Path) -> None:
    shutil.rmtree(segment / "shard" / "segments")
    (segment / "shard" / "edge_config.json").write_text("{")


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    EdgeIndex(tmp_path).publish(change("c", points("a.md", "foxes run")))
    damage(segment_folders(tmp_path, "c")[0])
    with pytest.raises(RagError, match="rag ingest"):
        hits(EdgeIndex(tmp_path), "c", SearchQuery(text="foxes"))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "cut off": lambda file: os.truncate(file, file.stat().st_size // 2),
    "emptied": lambda file: os.truncate(file, 0),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize(("documents", "looked_at"), [(5, ""), (1_100, "dense|id_tracker|version")], ids=["growing form", "final form"])
def test_an_index_with_a_damaged_file_answers_in_full_or_not_at_all(tmp_path: Path, how: str, documents: int, looked_at: str) -> None:
    """Left to itself, the engine reads what is left of a file that was cut off, and finds less without a word."""
    whole = tmp_path / "whole"
    EdgeIndex(whole).publish(
        change("c", [chunk for number in range(documents) for chunk in points(f"{number}.md", "foxes run")], documents=documents)
    )
    shard = segment_folders(whole, "c")[0] / "shard"
    files = [file for file in shard.rglob("*") if file.is_file() and re.search(looked_at, str(file.relative_to(shard)))]
    refused = 0
    for number, file in enumerate(files):
        damaged = tmp_path / str(number)
        shutil.copytree(whole, damaged, copy_function=os.link)  # of what nobody damages, copies would be half of all work
        of_its_own = damaged / file.relative_to(whole)
        of_its_own.unlink()
        shutil.copy2(file, of_its_own)
        DAMAGES[how](of_its_own)
        index = EdgeIndex(damaged)
        try:
            by_vector = hits(index, "c", SearchQuery(dense=[1, 0, 0, 0], top_k=documents))
            by_words = hits(index, "c", SearchQuery(text="foxes", top_k=documents))
            assert (len(by_vector), len(by_words)) == (documents, documents), file
        except RagError:
            refused += 1
        finally:
            index.close()
            shutil.rmtree(damaged)
    assert refused >= 3
    assert len(files) > 5


@pytest.mark.parametrize("collection", ["..", ".", ".locks", "a/b", "x" * 300, "🎉" * 100, "manifest.json", " "])
def test_any_name_is_a_safe_folder_name(tmp_path: Path, collection: str) -> None:
    index = EdgeIndex(tmp_path / "index")
    index.publish(change(collection, points("a.md", "foxes run")))
    assert index.collections() == [collection]
    assert hits(index, collection, SearchQuery(text="foxes"))
    assert {path.name for path in tmp_path.iterdir()} == {"index"}


def test_long_names_that_begin_alike_stay_apart(tmp_path: Path) -> None:
    assert folder_name("x" * 300 + "a") != folder_name("x" * 300 + "b")
    assert len(folder_name("🎉" * 300)) < 200


def test_a_small_index_takes_little_room(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", points("a.md", "foxes run")))
    index.publish(change("c", points("b.md", "owls sleep")))
    assert allocated_bytes(tmp_path) < 20 << 20


def test_what_a_folder_takes_can_be_told_while_files_in_it_vanish(tmp_path: Path) -> None:
    """A reader that opens a version makes and deletes journals in it while the next one is built from it."""
    kept = tmp_path / "kept"
    kept.write_bytes(b"x" * 8192)
    done = False

    def churn() -> None:
        while not done:
            for number in range(20):
                (tmp_path / f"folder{number}").mkdir()
                (tmp_path / f"folder{number}" / "tracker_journal.dat").touch()
            for number in range(20):
                shutil.rmtree(tmp_path / f"folder{number}")

    reader = Thread(target=churn, daemon=True)
    reader.start()
    try:
        taken = [allocated_bytes(tmp_path) for _ in range(300)]
    finally:
        done = True
        reader.join()
    assert set(taken) == {kept.stat().st_blocks * 512}


def bytes_read() -> int:
    return int(re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())[1])  # type: ignore[index]


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="tells what was read on Linux alone")
def test_folders_are_read_ahead_as_far_as_memory_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "full").write_bytes(os.urandom(3 << 20))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with (tmp_path / "hole").open("wb") as hole:
        hole.truncate(1 << 40)
    before = bytes_read()
    disk.read_ahead([tmp_path])
    assert 3 << 20 <= bytes_read() - before < 4 << 20
    before = bytes_read()
    monkeypatch.setattr(os, "sysconf", lambda name: 700 if name == "SC_AVPHYS_PAGES" else 4096)
    disk.read_ahead([tmp_path])
    disk.read_ahead([tmp_path / "nowhere"])
    assert bytes_read() - before < 1 << 20


def test_too_little_space_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = EdgeIndex(tmp_path)
    before = index.publish(change("c", points("a.md", "foxes run")))
    monkeypatch.setattr(disk, "RESERVE_BYTES", 1 << 60)
    with pytest.raises(RagError, match=r"MiB are needed, \d+ MiB are free.*RAG_DATA_DIR"):
        index.publish(change("c", points("b.md", "owls sleep")))
    assert index.manifest("c") == before
    assert version_folders(tmp_path, "c") == {before.version}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", tmp_path], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk_is_an_error_and_not_the_end(small_disk: Path) -> None:
    index = EdgeIndex(small_disk)
    before = index.publish(change("c", points("a.md", "foxes run")))

    def endless() -> Iterator[list[IndexedChunk]]:
        for number in range(100_000):
            yield points(f"{number}.md", *(f"{number} {place} " + os.urandom(2000).hex() for place in range(50)))

    with pytest.raises(RagError, match="Not enough disk space"):
        index.publish(IndexChange("c", "model-a", "fingerprint of model-a", DIMENSION, [], endless(), 1))
    assert index.manifest("c") == before
    assert version_folders(small_disk, "c") == {before.version}
    assert [hit.text for hit in hits(index, "c", SearchQuery(text="foxes"))] == ["foxes run"]


@pytest.mark.parametrize("graph_from", [1 << 40, 100])
def test_what_is_written_in_parts_answers_as_what_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph_from: int
) -> None:
    numbers = random.Random(7)
    vectors = [[numbers.gauss(0, 1) for _ in range(DIMENSION)] for _ in range(240)]
    batches = [[*points(f"{n}.md", f"fox {n} word{n % 7}" + " sky" * n, vector=vector)] for n, vector in enumerate(vectors)]
    queries = [
        SearchQuery(dense=[1, 0, 0, 0], top_k=20),
        SearchQuery(text="word3 fox", top_k=20),
        SearchQuery(text="fox", top_k=20, documents=("7.md", "239.md")),
    ]
    found, folders = [], []
    monkeypatch.setattr(edge_shard, "_POINTS_WORTH_AN_INDEX", 10)
    monkeypatch.setattr(edge_shard, "_NUMBERS_WORTH_A_GRAPH", graph_from)
    for name, part in (("parts", 50), ("whole", 1 << 40)):
        monkeypatch.setattr(edge_shard, "_NUMBERS_OF_A_PART", part * DIMENSION)
        index = EdgeIndex(tmp_path / name)
        index.publish(change("c", *batches))
        found.append([[(hit.chunk_id, round(hit.score, 5)) for hit in hits(index, "c", query)] for query in queries])
        assert sum(map(len, index.chunks("c"))) == 240
        (segment,) = segment_folders(tmp_path / name, "c")
        folders.append(len([*(segment / "shard" / "segments").iterdir()]))
    assert found[0] == found[1]
    assert [len(of_query) for of_query in found[0]] == [20, 20, 2]
    assert folders[0] - folders[1] == (0 if graph_from == 100 else 4)


def test_a_change_writes_what_changed_and_leaves_the_rest(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    index.publish(change("c", [chunk for number in range(50) for chunk in points(f"{number}.md", "foxes run")], documents=50))
    (large,) = segment_folders(tmp_path, "c")
    for number in range(5):
        index.publish(change("c", points(f"{number}.md", "owls sleep"), removed=[f"key-{number}.md"], documents=50))
    assert large in segment_folders(tmp_path, "c")
    assert all(len(json.loads((one / "documents.json").read_bytes())) == 1 for one in segment_folders(tmp_path, "c")[1:])
    texts = [hit.text for hit in hits(index, "c", SearchQuery(dense=[1, 0, 0, 0], text="foxes owls", top_k=100))]
    assert sorted(texts) == ["foxes run"] * 45 + ["owls sleep"] * 5


def test_where_the_current_version_is_damaged_the_one_before_answers_and_a_run_is_asked_for(tmp_path: Path) -> None:
    index = EdgeIndex(tmp_path)
    first = index.publish(change("c", [chunk for number in range(9) for chunk in points(f"{number}.md", "foxes run")], documents=9))
    index.publish(change("c", points("b.md", "owls sleep"), documents=10))
    damage(segment_folders(tmp_path, "c")[1])
    reader = EdgeIndex(tmp_path)
    assert {hit.text for hit in hits(reader, "c", SearchQuery(text="owls foxes"))} == {"foxes run"}
    assert reader.manifest("c") == first
    assert reader.collections() == ["c"]
    assert [str(error) for error in index.damaged()] and all("rag ingest 'c'" in str(error) for error in index.damaged())
    index.publish(change("c", points("b.md", "owls sleep"), scratch=True))
    assert index.damaged() == []
    assert [hit.text for hit in hits(reader, "c", SearchQuery(text="owls foxes"))] == ["owls sleep"]


WILD_CHANGES = strategies.lists(
    strategies.tuples(
        strategies.sets(strategies.integers(0, 6)), strategies.dictionaries(strategies.integers(0, 6), strategies.booleans())
    ),
    min_size=1,
    max_size=8,
)


@given(changes=WILD_CHANGES)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_course_of_changes_answers_as_a_version_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[set[int], dict[int, bool]]]
) -> None:
    """Which passages, in which order, with which scores: whatever segments came of it."""
    root = tmp_path_factory.mktemp("index")
    index = EdgeIndex(root)
    state: dict[int, list[IndexedChunk]] = {}
    for generation_number, (removed, added) in enumerate(changes):
        written = {
            number: points(f"{number}.md", f"foxes of {generation_number}", f"owl {number}", words_only=words_only)
            for number, words_only in added.items()
        }
        state = {**{number: kept for number, kept in state.items() if number not in removed}, **written}
        gone = [f"key-{number}.md" for number in removed | added.keys()]
        index.publish(change("c", *written.values(), removed=gone, documents=len(state)))
        index.tidy("c")
    manifest = index.publish(change("whole", *state.values(), documents=len(state), scratch=True))
    current = index.manifest("c")
    assert current
    assert (current.chunks, current.vectors) == (manifest.chunks, manifest.vectors)
    assert index.revisions("c") == index.revisions("whole")
    for query in (SearchQuery(dense=[1, 1, 0, 0], text="foxes owl 3", top_k=100), SearchQuery(text="owl 1 2", top_k=100)):
        expected, found = index.candidates("whole", query), index.candidates("c", query)
        assert [(one.hit.chunk_id, one.hit.text, one.words) for one in found] == [(o.hit.chunk_id, o.hit.text, o.words) for o in expected]
        assert [one.score for one in found] == pytest.approx([one.score for one in expected])
        assert [one.cosine for one in found] == pytest.approx([one.cosine for one in expected])
    index.close()


def test_a_disk_too_full_to_merge_takes_nothing_from_what_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = EdgeIndex(tmp_path)
    asked: list[str] = []

    def full_for_merging(folder: Path, needed_bytes: int, purpose: str) -> None:
        asked.append(purpose)
        if purpose.startswith("merge"):
            raise RagError("Not enough disk space")

    monkeypatch.setattr("rag_pipeline.stores.vectors.edge.require_space", full_for_merging)
    for number in range(10):
        manifest = index.publish(change("c", points(f"{number}.md", f"fox {number}"), documents=number + 1))
        index.tidy("c")
    assert (manifest.documents, manifest.chunks) == (10, 10)
    assert len(CollectionFolder(tmp_path, "c").segments(manifest.version)) == 10
    assert any(purpose.startswith("merge") for purpose in asked)
    monkeypatch.undo()
    index.publish(change("c", points("last.md", "fox"), documents=11))
    index.tidy("c")
    assert segments_now(index, tmp_path) < 7
    assert len(hits(index, "c", SearchQuery(text="fox", top_k=20))) == 11


def test_what_is_published_and_deleted_during_a_merge_is_in_the_merged_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, other = EdgeIndex(tmp_path), EdgeIndex(tmp_path)
    for number in range(6):
        index.publish(change("c", points(f"{number}.md", f"fox {number}"), documents=number + 1))
    put_in_place = edge._put_in_place

    def after_another_publication(*arguments: Any) -> bool:
        monkeypatch.setattr(edge, "_put_in_place", put_in_place)
        other.publish(change("c", points("late.md", "fox late"), removed=["key-2.md"], documents=7))
        return put_in_place(*arguments)

    monkeypatch.setattr(edge, "_put_in_place", after_another_publication)
    index.publish(change("c", points("6.md", "fox 6"), documents=7))
    index.tidy("c")
    assert segments_now(index, tmp_path) < 7
    texts = {hit.text for hit in hits(EdgeIndex(tmp_path), "c", SearchQuery(text="fox", top_k=20))}
    assert texts == {"fox 0", "fox 1", "fox 3", "fox 4", "fox 5", "fox 6", "fox late"}
    assert index.count("c") == 7


def segments_now(index: EdgeIndex, root: Path) -> int:
    manifest = index.manifest("c")
    assert manifest
    return len(CollectionFolder(root, "c").segments(manifest.version))


def test_a_merge_that_comes_to_nothing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = EdgeIndex(tmp_path)
    for number in range(7):
        index.publish(change("c", points(f"{number}.md", f"fox {number}"), documents=number + 1))
    put_in_place = edge._put_in_place

    def after_a_rollback(*arguments: Any) -> bool:
        index.rollback("c")
        return put_in_place(*arguments)

    monkeypatch.setattr(edge, "_put_in_place", after_a_rollback)
    before = segment_folders(tmp_path, "c")
    index.tidy("c")
    assert segment_folders(tmp_path, "c") == before
    assert len(hits(index, "c", SearchQuery(text="fox", top_k=20))) == 6


def test_an_index_of_an_earlier_layout_is_none_and_is_made_again(tmp_path: Path) -> None:
    """As the program before segments left it: versions were copies of the whole collection."""
    folder = tmp_path / "c"
    (folder / "20260101T000000000000-abcdef" / "shard").mkdir(parents=True)
    (folder / "20260101T000000000000-abcdef" / "lock").touch()
    old = {
        "collection": "c", "version": "20260101T000000000000-abcdef", "embedding_model": "m", "embedding_fingerprint": "f", "dimension": 4,
        "index_schema": "1", "documents": 1, "chunks": 1, "published_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps({"current": old, "previous": None}))
    index = EdgeIndex(tmp_path)
    assert (index.manifest("c"), index.previous("c"), index.collections(), index.damaged()) == (None, None, [], [])
    index.publish(change("c", points("a.md", "foxes run"), scratch=True))
    assert [hit.text for hit in hits(index, "c", SearchQuery(text="foxes"))] == ["foxes run"]
    assert not (folder / "20260101T000000000000-abcdef").exists()

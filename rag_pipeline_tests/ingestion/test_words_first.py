"""Documents answer by their words before the model has seen them; what changes of model and chunks take the place of answers until then."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient

from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.errors import TransientError
from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.backlog import Backlog, backlogs, slice_seconds
from rag_pipeline.ingestion.consistency import chunk_counts, dead_documents
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog, DocumentStatus
from rag_pipeline.stores.catalog.keys import PARTIAL_EXTRACTION_KEY
from rag_pipeline.stores.vectors import Manifest, SearchQuery, open_index
from rag_pipeline.stores.vectors.server import ServerIndex
from rag_pipeline.stores.vectors.server.names import ServerOptions, manifest_id
from rag_pipeline_tests.conftest import text_lane, vectors_lane
from rag_pipeline_tests.stores.vectors.conftest import change, hits, points


class QuickEmbedder:
    """Vectors of the right length; what they say is of no account here."""

    dtype = "float32"
    seen: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Any:
        self.seen.extend(texts)
        return np.eye(384, dtype=np.float32)[[len(text) % 384 for text in texts]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    QuickEmbedder.seen.clear()
    monkeypatch.setattr(steps.embeddings, "load_embedder", lambda *arguments: QuickEmbedder())


def row(settings: Settings, name: str) -> DocumentStatus:
    (found,) = [one for one in Catalog(settings.catalog_path).documents() if one.document == name]
    return found


def manifest(settings: Settings) -> Manifest:
    found = open_index(settings).manifest("default")
    assert found
    return found


def found(settings: Settings, words: str) -> set[str]:
    return {hit.document for hit in hits(open_index(settings), "default", SearchQuery(text=words, top_k=1000))}


def left(settings: Settings) -> Backlog:
    index = open_index(settings)
    return backlogs(settings, Catalog(settings.catalog_path), index, ["default"]).get("default", Backlog())


def consistent(settings: Settings) -> bool:
    workspace = Workspace(settings, "default")
    counts = chunk_counts(workspace)
    return counts.indexed == counts.expected and not dead_documents(workspace)


LONG = " ".join(f"Sentence number {number} tells of zebras, of grass, and of a river that is {number} miles long." for number in range(80))


def test_a_document_answers_by_its_words_before_the_model_has_seen_it(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("Zebras have stripes.")
    text_lane(settings)
    assert found(settings, "zebras") == {"a.txt"}
    assert QuickEmbedder.seen == []
    assert (row(settings, "a.txt").state, row(settings, "a.txt").chunks, row(settings, "a.txt").vectors) == ("pending", 1, 0)
    assert (manifest(settings).chunks, manifest(settings).vectors) == (1, 0)
    assert left(settings) == Backlog(documents=0, passages=1)
    by_words = hits(open_index(settings), "default", SearchQuery(text="zebras"))
    vectors_lane(settings)
    assert (row(settings, "a.txt").state, row(settings, "a.txt").vectors) == ("indexed", 1)
    assert (manifest(settings).chunks, manifest(settings).vectors) == (1, 1)
    assert left(settings) == Backlog()
    assert [hit.chunk_id for hit in hits(open_index(settings), "default", SearchQuery(text="zebras"))] == [by_words[0].chunk_id]
    assert consistent(settings)


def test_a_document_read_in_part_that_waits_for_vectors_asks_for_no_reading(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("Zebras have stripes.")
    text_lane(settings)
    abilities = Workspace(settings, "default").extractor
    with Catalog(settings.catalog_path).writing() as connection:  # as reading leaves it: a note, and a key that names the abilities
        connection.execute(
            f"UPDATE documents AS d SET notes = ['Page 2 is without text.'], extraction_key = {PARTIAL_EXTRACTION_KEY}",
            {**abilities.program, "abilities": abilities.abilities},
        )
    assert row(settings, "a.txt").state == "pending"
    assert left(settings).documents == 0


def test_vectors_come_slice_by_slice_and_none_is_made_twice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.embeddings, "_LOOK_EVERY", 2)
    (settings.uploads / "long.txt").write_text(LONG)
    (settings.uploads / "short.txt").write_text("A memo about owls.")
    text_lane(settings)
    chunks, made = row(settings, "long.txt").chunks, [0]
    assert chunks > 4
    while left(settings).passages:
        vectors_lane(settings, Slice(1e-9))  # over as soon as it is looked at again
        made.append(manifest(settings).vectors)
        assert made[-1] > made[-2]
        assert consistent(settings)
        assert row(settings, "short.txt").state == "indexed"  # the short one first
        if made[-1] < chunks + 1:
            assert (row(settings, "long.txt").state, row(settings, "long.txt").vectors) == ("pending", made[-1] - 1)
    assert made[-1] == chunks + 1
    assert len(made) > 3
    assert len(QuickEmbedder.seen) == len(set(QuickEmbedder.seen)) == chunks + 1
    assert row(settings, "long.txt").state == "indexed"
    assert list(settings.staging_path.rglob("*.vectors.parquet")) == []


def test_text_is_read_slice_by_slice_the_small_and_new_first(settings: Settings) -> None:
    for number in range(8):
        (settings.uploads / f"large {number}.txt").write_text(f"Zebra {number}. " + "grass " * 5000)
    (settings.uploads / "memo.txt").write_text("A memo about owls.")
    read = []
    for _ in range(12):
        text_lane(settings, Slice(1e-9))
        read.append(sum(row.chunks > 0 for row in Catalog(settings.catalog_path).documents()))
        assert found(settings, "owls") == {"memo.txt"}
        if read[-1] == 9:
            break
    assert read[-1] == 9
    assert read[0] < 9


def test_an_edited_document_answers_with_its_new_words_at_once(settings: Settings) -> None:
    file = settings.uploads / "a.txt"
    file.write_text("Zebras have stripes.")
    text_lane(settings)
    vectors_lane(settings)
    file.write_text("Giraffes have long necks.")
    text_lane(settings)
    assert found(settings, "zebras") == set()
    assert found(settings, "giraffes") == {"a.txt"}
    assert (row(settings, "a.txt").state, row(settings, "a.txt").chunks, row(settings, "a.txt").vectors) == ("pending", 1, 0)


def test_a_touched_document_is_published_with_its_new_time_and_is_not_embedded_again(settings: Settings) -> None:
    file = settings.uploads / "a.txt"
    file.write_text("Zebras have stripes.")
    text_lane(settings)
    vectors_lane(settings)
    before, seen = open_index(settings).revisions("default"), len(QuickEmbedder.seen)
    os.utime(file, (1_000_000_000, 1_000_000_000))
    text_lane(settings)
    after = open_index(settings).revisions("default")
    assert before.keys() == after.keys()
    assert before != after
    assert row(settings, "a.txt").state == "indexed"
    assert len(QuickEmbedder.seen) == seen
    assert left(settings) == Backlog()


def test_a_file_is_found_by_the_fraction_of_the_second_of_its_last_change(settings: Settings) -> None:
    file = settings.uploads / "a.txt"
    file.write_text("Zebras have stripes.")
    os.utime(file, ns=(1_700_000_020_900_000_000, 1_700_000_020_900_000_000))
    text_lane(settings)

    def found_since(moment: float) -> int:
        return len(hits(open_index(settings), "default", SearchQuery(text="zebras", since=moment)))

    assert (found_since(1_700_000_020.5), found_since(1_700_000_020.95)) == (1, 0)


def other_model(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "other-model"
    shutil.copytree(locate_model(settings).path, folder)
    (folder / "note.json").write_text("{}")  # another fingerprint
    return settings.model_copy(update={"embedding_model": str(folder)})


@pytest.mark.parametrize("chunk_tokens", [0, 64])
def test_while_another_model_takes_over_the_last_one_answers(settings: Settings, tmp_path: Path, chunk_tokens: int) -> None:
    (settings.uploads / "a.txt").write_text(LONG)
    text_lane(settings)
    vectors_lane(settings)
    old = manifest(settings)
    changed = other_model(settings, tmp_path).model_copy(update={"chunk_tokens": chunk_tokens})
    assert left(changed).passages > 0
    (settings.uploads / "new.txt").write_text("A memo about owls.")
    text_lane(changed)
    during = manifest(settings)
    assert (during.embedding_fingerprint, during.chunks, during.vectors) == (old.embedding_fingerprint, old.chunks + 1, old.vectors)
    assert found(settings, "owls") == {"new.txt"}
    assert found(settings, "zebras") == {"a.txt"}
    assert consistent(changed)
    vectors_lane(changed)
    after = manifest(settings)
    assert after.embedding_fingerprint == locate_model(changed).fingerprint
    assert after.vectors == after.chunks == sum(row.chunks for row in Catalog(settings.catalog_path).documents())
    assert left(changed) == Backlog()
    assert consistent(changed)
    assert {row.state for row in Catalog(settings.catalog_path).documents()} == {"indexed"}


def test_while_documents_are_cut_anew_they_answer_as_they_were_cut(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text(LONG)
    text_lane(settings)
    vectors_lane(settings)
    old = manifest(settings)
    changed = settings.model_copy(update={"chunk_tokens": 64})
    assert left(changed).documents == 1
    text_lane(changed)
    assert (manifest(settings).chunks, manifest(settings).vectors) == (old.chunks, old.vectors)
    assert left(changed).passages > 0
    assert consistent(changed)
    vectors_lane(changed)
    assert manifest(settings).vectors == manifest(settings).chunks > old.chunks
    assert left(changed) == Backlog()
    assert consistent(changed)


def test_a_collection_that_is_deleted_while_its_vectors_are_made_is_gone(settings: Settings) -> None:
    settings = settings.model_copy(update={"deletion_hold_hours": 0})
    (settings.uploads / "a.txt").write_text(LONG)
    text_lane(settings)
    workspace = Workspace(settings, "default")
    batches = steps.embeddings.plan_embeddings(workspace)
    (settings.uploads / "a.txt").unlink()
    text_lane(settings)
    assert open_index(settings).collections() == []
    for batch in batches:
        steps.embeddings.embed_batch(workspace, batch)
    steps.embeddings.commit_embeddings(workspace)
    assert steps.vector_index.update_index(workspace).version is None
    assert open_index(settings).collections() == []
    assert left(settings) == Backlog()


def test_edited_documents_that_no_slice_has_read_yet_answer_as_before(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.txt" for number in range(6)]
    for name in names:
        (settings.uploads / name).write_text(f"The zebra of {name} has stripes.")
    text_lane(settings)
    vectors_lane(settings)
    for name in names:
        (settings.uploads / name).write_text(f"The giraffe of {name} has a long neck. " + "grass " * 5000)
    vectors_lane(settings)
    workspace = Workspace(settings, "default", slice=Slice(1e-9))
    steps.source_documents.update_documents(workspace)
    steps.vector_index.update_index(workspace)  # the other lane's, between scan and reading
    assert found(settings, "zebra") == set(names)
    assert consistent(settings)
    read = []
    for _ in range(8):
        text_lane(settings, Slice(1e-9))
        read.append(len(found(settings, "giraffe")))
        assert found(settings, "giraffe") | found(settings, "zebra") == set(names)
        assert not found(settings, "giraffe") & found(settings, "zebra")
        assert consistent(settings)
        if read[-1] == 6:
            break
    assert read[0] < read[-1] == 6
    assert found(settings, "zebra") == set()


def test_a_catalog_deleted_by_hand_takes_nothing_from_what_answers(settings: Settings) -> None:
    for number in range(6):
        (settings.uploads / f"{number}.txt").write_text(f"Zebra {number}. " + "grass " * 5000)
    text_lane(settings)
    settings.catalog_path.unlink()
    text_lane(settings, Slice(1e-9))
    assert len(found(settings, "zebra")) == 6


def test_documents_that_a_dying_run_did_not_cut_anew_answer_as_they_were_cut(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (settings.uploads / f"{number}.txt").write_text(f"Number {number}. {LONG}")
    text_lane(settings)
    vectors_lane(settings)
    monkeypatch.setattr(steps.chunks, "_GROUP_DOCUMENTS", 1)
    changed = settings.model_copy(update={"chunk_tokens": 64})
    steps.chunks.cut_chunks(Workspace(changed, "default", slice=Slice(1e-9)))
    vectors_lane(changed)
    assert len(found(settings, "zebras")) == 4
    assert manifest(settings).vectors == manifest(settings).chunks
    assert left(changed).documents == 3
    text_lane(changed)
    vectors_lane(changed)
    assert left(changed) == Backlog()
    assert consistent(changed)


def test_while_another_model_takes_over_no_document_loses_its_vectors(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps.embeddings, "_LOOK_EVERY", 2)
    for number in range(3):
        (settings.uploads / f"{number}.txt").write_text(f"Number {number}. {LONG}")
    text_lane(settings)
    vectors_lane(settings)
    old = manifest(settings)
    changed = other_model(settings, tmp_path).model_copy(update={"chunk_tokens": 64})
    text_lane(changed)
    slices = 0
    while left(changed).passages:
        assert (manifest(settings).chunks, manifest(settings).vectors) == (old.chunks, old.vectors)
        vectors_lane(changed, Slice(1e-9))
        slices += 1
    assert slices > 3
    assert manifest(settings).embedding_fingerprint == locate_model(changed).fingerprint
    assert manifest(settings).vectors == manifest(settings).chunks > old.chunks
    assert list(settings.staging_path.rglob("*.texts.parquet")) == []


def test_cuts_that_were_embedded_and_not_published_ask_for_a_run(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text(LONG)
    text_lane(settings)
    vectors_lane(settings)
    changed = settings.model_copy(update={"chunk_tokens": 64})
    text_lane(changed)
    workspace = Workspace(changed, "default")
    for batch in steps.embeddings.plan_embeddings(workspace):
        steps.embeddings.embed_batch(workspace, batch)
    steps.embeddings.commit_embeddings(workspace)  # and killed before publication
    assert left(changed).passages == 1
    vectors_lane(changed)
    assert left(changed) == Backlog()
    assert manifest(settings).chunks > 20


def test_a_document_longer_than_a_part_is_published_whole(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.vector_index, "_CHUNKS_OF_A_PART", 3)
    (settings.uploads / "long.txt").write_text(LONG)
    for number in range(4):
        (settings.uploads / f"{number}.txt").write_text(f"Owl {number}.")
    text_lane(settings)
    assert manifest(settings).chunks == sum(row.chunks for row in Catalog(settings.catalog_path).documents())
    assert len(found(settings, "owl")) == 4
    workspace = Workspace(settings, "default")
    assert chunk_counts(workspace).indexed == chunk_counts(workspace).expected > 7


def test_a_long_document_is_written_again_when_its_vectors_have_doubled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps.vector_index, "_LONG_CHUNKS", 4)
    monkeypatch.setattr(steps.embeddings, "_LOOK_EVERY", 1)
    (settings.uploads / "long.txt").write_text(LONG)
    text_lane(settings)
    published = []
    while left(settings).passages:
        vectors_lane(settings, Slice(1e-9))
        published.append(manifest(settings).vectors)
    assert published[:5] == [1, 2, 2, 4, 4]
    assert published[-1] == manifest(settings).chunks
    assert row(settings, "long.txt").state == "indexed"


def test_passages_that_could_not_be_exported_are_not_called_published(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.uploads / "a.txt").write_text("Zebras have stripes.")
    monkeypatch.setattr(steps.vector_index, "complete_words", lambda workspace: None)
    with pytest.raises(TransientError, match="0 of 1 passages"):
        text_lane(settings)
    assert open_index(settings).manifest("default") is None
    monkeypatch.undo()
    text_lane(settings)
    assert found(settings, "zebras") == {"a.txt"}


def test_another_version_of_a_reader_asks_for_a_run(settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("Zebras have stripes.")
    text_lane(settings)
    with Catalog(settings.catalog_path).writing() as connection:
        connection.execute("UPDATE documents SET extraction_key = 'of an older reader'")
        connection.execute("UPDATE extractions SET extraction_key = 'of an older reader'")
    assert left(settings).documents >= 1
    text_lane(settings)
    assert left(settings).documents == 0


def test_slices_forget_what_nobody_needs(settings: Settings) -> None:
    settings = settings.model_copy(update={"deletion_hold_hours": 0, "retention_days": 0})
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).write_text(f"Zebras of {name}.")
    text_lane(settings, Slice(60))
    vectors_lane(settings, Slice(60))
    (settings.uploads / "a.txt").unlink()
    text_lane(settings, Slice(60))
    with Catalog(settings.catalog_path).reading() as connection:
        assert connection.execute("SELECT text FROM elements").fetchall() == [("Zebras of b.txt.",)]


def test_another_installation_s_collections_on_a_shared_server_ask_for_nothing(settings: Settings) -> None:
    client, catalog = QdrantClient(":memory:"), Catalog(settings.catalog_path)
    server = ServerIndex(client)
    server.publish(change("theirs", points("a.md", "zebras"), model="another model"))
    assert backlogs(settings, catalog, server, ["ours"]) == {}
    assert "theirs" in backlogs(settings, catalog, server, ["theirs"])
    client.set_payload(ServerOptions().manifests, {"current": {"manifest": "nonsense"}}, [manifest_id("theirs")])
    assert [error.collection for error in ServerIndex(client).damaged()] == ["theirs"]
    assert backlogs(settings, catalog, ServerIndex(client), ["ours"]) == {}  # a run of ours would drop what is theirs


def test_slices_grow_from_a_few_seconds_to_what_the_setting_says(settings: Settings) -> None:
    assert [slice_seconds(settings, "text", earlier) for earlier in range(7)] == [1, 3, 9, 27, 60, 60, 60]
    assert [slice_seconds(settings, "vectors", earlier) for earlier in range(4)] == [60, 180, 240, 240]
    assert slice_seconds(settings, "text", 10**6) == 60
    quick = settings.model_copy(update={"slice_seconds": 1.0})
    assert slice_seconds(quick, "text", 0) == 1


def test_the_time_of_a_slice_begins_when_it_is_first_asked_for() -> None:
    piece = Slice(1e-9)
    assert not piece.is_over()
    assert piece.is_over()

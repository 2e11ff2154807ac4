"""What every engine must do alike."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from rag_pipeline.errors import RagError
from rag_pipeline.models import Box, IndexedChunk, Place
from rag_pipeline.stores.vectors import (
    INDEX_SCHEMA,
    CollectionNotIndexedError,
    Footprint,
    IndexChange,
    IndexChangedError,
    SearchQuery,
    VectorIndex,
    indexed_chunk,
    is_rolled_back,
)
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.points import folders_of, type_of
from rag_pipeline_tests.stores.vectors.conftest import DIMENSION, change, hits, points


def test_nothing_is_published_at_first(index: VectorIndex, name: str) -> None:
    assert index.manifest(name) is None
    assert name not in index.collections()
    assert set(index.revisions(name)) == set()
    assert index.count(name) == 0
    with pytest.raises(CollectionNotIndexedError, match="rag ingest"):
        hits(index, name, SearchQuery(text="anything"))
    with pytest.raises(CollectionNotIndexedError):
        index.passages(name, [])


def test_a_published_version_is_found_and_described(index: VectorIndex, name: str) -> None:
    manifest = index.publish(change(name, points("a.md", "foxes run", "owls sleep"), points("b.md", "ships sail"), documents=2))
    assert (manifest.collection, manifest.documents, manifest.chunks) == (name, 2, 3)
    assert (manifest.embedding_model, manifest.dimension, manifest.index_schema) == ("model-a", DIMENSION, INDEX_SCHEMA)
    assert index.manifest(name) == manifest
    assert name in index.collections()
    assert set(index.revisions(name)) == {"key-a.md", "key-b.md"}
    assert index.count(name) == 3
    footprint = index.footprint(name)
    assert footprint == Footprint() or (footprint.segments == 1 and (footprint.size_bytes or 0) > 1000)  # a server tells neither


def test_a_hit_carries_all_that_was_stored(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("folder/a.md", "foxes run", collection=name)))
    (hit,) = hits(index, name, SearchQuery(text="fox"))
    assert (hit.rank, hit.text, hit.document, hit.collection, hit.context) == (1, "foxes run", "folder/a.md", name, "Heading")
    assert (hit.page_first, hit.page_last, hit.position, hit.document_id) == (1, 2, 0, "id-folder/a.md")
    assert hit.heading_path == ("Heading", "Sub")
    assert (hit.boxes, hit.headings) == ((Box(1, 0.1, 0.2, 0.3, 0.4, 0, 5),), (Place(0, 5),))
    assert hit.score > 0


def test_words_find_what_vectors_do_not_and_the_other_way_round(index: VectorIndex, name: str) -> None:
    index.publish(
        change(
            name,
            points("words.md", "the zeppelin landed", vector=[0.0, 1.0, 0.0, 0.0]),
            points("meaning.md", "an airship came down", vector=[1.0, 0.0, 0.0, 0.0]),
            points("other.md", "cheese and bread", vector=[0.0, 0.0, 1.0, 0.0]),
        )
    )
    by_words = hits(index, name, SearchQuery(text="zeppelins landing"))
    by_vector = hits(index, name, SearchQuery(dense=[1.0, 0.1, 0.0, 0.0], top_k=1))
    both = hits(index, name, SearchQuery(dense=[1.0, 0.1, 0.0, 0.0], text="zeppelins landing"))
    assert [hit.document for hit in by_words] == ["words.md"]
    assert [hit.document for hit in by_vector] == ["meaning.md"]
    assert {hit.document for hit in both[:2]} == {"words.md", "meaning.md"}
    assert [hit.rank for hit in both] == [1, 2, 3]


def test_hybrid_scores_follow_the_documented_formula(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "zeppelin")))
    (hit,) = hits(index, name, SearchQuery(dense=[1.0, 0.0, 0.5, 0.25], text="zeppelin"))
    assert hit.score == pytest.approx(1 / (2 - 1 + 1) * 2)


def test_candidates_are_the_fused_hits_with_their_cosines(index: VectorIndex, name: str) -> None:
    index.publish(
        change(
            name,
            points("near.md", "an airship came down", vector=[1.0, 0.0, 0.0, 0.0]),
            points("words.md", "the zeppelin landed", vector=[0.6, 0.8, 0.0, 0.0]),
            points("far.md", "cheese and bread", vector=[0.0, 0.0, 1.0, 0.0]),
        )
    )
    query = SearchQuery(dense=[1.0, 0.0, 0.0, 0.0], text="zeppelins", top_k=2)
    found = index.candidates(name, query)
    assert [candidate.rank for candidate in found] == [1, 2]
    cosines = {candidate.hit.document: candidate.cosine for candidate in found}
    assert cosines == {"near.md": pytest.approx(1.0, abs=1e-4), "words.md": pytest.approx(0.6, abs=1e-4)}
    words = {candidate.hit.document: candidate.words for candidate in found}
    assert words["words.md"] == word_ids("Heading\nthe zeppelin landed")
    wordless = index.candidates(name, SearchQuery(dense=[1.0, 0.0, 0.0, 0.0], text="?"))
    assert [candidate.hit.document for candidate in wordless] == ["near.md", "words.md", "far.md"]
    assert wordless[0].score == pytest.approx(0.5)


def test_what_scores_alike_comes_in_the_same_order_each_time(index: VectorIndex, name: str) -> None:
    """Fusion by rank scores many points alike; an engine may order those otherwise each time, and cut elsewhere."""
    index.publish(change(name, [chunk for number in range(60) for chunk in points(f"{number}.md", "foxes run")], documents=60))
    query = SearchQuery(dense=[1.0, 0.0, 0.5, 0.25], text="foxes", top_k=10, prefetch=60)
    scores = [candidate.score for candidate in index.candidates(name, query)]
    assert scores == sorted(scores, reverse=True)
    assert len({tuple(hit.chunk_id for hit in hits(index, name, query)) for _ in range(5)}) == 1
    ids = [hit.chunk_id for hit in hits(index, name, SearchQuery(text="foxes", top_k=60))]
    assert len(ids) == len(set(ids)) == 60


@pytest.mark.parametrize(
    ("text", "question"), [("东京塔很高", "东京塔有多高"), ("東京タワーは高い", "タワー"), ("Café Müller", "cafe muller")]
)
def test_words_of_other_languages_are_found(index: VectorIndex, name: str, text: str, question: str) -> None:
    index.publish(change(name, points("a.md", text), points("b.md", "something else")))
    assert [hit.text for hit in hits(index, name, SearchQuery(text=question))] == [text]


def test_a_question_without_words_or_vector_finds_nothing(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    assert hits(index, name, SearchQuery(text="🎉 !?")) == []
    assert hits(index, name, SearchQuery()) == []


def test_a_chunk_without_words_is_found_by_vector(index: VectorIndex, name: str) -> None:
    (chunk,) = points("a.md", "🎉")
    silent = IndexedChunk(chunk.chunk_id, chunk.dense, type(chunk.sparse)([], []), chunk.payload)
    index.publish(change(name, [silent]))
    assert [hit.text for hit in hits(index, name, SearchQuery(dense=[1, 0, 0.5, 0.25], text="fox"))] == ["🎉"]


def test_documents_narrow_a_search(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run"), points("b.md", "foxes sleep"), points("c.md", "foxes eat")))
    query = SearchQuery(dense=[1, 0, 0, 0], text="foxes", documents=("a.md", "c.md"))
    assert {hit.document for hit in hits(index, name, query)} == {"a.md", "c.md"}
    assert {hit.document for hit in hits(index, name, SearchQuery(text="foxes", documents=("b.md",)))} == {"b.md"}


def test_a_change_removes_replaces_and_adds(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run", "foxes hide"), points("b.md", "owls sleep"), points("c.md", "ships")))
    before = index.manifest(name)
    after = index.publish(change(name, points("a.md", "wolves run"), points("d.md", "bees hum"), removed=["key-a.md", "key-b.md"]))
    assert before and after.version != before.version
    assert set(index.revisions(name)) == {"key-a.md", "key-c.md", "key-d.md"}
    assert index.count(name) == after.chunks == 3
    assert hits(index, name, SearchQuery(text="foxes")) == []
    assert [hit.text for hit in hits(index, name, SearchQuery(text="wolf wolves"))] == ["wolves run"]


def test_from_scratch_forgets_the_rest(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    index.publish(change(name, points("b.md", "owls sleep"), scratch=True))
    assert set(index.revisions(name)) == {"key-b.md"}


def test_an_empty_version_answers_with_nothing(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    manifest = index.publish(change(name, removed=["key-a.md"], documents=0))
    assert manifest.chunks == 0
    assert hits(index, name, SearchQuery(dense=[1, 0, 0, 0], text="foxes")) == []
    assert set(index.revisions(name)) == set()
    assert name in index.collections()


def test_a_change_that_breaks_leaves_the_old_version(index: VectorIndex, name: str) -> None:
    before = index.publish(change(name, points("a.md", "foxes run")))

    def broken() -> Iterator[list[IndexedChunk]]:
        yield points("b.md", "owls sleep")
        raise ValueError("a batch could not be read")

    with pytest.raises(ValueError, match="a batch"):
        index.publish(IndexChange(name, "model-a", "fingerprint of model-a", DIMENSION, ["key-a.md"], broken(), 1))
    assert index.manifest(name) == before
    assert [hit.text for hit in hits(index, name, SearchQuery(text="foxes"))] == ["foxes run"]
    index.publish(change(name, points("b.md", "owls sleep")))
    assert set(index.revisions(name)) == {"key-a.md", "key-b.md"}


def test_another_model_needs_a_version_from_scratch(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    with pytest.raises(RagError, match="--full"):
        index.publish(change(name, points("b.md", "owls sleep"), model="model-b"))
    index.publish(change(name, points("b.md", "owls sleep"), model="model-b", scratch=True))
    with pytest.raises(IndexChangedError):
        hits(index, name, SearchQuery(dense=[1, 0, 0, 0], embedding_fingerprint="fingerprint of model-a"))
    assert hits(index, name, SearchQuery(dense=[1, 0, 0, 0], embedding_fingerprint="fingerprint of model-b"))


def test_rollback_goes_back_and_forth(index: VectorIndex, name: str) -> None:
    with pytest.raises(RagError, match="nothing to go back"):
        index.rollback(name)
    first = index.publish(change(name, points("a.md", "foxes run")))
    second = index.publish(change(name, points("b.md", "owls sleep"), documents=2))
    assert (index.previous(name), is_rolled_back(second, first)) == (first, False)
    assert index.kept()[name] == (second, first)
    assert index.rollback(name) == first
    assert (index.previous(name), is_rolled_back(first, second)) == (second, True)
    assert set(index.revisions(name)) == {"key-a.md"}
    assert index.rollback(name) == second
    assert set(index.revisions(name)) == {"key-a.md", "key-b.md"}


def test_a_dropped_collection_is_gone_and_can_come_back(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    assert hits(index, name, SearchQuery(text="foxes"))
    index.drop(name)
    index.drop(name)
    assert index.manifest(name) is None
    with pytest.raises(CollectionNotIndexedError):
        hits(index, name, SearchQuery(text="foxes"))
    index.publish(change(name, points("b.md", "owls sleep")))
    assert set(index.revisions(name)) == {"key-b.md"}


def test_passages_come_in_the_order_asked_for(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "one", "two", "three")))
    one, two, three = (chunk.chunk_id for chunk in points("a.md", "one", "two", "three"))
    found = index.passages(name, [three, "not an id", str(uuid.uuid4()), one, two])
    assert [hit.text for hit in found] == ["three", "one", "two"]
    assert [hit.chunk_id for hit in found] == [three, one, two]


def test_every_document_key_is_reported(index: VectorIndex, name: str) -> None:
    index.publish(change(name, [chunk for number in range(300) for chunk in points(f"{number}.md", "same words", "again")]))
    assert set(index.revisions(name)) == {f"key-{number}.md" for number in range(300)}


def test_collections_do_not_see_each_other(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    index.publish(change(f"{name}2", points("b.md", "owls sleep")))
    index.drop(name)
    assert set(index.revisions(f"{name}2")) == {"key-b.md"}
    assert hits(index, f"{name}2", SearchQuery(text="owls"))


def test_the_chunks_around_another_one(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "one", "two", "three", "four"), points("b.md", "one", "ships sail"), documents=2))
    chunk = points("a.md", "one", "two", "three", "four")[2].chunk_id

    def around(before: int, after: int) -> list[str]:
        return [hit.text for hit in index.neighbours(name, chunk, before, after)]

    assert around(0, 0) == ["three"]
    assert around(0, 1) == ["three", "four"]
    assert around(1, 0) == ["two", "three"]
    assert around(9, 9) == ["one", "two", "three", "four"]
    assert around(2, -1) == ["one", "two"]
    assert around(9, -9) == []
    assert {hit.document for hit in index.neighbours(name, chunk, 9, 9)} == {"a.md"}
    assert index.neighbours(name, "not-an-id", 1, 1) == index.neighbours(name, str(uuid.uuid4()), 1, 1) == []
    index.publish(change(name, points("b.md", "other"), removed=["key-a.md", "key-b.md"]))
    assert index.neighbours(name, chunk, 9, 9) == []


def test_the_rarity_of_a_word_is_that_of_the_collection(index: VectorIndex, name: str) -> None:
    """However the passages came into the index: in one change, or each in its own, or after others were removed."""
    texts = ["zeppelin and owl", "zeppelin and fox", "zeppelin and ship", "owl and bee", "a bee"]
    documents = [points(f"{number}.md", text, collection=f"{name} at once") for number, text in enumerate(texts)]
    index.publish(change(f"{name} at once", *documents, documents=5))
    index.publish(change(name, *(points(f"gone {number}.md", "owl") for number in range(4)), documents=4))
    for number, document in enumerate(documents):
        index.publish(change(name, document, removed=[f"key-gone {number}.md"], documents=5))
    query = SearchQuery(text="zeppelin owl bee")
    assert [hit.document for hit in hits(index, name, query)] == [hit.document for hit in hits(index, f"{name} at once", query)]


def test_what_only_completes_a_version_is_none_to_go_back_to(index: VectorIndex, name: str) -> None:
    """After an edit, the version before is the one before the edit, however many slices its vectors took."""
    index.publish(change(name, points("a.md", "zebras")))
    edited = points("a.md", "giraffes", words_only=True)
    for chunk in edited:
        chunk.payload["document_key"] = "key-edited"  # type: ignore[index]
    index.publish(change(name, edited, removed=["key-a.md"]))
    for _ in range(3):
        index.publish(change(name, edited, removed=["key-edited"]))
    index.rollback(name)
    assert [hit.text for hit in hits(index, name, SearchQuery(text="zebras giraffes"))] == ["zebras"]
    index.rollback(name)
    assert [hit.text for hit in hits(index, name, SearchQuery(text="zebras giraffes"))] == ["giraffes"]


def test_several_collections_are_searched_at_once(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    index.publish(change(f"{name}2", points("b.md", "foxes sleep", "foxes eat"), model="model-b"))
    query = SearchQuery(dense=[1, 0, 0, 0], text="foxes")
    found = index.search({name: query, f"{name}2": query, "test-of nothing": query})
    assert {collection: sorted(one.hit.text for one in candidates) for collection, candidates in found.items()} == {
        name: ["foxes run"],
        f"{name}2": ["foxes eat", "foxes sleep"],
    }
    assert found[name] == index.candidates(name, query)
    assert {one: index.manifests()[one] for one in found} == {one: index.manifest(one) for one in found}
    with pytest.raises(IndexChangedError):
        index.search({name: query, f"{name}2": SearchQuery(dense=[1, 0, 0, 0], embedding_fingerprint="fingerprint of model-a")})
    assert index.search({}) == {}


def test_all_chunks_can_be_taken_elsewhere(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("a.md", "foxes run", "owls sleep"), points("gone.md", "bees hum"), documents=2))
    index.publish(change(name, points("b.md", "🎉", words_only=True), removed=["key-gone.md"], documents=2))
    chunks = sorted((chunk for batch in index.chunks(name) for chunk in batch), key=lambda chunk: chunk.chunk_id)
    given = sorted([*points("a.md", "foxes run", "owls sleep"), *points("b.md", "🎉", words_only=True)], key=lambda chunk: chunk.chunk_id)
    kept, wanted = (
        [(one.chunk_id, json.dumps(one.payload, sort_keys=True), sorted(one.sparse.indices), one.dense is None) for one in some]
        for some in (chunks, given)
    )
    assert kept == wanted
    query = SearchQuery(dense=[1, 0.5, 0, 0], text="foxes sleep")
    before = index.candidates(name, query)
    index.publish(change(f"{name}2", chunks, documents=2))
    assert [(one.hit.chunk_id, one.score, one.cosine) for one in index.candidates(f"{name}2", query)] == [
        (one.hit.chunk_id, pytest.approx(one.score), pytest.approx(one.cosine)) for one in before
    ]


PLACES = {"top.pdf": 100, "a/Report.PDF": 200, "a/b/notes.md": 300, "a/b/c/deep.txt": 400, "ab/not-in-a.md": 500, "a/.hidden": None}


def placed(index: VectorIndex, name: str) -> None:
    """Documents of folders, types and times, in several versions: some are written anew, some removed, some without a vector."""
    for document in PLACES:
        index.publish(change(name, points(document, "foxes ran", modified=1), documents=1))
    for document, modified in PLACES.items():
        again = points(document, "foxes run", modified=modified, words_only=modified == 300)
        index.publish(change(name, again, removed=[f"key-{document}"], documents=len(PLACES)))
    index.publish(change(name, points("a/gone.md", "foxes run", modified=200)))
    index.publish(change(name, removed=["key-a/gone.md"], documents=len(PLACES)))


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({"folder": "a"}, {"a/Report.PDF", "a/b/notes.md", "a/b/c/deep.txt", "a/.hidden"}),
        ({"folder": "a/b"}, {"a/b/notes.md", "a/b/c/deep.txt"}),
        ({"folder": "b"}, set()),
        ({"types": ("pdf",)}, {"top.pdf", "a/Report.PDF"}),
        ({"types": ("md", "hidden")}, {"a/b/notes.md", "ab/not-in-a.md", "a/.hidden"}),
        ({"since": 200}, {"a/Report.PDF", "a/b/notes.md", "a/b/c/deep.txt", "ab/not-in-a.md"}),
        ({"before": 300}, {"top.pdf", "a/Report.PDF"}),
        ({"since": 199.5, "before": 300.5}, {"a/Report.PDF", "a/b/notes.md"}),
        ({"folder": "a", "types": ("md", "pdf"), "since": 150, "before": 400, "documents": ("a/b/notes.md", "top.pdf")}, {"a/b/notes.md"}),
    ],
)
def test_folder_type_and_time_narrow_a_search(index: VectorIndex, name: str, narrowed: dict[str, Any], found: set[str]) -> None:
    placed(index, name)
    for asked in ({"text": "foxes"}, {"text": "foxes", "dense": [1, 0, 0, 0]}):
        chosen = hits(index, name, SearchQuery(**asked, **narrowed))
        assert {hit.document for hit in chosen} == found
        assert {hit.text for hit in chosen} <= {"foxes run"}
    by_meaning = hits(index, name, SearchQuery(dense=[1, 0, 0, 0], **narrowed))
    assert {hit.document for hit in by_meaning} == found - {"a/b/notes.md"}


def test_filters_hold_where_fields_are_indexed(index: VectorIndex, name: str) -> None:
    """Large segments have indexes of the fields that are filtered by."""
    many = [chunk for number in range(1100) for chunk in points(f"f{number % 11}/{number}.t{number % 7}", "foxes run", modified=number)]
    index.publish(change(name, many, documents=1100))
    query = SearchQuery(dense=[1, 0, 0, 0], text="foxes", top_k=1100, folder="f3", types=("t2", "t4"), since=200, before=900)
    wanted = {f"f3/{number}.t{number % 7}" for number in range(200, 900) if number % 11 == 3 and number % 7 in (2, 4)}
    assert {hit.document for hit in hits(index, name, query)} == wanted


@pytest.mark.parametrize("file", ["plain.md", "Ärger 100 %/🎉.md", os.fsdecode(b"ol\xe9/\xff\xfe.md")])
def test_a_hit_says_which_file_it_is_of(index: VectorIndex, name: str, file: str) -> None:
    (chunk,) = points("a.md", "foxes run")
    fields = {**chunk.payload, "file": os.fsencode(file)}
    index.publish(change(name, [indexed_chunk(fields, chunk.dense, chunk.sparse)]))
    (hit,) = hits(index, name, SearchQuery(text="fox"))
    assert (hit.file, hit.media_type, hit.pages) == (file, "text/markdown", 3)


def test_folders_and_types_are_told_from_names() -> None:
    assert folders_of("a/b/c.pdf") == ["a", "a/b"]
    assert folders_of("c.pdf") == []
    assert [type_of(name) for name in ("a.b/c.TXT", "a.b/README", ".profile", "x.")] == ["txt", "", "profile", ""]


def test_what_has_no_vector_yet_is_found_by_its_words(index: VectorIndex, name: str) -> None:
    index.publish(change(name, points("seen.md", "the zeppelin landed", vector=[1.0, 0.0, 0.0, 0.0])))
    manifest = index.publish(change(name, points("new.md", "a zeppelin rose", words_only=True), documents=2))
    assert (manifest.chunks, manifest.vectors) == (2, 1)
    assert index.revisions(name) == {"key-seen.md": "vectors", "key-new.md": "words"}
    both = index.candidates(name, SearchQuery(dense=[1.0, 0.0, 0.0, 0.0], text="zeppelin"))
    assert {found.hit.document: found.cosine for found in both} == {"seen.md": pytest.approx(1.0, abs=1e-4), "new.md": None}
    assert all(found.words >= word_ids("zeppelin") for found in both)
    by_meaning = index.candidates(name, SearchQuery(dense=[1.0, 0.0, 0.0, 0.0]))
    assert [found.hit.document for found in by_meaning] == ["seen.md"]
    assert [found.cosine for found in index.candidates(name, SearchQuery(text="zeppelin"))] == [None, None]


def test_vectors_are_added_to_the_same_points(index: VectorIndex, name: str) -> None:
    (before,) = points("a.md", "a zeppelin rose", words_only=True)
    index.publish(change(name, [before]))
    index.publish(change(name, points("a.md", "a zeppelin rose", vector=[0.0, 1.0, 0.0, 0.0]), removed=["key-a.md"]))
    (found,) = index.candidates(name, SearchQuery(dense=[0.0, 1.0, 0.0, 0.0], text="zeppelin"))
    assert found.hit.chunk_id == before.chunk_id
    assert found.cosine == pytest.approx(1.0, abs=1e-4)
    manifest = index.manifest(name)
    assert manifest
    assert (manifest.chunks, manifest.vectors) == (1, 1)
    assert index.revisions(name) == {"key-a.md": "vectors"}


def test_a_clock_that_is_set_back_is_no_rollback(index: VectorIndex, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    index.publish(change(name, points("a.md", "foxes run")))
    first = index.manifest(name)
    monkeypatch.setattr("rag_pipeline.stores.vectors.versions.datetime", OfYesterday)
    index.publish(change(name, points("b.md", "owls sleep"), documents=2))
    current, previous = index.manifest(name), index.previous(name)
    assert current and previous and previous == first
    assert not is_rolled_back(current, previous)


class OfYesterday(datetime):
    """A clock that goes a day behind."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> OfYesterday:
        return super().now(tz) - timedelta(days=1)

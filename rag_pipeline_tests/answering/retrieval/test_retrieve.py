"""Searching collections with the model that each was indexed with."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag_pipeline.answering.question import BadQuestionError, checked_question
from rag_pipeline.answering.retrieval import question_encoder
from rag_pipeline.answering.retrieval.question_encoder import QuestionEncoder, SentenceEncoder
from rag_pipeline.answering.retrieval.retrieve import NothingIndexedError, Retriever, model_of
from rag_pipeline.answering.scope import EVERYWHERE, DocumentFilter, Scope
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.model_files import EmbeddingModelError, locate_model
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import open_index
from rag_pipeline.stores.vectors.versions import CollectionFolder
from rag_pipeline_tests.answering.conftest import BRIDGE, chunks, publish, settings_at
from rag_pipeline_tests.made_model import put_into


def retriever(settings: Settings) -> Retriever:
    return Retriever(open_index(settings), settings)


async def test_the_right_passage_comes_first_out_of_all_collections(library_settings: Settings) -> None:
    hits = (await retriever(library_settings).retrieve("When was the Iron Bridge opened?", EVERYWHERE, 3)).hits
    assert hits[0].text == BRIDGE[0]
    assert (hits[0].collection, hits[0].document, hits[0].page_first) == ("bridges", "iron.md", 1)
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert len({hit.collection for hit in (await retriever(library_settings).retrieve("bridge", EVERYWHERE, 10)).hits}) == 3


async def test_scope_narrows(library_settings: Settings) -> None:
    ask = retriever(library_settings).retrieve
    assert {hit.collection for hit in (await ask("When was the bridge opened?", Scope(("animals", "deutsch")), 8)).hits} == {
        "animals",
        "deutsch",
    }
    assert (await ask("When was the bridge opened?", Scope(("bridges",), DocumentFilter(("other.md",))), 8)).hits == ()


async def test_an_unknown_collection_is_named_with_those_that_exist(library_settings: Settings) -> None:
    with pytest.raises(RagError, match=r"'brigdes'.*'animals', 'bridges', 'deutsch'"):
        await retriever(library_settings).retrieve("When?", Scope(("brigdes",)), 8)


async def test_nothing_indexed_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingIndexedError, match=r"drop files into .*uploads"):
        await retriever(settings_at(tmp_path)).retrieve("When?", EVERYWHERE, 8)


async def test_where_a_version_is_damaged_the_one_before_answers_whoever_names_its_collection(tmp_path: Path, packaged_model: Path) -> None:
    put_into(tmp_path, packaged_model)
    settings = settings_at(tmp_path)
    publish(settings, "bridges", {"iron.md": BRIDGE})
    publish(settings, "bridges", {"tin.md": ["The Tin Bridge was opened in 1999."]}, from_scratch=False)
    folder = CollectionFolder(settings.index_path, "bridges")
    for whole in (True, False):  # both versions are damaged in the end
        manifest = folder.manifest()
        assert manifest is not None
        folder.mark_damaged(manifest, "a file is cut off")
        for scope in (EVERYWHERE, Scope(("bridges",))):
            ask = retriever(settings).retrieve("When was the Iron Bridge opened?", scope, 3)
            if whole:
                assert (await ask).hits[0].text == BRIDGE[0]
            else:
                with pytest.raises(RagError, match="a file is cut off"):
                    await ask


async def test_a_passage_is_found_by_its_citation(library_settings: Settings) -> None:
    made = retriever(library_settings)
    (hit, *_) = (await made.retrieve("bees dance", EVERYWHERE, 1)).hits
    found = await made.passage("animals", hit.chunk_id)
    assert found is not None
    assert found.text == hit.text
    assert await made.passage("animals", "not-an-id") is None
    assert await made.passage("gone", hit.chunk_id) is None


async def test_a_collection_answers_with_the_model_it_was_indexed_with(tmp_path: Path) -> None:
    settings = settings_at(tmp_path / "data")
    publish(settings, "bridges", {"iron.md": BRIDGE})
    other = tmp_path / "other-model"
    shutil.copytree(locate_model(settings).path, other)
    (other / "note.json").write_text("{}")  # another fingerprint
    changed = settings.model_copy(update={"embedding_model": str(other)})
    hits = (await retriever(changed).retrieve("When was the Iron Bridge opened?", EVERYWHERE, 1)).hits
    assert hits[0].text == BRIDGE[0]


async def test_vectors_of_a_model_that_is_not_here_are_not_compared(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    publish(settings, "bridges", {"iron.md": BRIDGE}, embedding_fingerprint="of files that have changed since")
    with pytest.raises(RagError, match="rag ingest 'bridges'"):
        await retriever(settings).retrieve("When?", EVERYWHERE, 1)


async def test_without_any_vector_a_question_needs_none_and_no_model(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    by_words = [replace(chunk, dense=None) for chunk in chunks("bridges", "iron.md", BRIDGE, settings)]
    publish(settings, "bridges", {"iron.md": []}, chunks=[by_words], embedding_fingerprint="of a model that is not here")
    hits = (await retriever(settings).retrieve("When was the Iron Bridge opened?", EVERYWHERE, 3)).hits
    assert hits[0].text == BRIDGE[0]


async def test_a_question_that_the_model_does_not_read_is_searched_for_by_its_words(
    library_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without_vector:
        without_vector.setattr(QuestionEncoder, "vector", None)
        found = await retriever(library_settings).retrieve("Какой мост был открыт в 1781 году?", EVERYWHERE, 3)
    assert found.coverage.unread
    assert "RAG_EMBEDDING_MODEL=" in found.coverage.reason
    assert "1781" in found.hits[0].text
    nothing_by_words = await retriever(library_settings).retrieve("Какой мост был открыт?", EVERYWHERE, 3)
    assert nothing_by_words.hits
    assert not nothing_by_words.coverage.reason


def test_languages_are_told_by_their_word_pieces(library_settings: Settings) -> None:
    counter = locate_model(library_settings).token_counter()
    read = ("What is the CJEU's duty?", "MKSYSB", "Wie lautet der Name?", "¿Dónde está?", "34,229", "Łódź w 2022")
    assert all(map(counter.reads, read))
    assert not any(map(counter.reads, ("Столица Франции?", "ما هي العاصمة؟", "首都是哪里？", "Ποια είναι;", "भारत की राजधानी")))


def test_fewer_numbers_of_a_vector_are_another_model_and_the_index_of_all_of_them_answers_on(
    tmp_path: Path, library_settings: Settings
) -> None:
    short = library_settings.model_copy(update={"embedding_dimensions": 64})
    whole, cut = locate_model(library_settings), locate_model(short)
    assert (cut.dimension, cut.whole) == (64, whole)
    assert cut.fingerprint != whole.fingerprint
    vector, expected = load_embedder(cut, short).embed_query("bees"), load_embedder(whole, library_settings).embed_query("bees")[:64]
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    assert load_embedder(cut, short).embed_documents([]).shape == (0, 64)
    manifest = open_index(library_settings).manifest("bridges")
    assert manifest
    assert model_of(manifest, short) == whole
    assert model_of(replace(manifest, embedding_fingerprint=cut.fingerprint, dimension=64), library_settings) == cut
    with pytest.raises(EmbeddingModelError, match="RAG_EMBEDDING_DIMENSIONS is 999"):
        locate_model(library_settings.model_copy(update={"embedding_dimensions": 999}))


async def test_tags_narrow_to_the_documents_that_have_them(library_settings: Settings) -> None:
    ask = retriever(library_settings).retrieve

    async def found(tagged: dict[str, tuple[str, ...]] | None, **more: Any) -> set[str]:
        hits = (await ask("bridge", Scope((), DocumentFilter(tags=("x",), **more), tagged=tagged), 8)).hits
        return {hit.document for hit in hits}

    many = tuple(f"no such {number}.md" for number in range(10_000))
    assert await found({"bridges": (*many, "iron.md")}) == {"iron.md"}
    assert await found({"bridges": ("iron.md",), "animals": many}) == {"iron.md"}
    assert await found({"animals": ("iron.md",)}) == set()
    assert await found({}) == set()
    assert await found({"bridges": ("iron.md",)}, documents=("other.md",)) == set()
    assert await found({"bridges": ("iron.md",)}, documents=("iron.md", "other.md")) == {"iron.md"}
    with pytest.raises(ValueError, match="looks up"):
        await found(None)


async def test_a_filter_is_applied_by_the_index(library_settings: Settings) -> None:
    ask = retriever(library_settings).retrieve
    now = datetime.now(UTC).replace(tzinfo=None)
    assert (await ask("bridge", Scope(("bridges",), DocumentFilter(types=(".MD",))), 8)).hits
    assert (await ask("bridge", Scope(("bridges",), DocumentFilter(types=("pdf",))), 8)).hits == ()
    assert (await ask("bridge", Scope(("bridges",), DocumentFilter(folder="/there/")), 8)).hits == ()
    assert (await ask("bridge", Scope(("bridges",), DocumentFilter(before=now)), 8)).hits
    assert (await ask("bridge", Scope(("bridges",), DocumentFilter(since=now)), 8)).hits == ()
    assert not library_settings.catalog_path.exists()


@pytest.mark.parametrize("question", ["", "   ", "?!", "🎉🎉", "\x00", "—"])
def test_what_has_no_word_is_no_question(question: str) -> None:
    with pytest.raises(BadQuestionError, match="no word"):
        checked_question(question)


def test_the_limit_of_a_question_is_said() -> None:
    longest = TUNING.question.longest_characters
    assert checked_question("a" * longest)
    with pytest.raises(BadQuestionError, match="20,001 characters; at most 20,000"):
        checked_question("a" * (longest + 1))


async def test_odd_characters_do_not_break_a_search(library_settings: Settings) -> None:
    for question in ("bridge \ud800 \x00 \x1b[31m", "鉄橋はいつ開通しましたか", "ж" * 5000, "bridge " * 2500, "a" * 20_000):
        assert (await retriever(library_settings).retrieve(question, EVERYWHERE, 2)).hits


def test_the_end_of_a_long_question_is_not_dropped(library_settings: Settings) -> None:
    model = locate_model(library_settings)
    encoder = QuestionEncoder(library_settings)
    start = "The iron bridge over the river. " * 60
    vectors = [encoder.vector(start + end, model) for end in ("", "How many eggs does a queen bee lay? " * 30)]
    wanted = load_embedder(model, library_settings).embed_query("How many eggs does a queen bee lay?")
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-4) for vector in vectors)
    assert float(vectors[1] @ wanted) > float(vectors[0] @ wanted) + 0.2


def test_sentences_are_embedded_once_and_the_last_ones_remembered(library_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = locate_model(library_settings), []
    embedder = load_embedder(model, library_settings)

    class Recorded:
        dimension = embedder.dimension

        def embed_documents(self, texts: list[str]) -> np.ndarray:
            asked.append(texts)
            return embedder.embed_documents(texts)

    monkeypatch.setattr(question_encoder, "load_question_embedder", lambda *arguments: Recorded())
    encoder = SentenceEncoder(library_settings, replace(TUNING, caches=replace(TUNING.caches, sentence_vectors=2)))
    first = encoder.vectors(["one", "two", "one"], model)
    assert np.allclose(first, embedder.embed_documents(["one", "two", "one"]), atol=1e-3)
    assert np.array_equal(encoder.vectors(["two", "three"], model)[0], first[1])
    encoder.vectors(["one"], model)  # was the oldest of three
    assert asked == [["one", "two"], ["three"], ["one"]]
    assert encoder.vectors([], model).shape == (0, embedder.dimension)
    assert all(vector.base is None for vector in encoder._kept.values())  # a view would keep its whole batch in memory

"""A CrossEncoder made here, tiny and untrained: that it is used, not that it is good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rag_pipeline.answering.retrieval.reranking import RerankerError, Reread, is_close, reranked, reranker
from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import EVERYWHERE
from rag_pipeline.embedding.model_files import EmbeddingModelError, locate_model
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import open_index
from rag_pipeline_tests.answering.conftest import hit, settings_at


def cross_encoder(folder: Path, labels: int) -> Path:
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    source = locate_model(settings_at(folder)).path
    shutil.copytree(source, folder / "source")
    tokenizer = BertTokenizerFast.from_pretrained(folder / "source")
    config = BertConfig(
        vocab_size=tokenizer.vocab_size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=labels
    )
    BertForSequenceClassification(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def asking(settings: Settings) -> Reread:
    reread = reranker(settings)
    assert reread is not None
    return reread


def test_the_models_order_counts_and_the_retrievers_scores_stay(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    folder = cross_encoder(tmp_path, 1)
    hits = [
        hit(number, text, score=1 - number / 10) for number, text in enumerate(("bees dance", "iron", "a queen lays eggs", "toll"), start=1)
    ]
    expected = CrossEncoder(str(folder)).predict([("who lays eggs?", one.text) for one in hits])
    reread = asking(settings_at(tmp_path, reranker_model=str(folder)))
    found = reranked("who lays eggs?", hits, 3, reread)
    assert [one.chunk_id for one in found] == [hits[n].chunk_id for n in sorted(range(4), key=lambda n: -expected[n])[:3]]
    assert [one.rank for one in found] == [1, 2, 3]
    assert {one.score for one in found} <= {one.score for one in hits}
    assert reranked("who?", [], 3, reread) == ()
    assert reranker(settings_at(tmp_path)) is None


def test_it_reads_no_longer_than_it_may_and_only_where_the_first_are_close(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, reranker_model=str(cross_encoder(tmp_path, 1)), rerank_milliseconds=1)
    hits = [hit(number, f"text {number}", score=0.9) for number in range(1, 21)]
    assert len(asking(settings)([("who?", one.text) for one in hits])) == 8
    found = reranked("who?", hits, 20, asking(settings))
    assert {one.text for one in found[:8]} == {one.text for one in hits[:8]}
    assert [one.text for one in found[8:]] == [one.text for one in hits[8:]]
    assert is_close(hits)
    assert not is_close([hit(score=0.9), hit(score=0.5)])


async def test_the_retriever_asks_it_when_it_is_set(library_settings: Settings, tmp_path: Path) -> None:
    settings = library_settings.model_copy(update={"reranker_model": str(cross_encoder(tmp_path, 1))})
    plain = (await Retriever(open_index(library_settings), library_settings).retrieve("bridge", EVERYWHERE, 6)).hits
    found = (await Retriever(open_index(settings), settings).retrieve("bridge", EVERYWHERE, 6)).hits
    assert {one.chunk_id for one in found} == {one.chunk_id for one in plain}


def test_a_model_that_gives_no_single_score_is_named(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, reranker_model=str(cross_encoder(tmp_path, 3)))
    with pytest.raises(RerankerError, match="3 scores"):
        reranked("who?", [hit()], 3, asking(settings))


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingModelError, match="RAG_RERANKER_MODEL"):
        reranked("who?", [hit()], 3, asking(settings_at(tmp_path, reranker_model="no such/name at all")))

"""An embedding server in place of a model here: what is sent, what is believed of its answers, what becomes of all else when it fails."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr, ValidationError

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.cli.doctor import examine
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.embedding_server import EmbeddingServer, EmbeddingServerAwayError, EmbeddingServerError, Patience
from rag_pipeline.embedding.model import embedding_model, embedding_model_so_far, note_exchange
from rag_pipeline.embedding.model_files import EmbeddingModelError, packaged_folder
from rag_pipeline.embedding.served_embedder import IN_FLIGHT, MOST_CHARACTERS
from rag_pipeline.embedding.served_model import PROBE
from rag_pipeline.errors import TransientError
from rag_pipeline.ingestion.backlog import Backlog, backlogs
from rag_pipeline.ingestion.steps import embeddings
from rag_pipeline.ingestion.steps.lanes import Reports, run_lanes
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import Manifest, open_index
from rag_pipeline_tests.answering.conftest import events_of
from rag_pipeline_tests.conftest import run_steps, text_lane, vectors_lane
from rag_pipeline_tests.embedding.served import DIMENSION, EmbeddingService, serving

KEY = "sk-hush-hush"
QUICK = Patience(0.5, 0.5, 2)
ZEBRAS, OWLS, OTTERS = "Zebras have black and white stripes.", "Owls hunt mice at night.", "Otters sleep on their backs."


@pytest.fixture
def service() -> Iterator[EmbeddingService]:
    with serving() as made:
        yield made


@pytest.fixture
def served(settings: Settings, service: EmbeddingService) -> Settings:
    return settings.model_copy(update={"embedding_url": service.url, "embedding_model": "test-model"})


@pytest.fixture
def asked(served: Settings) -> EmbeddingServer:
    return EmbeddingServer(served.model_copy(update={"embedding_api_key": SecretStr(KEY)}), "test-model", QUICK)


def put(settings: Settings, **texts: str) -> None:
    for name, text in texts.items():
        (settings.uploads / f"{name}.txt").write_text(text)


def manifest(settings: Settings) -> Manifest:
    found = open_index(settings).manifest("default")
    assert found
    return found


def left(settings: Settings) -> Backlog:
    return backlogs(settings, Catalog(settings.catalog_path), open_index(settings), ["default"]).get("default", Backlog())


async def answer(settings: Settings, question: str) -> Answered:
    end = (await events_of(build_answerer(settings), question))[-1]
    assert isinstance(end, Answered), end
    return end


@pytest.mark.parametrize("as_lists", [False, True])
def test_each_text_gets_its_own_vector_by_requests_of_bounded_size(served: Settings, service: EmbeddingService, as_lists: bool) -> None:
    service.as_lists = as_lists
    settings = served.model_copy(update={"embedding_batch_size": 10})
    embedder = load_embedder(embedding_model(settings), settings)
    texts = [*(f"number {n} of many" for n in range(95)), "word " * (MOST_CHARACTERS // 5 - 1), "long " * (MOST_CHARACTERS // 5)]
    service.window, service.texts = 10**6, []
    vectors = embedder.embed_documents(texts)
    expected = np.stack([service.vector(text) for text in texts])
    assert np.allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert all(request[0] == PROBE for request in service.texts)
    assert sorted(text for request in service.texts for text in request[1:]) == sorted(texts)
    assert all(len(request) <= 11 and sum(map(len, request[1:])) <= MOST_CHARACTERS for request in service.texts)
    assert 1 < service.together <= IN_FLIGHT
    assert embedder.embed_documents([]).shape == (0, DIMENSION)


@pytest.mark.parametrize(("fault", "least_seconds"), [("429", 1.0), ("503", 0), ("half", 0), ("silent", 0.5)])
def test_what_passes_is_tried_again(asked: EmbeddingServer, service: EmbeddingService, fault: str, least_seconds: float) -> None:
    service.faults = [fault]
    started = time.monotonic()
    assert asked.ask(["one", "two"]).vectors.shape == (2, DIMENSION)
    assert time.monotonic() - started >= least_seconds
    assert len(service.texts) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("503", "RAG_EMBEDDING_URL"),
        ("400", "overloaded"),
        ("NaN", "NaN"),
        ("other length", "different lengths: "),
        ("one missing", "1 vectors for 2 texts"),
        ("elsewhere", "307"),
    ],
)
def test_what_does_not_pass_is_an_error_without_the_key(
    asked: EmbeddingServer, service: EmbeddingService, caplog: pytest.LogCaptureFixture, fault: str, said: str
) -> None:
    service.fault = fault
    with caplog.at_level(logging.DEBUG), pytest.raises(EmbeddingServerError, match=said) as raised:
        asked.ask(["one", "two"])
    assert service.url in str(raised.value)
    assert isinstance(raised.value, TransientError) == (fault not in ("400", "elsewhere"))
    logging.getLogger("test").error("as a run logs it", exc_info=raised.value)
    assert KEY not in str(raised.value) + caplog.text


def test_not_every_question_waits_for_a_server_that_is_silent(served: Settings, service: EmbeddingService) -> None:
    server = EmbeddingServer(served, "test-model", Patience(0.5, 0.5, 0, 1.0))
    service.faults = ["silent"]
    for _ in range(20):
        with pytest.raises(EmbeddingServerAwayError, match="was silent for"):
            server.ask(["one"])
    assert len(service.texts) == 1
    time.sleep(1.0)
    assert len(server.ask(["one"]).vectors) == 1


def test_a_wrong_key_address_or_name_is_told_apart_from_a_server_that_is_away(served: Settings, service: EmbeddingService) -> None:
    service.key = "another"
    with pytest.raises(EmbeddingServerError, match="RAG_EMBEDDING_API_KEY"):
        embedding_model(served.model_copy(update={"embedding_api_key": SecretStr(KEY)}))
    with pytest.raises(EmbeddingServerError, match="ends with /v1"):
        embedding_model(served.model_copy(update={"embedding_url": service.url.removesuffix("/v1")}))
    with pytest.raises(EmbeddingServerAwayError, match="cannot be reached"):
        embedding_model(served.model_copy(update={"embedding_url": "http://127.0.0.1:9/v1"}), QUICK)
    for url in ("localhost:8000", "http://", "http://user:secret@host/v1"):
        with pytest.raises(ValidationError, match="RAG_EMBEDDING_API_KEY"):
            Settings(embedding_url=url)
    assert Settings(embedding_url="http://host/v1/embeddings/").embedding_url == "http://host/v1"


def test_a_server_that_cuts_texts_is_found_out_before_it_gets_any(served: Settings, service: EmbeddingService) -> None:
    service.cuts, service.window = True, 200
    put(served, zebras=ZEBRAS)
    with pytest.raises(EmbeddingModelError, match=r"cuts texts without saying so.*RAG_CHUNK_TOKENS"):
        text_lane(served)
    assert not any(ZEBRAS in text for request in service.texts for text in request)
    service.cuts = False
    with pytest.raises(EmbeddingModelError, match=r"less than 200 tokens.*RAG_CHUNK_TOKENS"):
        text_lane(served)
    small = served.model_copy(update={"chunk_tokens": 150})
    run_steps(small)
    assert manifest(small).vectors == 1
    with pytest.raises(EmbeddingModelError, match="RAG_CHUNK_TOKENS"):  # larger chunks are tried before they are cut
        run_steps(served)
    assert left(served).documents == 1


def test_the_models_own_tokenizer_and_prompts_are_used_where_they_are_named(
    served: Settings, service: EmbeddingService, tmp_path: Path
) -> None:
    packaged = packaged_folder()
    assert packaged
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes((packaged / "tokenizer.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 128}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "query: ", "passage": "passage: "}}))
    settings = served.model_copy(update={"embedding_tokenizer": str(folder)})
    model = embedding_model(settings)
    assert (model.max_tokens, model.token_counter().count("embeddings"), model.dimension) == (128, 8, DIMENSION)
    assert model.fingerprint != embedding_model(served).fingerprint
    service.texts = []
    load_embedder(model, settings).embed_documents(["one"])
    load_embedder(model, settings).embed_query("two")
    assert [request[1:] for request in service.texts] == [["passage: one"], ["query: two"]]
    with pytest.raises(EmbeddingModelError, match="RAG_EMBEDDING_TOKENIZER"):
        embedding_model(served.model_copy(update={"embedding_tokenizer": str(tmp_path)}))


def test_a_text_that_the_server_does_not_take_stops_no_other(served: Settings, service: EmbeddingService) -> None:
    service.refused = "Owls"
    put(served, zebras=ZEBRAS, owls=OWLS, otters=OTTERS)
    workspace, reports = Workspace(served, "default"), Reports()
    run_lanes(workspace, ("text", "vectors"), reports)
    assert all(words in reports.refusal for words in ("Owls hunt", "less than 512 tokens", "RAG_CHUNK_TOKENS", service.url))
    assert (manifest(served).chunks, manifest(served).vectors) == (3, 2)
    assert left(served) == Backlog(documents=0, passages=1)
    service.texts = []
    vectors_lane(served)
    assert {text for request in service.texts for text in request} == {PROBE, OWLS}
    service.fault = "400"  # whatever it is asked
    with pytest.raises(EmbeddingServerError, match="overloaded"):
        vectors_lane(served)


def test_what_has_its_vectors_keeps_them_when_the_server_gives_out(
    served: Settings, service: EmbeddingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "_REPORT_EVERY", 2)
    put(served, **{f"animal{n}": f"Animal number {n} has {n} legs." for n in range(6)})
    text_lane(served)
    service.texts, service.faults = [], ["", "NaN"]
    workspace = Workspace(served, "default")
    (batch,) = embeddings.plan_embeddings(workspace)
    with pytest.raises(EmbeddingServerAwayError):
        embeddings.embed_batch(workspace, batch)
    embeddings.embed_batch(workspace, batch)  # as Dagster tries it again
    sent = [text for request in service.texts for text in request[1:]]
    assert len(sent) == 8
    assert len(set(sent)) == 6
    embeddings.commit_embeddings(workspace)
    assert embeddings.plan_embeddings(workspace) == []


async def test_another_model_behind_the_same_address_is_noticed_and_not_mixed(served: Settings, service: EmbeddingService) -> None:
    put(served, zebras=ZEBRAS, owls=OWLS)
    run_steps(served)
    first = manifest(served).embedding_fingerprint
    assert (await answer(served, "Which animals have black and white stripes?")).coverage is None
    service.faults = ["odd"]
    put(served, otters=OTTERS)
    with pytest.raises(EmbeddingServerAwayError, match="several models"):
        run_steps(served)
    assert embedding_model(served).fingerprint == first
    service.model, service.dimension = "exchanged", 48
    end = await answer(served, "Which animals have black and white stripes at night?")
    assert end.coverage
    assert "has another model now" in end.coverage.reason
    assert ZEBRAS in end.answer
    assert left(served).passages == 3
    run_steps(served)
    second = manifest(served)
    assert (second.embedding_fingerprint != first, second.dimension, second.vectors, left(served)) == (True, 48, 3, Backlog())
    assert (await answer(served, "Which animals have black and white stripes at night?")).coverage is None
    service.model, service.dimension, service.texts = "test-model", DIMENSION, []
    note_exchange(served)  # as rag ingest does, where nothing is left to do
    assert left(served).passages == 1
    run_steps(served)  # the vectors of the first model are still there
    assert manifest(served).embedding_fingerprint == first
    sent = {text for request in service.texts for text in request[1:]}
    assert {ZEBRAS, OWLS} & sent == set()


async def test_without_the_server_passages_are_found_by_words_and_that_is_said(served: Settings, service: EmbeddingService) -> None:
    put(served, zebras=ZEBRAS, owls=OWLS)
    run_steps(served)
    there = [one for one in await asyncio.to_thread(examine, served) if "embedding" in one.subject]
    assert [(one.state, "vectors of 64 numbers" in one.detail) for one in there] == [("ok", True)]
    away = served.model_copy(update={"embedding_url": "http://127.0.0.1:9/v1"})
    (said,) = [one for one in await asyncio.to_thread(examine, away) if "embedding" in one.subject]
    assert (said.state, "cannot be reached" in said.detail) == ("problem", True)
    end = await answer(away, "Which animals have black and white stripes?")
    assert end.coverage
    assert "cannot be reached" in end.coverage.reason
    assert ZEBRAS in end.answer
    put(away, otters=OTTERS)
    text_lane(away)  # reading and publishing go on
    assert (manifest(away).chunks, manifest(away).vectors) == (3, 2)
    unset = served.model_copy(update={"embedding_url": None})
    end = await answer(unset, "Which animals have black and white stripes?")
    assert end.coverage
    assert "Set RAG_EMBEDDING_URL again" in end.coverage.reason


def test_no_runtime_of_models_is_loaded(served: Settings) -> None:
    put(served, zebras=ZEBRAS)
    code = (
        "import asyncio, sys; from rag_pipeline.settings import load_settings; from rag_pipeline.answering.answerer import build_answerer;"
        "from rag_pipeline_tests.conftest import run_steps; settings = load_settings(); run_steps(settings);"
        "from rag_pipeline_tests.answering.conftest import events_of; answerer = build_answerer(settings);"
        "print(asyncio.run(events_of(answerer, 'Which animals have black and white stripes?'))[-1].answer);"
        "print(sorted({'torch', 'sentence_transformers', 'transformers', 'onnxruntime'} & set(sys.modules)))"
    )
    names: dict[str, Any] = {"RAG_DATA_DIR": served.data, "RAG_EMBEDDING_URL": served.embedding_url, "RAG_SETTLE_SECONDS": 0}
    names["PYTHONPATH"] = Path(__file__).parents[2]
    environment = {**os.environ, **{name: str(value) for name, value in names.items()}}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout.splitlines() == [f"{ZEBRAS} [1]", "[]"], said.stderr


def test_until_the_server_was_asked_nobody_asks_it_from_the_sensor(served: Settings, service: EmbeddingService) -> None:
    put(served, zebras=ZEBRAS)
    assert embedding_model_so_far(served) is None
    assert left(served) == Backlog()
    assert service.texts == []

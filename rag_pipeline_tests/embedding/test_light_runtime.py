"""The light runtime gives the vectors of sentence-transformers, or none."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag_pipeline.cli.doctor import examine
from rag_pipeline.embedding import embedder, light_export
from rag_pipeline.embedding.embedder import load_embedder, load_question_embedder
from rag_pipeline.embedding.light_export import make_light, why_not
from rag_pipeline.embedding.light_runtime import (
    LOWEST_COSINE,
    LightEmbedder,
    LightRuntimeError,
    _passes,
    _together,
    light_folder,
    open_light,
)
from rag_pipeline.embedding.model_files import ModelFiles, assumes_pooling, locate_model, prompts_left_out
from rag_pipeline.embedding.preparation import Preparation, stop_preparing
from rag_pipeline.embedding.probes import CHUNKS
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_pipeline.embedding.vectors import lowest_cosine
from rag_pipeline.settings import Settings
from rag_pipeline_tests.embedding.conftest import MakeModel
from rag_pipeline_tests.made_model import SAID
from rag_pipeline_tests.waiting import wait_until

LEAST = 0.9999
WORDS = st.lists(st.sampled_from(["bridge", "1781", "Über", "図書館", "🌍", "(", "pH 7.4", "antidisestablishmentarianism"]), max_size=400)
TEXTS = st.lists(st.one_of(st.text(max_size=200), WORDS.map(" ".join)), min_size=1, max_size=12)


@given(texts=TEXTS)
@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_texts_in_any_batch_have_the_same_vectors(texts: list[str], light: LightEmbedder, loaded: SentenceTransformerEmbedder) -> None:
    vectors = light.embed_documents(texts)
    assert vectors.dtype == np.float32
    assert lowest_cosine(vectors, loaded.embed_documents(texts)) >= LEAST
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert float(light.embed_query(texts[0]) @ loaded.embed_query(texts[0])) >= LEAST


def test_the_vectors_of_word_pieces_stay_in_their_file(light: LightEmbedder, light_settings: Settings, model: ModelFiles) -> None:
    folder = light_folder(model, light_settings)
    words = np.load(folder / "words.npy", mmap_mode="r")
    assert words.shape == (30522, 384)
    assert (folder / "model.onnx").stat().st_size < words.nbytes  # which has all other weights, and not these
    assert light.embed_query("the bridge").shape == (384,)
    regions = Path("/proc/self/smaps").read_text().split("VmFlags:")
    mapped = next(region for region in regions if str(folder / "words.npy") in region)
    assert "Anonymous:             0 kB" in mapped


def test_what_an_earlier_release_made_is_made_anew_and_deleted(make_model: MakeModel) -> None:
    from sentence_transformers.models import Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension())])
    small = locate_model(settings)
    folder = light_folder(small, settings)
    earlier, other = (folder.with_name(name) for name in (f"{small.fingerprint}-1", "0123456789abcdef-1"))
    for made in (earlier, other):
        made.mkdir(parents=True)
    _make_here(small, settings)
    assert (folder.is_dir(), earlier.exists(), other.is_dir()) == (True, False, True)


def test_a_model_that_does_not_tell_its_vectors_of_word_pieces_has_none(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentence_transformers.models import Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension())])
    small = locate_model(settings)
    loaded = SentenceTransformerEmbedder(small, "cpu", 32)
    monkeypatch.setattr(type(loaded.model[0].auto_model), "get_input_embeddings", _raising(NotImplementedError()))
    assert make_light(small, settings, loaded) is None
    assert why_not(small, settings) == "it does not tell its vectors of word pieces"


def test_many_texts_of_mixed_lengths_keep_their_order(light: LightEmbedder) -> None:
    texts = [f"number {n} " * (n % 9) for n in range(1100)]
    vectors = light.embed_documents(texts)
    assert all(float(light.embed_query(texts[n]) @ vectors[n]) >= LEAST for n in (0, 1, 149, 700, 1024, 1099))
    assert light.embed_documents([]).shape == (0, 384)


def test_threads_share_it(light: LightEmbedder) -> None:
    batches = [[f"text {n} of batch {batch}" for n in range(batch + 1)] for batch in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for batch, vectors in zip(batches, pool.map(light.embed_documents, batches), strict=True):
            assert lowest_cosine(vectors, light.embed_documents(batch)) >= LEAST


def test_prompts_first_token_pooling_and_dense_layers_are_exported_too(make_model: MakeModel) -> None:
    from sentence_transformers.models import Dense, Normalize, Pooling

    settings = make_model(
        lambda first: [Pooling(first.get_embedding_dimension(), pooling_mode="cls"), Dense(32, 16), Normalize()],
        query="asked: ",
        document="written: ",
    )
    small = locate_model(settings)
    loaded = SentenceTransformerEmbedder(small, "cpu", 32)
    light = make_light(small, settings, loaded)
    assert light
    assert light.dimension == 16
    texts = ["the bridge", "", "long " * 200]
    assert lowest_cosine(light.embed_documents(texts), loaded.embed_documents(texts)) >= LEAST
    assert float(light.embed_query(texts[0]) @ loaded.embed_query(texts[0])) >= LEAST
    assert float(light.embed_query(texts[0]) @ light.embed_documents(texts)[0]) < LEAST


def test_what_a_model_s_card_wants_and_its_settings_leave_out_is_said(tmp_path: Path, model: ModelFiles) -> None:
    folder = tmp_path / "e5"
    shutil.copytree(model.path, folder)
    (folder / "README.md").write_text('Each text begins with "query: " or "passage: ".')
    left_out = Settings(data_dir=tmp_path / "data", embedding_model=str(folder))
    assert "'query: '" in next(one for one in examine(left_out) if one.subject == "embedding model" and one.state == "problem").detail
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: ", "passage": "passage: "}}')
    told = replace(locate_model(left_out), document_prompt="")
    assert not prompts_left_out(told)
    assert not prompts_left_out(model)
    (folder / "modules.json").unlink()
    assert assumes_pooling(told)


def test_the_length_of_vectors_is_known_from_the_files_alone(make_model: MakeModel, model: ModelFiles, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, StaticEmbedding
    from tokenizers import Tokenizer

    two = locate_model(make_model(lambda first: [Pooling(first.get_embedding_dimension(), pooling_mode=["cls", "mean"])]))
    assert two.dimension == SentenceTransformerEmbedder(two, "cpu", 32).dimension == 64
    table = StaticEmbedding(Tokenizer.from_file(str(model.path / "tokenizer.json")), embedding_dim=24)
    SentenceTransformer(modules=[table]).save(str(tmp_path / "table"))
    (tmp_path / "table" / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    static = locate_model(Settings(data_dir=tmp_path / "data", embedding_model=str(tmp_path / "table")))
    assert static.dimension == SentenceTransformerEmbedder(static, "cpu", 32).dimension == 24


def test_other_modules_are_known_from_the_files_alone(make_model: MakeModel, model: ModelFiles, tmp_path: Path) -> None:
    """No process has to load the model for that."""
    from sentence_transformers.models import Dense, Normalize, Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension()), Dense(32, 16), Normalize()])
    assert why_not(locate_model(settings), settings) == why_not(model, settings) == ""
    modules = json.loads((tmp_path / "model" / "modules.json").read_text())
    (tmp_path / "model" / "modules.json").write_text(json.dumps([*modules[:2], {**modules[3], "type": "other.LayerNorm"}]))
    assert why_not(locate_model(settings), settings).startswith("its modules are Transformer, Pooling, LayerNorm; known are ")


@pytest.mark.usefixtures("nothing_loaded")
def test_a_model_of_unknown_modules_goes_on_with_sentence_transformers(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from sentence_transformers.models import Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension(), pooling_mode="max")])
    small = locate_model(settings)
    embedder._loaded(small, settings)  # so that it is exported here, not in another process
    assert isinstance(load_embedder(small, settings, 1), SentenceTransformerEmbedder)
    assert isinstance(load_question_embedder(small, settings), SentenceTransformerEmbedder)
    assert "its pooling is max" in caplog.text
    assert "its pooling is max" in why_not(small, settings)
    assert not light_folder(small, settings).exists()
    assert any("its pooling is max" in finding.detail for finding in examine(settings))
    monkeypatch.setattr(embedder, "make_light", None)
    monkeypatch.setattr(embedder, "Preparation", None)
    load_embedder(small, settings)  # does not try again


def test_other_vectors_than_those_of_sentence_transformers_are_no_light_runtime(
    settings: Settings, model: ModelFiles, loaded: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(light_export, "_prompt", lambda model, *names: "wrong " if names == ("query",) else "")
    assert make_light(model, settings, loaded) is None
    assert "differ" in why_not(model, settings)
    assert [file.suffix for file in (settings.data / "models").iterdir()] == [".lock"]


def _make_here(model: ModelFiles, settings: Settings) -> None:
    make_light(model, settings, SentenceTransformerEmbedder(model, "cpu", 32))


@pytest.fixture
def full_disk() -> Iterator[Callable[[], None]]:
    """Call it, and no file can grow to the size of a tokenizer, here and in processes that are started here; call it again: it can."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    limits = iter([(100_000, before[1]), before])
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, next(limits))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _make_elsewhere(model: ModelFiles, settings: Settings) -> None:
    """Until its process has ended, so that nothing of it outlives a test."""
    preparation = Preparation(model, settings)
    preparation.await_light()
    stop_preparing()
    preparation.await_choice()


@pytest.mark.parametrize("make", [_make_here, _make_elsewhere])
def test_a_full_disk_is_said_and_the_next_time_it_is_tried_again(
    make: Callable[[ModelFiles, Settings], None],
    make_model: MakeModel,
    settings: Settings,
    full_disk: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The model that is asked for is made, and not the one that is set: each process that loads one costs ten seconds."""
    from sentence_transformers.models import Pooling

    model = locate_model(make_model(lambda first: [Pooling(first.get_embedding_dimension())]))
    full_disk()
    make(model, settings)
    assert "File too large" in caplog.text
    assert why_not(model, settings) == ""
    full_disk()
    make(model, settings)
    assert open_light(model, settings)
    assert [file.name for file in (settings.data / "models").iterdir() if file.is_dir()] == [light_folder(model, settings).name]


def test_a_folder_that_cannot_be_made_and_memory_that_runs_out_are_no_reason_for_ever(
    settings: Settings, model: ModelFiles, loaded: SentenceTransformerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.data / "models").write_text("a file where the folder belongs")
    assert make_light(model, settings, loaded) is None
    (settings.data / "models").unlink()
    for name, error in (("_trace", MemoryError()), ("LightEmbedder", _caused_by(MemoryError()))):
        with monkeypatch.context() as patch:
            patch.setattr(light_export, name, _raising(error))
            assert make_light(model, settings, loaded) is None
    assert why_not(model, settings) == ""


def _caused_by(cause: Exception) -> LightRuntimeError:
    error = LightRuntimeError("it cannot be used")
    error.__cause__ = cause
    return error


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_process_that_fails_gives_no_reason_for_ever_and_one_that_cannot_says_why(
    make_model: MakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    from sentence_transformers.models import Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension(), pooling_mode="max")])
    model = locate_model(settings)
    away = model.path.rename(model.path.with_name("away"))
    _make_elsewhere(model, settings)
    assert str(model.path) in caplog.text
    assert why_not(model, settings) == ""
    away.rename(model.path)
    _make_elsewhere(model, settings)
    assert "its pooling is max" in caplog.text
    assert "its pooling is max" in why_not(model, settings)


def test_a_program_that_ends_does_not_wait_for_one_that_is_being_made(
    model: ModelFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=tmp_path)
    preparation = Preparation(model, settings)
    wait_until(lambda: light_folder(model, settings).parent.exists())  # by then it has loaded the model
    stop_preparing()
    preparation.await_light()
    assert preparation.await_choice() == ""
    assert caplog.text == ""
    assert why_not(model, settings) == ""
    assert not light_folder(model, settings).exists()


def test_who_reads_meanwhile_gets_the_light_runtime_and_the_choice_without_pytorch(packaged_model: Path) -> None:
    few, choice = (packaged_model / SAID).read_text().splitlines()
    assert few == "LightEmbedder False"
    assert choice in ("light False", "float32 False", "bfloat16 False")


def _cut_off(folder: Path) -> None:
    os.truncate(folder / "model.onnx", (folder / "model.onnx").stat().st_size // 2)


def _flip_a_bit(folder: Path) -> None:
    with (folder / "model.onnx").open("r+b") as file:
        middle = (folder / "model.onnx").stat().st_size // 2
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 64]))


def _no_model_at_all(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"nothing")
    about = json.loads((folder / "light.json").read_text())
    about["sha256"]["model.onnx"] = hashlib.sha256(b"nothing").hexdigest()
    (folder / "light.json").write_text(json.dumps(about))


def _other_word_vectors(folder: Path) -> None:
    np.save(folder / "words.npy", np.load(folder / "words.npy")[::-1])


def _another_tokenizer(folder: Path) -> None:
    tokenizer = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(tokenizer.replace('"bridge"', '"brigde_"').replace('"revenue"', '"revenue_"'))


def _no_description(folder: Path) -> None:
    (folder / "light.json").write_text("{}")


@pytest.mark.parametrize("damage", [_cut_off, _flip_a_bit, _no_model_at_all, _other_word_vectors, _another_tokenizer, _no_description])
@pytest.mark.usefixtures("nothing_loaded")
def test_a_damaged_one_is_not_used_and_made_again(
    damage: Callable[[Path], None], make_model: MakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    from sentence_transformers.models import Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension())])
    model = locate_model(settings)
    loaded = SentenceTransformerEmbedder(model, "cpu", 32)
    assert make_light(model, settings, loaded)
    damage(light_folder(model, settings))
    embedder._LOADED[embedder._key(model, settings)] = loaded
    assert load_question_embedder(model, settings) is loaded
    assert str(light_folder(model, settings)) in caplog.text
    caplog.clear()
    assert load_question_embedder(model, settings) is loaded
    assert caplog.text == ""  # not once for each question
    assert isinstance(load_embedder(model, settings, 1), LightEmbedder)
    assert open_light(model, settings)


_TWO_AT_ONCE = """
import multiprocessing, sys
import sentence_transformers  # once, which takes longer than all the rest; so they are at it at the same moment
from rag_pipeline.embedding.preparation import main
at_once = multiprocessing.get_context("fork")
running = [at_once.Process(target=main) for _ in range(2)]
for process in running:
    process.start()
for process in running:
    process.join()
sys.exit([process.exitcode for process in running] != [0, 0])
"""


def test_several_processes_make_one(tmp_path: Path, make_model: MakeModel) -> None:
    from sentence_transformers.models import Pooling

    settings = make_model(lambda first: [Pooling(first.get_embedding_dimension())])
    of_settings = str(settings.data), settings.embedding_model, "cpu", "float32"
    done = subprocess.run([sys.executable, "-c", _TWO_AT_ONCE, *of_settings], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert (done.stderr, done.returncode) == ("", 0)
    folder = light_folder(locate_model(settings), settings)
    assert sorted(file.name for file in folder.parent.iterdir()) == [folder.name, f"{folder.name}.lock"]
    assert open_light(locate_model(settings), settings)


def test_a_question_imports_no_torch(light: LightEmbedder, light_settings: Settings) -> None:
    code = (
        "import sys; from rag_pipeline.settings import load_settings; from rag_pipeline.embedding.model_files import locate_model;"
        "from rag_pipeline.embedding.embedder import load_embedder, load_question_embedder; s = load_settings(); m = locate_model(s);"
        "v = load_question_embedder(m, s).embed_query('What?'); load_embedder(m, s, 3).embed_documents(['a', 'b', 'c']);"
        "print(len(v), sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )
    environment = {**os.environ, "RAG_DATA_DIR": str(light_settings.data)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "384 []\n"
    assert done.stderr == ""


def test_passes_are_under_way_in_as_many_threads_as_omp_says_and_each_has_one(
    light: LightEmbedder, light_settings: Settings, model: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    one = open_light(model, light_settings)
    assert one
    assert one._session.get_session_options().intra_op_num_threads == 1
    in_pass, seen, held = one._pass, set[int](), threading.Barrier(3)

    def watched(tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        if threading.get_ident() not in seen:
            seen.add(threading.get_ident())
            held.wait(30)  # breaks unless three are under way at once
        return in_pass(tokens)

    monkeypatch.setattr(one, "_pass", watched)
    assert lowest_cosine(one.embed_documents(CHUNKS * 3), light.embed_documents(CHUNKS * 3)) >= LOWEST_COSINE
    assert len(seen) == 3


def test_texts_that_fill_the_memory_alone_are_embedded_one_after_the_other() -> None:
    tokens = [[1] * length for length in (8192, 4096, 2048, 2048, 2048, 300, 20, 20)]
    groups = [*_together(list(_passes(tokens, 32, 512)), tokens)]
    assert [[len(some) for some in group] for group in groups] == [[1], [1], [1, 1, 1, 1], [2]]
    assert [place for group in groups for some in group for place in some] == [*range(8)]

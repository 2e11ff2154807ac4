"""What embeds in bulk: the fastest that is exact, measured once for each kind of machine."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag_pipeline.embedding import embedder, processor, runtime_choice
from rag_pipeline.embedding.embedder import load_embedder, load_question_embedder
from rag_pipeline.embedding.light_runtime import LightEmbedder
from rag_pipeline.embedding.model_files import ModelFiles
from rag_pipeline.embedding.runtime_choice import Measurement, keep_choice, kept_choice, measured
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_pipeline.embedding.vectors import Vectors
from rag_pipeline.settings import Settings

EXACT = np.array([[1, 0]], dtype=np.float32)


class Clocked:
    """A runtime whose every pass takes as long as it says, on a clock of its own."""

    dimension = 2

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float], off: tuple[str, ...] = ()) -> None:
        self.seconds, self.off, self.dtype, self.now = seconds, off, "float32", 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def use(self, dtype: str) -> None:
        self.dtype = dtype

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.now += self.seconds[self.dtype]
        return EXACT[:, ::-1] if self.dtype in self.off else EXACT

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self.embed_documents([text])[0]


@pytest.mark.parametrize(
    ("seconds", "off", "chosen"),
    [
        ({"float32": 1.0, "bfloat16": 0.4}, (), "bfloat16"),  # AVX512_BF16, AMX
        ({"float32": 1.0, "bfloat16": 4.0}, (), "float32"),  # AVX2 alone
        ({"float32": 1.0, "bfloat16": 0.4}, ("bfloat16",), "float32"),
        ({"float32": 1.0, "bfloat16": 0.5, "float16": 0.2}, ("float16",), "bfloat16"),
    ],
)
def test_the_fastest_exact_dtype(seconds: dict[str, float], off: tuple[str, ...], chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dtypes = [dtype for dtype in seconds if dtype != "float32"]
    assert measured(Clocked(monkeypatch, seconds, off), dtypes, None).fastest == chosen


@pytest.mark.parametrize(("light", "chosen"), [(0.5, "light"), (1.09, "light"), (1.2, "float32")])
def test_the_light_one_where_it_is_about_as_fast(light: float, chosen: str) -> None:
    assert Measurement({"float32": 1.0, "light": light, "bfloat16": 4.0}, True).fastest == chosen


def test_what_was_measured_on_a_busy_machine_is_not_kept(model: ModelFiles, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Clocked(monkeypatch, {"float32": 1.0})
    assert measured(runtime, (), None).steady
    passes = iter([1.0, 1.0, 9.0, 9.0, 9.0, 1.0, 9.0])
    monkeypatch.setattr(runtime, "embed_documents", lambda texts: (setattr(runtime, "now", runtime.now + next(passes)), EXACT)[1])
    busy = measured(runtime, (), None)
    assert not busy.steady
    keep_choice(model, settings, busy)
    assert kept_choice(model, settings) == ""


@pytest.mark.usefixtures("nothing_loaded")
def test_the_choice_is_kept_by_the_processor(
    model: ModelFiles,
    light: LightEmbedder,
    light_settings: Settings,
    loaded: SentenceTransformerEmbedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = []

    def measure(*arguments: object) -> Measurement:
        counted.append(arguments)
        return Measurement({"float32": 1.0, "light": 1.0}, True)

    monkeypatch.setattr(embedder, "measured", measure)
    embedder._LOADED[embedder._key(model, light_settings)] = loaded
    assert isinstance(load_embedder(model, light_settings), LightEmbedder)
    assert kept_choice(model, light_settings) == "light"
    monkeypatch.setattr(embedder, "_BULK", {})
    monkeypatch.setattr(embedder, "SentenceTransformerEmbedder", None)  # is not even loaded
    assert isinstance(load_embedder(model, light_settings), LightEmbedder)
    assert len(counted) == 1
    monkeypatch.setattr(processor, "processor_flags", lambda: "of another machine")
    assert kept_choice(model, light_settings) == ""


@pytest.mark.usefixtures("nothing_loaded")
def test_few_texts_wait_for_no_torch_and_many_get_the_fastest(
    model: ModelFiles, light: LightEmbedder, light_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "kept_choice", lambda *arguments: "bfloat16")
    assert isinstance(load_embedder(model, light_settings, 10), LightEmbedder)
    many = load_embedder(model, light_settings, 1000)
    assert (type(many), many.dtype) == (SentenceTransformerEmbedder, "bfloat16")
    assert load_embedder(model, light_settings, 10) is many  # already loaded
    assert isinstance(load_question_embedder(model, light_settings), LightEmbedder)


@pytest.mark.usefixtures("nothing_loaded")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_dtype_that_is_set_is_used_for_everything(dtype: str, model: ModelFiles, light: LightEmbedder, light_settings: Settings) -> None:
    chosen = light_settings.model_copy(update={"embedding_dtype": dtype})
    for one in (load_question_embedder(model, chosen), load_embedder(model, chosen, 1), load_embedder(model, chosen)):
        assert (type(one), one.dtype) == (SentenceTransformerEmbedder, dtype)


def test_float32_after_bfloat16_is_not_rounded(model: ModelFiles) -> None:
    one = SentenceTransformerEmbedder(model, "cpu", 32)
    before = one.embed_documents(["The bridge opened in 1781."])
    one.use("bfloat16")
    rounded = one.embed_documents(["The bridge opened in 1781."])
    one.use("float32")
    assert np.array_equal(one.embed_documents(["The bridge opened in 1781."]), before)
    assert not np.array_equal(rounded, before)
    assert float((rounded * before).sum()) >= runtime_choice.LOWEST_COSINE


def test_processors_are_told_apart_by_what_they_can(tmp_path: Path) -> None:
    for name, flags in (("one", "fpu avx2"), ("same", "avx2 fpu"), ("other", "fpu avx2 amx_bf16")):
        (tmp_path / name).write_text(f"processor\t: 0\nmodel name\t: {name}\nflags\t\t: {flags}\n")
    one, same, other = (processor.processor_flags(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same != other
    assert processor.processor_flags(tmp_path / "not there")


@pytest.mark.parametrize(
    ("line", "dtypes"),
    [
        ("flags\t\t: fpu avx2 avx512f", ()),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", ("bfloat16",)),
        ("flags\t\t: fpu avx2 amx_bf16 amx_tile", ("bfloat16",)),
        ("Features\t: fp asimd", ()),
        ("Features\t: fp asimd bf16 i8mm", ("bfloat16",)),
        ("cpu\t\t: POWER9", ("bfloat16",)),  # does not say: measured
    ],
)
def test_a_processor_without_bfloat16_is_not_measured_with_it(
    line: str, dtypes: tuple[str, ...], tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\n")
    can = processor.may_calculate_in_bfloat16(tmp_path / "cpuinfo")
    monkeypatch.setattr(runtime_choice, "may_calculate_in_bfloat16", lambda: can)
    assert runtime_choice.dtypes_to_try(settings, on_cpu=True) == dtypes
    assert runtime_choice.dtypes_to_try(settings, on_cpu=False) == ("bfloat16", "float16")


@pytest.mark.parametrize(("stated", "threads"), [("3", 3), ("2,1", 2), ("0", None), ("many", None), ("", None)])
def test_threads_are_those_of_openmp(stated: str, threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    allowed = processor.thread_count()
    monkeypatch.setenv("OMP_NUM_THREADS", stated)
    assert processor.thread_count() == (threads or allowed)
    assert allowed >= 1

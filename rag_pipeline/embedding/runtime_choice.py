"""Which runtime embeds in bulk: measured once, and kept for machines of this kind.

Belongs here: the measurement and its rules. Not here: the runtimes, loading them (``embedder.py``). Tables: docs/decisions/embedding.md.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, cast

from rag_pipeline.embedding.model_files import ModelFiles
from rag_pipeline.embedding.probes import CHUNKS
from rag_pipeline.embedding.processor import environment, may_calculate_in_bfloat16
from rag_pipeline.embedding.vectors import Embedder, Vectors, lowest_cosine
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import add_to_json, read_json

LIGHT = "light"
"""Beside the dtypes of sentence-transformers: the light runtime."""
LOWEST_COSINE = 0.999
"""A dtype is exact enough when every probe text stays this close to its float32 vector."""
AS_FAST = 1.1
"""The light runtime is taken where it takes at most this many times as long as the fastest: it is ready in half a second, not in five."""
STEADY = 1.5
"""Where the median time is more than this many times the least, something else keeps the processor busy: used, but not kept."""
HOPELESS = 3.0
"""What takes so many times as long as another is not measured further: bfloat16 takes 4 to 7 where the processor has none of it."""
_TIMES, _LONG_SECONDS = 3, 0.5
"""So often it is timed; what takes this long is disturbed less, and timed once less: an ingest waits for this."""
_CPU_DTYPES, _GPU_DTYPES = ("bfloat16",), ("bfloat16", "float16")
"""Beside float32. float16 on a processor is known to be slow."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds that each exact runtime needs for the probe, and whether the machine was quiet enough to believe them later."""

    seconds: Mapping[str, float]
    steady: bool

    @property
    def fastest(self) -> str:
        """The runtime to take."""
        best = min(self.seconds, key=lambda name: self.seconds[name])
        return LIGHT if self.seconds.get(LIGHT, float("inf")) <= AS_FAST * self.seconds[best] else best


class Dtyped(Embedder, Protocol):
    """A runtime of several dtypes."""

    def use(self, dtype: str) -> None:
        """Go on with this one."""


def kept_choice(model: ModelFiles, settings: Settings) -> str:
    """The runtime that was the fastest here; empty when nobody has measured."""
    kept = read_json(settings.data / "models.json").get(_key(model, settings), {})
    return str(cast("dict[str, object]", kept).get("choice", ""))


def keep_choice(model: ModelFiles, settings: Settings, measurement: Measurement) -> None:
    """Remember the fastest, with what was measured."""
    if not measurement.steady:
        return
    seconds = {name: round(taken, 4) for name, taken in measurement.seconds.items()}
    entry: dict[str, object] = {"choice": measurement.fastest, "seconds": seconds, "texts": len(CHUNKS)}
    add_to_json(settings.data / "models.json", _key(model, settings), entry)


def dtypes_to_try(settings: Settings, *, on_cpu: bool) -> tuple[str, ...]:
    """Those worth measuring beside float32; none where one is set.

    A processor without instructions for bfloat16 takes 4 to 7 times as long in it: to measure that would take it as long as 40 chunks.
    """
    if settings.embedding_dtype != "auto" or (on_cpu and not may_calculate_in_bfloat16()):
        return ()
    return _CPU_DTYPES if on_cpu else _GPU_DTYPES


def measured(loaded: Dtyped, dtypes: Sequence[str], light: Embedder | None) -> Measurement:
    """Time float32, the light runtime, which was compared when it was made, and those of ``dtypes`` that are exact.

    ``loaded`` is left in the dtype that was measured last.
    """
    loaded.use("float32")
    exact, times = _timed(loaded)
    taken = {"float32": times}
    if light:
        taken[LIGHT] = _timed(light, min(times))[1]
    for dtype in dtypes:
        loaded.use(dtype)
        vectors, times = _timed(loaded, min(times))
        if lowest_cosine(vectors, exact) >= LOWEST_COSINE:
            taken[dtype] = times
    steady = all(median(times) <= STEADY * min(times) for times in taken.values())
    return Measurement({name: min(times) for name, times in taken.items()}, steady)


def _timed(embedder: Embedder, to_beat: float = float("inf")) -> tuple[Vectors, list[float]]:
    """The vectors, and several times: whatever else the machine does only adds to them. What is far from ``to_beat`` is timed once.

    The first pass of all makes buffers and is not timed; a single text is enough for it.
    """
    vectors, times = embedder.embed_documents(CHUNKS[:1]), list[float]()
    while not times or (len(times) < _times(times[0]) and times[-1] <= HOPELESS * to_beat):
        started = time.perf_counter()
        vectors = embedder.embed_documents(CHUNKS)
        times.append(time.perf_counter() - started)
    return vectors, times


def _times(seconds: float) -> int:
    return _TIMES if seconds < _LONG_SECONDS else _TIMES - 1


def _key(model: ModelFiles, settings: Settings) -> str:
    return f"runtime:{model.fingerprint}:{settings.embedding_device}:{settings.embedding_dtype}:{environment()}"

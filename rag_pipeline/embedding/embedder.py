"""Texts to vectors.

Belongs here: dtype and encoding. Not here: the model's files (``model_files.py``), what is embedded, where vectors are kept.
``sentence_transformers`` takes 5 to 7 seconds to import, so it is imported inside :class:`Embedder` only, where vectors are made.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.model_files import ModelFiles
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import read_json, write_json

if TYPE_CHECKING:
    from torch import Tensor

Vectors = NDArray[np.float32]
"""Unit-length rows, one a text: shape (texts, dimension)."""

LOWEST_COSINE = 0.999
"""A dtype is exact enough when every probe text stays this close to its float32 vector."""


class Embedder:
    """Turns texts into unit vectors. Made once a process: loading takes seconds."""

    def __init__(self, model: ModelFiles, settings: Settings) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # a bar for reading 90 MB from disk, on standard error of every command
        self.files = model
        device = None if settings.embedding_device == "auto" else settings.embedding_device
        self._model = SentenceTransformer(str(model.path), device=device, local_files_only=True)
        self._batch_size = settings.embedding_batch_size
        self.dtype = self._choose_dtype(settings)
        self._use(self.dtype)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks: shape (len(texts), dimension), unit length, in the order given."""
        return self._encode(self._model.encode_document, list(texts))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Vector of one question: shape (dimension,), unit length."""
        return cast("NDArray[np.float32]", self._encode(self._model.encode_query, [text])[0])

    def _encode(self, encode: Callable[..., object], texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        tensor = cast("Tensor", encode(texts, batch_size=self._batch_size, convert_to_tensor=True, show_progress_bar=False))
        vectors = tensor.float().cpu().numpy()
        return cast("Vectors", vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    def _use(self, dtype: str) -> None:
        import torch

        self._model.to(getattr(torch, dtype))

    def _choose_dtype(self, settings: Settings) -> str:
        if settings.embedding_dtype != "auto":
            return settings.embedding_dtype
        import torch

        cache_path = settings.data / "models.json"
        key = f"dtype:{self.files.fingerprint}:{self._model.device}:{platform.processor()}:{platform.node()}:{torch.__version__}"
        cache = read_json(cache_path)
        if key not in cache:
            cache[key] = self._measure_dtypes()
            write_json(cache_path, cache)
        return str(cache[key])

    def _measure_dtypes(self) -> str:
        """The dtype that embeds fastest among those within LOWEST_COSINE of float32; float16 on a CPU is known to be slow."""
        exact, seconds = self._time("float32")
        fastest = "float32"
        for dtype in ("bfloat16",) if self._model.device.type == "cpu" else ("bfloat16", "float16"):
            self._use("float32")
            vectors, taken = self._time(dtype)
            if taken < seconds and float((vectors * exact).sum(axis=1).min()) >= LOWEST_COSINE:
                fastest, seconds = dtype, taken
        return fastest

    def _time(self, dtype: str) -> tuple[Vectors, float]:
        self._use(dtype)
        texts = [" ".join(_PROBE[i:] + _PROBE[:i]) for i in range(len(_PROBE))]
        self.embed_documents(texts)
        started = time.perf_counter()
        return self.embed_documents(texts), time.perf_counter() - started


_PROBE = [
    "The annual report lists revenue of 4.2 million euros.",
    "Water boils at 100 °C at sea level, and sooner on a mountain.",
    "The committee met on 3 March 1998 to discuss the bridge over the river.",
    "def area(radius): return 3.14159 * radius ** 2",
    "Patients received 20 mg daily for six weeks; none reported adverse effects.",
    "Die Verordnung tritt am Tag nach ihrer Verkündung in Kraft.",
    "Who may borrow books, and for how long, is decided by the library.",
    "Amy Johnson flew alone from London to Darwin in a second-hand aeroplane.",
]


_EMBEDDERS: dict[tuple[str, str, str], Embedder] = {}
_LOADING = threading.Lock()


def load_embedder(model: ModelFiles, settings: Settings) -> Embedder:
    """The process's embedder for a model: loaded on first use, then shared."""
    key = (model.fingerprint, settings.embedding_dtype, settings.embedding_device)
    with _LOADING:
        if key not in _EMBEDDERS:
            _EMBEDDERS[key] = Embedder(model, settings)
        return _EMBEDDERS[key]

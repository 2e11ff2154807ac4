"""The runtime that reads any model and runs on any device: sentence-transformers, on PyTorch.

Belongs here: vectors by it, in a dtype. Not here: which dtype (``runtime_choice.py``), the light runtime (``light_runtime.py``).
``sentence_transformers`` takes 4 to 7 seconds to import, so it is imported when one is made, and only then.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.model_files import ModelFiles
from rag_pipeline.embedding.vectors import Vectors, unit_rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor


class SentenceTransformerEmbedder:
    """A model as sentence-transformers runs it; float32 until it is told otherwise. Safe to share by threads."""

    def __init__(self, model: ModelFiles, device: str, batch_size: int) -> None:
        with _looking_for_no_garbage():
            import sentence_transformers  # noqa: F401
            from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # a bar for reading 90 MB from disk, on standard error of every command
        self.files = model
        self.dtype = "float32"
        self._device = None if device == "auto" else device
        self._batch_size = batch_size
        self._using = threading.Lock()
        self._model = self._read()

    def _read(self) -> SentenceTransformer:
        import torch
        from sentence_transformers import SentenceTransformer

        # A model may be saved in another dtype; to() changes nothing where it is not.
        return SentenceTransformer(str(self.files.path), device=self._device, local_files_only=True).to(torch.float32)

    @property
    def model(self) -> SentenceTransformer:
        """What it runs, for who reads or exports it."""
        return self._model

    @property
    def on_cpu(self) -> bool:
        """Whether it runs on the processor, not on a GPU."""
        return self._model.device.type == "cpu"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def use(self, dtype: str) -> None:
        """Go on with weights of this dtype, rounded from those of the file: rounded ones that are widened again stay rounded."""
        import torch

        with self._using:
            if dtype != self.dtype and self.dtype != "float32":
                self._model = self._read()
            self._model.to(getattr(torch, dtype))
            self.dtype = dtype

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks: shape (len(texts), dimension), unit length, in the order given."""
        return self._encode("encode_document", list(texts))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Vector of one question: shape (dimension,), unit length."""
        return cast("NDArray[np.float32]", self._encode("encode_query", [text])[0])

    def _encode(self, method: str, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._using:
            encode = getattr(self._model, method)
            tensor = cast("Tensor", encode(texts, batch_size=self._batch_size, convert_to_tensor=True, show_progress_bar=False))
        return unit_rows(tensor.float().cpu().numpy())


@contextmanager
def _looking_for_no_garbage() -> Iterator[None]:
    """What is imported stays: to look for garbage in it meanwhile is a sixth of what the import costs."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


def runs_on_processor(device: str) -> bool:
    """Whether a model that is to run on ``device`` would run on the processor here: ``auto`` is a GPU where there is one."""
    if device != "auto":
        return device == "cpu"
    from sentence_transformers.util import get_device_name

    return str(get_device_name()) == "cpu"

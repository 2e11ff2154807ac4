"""What every runtime gives: vectors, and the two calls that make them.

Belongs here: the shape that runtimes share. Not here: the runtimes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Unit-length rows, one a text: shape (texts, dimension)."""


class Embedder(Protocol):
    """Turns texts into unit vectors. Safe to share by threads."""

    @property
    def dtype(self) -> str:
        """What it calculates with: ``float32``, ``bfloat16``, ``float16``."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks: shape (len(texts), dimension), unit length, in the order given."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Vector of one question: shape (dimension,), unit length."""


@dataclass(frozen=True, slots=True)
class ShortenedEmbedder:
    """Another one's vectors cut to their first ``dimension`` numbers, at length one again. As safe to share as that one."""

    whole: Embedder
    dimension: int

    @property
    def dtype(self) -> str:
        """What the other one calculates with."""
        return self.whole.dtype

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks: shape (len(texts), dimension), unit length, in the order given."""
        return unit_rows(self.whole.embed_documents(texts)[:, : self.dimension])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Vector of one question: shape (dimension,), unit length."""
        return cast("NDArray[np.float32]", unit_rows(self.whole.embed_query(text)[None, : self.dimension])[0])


def unit_rows(rows: NDArray[np.float32]) -> Vectors:
    """Each row at length one; a row of zeros stays one."""
    return cast("Vectors", rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12)))


def lowest_cosine(vectors: Vectors, others: Vectors) -> float:
    """The cosine of the pair of rows that differ most; -1 where there is anything but numbers."""
    lowest = float((vectors * others).sum(axis=1).min())
    return lowest if np.isfinite(lowest) else -1.0

"""How many passages have each word: what BM25's inverse document frequency is computed from, over a version and not over a segment.

Belongs here: counting words, adding and subtracting counts, the frequency's formula. Not here: how texts become words (``bm25.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Word ids (sorted, each once) and the number of passages that have each; both of shape (words,)."""

    ids: NDArray[np.uint32]
    counts: NDArray[np.int64]

    @classmethod
    def none(cls) -> Terms:
        """Of no passage."""
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.int64))

    @classmethod
    def of(cls, passages: Iterable[Sequence[int]]) -> Terms:
        """Counted; a passage's words are each once in its list."""
        words = [np.asarray(passage, np.uint32) for passage in passages if len(passage)]
        if not words:
            return cls.none()
        ids, counts = np.unique(np.concatenate(words), return_counts=True)
        return cls(ids, counts.astype(np.int64))

    def plus(self, other: Terms) -> Terms:
        """Of the passages of both."""
        return self._with(other, 1)

    def minus(self, other: Terms) -> Terms:
        """Of the passages that are not among the other's; words that none has any more are left out."""
        return self._with(other, -1)

    def _with(self, other: Terms, sign: int) -> Terms:
        ids = np.union1d(self.ids, other.ids)
        counts = np.zeros(len(ids), np.int64)
        counts[np.searchsorted(ids, self.ids)] += self.counts
        counts[np.searchsorted(ids, other.ids)] += sign * other.counts
        kept = counts > 0
        return Terms(ids[kept], counts[kept])

    def inverse_frequencies(self, words: Sequence[int], passages: int) -> list[float]:
        """The :func:`inverse_frequencies` of some words."""
        asked = np.asarray(words, np.uint32)
        places = np.minimum(np.searchsorted(self.ids, asked), max(0, len(self.ids) - 1))
        having = np.where(self.ids[places] == asked, self.counts[places], 0) if len(self.ids) else np.zeros(len(asked))
        return inverse_frequencies(having, passages)

    def save(self, path: Path) -> None:
        """Write a file that :meth:`load` reads."""
        np.save(path, np.stack([self.ids.astype(np.int64), self.counts]))

    @classmethod
    def load(cls, path: Path) -> Terms:
        """The inverse of :meth:`save`.

        Raises:
            ValueError: the file holds something else.
            OSError: it cannot be read.
        """
        ids, counts = np.load(path, allow_pickle=False)
        return cls(ids.astype(np.uint32), counts)


def inverse_frequencies(having: Sequence[float] | NDArray[Any], passages: int) -> list[float]:
    """``ln(1 + (N - n + 0.5) / (n + 0.5))`` of words that n passages have, as BM25 has it (Robertson and Zaragoza 2009) and as Qdrant
    computes it."""
    counts = np.asarray(having, np.float64)
    return [float(value) for value in np.log1p((passages - counts + 0.5) / (counts + 0.5))]

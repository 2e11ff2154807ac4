"""Texts as BM25 sparse vectors: the one model that both engines use, so that their ranks agree.

Belongs here: how words become dimensions and weights. Not here: IDF, which the engines compute from the points they hold.

The engine's own word splitting is kept, with English stop words and stemming and accents folded. It takes a run of Chinese,
Japanese, Thai, Lao, Khmer or Burmese, which have no spaces, for one word; so such runs are cut into characters and pairs first.
Figures for both choices: docs/decisions/fusion.md.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.metadata import version
from itertools import pairwise

import qdrant_edge

from rag_pipeline.models import SparseVector
from rag_pipeline.stores.vectors.contract import INDEX_SCHEMA

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_WORD = re.compile(r"\w+")


def model_fingerprint() -> str:
    """Changes when the same text may get another vector: our settings, or another release of the engine."""
    return f"{INDEX_SCHEMA}:{version('qdrant-edge-py')}"


def document_vector(text: str) -> SparseVector:
    """Term-frequency weights of a chunk's embedded text. Empty when it has no words."""
    vector = _model().embed_document(_spaced(text))
    return SparseVector(list(vector.indices), list(vector.values))


def query_vector(text: str) -> SparseVector:
    """Weight 1 for each distinct word of a question. Empty when it has no words, or stop words only."""
    vector = _model().embed_query(_spaced(text))
    return SparseVector(list(vector.indices), list(vector.values))


def word_ids(text: str) -> set[int]:
    """The dimensions of a text's words: equal for two words that BM25 takes for the same; stop words have none."""
    return {word_id for word in _WORD.findall(_spaced(text).lower()) for word_id in _ids_of(word)}


def word_pairs(text: str) -> set[tuple[int, int]]:
    """Words that follow one another, stop words left out, as pairs of :func:`word_ids` in the order of the text."""
    # No loop of Python's own: this runs over up to 100 passages for each question.
    return set(pairwise(filter(None, map(_first_id_of, _WORD.findall(_spaced(text).lower())))))


@lru_cache(maxsize=1 << 17)
def _ids_of(word: str) -> tuple[int, ...]:
    return tuple(_model().embed_query(word).indices)


@lru_cache(maxsize=1 << 17)
def _first_id_of(word: str) -> int | None:
    return next(iter(_ids_of(word)), None)


def _spaced(text: str) -> str:
    return text if text.isascii() else _UNSPACED.sub(lambda run: f" {' '.join(_characters_and_pairs(run[0]))} ", text)


def _characters_and_pairs(run: str) -> list[str]:
    return [*run, *(run[start : start + 2] for start in range(len(run) - 1))]


@cache
def _model() -> qdrant_edge.Bm25:
    return qdrant_edge.Bm25(qdrant_edge.Bm25Config(ascii_folding=True))

"""Questions, and the sentences that may answer them, as vectors.

Belongs here: questions longer than the model's window, what is remembered. Not here: what can be asked (``answering/question.py``),
searching, which sentences (``quoting/extractive.py``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.embedding.embedder import Vectors, load_question_embedder
from rag_pipeline.embedding.model import EmbeddingModel
from rag_pipeline.embedding.model_files import TokenCounter
from rag_pipeline.embedding.served_model import ServedModel
from rag_pipeline.settings import Settings

Vector = NDArray[np.float32]
"""Unit length, shape (dimension,)."""


class QuestionEncoder:
    """Turns questions into vectors with the model of each collection. Keeps the last ones: several steps and collections ask for them."""

    def __init__(self, settings: Settings, tuning: Tuning = TUNING) -> None:
        self._settings = settings
        self._special_tokens = tuning.question.special_tokens
        self._counter = lru_cache(maxsize=tuning.caches.tokenizers)(_counter_of)
        self._cached = lru_cache(maxsize=tuning.caches.question_vectors)(self._encode)
        self._known_to_read = lru_cache(maxsize=tuning.caches.question_vectors)(self._reads)

    def vector(self, question: str, model: EmbeddingModel) -> Vector:
        """The unit vector of a question. Nothing is dropped: beyond the model's window it is the mean over its windows.

        Raises:
            EmbeddingServerError: the model is a server's, and gives none.
        """
        return self._cached(question, model)

    def reads(self, question: str, model: EmbeddingModel) -> bool:
        """Whether the model knows the question's language; of a server whose tokenizer is not given it is taken to."""
        return self._known_to_read(question, model)

    def _reads(self, question: str, model: EmbeddingModel) -> bool:
        estimated = isinstance(model, ServedModel) and model.tokenizer is None
        return estimated or self._counter(model).reads(question)

    def _encode(self, question: str, model: EmbeddingModel) -> Vector:
        embedder = load_question_embedder(model, self._settings)
        windows = _windows(question, self._counter(model), self._special_tokens)
        mean = np.stack([embedder.embed_query(window) for window in windows]).mean(axis=0)
        return cast("Vector", mean / (float(np.linalg.norm(mean)) or 1.0))


class SentenceEncoder:
    """Turns sentences into vectors. Keeps the last ones: who asks on, asks about the same passages. Safe to share by threads."""

    def __init__(self, settings: Settings, tuning: Tuning = TUNING) -> None:
        self._settings = settings
        self._most = tuning.caches.sentence_vectors
        self._kept: OrderedDict[tuple[str, str], Vector] = OrderedDict()
        self._keeping = threading.Lock()

    def vectors(self, sentences: Sequence[str], model: EmbeddingModel) -> Vectors:
        """Shape (sentences, dimension): those that are not remembered in one batch.

        Raises:
            EmbeddingServerError: the model is a server's, and gives none.
        """
        keys = [(model.fingerprint, sentence) for sentence in sentences]
        with self._keeping:
            known = {key: self._kept[key] for key in keys if key in self._kept}
        new = [key for key in dict.fromkeys(keys) if key not in known]
        embedder = load_question_embedder(model, self._settings)
        vectors = embedder.embed_documents([sentence for _, sentence in new])
        known.update((key, vector.copy()) for key, vector in zip(new, vectors, strict=True))  # a view would keep its whole batch
        self._keep(known)
        return np.stack([known[key] for key in keys]) if keys else np.zeros((0, embedder.dimension), dtype=np.float32)

    def _keep(self, vectors: Mapping[tuple[str, str], Vector]) -> None:
        with self._keeping:
            for key, vector in vectors.items():
                self._kept[key] = vector
                self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def _counter_of(model: EmbeddingModel) -> TokenCounter:
    return model.token_counter()


def _windows(question: str, counter: TokenCounter, special_tokens: int) -> Iterator[str]:
    if counter.count(question) <= counter.max_tokens:
        yield question
        return
    offsets = counter.offsets(question)
    size = max(1, counter.max_tokens - special_tokens)
    for first in range(0, len(offsets), size):
        part = offsets[first : first + size]
        yield question[part[0][0] : part[-1][1]]

"""What can be asked, and a question as a vector.

Belongs here: limits of a question, questions longer than the model's window. Not here: history (``reformulate.py``), searching.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.embedder import Embedder, load_embedder
from rag_pipeline.embedding.model_files import ModelFiles, TokenCounter
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

Vector = NDArray[np.float32]
"""Unit length, shape (dimension,)."""

LONGEST_QUESTION_CHARACTERS = 20_000
"""About ten pages; who pastes more wants the text indexed as a document."""

SPECIAL_TOKENS = 8
"""Room in a window for what the tokenizer adds around a text; no model in use adds more."""


class BadQuestionError(RagError):
    """What was asked is not a question that can be searched for."""

    code = "bad_question"


def checked_question(question: str) -> str:
    """The question without surrounding blanks and without characters that are no text.

    Raises:
        BadQuestionError: it is empty, has no letter or digit, or is longer than LONGEST_QUESTION_CHARACTERS.
    """
    if len(question) > LONGEST_QUESTION_CHARACTERS:
        raise BadQuestionError(
            f"The question has {len(question):,} characters; at most {LONGEST_QUESTION_CHARACTERS:,} can be read. "
            "Ask about a shorter passage, or put the text into the watched folder as a document."
        )
    # Lone surrogates come from JSON escapes; no tokenizer takes them.
    text = question.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ").strip()
    if not any(character.isalnum() for character in text):
        raise BadQuestionError("There is no word in the question. Write what you want to know in a sentence or a few words.")
    return text


class QuestionEncoder:
    """Turns questions into vectors with the model of each collection. Keeps the last ones: several steps and collections ask for them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The model uses all cores for one question; several at once take longer than one after the other.
        self._encoding = threading.Lock()
        self._counter = lru_cache(maxsize=8)(ModelFiles.token_counter)
        self._cached = lru_cache(maxsize=256)(self._encode)

    def vector(self, question: str, model: ModelFiles) -> Vector:
        """The unit vector of a question. Nothing is dropped: beyond the model's window it is the mean over its windows."""
        return self._cached(question, model)

    def _encode(self, question: str, model: ModelFiles) -> Vector:
        embedder = load_embedder(model, self._settings)
        with self._encoding:
            return self._encoded(question, model, embedder)

    def _encoded(self, question: str, model: ModelFiles, embedder: Embedder) -> Vector:
        mean = np.stack([embedder.embed_query(window) for window in _windows(question, self._counter(model))]).mean(axis=0)
        return cast("Vector", mean / max(float(np.linalg.norm(mean)), 1e-12))


def _windows(question: str, counter: TokenCounter) -> Iterator[str]:
    if counter.count(question) <= counter.max_tokens:
        yield question
        return
    offsets = counter.offsets(question)
    size = max(1, counter.max_tokens - SPECIAL_TOKENS)
    for first in range(0, len(offsets), size):
        part = offsets[first : first + size]
        yield question[part[0][0] : part[-1][1]]

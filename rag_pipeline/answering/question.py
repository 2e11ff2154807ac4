"""What can be asked, and a question as a vector.

Belongs here: limits of a question, questions longer than the model's window. Not here: history (``reformulate.py``), searching.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rag_pipeline.embedding import Embedder, TokenCounter
from rag_pipeline.errors import RagError

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


def question_vector(question: str, embedder: Embedder, counter: TokenCounter) -> list[float]:
    """The vector of a question, unit length. Nothing is dropped: what exceeds the model's window is the mean over its windows."""
    vectors = np.stack([embedder.embed_query(window) for window in _windows(question, counter)])
    mean = vectors.mean(axis=0)
    return [float(value) for value in mean / max(float(np.linalg.norm(mean)), 1e-12)]


def _windows(question: str, counter: TokenCounter) -> Iterator[str]:
    if counter.count(question) <= counter.max_tokens:
        yield question
        return
    offsets = counter.offsets(question)
    size = max(1, counter.max_tokens - SPECIAL_TOKENS)
    for first in range(0, len(offsets), size):
        part = offsets[first : first + size]
        yield question[part[0][0] : part[-1][1]]

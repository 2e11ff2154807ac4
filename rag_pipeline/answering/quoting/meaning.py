"""What texts mean beside a question.

Belongs here: the cosine of both. Not here: what it weighs (``sentence_scores.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from rag_pipeline.answering.retrieval.question_encoder import Vector
from rag_pipeline.embedding.embedder import Vectors

Embed = Callable[[Sequence[str]], Vectors]
"""Raises ``EmbeddingServerError`` where there is a server for it, and it gives none."""
Meaning = Callable[[Sequence[str]], Sequence[float]]
"""The cosine of each text and the question. Raises as ``Embed`` does."""


def meaning_of(embed: Embed, question: Vector | None) -> Meaning | None:
    """The cosine of texts and a question's vector; None without one."""
    return None if question is None else lambda texts: cast("Sequence[float]", (embed(texts) @ question).tolist())

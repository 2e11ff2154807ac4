"""A second opinion on the order of passages, by a model that reads question and passage together.

Belongs here: the model and the order it gives. Not here: finding passages. Off unless RAG_RERANKER_MODEL is set: measure it on your own
questions first (``rag eval`` with and without it), for it takes most of a question's time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag_pipeline.embedding.model_files import model_folder
from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit, embedded_text
from rag_pipeline.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

DEPTH = 20
"""Passages that are read again; a model of 22 million parameters takes about 10 ms for each on a CPU."""

_LOADED: dict[tuple[str, str], CrossEncoder] = {}
_USING = threading.Lock()


class RerankerError(RagError):
    """The reranking model cannot be found or used; the message names the fix."""

    code = "reranker"


def reranked(question: str, hits: Sequence[Hit], top_k: int, settings: Settings) -> tuple[Hit, ...]:
    """The best of the first DEPTH hits (of more, if ``top_k`` is) as the model orders them; scores stay those of the retriever.

    Raises:
        RerankerError: the model cannot be found, or is none that scores pairs of texts.
    """
    considered = hits[: max(DEPTH, top_k)]
    if not considered:
        return ()
    pairs = [(question, embedded_text(hit.context, hit.text)) for hit in considered]
    with _USING:  # the model uses all cores for one question
        scores = _model(settings).predict(pairs, batch_size=settings.embedding_batch_size, show_progress_bar=False)
    if getattr(scores, "ndim", 1) != 1:
        raise RerankerError(
            f"RAG_RERANKER_MODEL: {settings.reranker_model} gives {scores.shape[1]} scores for a pair, not one. Choose a model for ranking."
        )
    order = sorted(range(len(considered)), key=lambda n: -float(scores[n]))[:top_k]
    return tuple(replace(considered[n], rank=rank) for rank, n in enumerate(order, start=1))


def _model(settings: Settings) -> CrossEncoder:
    name = settings.reranker_model or ""
    key = (name, settings.embedding_device)
    if key not in _LOADED:
        from sentence_transformers import CrossEncoder

        folder = model_folder(name, "RAG_RERANKER_MODEL", "unset it to do without")
        device = None if settings.embedding_device == "auto" else settings.embedding_device
        try:
            _LOADED[key] = CrossEncoder(str(folder), device=device, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise RerankerError(
                f"RAG_RERANKER_MODEL: {folder} holds no model that scores pairs of texts ({error}). Give a sentence-transformers "
                "CrossEncoder, such as cross-encoder/ms-marco-MiniLM-L6-v2, or unset it."
            ) from error
    return _LOADED[key]

"""A second opinion on the order of passages, by a model that reads question and passage together.

Belongs here: the model, the order it gives, when it is asked, and for how long. Not here: finding passages. Off unless
RAG_RERANKER_MODEL is set: measure it on your own questions first (``rag eval`` with and without it), for it takes most of their time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from rag_pipeline.answering.tuning import TUNING, Reranking
from rag_pipeline.embedding.model_files import model_folder
from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit, embedded_text
from rag_pipeline.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

Reread = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""How well each text answers the question beside it; the greater, the better. It may read the first ones only, having no time for more."""

_LOADED: dict[tuple[str, str], CrossEncoder] = {}
_USING = threading.Lock()


class RerankerError(RagError):
    """The reranking model cannot be found or used; the message names the fix."""

    code = "reranker"


def is_close(hits: Sequence[Hit], tuning: Reranking = TUNING.reranking) -> bool:
    """Whether the second comes so near the first that somebody else may order them otherwise."""
    return len(hits) > 1 and hits[1].score >= tuning.close_to_best * hits[0].score


def reranked(question: str, hits: Sequence[Hit], top_k: int, reread: Reread, tuning: Reranking = TUNING.reranking) -> tuple[Hit, ...]:
    """The best of the first hits (``depth`` of them, or ``top_k`` if that is more) as ``reread`` orders them; scores stay the retriever's.

    Those that it had no time for come after those that it read, in their order.

    Raises:
        RerankerError: as :func:`reranker` says.
    """
    considered = hits[: max(tuning.depth, top_k)]
    if not considered:
        return ()
    scores = reread([(question, embedded_text(hit.context, hit.text)) for hit in considered])
    order = [*sorted(range(len(scores)), key=lambda n: -scores[n]), *range(len(scores), len(considered))][:top_k]
    return tuple(replace(considered[n], rank=rank) for rank, n in enumerate(order, start=1))


def reranker(settings: Settings, tuning: Reranking = TUNING.reranking) -> Reread | None:
    """The configured model; None when there is none. It is loaded when it is first asked, which takes seconds.

    Asking it raises:
        RerankerError: the model cannot be found, or is none that scores pairs of texts.
    """
    return partial(_scores, settings, tuning.batch) if settings.reranker_model else None


def _scores(settings: Settings, batch: int, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Batch by batch, until a further one that takes as long as the last would end too late; the first always."""
    with _USING:  # the model uses all cores for one question
        model = _model(settings)
        scores: list[float] = []
        patience = timedelta(milliseconds=settings.rerank_milliseconds).total_seconds()
        start = before = time.monotonic()
        for first in range(0, len(pairs), batch):
            scores += _scores_of(model, settings, pairs[first : first + batch])
            now = time.monotonic()
            if now - start + now - before > patience:
                break
            before = now
    return scores


def _scores_of(model: CrossEncoder, settings: Settings, pairs: Sequence[tuple[str, str]]) -> list[float]:
    scores = model.predict(pairs, batch_size=len(pairs), show_progress_bar=False)
    if getattr(scores, "ndim", 1) != 1:
        raise RerankerError(
            f"RAG_RERANKER_MODEL: {settings.reranker_model} gives {scores.shape[1]} scores for a pair, not one. Choose a model for ranking."
        )
    return [float(score) for score in scores]


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

"""The configured embedding model, wherever it runs: on this machine, or behind an address.

Belongs here: which of the two. Not here: either (``model_files.py``, ``served_model.py``), vectors (``embedder.py``).
"""

from __future__ import annotations

from rag_pipeline.embedding.embedding_server import FOR_A_QUESTION, IN_BULK, EmbeddingServer, Patience
from rag_pipeline.embedding.model_files import ModelFiles, locate_model
from rag_pipeline.embedding.served_model import ServedModel, identified, known_model, served_model
from rag_pipeline.settings import Settings

EmbeddingModel = ModelFiles | ServedModel


def embedding_model(settings: Settings, patience: Patience = IN_BULK) -> EmbeddingModel:
    """The configured model; a server that has not been asked yet is asked.

    Raises:
        EmbeddingModelError: it cannot be found, read, or trusted.
        EmbeddingServerError: the server does not answer, or not with vectors.
    """
    return served_model(settings, patience) if settings.embedding_url else locate_model(settings)


def embedding_model_so_far(settings: Settings) -> EmbeddingModel | None:
    """The same, and nobody is asked: None while the server has not been.

    Raises:
        EmbeddingModelError: it cannot be found, read, or trusted.
    """
    return known_model(settings) if settings.embedding_url else locate_model(settings)


def note_exchange(settings: Settings) -> None:
    """Ask the server, if there is one, which model it has now: another one is noted though nothing may be left to embed.

    Raises:
        EmbeddingModelError: there is no such tokenizer.
        EmbeddingServerError: the server does not answer, or its model does not fit.
    """
    if settings.embedding_url:
        identified(settings, EmbeddingServer(settings, settings.embedding_model, FOR_A_QUESTION))

"""Collections in a language that the embedding model does not read, and so are found by their words alone.

Belongs here: which they are. Not here: when the model reads a text (``embedding/model_files.py``), what a question does then
(``answering/retrieval/retrieve.py``).
"""

from __future__ import annotations

from rag_pipeline.embedding.model import embedding_model_so_far
from rag_pipeline.embedding.model_files import EmbeddingModelError, ModelFiles, unread_language
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.chunk_rows import sampled_texts

_PASSAGES = 40
"""Of a collection that are looked at."""
_MOST_UNREAD = 0.25
"""Share of them from which on it is said."""


def unread_collections(settings: Settings) -> dict[str, str]:
    """Collection → what is to be said of it, where the model does not read a good part of its passages.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    try:
        model = embedding_model_so_far(settings)
    except EmbeddingModelError:  # whoever needs it says so in words
        return {}
    if model is None or not (isinstance(model, ModelFiles) or model.tokenizer):
        return {}
    counter = model.token_counter()
    samples = sampled_texts(open_catalog(settings), _PASSAGES)
    unread = {name: sum(not counter.reads(text) for text in texts) / len(texts) for name, texts in samples.items()}
    return {
        name: f"{share:.0%} of its passages are found by words alone. {unread_language(model.name)}"
        for name, share in unread.items()
        if share > _MOST_UNREAD
    }

"""Vectors by an embedding server: requests of bounded size, a few in flight, each of which proves that the model is still the same.

Belongs here: what goes into a request, and which text a refusal means. Not here: a single request (``embedding_server.py``), which model
it is (``served_model.py``). Neither torch nor sentence_transformers nor onnxruntime is imported for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.embedding_server import (
    EmbeddingServer,
    EmbeddingServerAwayError,
    EmbeddingServerError,
    InputRefusedError,
    Patience,
)
from rag_pipeline.embedding.served_model import PROBE, ModelExchangedError, ServedModel, identified
from rag_pipeline.embedding.vectors import Vectors
from rag_pipeline.settings import Settings

IN_FLIGHT = 4
"""Requests at once: a server that batches is kept busy, and the way there is not waited for."""
MOST_CHARACTERS = 32_000
"""Of the texts of a request: about 8,000 tokens, a few seconds of a processor's work."""


class TextsRefusedError(EmbeddingServerError):
    """The server does not take some of the texts. ``refused``: their places → its words; ``vectors``: of all others, in order."""

    def __init__(self, message: str, refused: Mapping[int, str], vectors: Vectors) -> None:
        super().__init__(message)
        self.refused = refused
        self.vectors = vectors


class ServedEmbedder:
    """A model of an embedding server. Safe to share by threads."""

    dtype = "as the server calculates"

    def __init__(self, model: ServedModel, settings: Settings, patience: Patience) -> None:
        self._model = model
        self._settings = settings
        self._server = EmbeddingServer(settings, model.name, patience)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._model.dimension

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks: shape (len(texts), dimension), unit length, in the order given.

        Raises:
            TextsRefusedError: some are too long for the server; it holds the vectors of the others.
            EmbeddingServerError: the server does not answer, or with another model than before (``ModelExchangedError``).
        """
        requests = list(self._requests([self._model.document_prompt + text for text in texts]))
        with ThreadPoolExecutor(IN_FLIGHT, "embedding") as sending:
            found = list(chain.from_iterable(sending.map(self._each, requests)))
        vectors = [one for one in found if not isinstance(one, str)]
        made = np.stack(vectors) if vectors else np.zeros((0, self.dimension), dtype=np.float32)
        if refused := {place: said for place, said in enumerate(found) if isinstance(said, str)}:
            raise TextsRefusedError(self._refusal(texts, refused), refused, made)
        return made

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Vector of one question: shape (dimension,), unit length.

        Raises:
            EmbeddingServerError: as for documents.
        """
        vector: NDArray[np.float32] = self._all([self._model.query_prompt + text])[0]
        return vector

    def _requests(self, texts: Sequence[str]) -> Iterator[list[str]]:
        request: list[str] = []
        characters = 0
        for text in texts:
            if request and (len(request) >= self._settings.embedding_batch_size or characters + len(text) > MOST_CHARACTERS):
                yield request
                request, characters = [], 0
            request.append(text)
            characters += len(text)
        if request:
            yield request

    def _each(self, texts: Sequence[str]) -> list[NDArray[np.float32] | str]:
        """The vector of each text, or what the server said against it: found by halving what it refused."""
        try:
            return list(self._all(texts))
        except InputRefusedError as error:
            if len(texts) > 1:
                half = len(texts) // 2
                return [*self._each(texts[:half]), *self._each(texts[half:])]
            self._server.ask([PROBE])  # what is refused without the text too has another reason
            return [error.said]

    def _all(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, by one request."""
        vectors = self._server.ask([PROBE, *texts]).vectors
        if not self._model.is_same(vectors[0]):
            self._tell_which()
        return vectors[1:]

    def _tell_which(self) -> None:
        """Another model has answered: ask which one it is now, alone, so that one odd answer exchanges nothing."""
        now = identified(self._settings, self._server)
        where = f"The embedding server at {self._server.url}"
        if now.fingerprint == self._model.fingerprint:
            raise EmbeddingServerAwayError("embedding_answer", f"{where} gave a vector that is not {now.name}'s: do several models answer?")
        raise ModelExchangedError(
            "embedding_model",
            f"{where} has another model now under the name {now.name}. Nothing of both is mixed: all is embedded anew (rag ingest; "
            "rag up does it by itself). Or bring the former model back.",
        )

    def _refusal(self, texts: Sequence[str], refused: Mapping[int, str]) -> str:
        place, said = next(iter(refused.items()))
        return (
            f"The embedding server at {self._server.url} does not take {len(refused)} passages, which are found by their words alone. "
            f"It says: {said}. The first begins: {texts[place][:60]!r}. If they are too long for it, lower RAG_CHUNK_TOKENS, or name "
            "its tokenizer by RAG_EMBEDDING_TOKENIZER."
        )

"""The second step: the passages that may hold the answer.

Belongs here: which collections and documents are asked, and with which embedding model. Not here: the order of what they hold
(``order.py``), the engine (``stores/vectors``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from rag_pipeline.answering.question import checked_question
from rag_pipeline.answering.retrieval.order import Sources, all_in_order
from rag_pipeline.answering.retrieval.question_encoder import QuestionEncoder, SentenceEncoder, Vector
from rag_pipeline.answering.retrieval.reranking import reranker
from rag_pipeline.answering.scope import EVERYWHERE, DocumentFilter, Scope
from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.embedding.embedder import Vectors, prepare_light_runtime
from rag_pipeline.embedding.model_files import EmbeddingModelError, ModelFiles, locate_model
from rag_pipeline.errors import RagError
from rag_pipeline.models import Coverage, Hit
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import Candidate, CollectionNotIndexedError, IndexChangedError, Manifest, SearchQuery, VectorIndex


class NothingIndexedError(RagError):
    """No collection that may be seen has been indexed, so there is nothing to search."""

    code = "nothing_indexed"


class Retriever:
    """Searches published collections. Made once a process; safe to share by threads and tasks."""

    def __init__(self, index: VectorIndex, settings: Settings, tuning: Tuning = TUNING) -> None:
        self._index = index
        self._settings = settings
        self._tuning = tuning
        self._encoder = QuestionEncoder(settings, tuning)
        self._sentences = SentenceEncoder(settings, tuning)
        self._reread = reranker(settings)
        # Of fifty questions that come at once the first shall be answered first: searching takes longest, and gets no more threads than
        # there are cores, and none of those by which all other steps go.
        self._searching = ThreadPoolExecutor(os.cpu_count() or 1, "search")

    async def retrieve(
        self, question: str, scope: Scope, top_k: int, sub_questions: Sequence[str] = (), with_topic: str = ""
    ) -> tuple[Hit, ...]:
        """The best passages for a question that stands alone, best first, scores from 0 to 1.

        With ``sub_questions`` those are searched for too, and what each of them found has a place. ``with_topic`` is the question and
        what was said before: passages that fit both come after the best that the question found alone.

        Raises:
            BadQuestionError: there is nothing in it to search for.
            NothingIndexedError: no collection is indexed, or none that may be seen.
            RagError: an unknown collection, or an index whose embedding model is not here any more.
        """
        limits = self._tuning.question
        texts = [checked_question(text, limits) for text in (question, *sub_questions)]
        topical = checked_question(with_topic, limits) if with_topic else ""
        return await asyncio.get_running_loop().run_in_executor(self._searching, self._retrieve, texts, topical, scope, top_k)

    async def passage(self, collection: str, chunk_id: str) -> Hit | None:
        """A passage by the ids that a citation carries; None when it is not in the collection any more."""
        return await asyncio.to_thread(self._passage, collection, chunk_id)

    async def around(self, hit: Hit, before: int, after: int) -> list[Hit]:
        """A passage with up to so many before and after it in its document, in reading order; empty when it is gone."""
        return await asyncio.to_thread(self._neighbours, hit, before, after)

    async def coverage(self, scope: Scope) -> Coverage | None:
        """How many passages of the collections that a scope asks have a vector; None where all have one."""
        return await asyncio.to_thread(self._coverage, scope)

    def question_vector(self, question: str, collection: str) -> Vector:
        """The question as the collection's model sees it. Takes milliseconds, the first time seconds: not for the event loop."""
        return self._encoder.vector(question, self._model_of(collection))

    def sentence_vectors(self, sentences: Sequence[str], collection: str) -> Vectors:
        """Sentences as the collection's model sees them: shape (sentences, dimension). Not for the event loop."""
        return self._sentences.vectors(sentences, self._model_of(collection))

    async def prepare(self) -> None:
        """Have the light runtime made for the models that questions are asked with, where there is none yet: ten seconds, once.

        Raises:
            RagError: as for a question.
        """
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        for collection in self._collections(EVERYWHERE):
            prepare_light_runtime(self._model_of(collection), self._settings)

    def _retrieve(self, questions: Sequence[str], with_topic: str, scope: Scope, top_k: int) -> tuple[Hit, ...]:
        collections = self._collections(scope)

        def candidates(question: str, depth: int) -> list[Candidate]:
            return self._candidates(collections, question, scope, depth)

        return all_in_order(questions, with_topic, Sources(candidates, self._following, self._reread), top_k, self._tuning)

    def _coverage(self, scope: Scope) -> Coverage | None:
        wanted, published = self._collections(scope), self._index.manifests()
        manifests = [published[name] for name in wanted if name in published]
        found = Coverage(sum(one.chunks for one in manifests), sum(one.vectors for one in manifests))
        return found if found.vectors < found.passages else None

    def _following(self, hit: Hit) -> Hit | None:
        return next(iter(self._neighbours(hit, 0, 1)[1:]), None)

    def _neighbours(self, hit: Hit, before: int, after: int) -> list[Hit]:
        try:
            return self._index.neighbours(hit.collection, hit.chunk_id, before, after)
        except CollectionNotIndexedError:
            return []

    def _collections(self, scope: Scope) -> Sequence[str]:
        existing = self._index.collections()
        for error in self._index.damaged():
            if error.collection in scope.collections or not (existing or scope.nothing_indexed):
                raise error
        if scope.nothing_indexed:
            raise NothingIndexedError(f"Nothing is indexed yet in {', '.join(scope.collections)}.")
        if not existing:
            raise NothingIndexedError(
                f"No documents are indexed yet: drop files into {self._settings.uploads} and start `rag up`, or run: rag ingest"
            )
        unknown = [name for name in scope.collections if name not in existing]
        if unknown:
            raise RagError(f"No collection is named {', '.join(map(repr, unknown))}. There are: {', '.join(map(repr, existing))}.")
        return tuple(dict.fromkeys(scope.collections)) or existing

    def _candidates(self, collections: Sequence[str], question: str, scope: Scope, depth: int) -> list[Candidate]:
        """Those of all collections, each collection's best first; one that was dropped since they were listed has none."""
        for _ in range(self._tuning.patience.search_attempts):
            published = self._index.manifests()
            queries = {name: self._query(published[name], question, scope.filter, depth) for name in collections if name in published}
            try:
                found = self._index.search(queries)
            except IndexChangedError:
                continue
            return [candidate for name in collections for candidate in found.get(name, ())]
        raise IndexChangedError(", ".join(collections))

    def _query(self, manifest: Manifest, question: str, wanted: DocumentFilter, depth: int) -> SearchQuery:
        ranking = self._tuning.ranking
        # Without a vector to compare it with, the question needs none: the first answers do not wait for the model.
        dense = self._encoder.vector(question, model_of(manifest, self._settings)).tolist() if manifest.vectors else None
        return SearchQuery(
            dense=dense,
            text=question,
            top_k=max(depth, ranking.candidates),
            prefetch=ranking.prefetch,
            fusion=ranking.fusion,
            documents=wanted.documents,
            folder=wanted.folder.strip("/"),
            types=tuple(name.lstrip(".").lower() for name in wanted.types),
            since=_seconds(wanted.since),
            before=_seconds(wanted.before),
            embedding_fingerprint=manifest.embedding_fingerprint,
        )

    def _model_of(self, collection: str) -> ModelFiles:
        manifest = self._index.manifests().get(collection)
        if manifest is None:
            raise CollectionNotIndexedError(collection)
        return model_of(manifest, self._settings)

    def _passage(self, collection: str, chunk_id: str) -> Hit | None:
        try:
            return next(iter(self._index.passages(collection, [chunk_id])), None)
        except CollectionNotIndexedError:
            return None


def _seconds(time: datetime | None) -> float | None:
    """Since 1970, of a time in UTC without a zone."""
    return time.replace(tzinfo=UTC).timestamp() if time else None


def model_of(manifest: Manifest, settings: Settings) -> ModelFiles:
    """The embedding model a collection was indexed with: the configured one, or, while a change of model is under way, the one before.

    Raises:
        RagError: neither is the model that made the vectors.
    """
    for name in dict.fromkeys((settings.embedding_model, manifest.embedding_model)):
        try:
            model = locate_model(settings.model_copy(update={"embedding_model": name}))
        except EmbeddingModelError:
            if name == manifest.embedding_model:
                raise
            continue
        if model.fingerprint == manifest.embedding_fingerprint:
            return model
    raise RagError(
        f"The collection {manifest.collection!r} was indexed with {manifest.embedding_model}, whose files have changed since. "
        f"Index it again: rag ingest {manifest.collection!r}"
    )

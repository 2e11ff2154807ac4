"""The second step: the passages that may hold the answer.

Belongs here: which collections and documents are asked, and with which embedding model. Not here: the order of what they hold
(``order.py``), the engine (``stores/vectors``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from typing import cast

from rag_pipeline.answering.question import checked_question
from rag_pipeline.answering.retrieval.order import Sources, all_in_order, in_order
from rag_pipeline.answering.retrieval.question_encoder import QuestionEncoder, SentenceEncoder, Vector
from rag_pipeline.answering.retrieval.reranking import reranker
from rag_pipeline.answering.retrieval.scoring import spoken_name
from rag_pipeline.answering.scope import Scope
from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.answering.whole_document import OVERVIEW, document_asked_about, documents_meant, names_no_document
from rag_pipeline.embedding.embedder import Vectors, prepare_light_runtime
from rag_pipeline.embedding.embedding_server import FOR_A_QUESTION, EmbeddingServerError
from rag_pipeline.embedding.model import EmbeddingModel, embedding_model
from rag_pipeline.embedding.model_files import EmbeddingModelError, unread_language
from rag_pipeline.embedding.served_model import is_served
from rag_pipeline.errors import RagError
from rag_pipeline.models import Coverage, Hit, IndexVersion
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import Candidate, CollectionNotIndexedError, IndexChangedError, Manifest, SearchQuery, VectorIndex


class NothingIndexedError(RagError):
    """No collection that may be seen has been indexed, so there is nothing to search."""

    code = "nothing_indexed"


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, and how far they could be found by their meaning; which came close, and which versions were searched.

    ``with_topic`` is the question with what was asked before it, where it leans on that. ``unclear``: it asks about a whole document, and
    does not say which, or means too many.
    """

    hits: tuple[Hit, ...]
    coverage: Coverage
    considered: tuple[Hit, ...] = ()
    versions: tuple[IndexVersion, ...] = ()
    with_topic: str = ""
    unclear: bool = False


@dataclass
class _Question:
    """A question under way: where it is searched for, with the versions that answer, and, once it has no vector, why: its model gave none,
    or cannot read it.

    ``unread``: fingerprints of the models that cannot, also where names from a passage are added to it. ``by_any_vector``: it has one
    although its model cannot.
    """

    collections: Sequence[str]
    published: Mapping[str, Manifest]
    scope: Scope
    without_vector: str = ""
    unread: set[str] = field(default_factory=set)
    by_any_vector: bool = False


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

    async def retrieve(self, question: str, scope: Scope, top_k: int, sub_questions: Sequence[str] = (), with_topic: str = "") -> Found:
        """The best passages for a question that stands alone, best first, scores from 0 to 1.

        Where the model is a server's and gives no vector, passages are found by their words alone, and ``coverage`` says why.

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

    def question_vector(self, question: str, collection: str) -> Vector:
        """The question as the collection's model sees it. Takes milliseconds, the first time seconds: not for the event loop.

        Raises:
            EmbeddingServerError: the model is a server's, and gives none.
        """
        return self._encoder.vector(question, self._model_of(collection))

    def sentence_vectors(self, sentences: Sequence[str], collection: str) -> Vectors:
        """Sentences as the collection's model sees them: shape (sentences, dimension). Not for the event loop.

        Raises:
            EmbeddingServerError: the model is a server's, and gives none.
        """
        return self._sentences.vectors(sentences, self._model_of(collection))

    async def prepare(self) -> None:
        """Have the light runtime made for the models that questions are asked with, where there is none yet: ten seconds, once.

        Where nothing is indexed yet, that is the configured one.

        Raises:
            RagError: as for a question.
        """
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        collections = self._index.collections()
        for model in map(self._model_of, collections) if collections else [embedding_model(self._settings, FOR_A_QUESTION)]:
            prepare_light_runtime(model, self._settings)

    def _retrieve(self, questions: Sequence[str], with_topic: str, scope: Scope, top_k: int) -> Found:
        if scope.filter.tags and scope.tagged is None:
            raise ValueError("Whoever makes a scope with tags looks up their documents: here they would be left out without a word")
        published = self._index.manifests()
        collections = self._collections(scope, list(published))
        asked = _Question(collections, published, scope)
        found = self._found(asked, questions, with_topic, top_k)
        if found.hits or not asked.unread:
            return found
        # No word of it is there: a vector that tells little tells more than nothing.
        return self._found(_Question(collections, asked.published, scope, by_any_vector=True), questions, with_topic, top_k)

    def _found(self, asked: _Question, questions: Sequence[str], with_topic: str, top_k: int) -> Found:
        seen: list[Hit] = []
        sources = Sources(partial(self._candidates, asked), self._following, self._reread, seen.extend)
        called = document_asked_about(questions[0])
        whole = self._of_whole(asked, questions[0], called, with_topic, top_k) if called else None
        hits, leans_on = (whole, "") if whole is not None else all_in_order(questions, with_topic, sources, top_k, self._tuning)
        searched = [asked.published[name] for name in asked.collections if name in asked.published]
        versions = tuple(IndexVersion(one.collection, one.version, one.embedding_model) for one in searched)
        return Found(hits, self._coverage(asked), _not_chosen(seen, hits), versions, leans_on, unclear=whole == ())

    def _of_whole(self, asked: _Question, question: str, called: str, with_topic: str, top_k: int) -> tuple[Hit, ...] | None:
        """The passages that stand for the documents that a question about them as a whole means.

        Empty where it may mean any of several, or means more of them than are read for one question; None where no document is called so.
        """
        any_of_them = names_no_document(called, question)
        sources = Sources(partial(self._candidates, asked), self._following)
        searched = with_topic if any_of_them and with_topic else question
        meant = documents_meant(called, question, in_order(searched, sources, self._tuning.ranking.candidates, self._tuning))
        if any_of_them and with_topic:
            meant = meant[:1]
        if len(meant) > (1 if any_of_them else self._tuning.outline.most_documents):
            return ()
        passages = [passage for hit in meant for passage in self._standing_for(asked, hit, max(1, top_k // len(meant)))]
        return tuple(replace(hit, rank=rank) for rank, hit in enumerate(passages, start=1)) or None

    def _standing_for(self, asked: _Question, of_document: Hit, count: int) -> list[Hit]:
        """A document's first passages, and those in which its author says what it is about, in reading order."""
        narrowed = replace(asked.scope, filter=replace(asked.scope.filter, documents=(of_document.document,)))
        within = _Question([of_document.collection], asked.published, narrowed)
        sources = Sources(partial(self._candidates, within), self._following)
        about = in_order(f"{spoken_name(of_document.document)} {OVERVIEW}", sources, count, self._tuning)
        opening = self._neighbours(of_document, of_document.position, self._tuning.outline.first_passages - 1 - of_document.position)
        scored = {hit.chunk_id: hit for hit in about}
        best = [scored.pop(hit.chunk_id, replace(hit, score=about[0].score)) for hit in opening] if about else opening
        return sorted([*best, *scored.values()][:count], key=lambda hit: hit.position)

    def _coverage(self, asked: _Question) -> Coverage:
        manifests = [asked.published[name] for name in asked.collections if name in asked.published]
        return Coverage(
            sum(one.chunks for one in manifests), sum(one.vectors for one in manifests), asked.without_vector, bool(asked.unread)
        )

    def _following(self, hit: Hit) -> Hit | None:
        return next(iter(self._neighbours(hit, 0, 1)[1:]), None)

    def _neighbours(self, hit: Hit, before: int, after: int) -> list[Hit]:
        try:
            return self._index.neighbours(hit.collection, hit.chunk_id, before, after)
        except CollectionNotIndexedError:
            return []

    def _collections(self, scope: Scope, existing: Sequence[str]) -> Sequence[str]:
        unknown = [name for name in scope.collections if name not in existing]
        for error in self._index.damaged() if unknown or not existing else ():  # where the version before answers, it does
            if error.collection in unknown or not (existing or scope.nothing_indexed):
                raise error
        if scope.nothing_indexed:
            raise NothingIndexedError(f"Nothing is indexed yet in {', '.join(scope.collections)}.")
        if not existing:
            raise NothingIndexedError(
                f"No documents are indexed yet: drop files into {self._settings.uploads} and start `rag up`, or run: rag ingest"
            )
        if unknown:
            raise RagError(f"No collection is named {', '.join(map(repr, unknown))}. There are: {', '.join(map(repr, existing))}.")
        return tuple(dict.fromkeys(scope.collections)) or existing

    def _candidates(self, asked: _Question, question: str, depth: int) -> list[Candidate]:
        """Those of all collections, each collection's best first; one that was dropped since they were listed has none."""
        for _ in range(self._tuning.patience.search_attempts):
            queries = {
                name: self._query(asked, manifest, question, depth, documents or ())
                for name, manifest in asked.published.items()
                if name in asked.collections and (documents := _documents(asked.scope, name)) != ()
            }
            try:
                found = self._index.search(queries)
            except IndexChangedError:
                asked.published = self._index.manifests()
                continue
            return [candidate for name in asked.collections for candidate in found.get(name, ())]
        raise IndexChangedError(", ".join(asked.collections))

    def _query(self, asked: _Question, manifest: Manifest, question: str, depth: int, documents: tuple[str, ...]) -> SearchQuery:
        ranking, wanted = self._tuning.ranking, asked.scope.filter
        # Without a vector to compare it with, the question needs none: the first answers do not wait for the model.
        dense = self._dense(asked, manifest, question) if manifest.vectors else None
        return SearchQuery(
            dense=dense,
            text=question,
            top_k=max(depth, ranking.candidates),
            prefetch=ranking.prefetch,
            fusion=ranking.fusion,
            documents=documents,
            folder=wanted.folder.strip("/"),
            types=tuple(name.lstrip(".").lower() for name in wanted.types),
            since=_seconds(wanted.since),
            before=_seconds(wanted.before),
            embedding_fingerprint=manifest.embedding_fingerprint,
        )

    def _dense(self, asked: _Question, manifest: Manifest, question: str) -> list[float] | None:
        """The question's vector; None where its server gives none, which is then not waited for again, or where it would tell nothing."""
        fingerprint = manifest.embedding_fingerprint
        if fingerprint in asked.unread or (asked.without_vector and not asked.unread and is_served(fingerprint)):
            return None
        try:
            model = model_of(manifest, self._settings)
            if not asked.by_any_vector and not self._encoder.reads(question, model):
                asked.without_vector = unread_language(manifest.embedding_model)
                asked.unread.add(fingerprint)
                return None
            return cast("list[float]", self._encoder.vector(question, model).tolist())
        except EmbeddingServerError as error:
            asked.without_vector, asked.unread = str(error), set()
            return None

    def _model_of(self, collection: str) -> EmbeddingModel:
        manifest = self._index.manifests().get(collection)
        if manifest is None:
            raise CollectionNotIndexedError(collection)
        return model_of(manifest, self._settings)

    def _passage(self, collection: str, chunk_id: str) -> Hit | None:
        try:
            return next(iter(self._index.passages(collection, [chunk_id])), None)
        except CollectionNotIndexedError:
            return None


def _not_chosen(seen: Sequence[Hit], chosen: Sequence[Hit]) -> tuple[Hit, ...]:
    """Passages that were considered for one of the questions, best first, each once."""
    known = {hit.chunk_id for hit in chosen}
    best: dict[str, Hit] = {}
    for hit in sorted(seen, key=lambda hit: -hit.score):
        if hit.chunk_id not in known:
            best.setdefault(hit.chunk_id, hit)
    return tuple(best.values())


def _documents(scope: Scope, collection: str) -> tuple[str, ...] | None:
    """Paths of the documents of a collection that a question is asked of; None: of all."""
    named = scope.filter.documents or None
    if scope.tagged is None:
        return named
    tagged = scope.tagged.get(collection, ())
    return tagged if named is None else tuple({*tagged}.intersection(named))


def _seconds(time: datetime | None) -> float | None:
    """Since 1970, of a time in UTC without a zone."""
    return time.replace(tzinfo=UTC).timestamp() if time else None


def model_of(manifest: Manifest, settings: Settings) -> EmbeddingModel:
    """The embedding model a collection was indexed with: the configured one, or, while a change of model is under way, the one before.

    Raises:
        EmbeddingServerError: that was a server's, which does not answer, has another model now, or is not configured any more.
        RagError: neither is the model that made the vectors.
    """
    indexed, served = (
        f"The collection {manifest.collection!r} was indexed with {manifest.embedding_model}",
        is_served(manifest.embedding_fingerprint),
    )
    again = f"Index it again: rag ingest {manifest.collection!r}"
    names = dict.fromkeys((settings.embedding_model, manifest.embedding_model))
    if served != bool(settings.embedding_url):  # the configured name is of the other kind, and says nothing to this one
        names = dict.fromkeys([manifest.embedding_model])
        settings = settings.model_copy(update={"embedding_url": None})
    if served and not settings.embedding_url:
        raise EmbeddingServerError(f"{indexed} by an embedding server. Set RAG_EMBEDDING_URL again, or: rag ingest {manifest.collection!r}")
    lengths = dict.fromkeys([settings.embedding_dimensions, *(() if served else (0, manifest.dimension))])
    for name, numbers in product(names, lengths):
        configured = settings.model_copy(update={"embedding_model": name, "embedding_dimensions": numbers})
        try:
            model = embedding_model(configured, FOR_A_QUESTION)
        except EmbeddingModelError:
            if name == manifest.embedding_model and not numbers:
                raise
            continue
        if model.fingerprint == manifest.embedding_fingerprint:
            return model
    if served:
        raise EmbeddingServerError(f"{indexed}, and {settings.embedding_url} has another model now. {again} (rag up does it by itself)")
    raise RagError(f"{indexed}, whose files have changed since. {again}")

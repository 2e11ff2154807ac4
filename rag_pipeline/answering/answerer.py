"""The whole Q&A layer as one stream of events: reformulate, retrieve, augment, generate.

Belongs here: the order of the steps, their timings, and which end a stream has. Not here: how any step works.
Every reader of answers (app, API, command line, ...) reads this stream.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

from rag_pipeline.answering.conversation.decomposition import sub_questions
from rag_pipeline.answering.conversation.reformulate import reformulated, with_topic
from rag_pipeline.answering.ending import ended
from rag_pipeline.answering.expected_kind import is_elliptical
from rag_pipeline.answering.generation.augment import augmented
from rag_pipeline.answering.generation.chosen_model import chosen_model
from rag_pipeline.answering.generation.citations import citations_for
from rag_pipeline.answering.generation.generative import Writing, generated
from rag_pipeline.answering.generation.language_model import ChatModel, chat_model
from rag_pipeline.answering.generation.local_models import LocalLanguageModel, LocalModel
from rag_pipeline.answering.generation.marks import without_marks
from rag_pipeline.answering.generation.token_count import token_count
from rag_pipeline.answering.generation.verification import Verdicts, verified
from rag_pipeline.answering.question import checked_question
from rag_pipeline.answering.quoting.extract import Extract, tokens
from rag_pipeline.answering.quoting.extractive import extracted
from rag_pipeline.answering.quoting.outline import outlined
from rag_pipeline.answering.quoting.refusal import NOT_FROM_DOCUMENTS, WHICH_DOCUMENT, nearest_passages, nothing_near
from rag_pipeline.answering.retrieval.retrieve import NothingIndexedError, Retriever
from rag_pipeline.answering.scope import EVERY_DOCUMENT, EVERYWHERE, Scope
from rag_pipeline.answering.tuning import TUNING, MarkReading, Tuning
from rag_pipeline.answering.whole_document import is_of_whole_documents
from rag_pipeline.embedding.embedder import Vectors
from rag_pipeline.embedding.embedding_server import EmbeddingServerError
from rag_pipeline.embedding.preparation import stop_preparing
from rag_pipeline.models import Answered, AnswerEvent, Coverage, Hit, Message, Nearest, Provenance, Reformulated, Refused, Retrieved
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import open_index

DECIDING = (
    "top_k", "reranker_model", "rerank_milliseconds",
    "chat_model", "chat_tokenizer", "chat_context_tokens", "chat_max_tokens", "chat_withdraw",
)  # fmt: skip
"""Settings that an answer depends on, whatever is indexed. None of them is a secret."""
NOTHING_FOUND = "There is no passage in what was chosen to search. Choose other collections or documents."


@dataclass
class _Course:
    """What is known of an answer under way. ``timings`` are in seconds by step."""

    question: str
    with_topic: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    versions: Mapping[str, str] = field(default_factory=dict)
    prompt: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    given: int = 0

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = time.perf_counter() - started

    def refused(self, reason: str, nearest: Sequence[Nearest] = ()) -> Refused:
        found = tuple(nearest or map(Nearest, self.hits)), self.question, self.timings, None, self._partial_coverage
        return Refused(reason, *found, provenance=self._provenance, given=self.given)

    def answered(self, writing: Writing, verdicts: Verdicts) -> Answered:
        return Answered(
            writing.text,
            writing.citations,
            self.question,
            self.timings,
            writing.model,
            writing.usage,
            marks=writing.marks,
            coverage=self._partial_coverage,
            unverified=verdicts.unverified,
            computed=verdicts.computed,
            provenance=self._provenance,
            given=self.given,
        )

    @property
    def _provenance(self) -> Provenance:
        return Provenance(self.versions, self.hits, self.with_topic, self.prompt, self.settings)

    @property
    def _partial_coverage(self) -> Coverage | None:
        return self.coverage if self.coverage.is_partial else None


class Answerer:
    """Answers questions from the indexed documents. Made once a process; safe to use by many tasks at once.

    Args:
        retriever: finds passages.
        chat: the language model that the settings name.
        settings: what decides answers besides the index.
        tuning: all numbers.
        quotes_only: no language model is asked, whatever there is.
    """

    def __init__(
        self, retriever: Retriever, chat: ChatModel | None, settings: Settings, tuning: Tuning = TUNING, *, quotes_only: bool = False
    ) -> None:
        self.retriever = retriever
        self._chat = chat
        self._local = LocalLanguageModel(settings, tuning.connection, tuning.local_servers)
        self._settings = settings
        self._tuning = tuning
        self._quotes_only = quotes_only

    async def stream(
        self, question: str, history: Sequence[Message] = (), scope: Scope = EVERYWHERE, top_k: int | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        """The answer as it comes: Reformulated, Retrieved, Token*, then one of Answered, Refused, Failed, which may come at any point.

        Where the last one's ``withdrawn`` is not empty, the tokens before it were that, and are no answer.

        Args:
            question: what was asked, at most 20,000 characters.
            history: the conversation before it, oldest first.
            scope: where the answer may come from.
            top_k: how many passages are read; None: ``RAG_TOP_K``.

        Closing the stream early stops the work and closes the language model's connection.
        """
        earlier = await asyncio.to_thread(_earlier, history, self._tuning.marks)  # a program may send megabytes of it
        async with aclosing(ended(self._course(question, earlier, scope, top_k or self._settings.top_k))) as events:
            async for event in events:
                yield event

    async def again(
        self, question: str, history: Sequence[Message], provenance: Provenance, coverage: Coverage
    ) -> AsyncGenerator[AnswerEvent, None]:
        """An answer from the same passages as before, without searching: Token*, then one of Answered, Refused, Failed.

        Args:
            question: as it was searched for: it stands alone.
            history: the conversation before it, oldest first.
            provenance: of the answer before; there is a passage in it.
            coverage: how far the passages had been found by their meaning.
        """
        earlier = await asyncio.to_thread(_earlier, history, self._tuning.marks)
        course = _Course(question, provenance.with_topic, hits=provenance.passages, coverage=coverage, settings=self._deciding())
        async with aclosing(ended(await self._written(course, earlier))) as events:
            async for event in events:
                yield event

    def _deciding(self) -> dict[str, object]:
        """What decides an answer, besides the index; ``tuning`` stands for all numbers of the tuning."""
        return {**deciding(self._settings), "tuning": self._numbers}

    @cached_property
    def _numbers(self) -> str:
        return hashlib.sha256(repr(self._tuning).encode()).hexdigest()

    async def close(self) -> None:
        """Close the connections that are kept open, of the running event loop, and let go of what is being prepared."""
        stop_preparing()
        await self._local.close()
        if self._chat:
            await self._chat.close()

    async def language_model(self) -> ChatModel | None:
        """Who would write an answer now; None where answers are quoted. Costs a look at this machine where one of its models was asked for.

        Raises:
            RagError: it cannot be told which one was chosen.
        """
        return None if self._quotes_only else self._chat or await self._local.current()

    async def local_models(self) -> tuple[LocalModel, ...]:
        """What other programs offer on this machine, asked for or not: as of a few seconds ago."""
        return await self._local.offered()

    async def reformulated(self, question: str, history: Sequence[Message]) -> Reformulated:
        """The question as it is searched for: completed from the conversation if it needs that, and what is searched for beside it.

        Raises:
            RagError: there is nothing to search for in it, or the language model was asked and failed.
        """
        typed = checked_question(question, self._tuning.question)
        chat = await self.language_model()
        standalone = await reformulated(typed, history, chat, self._tuning)
        parts = await sub_questions(standalone, chat, self._tuning.decomposition)
        left_alone = chat is None and standalone == typed
        return Reformulated(standalone, parts, with_topic(typed, history, self._tuning.follow_ups) if left_alone else "")

    async def _course(self, question: str, history: Sequence[Message], scope: Scope, top_k: int) -> AsyncGenerator[AnswerEvent, None]:
        course = _Course(question, settings=self._deciding())
        try:
            async with aclosing(self._steps(course, history, scope, top_k)) as events:
                async for event in events:
                    yield event
        except NothingIndexedError as error:
            yield replace(course.refused(str(error)), nothing_indexed=True)

    async def _steps(self, course: _Course, history: Sequence[Message], scope: Scope, top_k: int) -> AsyncGenerator[AnswerEvent, None]:
        with course.timed("reformulate"):
            searched = await self.reformulated(course.question, history)
            course.question = searched.question
        yield searched
        with course.timed("retrieve"):
            found = await self.retriever.retrieve(course.question, scope, top_k, searched.sub_questions, searched.with_topic)
        course.hits, course.coverage, course.with_topic = found.hits, found.coverage, found.with_topic
        course.versions = {one.collection: one.version for one in found.versions}
        yield Retrieved(course.hits, found.considered, found.versions)
        if found.unclear:
            yield course.refused(WHICH_DOCUMENT)
            return
        if not course.hits:
            most = self._tuning.refusal.most_named  # before there are vectors, a passage that has no word of the question is not found
            is_there = scope == EVERYWHERE or (scope.filter == EVERY_DOCUMENT and course.coverage.passages)
            yield course.refused(nothing_near(course.question, (), most) if is_there else NOTHING_FOUND)
            return
        async with aclosing(await self._written(course, history)) as events:
            async for event in events:
                yield event

    async def _written(self, course: _Course, history: Sequence[Message]) -> AsyncGenerator[AnswerEvent, None]:
        chat = await self.language_model()
        return self._generated(chat, course, history) if chat else self._extracted(course)

    async def _generated(self, chat: ChatModel, course: _Course, history: Sequence[Message]) -> AsyncGenerator[AnswerEvent, None]:
        with course.timed("augment"):
            packing = self._tuning.packing
            count = await asyncio.to_thread(token_count, self._settings.chat_tokenizer, packing.bytes_per_token)
            prompt = augmented(course.question, course.hits, history, chat.context_tokens, count, packing)
            course.prompt = hashlib.sha256(json.dumps(prompt.messages).encode()).hexdigest()
            course.given = len(prompt.hits)
        writing = Writing()
        with course.timed("generate"):
            async with aclosing(generated(chat, prompt, writing, self._tuning.marks)) as written:
                async for token in written:
                    yield token
        if writing.refused:
            yield await asyncio.to_thread(lambda: course.refused(writing.reason, self._nearest(course, self._extract(course))))
            return
        with course.timed("verify"):
            verdicts = await asyncio.to_thread(self._verified, writing, course.question)
            withdrawn = (
                verdicts.holds_nothing and self._settings.chat_withdraw and await asyncio.to_thread(self._is_nowhere, writing, course)
            )
        yield await asyncio.to_thread(self._in_its_place, course, writing) if withdrawn else course.answered(writing, verdicts)

    def _is_nowhere(self, writing: Writing, course: _Course) -> bool:
        """Whether none of the passages that were found says anything of what the model wrote, cited or not."""
        passages = citations_for({number: [writing.text] for number in range(1, len(course.hits) + 1)}, course.hits)
        return verified(
            without_marks(writing.text, self._tuning.marks),
            (),
            passages,
            self._tuning.verification,
            sentences=True,
            question=course.question,
        ).holds_nothing

    def _in_its_place(self, course: _Course, writing: Writing) -> Answered | Refused:
        """What the documents say where a model wrote something else."""
        extract = self._extract(course)
        if not extract.convincing:
            return replace(self._refused(course, extract, NOT_FROM_DOCUMENTS), withdrawn=writing.text)
        quoted = replace(writing, text=extract.text, citations=extract.citations, marks=extract.marks)
        answered = course.answered(quoted, self._verified(quoted))
        return replace(answered, nearness=extract.nearness, withdrawn=writing.text)

    def _refused(self, course: _Course, extract: Extract, before: str = "") -> Refused:
        nearest = self._nearest(course, extract)
        reason = nothing_near(course.question, [one.hit for one in nearest], self._tuning.refusal.most_named, extract.lacking)
        return replace(course.refused(" ".join(filter(None, (before, reason))), nearest), nearness=extract.nearness)

    def _nearest(self, course: _Course, extract: Extract) -> tuple[Nearest, ...]:
        return nearest_passages(extract.ranked, course.hits, self._tuning.refusal.nearest_sentences)

    def _verified(self, writing: Writing, question: str | None = None) -> Verdicts:
        """``question``: what a model answered; None where sentences are quoted."""
        is_written = question is not None
        rules = self._tuning.verification
        return verified(writing.text, writing.marks, writing.citations, rules, sentences=is_written, question=question or "")

    async def _extracted(self, course: _Course) -> AsyncGenerator[AnswerEvent, None]:
        with course.timed("generate"):
            extract = await asyncio.to_thread(self._extract, course)
        if not extract.convincing:
            yield await asyncio.to_thread(self._refused, course, extract)
            return
        for token in tokens(extract):
            yield token
            await asyncio.sleep(0)  # lets a reader that wants to stop, stop
        writing = Writing(extract.text, extract.citations, extract.marks)
        verdicts = await asyncio.to_thread(self._verified, writing)
        yield replace(course.answered(writing, verdicts), nearness=extract.nearness)

    def _extract(self, course: _Course) -> Extract:
        """The question alone first, and where that says too little, read with what was asked before, if it leans on that.

        What says nothing by itself is read so first.
        """
        if is_of_whole_documents(course.question, course.hits):
            return self._outlined(course)
        topic = course.with_topic.removeprefix(course.question).strip()
        readings = (topic, "") if is_elliptical(course.question) else ("", topic)
        made: dict[str, Extract] = {}
        for reading in dict.fromkeys(readings):
            made[reading] = self._extract_for(course, reading)
            if made[reading].convincing:
                return made[reading]
        return made[""]

    def _outlined(self, course: _Course) -> Extract:
        """What a whole document says; by the first sentences of its passages where a server gives no vectors."""
        try:
            return outlined(course.hits, lambda said: self.retriever.sentence_vectors(said, course.hits[0].collection), self._tuning)
        except EmbeddingServerError as error:
            course.coverage = replace(course.coverage, reason=str(error))
            return outlined(course.hits, None, self._tuning)

    def _extract_for(self, course: _Course, topic: str = "") -> Extract:
        question, hits, nearest = course.question, course.hits, course.hits[0].collection

        def embed(sentences: Sequence[str]) -> Vectors:
            return self.retriever.sentence_vectors(sentences, nearest)

        if course.coverage.unread or not course.coverage.reason:  # sentences of one language are near each other even then
            try:
                vector = self.retriever.question_vector(course.with_topic if topic else question, nearest)
                return extracted(question, vector, hits, embed, topic, self._tuning, reads=not course.coverage.unread)
            except EmbeddingServerError as error:
                course.coverage = replace(course.coverage, reason=str(error))
        return extracted(question, None, hits, embed, topic, self._tuning)


def _earlier(history: Sequence[Message], reading: MarkReading) -> list[Message]:
    """A conversation as the steps may read it: without marks, and as text that can be encoded."""
    read = [replace(message, content=message.content.encode("utf-8", "replace").decode("utf-8")) for message in history]
    return [
        replace(message, content=without_marks(message.content, reading)) if message.role == "assistant" else message for message in read
    ]


def deciding(settings: Settings) -> dict[str, object]:
    """The settings that decide an answer, by name; where they name no language model, the one that was chosen stands in its place.

    Raises:
        RagError: it cannot be told which one was chosen.
    """
    chosen = chosen_model(settings)
    return {**{name: getattr(settings, name) for name in DECIDING}, "chat_model": str(chosen) if chosen else settings.chat_model}


def build_answerer(settings: Settings, tuning: Tuning = TUNING, *, quotes_only: bool = False) -> Answerer:
    """The Q&A layer as the settings ask for it. Nothing is opened, loaded or contacted before the first question."""
    retriever, chat = Retriever(open_index(settings), settings, tuning), chat_model(settings, tuning.connection)
    return Answerer(retriever, chat, settings, tuning, quotes_only=quotes_only)

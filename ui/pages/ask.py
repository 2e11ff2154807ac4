"""The Ask tab: a conversation whose every claim opens the passage it comes from.

Belongs here: Gradio components and events. Not here: what is shown (``views``), answers (``rag_pipeline.answering``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import gradio

from rag_pipeline.access import Access
from rag_pipeline.answering.conversation.remembered import remembered
from rag_pipeline.answering.ending import failure
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.example_documents import COLLECTION, QUESTIONS, add_examples
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.models import AnswerEvent
from rag_pipeline.stores.conversations.records import Feedback
from ui.pages.answer_under_way import AnswerUnderWay, Drawing
from ui.pages.reader import access_in
from ui.views.messages import failure_html
from ui.views.progress import progress_html
from ui.views.turns import Turn, question_html, turn_html, turn_of
from ui.views.welcome import Welcome, answers_by, welcome_of
from ui.web.progress_feed import saying_how_far
from ui.web.services import Services
from ui.web.visibility import require, require_collection

REDRAW_SECONDS = 0.06
"""A reader sees no difference above 15 pictures a second; each one sends the whole turn."""
PARALLEL_ANSWERS = 16
EARLIER_CONVERSATIONS = 30
RATINGS = ("Like", "Dislike")
"""Gradio shows thumbs for these two words, and for no others."""
EARLIER = ("Earlier conversations", "")
"""What the list of them says while none is chosen."""

Update = dict[str, Any]
Chat = list[dict[str, str]]


class AskPage:
    """The components of the tab, and what happens when they are used."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._under_way: dict[str, AnswerUnderWay] = {}
        """By the session of their page."""

    def build(self) -> None:
        """Lay out the tab; call it inside the Blocks."""
        with gradio.Column(elem_id="ask"):
            with gradio.Column(elem_id="welcome") as self._welcome:
                self._greeting = gradio.HTML(elem_id="greeting")
                self._examples = gradio.Button("Try it with example documents", variant="primary", visible=False, elem_id="examples")
                with gradio.Column(visible=False, elem_id="questions") as self._questions:
                    self._suggestions = [gradio.Button(question, elem_classes="suggestion") for question in QUESTIONS]
            self._chat = gradio.Chatbot(
                elem_id="chat", visible=False, show_label=False, container=False, buttons=[], feedback_options=RATINGS, height=None,
                latex_delimiters=[], reasoning_tags=[], layout="panel", group_consecutive_messages=False, autoscroll=False,
            )  # fmt: skip
            self._build_composer()
        # The page itself keeps it: the process that answers next may be another one, or the same started again.
        self._conversation = gradio.Textbox(visible=False)
        self._shown: gradio.State = gradio.State(None)
        self._connect()

    def _build_composer(self) -> None:
        with gradio.Column(elem_id="composer"):
            gradio.HTML(progress_html("line"), elem_id="progress-line")
            self._question = gradio.Textbox(
                placeholder="Ask a question", show_label=False, label="Question", container=False, lines=1, max_lines=6, autofocus=True,
                submit_btn=True, elem_id="question",
            )  # fmt: skip
            with gradio.Row(elem_id="under"):
                self._collections = gradio.CheckboxGroup(
                    [], value=[], label="Look only in", show_label=False, container=False, visible=False, elem_id="collections"
                )
                self._earlier = gradio.Dropdown(
                    [], value=None, label="Earlier conversations", show_label=False, container=False, visible=False, elem_id="earlier",
                    info=None, filterable=False,
                )  # fmt: skip
                self._anew = gradio.Button("New conversation", size="sm", visible=False, elem_id="anew")
            self._answers_by = gradio.HTML(answers_by(self._services.settings), elem_id="answers-by")

    def _connect(self) -> None:
        outputs = [self._chat, self._question, self._welcome, self._anew, self._conversation]
        inputs = [self._question, self._conversation, self._chat, self._collections]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asking = {**quiet, "concurrency_limit": PARALLEL_ANSWERS, "concurrency_id": "answers"}
        # A question that is sent while another is answered is asked after it.
        self._question.submit(self._answer, inputs, outputs, js="window.takeQuestion", trigger_mode="always_last", **asking)
        for suggestion in self._suggestions:
            suggestion.click(self._answer, [suggestion, *inputs[1:]], outputs, **asking)
        # In the queue like answers themselves: what is drawn arrives in the order in which it was sent.
        ending = {**quiet, "concurrency_limit": None}
        self._question.stop(self._stop, None, None, **ending)
        self._anew.click(self._start_anew, None, outputs, **ending)
        self._earlier.input(self._reopen, [self._earlier], [*outputs, self._earlier], **ending)
        self._chat.like(self._rate, [self._conversation], None, queue=False, **quiet)
        self._examples.click(self._add_examples, None, [self._examples, self._greeting], **quiet)

    def keep_current(self, blocks: gradio.Blocks, clock: gradio.Timer) -> None:
        """Show what state the documents are in, now and at every tick."""
        outputs = [self._shown, self._greeting, self._examples, self._questions, self._collections, self._earlier]
        for event in (blocks.load, clock.tick):
            event(self._refresh, [self._shown], outputs, show_progress="hidden", queue=False, api_visibility="private")
        blocks.load(self._who_answers, None, self._answers_by, show_progress="hidden", queue=False, api_visibility="private")

    async def _who_answers(self) -> str:
        return answers_by(self._services.settings, await self._services.answerer.local_models())

    async def _refresh(self, shown: Welcome | None, request: gradio.Request) -> tuple[Any, ...]:
        try:
            access = access_in(request)
            require(access, "read")
            counts, progress = await self._services.visible_counts(access), await self._services.progress.current(access)
            now = welcome_of(counts, self._services.settings, progress)
            earlier = await self._services.conversations.recent(access.digest, EARLIER_CONVERSATIONS)
            now = replace(now, earlier=tuple((one.title, one.conversation_id) for one in earlier))
        except RagError as error:
            now = Welcome.of_error(str(error))
        if now == shown:
            return (gradio.skip(),) * 6
        collections = earlier_ones = gradio.skip()
        if shown is None or now.collections != shown.collections:
            collections = gradio.update(choices=[(f"{name}", name) for name in now.collections], visible=len(now.collections) > 1)
        if shown is None or now.earlier != shown.earlier:
            earlier_ones = gradio.update(choices=[EARLIER, *now.earlier], value="", visible=bool(now.earlier))
        examples = gradio.update(visible=now.offers_examples, interactive=True)
        return now, now.html, examples, gradio.update(visible=now.offers_questions), collections, earlier_ones

    async def _add_examples(self, request: gradio.Request) -> tuple[Any, ...]:
        try:
            require(access_in(request), "write")
            require_collection(access_in(request), COLLECTION)
            await asyncio.to_thread(add_examples, watched_folder(self._services.settings))
        except RagError as error:
            return gradio.skip(), Welcome.of_error(str(error)).html
        return gradio.update(visible=False), Welcome.waiting_for_examples()

    async def _answer(
        self, question: str, conversation: str | None, chat: Chat, collections: list[str], request: gradio.Request
    ) -> AsyncGenerator[Drawing, None]:
        """Stream one answer into the chat, in the conversation with this id or a new one."""
        question, session = question.strip(), request.session_hash or ""
        if not question or session in self._under_way:
            yield (gradio.skip(),) * 5
            return
        asked = _Asked(question, conversation, collections, access_in(request))
        # What the browser sends as the chat may be older than what it shows: a page that was just emptied has no conversation.
        chat = chat if conversation else []
        answer = self._under_way[session] = AnswerUnderWay(self._events(asked))
        try:
            async with aclosing(self._drawings(asked, answer, chat)) as drawings:
                async for drawing in drawings:
                    yield drawing
        finally:
            answer.end()  # the page may be gone, before it was shown anything
            del self._under_way[session]

    async def _drawings(self, asked: _Asked, answer: AnswerUnderWay, chat: Chat) -> AsyncGenerator[Drawing, None]:
        """The page, again and again: each drawing sets the same things, because Gradio may leave out any but the last."""
        before = [*chat, {"role": "user", "content": question_html(asked.question)}]
        turn = Turn(asked.question, markdown=await self._services.answerer.language_model() is not None)
        yield _drawn(before, turn, asked.conversation)
        drawn = time.monotonic()
        async with aclosing(answer.events()) as events:
            async for event in events:
                turn = turn.after(event)
                if turn.end is None and time.monotonic() - drawn > REDRAW_SECONDS:
                    yield _drawn(before, turn, asked.conversation)
                    drawn = time.monotonic()
        yield answer.last or _drawn(before, replace(turn, stopped=answer.ended_early), asked.conversation)

    def _end(self, request: gradio.Request, last: Drawing | None = None) -> None:
        """End the answer that the page is being given, if it is; its last drawing must not undo what the page shows then."""
        if answer := self._under_way.get(request.session_hash or ""):
            answer.end(last)

    async def _stop(self, request: gradio.Request) -> None:
        """What was streamed stays, and says that it was stopped."""
        self._end(request)

    async def _start_anew(self, request: gradio.Request) -> Drawing:
        emptied = gradio.update(value=[], visible=False), _ready(), gradio.update(visible=True), gradio.update(visible=False), None
        self._end(request, emptied)
        return emptied

    async def _reopen(self, conversation: str, request: gradio.Request) -> Drawing:
        """Show a conversation that was kept; questions go on in it."""
        if not conversation:
            return (gradio.skip(),) * 6
        shown = await self._reopened(conversation, request)
        self._end(request, shown)
        return (*shown, gradio.update(value=""))

    async def _reopened(self, conversation: str, request: gradio.Request) -> Drawing:
        try:
            kept = await self._services.conversations.get(access_in(request).digest, conversation)
        except RagError as error:
            shown = gradio.update(value=[{"role": "assistant", "content": failure_html("It cannot be shown", str(error))}], visible=True)
            return shown, _ready(), gradio.update(visible=False), gradio.update(visible=True), None
        chat: Chat = []
        ratings: list[str | None] = []
        for question, answer in pairwise(kept.messages):
            if question.role == "user":
                ratings.append(dict(zip(("up", "down"), RATINGS, strict=True)).get(answer.feedback or ""))
                turn = turn_of(question, answer, markdown=bool(answer.detail.get("model")))
                chat.append({"role": "user", "content": question_html(question.content)})
                chat.append({"role": "assistant", "content": turn_html(turn)})
        shown = gradio.update(value=chat, feedback_value=ratings, visible=True)
        return shown, _ready(), gradio.update(visible=False), gradio.update(visible=True), conversation

    async def _rate(self, conversation: str | None, request: gradio.Request, rated: gradio.LikeData) -> None:
        """Keep whether an answer helped. Questions and answers take turns in the chat as in what is kept of it."""
        if not conversation or not isinstance(rated.index, int):
            return
        access = access_in(request)
        try:
            kept = await self._services.conversations.get(access.digest, conversation)
            answers = [message for message in kept.messages if message.role == "assistant"]
            helped: Feedback = "up" if rated.liked is True else "down"
            await self._services.conversations.give_feedback(access.digest, answers[rated.index // 2].message_id, helped)
        except (RagError, IndexError) as error:
            raise gradio.Error(f"Your opinion could not be kept: {error}", duration=10, print_exception=False) from error

    async def _events(self, asked: _Asked) -> AsyncGenerator[AnswerEvent, None]:
        """The answerer's events; whatever goes wrong is an event too, and the conversation goes on."""
        conversations, owner = self._services.conversations, asked.access.digest
        try:
            require(asked.access, "read")
            asked.conversation = asked.conversation or (await conversations.create(owner, asked.question)).conversation_id
            scope = await self._services.scope_of(asked.access, asked.collections)
            stream = remembered(self._services.answerer, conversations, owner, asked.conversation, asked.question, scope)
            async with aclosing(saying_how_far(stream, self._services.progress, asked.access)) as events:
                async for event in events:
                    yield event
        except Exception as error:  # noqa: BLE001  the boundary: this is the page's route
            yield failure(error)


@dataclass(slots=True)
class _Asked:
    """A question as a page asked it. A new conversation begins with it where there is none."""

    question: str
    conversation: str | None
    collections: Sequence[str]
    access: Access


def _drawn(before: Chat, turn: Turn, conversation: str | None) -> Drawing:
    """The page while a turn is the last one, or when it is over."""
    over = turn.end is not None or turn.stopped
    chat = gradio.update(value=[*before, {"role": "assistant", "content": turn_html(turn)}], visible=True)
    buttons = gradio.update(submit_btn=over, stop_btn=not over)
    return chat, buttons, gradio.update(visible=False), gradio.update(visible=True), conversation


def _ready() -> Update:
    return gradio.update(submit_btn=True, stop_btn=False)

"""The Ask tab: a conversation whose every claim opens the passage it comes from.

Belongs here: Gradio components and events. Not here: what is shown (``views``), answers (``rag_pipeline.answering``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import gradio
from pydantic import BaseModel, ValidationError, field_validator

from rag_pipeline.access import Access
from rag_pipeline.answering.conversation.remembered import NOTHING_MORE, Wishes, remembered
from rag_pipeline.answering.ending import failure
from rag_pipeline.answering.generation.chosen_model import chosen_model
from rag_pipeline.answering.scope import EVERY_DOCUMENT, DocumentFilter
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.example_documents import COLLECTION, QUESTIONS, add_examples
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.models import AnswerEvent
from rag_pipeline.settings import AUTOMATIC
from rag_pipeline.stores.conversations import Conversation
from rag_pipeline.stores.conversations.records import Feedback
from ui.pages.answer_under_way import AnswerUnderWay
from ui.pages.reader import access_in
from ui.pages.scripts import once_loaded
from ui.pages.wording import is_from_the_right, says
from ui.views.conversations import kept_scope_html, known_html
from ui.views.environment import render
from ui.views.exports import turns_of
from ui.views.language import gettext
from ui.views.language.told import failure_of
from ui.views.messages import failure_html
from ui.views.progress import progress_html
from ui.views.turns import Turn, question_html, turn_html, turn_of
from ui.views.welcome import Welcome, answers_by, welcome_of
from ui.web.progress_feed import saying_how_far
from ui.web.services import Services
from ui.web.visibility import may_everything, require, require_collection

REDRAW_SECONDS = 0.06
"""A reader sees no difference above 15 pictures a second; each one sends the whole turn."""
PAGES_AT_FULL_SPEED = 4
"""More at the same time are drawn less often, each, so that all together cost the same and none stands still: docs/decisions/app.md."""
PARALLEL_ANSWERS = 16
MOST_PASSAGES = 100
RATINGS = ("Like", "Dislike")
"""Gradio shows thumbs for these two words, and for no others."""

Update = dict[str, Any]
Chat = list[dict[str, str]]
Drawing = tuple[Any, ...]
"""What a page shows next: a value for each output of its events."""
_NOTHING_NEW: Drawing = (gradio.skip(),) * 6

_BEGIN = f"({once_loaded('window.ofAsk.begin', 'ofAsk')})(trigger);"


def _taking(function: str) -> str:
    """What an event sends, by a function of ``static/ask.js``."""
    return once_loaded(f"window.{function}", "ofAsk", "ofScope")


class AskPage:
    """The components of the tab, and what happens when they are used."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages: dict[str, _Page] = {}
        """Those that are being given an answer, by their session."""
        self._under_way: dict[str, _Asked] = {}
        """What is being answered, by its conversation."""

    def build(self) -> None:
        """Lay out the tab; call it inside the Blocks."""
        with gradio.Column(elem_id="ask"):
            with gradio.Column(elem_id="welcome") as self._welcome:
                self._greeting = gradio.HTML(elem_id="greeting")
                self._drop = gradio.HTML(elem_id="first-drop")
                self._examples = gradio.Button(variant="primary", visible=False, elem_id="examples")
                says(self._examples, value=lambda: gettext("Try it with example documents"))
                gradio.HTML(render("ask/data.html", data={"loads": "/first-minute"}), elem_id="first-machine")
                with gradio.Column(visible=False, elem_id="questions") as self._questions:
                    self._suggestions = [gradio.Button(question, elem_classes="suggestion") for question in QUESTIONS]
            self._chat = gradio.Chatbot(
                elem_id="chat", visible=False, show_label=False, container=False, buttons=[], feedback_options=RATINGS, height=None,
                latex_delimiters=[], reasoning_tags=[], layout="panel", group_consecutive_messages=False, autoscroll=False,
            )  # fmt: skip
            says(self._chat, rtl=is_from_the_right)
            self._build_composer()
        # The page itself keeps it: the process that answers next may be another one, or the same started again.
        self._conversation = gradio.Textbox(visible=False)
        self._wishes = gradio.Textbox(visible=False)
        self._known = gradio.HTML(visible="hidden", elem_id="scope-known")
        self._scope = gradio.HTML(visible="hidden", elem_id="scope-kept")
        self._bridge = gradio.HTML(visible="hidden", js_on_load=_BEGIN)
        self._shown: gradio.State = gradio.State(None)
        self._connect()

    def _build_composer(self) -> None:
        with gradio.Column(elem_id="composer"):
            gradio.HTML(progress_html("line"), elem_id="progress-line")
            with gradio.Row(elem_id="above"):
                says(gradio.HTML(elem_id="scope"), value=lambda: render("ask/scope.html"))
                self._anew = gradio.Button(size="sm", visible=False, elem_id="anew")
                says(self._anew, value=lambda: gettext("New conversation"))
            self._question = gradio.Textbox(
                show_label=False, container=False, lines=1, max_lines=6, autofocus=True, submit_btn=True, elem_id="question",
            )  # fmt: skip
            says(self._question, placeholder=lambda: gettext("Ask a question"), label=lambda: gettext("Question"), rtl=is_from_the_right)
            self._answers_by = says(gradio.HTML(elem_id="answers-by"), value=lambda: answers_by(self._services.settings))

    def _connect(self) -> None:
        outputs = [self._chat, self._question, self._welcome, self._anew, self._conversation, self._scope]
        inputs = [self._question, self._conversation, self._chat, self._wishes]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asking = {**quiet, "concurrency_limit": PARALLEL_ANSWERS, "concurrency_id": "answers"}
        # A question that is sent while another is answered is asked after it.
        self._question.submit(self._answer, inputs, outputs, js=_taking("takeQuestion"), trigger_mode="always_last", **asking)
        for suggestion in self._suggestions:
            suggestion.click(self._answer, [suggestion, *inputs[1:]], outputs, js=_taking("takeSuggestion"), **asking)
        self._bridge.submit(self._answer, inputs, outputs, js=_taking("takeNext"), trigger_mode="always_last", **asking)
        self._chat.retry(self._answer, inputs, outputs, js=_taking("takeAgain"), **asking)
        # In the queue like answers themselves: what is drawn arrives in the order in which it was sent.
        ending = {**quiet, "concurrency_limit": None}
        self._question.stop(self._stop, None, None, **ending)
        self._anew.click(self._start_anew, None, outputs, **ending)
        self._bridge.select(self._reopen, [self._wishes], outputs, js=_taking("takeOpened"), trigger_mode="always_last", **ending)
        # Gradio leaves out by itself what is clicked while the same event is under way: a second thumb would be lost.
        self._chat.like(self._rate, [self._conversation], None, queue=False, trigger_mode="multiple", **quiet)
        self._examples.click(self._add_examples, None, [self._examples, self._greeting], **quiet)

    def keep_current(self, blocks: gradio.Blocks, clock: gradio.Timer) -> None:
        """Show what state the documents are in, now and at every tick."""
        outputs = [self._shown, self._greeting, self._drop, self._examples, self._questions, self._known]
        for event in (blocks.load, clock.tick):
            event(self._refresh, [self._shown], outputs, show_progress="hidden", queue=False, api_visibility="private")
        for event in (blocks.load, self._bridge.click):  # the latter once another language model was chosen (static/first.js)
            event(self._who_answers, None, self._answers_by, show_progress="hidden", queue=False, api_visibility="private")

    async def _who_answers(self, request: gradio.Request) -> str:
        settings = self._services.settings
        is_named = settings.chat_model not in (None, "", AUTOMATIC)  # then nobody asks what this machine offers
        offered = () if is_named else await self._services.answerer.local_models()
        try:
            chosen = chosen_model(settings)
        except RagError as error:
            return failure_html(gettext("It cannot be told who writes the answers"), failure_of(error))
        return answers_by(settings, offered, chosen, may_choose=may_everything(access_in(request)))

    async def _refresh(self, shown: Welcome | None, request: gradio.Request) -> tuple[Any, ...]:
        try:
            access = access_in(request)
            require(access, "read")
            counts, progress = await self._services.visible_counts(access), await self._services.progress.current(access)
            now = welcome_of(counts, self._services.settings, progress, self._services.counts.headings, access)
        except RagError as error:
            now = Welcome.of_error(failure_of(error))
        if now == shown:
            return (gradio.skip(),) * 6
        known = known_html(now.collections) if shown is None or now.collections != shown.collections else gradio.skip()
        examples = gradio.update(visible=now.offers_examples, interactive=True)
        drop = now.drop if shown is None or now.drop != shown.drop else gradio.skip()
        return now, now.html, drop, examples, gradio.update(visible=now.offers_questions), known

    async def _add_examples(self, request: gradio.Request) -> tuple[Any, ...]:
        try:
            require(access_in(request), "write")
            require_collection(access_in(request), COLLECTION)
            await asyncio.to_thread(add_examples, watched_folder(self._services.settings))
        except RagError as error:
            return gradio.skip(), Welcome.of_error(failure_of(error)).html
        return gradio.update(visible=False), Welcome.waiting_for_examples()

    async def _answer(
        self, question: str, conversation: str | None, chat: Chat, wishes: str, request: gradio.Request
    ) -> AsyncGenerator[Drawing, None]:
        """Stream one answer into the chat, in the conversation with this id or a new one."""
        question, session = question.strip(), request.session_hash or ""
        if not question or session in self._pages:
            yield _NOTHING_NEW
            return
        try:
            asked = _Asked(question, conversation, access_in(request), wishes_in(wishes))
        except RagError as error:
            yield _instead(gettext("It cannot be asked"), failure_of(error))
            return
        # What the browser sends as the chat may be older than what it shows: a page that was just emptied has no conversation.
        chat = chat if conversation else []
        asked.answer = AnswerUnderWay(self._events(asked))
        async with aclosing(self._shown_to(session, asked, chat[:-2] if asked.wishes.instead_of else chat)) as drawings:
            async for drawing in drawings:
                yield drawing

    async def _shown_to(self, session: str, asked: _Asked, chat: Chat, scope: Update | None = None) -> AsyncGenerator[Drawing, None]:
        """An answer under way as a page is shown it, below what stands there already."""
        page = self._pages[session] = _Page(asked)
        try:
            async with aclosing(self._drawings(page, chat, scope or gradio.skip())) as drawings:
                async for drawing in drawings:
                    yield drawing
        finally:
            if self._pages.get(session) is page:  # one that is over may have made room for the next
                del self._pages[session]

    async def _drawings(self, page: _Page, chat: Chat, scope: Update) -> AsyncGenerator[Drawing, None]:
        """The page, again and again: each drawing sets the same things, because Gradio may leave out any but the last."""
        asked, answer = page.asked, page.asked.answer
        before = [*chat, {"role": "user", "content": question_html(asked.question)}]
        with answer.read() as events:
            turn = Turn(asked.question, markdown=await self._services.answerer.language_model() is not None)
            yield _drawn(before, turn, asked.conversation, scope)
            drawn = time.monotonic()
            async for event in events:
                turn = turn.after(event)
                if turn.end is None and time.monotonic() - drawn > redraw_seconds(len(self._pages)):
                    yield _drawn(before, turn, asked.conversation, scope)
                    drawn = time.monotonic()
        yield page.last or _drawn(before, replace(turn, stopped=answer.ended_early), asked.conversation, scope)

    def _end(self, request: gradio.Request, last: Drawing | None = None) -> None:
        """End the answer that the page is being given, if it is; its last drawing must not undo what the page shows then."""
        if page := self._pages.get(request.session_hash or ""):
            page.last = _once_more(last) if last else None
            page.asked.answer.end()

    async def _stop(self, request: gradio.Request) -> None:
        """What was streamed stays, and says that it was stopped."""
        self._end(request)

    async def _start_anew(self, request: gradio.Request) -> Drawing:
        shown, hidden = gradio.update(visible=True), gradio.update(visible=False)
        emptied = gradio.update(value=[], visible=False), _ready(), shown, hidden, None, gradio.skip()
        self._end(request, emptied)
        return emptied

    async def _reopen(self, conversation: str, request: gradio.Request) -> AsyncGenerator[Drawing, None]:
        """Show a conversation that was kept; questions go on in it, and so does an answer that is under way."""
        session = request.session_hash or ""
        given = self._pages.get(session)
        if not conversation or (given and given.asked.conversation == conversation and not given.asked.answer.is_over):
            yield _NOTHING_NEW
            return
        access = access_in(request)
        under_way = self._under_way.get(conversation)
        try:
            kept = await self._services.conversations.get(access.digest, conversation)
        except RagError as error:
            shown = _instead(gettext("It cannot be shown"), failure_of(error))
            under_way = None
        else:
            known = [name for name in await self._services.indexed_collections() if access.sees(name)]
            scope = kept_scope_html(replace(kept, collections=tuple(name for name in kept.collections if name in known)))
            shown = self._kept(kept, gradio.update(value=scope), without_last=under_way is not None)
        self._end(request, shown)
        chat, *_, scope = _once_more(shown)
        yield shown
        if under_way:
            async with aclosing(self._shown_to(session, under_way, chat["value"], scope)) as drawings:
                async for drawing in drawings:
                    yield drawing

    def _kept(self, kept: Conversation, chosen: Update, *, without_last: bool) -> Drawing:
        """A conversation as it was kept; ``without_last``: that turn is still being written, and shown as it comes."""
        chat: Chat = []
        ratings: list[str | None] = []
        turns = turns_of(kept)
        for question, answer in turns[:-1] if without_last else turns:
            ratings.append(dict(zip(("up", "down"), RATINGS, strict=True)).get(answer.feedback or ""))
            turn = turn_of(question, answer, kept.conversation_id, markdown=bool(answer.detail.get("model")))
            chat.append({"role": "user", "content": question_html(question.content)})
            chat.append({"role": "assistant", "content": turn_html(turn)})
        shown = gradio.update(value=chat, feedback_value=ratings, visible=bool(chat) or without_last)
        greeting, anew = gradio.update(visible=not chat and not without_last), gradio.update(visible=True)
        return shown, _ready(), greeting, anew, kept.conversation_id, chosen

    async def _rate(self, conversation: str | None, request: gradio.Request, rated: gradio.LikeData) -> None:
        """Keep whether an answer helped. Questions and answers take turns in the chat as in what is kept of it."""
        if not conversation or not isinstance(rated.index, int):
            return
        access = access_in(request)
        try:
            kept = await self._services.conversations.get(access.digest, conversation)
            answers = [message for message in kept.messages if message.role == "assistant"]
            helped: Feedback | None = "up" if rated.liked is True else "down" if rated.liked is False else None
            await self._services.conversations.give_feedback(access.digest, answers[rated.index // 2].message_id, helped)
        except (RagError, IndexError) as error:
            raise gradio.Error(
                gettext("Your opinion could not be kept: {reason}", reason=failure_of(error)), duration=10, print_exception=False
            ) from error

    async def _events(self, asked: _Asked) -> AsyncGenerator[AnswerEvent, None]:
        """The answerer's events; whatever goes wrong is an event too, and the conversation goes on."""
        conversations, owner = self._services.conversations, asked.access.digest
        try:
            require(asked.access, "read")
            identity = asked.conversation = asked.conversation or (await conversations.create(owner, asked.question)).conversation_id
            self._under_way[identity] = asked
            scope = await self._services.scope_of(asked.access, asked.wishes.collections, asked.wishes.filter)
            stream = remembered(self._services.answerer, conversations, owner, identity, asked.question, scope, wishes=asked.wishes)
            async with aclosing(saying_how_far(stream, self._services.progress, asked.access)) as events:
                async for event in events:
                    yield event
        except Exception as error:  # noqa: BLE001  the boundary: this is the page's route
            yield failure(error)
        finally:
            if asked.conversation and self._under_way.get(asked.conversation) is asked:
                del self._under_way[asked.conversation]


def redraw_seconds(pages: int) -> float:
    """How long a page waits for its next drawing while so many are being given answers."""
    return REDRAW_SECONDS * max(1.0, pages / PAGES_AT_FULL_SPEED)


def wishes_in(sent: str) -> Wishes:
    """What a page asks for beside its question, as it writes it (``static/ask.js``); whoever calls the event may have written anything.

    Raises:
        RagError: it names documents in a way that cannot be understood: to look in all of them instead would be another question.
    """
    try:
        asked = _Sent.model_validate_json(sent or "{}")
    except ValidationError as error:
        where = ", ".join(sorted({".".join(map(str, one["loc"])) or "all of it" for one in error.errors()}))
        raise RagError(
            gettext(
                "What the question is asked of cannot be understood ({where}). Load the page again, and narrow it down anew.", where=where
            )
        ) from error
    top_k = min(max(asked.top_k, 1), MOST_PASSAGES) if asked.top_k is not None else None
    return Wishes(asked.instead_of, top_k, asked.collections, asked.filter)


class _Sent(BaseModel):
    instead_of: str = ""
    top_k: int | None = None
    collections: tuple[str, ...] = ()
    filter: DocumentFilter = EVERY_DOCUMENT

    @field_validator("filter")
    @classmethod
    def _in_utc(cls, wanted: DocumentFilter) -> DocumentFilter:
        if any(time and time.tzinfo for time in (wanted.since, wanted.before)):
            raise ValueError("the page sends dates, which have no zone")
        return wanted


@dataclass(slots=True)
class _Asked:
    """A question as a page asked it, and its answer. A new conversation begins with it where there is none."""

    question: str
    conversation: str | None
    access: Access
    wishes: Wishes = NOTHING_MORE
    answer: AnswerUnderWay = field(init=False)


@dataclass(slots=True)
class _Page:
    """A page that is being given an answer. ``last`` is what it shows when that is over; None: the answer as far as it came."""

    asked: _Asked
    last: Drawing | None = None


def _drawn(before: Chat, turn: Turn, conversation: str | None, scope: Update) -> Drawing:
    """The page while a turn is the last one, or when it is over."""
    over = turn.end is not None or turn.stopped
    turn = replace(turn, conversation=conversation or "")
    chat = gradio.update(value=[*before, {"role": "assistant", "content": turn_html(turn)}], visible=True)
    buttons = gradio.update(submit_btn=over, stop_btn=not over)
    return chat, buttons, gradio.update(visible=False), gradio.update(visible=True), conversation, dict(scope)


def _once_more(drawing: Drawing) -> Drawing:
    """The same again: Gradio takes the values out of what it was given to draw."""
    return tuple(dict(part) if isinstance(part, dict) else part for part in drawing)


def _instead(title: str, message: str) -> Drawing:
    """Words where a conversation should be."""
    shown = gradio.update(value=[{"role": "assistant", "content": failure_html(title, message)}], visible=True)
    return shown, _ready(), gradio.update(visible=False), gradio.update(visible=True), None, gradio.skip()


def _ready() -> Update:
    return gradio.update(submit_btn=True, stop_btn=False)

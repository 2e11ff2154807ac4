"""Reading and writing conversations.

Belongs here: statements and their transactions. Not here: answering, who may ask.

An answer that is being written has the state ``writing`` and a time that its writer renews. When that time has not been renewed for
:data:`LEASE`, its writer is gone, whichever process it was in, and the answer is shown as interrupted: nothing has to be tidied up at
a start, and no process can declare another one's answer dead.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from rag_pipeline.models import Message
from rag_pipeline.stores.conversations.deleted import forget_deleted
from rag_pipeline.stores.conversations.engine import Database
from rag_pipeline.stores.conversations.records import (
    AnswerFigures,
    AskedAbout,
    Conversation,
    ConversationGoneError,
    Feedback,
    FeedbackReason,
    KeptAnswer,
    MessageState,
    StoredMessage,
    Thumb,
)
from rag_pipeline.stores.conversations.tables import CONVERSATIONS, MESSAGES, TRACES

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

LEASE = timedelta(seconds=30)
"""An answer is renewed every few seconds while it is written."""
LONGEST_TITLE = 120
_ATTEMPTS = 10
"""Two questions at once in one conversation want the same place in it; one of them tries again."""


class Conversations:
    """The conversations in one database. Made once a process; safe to use by many tasks at once.

    Raises:
        ConversationError: of every method: the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine, self._reading, self._writing = database.engine, database.reading, database.writing

    async def create(self, owner: str, title: str) -> Conversation:
        """Begin a conversation; ``owner`` is the digest of the token that may see it, empty where there are none."""
        now = _now()
        row = {"id": uuid.uuid4().hex, "owner": owner, "title": _title(title), "created_at": now, "updated_at": now}
        async with self._writing() as connection:
            await forget_deleted(connection)
            await connection.execute(sa.insert(CONVERSATIONS).values(row))
        return Conversation(str(row["id"]), str(row["title"]), now, now)

    async def recent(
        self, owner: str, limit: int = 50, before: datetime | None = None, search: str = "", *, pinned: bool | None = None
    ) -> list[Conversation]:
        """Conversations without their messages, the last used first; ``before`` is the ``updated_at`` of the last one already seen.

        ``search``: words, in any case, that stand in the title, or in a question or answer. ``pinned``: those only, or none of them.
        """
        query = sa.select(CONVERSATIONS).where(CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None))
        if before is not None:
            query = query.where(CONVERSATIONS.c.updated_at < before)
        if pinned is not None:
            query = query.where(CONVERSATIONS.c.pinned_at.is_not(None) if pinned else CONVERSATIONS.c.pinned_at.is_(None))
        if words := _storable(search).strip().lower():
            said = sa.func.lower(MESSAGES.c.content).contains(words, autoescape=True)
            within = sa.select(MESSAGES.c.conversation_id).where(MESSAGES.c.deleted_at.is_(None), said)
            title = sa.func.lower(CONVERSATIONS.c.title).contains(words, autoescape=True)
            query = query.where(sa.or_(title, CONVERSATIONS.c.id.in_(within)))
        async with self._reading() as connection:
            rows = await connection.execute(query.order_by(CONVERSATIONS.c.updated_at.desc(), CONVERSATIONS.c.id).limit(limit))
            return [_conversation(row) for row in rows.mappings()]

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        """A conversation with all its messages.

        Raises:
            ConversationGoneError: it is not there, or someone else's.
        """
        async with self._reading() as connection:
            row = await self._owned(connection, owner, conversation_id)
            own = MESSAGES.c.conversation_id == conversation_id, MESSAGES.c.deleted_at.is_(None)
            query = sa.select(*_shown(MESSAGES)).where(*own).order_by(MESSAGES.c.position)
            messages = [_message(message) for message in (await connection.execute(query)).mappings()]
        return _conversation(row, messages)

    async def turn(self, owner: str, answer_id: str) -> tuple[StoredMessage, StoredMessage]:
        """A question and its answer.

        Raises:
            ConversationGoneError: there is no such answer, or it is someone else's.
        """
        async with self._reading() as connection:
            answer = await _owned_answer(connection, owner, answer_id)
            query = sa.select(MESSAGES).where(_is_of_turn(answer)).order_by(MESSAGES.c.position)
            question, answered = [_message(row) for row in (await connection.execute(query)).mappings()]
        return question, answered

    async def history(self, owner: str, conversation_id: str, instead_of: str = "") -> list[Message]:
        """What a follow-up may refer to: questions with the answers or refusals that they got, without the one that it is ``instead_of``.

        Raises:
            ConversationGoneError: it is not there, or someone else's.
        """
        return _said((await self.get(owner, conversation_id)).messages, instead_of)

    async def rename(self, owner: str, conversation_id: str, title: str) -> None:
        """Give a conversation another title.

        Raises:
            ConversationGoneError: it is not there, or someone else's.
        """
        async with self._writing() as connection:
            await self._owned(connection, owner, conversation_id)
            await connection.execute(sa.update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id).values(title=_title(title)))

    async def pin(self, owner: str, conversation_id: str, *, pinned: bool) -> None:
        """Keep a conversation above the others, or no more.

        Raises:
            ConversationGoneError: it is not there, or someone else's.
        """
        async with self._writing() as connection:
            await self._owned(connection, owner, conversation_id)
            change = sa.update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id)
            await connection.execute(change.values(pinned_at=_now() if pinned else None))

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Delete a conversation with all its messages; one that is not there is no error. It can be restored for an hour."""
        own = sa.and_(CONVERSATIONS.c.id == conversation_id, CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None))
        async with self._writing() as connection:
            await forget_deleted(connection)
            await connection.execute(sa.update(CONVERSATIONS).where(own).values(deleted_at=_now()))

    async def restore(self, owner: str, conversation_id: str) -> None:
        """Bring back a conversation that was deleted.

        Raises:
            ConversationGoneError: it is not there any more, or someone else's.
        """
        own = sa.and_(CONVERSATIONS.c.id == conversation_id, CONVERSATIONS.c.owner == owner)
        async with self._writing() as connection:
            _require(await connection.execute(sa.update(CONVERSATIONS).where(own).values(deleted_at=None)), "conversation")

    async def delete_turn(self, owner: str, answer_id: str) -> None:
        """Delete an answer and the question before it; questions that follow do not know of them. They can be restored as a conversation.

        Raises:
            ConversationGoneError: there is no such answer, or it is someone else's.
        """
        async with self._writing() as connection:
            await _mark_turn(connection, owner, answer_id, _now())

    async def restore_turn(self, owner: str, answer_id: str) -> None:
        """Bring back an answer that was deleted, or asked for again, with its question.

        Raises:
            ConversationGoneError: it is not there any more, or someone else's.
        """
        async with self._writing() as connection:
            await _mark_turn(connection, owner, answer_id, None)

    async def begin_answer(
        self, owner: str, conversation_id: str, question: str, instead_of: str = "", scope: Mapping[str, object] = MappingProxyType({})
    ) -> str:
        """Write down a question and that its answer is being written; the answer's id, for the methods below.

        ``instead_of``: the id of an earlier answer in the conversation, which is deleted with its question, and can be restored.
        ``scope``: where the question looks, kept with the conversation: ``collections``, and ``filter`` of their documents, as JSON.

        Raises:
            ConversationGoneError: it is not there, or someone else's.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return await self._begin_answer(owner, conversation_id, question, instead_of, scope)
            except IntegrityError:
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.02 * attempt)
        raise AssertionError

    async def keep_alive(self, message_id: str) -> None:
        """Say that the answer is still being written; to be called every few seconds."""
        async with self._writing() as connection:
            await connection.execute(sa.update(MESSAGES).where(MESSAGES.c.id == message_id).values(touched_at=_now()))

    async def finish_answer(
        self,
        message_id: str,
        content: str,
        state: MessageState,
        detail: Mapping[str, object],
        provenance: Mapping[str, object] | None = None,
        trace: Mapping[str, object] | None = None,
    ) -> None:
        """Write down how an answer ended, what it was made of (``provenance``), and how it was found (``trace``).

        One whose conversation was deleted meanwhile is forgotten with it.
        """
        made_of = dict(provenance) if provenance else sa.null()
        values = {"content": _storable(content), "state": state, "detail": dict(detail), "touched_at": _now(), "provenance": made_of}
        async with self._writing() as connection:
            done = await connection.execute(sa.update(MESSAGES).where(MESSAGES.c.id == message_id).values(values))
            if trace and cast("Any", done).rowcount:
                await connection.execute(sa.delete(TRACES).where(TRACES.c.message_id == message_id))
                await connection.execute(sa.insert(TRACES).values(message_id=message_id, trace=dict(trace)))

    async def trace(self, owner: str, answer_id: str) -> Mapping[str, Any]:
        """How an answer was found, as it was written down; empty where that was before any of it was.

        Raises:
            ConversationGoneError: there is no such answer, or it is someone else's.
        """
        async with self._reading() as connection:
            await _owned_answer(connection, owner, answer_id)
            return await connection.scalar(sa.select(TRACES.c.trace).where(TRACES.c.message_id == answer_id)) or {}

    async def give_feedback(
        self, owner: str, message_id: str, feedback: Feedback | None, comment: str = "", reason: FeedbackReason | None = None
    ) -> None:
        """Note whether an answer helped; None takes it back. A reason is kept with a thumb down only.

        Raises:
            ConversationGoneError: there is no such answer, or it is someone else's.
        """
        own = sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.owner == owner)
        change = sa.update(MESSAGES).where(MESSAGES.c.id == message_id, MESSAGES.c.role == "assistant", MESSAGES.c.conversation_id.in_(own))
        values = {
            "feedback": feedback,
            "feedback_comment": _storable(comment) or None,
            "feedback_reason": reason if feedback == "down" else None,
        }
        async with self._writing() as connection:
            _require(await connection.execute(change.values(values)), "answer")

    async def asked_about(self, owner: str, collection: str, document: str, limit: int = 20) -> list[AskedAbout]:
        """The last questions whose answers cite a document, of one reader's conversations."""
        asked, answered = MESSAGES.alias("asked"), MESSAGES.alias("answered")
        same = (asked.c.conversation_id == answered.c.conversation_id) & (asked.c.position == answered.c.position - 1)
        columns = asked.c.content, answered.c.detail, answered.c.created_at, answered.c.conversation_id
        kept = sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None))
        own = answered.c.conversation_id.in_(kept), answered.c.deleted_at.is_(None), answered.c.state == "complete"
        # What is kept as JSON has its names as Python writes them: few are read that cite something else.
        text = sa.cast(answered.c.detail, sa.Text)
        named = (text.contains(json.dumps(name), autoescape=True) for name in (collection, document))
        found: list[AskedAbout] = []
        async with self._reading() as connection:
            query = sa.select(*columns).join_from(answered, asked, same).where(*own, *named)
            rows = await connection.stream(query.order_by(answered.c.created_at.desc(), answered.c.id))
            async for row in rows.mappings():
                cited = {(one["collection"], one["document"]) for one in row["detail"].get("citations", ())}
                if (collection, document) in cited:
                    found.append(AskedAbout(row["conversation_id"], row["content"], _utc(row["created_at"])))
                if len(found) == limit:
                    break
        return found

    async def thumbs(self) -> list[Thumb]:
        """All finished answers that somebody judged, whoever that was, oldest first."""
        asked, answered = MESSAGES.alias("asked"), MESSAGES.alias("answered")
        same = (asked.c.conversation_id == answered.c.conversation_id) & (asked.c.position == answered.c.position - 1)
        query = sa.select(*_shown(answered), asked.c.content.label("question")).join_from(answered, asked, same)
        judged = answered.c.feedback.is_not(None) & answered.c.state.in_(("complete", "refused")) & _is_there(answered)
        async with self._reading() as connection:
            rows = await connection.execute(query.where(judged).order_by(answered.c.created_at, answered.c.id))
            return [_thumb(row) for row in rows.mappings()]

    async def answer_figures(self, since: datetime, owner: str | None = None) -> list[AnswerFigures]:
        """What is counted of the answers that were asked for since a moment, whoever asked or by one owner, oldest first."""
        kept = CONVERSATIONS.c.deleted_at.is_(None) & (CONVERSATIONS.c.owner == owner if owner is not None else sa.true())
        columns = (MESSAGES.c.created_at, MESSAGES.c.touched_at, MESSAGES.c.state, MESSAGES.c.feedback)
        query = sa.select(*columns).join(CONVERSATIONS).where(kept, MESSAGES.c.role == "assistant", MESSAGES.c.deleted_at.is_(None))
        async with self._reading() as connection:
            rows = await connection.execute(query.where(MESSAGES.c.created_at >= since).order_by(MESSAGES.c.created_at, MESSAGES.c.id))
            return [AnswerFigures(_utc(row[0]), row[2], (row[1] - row[0]).total_seconds(), row[3]) for row in rows]

    async def kept_answer(self, message_id: str) -> KeptAnswer:
        """An answer, whoever it was for, with what it was made of and what was said before it.

        Raises:
            ConversationGoneError: there is no answer with this id.
        """
        answered = MESSAGES.alias("answered")
        own = (answered.c.id == message_id) & (answered.c.role == "assistant") & _is_there(answered)
        before_it = (MESSAGES.c.conversation_id == answered.c.conversation_id) & (MESSAGES.c.position < answered.c.position)
        same = before_it & MESSAGES.c.deleted_at.is_(None)
        earlier = sa.select(*_shown(MESSAGES)).join(answered, same).where(own).order_by(MESSAGES.c.position)
        async with self._reading() as connection:
            row = (await connection.execute(sa.select(answered).where(own))).mappings().first()
            before = [_message(one) for one in (await connection.execute(earlier)).mappings()]
        if row is None:
            raise ConversationGoneError(f"There is no answer with the id {message_id}. Its conversation may have been deleted.")
        question = before[-1].content if before else ""
        return KeptAnswer(question, _message(row), tuple(_said(before[:-1])), row["provenance"])

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()

    async def _begin_answer(self, owner: str, conversation_id: str, question: str, instead_of: str, scope: Mapping[str, object]) -> str:
        now, answer_id = _now(), uuid.uuid4().hex
        async with self._writing() as connection:
            await self._owned(connection, owner, conversation_id)
            if instead_of:
                await _mark_turn(connection, owner, instead_of, now)
            last = await connection.scalar(
                sa.select(sa.func.coalesce(sa.func.max(MESSAGES.c.position), -1)).where(MESSAGES.c.conversation_id == conversation_id)
            )
            first = cast("int", last)
            asked = {"id": uuid.uuid4().hex, "position": first + 1, "role": "user", "content": _storable(question), "state": "complete"}
            answer = {"id": answer_id, "position": first + 2, "role": "assistant", "content": "", "state": "writing"}
            common = {"conversation_id": conversation_id, "detail": {}, "created_at": now, "touched_at": now}
            await connection.execute(sa.insert(MESSAGES), [{**common, **asked}, {**common, **answer}])
            used = {"updated_at": now, "scope": dict(scope)}
            await connection.execute(sa.update(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id).values(used))
        return answer_id

    @staticmethod
    async def _owned(connection: AsyncConnection, owner: str, conversation_id: str) -> sa.RowMapping:
        query = sa.select(CONVERSATIONS).where(
            CONVERSATIONS.c.id == conversation_id, CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None)
        )
        row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise _gone("conversation")
        return row


def _is_there(messages: sa.FromClause) -> sa.ColumnElement[bool]:
    """Neither the message was deleted nor its conversation, though both can be brought back for a while."""
    kept = sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.deleted_at.is_(None))
    return sa.and_(messages.c.deleted_at.is_(None), messages.c.conversation_id.in_(kept))


def _shown(messages: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """All columns but what an answer was made of, which is long, and asked for alone."""
    return [column for column in messages.c if column.name != "provenance"]


def _said(messages: Sequence[StoredMessage], instead_of: str = "") -> list[Message]:
    """Questions with the answers or refusals that they got, without the answer that is to be given anew."""
    kept: list[Message] = []
    for question, answer in pairwise(messages):
        is_told = answer.role == "assistant" and answer.state in ("complete", "refused") and answer.message_id != instead_of
        if question.role == "user" and is_told:
            kept += [Message("user", question.content), Message("assistant", answer.content)]
    return kept


async def _mark_turn(connection: AsyncConnection, owner: str, answer_id: str, deleted_at: datetime | None) -> None:
    """An answer and its question as deleted, or not."""
    answer = await _owned_answer(connection, owner, answer_id)
    await connection.execute(sa.update(MESSAGES).where(_is_of_turn(answer)).values(deleted_at=deleted_at))


async def _owned_answer(connection: AsyncConnection, owner: str, answer_id: str) -> sa.RowMapping:
    own = sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.owner == owner, CONVERSATIONS.c.deleted_at.is_(None))
    wanted = sa.select(MESSAGES).where(MESSAGES.c.id == answer_id, MESSAGES.c.role == "assistant", MESSAGES.c.conversation_id.in_(own))
    answer = (await connection.execute(wanted)).mappings().first()
    if answer is None:
        raise _gone("answer")
    return answer


def _is_of_turn(answer: sa.RowMapping) -> sa.ColumnElement[bool]:
    """The answer, or its question, which stands before it."""
    places = [answer["position"] - 1, answer["position"]]
    return sa.and_(MESSAGES.c.conversation_id == answer["conversation_id"], MESSAGES.c.position.in_(places))


def _require(done: object, what: str) -> None:
    if not cast("Any", done).rowcount:
        raise _gone(what)


def _gone(what: str) -> ConversationGoneError:
    return ConversationGoneError(f"There is no {what} with this id. It may have been deleted.")


def _now() -> datetime:
    return datetime.now(UTC)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _title(text: str) -> str:
    line = " ".join(_storable(text).split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 2].rstrip() + " …"


def _storable(text: str) -> str:
    """Without what PostgreSQL keeps in no text: NULs, and surrogates that are alone."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _conversation(row: sa.RowMapping, messages: Sequence[StoredMessage] = ()) -> Conversation:
    scope = row["scope"] or {}
    asked_of = tuple(scope.get("collections", ())), scope.get("filter", {})
    times = _utc(row["created_at"]), _utc(row["updated_at"])
    return Conversation(row["id"], row["title"], *times, tuple(messages), row["pinned_at"] is not None, *asked_of)


def _thumb(row: sa.RowMapping) -> Thumb:
    detail, refused = row["detail"], row["state"] == "refused"
    passages = tuple(detail.get("nearest" if refused else "citations") or ())
    question = detail.get("reformulated_question") or row["question"]
    return Thumb(row["id"], question, row["feedback"], row["feedback_reason"], row["content"], refused, passages)


def _message(row: sa.RowMapping) -> StoredMessage:
    state: MessageState = row["state"]
    if state == "writing" and _now() - _utc(row["touched_at"]) > LEASE:
        state = "interrupted"
    thumb = {name: row[name] for name in ("feedback", "feedback_comment", "feedback_reason")}
    return StoredMessage(row["id"], row["role"], row["content"], state, _utc(row["created_at"]), row["detail"], **thumb)

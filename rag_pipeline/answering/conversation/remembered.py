"""Answers that become part of a conversation that is kept.

Belongs here: writing down question and answer around the stream of events. Not here: the stream (``answerer.py``), the database.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.conversation.trace import Trace
from rag_pipeline.answering.ending import ended
from rag_pipeline.answering.scope import EVERY_DOCUMENT, DocumentFilter, Scope
from rag_pipeline.answering.tuning import TUNING, Patience
from rag_pipeline.models import Answered, AnswerEvent, Begun, Failed, Hit, Parts, Place, Provenance, Refused, Token
from rag_pipeline.stores.conversations import Conversations
from rag_pipeline.stores.conversations.records import MessageState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for beside the question.

    ``instead_of``: the id of an earlier answer in the conversation, which makes room for this one with its question, and is unknown to it.
    ``top_k``: how many passages are read; None: ``RAG_TOP_K``.
    ``collections`` and ``filter``: the choice as it was made, which is kept with the conversation; the scope of a question may be narrower.
    """

    instead_of: str = ""
    top_k: int | None = None
    collections: tuple[str, ...] = ()
    filter: DocumentFilter = EVERY_DOCUMENT


NOTHING_MORE = Wishes()


async def remembered(
    answerer: Answerer,
    conversations: Conversations,
    owner: str,
    conversation_id: str,
    question: str,
    scope: Scope,
    patience: Patience = TUNING.patience,
    wishes: Wishes = NOTHING_MORE,
) -> AsyncGenerator[AnswerEvent, None]:
    """The events of an answer that refers to the conversation so far, written down before its end is told, whichever way it ends.

    A reader who goes away leaves what was streamed until then, as interrupted; so does a process that dies. What cannot be written
    down, or read, ends with :class:`Failed`, such as when there is no such conversation: a stream that began cannot raise.
    """
    kept = _written_down(answerer, conversations, owner, conversation_id, question, scope, wishes, patience)
    async with aclosing(ended(kept)) as events:
        async for event in events:
            yield event


async def _written_down(
    answerer: Answerer,
    conversations: Conversations,
    owner: str,
    conversation_id: str,
    question: str,
    scope: Scope,
    wishes: Wishes,
    patience: Patience,
) -> AsyncGenerator[AnswerEvent, None]:
    history = await conversations.history(owner, conversation_id, wishes.instead_of)
    kept_scope = {"collections": list(wishes.collections), "filter": wishes.filter.to_json()}
    answer_id = await conversations.begin_answer(owner, conversation_id, question, wishes.instead_of, kept_scope)
    text, trace = "", Trace(question)
    end: Answered | Refused | Failed | None = None
    renewed = time.monotonic()
    try:
        yield Begun(answer_id)
        async with aclosing(ended(answerer.stream(question, history, scope, wishes.top_k))) as events:
            async for event in events:
                trace.note(event)
                if isinstance(event, Answered | Refused | Failed):
                    end = event
                    break
                text += event.text if isinstance(event, Token) else ""
                if time.monotonic() - renewed > patience.keep_alive_seconds:
                    await _kept_alive(conversations, answer_id)
                    renewed = time.monotonic()
                yield event
    finally:
        content, state, detail = stored_form(text, end)
        # A reader who leaves cancels this task; the note that he left must still be written.
        await asyncio.shield(conversations.finish_answer(answer_id, content, state, detail, kept_provenance(end), trace.to_json()))
    if end is not None:
        yield end


async def _kept_alive(conversations: Conversations, answer_id: str) -> None:
    """One time that cannot be written costs nothing; whether the answer can be is seen at its end."""
    try:
        await conversations.keep_alive(answer_id)
    except Exception as error:  # noqa: BLE001  whatever the database's driver raises
        log.warning("An answer could not be renewed: %s", error)


def stored_form(text: str, end: Answered | Refused | Failed | None) -> tuple[str, MessageState, dict[str, object]]:
    """An answer as it is kept: its text, its state, and what belongs to it as JSON."""
    if isinstance(end, Answered):
        citations = [citation.to_json() for citation in end.citations]
        places = {name: [asdict(one) for one in getattr(end, name)] for name in ("marks", "unverified", "computed")}
        return end.answer, "complete", {**_common(end), **places, "citations": citations, "model": end.model, "usage": dict(end.usage)}
    if isinstance(end, Refused):
        return end.reason, "refused", {**_common(end), "nearest": [one.to_json() for one in end.nearest]}
    if isinstance(end, Failed):
        return text, "failed", {"error": end.message, "error_code": end.code}
    return text, "interrupted", {}


def _common(end: Answered | Refused) -> dict[str, object]:
    coverage = asdict(end.coverage) if end.coverage else None
    withdrawn = {"withdrawn": end.withdrawn} if end.withdrawn else {}
    return {"reformulated_question": end.reformulated_question, "timings": dict(end.timings), "coverage": coverage, **withdrawn}


def kept_provenance(end: Answered | Refused | Failed | None) -> dict[str, object] | None:
    """What an answer was made of, as JSON; of passages all but their places on a page, which no answer is made of."""
    if isinstance(end, Failed | None) or end.provenance is None:
        return None
    passages = [{name: value for name, value in asdict(hit).items() if name != "boxes"} for hit in end.provenance.passages]
    return {**asdict(replace(end.provenance, passages=())), "passages": passages}


def provenance_of(kept: Mapping[str, Any]) -> Provenance:
    """The inverse of what :func:`kept_provenance` makes.

    Raises:
        KeyError, TypeError: it was written by another version.
    """
    passages = tuple(map(_passage_of, kept["passages"]))
    return Provenance(kept["index_versions"], passages, kept["with_topic"], kept["prompt"], kept["settings"])


def _passage_of(kept: Mapping[str, Any]) -> Hit:
    parts = Parts(**kept["parts"]) if kept.get("parts") else None
    headings = tuple(Place(**place) for place in kept.get("headings", ()))
    several = {"heading_path": tuple(kept["heading_path"]), "copies": tuple(kept["copies"]), "headings": headings}
    return Hit(**{**kept, **several, "parts": parts})

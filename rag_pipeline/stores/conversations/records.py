"""What the memory gives out.

Belongs here: records and errors. Not here: how they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rag_pipeline.errors import RagError
from rag_pipeline.models import Message

MessageState = Literal["complete", "refused", "failed", "interrupted", "writing"]
"""Of an answer; a question is always ``complete``. ``interrupted``: whoever wrote it has gone away."""
Feedback = Literal["up", "down"]
FeedbackReason = Literal["wrong", "not_from_documents", "wrong_page", "incomplete", "other"]
"""Why an answer did not help; what else there is to say stands in the comment."""


class ConversationError(RagError):
    """The conversations cannot be read or written; the message names the setting and the fix, never a password."""

    code = "conversations"


class ConversationGoneError(RagError):
    """There is no such conversation or message, or it is someone else's."""

    code = "not_found"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A question or an answer. ``detail`` of an answer: reformulated_question, citations, timings, model, usage."""

    message_id: str
    role: Literal["user", "assistant"]
    content: str
    state: MessageState
    created_at: datetime
    detail: Mapping[str, object] = field(default_factory=dict)
    feedback: Feedback | None = None
    feedback_comment: str | None = None
    feedback_reason: FeedbackReason | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation; ``messages`` oldest first, empty in lists. Times are UTC. ``collections``: where its last question looked, none: in
    all; ``filter``: in which of their documents, what does not narrow left out."""

    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: tuple[StoredMessage, ...] = ()
    pinned: bool = False
    collections: tuple[str, ...] = ()
    filter: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedAbout:
    """A question whose answer cites a document, and when it was answered (UTC)."""

    conversation_id: str
    question: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Thumb:
    """An answer that a reader judged. ``question`` is what was searched for: it stands alone. ``passages`` are those that were cited, or,
    of a refusal, the nearest ones, as the API shows them."""

    message_id: str
    question: str
    feedback: Feedback
    reason: FeedbackReason | None
    answer: str
    refused: bool
    passages: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What is counted of an answer: when it was asked for (UTC), how it ended, the seconds until then, and whether somebody judged it."""

    asked_at: datetime
    state: MessageState
    seconds: float
    feedback: Feedback | None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer with the question as it was typed, what was said before it, and what it was made of: None for one of an older version."""

    question: str
    answer: StoredMessage
    history: tuple[Message, ...]
    provenance: Mapping[str, Any] | None

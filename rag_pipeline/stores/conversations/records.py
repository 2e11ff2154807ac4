"""What the memory gives out.

Belongs here: records and errors. Not here: how they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from rag_pipeline.errors import RagError

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
    all."""

    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    messages: tuple[StoredMessage, ...] = ()
    pinned: bool = False
    collections: tuple[str, ...] = ()

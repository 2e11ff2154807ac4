"""The memory of what people said: conversations with their messages, and the tags of documents, in SQLite or PostgreSQL.

Belongs here: the public names. Not here: SQL (``store``, ``tags``), schema (``tables``), its history (``migrations``).
"""

from rag_pipeline.stores.conversations.records import (
    AnswerFigures,
    AskedAbout,
    Conversation,
    ConversationError,
    ConversationGoneError,
    FeedbackReason,
    KeptAnswer,
    StoredMessage,
    Thumb,
)
from rag_pipeline.stores.conversations.store import Conversations

__all__ = [
    "AnswerFigures",
    "AskedAbout",
    "Conversation",
    "ConversationError",
    "ConversationGoneError",
    "Conversations",
    "FeedbackReason",
    "KeptAnswer",
    "StoredMessage",
    "Thumb",
]

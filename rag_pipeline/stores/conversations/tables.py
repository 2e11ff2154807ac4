"""The schema as it is now; ``migrations`` leads every older database to it.

Belongs here: tables. Not here: statements.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

CONVERSATIONS = sa.Table(
    "conversations",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("pinned_at", sa.DateTime(timezone=True)),
    sa.Column("deleted_at", sa.DateTime(timezone=True), index=True),
    sa.Column("scope", sa.JSON),
)

MESSAGES = sa.Table(
    "messages",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("conversation_id", sa.Text, sa.ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("feedback", sa.Text),
    sa.Column("feedback_comment", sa.Text),
    sa.Column("feedback_reason", sa.Text),
    sa.Column("provenance", sa.JSON),
    sa.Column("deleted_at", sa.DateTime(timezone=True), index=True),
    sa.UniqueConstraint("conversation_id", "position", name="messages_position"),
)

TRACES = sa.Table(
    "traces",
    METADATA,
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("trace", sa.JSON, nullable=False),
)
"""How an answer was found. Apart from the messages, because it is larger than they are, and seldom asked for."""

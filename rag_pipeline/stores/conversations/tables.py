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

TAGGED_DOCUMENTS = sa.Table(
    "tagged_documents",
    METADATA,
    sa.Column("document_id", sa.Text, primary_key=True),
    sa.Column("collection", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text),
    sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("missing_since", sa.DateTime(timezone=True)),
)
"""Documents that have tags; ``content_hash`` is of the bytes that were seen last, by which tags follow a document to another path."""

DOCUMENT_TAGS = sa.Table(
    "document_tags",
    METADATA,
    sa.Column("document_id", sa.Text, sa.ForeignKey("tagged_documents.document_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("tag", sa.Text, nullable=False),
)
"""``tag`` as it is shown, ``key`` as it is compared."""

TAG_CHANGES = sa.Table("tag_changes", METADATA, sa.Column("id", sa.Integer, primary_key=True), sa.Column("mark", sa.Text, nullable=False))
"""One row, whose mark is another one after each change of tags, in whichever process."""

"""Conversations are pinned, keep where they look, and can be brought back; how an answer was found is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add columns, and a table beside the messages."""
    op.add_column("conversations", sa.Column("pinned_at", sa.DateTime(timezone=True)))
    op.add_column("conversations", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.add_column("conversations", sa.Column("scope", sa.JSON))
    op.add_column("messages", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    for table in ("conversations", "messages"):
        op.create_index(f"ix_{table}_deleted_at", table, ["deleted_at"])
    op.create_table(
        "traces",
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("trace", sa.JSON, nullable=False),
    )

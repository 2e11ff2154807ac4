"""Readers say whether an answer helped."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add feedback to messages."""
    op.add_column("messages", sa.Column("feedback", sa.Text))
    op.add_column("messages", sa.Column("feedback_comment", sa.Text))

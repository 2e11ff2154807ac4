"""Readers say why an answer did not help."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the reason beside the thumb."""
    op.add_column("messages", sa.Column("feedback_reason", sa.Text))

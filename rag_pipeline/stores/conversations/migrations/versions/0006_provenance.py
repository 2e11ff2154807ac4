"""Answers name what they were made of, so that the same can be asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add it; answers that are there have none."""
    op.add_column("messages", sa.Column("provenance", sa.JSON))

"""Conversations belong to a token's digest. Until here they belonged to its name or position, which can become another token's."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Mark the names: they open nothing until the digest is known, which stands in the settings and not in the database."""
    op.execute(sa.text("UPDATE conversations SET owner = 'former:' || owner WHERE owner <> ''"))

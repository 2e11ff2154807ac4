"""Documents have tags."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the documents that have any, their tags, and a mark that tells of changes."""
    op.create_table(
        "tagged_documents",
        sa.Column("document_id", sa.Text, primary_key=True),
        sa.Column("collection", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text),
        sa.Column("tagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "document_tags",
        sa.Column("document_id", sa.Text, sa.ForeignKey("tagged_documents.document_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("tag", sa.Text, nullable=False),
    )
    op.create_index("ix_document_tags_key", "document_tags", ["key"])
    changes = op.create_table("tag_changes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("mark", sa.Text, nullable=False))
    op.bulk_insert(changes, [{"id": 1, "mark": "none yet"}])

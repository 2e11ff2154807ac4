"""What was deleted, and can still be brought back, goes for good in time.

Belongs here: that, and how long it is kept. Not here: deleting and bringing back (``store.py``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from rag_pipeline.stores.conversations.tables import CONVERSATIONS, MESSAGES

KEPT = timedelta(hours=1)
"""Then it goes with the next conversation that is begun or deleted, or the next start."""


async def forget_deleted(connection: AsyncConnection) -> None:
    """Delete for good what was deleted longer ago than :data:`KEPT`; what belongs to it goes with it."""
    before = datetime.now(UTC) - KEPT
    for table in (MESSAGES, CONVERSATIONS):
        await connection.execute(sa.delete(table).where(table.c.deleted_at < before))

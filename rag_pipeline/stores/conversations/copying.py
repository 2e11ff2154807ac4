"""All conversations and tags from one database into another, SQLite or PostgreSQL: into a file for a backup, and back into either.

Belongs here: copying rows, and what must be known before. Not here: what a backup is, statements on single conversations (``store.py``).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from rag_pipeline.stores.conversations.engine import bring_up_to_date, open_engine, unreachable
from rag_pipeline.stores.conversations.records import ConversationError
from rag_pipeline.stores.conversations.tables import CONVERSATIONS, METADATA, TAGGED_DOCUMENTS

_ROWS_AT_A_TIME = 500


async def copy_conversations(source: URL, target: URL) -> None:
    """Put all conversations and tags of one database, as they are at one moment, in the place of those of another, in one transaction.

    Both are brought up to date first. Who is killed has changed nothing, and may repeat it.

    Raises:
        ConversationError: one of the databases cannot be used, or was written by a newer version.
    """
    reading, writing = open_engine(source), open_engine(target)
    try:
        await bring_up_to_date(reading, {})
        await bring_up_to_date(writing, {})
        async with reading.connect() as old, writing.begin() as new:
            await _begin_at_one_moment(old)
            for table in reversed(METADATA.sorted_tables):
                await new.execute(sa.delete(table))
            for table in METADATA.sorted_tables:
                await _copy_rows(old, new, table)
    except (SQLAlchemyError, OSError) as error:
        raise unreachable(target if target.get_backend_name() == "postgresql" else source, error) from error
    finally:
        await reading.dispose()
        await writing.dispose()


async def count_conversations(url: URL) -> int:
    """How many a database holds, which is brought up to date first.

    Raises:
        ConversationError: as :func:`copy_conversations`.
    """
    return await _count(url, CONVERSATIONS)


async def count_tagged_documents(url: URL) -> int:
    """The same of documents that have tags."""
    return await _count(url, TAGGED_DOCUMENTS)


async def _count(url: URL, table: sa.Table) -> int:
    engine = open_engine(url)
    try:
        await bring_up_to_date(engine, {})
        async with engine.connect() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
    except (SQLAlchemyError, OSError) as error:
        raise unreachable(url, error) from error
    finally:
        await engine.dispose()


def settle_file(path: Path) -> None:
    """Make sure that nobody has a SQLite file open. What stands in the log beside it is brought into it, so that the file is all there is.

    Raises:
        ConversationError: a program has it open, or it is damaged.
    """
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            connection.execute(
                "PRAGMA locking_mode=EXCLUSIVE"
            )  # all for oneself, or not at all: with a log, who has a file open has a lock
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConversationError(f"{path} is in use by another program, or damaged ({error}). Stop the app (`rag up`) first.") from error


async def _begin_at_one_moment(connection: AsyncConnection) -> None:
    """All that is read from now on is of one moment."""
    if connection.dialect.name == "postgresql":
        await connection.execution_options(isolation_level="REPEATABLE READ")
    else:
        await connection.execute(sa.text("BEGIN"))


async def _copy_rows(old: AsyncConnection, new: AsyncConnection, table: sa.Table) -> None:
    rows = await old.stream(sa.select(table).execution_options(yield_per=_ROWS_AT_A_TIME))
    async for part in rows.mappings().partitions():
        await new.execute(sa.insert(table), [{name: _with_zone(value) for name, value in row.items()} for row in part])


def _with_zone(value: Any) -> Any:
    """SQLite keeps times without their zone, which is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value

"""The database behind the conversations: its address, its connections, its schema brought up to date.

Belongs here: engines, migrations, transactions. Not here: statements on conversations or tags.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from filelock import AsyncFileLock
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from rag_pipeline.settings import Settings
from rag_pipeline.stores.conversations.deleted import forget_deleted
from rag_pipeline.stores.conversations.owners import hand_over
from rag_pipeline.stores.conversations.records import ConversationError

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 15
_ADVISORY_LOCK = 0x7261675F6D696772
"""Any number that other programs on the server do not use: "rag_migr" in ASCII."""


def database_url(url: str | None, default: Path) -> URL:
    """The address in SQLAlchemy's form.

    Raises:
        ConversationError: it is neither SQLite's nor PostgreSQL's.
    """
    if not url:
        return URL.create("sqlite+aiosqlite", database=str(default))
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise ConversationError(f"RAG_DATABASE_URL is no address. {_EXAMPLE}") from None
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+asyncpg")
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(drivername="sqlite+aiosqlite")
    raise ConversationError(f"RAG_DATABASE_URL names {parsed.get_backend_name()}, which is not supported. {_EXAMPLE}")


def conversations_url(settings: Settings) -> URL:
    """The address of the database that the settings name.

    Raises:
        ConversationError: as :func:`database_url`.
    """
    url = settings.database_url
    return database_url(url.get_secret_value() if url else None, settings.conversations_path)


_EXAMPLE = "Write postgresql://user:password@host/database, or leave it unset for a file in the data folder."


def open_engine(url: URL) -> AsyncEngine:
    """Connections to the database; nothing is contacted yet."""
    engine = create_async_engine(url, pool_pre_ping=True)
    if url.get_backend_name() == "sqlite":
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


class Database:
    """Connections to the database, which is brought up to date at first use. Safe to use by many tasks of one event loop at once.

    Args:
        url: ``RAG_DATABASE_URL``, None for SQLite in ``default``.
        default: the SQLite file; made at first use.
        former_owners: names under which older versions kept the conversations of those who have a token now, and their digests.

    Raises:
        ConversationError: the address cannot be understood. Every method: the database cannot be used.
    """

    def __init__(self, url: str | None, default: Path, former_owners: Mapping[str, str] | None = None) -> None:
        self.engine = open_engine(database_url(url, default))
        self._former_owners = dict(former_owners or {})
        self._starting = asyncio.Lock()
        # SQLite has whoever waits try again and again, and gives up with who waited longest: here they take turns, and keep no connection.
        self._turns: asyncio.Lock | nullcontext[None] = asyncio.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()
        self._ready = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that commits nothing."""
        await self._prepare()
        try:
            async with self.engine.connect() as connection:
                yield connection
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise unreachable(self.engine.url, error) from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end, or rolled back when the block raises."""
        await self._prepare()
        try:
            async with self._turns, self.engine.begin() as connection:
                if connection.dialect.name == "sqlite":
                    # A transaction that reads first could not be upgraded to writing while another one writes.
                    await connection.execute(sa.text("BEGIN IMMEDIATE"))
                yield connection
        except sa.exc.IntegrityError:
            raise
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise unreachable(self.engine.url, error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()

    async def _prepare(self) -> None:
        async with self._starting:
            if not self._ready:
                await bring_up_to_date(self.engine, self._former_owners)
                self._ready = True


def open_database(settings: Settings, former_owners: Mapping[str, str] | None = None) -> Database:
    """The database that the settings name; nothing is opened or contacted before the first use. ``former_owners``: as of :class:`Database`.

    Raises:
        ConversationError: as :func:`database_url`.
    """
    url = settings.database_url
    return Database(url.get_secret_value() if url else None, settings.conversations_path, former_owners)


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_function("lower", 1, _lower)  # SQLite's own knows the letters of English


def _lower(text: str | None) -> str | None:
    return text.lower() if isinstance(text, str) else text


async def bring_up_to_date(engine: AsyncEngine, former_owners: Mapping[str, str]) -> None:
    """Make or migrate the schema, and give conversations of older versions to their owners; several processes may do so at once.

    Raises:
        ConversationError: the database cannot be reached, or was written by a newer version.
    """
    try:
        async with _alone(engine), engine.begin() as connection:
            await _locked(connection)
            await connection.run_sync(_upgrade)
            await hand_over(connection, former_owners)
            await forget_deleted(connection)
    except CommandError:
        message = "The conversations were written by a newer version of this program. Update it, or set RAG_DATABASE_URL to another."
        raise ConversationError(message) from None
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise unreachable(engine.url, error) from error


def unreachable(url: URL, error: Exception) -> ConversationError:
    """The error of a database that does not answer as it should, without its password."""
    shown = url.render_as_string(hide_password=True)
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    detail = " ".join(str(cause).split())[:200]
    return ConversationError(f"The conversations at {shown} cannot be used ({type(cause).__name__}: {detail}). Check RAG_DATABASE_URL.")


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """SQLite has no lock for more than one statement of the schema; a file beside it is one."""
    if engine.url.get_backend_name() != "sqlite":
        yield
        return
    path = Path(engine.url.database or "")
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    async with AsyncFileLock(f"{path}.lock"):
        yield


async def _locked(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ADVISORY_LOCK})


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

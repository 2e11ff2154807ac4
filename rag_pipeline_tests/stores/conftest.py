"""A database of SQLite, and one of a real PostgreSQL that these tests start."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from rag_pipeline.stores.conversations.engine import database_url, open_engine
from rag_pipeline_tests.programs import POSTGRESQL, require
from rag_pipeline_tests.servers import PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server; databases are made in it by the tests."""
    require(POSTGRESQL)
    with PostgreSQL() as started:
        yield started.address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/conversations.sqlite"
    address = request.getfixturevalue("server")
    name = f"test_{os.urandom(6).hex()}"

    async def make() -> None:
        engine = open_engine(database_url(f"{address}/postgres", tmp_path)).execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(sa.text(f"CREATE DATABASE {name}"))
        await engine.dispose()

    asyncio.run(make())
    return f"{address}/{name}"

"""A plugin of pytest (``-p rag_pipeline_tests.on_a_ducklake``): what is a catalog in a file to the tests lies in a DuckLake, each in a
PostgreSQL database of its own. So tests of what holds for both are written once. With a server at hand, all of ingestion on a DuckLake:

    python -c "from rag_pipeline_tests import ducklake; import os, sys; os.execvpe(sys.argv[1], sys.argv[1:],
        ducklake.environment(RAG_TEST_POSTGRESQL='postgresql://rag@127.0.0.1:5432'))"
        python -m pytest -p rag_pipeline_tests.on_a_ducklake rag_pipeline_tests/ingestion/test_pipeline.py

Belongs here: that. Not here: tests.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

import psycopg2

from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import database
from rag_pipeline.stores.catalog.lake import Lake


@cache
def lake_in_place_of(path: Path) -> Lake:
    server, name = os.environ["RAG_TEST_POSTGRESQL"], f"lake_{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True  # a database cannot be made in a transaction
    connection.cursor().execute(f"CREATE DATABASE {name}")
    connection.close()
    settings = Settings(data_dir=path.parent, catalog_url=f"ducklake:postgres:{server}/{name}")
    return Lake(settings)


def pytest_configure() -> None:
    database.CatalogFile = lake_in_place_of

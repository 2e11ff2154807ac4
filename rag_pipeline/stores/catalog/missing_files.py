"""Rows of the catalog's ``missing_files`` table: live documents whose file was not there when the folder was last looked at.

Belongs here: statements on that table. Not here: which deletions are held (``document_life.py``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from rag_pipeline.document_life import HeldDeletions, MissingFile
from rag_pipeline.models import IN_ARCHIVE
from rag_pipeline.stores.catalog.database import Catalog


def held_deletions(catalog: Catalog) -> dict[str, HeldDeletions]:
    """What is held of each collection; collections without are left out."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT d.collection, count(*), min(m.missing_since) FROM documents d JOIN missing_files m ON m.file = d.file"
            " WHERE NOT m.confirmed GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return {collection: HeldDeletions(documents, since) for collection, documents, since in rows}


def missing_files(catalog: Catalog, collection: str | None = None) -> dict[str, MissingFile]:
    """What is noted of the files of a collection, or of all; paths below the uploads folder (``os.fsdecode``)."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT file, missing_since, confirmed FROM missing_files WHERE $collection IS NULL OR collection = $collection",
            {"collection": collection},
        ).fetchall()
    return {os.fsdecode(file): MissingFile(since, confirmed) for file, since, confirmed in rows}


def confirm_deletions(catalog: Catalog, collections: Sequence[str]) -> int:
    """Confirm the deletions that are held now in some collections; how many. The next scan carries them out."""
    with catalog.writing() as connection:
        ((confirmed,),) = connection.execute(
            "UPDATE missing_files SET confirmed = TRUE WHERE NOT confirmed AND collection IN (SELECT unnest(?::VARCHAR[]))",
            [list(collections)],
        ).fetchall()
    return int(confirmed)


def confirm_removals(catalog: Catalog, files: Mapping[str, str], now: datetime) -> None:
    """Note of files (path → collection) that they are being removed on purpose, before they are, with all that archives among them hold:
    however many go, none is held.
    """
    with catalog.writing() as connection:
        rows = connection.execute(
            "SELECT file, collection FROM documents WHERE collection IN (SELECT unnest(?::VARCHAR[])) AND contains(hex(file), ?)",
            [sorted(set(files.values())), os.fsencode(IN_ARCHIVE).hex().upper()],  # which may match what begins within a byte
        ).fetchall()
        members = {os.fsdecode(file): collection for file, collection in rows}
        noted = {**files, **{file: name for file, name in members.items() if file.partition(IN_ARCHIVE)[0] in files}}
        forget(connection, list(noted))
        connection.execute(
            "INSERT INTO missing_files SELECT unnest($files::BLOB[]), unnest($collections::VARCHAR[]), $now, TRUE",
            {"files": [os.fsencode(file) for file in noted], "collections": list(noted.values()), "now": now},
        )


def hold(connection: duckdb.DuckDBPyConnection, files: Sequence[str], collection: str, now: datetime) -> None:
    """Note files as missing since now; those that are noted already stay as they are."""
    connection.execute(
        "INSERT INTO missing_files SELECT file, $collection, $now, FALSE FROM (SELECT unnest($files::BLOB[]) AS file)"
        " WHERE file NOT IN (SELECT file FROM missing_files)",
        {"collection": collection, "now": now, "files": [os.fsencode(file) for file in files]},
    )


def forget(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    """Remove what is noted of some files."""
    connection.execute("DELETE FROM missing_files WHERE file IN (SELECT unnest(?::BLOB[]))", [[os.fsencode(file) for file in files]])

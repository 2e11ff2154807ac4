"""Rows of the catalog's ``documents`` table: what the folder holds, and how each document fares.

Belongs here: statements on that table. Not here: what documents say (``reading_rows.py``), the folder, decisions.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import duckdb
import polars

from rag_pipeline.document_life import REOPENED, Circumstances, FailedFile, is_to_be_looked_at
from rag_pipeline.stores.catalog import missing_files
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.frames import insert_frame

_CHOSEN = "document_id IN (SELECT unnest($ids::VARCHAR[]))"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A file as the folder scan found it. ``file`` as in ``os.fsdecode``; ``content_hash`` None when it could not be read.

    ``detected_by`` is the fingerprint of what media types could be told.
    """

    document_id: str
    collection: str
    document: str
    file: str
    signature: str
    size_bytes: int
    content_hash: str | None
    media_type: str | None
    detected_by: str | None = None
    error_code: str | None = None
    error: str | None = None
    transient: bool = False


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What one commit of the folder scan did. ``touched``: rewritten with the same bytes."""

    added: int
    edited: int
    renamed: int
    touched: int
    removed: int


def utc_now() -> datetime:
    """The present, UTC, without a zone: as the catalog's TIMESTAMP columns hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look at the folder found out about one collection. Files are paths below the uploads folder (``os.fsdecode``).

    ``removed`` are deleted, ``held`` are missing from now on but kept, ``back`` were missing and are there again.
    """

    collection: str
    rows: Sequence[DocumentRow]
    removed: Sequence[str] = ()
    held: Sequence[str] = ()
    back: Sequence[str] = ()


def known_signatures(catalog: Catalog, collection: str | None, now: Circumstances) -> dict[str, str]:
    """Path → signature of the live documents; empty for those that are to be looked at again although their file is the same."""
    with catalog.reading() as connection:
        chosen = "($collection IS NULL OR collection = $collection)"
        rows = connection.execute(f"SELECT file, signature FROM documents WHERE {chosen}", {"collection": collection}).fetchall()
        failed = connection.execute(
            "SELECT file, content_hash IS NOT NULL, error_code, transient, attempts, size_bytes, detected_by FROM documents"
            f" WHERE error_code IS NOT NULL AND {chosen}",
            {"collection": collection},
        ).fetchall()
        told_otherwise = connection.execute(
            "SELECT file FROM documents WHERE error_code IS NULL AND media_type IN ('text/plain', 'text/x-source-code', 'application/xml')"
            f" AND detected_by IS NOT NULL AND detected_by <> $detection AND {chosen}",
            {"collection": collection, "detection": now.detection},
        ).fetchall()  # text may be of a type that has a name only now
    again = {file for file, *columns in failed if is_to_be_looked_at(FailedFile(*columns), now)} | {file for (file,) in told_otherwise}
    return {os.fsdecode(file): "" if file in again else signature for file, signature in rows}


def content_hashes(catalog: Catalog, collection: str) -> dict[str, str | None]:
    """Path → sha256 of the bytes, of a collection's live documents."""
    with catalog.reading() as connection:
        rows = connection.execute("SELECT file, content_hash FROM documents WHERE collection = ?", [collection]).fetchall()
    return {os.fsdecode(file): content_hash for file, content_hash in rows}


def identities(
    catalog: Catalog, document_ids: Collection[str], content_hashes: Collection[str]
) -> list[tuple[str, str, str, str | None, datetime]]:
    """Id, collection, path, content and time of first sight, of the live documents that have one of these ids or contents."""
    with catalog.reading() as connection:
        return connection.execute(
            "SELECT document_id, collection, document, content_hash, added_at FROM documents"
            " WHERE document_id IN (SELECT unnest($ids::VARCHAR[])) OR content_hash IN (SELECT unnest($hashes::VARCHAR[]))",
            {"ids": list(document_ids), "hashes": list(content_hashes)},
        ).fetchall()


def reopen_documents(catalog: Catalog, document_ids: Sequence[str], *, again: bool = False) -> int:
    """Make failed documents as if they had never been tried; the next run reads them again. How many they are.

    ``again``: those too that have not failed, with all documents of the same content.
    """
    with catalog.writing() as connection:
        return _reopen_read(connection, document_ids) if again else _reopen(connection, document_ids)


def choose_ocr_languages(catalog: Catalog, content_hash: str, languages: str | None) -> None:
    """Have a content read with these languages of OCR (Tesseract's names, joined by ``+``), under all its paths and from now on; None: with
    those of the settings. The next run reads it, and what is published of it answers until then."""
    chosen = {"content": content_hash, "languages": languages}
    with catalog.writing() as connection:
        connection.execute("DELETE FROM ocr_choices WHERE content_hash = ?", [content_hash])
        if languages:
            connection.execute("INSERT INTO ocr_choices VALUES ($content, $languages)", chosen)
        connection.execute("UPDATE documents SET ocr_languages = $languages WHERE content_hash = $content", chosen)


def apply_scan(catalog: Catalog, scan: Scan) -> SourceCounts:
    """Make the table say what the folder says, in one transaction.

    Documents with new bytes become ``pending``; failed ones whose file was touched, or is back, are tried again.
    """
    with catalog.writing() as connection:
        old = _content_by_id(connection)
        removed_ids = _ids_of(connection, scan.removed)
        gone = {old[i] for i in removed_ids}
        connection.execute("DELETE FROM documents WHERE document_id IN (SELECT unnest(?::VARCHAR[]))", [removed_ids])
        fresh = [row for row in scan.rows if row.document_id not in old]
        known = [row for row in scan.rows if row.document_id in old]
        same = [row for row in known if row.content_hash and old[row.document_id] == _content(row)]
        edited = [row for row in known if not row.content_hash or old[row.document_id] != _content(row)]
        _touch(connection, same)
        _replace(connection, [*fresh, *edited])
        missing_files.hold(connection, scan.held, scan.collection, utc_now())
        missing_files.forget(connection, [*scan.removed, *scan.back])
        _reopen(connection, _ids_of(connection, scan.back), only_transient=True)
    renamed = sum(_content(row) in gone for row in fresh)
    return SourceCounts(len(fresh) - renamed, len(edited), renamed, len(same), len(removed_ids) - renamed)


def _reopen(connection: duckdb.DuckDBPyConnection, document_ids: Sequence[str], *, only_transient: bool = False) -> int:
    """An empty signature makes the next scan look at a file whose bytes could not be read."""
    failed = f"{'transient' if only_transient else 'error_code IS NOT NULL'} AND {_CHOSEN}"
    _forget_readings(connection, f"state = 'empty' AND {failed}", document_ids)  # what was read without a word, so that it is read again
    return _mark_reopened(connection, failed, document_ids)


def _reopen_read(connection: duckdb.DuckDBPyConnection, document_ids: Sequence[str]) -> int:
    """Of the same content all: what was read of it goes, and a document that would still count on it would leave the index."""
    same = f"({_CHOSEN} OR extraction_key IN (SELECT extraction_key FROM documents WHERE {_CHOSEN}))"
    rows = connection.execute(f"SELECT document_id FROM documents WHERE {same}", {"ids": list(document_ids)}).fetchall()
    together = [identity for (identity,) in rows]
    _forget_readings(connection, _CHOSEN, together)
    return _mark_reopened(connection, _CHOSEN, together)


def _forget_readings(connection: duckdb.DuckDBPyConnection, which: str, document_ids: Sequence[str]) -> None:
    for table in ("elements", "chunkings", "extractions"):
        connection.execute(
            f"DELETE FROM {table} WHERE extraction_key IN (SELECT extraction_key FROM documents WHERE {which})", {"ids": list(document_ids)}
        )


def _mark_reopened(connection: duckdb.DuckDBPyConnection, which: str, document_ids: Sequence[str]) -> int:
    ((reopened,),) = connection.execute(
        f"""
        UPDATE documents SET {", ".join(f"{column} = ${column}" for column in REOPENED)},
            signature = CASE WHEN content_hash IS NULL THEN '' ELSE signature END WHERE {which}
        """,
        {"ids": list(document_ids), **REOPENED},
    ).fetchall()
    return int(reopened)


def _content(row: DocumentRow) -> tuple[str | None, str | None]:
    return row.content_hash, row.media_type


def _content_by_id(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str | None, str | None]]:
    rows = connection.execute("SELECT document_id, content_hash, media_type FROM documents").fetchall()
    return {identity: (content_hash, media_type) for identity, content_hash, media_type in rows}


def _ids_of(connection: duckdb.DuckDBPyConnection, files: Iterable[str]) -> list[str]:
    encoded = [os.fsencode(file) for file in files]
    rows = connection.execute("SELECT document_id FROM documents WHERE file IN (SELECT unnest(?::BLOB[]))", [encoded]).fetchall()
    return [identity for (identity,) in rows]


def _touch(connection: duckdb.DuckDBPyConnection, rows: Sequence[DocumentRow]) -> None:
    if not rows:
        return
    # As one statement: one for each row takes a second for a thousand of them.
    names = "document_id", "signature", "detected_by"
    touched = {name: [getattr(row, name) for row in rows] for name in names}
    columns = ", ".join(f"unnest(${name}::VARCHAR[]) AS {name}" for name in names)
    connection.execute(
        f"UPDATE documents SET signature = t.signature, detected_by = t.detected_by FROM (SELECT {columns}) t"
        " WHERE documents.document_id = t.document_id",
        touched,
    )
    _reopen(connection, touched["document_id"])


def _replace(connection: duckdb.DuckDBPyConnection, rows: Sequence[DocumentRow]) -> None:
    """Write rows anew. The time of first sight is kept, and the attempts on a file that still cannot be read are counted on."""
    if not rows:
        return
    connection.execute("CREATE TEMP TABLE scanned AS SELECT * FROM documents LIMIT 0")
    now = utc_now()
    insert_frame(connection, "scanned", polars.DataFrame([_values(row, now) for row in rows], infer_schema_length=None))
    connection.execute(
        "UPDATE scanned SET added_at = d.added_at, attempts = scanned.attempts + CASE WHEN d.content_hash IS NULL"
        " AND scanned.content_hash IS NULL AND d.signature = scanned.signature THEN d.attempts ELSE 0 END"
        " FROM documents d WHERE d.document_id = scanned.document_id"
    )
    connection.execute("UPDATE scanned SET ocr_languages = c.languages FROM ocr_choices c WHERE c.content_hash = scanned.content_hash")
    connection.execute("DELETE FROM documents WHERE document_id IN (SELECT document_id FROM scanned)")
    connection.execute("INSERT INTO documents SELECT * FROM scanned")
    connection.execute("DROP TABLE scanned")


def _values(row: DocumentRow, now: datetime) -> dict[str, object]:
    failed = row.error_code is not None
    outcome = {"state": "failed" if failed else "pending", "attempts": 1 if failed else 0, "added_at": now, "chunks": 0, "vectors": 0}
    return {**asdict(row), "file": os.fsencode(row.file), **outcome}

"""What documents say, kept by content: finished readings, what is still to be read.

Belongs here: statements on ``extractions`` and ``elements``, and on documents as far as reading decides their state. Not here: reading.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars

from rag_pipeline.document_life import LastTry, asks_for_a_run, is_to_be_read
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import utc_now
from rag_pipeline.stores.catalog.frames import query_frame
from rag_pipeline.stores.catalog.keys import EXTRACTION_KEY, FAILURE_KEY, PARTIAL_EXTRACTION_KEY, PRESENT, READING_ORDER

_FARTHEST_HEADING = 1.25

MEMBER_COLUMNS: Mapping[str, polars.DataType] = {
    "path": polars.String(),
    "size_bytes": polars.UInt64(),
    "modified": polars.Int64(),
    "content_hash": polars.String(),
    "media_type": polars.String(),
    "error_code": polars.String(),
    "error": polars.String(),
}
OUTCOME_COLUMNS: Mapping[str, polars.DataType] = {
    "extraction_key": polars.String(),
    "state": polars.String(),  # "extracted", or the state of the failure
    "error_code": polars.String(),
    "error": polars.String(),
    "transient": polars.Boolean(),
    "pages": polars.Int32(),
    "notes": polars.List(polars.String()),
    "members": polars.List(polars.Struct(MEMBER_COLUMNS)),  # of an archive
    "reading_key": polars.String(),  # the extraction key, or what also names the abilities and the limit that the reading had
}


@dataclass(frozen=True, slots=True)
class ExtractorFingerprint:
    """What decides how a content is read.

    Attributes:
        versions: of the program that reads a media type, by that type.
        unread: stands for a version where the type is none of them.
        abilities: the fingerprint of what the machine adds to the program.
        limits: what a document may fail at now, by the code of that failure (:data:`rag_pipeline.document_life.LIMIT_OF_FAILURE`).
    """

    versions: Mapping[str, str]
    unread: str
    abilities: str
    limits: Mapping[str, str]

    def reading_key(self, extraction_key: str, error_code: str | None, notes: Sequence[str]) -> str:
        """The key of a reading made now: ``FAILURE_KEY`` or ``PARTIAL_EXTRACTION_KEY`` (``keys.py``) where it failed or left something out.

        Kept with the reading: by the time of its commit, after a crash, other settings may hold.
        """
        if error_code is None and not notes:
            return extraction_key
        limit = self.limits.get(error_code or "")
        parts = [extraction_key, self.abilities, *([limit] if limit else [])]
        return hashlib.sha256(":".join(parts).encode()).hexdigest()

    @property
    def program(self) -> dict[str, object]:
        """For statements with the key of a whole reading."""
        return {"media_types": list(self.versions), "versions": list(self.versions.values()), "unread": self.unread}

    @property
    def parameters(self) -> dict[str, object]:
        """For statements with all the keys of readings."""
        return {**self.program, "abilities": self.abilities, **self.limits}


@dataclass(frozen=True, slots=True)
class ExtractionTask:
    """A content to read, from any one file that holds it (path below the uploads folder). ``ocr_languages``: where they are not those of
    the settings."""

    extraction_key: str
    file: str
    media_type: str
    content_hash: str
    size_bytes: int
    signature: str = ""
    ocr_languages: str | None = None


def missing_extractions(
    catalog: Catalog, collection: str, extractor: ExtractorFingerprint, max_attempts: int, full_refresh: bool
) -> list[ExtractionTask]:
    """Contents of a collection that are to be read: never read by this extractor, failed for a passing reason or at a limit that was
    changed, or not read whole by a machine of other abilities. Nothing of files that are missing: what they said stays.

    Small ones first, and of those alike in size (within a factor of four) the newest: a memo need not wait for the books before it."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            WITH wanted AS (SELECT d.*, {EXTRACTION_KEY} AS key, {PARTIAL_EXTRACTION_KEY} AS partial_key, {FAILURE_KEY} AS failure_key
                FROM documents d WHERE collection = $collection AND content_hash IS NOT NULL AND {PRESENT})
            SELECT key, file, media_type, content_hash, size_bytes, signature, ocr_languages,
                error_code IS NOT NULL, transient, attempts, extraction_key IS NOT DISTINCT FROM failure_key FROM wanted
            WHERE $full OR (key NOT IN (SELECT extraction_key FROM extractions)
                AND partial_key NOT IN (SELECT extraction_key FROM extractions))
            ORDER BY {READING_ORDER}
            """,
            {"collection": collection, **extractor.parameters, "full": full_refresh},
        ).fetchall()
    tasks: dict[str, ExtractionTask] = {}
    for key, file, media_type, content, size, signature, languages, *last in rows:
        if full_refresh or is_to_be_read(LastTry(*last), max_attempts):
            tasks.setdefault(key, ExtractionTask(key, os.fsdecode(file), media_type, content, size, signature, languages))
    return list(tasks.values())


def unread_documents(catalog: Catalog, extractor: ExtractorFingerprint, max_attempts: int) -> dict[str, int]:
    """Collection → documents whose text a run could bring forward: pending, failed for a passing reason or at a limit that was changed, not
    read whole by a machine of other abilities, or read by another version of their reader. Not those that answer by their words, nor those
    whose file is missing."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            SELECT collection, count(*), CASE WHEN chunks > 0 THEN 'indexed' ELSE state END AS state,  -- of one that answers, as if it were
                error_code IS NOT NULL AS failed, transient, attempts,
                content_hash IS NULL OR coalesce(extraction_key IN ({EXTRACTION_KEY}, {FAILURE_KEY}), TRUE) AS same_circumstances,
                coalesce(len(notes), 0) > 0 AS in_part
            FROM documents d WHERE {PRESENT} AND ((state = 'pending' AND chunks = 0) OR failed OR in_part) GROUP BY ALL
            """,
            extractor.parameters,
        ).fetchall()
        outdated = connection.execute(
            f"""
            SELECT collection, count(*) FROM documents d WHERE {PRESENT} AND error_code IS NULL AND coalesce(len(notes), 0) = 0
                AND extraction_key NOT IN ({EXTRACTION_KEY}, {PARTIAL_EXTRACTION_KEY}) GROUP BY ALL
            """,
            {**extractor.program, "abilities": extractor.abilities},
        ).fetchall()
    unread = Counter[str](dict(outdated))
    for collection, count, state, *last in rows:
        if asks_for_a_run(state, LastTry(*last), max_attempts):
            unread[collection] += count
    return dict(unread)


def add_extractions(catalog: Catalog, extractor: ExtractorFingerprint, outcomes: Sequence[Path], elements: Sequence[Path]) -> None:
    """Commit finished readings, good and bad, and give every document its reading. Repeating it changes nothing."""
    with catalog.writing() as connection:
        if outcomes:
            _insert_extractions(connection, outcomes, elements)
            _fail_documents(connection, extractor)
            connection.execute("DROP TABLE outcomes")
        # A whole reading, where there is one, comes last and counts.
        for key, used in (
            (PARTIAL_EXTRACTION_KEY, {**extractor.program, "abilities": extractor.abilities}),
            (EXTRACTION_KEY, extractor.program),
        ):
            connection.execute(
                f"""
                UPDATE documents AS d SET extraction_key = x.extraction_key, pages = x.pages, notes = x.notes, error_code = NULL,
                    error = NULL, transient = FALSE, attempts = 0, state = CASE WHEN d.state = 'indexed' THEN 'indexed' ELSE 'pending' END
                FROM extractions x WHERE d.content_hash IS NOT NULL AND x.extraction_key = {key}
                    AND (d.extraction_key IS DISTINCT FROM x.extraction_key OR d.error_code IS NOT NULL)
                """,
                used,
            )


def _insert_extractions(connection: duckdb.DuckDBPyConnection, outcomes: Sequence[Path], elements: Sequence[Path]) -> None:
    connection.execute(
        "CREATE TEMP TABLE outcomes AS SELECT DISTINCT ON (extraction_key) *, extraction_key AS asked_key FROM ("
        "(SELECT members FROM extractions LIMIT 0)"  # what an older program left has no such column
        " UNION ALL BY NAME SELECT * FROM read_parquet($files, filename = true, union_by_name = true))",
        {"files": _names(outcomes)},
    )
    connection.execute("UPDATE outcomes SET extraction_key = reading_key")
    good = "(SELECT extraction_key FROM outcomes WHERE state = 'extracted')"
    for table in ("extractions", "elements"):
        connection.execute(f"DELETE FROM {table} WHERE extraction_key IN {good}")
    columns = "extraction_key, pages, notes, members"
    connection.execute(
        f"INSERT INTO extractions ({columns}, read_at) SELECT {columns}, $now FROM outcomes WHERE extraction_key IN {good}",
        {"now": utc_now()},
    )
    if elements:
        # Two batches may have read the same content; the elements of the one whose outcome counts are taken.
        connection.execute(
            "INSERT INTO elements BY NAME SELECT o.extraction_key, e.* EXCLUDE (extraction_key, filename)"
            " FROM read_parquet($files, filename = true) e JOIN outcomes o ON e.extraction_key = o.asked_key"
            " WHERE o.state = 'extracted'"
            " AND starts_with(parse_filename(e.filename), split_part(parse_filename(o.filename), '.', 1) || '.')",
            {"files": _names(elements)},
        )


def _fail_documents(connection: duckdb.DuckDBPyConnection, extractor: ExtractorFingerprint) -> None:
    connection.execute(
        f"""
        UPDATE documents AS d SET extraction_key = o.extraction_key, state = o.state, error_code = o.error_code, error = o.error,
            transient = o.transient, pages = NULL, notes = NULL, chunks = 0, vectors = 0,
            indexed_at = NULL,
            attempts = 1 + CASE WHEN d.extraction_key IS NOT DISTINCT FROM o.extraction_key THEN d.attempts ELSE 0 END
        FROM outcomes o WHERE o.state <> 'extracted' AND d.content_hash IS NOT NULL AND o.asked_key = {EXTRACTION_KEY} AND d.{PRESENT}
        """,
        extractor.program,
    )
    # A full refresh may fail where an earlier reading succeeded: the row must not show both. What a document with a missing file answers
    # from stays, and then serves its copies too.
    bad = "(SELECT unnest([extraction_key, asked_key]) FROM outcomes WHERE state <> 'extracted')"
    used = "(SELECT extraction_key FROM documents WHERE extraction_key IS NOT NULL)"
    for table in ("extractions", "elements"):
        connection.execute(f"DELETE FROM {table} WHERE extraction_key IN {bad} AND extraction_key NOT IN {used}")


def elements_of(catalog: Catalog, extraction_keys: Sequence[str]) -> polars.DataFrame:
    """The elements of some extractions, each in reading order: the columns of the table ``elements``."""
    with catalog.reading() as connection:
        return query_frame(
            connection,
            "SELECT * FROM elements WHERE extraction_key IN (SELECT unnest($keys)) ORDER BY extraction_key, position",
            {"keys": list(extraction_keys)},
        )


def element_windows(catalog: Catalog, extraction_key: str, characters: int) -> Iterator[polars.DataFrame]:
    """The elements of one extraction in reading order, in parts of about so many characters, each beginning at a heading if one is near.

    The catalog stays open for reading until the last part is taken.
    """
    with catalog.reading() as connection:
        sizes = query_frame(
            connection,
            "SELECT position, length(text) AS size, kind = 'Title' AS heading FROM elements WHERE extraction_key = $key ORDER BY position",
            {"key": extraction_key},
        )
        for first, last in windows(sizes, characters):
            yield query_frame(
                connection,
                "SELECT * FROM elements WHERE extraction_key = $key AND position BETWEEN $first AND $last ORDER BY position",
                {"key": extraction_key, "first": first, "last": last},
            )


def windows(sizes: polars.DataFrame, characters: int) -> Iterator[tuple[int, int]]:
    """First and last position of each part of about so many characters, which begins at a heading if one is near.

    Args:
        sizes: of elements in reading order: position, characters, whether it is a heading.
    """
    begun: int | None = None
    position = taken = 0
    for following, size, heading in sizes.iter_rows():
        if begun is not None and taken > characters * (1 if heading else _FARTHEST_HEADING):
            yield begun, position
            begun, taken = None, 0
        begun = following if begun is None else begun
        position, taken = following, taken + size
    if begun is not None:
        yield begun, position


def _names(files: Sequence[Path]) -> list[str]:
    return [str(file) for file in files]

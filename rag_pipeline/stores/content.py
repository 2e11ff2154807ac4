"""What documents say, kept by content: extractions, chunks, embeddings; what is missing of them, and what nobody needs any more.

Belongs here: statements on those tables, and bulk exchange with Parquet files in the staging folder. Not here: how any of it is made.

Keys chain: extraction = sha256(content, media type, extractor); chunking = sha256(extraction, chunker);
embedding = (sha256(embedded text), model); a document in the index = sha256(document id, chunking). Whatever changes, only what
hangs below it is out of date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars

from rag_pipeline.models import Box, Element
from rag_pipeline.stores.catalog import Catalog
from rag_pipeline.stores.documents import utc_now

EXTRACTION_KEY = "sha256(concat_ws(':', d.content_hash, d.media_type, $extractor))"
_CHUNKING_KEY = "sha256(concat_ws(':', x.extraction_key, $chunker))"
_DOCUMENT_KEY = "substr(sha256(concat_ws(':', d.document_id, k.chunking_key)), 1, 32)"

OUTCOME_COLUMNS: Mapping[str, polars.DataType] = {
    "extraction_key": polars.String(),
    "state": polars.String(),  # "extracted", or the state of the failure
    "error_code": polars.String(),
    "error": polars.String(),
    "transient": polars.Boolean(),
    "pages": polars.Int32(),
    "notes": polars.List(polars.String()),
}
ELEMENT_COLUMNS: Mapping[str, polars.DataType] = {
    "extraction_key": polars.String(),
    "position": polars.Int32(),
    "kind": polars.String(),
    "text": polars.String(),
    "page": polars.Int32(),
    "heading_path": polars.List(polars.String()),
    "boxes": polars.String(),
    "table_header": polars.String(),
}
CHUNK_COLUMNS: Mapping[str, polars.DataType] = {
    "extraction_key": polars.String(),
    "position": polars.Int32(),
    "text": polars.String(),
    "context": polars.String(),
    "heading_path": polars.List(polars.String()),
    "page_first": polars.Int32(),
    "page_last": polars.Int32(),
    "boxes": polars.String(),
    "tokens": polars.Int32(),
    "text_hash": polars.String(),
}


@dataclass(frozen=True, slots=True)
class ExtractionTask:
    """A content to read, from any one file that holds it (path below the uploads folder)."""

    extraction_key: str
    file: str
    media_type: str
    content_hash: str
    size_bytes: int


def pack_boxes(boxes: Sequence[Box]) -> str:
    """Boxes as the JSON text that the catalog keeps."""
    rows = [[b.page, *(round(x, 5) for x in (b.left, b.top, b.right, b.bottom)), b.start, b.end] for b in boxes]
    return json.dumps(rows, separators=(",", ":"))


def unpack_boxes(text: str) -> tuple[Box, ...]:
    """The inverse of :func:`pack_boxes`, to five decimals."""
    return tuple(Box(*row) for row in json.loads(text))


def missing_extractions(catalog: Catalog, collection: str, extractor: str, max_attempts: int, full_refresh: bool) -> list[ExtractionTask]:
    """Contents of a collection that are to be read: never read by this extractor, or failed for a passing reason."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            WITH wanted AS (SELECT d.*, {EXTRACTION_KEY} AS key FROM documents d WHERE collection = $collection AND content_hash IS NOT NULL)
            SELECT key, min(file), any_value(media_type), any_value(content_hash), any_value(size_bytes) FROM wanted
            WHERE $full OR (key NOT IN (SELECT extraction_key FROM extractions) AND NOT (
                extraction_key IS NOT DISTINCT FROM key AND error_code IS NOT NULL AND (NOT transient OR attempts >= $limit)))
            GROUP BY key ORDER BY min(file)
            """,  # noqa: S608
            {"collection": collection, "extractor": extractor, "limit": max_attempts, "full": full_refresh},
        ).fetchall()
    return [ExtractionTask(key, os.fsdecode(file), media_type, content, size) for key, file, media_type, content, size in rows]


def add_extractions(catalog: Catalog, extractor: str, outcomes: Sequence[Path], elements: Sequence[Path]) -> None:
    """Commit finished readings, good and bad, and give every document its reading. Repeating it changes nothing."""
    with catalog.writing() as connection:
        if outcomes:
            _insert_extractions(connection, outcomes, elements)
            _fail_documents(connection, extractor)
            connection.execute("DROP TABLE outcomes")
        connection.execute(
            f"""
            UPDATE documents AS d SET extraction_key = x.extraction_key, pages = x.pages, notes = x.notes, error_code = NULL, error = NULL,
                transient = FALSE, attempts = 0, state = CASE WHEN d.state = 'indexed' THEN 'indexed' ELSE 'pending' END
            FROM extractions x WHERE d.content_hash IS NOT NULL AND x.extraction_key = {EXTRACTION_KEY}
                AND (d.extraction_key IS DISTINCT FROM x.extraction_key OR d.error_code IS NOT NULL)
            """,  # noqa: S608
            {"extractor": extractor},
        )


def _insert_extractions(connection: duckdb.DuckDBPyConnection, outcomes: Sequence[Path], elements: Sequence[Path]) -> None:
    connection.execute(
        "CREATE TEMP TABLE outcomes AS SELECT DISTINCT ON (extraction_key) * FROM read_parquet($files, filename = true)",
        {"files": _names(outcomes)},
    )
    good = "(SELECT extraction_key FROM outcomes WHERE state = 'extracted')"
    for table in ("extractions", "elements"):
        connection.execute(f"DELETE FROM {table} WHERE extraction_key IN {good}")  # noqa: S608
    connection.execute(f"INSERT INTO extractions SELECT extraction_key, pages, notes FROM outcomes WHERE extraction_key IN {good}")  # noqa: S608
    if elements:
        # Two batches may have read the same content; the elements of the one whose outcome counts are taken.
        columns = ", ".join(f"e.{name}" for name in ELEMENT_COLUMNS)
        connection.execute(
            f"INSERT INTO elements SELECT {columns} FROM read_parquet($files, filename = true) e JOIN outcomes o USING (extraction_key)"  # noqa: S608
            " WHERE o.state = 'extracted' AND starts_with(parse_filename(e.filename), split_part(parse_filename(o.filename), '.', 1) || '.')",
            {"files": _names(elements)},
        )


def _fail_documents(connection: duckdb.DuckDBPyConnection, extractor: str) -> None:
    connection.execute(
        f"""
        UPDATE documents AS d SET extraction_key = o.extraction_key, state = o.state, error_code = o.error_code, error = o.error,
            transient = o.transient, pages = NULL, notes = NULL, chunks = 0, indexed_at = NULL,
            attempts = 1 + CASE WHEN d.extraction_key IS NOT DISTINCT FROM o.extraction_key THEN d.attempts ELSE 0 END
        FROM outcomes o WHERE o.state <> 'extracted' AND d.content_hash IS NOT NULL AND o.extraction_key = {EXTRACTION_KEY}
        """,  # noqa: S608
        {"extractor": extractor},
    )
    # A full refresh may fail where an earlier reading succeeded: the row must not show both.
    connection.execute("DELETE FROM extractions WHERE extraction_key IN (SELECT extraction_key FROM outcomes WHERE state <> 'extracted')")
    connection.execute("DELETE FROM elements WHERE extraction_key IN (SELECT extraction_key FROM outcomes WHERE state <> 'extracted')")


def missing_chunkings(catalog: Catalog, collection: str, chunker: str, full_refresh: bool) -> list[tuple[str, int]]:
    """(extraction key, characters) of the collection's extractions that this chunker has not cut."""
    with catalog.reading() as connection:
        return connection.execute(
            f"""
            SELECT x.extraction_key, coalesce(sum(length(e.text)), 0)::BIGINT FROM extractions x LEFT JOIN elements e USING (extraction_key)
            WHERE x.extraction_key IN (SELECT extraction_key FROM documents WHERE collection = $collection)
                AND ($full OR {_CHUNKING_KEY} NOT IN (SELECT chunking_key FROM chunkings)) GROUP BY ALL ORDER BY ALL
            """,  # noqa: S608
            {"collection": collection, "chunker": chunker, "full": full_refresh},
        ).fetchall()


def elements_of(catalog: Catalog, extraction_keys: Sequence[str]) -> dict[str, list[Element]]:
    """The elements of some extractions, in reading order."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT extraction_key, kind, text, page, heading_path, boxes, table_header FROM elements"
            " WHERE extraction_key IN (SELECT unnest(?)) ORDER BY extraction_key, position",
            [list(extraction_keys)],
        ).fetchall()
    found: dict[str, list[Element]] = {key: [] for key in extraction_keys}
    for key, kind, text, page, heading_path, boxes, table_header in rows:
        found[key].append(Element(kind, text, page, tuple(heading_path), unpack_boxes(boxes), table_header))
    return found


def add_chunkings(catalog: Catalog, chunker: str, extraction_keys: Sequence[str], chunks: Path) -> None:
    """Replace the chunks of some extractions, in one transaction."""
    parameters = {"chunker": chunker, "keys": list(extraction_keys)}
    cut = f"(SELECT {_CHUNKING_KEY} FROM (SELECT unnest($keys) AS extraction_key) x)"  # noqa: S608
    columns = ", ".join(list(CHUNK_COLUMNS)[1:])
    with catalog.writing() as connection:
        for table in ("chunkings", "chunks"):
            connection.execute(f"DELETE FROM {table} WHERE chunking_key IN {cut}", parameters)  # noqa: S608
        connection.execute(
            f"INSERT INTO chunks SELECT {_CHUNKING_KEY}, {columns} FROM read_parquet($file) x",  # noqa: S608
            {"chunker": chunker, "file": str(chunks)},
        )
        connection.execute(
            f"""
            INSERT INTO chunkings SELECT {_CHUNKING_KEY} AS key, x.extraction_key, $chunker,
                (SELECT count(*) FROM chunks c WHERE c.chunking_key = key) FROM (SELECT unnest($keys) AS extraction_key) x
            """,  # noqa: S608
            parameters,
        )


def missing_texts(
    catalog: Catalog, collection: str, chunker: str, model: str, batch_size: int, full_refresh: bool
) -> Iterator[polars.DataFrame]:
    """Batches (text_hash, text) of what the model has not embedded, each text once, shortest first so that a batch is even."""
    with catalog.reading() as connection:
        connection.execute(
            """
            SELECT DISTINCT c.text_hash, CASE WHEN c.context = '' THEN c.text ELSE c.context || chr(10) || c.text END AS text, length(text)
            FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
            WHERE d.collection = $collection AND k.chunker = $chunker
                AND ($full OR c.text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model))
            ORDER BY length(text), c.text_hash
            """,
            {"collection": collection, "chunker": chunker, "model": model, "full": full_refresh},
        )
        while rows := connection.fetchmany(batch_size):
            yield polars.DataFrame([row[:2] for row in rows], schema={"text_hash": polars.String, "text": polars.String}, orient="row")


def add_embeddings(catalog: Catalog, files: Sequence[Path]) -> None:
    """Commit vectors (text_hash, model, vector), replacing those there. Repeating it changes nothing."""
    if not files:
        return
    with catalog.writing() as connection:
        connection.execute(
            "CREATE TEMP TABLE fresh AS SELECT DISTINCT ON (text_hash, model) text_hash, model, vector FROM read_parquet(?)",
            [_names(files)],
        )
        connection.execute("DELETE FROM embeddings e USING fresh f WHERE e.text_hash = f.text_hash AND e.model = f.model")
        connection.execute("INSERT INTO embeddings SELECT * FROM fresh")
        connection.execute("DROP TABLE fresh")


def indexable_documents(catalog: Catalog, collection: str, chunker: str, model: str) -> dict[str, int]:
    """Document key → number of chunks, of the collection's documents that are read, cut, and embedded in full."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            SELECT {_DOCUMENT_KEY}, k.chunk_count FROM documents d JOIN chunkings k USING (extraction_key)
            WHERE d.collection = $collection AND k.chunker = $chunker AND k.chunk_count > 0 AND k.chunking_key NOT IN (
                SELECT chunking_key FROM chunks WHERE text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model))
            """,  # noqa: S608
            {"collection": collection, "chunker": chunker, "model": model},
        ).fetchall()
    return dict(rows)


def largest_chunk(catalog: Catalog, collection: str, chunker: str) -> int:
    """Word pieces of the longest chunk of the collection's documents; 0 when there is none."""
    with catalog.reading() as connection:
        row = connection.execute(
            "SELECT coalesce(max(c.tokens), 0) FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)"
            " WHERE d.collection = ? AND k.chunker = ?",
            [collection, chunker],
        ).fetchone()
    return int(row[0]) if row else 0


def export_points(catalog: Catalog, collection: str, chunker: str, model: str, document_keys: Sequence[str], target: Path) -> None:
    """Write what the index needs of some documents to a Parquet file: a row a chunk, documents whole and chunks in order."""
    with catalog.reading() as connection:
        connection.execute(
            f"""
            COPY (SELECT {_DOCUMENT_KEY} AS document_key, d.document_id, d.document, c.position, c.text, c.context, c.heading_path,
                    c.page_first, c.page_last, c.boxes, c.tokens, v.vector
                FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
                    JOIN embeddings v ON v.text_hash = c.text_hash AND v.model = $model
                WHERE d.collection = $collection AND k.chunker = $chunker AND document_key IN (SELECT unnest($keys))
                ORDER BY document_key, c.position)
            TO '{str(target).replace("'", "''")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)
            """,  # noqa: S608
            {"collection": collection, "chunker": chunker, "model": model, "keys": list(document_keys)},
        )


def mark_indexed(catalog: Catalog, collection: str, chunker: str, document_keys: Sequence[str]) -> None:
    """Note which documents the published index holds; those that were read but have no words become ``empty``."""
    with catalog.writing() as connection:
        parameters = {"collection": collection, "chunker": chunker, "keys": list(document_keys), "now": utc_now()}
        connection.execute(
            f"""
            UPDATE documents AS d SET state = 'indexed', chunks = k.chunk_count,
                indexed_at = CASE WHEN d.state = 'indexed' AND d.chunks = k.chunk_count THEN coalesce(d.indexed_at, $now) ELSE $now END
            FROM chunkings k WHERE k.extraction_key = d.extraction_key AND k.chunker = $chunker AND d.collection = $collection
                AND d.error_code IS NULL AND {_DOCUMENT_KEY} IN (SELECT unnest($keys))
            """,  # noqa: S608
            parameters,
        )
        connection.execute(
            """
            UPDATE documents AS d SET state = 'empty', chunks = 0, error_code = 'empty', error = 'The document holds no text.'
            FROM chunkings k WHERE k.extraction_key = d.extraction_key AND k.chunker = $chunker AND d.collection = $collection
                AND d.error_code IS NULL AND k.chunk_count = 0
            """,
            {"collection": collection, "chunker": chunker},
        )


def purge_orphans(catalog: Catalog, chunker: str) -> None:
    """Forget the content that no live document has, and cuts by another chunker where this one's exist."""
    unreferenced = "extraction_key NOT IN (SELECT extraction_key FROM documents WHERE extraction_key IS NOT NULL)"
    with catalog.writing() as connection:
        connection.execute(f"DELETE FROM extractions WHERE {unreferenced}")  # noqa: S608
        connection.execute(f"DELETE FROM elements WHERE {unreferenced}")  # noqa: S608
        connection.execute(f"DELETE FROM chunkings WHERE {unreferenced}")  # noqa: S608
        connection.execute(
            "DELETE FROM chunkings WHERE chunker <> $chunker AND extraction_key IN (SELECT extraction_key FROM chunkings WHERE chunker = $chunker)",
            {"chunker": chunker},
        )
        connection.execute("DELETE FROM chunks WHERE chunking_key NOT IN (SELECT chunking_key FROM chunkings)")
        connection.execute("DELETE FROM embeddings WHERE text_hash NOT IN (SELECT text_hash FROM chunks)")


def _names(files: Sequence[Path]) -> list[str]:
    return [str(file) for file in files]

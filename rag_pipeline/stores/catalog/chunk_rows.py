"""Chunks and their vectors, kept by content: what is cut and embedded, and what is still to be.

Belongs here: statements on ``chunkings``, ``chunks`` and ``embeddings``. Not here: cutting, embedding, the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.keys import CHUNKING_KEY

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


def missing_chunkings(catalog: Catalog, collection: str, chunker: str, full_refresh: bool) -> list[tuple[str, int]]:
    """(extraction key, characters) of the collection's extractions that this chunker has not cut."""
    with catalog.reading() as connection:
        return connection.execute(
            f"""
            SELECT x.extraction_key, coalesce(sum(length(e.text)), 0)::BIGINT FROM extractions x LEFT JOIN elements e USING (extraction_key)
            WHERE x.extraction_key IN (SELECT extraction_key FROM documents WHERE collection = $collection)
                AND ($full OR {CHUNKING_KEY} NOT IN (SELECT chunking_key FROM chunkings)) GROUP BY ALL ORDER BY ALL
            """,
            {"collection": collection, "chunker": chunker, "full": full_refresh},
        ).fetchall()


def add_chunkings(catalog: Catalog, chunker: str, extraction_keys: Sequence[str], chunks: Sequence[Path]) -> None:
    """Replace the chunks of some extractions, in one transaction."""
    parameters = {"chunker": chunker, "keys": list(extraction_keys)}
    cut = f"(SELECT {CHUNKING_KEY} FROM (SELECT unnest($keys) AS extraction_key) x)"
    columns = ", ".join(list(CHUNK_COLUMNS)[1:])
    with catalog.writing() as connection:
        for table in ("chunkings", "chunks"):
            connection.execute(f"DELETE FROM {table} WHERE chunking_key IN {cut}", parameters)
        if chunks:
            connection.execute(
                f"INSERT INTO chunks SELECT {CHUNKING_KEY}, {columns} FROM read_parquet($files) x",
                {"chunker": chunker, "files": [str(file) for file in chunks]},
            )
        connection.execute(
            f"""
            INSERT INTO chunkings SELECT {CHUNKING_KEY} AS key, x.extraction_key, $chunker,
                (SELECT count(*) FROM chunks c WHERE c.chunking_key = key) FROM (SELECT unnest($keys) AS extraction_key) x
            """,
            parameters,
        )


def largest_chunk(catalog: Catalog, collection: str, chunker: str) -> int:
    """Word pieces of the longest chunk of the collection's documents; 0 when there is none."""
    with catalog.reading() as connection:
        row = connection.execute(
            "SELECT coalesce(max(c.tokens), 0) FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)"
            " WHERE d.collection = ? AND k.chunker = ?",
            [collection, chunker],
        ).fetchone()
    return int(row[0]) if row else 0


def missing_texts(
    catalog: Catalog, collection: str, chunker: str, model: str, batch_size: int, full_refresh: bool
) -> Iterator[polars.DataFrame]:
    """Batches (text_hash, text) of what the model has not embedded, each text once.

    Longest first: a batch is even, and later ones fit into the memory of the first (779 MB at most, against 1,212 MB shortest first).
    """
    with catalog.reading() as connection:
        connection.execute(
            """
            SELECT DISTINCT c.text_hash, CASE WHEN c.context = '' THEN c.text ELSE c.context || chr(10) || c.text END AS text, length(text)
            FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
            WHERE d.collection = $collection AND k.chunker = $chunker
                AND ($full OR c.text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model))
            ORDER BY length(text) DESC, c.text_hash
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
            [[str(file) for file in files]],
        )
        connection.execute("DELETE FROM embeddings e USING fresh f WHERE e.text_hash = f.text_hash AND e.model = f.model")
        connection.execute("INSERT INTO embeddings SELECT * FROM fresh")
        connection.execute("DROP TABLE fresh")

"""Chunks and their vectors, kept by content: what is cut and embedded, and what is still to be.

Belongs here: statements on ``chunkings``, ``chunks``, ``embeddings`` and ``sparse_vectors``. Not here: cutting, embedding, the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import polars

from rag_pipeline.models import embedded_text
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.frames import query_batches
from rag_pipeline.stores.catalog.keys import CHUNKING_KEY

_WHOLE_TEXT = "CASE WHEN c.context = '' THEN c.text ELSE c.context || chr(10) || c.text END"
"""What ``models.embedded_text`` is made of."""


def missing_chunkings(catalog: Catalog, collection: str, chunker: str, full_refresh: bool) -> list[tuple[str, int]]:
    """(extraction key, characters) of the collection's extractions that this chunker has not cut."""
    with catalog.reading() as connection:
        return connection.execute(
            f"""
            WITH uncut AS MATERIALIZED (SELECT x.extraction_key FROM extractions x
                WHERE x.extraction_key IN (SELECT extraction_key FROM documents WHERE collection = $collection)
                    AND ($full OR {CHUNKING_KEY} NOT IN (SELECT chunking_key FROM chunkings))),
            sizes AS (SELECT extraction_key, sum(length(text)) AS size FROM elements
                WHERE extraction_key IN (SELECT extraction_key FROM uncut) GROUP BY ALL)
            SELECT extraction_key, coalesce(size, 0)::BIGINT FROM uncut LEFT JOIN sizes USING (extraction_key) ORDER BY ALL
            """,
            {"collection": collection, "chunker": chunker, "full": full_refresh},
        ).fetchall()


def add_chunkings(catalog: Catalog, chunker: str, extraction_keys: Sequence[str], chunks: Sequence[Path]) -> None:
    """Replace the chunks of some extractions, in one transaction."""
    parameters = {"chunker": chunker, "keys": list(extraction_keys)}
    cut = f"(SELECT {CHUNKING_KEY} FROM (SELECT unnest($keys) AS extraction_key) x)"
    with catalog.writing() as connection:
        for table in ("chunkings", "chunks"):
            connection.execute(f"DELETE FROM {table} WHERE chunking_key IN {cut}", parameters)
        if chunks:
            connection.execute(
                f"INSERT INTO chunks BY NAME SELECT {CHUNKING_KEY} AS chunking_key, x.* EXCLUDE (extraction_key)"
                " FROM read_parquet($files) x",
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


def texts_without_vector(
    catalog: Catalog, collection: str, chunker: str, model: str, batch_size: int, full_refresh: bool
) -> Iterator[polars.DataFrame]:
    """Batches (text_hash, text) of texts that the embedding model of this fingerprint has not seen, each once.

    Those of short documents first, and of documents alike in length (within a factor of four) the newest, so that most documents are
    whole early.
    """
    query = f"""
        SELECT c.text_hash, any_value({_WHOLE_TEXT}) AS text, min(log2(k.chunk_count) // 2) AS length, max(d.added_at) AS added,
            min(d.document_id) AS document
        FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
        WHERE d.collection = $collection AND k.chunker = $chunker
            AND ($full OR c.text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model)) GROUP BY c.text_hash
        """
    parameters = {"collection": collection, "chunker": chunker, "model": model, "full": full_refresh}
    with catalog.reading() as connection:
        for frame in query_batches(connection, query, "length, added DESC, document, text_hash", parameters, batch_size):
            yield _as_embedded(frame)


def texts_without_words(catalog: Catalog, collection: str, chunker: str, model: str, batch_size: int) -> Iterator[polars.DataFrame]:
    """Batches (text_hash, text) of texts that the BM25 model of this fingerprint has not seen, each once."""
    query = f"""
        SELECT DISTINCT c.text_hash, {_WHOLE_TEXT} AS text
        FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
        WHERE d.collection = $collection AND k.chunker = $chunker
            AND c.text_hash NOT IN (SELECT text_hash FROM sparse_vectors WHERE model = $model)
        """
    parameters = {"collection": collection, "chunker": chunker, "model": model}
    with catalog.reading() as connection:
        yield from map(_as_embedded, query_batches(connection, query, "text_hash", parameters, batch_size))


def _as_embedded(frame: polars.DataFrame) -> polars.DataFrame:
    return frame.select("text_hash", polars.Series("text", [embedded_text("", text) for text in frame["text"]], polars.String))


def sampled_texts(catalog: Catalog, most: int) -> dict[str, list[str]]:
    """Collection → so many of its passages at most, whichever: the same each time, of all its documents alike."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT DISTINCT d.collection, c.text, c.text_hash"
            " FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key) WHERE d.chunks > 0"
            " QUALIFY row_number() OVER (PARTITION BY d.collection ORDER BY c.text_hash) <= ? ORDER BY c.text_hash",
            [most],
        ).fetchall()
    return {name: [text for collection, text, _ in rows if collection == name] for name in sorted({row[0] for row in rows})}


def uncut_documents(catalog: Catalog, chunker: str) -> dict[str, int]:
    """Collection → documents that were read and that this chunker has not cut."""
    with catalog.reading() as connection:
        return dict(
            connection.execute(
                f"""
                SELECT d.collection, count(*) FROM documents d JOIN extractions x USING (extraction_key)
                WHERE d.error_code IS NULL AND {CHUNKING_KEY} NOT IN (SELECT chunking_key FROM chunkings) GROUP BY ALL
                """,
                {"chunker": chunker},
            ).fetchall()
        )


def collections_cut_anew(catalog: Catalog, chunker: str) -> list[str]:
    """Collections with documents that answer as another chunker cut them, until the model has seen what this one made of them."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT DISTINCT d.collection FROM documents d"
            " JOIN chunkings old USING (extraction_key) JOIN chunkings new USING (extraction_key)"
            " WHERE old.chunker <> $chunker AND new.chunker = $chunker",
            {"chunker": chunker},
        ).fetchall()
    return [collection for (collection,) in rows]


def passages_without_vector(catalog: Catalog) -> dict[str, int]:
    """Collection → passages that answer by their words alone."""
    with catalog.reading() as connection:
        query = "SELECT collection, sum(chunks - vectors)::BIGINT AS missing FROM documents GROUP BY ALL HAVING missing > 0"
        return dict(connection.execute(query).fetchall())


def texts_missing(catalog: Catalog, collection: str, chunker: str, model: str) -> int:
    """Texts of a collection that the embedding model of this fingerprint has not seen."""
    with catalog.reading() as connection:
        row = connection.execute(
            "SELECT count(DISTINCT c.text_hash) FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)"
            " WHERE d.collection = $collection AND k.chunker = $chunker"
            " AND c.text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model)",
            {"collection": collection, "chunker": chunker, "model": model},
        ).fetchone()
    return int(row[0]) if row else 0


def add_embeddings(catalog: Catalog, files: Sequence[Path]) -> None:
    """Commit vectors (text_hash, model, vector), replacing those there. Repeating it changes nothing."""
    if not files:
        return
    with catalog.writing() as connection:
        _read_fresh(connection, files)
        connection.execute("DELETE FROM embeddings e USING fresh f WHERE e.text_hash = f.text_hash AND e.model = f.model")
        connection.execute("INSERT INTO embeddings BY NAME SELECT * FROM fresh")
        connection.execute("DROP TABLE fresh")


def add_words(catalog: Catalog, files: Sequence[Path]) -> None:
    """Commit sparse vectors (text_hash, model, indices, weights) in place of those that their texts had, of whichever model."""
    if not files:
        return
    with catalog.writing() as connection:
        _read_fresh(connection, files)
        connection.execute("DELETE FROM sparse_vectors WHERE text_hash IN (SELECT text_hash FROM fresh)")
        connection.execute("INSERT INTO sparse_vectors BY NAME SELECT DISTINCT ON (text_hash) * FROM fresh")
        connection.execute("DROP TABLE fresh")


def _read_fresh(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    connection.execute(
        "CREATE TEMP TABLE fresh AS SELECT DISTINCT ON (text_hash, model) * FROM read_parquet(?)", [[str(file) for file in files]]
    )

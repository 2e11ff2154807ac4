"""What the index should hold, what is noted once it does, and what nobody needs any more.

Belongs here: statements that join documents to their chunks and vectors. Not here: the index itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import utc_now
from rag_pipeline.stores.catalog.keys import DOCUMENT_KEY


def indexable_documents(catalog: Catalog, collection: str, chunker: str, model: str) -> dict[str, int]:
    """Document key → number of chunks, of the collection's documents that are read, cut, and embedded in full."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            SELECT {DOCUMENT_KEY}, k.chunk_count FROM documents d JOIN chunkings k USING (extraction_key)
            WHERE d.collection = $collection AND k.chunker = $chunker AND k.chunk_count > 0 AND k.chunking_key NOT IN (
                SELECT chunking_key FROM chunks WHERE text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model))
            """,
            {"collection": collection, "chunker": chunker, "model": model},
        ).fetchall()
    return dict(rows)


def export_points(
    catalog: Catalog, collection: str, chunker: str, models: tuple[str, str], document_keys: Sequence[str], target: Path
) -> None:
    """Write what the index needs of some documents to a Parquet file: a row a chunk, documents whole and chunks in order.

    ``models`` are the fingerprints of the dense vectors and of the sparse ones; a chunk without either is left out.
    """
    with catalog.reading() as connection:
        connection.execute(
            f"""
            COPY (SELECT d.collection, d.document, d.document_id, {DOCUMENT_KEY} AS document_key, c.position, c.text, c.context,
                    c.heading_path, c.page_first, c.page_last, c.boxes, v.vector, s.indices, s.weights
                FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
                    JOIN embeddings v ON v.text_hash = c.text_hash AND v.model = $dense
                    JOIN sparse_vectors s ON s.text_hash = c.text_hash AND s.model = $sparse
                WHERE d.collection = $collection AND k.chunker = $chunker AND document_key IN (SELECT unnest($keys))
                ORDER BY document_key, c.position)
            TO '{str(target).replace("'", "''")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)
            """,
            {"collection": collection, "chunker": chunker, "dense": models[0], "sparse": models[1], "keys": list(document_keys)},
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
                AND d.error_code IS NULL AND {DOCUMENT_KEY} IN (SELECT unnest($keys))
            """,
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


def purge_orphans(catalog: Catalog, chunker: str, retention_days: float) -> None:
    """Forget the content that no live document has had for so long, and cuts by another chunker where this one's exist.

    What comes back until then (a disk that was unplugged, a document that another collection's run has not found yet) is neither read,
    cut nor embedded again.
    """
    used = "extraction_key IN (SELECT extraction_key FROM documents WHERE extraction_key IS NOT NULL)"
    now = utc_now()
    with catalog.writing() as connection:
        connection.execute(f"UPDATE extractions SET unused_since = NULL WHERE unused_since IS NOT NULL AND {used}")
        connection.execute(f"UPDATE extractions SET unused_since = ? WHERE unused_since IS NULL AND NOT {used}", [now])
        connection.execute("DELETE FROM extractions WHERE unused_since <= ?", [now - timedelta(days=retention_days)])
        for table in ("elements", "chunkings"):
            connection.execute(f"DELETE FROM {table} WHERE extraction_key NOT IN (SELECT extraction_key FROM extractions)")
        connection.execute(
            "DELETE FROM chunkings WHERE chunker <> $chunker AND extraction_key IN"
            " (SELECT extraction_key FROM chunkings WHERE chunker = $chunker)",
            {"chunker": chunker},
        )
        connection.execute("DELETE FROM chunks WHERE chunking_key NOT IN (SELECT chunking_key FROM chunkings)")
        for table in ("embeddings", "sparse_vectors"):
            connection.execute(f"DELETE FROM {table} WHERE text_hash NOT IN (SELECT text_hash FROM chunks)")

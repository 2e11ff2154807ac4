"""What the index should hold, what is noted once it does, and what nobody needs any more.

Belongs here: statements that join documents to their chunks and vectors. Not here: the index itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import utc_now
from rag_pipeline.stores.catalog.keys import DOCUMENT_KEY, MODIFIED_SECONDS


@dataclass(frozen=True, slots=True)
class Indexable:
    """A document that is read and cut: its chunks, how many of them the embedding model has seen, and when its file last changed.

    ``noted``: the chunks that its row says are published; none of a document that was reopened, whatever the index holds of it.
    """

    document_id: str
    chunks: int
    vectors: int
    modified: float
    noted: int

    @property
    def revision(self) -> str:
        """Differs when its points do, which stay the same in number and words as long as its key does; see :func:`document_of`."""
        return f"{self.document_id} {self.vectors}/{self.chunks} of {self.modified}"


def document_of(revision: str) -> str:
    """The id of the document that a revision is of."""
    return revision.partition(" ")[0]


def vectors_of(revision: str) -> int:
    """How many chunks of the document had a vector in a revision."""
    return int(revision.partition(" ")[2].partition("/")[0] or 0)


def indexable_documents(catalog: Catalog, collection: str, chunker: str, model: str) -> dict[str, Indexable]:
    """Document key → what the index can hold of it, of the collection's documents that are read and cut."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            WITH live AS (SELECT {DOCUMENT_KEY} AS key, d.document_id, k.chunking_key, k.chunk_count,
                {MODIFIED_SECONDS} AS modified, d.chunks
                FROM documents d JOIN chunkings k USING (extraction_key)
                WHERE d.collection = $collection AND k.chunker = $chunker AND k.chunk_count > 0),
            seen AS (SELECT c.chunking_key, count(*) AS vectors FROM chunks c
                WHERE c.chunking_key IN (SELECT chunking_key FROM live)
                    AND c.text_hash IN (SELECT text_hash FROM embeddings WHERE model = $model) GROUP BY ALL)
            SELECT key, document_id, chunk_count, coalesce(vectors, 0), coalesce(modified, 0), chunks
            FROM live LEFT JOIN seen USING (chunking_key)
            """,
            {"collection": collection, "chunker": chunker, "model": model},
        ).fetchall()
    return {key: Indexable(*numbers) for key, *numbers in rows}


def earlier_keys(catalog: Catalog, collection: str, chunker: str) -> dict[str, str | None]:
    """Document key by another chunker → document key by this one, None where it has not cut the document yet; of live documents."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"""
            WITH cuts AS (SELECT d.document_id, {DOCUMENT_KEY} AS key, k.chunker FROM documents d JOIN chunkings k USING (extraction_key)
                WHERE d.collection = $collection),
            now AS (SELECT document_id, key FROM cuts WHERE chunker = $chunker)
            SELECT old.key, now.key FROM cuts old LEFT JOIN now USING (document_id) WHERE old.chunker <> $chunker
            """,
            {"collection": collection, "chunker": chunker},
        ).fetchall()
    return dict(rows)


def unread_ids(catalog: Catalog, collection: str, chunker: str) -> set[str]:
    """Ids of documents whose present content is not read and cut yet: what was published of the one before goes on answering."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT document_id FROM documents WHERE collection = $collection AND state = 'pending' AND (extraction_key IS NULL"
            " OR extraction_key NOT IN (SELECT extraction_key FROM chunkings WHERE chunker = $chunker))",
            {"collection": collection, "chunker": chunker},
        ).fetchall()
    return {identity for (identity,) in rows}


def answering_documents(catalog: Catalog) -> dict[str, int]:
    """Collection → documents that the published index holds, as far as the catalog knows."""
    with catalog.reading() as connection:
        return dict(connection.execute("SELECT collection, count(*) FROM documents WHERE chunks > 0 GROUP BY ALL").fetchall())


def chunks_to_be_found(catalog: Catalog, collection: str, chunker: str) -> int:
    """Chunks of a collection's documents: those noted as published, and of documents of which nothing is, those that they are cut into."""
    with catalog.reading() as connection:
        row = connection.execute(
            "SELECT coalesce(sum(CASE WHEN d.chunks > 0 THEN d.chunks ELSE k.chunk_count END), 0)::BIGINT FROM documents d"
            " LEFT JOIN chunkings k ON k.extraction_key = d.extraction_key AND k.chunker = $chunker WHERE d.collection = $collection",
            {"collection": collection, "chunker": chunker},
        ).fetchone()
    return int(row[0]) if row else 0


def export_points(
    catalog: Catalog,
    collection: str,
    chunker: str,
    models: tuple[str, str],
    revisions: Mapping[str, str],
    positions: range,
    target: Path,
) -> None:
    """Write what the index needs of some documents (key → revision) to a Parquet file: a row a chunk, documents whole, chunks in order.

    ``models`` are the fingerprints of the dense vectors, which chunks may lack, and of the sparse ones; of each document the chunks at
    ``positions`` are written.
    """
    with catalog.reading() as connection:
        connection.execute(
            f"""
            COPY (WITH revisions AS (SELECT unnest($keys) AS key, unnest($revisions) AS revision)
                SELECT d.collection, d.document, d.document_id, d.file, d.media_type, d.pages, {MODIFIED_SECONDS} AS modified,
                    {DOCUMENT_KEY} AS document_key, c.position, c.text, c.context,
                    c.heading_path, c.page_first, c.page_last, c.boxes, c.headings, v.vector, s.indices, s.weights, r.revision
                FROM documents d JOIN chunkings k USING (extraction_key) JOIN chunks c USING (chunking_key)
                    JOIN revisions r ON r.key = {DOCUMENT_KEY}
                    LEFT JOIN embeddings v ON v.text_hash = c.text_hash AND v.model = $dense
                    JOIN sparse_vectors s ON s.text_hash = c.text_hash AND s.model = $sparse
                WHERE d.collection = $collection AND k.chunker = $chunker AND c.position >= $first AND c.position < $end
                ORDER BY document_key, c.position)
            TO '{str(target).replace("'", "''")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)
            """,
            {
                "collection": collection,
                "chunker": chunker,
                "dense": models[0],
                "sparse": models[1],
                "keys": list(revisions),
                "revisions": list(revisions.values()),
                "first": positions.start,
                "end": positions.stop,
            },
        )


def mark_indexed(catalog: Catalog, collection: str, chunker: str, published: Mapping[str, Indexable]) -> None:
    """Note what the published index holds of each document: it is ``indexed`` once all its passages have a vector.

    An archive is once it was read. Other documents that were read but have no words become ``empty``.
    """
    counts = [(one.chunks, one.vectors) for one in published.values()]
    with catalog.writing() as connection:
        connection.execute(
            f"""
            UPDATE documents AS d SET state = p.state, chunks = p.chunks, vectors = p.vectors,
                indexed_at = CASE WHEN p.state = 'indexed' THEN $now ELSE NULL END
            FROM chunkings k, (SELECT *, CASE WHEN vectors = chunks THEN 'indexed' ELSE 'pending' END AS state
                FROM (SELECT unnest($keys) AS key, unnest($chunks) AS chunks, unnest($vectors) AS vectors)) p
            WHERE k.extraction_key = d.extraction_key AND k.chunker = $chunker AND d.collection = $collection
                AND d.error_code IS NULL AND {DOCUMENT_KEY} = p.key
                AND (d.state, d.chunks, coalesce(d.vectors, 0)) IS DISTINCT FROM (p.state, p.chunks, p.vectors)
            """,
            {
                "collection": collection,
                "chunker": chunker,
                "keys": list(published),
                "chunks": [chunks for chunks, _ in counts],
                "vectors": [vectors for _, vectors in counts],
                "now": utc_now(),
            },
        )
        _mark_without_chunks(connection, collection, chunker)


def _mark_without_chunks(connection: duckdb.DuckDBPyConnection, collection: str, chunker: str) -> None:
    connection.execute(
        """
        UPDATE documents AS d SET state = 'indexed', indexed_at = $now FROM extractions x
        WHERE x.extraction_key = d.extraction_key AND x.members IS NOT NULL AND d.collection = $collection
            AND d.error_code IS NULL AND d.state <> 'indexed'
        """,
        {"collection": collection, "now": utc_now()},
    )
    connection.execute(
        """
        UPDATE documents AS d SET state = 'empty', chunks = 0, vectors = 0, error_code = 'empty', error = 'The document holds no text.'
        FROM chunkings k WHERE k.extraction_key = d.extraction_key AND k.chunker = $chunker AND d.collection = $collection
            AND d.error_code IS NULL AND k.chunk_count = 0
            AND d.extraction_key NOT IN (SELECT extraction_key FROM extractions WHERE members IS NOT NULL)
        """,
        {"collection": collection, "chunker": chunker},
    )


def purge_orphans(catalog: Catalog, collection: str, chunker: str, retention_days: float, *, keep_other_cuts: bool = False) -> None:
    """Forget the content that no live document has had for so long, and cuts by another chunker where this one's exist, of a collection.

    ``keep_other_cuts``: some of those still answer, until the model has seen what took their place.

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
        if not keep_other_cuts:
            connection.execute(
                "DELETE FROM chunkings WHERE chunker <> $chunker AND extraction_key IN"
                " (SELECT extraction_key FROM chunkings WHERE chunker = $chunker) AND extraction_key NOT IN"
                " (SELECT extraction_key FROM documents WHERE extraction_key IS NOT NULL AND collection <> $collection)",
                {"chunker": chunker, "collection": collection},
            )
        connection.execute("DELETE FROM chunks WHERE chunking_key NOT IN (SELECT chunking_key FROM chunkings)")
        for table in ("embeddings", "sparse_vectors"):
            connection.execute(f"DELETE FROM {table} WHERE text_hash NOT IN (SELECT text_hash FROM chunks)")

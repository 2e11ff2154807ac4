"""What the catalog holds for one collection, table by table: how many rows, and a digest that names them.

Belongs here: counting and naming, read only. Not here: what is out of date, and doing it again.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.keys import DOCUMENT_KEY

_LIVE = "documents d LEFT JOIN chunkings k ON k.extraction_key = d.extraction_key AND k.chunker = $chunker WHERE d.collection = $collection"
_DIGEST = "sha256(coalesce(string_agg(concat_ws(':', d.document_id, {names}), ',' ORDER BY d.document_id), ''))"
_LIVE_CHUNKINGS = f"SELECT DISTINCT k.chunking_key, k.chunk_count FROM {_LIVE} AND k.chunking_key IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Contents:
    """Rows of a collection. ``digest``: 64 hexadecimal digits that differ when, and only when, the rows may differ."""

    rows: int
    digest: str


def document_contents(catalog: Catalog, collection: str) -> Contents:
    """Rows of ``documents``: which files there are, and with which bytes."""
    digest = _DIGEST.format(names="coalesce(d.content_hash, ''), coalesce(d.media_type, '')")
    return _contents(catalog, f"SELECT count(*), {digest} FROM documents d WHERE d.collection = $collection", collection)


def element_contents(catalog: Catalog, collection: str) -> Contents:
    """Rows of ``elements``: what documents say, by the key of each one's last reading, good or bad."""
    digest = _DIGEST.format(names="coalesce(d.extraction_key, ''), coalesce(d.error_code, '')")
    rows = "(SELECT count(*) FROM elements WHERE extraction_key IN (SELECT extraction_key FROM documents WHERE collection = $collection))"
    return _contents(catalog, f"SELECT {rows}, {digest} FROM documents d WHERE d.collection = $collection", collection)


def chunk_contents(catalog: Catalog, collection: str, chunker: str) -> Contents:
    """Rows of ``chunks`` that the chunker of this fingerprint cut."""
    digest = _DIGEST.format(names="coalesce(k.chunking_key, '')")
    rows = f"(SELECT coalesce(sum(chunk_count), 0)::BIGINT FROM ({_LIVE_CHUNKINGS}))"
    return _contents(catalog, f"SELECT {rows}, {digest} FROM {_LIVE}", collection, chunker=chunker)


def vector_contents(catalog: Catalog, collection: str, chunker: str, model: str) -> Contents:
    """Rows of ``embeddings`` that the model of this fingerprint made; the digest names the documents all of whose chunks have one."""
    texts = f"SELECT text_hash FROM chunks WHERE chunking_key IN (SELECT chunking_key FROM ({_LIVE_CHUNKINGS}))"
    rows = f"(SELECT count(*) FROM embeddings WHERE model = $model AND text_hash IN ({texts}))"
    live = f"chunking_key IN (SELECT chunking_key FROM ({_LIVE_CHUNKINGS}))"
    missing = f"SELECT chunking_key FROM chunks WHERE {live} AND text_hash NOT IN (SELECT text_hash FROM embeddings WHERE model = $model)"
    whole = f"{_LIVE} AND k.chunking_key IS NOT NULL AND k.chunking_key NOT IN ({missing})"
    digest = f"sha256(concat_ws(':', $model, (SELECT string_agg({DOCUMENT_KEY}, ',' ORDER BY d.document_id) FROM {whole})))"
    return _contents(catalog, f"SELECT {rows}, {digest}", collection, chunker=chunker, model=model)


def _contents(catalog: Catalog, statement: str, collection: str, **fingerprints: str) -> Contents:
    with catalog.reading() as connection:
        ((rows, digest),) = connection.execute(statement, {"collection": collection, **fingerprints}).fetchall()
    return Contents(rows, digest)

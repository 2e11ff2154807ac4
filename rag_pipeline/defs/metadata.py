"""Metadata under the keys that Dagster itself reads: which table, which columns, where, how many rows.

Belongs here: those keys and the tables behind the assets. Not here: what a run counted, which each asset reports in its own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import dagster as dg

from rag_pipeline.ingestion.progress.overview import ProgressReader
from rag_pipeline.ingestion.steps.workspace import Workspace

Value = str | int | dg.TableSchema
Columns = Mapping[str, tuple[str, str]]
"""Column → its type in DuckDB and what it holds. A test compares names and types with the catalog's."""

DOCUMENTS: Columns = {
    "document_id": ("VARCHAR", "Hash of the path below the uploads folder."),
    "collection": ("VARCHAR", "The first folder below the uploads folder."),
    "document": ("VARCHAR", "Path below the collection, as shown."),
    "file": ("BLOB", "Path below the uploads folder, the file system's own bytes."),
    "signature": ("VARCHAR", "Size, times and inode when last read."),
    "size_bytes": ("UBIGINT", "Size of the file."),
    "content_hash": ("VARCHAR", "SHA-256 of the bytes; null when they could not be read."),
    "media_type": ("VARCHAR", "What the bytes and the name say the file is."),
    "state": ("VARCHAR", "pending, indexed, failed, unsupported or empty."),
    "error_code": ("VARCHAR", "Why it failed, as a code."),
    "error": ("VARCHAR", "Why it failed, in words."),
    "transient": ("BOOLEAN", "Whether trying again may help."),
    "attempts": ("INTEGER", "How often it was tried."),
    "extraction_key": ("VARCHAR", "Names the last finished reading, good or bad."),
    "notes": ("VARCHAR[]", "What an otherwise good reading left out."),
    "pages": ("INTEGER", "Pages, where the format has them."),
    "chunks": ("INTEGER", "Chunks in the published index."),
    "vectors": ("INTEGER", "Those of them that have a dense vector."),
    "added_at": ("TIMESTAMP", "UTC."),
    "indexed_at": ("TIMESTAMP", "UTC."),
    "detected_by": ("VARCHAR", "Fingerprint of the media types that could be told when this one was."),
    "ocr_languages": ("VARCHAR", "Languages of OCR that were chosen for its content; NULL: those of the settings."),
}
ELEMENTS: Columns = {
    "extraction_key": ("VARCHAR", "Hash of content, media type and the version of the family that reads it."),
    "position": ("INTEGER", "Reading order, from 0."),
    "kind": ("VARCHAR", "Title, NarrativeText, Table or another kind of element."),
    "text": ("VARCHAR", "What it says."),
    "page": ("INTEGER", "Page, from 1; null where the format has none."),
    "heading_path": ("VARCHAR[]", "Headings above it, outermost first."),
    "boxes": ("VARCHAR", "JSON list of [page, left, top, right, bottom, start, end]."),
    "table_header": ("VARCHAR", "Header row of a table."),
}
CHUNKS: Columns = {
    "chunking_key": ("VARCHAR", "Hash of extraction and chunker."),
    "position": ("INTEGER", "Order in the document, from 0."),
    "text": ("VARCHAR", "The piece, verbatim."),
    "context": ("VARCHAR", "Headings that are embedded in front of it."),
    "heading_path": ("VARCHAR[]", "Headings above it, outermost first."),
    "page_first": ("INTEGER", "First page."),
    "page_last": ("INTEGER", "Last page."),
    "boxes": ("VARCHAR", "JSON list of [page, left, top, right, bottom, start, end]."),
    "tokens": ("INTEGER", "Word pieces as the model counts them, context included."),
    "text_hash": ("VARCHAR", "SHA-256 of what is embedded: context and text."),
    "headings": ("INTEGER[]", "Start and end, in the piece, of each heading that stands in it."),
}
EMBEDDINGS: Columns = {
    "text_hash": ("VARCHAR", "SHA-256 of what was embedded."),
    "model": ("VARCHAR", "Fingerprint of the embedding model."),
    "vector": ("FLOAT[]", "The vector."),
}


def table(name: str, columns: Columns) -> dict[str, Value]:
    """Metadata of an asset that is a table of the catalog, by its full name in DuckDB."""
    schema = dg.TableSchema([dg.TableColumn(column, kind, description) for column, (kind, description) in columns.items()])
    return {"dagster/table_name": f"catalog.main.{name}", "dagster/column_schema": schema}


def in_catalog(workspace: Workspace, rows: int) -> dict[str, Value]:
    """Metadata of a materialisation of such an asset: where the catalog is, and the collection's rows in it."""
    settings = workspace.settings
    where = f"ducklake:{settings.catalog_rows}" if settings.catalog_url else settings.catalog_path.as_uri()
    return {"dagster/uri": where, "dagster/partition_row_count": rows}


def left_to_do(workspace: Workspace) -> dict[str, int | float | str]:
    """What is left of the collection after this: documents to be read, passages without a vector, and how long that takes where known."""
    found = ProgressReader(workspace.settings).current().of([workspace.collection]).collections
    if not found:
        return {}
    (one,) = found
    seconds = {} if one.seconds_left is None else {"seconds_left": round(one.seconds_left, 1)}
    return {"documents_left": one.documents_unread, "passages_left": one.passages - one.vectors, **seconds}


def in_index(workspace: Workspace, rows: int) -> dict[str, Value]:
    """Metadata of a materialisation of the index. Of a server's address only the host: a user name or key in it is nobody's to read."""
    server = workspace.settings.qdrant_url
    where = f"qdrant://{urlsplit(server).hostname}" if server else (workspace.settings.index_path / workspace.collection).as_uri()
    return {"dagster/uri": where, "dagster/partition_row_count": rows}

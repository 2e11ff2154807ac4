"""How long the app and the API take to list documents of a large catalog, right after it changed.

    python bench/documents_listing.py [DOCUMENTS]

Medians, and how many times as long as reading one row by its id: what the catalog costs at all. Goal: under 100 ms at 100,000.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.listing import Choice, documents_for_attention, documents_page, state_counts

REPEATS = 21
_ROWS = """
INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, media_type, state, chunks, added_at)
SELECT md5(i::VARCHAR), 'collection ' || i % 20, 'folder ' || i % 300 || '/document ' || i || '.pdf', encode('collection/' || i), '1:1:1:1',
    i, 'application/pdf', CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'indexed' END, i % 40, TIMESTAMP '2026-01-01' FROM range(?) r(i)
"""


def main() -> None:
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder) / "catalog.duckdb")
        with catalog.writing() as connection:
            connection.execute(_ROWS, [documents])
        some = documents_page(catalog, Choice(), 1).documents[0].document_id
        deep = _cursor_halfway(catalog, documents)
        looks: dict[str, Callable[[], object]] = {
            "one row": lambda: catalog.find(some),
            "first page of 100": lambda: documents_page(catalog, Choice(), 100),
            "page of 100, halfway": lambda: documents_page(catalog, Choice(), 100, deep),
            "page of 1000": lambda: documents_page(catalog, Choice(), 1000),
            "page by name": lambda: documents_page(catalog, Choice(name="ment 77"), 100),
            "Documents tab": lambda: documents_for_attention(catalog, Choice(), 200),
            "counts": lambda: state_counts(catalog),
        }
        one_row = _median_seconds(catalog, looks["one row"])
        for name, look in looks.items():
            seconds = _median_seconds(catalog, look)
            print(f"{name:<22} {1000 * seconds:6.1f} ms  {seconds / one_row:5.1f} × one row")


def _cursor_halfway(catalog: Catalog, documents: int) -> str | None:
    cursor: str | None = None
    for _ in range(documents // 2 // 10_000):
        cursor = documents_page(catalog, Choice(), 10_000, cursor).next_cursor
    return cursor


def _median_seconds(catalog: Catalog, look: Callable[[], object]) -> float:
    seconds = []
    for number in range(REPEATS):
        with catalog.writing() as connection:
            connection.execute("UPDATE documents SET attempts = ? WHERE document_id = md5('7')", [number])
        started = time.perf_counter()
        look()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()

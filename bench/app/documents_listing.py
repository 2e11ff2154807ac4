"""How long the app and the API take to list documents of a large catalog, right after it changed.

    python bench/app/documents_listing.py [DOCUMENTS]

A tenth of the documents have tags. Medians, and how many times as long as reading one row by its id: what the catalog costs at all.
Goal: under 200 ms at 100,000.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.listing import Choice, Order, documents_page, state_counts
from rag_pipeline.stores.catalog.narrowing import narrowing, tag_counts
from rag_pipeline.stores.conversations.engine import Database
from rag_pipeline.stores.conversations.tags import Tagged, Tags
from ui.views.documents.table import COLUMNS, ROWS, Listed, list_html

REPEATS = 21
_ROWS = """
INSERT INTO documents (document_id, collection, document, file, signature, size_bytes, media_type, state, chunks, pages, added_at,
    indexed_at)
SELECT md5(i::VARCHAR), 'collection ' || i % 20, 'folder ' || i % 300 || '/document ' || i || '.pdf', encode('collection/' || i), '1:1:1:1',
    i, 'application/pdf', CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'indexed' END, i % 40, i % 90, TIMESTAMP '2026-01-01',
    TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE FROM range(?) r(i)
"""

_NARROW = Choice(
    state="indexed", name="document", collection="collection 7", type="pdf", folder="folder 7", indexed_since=datetime(2026, 1, 1, 7)
)


def main() -> None:
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog(Path(folder) / "catalog.duckdb")
        with catalog.writing() as connection:
            connection.execute(_ROWS, [documents])
        tagged = asyncio.run(_tagged(catalog, Path(folder), documents))
        having = Choice(document_ids=tagged.with_all(["common"]))
        some = documents_page(catalog, Choice(), 1).documents[0].document_id
        deep = _cursor_halfway(catalog, documents)
        looks: dict[str, Callable[[], object]] = {
            "one row": lambda: catalog.find(some),
            "first page of 100": lambda: documents_page(catalog, Choice(), 100),
            "page of 100, halfway": lambda: documents_page(catalog, Choice(), 100, deep),
            "page of 1000": lambda: documents_page(catalog, Choice(), 1000),
            "page by name": lambda: documents_page(catalog, Choice(name="ment 77"), 100),
            **_sorted_looks(catalog, documents),
            "narrowed by all": lambda: documents_page(catalog, _NARROW, ROWS, order=Order("indexed", descending=True)),
            "page of a tag": lambda: documents_page(catalog, having, 100),
            "page of a tag, halfway": lambda: documents_page(catalog, having, 100, skip=documents // 20),
            "tags, by a new process": lambda: asyncio.run(_read(Path(folder))),
            "counts of tags": lambda: tag_counts(catalog, Choice(), tagged.documents),
            "Documents tab": lambda: _drawn(catalog, Choice(), 1, tagged),
            "Documents tab, a folder": lambda: _drawn(catalog, Choice(collection="collection 7", folder="folder 7"), 1, tagged),
            "Documents tab, a tag": lambda: _drawn(catalog, having, 1, tagged),
            "Documents tab, last page": lambda: _drawn(catalog, Choice(), documents // ROWS, tagged),
            "counts": lambda: state_counts(catalog),
        }
        one_row = _median_seconds(catalog, looks["one row"])
        for name, look in looks.items():
            seconds = _median_seconds(catalog, look)
            print(f"{name:<28} {1000 * seconds:6.1f} ms  {seconds / one_row:5.1f} × one row")


def _sorted_looks(catalog: Catalog, documents: int) -> dict[str, Callable[[], object]]:
    """The page in the middle, by each column: as many rows before it as behind it."""
    half = documents // 2 // ROWS * ROWS
    return {
        f"{words}, halfway": lambda by=by: documents_page(catalog, Choice(), ROWS, order=Order(by), skip=half)
        for by, words in COLUMNS.items()
    }


async def _tagged(catalog: Catalog, folder: Path, documents: int) -> Tagged:
    """A tenth of the documents has the tag "common", and one of a hundred others."""
    database = Database(None, folder / "conversations.sqlite")
    tags, found = Tags(database), documents_page(catalog, Choice(), documents).documents[::10]
    await tags.add(found, {"common": "common"})
    for number in range(100):
        await tags.add(found[number::100], {f"tag {number}": f"Tag {number}"})
    read = await tags.current()
    await database.close()
    return read


async def _read(folder: Path) -> Tagged:
    """As by a process that has seen none of it yet, which opens the database too."""
    database = Database(None, folder / "conversations.sqlite")
    read = await Tags(database).current()
    await database.close()
    return read


def _drawn(catalog: Catalog, choice: Choice, number: int, tagged: Tagged) -> str:
    """All that the tab asks for when something has changed, as it is sent."""
    order = Order("state")
    with catalog.reading():
        page = documents_page(catalog, choice, ROWS, order=order, skip=(number - 1) * ROWS)
        found, counts = narrowing(catalog, choice), state_counts(catalog)
        having = tag_counts(catalog, replace(choice, document_ids=None), tagged.documents)
    return list_html(Listed(page.documents, page.total, number, choice, order, found, tagged=tagged, tag_counts=having), counts)


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

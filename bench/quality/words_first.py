"""How well questions are answered while documents still wait for their vectors, beside BM25 alone.

    RAG_DATA_DIR=… python bench/quality/words_first.py QUESTIONS COLLECTION [--answers]

QUESTIONS as ``rag eval`` takes them, of a collection that is indexed whole by the embedded engine. Its points are published again in a
folder of their own, with the vectors of 0, 50 and 100 % of its documents (by hash of the document's id). Tables: docs/decisions/fusion.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import Scope
from rag_pipeline.evaluation.evaluate import evaluate
from rag_pipeline.evaluation.places import TextFiles
from rag_pipeline.evaluation.rows import Row, read_rows
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.models import Hit, IndexedChunk
from rag_pipeline.settings import Settings, load_settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.vectors import IndexChange, SearchQuery, VectorIndex
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.edge_readers import OpenVersions

SHARES = (0, 50, 100)
SHOWN = ("hit@1", "hit@5", "hit@10", "mrr@10", "all_files@5", "all_files@10")


def main() -> None:
    settings, (questions, collection, *flags) = load_settings(), sys.argv[1:]
    rows, answers = read_rows(Path(questions)), "--answers" in flags
    print(f"{'vectors':<12}" + "".join(f"{name:>14}" for name in SHOWN))
    with tempfile.TemporaryDirectory() as folder:
        for share in SHARES:
            index = published(settings, collection, Path(folder) / f"{share}", share)
            if share == 0:
                show("BM25 alone", measured(rows, by_words_alone(index, settings), settings, collection, answers=False))
            show(f"{share} %", measured(rows, Retriever(index, settings), settings, collection, answers=answers))


def published(settings: Settings, collection: str, target: Path, share: int) -> VectorIndex:
    """The collection in an index of its own, where so many per cent of its documents have their vectors."""
    index = EdgeIndex(target)
    with OpenVersions(settings.index_path).reading(collection) as version:
        found = version.manifest
        change = (found.embedding_model, found.embedding_fingerprint, found.dimension)
        batches = (
            [with_share(chunk, share) for chunk in batch if chunk.chunk_id not in segment.dead]
            for segment in version.search.segments
            for batch in segment.shard.chunks()
        )
        index.publish(IndexChange(collection, *change, (), whole(batches), found.documents, from_scratch=True))
    return index


def whole(batches: Iterator[list[IndexedChunk]]) -> Iterator[list[IndexedChunk]]:
    """Documents come whole in a change; a shard's points come in the order of their ids."""
    yield sorted((chunk for batch in batches for chunk in batch), key=lambda one: (one.payload["document_key"], one.payload["position"]))


def with_share(chunk: IndexedChunk, share: int) -> IndexedChunk:
    number = int(hashlib.sha256(str(chunk.payload["document_id"]).encode()).hexdigest()[:8], 16) % 100
    return chunk if number < share else replace(chunk, dense=None)


def by_words_alone(index: VectorIndex, settings: Settings) -> Retriever:
    """The list of the engine as it is: neither scored again nor varied."""

    class Words(Retriever):
        async def retrieve(self, question: str, scope: Scope, top_k: int, *_: object) -> tuple[Hit, ...]:
            found = index.candidates(scope.collections[0], SearchQuery(text=question, top_k=top_k))
            return tuple(candidate.hit for candidate in found)

    return Words(index, settings)


def measured(rows: list[Row], retriever: Retriever, settings: Settings, collection: str, *, answers: bool) -> dict[str, Any]:
    documents = Catalog(settings.catalog_path).documents(collection)
    folder, files_of = watched_folder(settings), {one.document_id: one.file for one in documents}
    files = TextFiles(lambda document_id: folder.original(files_of[document_id]))
    return asyncio.run(evaluate(rows, Answerer(retriever, None, settings), Scope((collection,)), files, answers=answers)).report


def show(name: str, report: dict[str, Any]) -> None:
    print(f"{name:<12}" + "".join(f"{report['retrieval'][measure]:>14.3f}" for measure in SHOWN))
    for measure, value in report.get("refusal", {}).items():
        print(f"{'':<12}{measure.replace('_', ' ')} {value:.3f}", flush=True)


if __name__ == "__main__":
    main()

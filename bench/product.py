"""The product seen from inside one process, as the app sees it. Data folder and settings come from the environment, as always.

python bench/product.py search QUESTION ...     the documents that are found, seconds for the question's vector and for the search
python bench/product.py watch QUESTION          a line of JSON whenever more can be answered, until it is ended
python bench/product.py floor                   the bare model on the chunks that the product made: the least an ingest can take
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import EVERYWHERE
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.errors import RagError
from rag_pipeline.settings import load_settings
from rag_pipeline.stores.vectors import SearchQuery, VectorIndex, open_index

TOP_K = 8
NEIGHBOURS = 10
ROUNDING = 1e-6
LOOK_EVERY_SECONDS = 0.2
_VECTORS = """
    SELECT DISTINCT context, text, vector FROM chunks JOIN embeddings USING (text_hash)
    WHERE chunking_key IN (SELECT chunking_key FROM chunkings JOIN documents USING (extraction_key) WHERE collection = ?)"""
_EMBEDDED = "SELECT DISTINCT CASE WHEN context = '' THEN text ELSE context || chr(10) || text END FROM chunks"


def search(questions: list[str]) -> None:
    """All of what the product does to find passages, not only the engine's part."""
    settings = load_settings()
    index = open_index(settings)
    retriever, (collection, *_) = Retriever(index, settings), index.collections()
    asyncio.run(retriever.retrieve("The first question loads the model.", EVERYWHERE, TOP_K))
    answers = []
    for question in questions:
        started = time.perf_counter()
        retriever.question_vector(question, collection)  # kept, so that the search finds it made
        embedded = time.perf_counter()
        hits = asyncio.run(retriever.retrieve(question, EVERYWHERE, TOP_K)).hits
        seconds = {"embed_seconds": embedded - started, "search_seconds": time.perf_counter() - embedded}
        answers.append({"documents": [Path(hit.document).name for hit in hits], **seconds})
    print(json.dumps(answers))


def recall(questions: list[str]) -> None:
    """A neighbour counts when it is at least as near as the last one of the exact: of equally near ones either will do."""
    settings = load_settings()
    index = open_index(settings)
    retriever, (collection, *_) = Retriever(index, settings), index.collections()
    with duckdb.connect(str(settings.catalog_path), read_only=True) as connection:
        rows = connection.execute(_VECTORS, [collection]).fetchall()
    places = {(context, text): place for place, (context, text, _) in enumerate(rows)}
    vectors = np.asarray([vector for *_, vector in rows], dtype=np.float32)
    found, engine_ms, exact_ms = 0, [], []
    for question in questions:
        vector = retriever.question_vector(question, collection)
        started = time.perf_counter()
        candidates = index.candidates(collection, SearchQuery(dense=vector.tolist(), top_k=NEIGHBOURS))
        searched = time.perf_counter()
        cosines = vectors @ vector
        last = np.partition(cosines, -NEIGHBOURS)[-NEIGHBOURS]
        engine_ms.append(1000 * (searched - started))
        exact_ms.append(1000 * (time.perf_counter() - searched))
        hits = [candidate.hit for candidate in candidates]
        found += sum(cosines[places[hit.context, hit.text]] >= last - ROUNDING for hit in hits)
    figures = {"recall": found / NEIGHBOURS / len(questions), "neighbours": NEIGHBOURS, "vectors": len(vectors)}
    print(json.dumps({**figures, "engine_ms": statistics.median(engine_ms), "exact_ms": statistics.median(exact_ms)}))


def watch(question: str) -> None:
    settings = load_settings()
    # What is found out about the model is kept in the data folder: the ingest shall do that by itself.
    with tempfile.TemporaryDirectory() as other:
        elsewhere = settings.model_copy(update={"data_dir": Path(other)})
        load_embedder(locate_model(elsewhere), elsewhere).embed_query("The app has its model loaded, too.")
    index = open_index(settings)
    retriever, before = Retriever(index, settings), (False, 0, 0)
    print("ready", flush=True)
    while True:
        now = (before[0] or answers(retriever, question), *published(index))
        if now != before:
            print(json.dumps({"at": time.time(), **dict(zip(("answers", "documents", "chunks"), now, strict=True))}), flush=True)
        before = now
        time.sleep(LOOK_EVERY_SECONDS)


def answers(retriever: Retriever, question: str) -> bool:
    try:
        return bool(asyncio.run(retriever.retrieve(question, EVERYWHERE, TOP_K)).hits)
    except RagError:  # nothing is indexed yet
        return False


def published(index: VectorIndex) -> tuple[int, int]:
    manifests = [manifest for name in index.collections() if (manifest := index.manifest(name))]
    return sum(manifest.documents for manifest in manifests), sum(manifest.chunks for manifest in manifests)


def floor() -> None:
    settings = load_settings()
    started = time.perf_counter()
    embedder = load_embedder(locate_model(settings), settings)
    embedder.embed_query("The first one warms up.")
    loaded = time.perf_counter()
    with duckdb.connect(str(settings.catalog_path), read_only=True) as connection:
        texts = [text for (text,) in connection.execute(_EMBEDDED).fetchall()]
    begun, worked = time.perf_counter(), time.process_time()
    embedder.embed_documents(texts)
    figures = {"seconds": time.perf_counter() - begun, "processor": time.process_time() - worked, "load_seconds": loaded - started}
    print(json.dumps({"chunks": len(texts), "dtype": embedder.dtype, **figures}))


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    {"search": lambda: search(rest), "recall": lambda: recall(rest), "watch": lambda: watch(rest[0]), "floor": floor}[command]()

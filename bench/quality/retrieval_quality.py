"""How well the right passages are found: dense alone, BM25 alone, and what the product does, on question sets with known passages.

    python bench/quality/retrieval_quality.py FOLDER [SET ...]

FOLDER holds one folder a set, each with ``docs/`` and ``questions.jsonl`` (fields: question, relevant: file, and start, end where the
passage is known). A hit at k: one of the first k chunks touches a relevant passage (or its file, where no offsets are given).
all@10: every needed file is among the first ten chunks.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import Scope
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.ingestion.chunker import Chunker
from rag_pipeline.ingestion.extract import HEAD_BYTES, extract, media_type_of
from rag_pipeline.models import Chunk, Hit
from rag_pipeline.settings import Settings, load_settings
from rag_pipeline.stores.vectors import IndexChange, SearchQuery, VectorIndex, indexed_chunk, open_index
from rag_pipeline.stores.vectors.bm25 import document_vector

SETS = ("chunking_eval", "squad2", "multihop_wiki")
Span = tuple[str, int, int]
Search = Callable[[str], Sequence[Hit]]


@dataclass(frozen=True)
class Corpus:
    """A set of documents, indexed; ``spans`` says where in its file a chunk stands, by chunk id."""

    name: str
    spans: dict[str, Span]
    questions: list[dict[str, Any]]


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or SETS
    with tempfile.TemporaryDirectory() as data:
        settings = load_settings().model_copy(update={"data_dir": Path(data)})
        index = open_index(settings)
        print(f"{'set':<16}{'method':<8}{'hit@1':>8}{'hit@5':>8}{'hit@10':>8}{'all@10':>8}{'mrr@10':>8}")
        for name in names:
            corpus = build(index, settings, folder / name)
            for method, search in searches(index, settings, name).items():
                print(f"{name:<16}{method:<8}" + "".join(f"{value:>8.3f}" for value in measure(corpus, search)), flush=True)


def build(index: VectorIndex, settings: Settings, folder: Path) -> Corpus:
    model = locate_model(settings)
    embedder, chunker = load_embedder(model, settings), Chunker(model.token_counter(), settings.chunk_tokens)
    files = [file for file in sorted((folder / "docs").rglob("*")) if file.is_file()]
    found = [(str(file.relative_to(folder)), file, chunker.chunk(extract(file, media_type(file)).elements)) for file in files]
    vectors = iter(embedder.embed_documents([chunk.embedded_text for _, _, chunks in found for chunk in chunks]))
    unknown = {"revision": "", "file": b"", "media_type": None, "pages": None, "modified": None}
    places = [{"collection": folder.name, "document": name, "document_id": name, "document_key": name, **unknown} for name, _, _ in found]
    batches = [
        [indexed_chunk({**place, **asdict(chunk)}, next(vectors).tolist(), document_vector(chunk.embedded_text)) for chunk in chunks]
        for place, (_, _, chunks) in zip(places, found, strict=True)
    ]
    index.publish(IndexChange(folder.name, model.name, model.fingerprint, embedder.dimension, (), batches, len(files), True))
    spans = [span for name, file, chunks in found for span in spans_of(name, file.read_text(encoding="utf-8"), chunks)]
    ids = [point.chunk_id for batch in batches for point in batch]
    return Corpus(folder.name, dict(zip(ids, spans, strict=True)), questions_of(folder))


def questions_of(folder: Path) -> list[dict[str, Any]]:
    """The questions of a set whose answer is in its documents."""
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    return [question for question in questions if question["relevant"]]


def media_type(file: Path) -> str:
    with file.open("rb") as stream:
        return media_type_of(file.name, stream.read(HEAD_BYTES))


def spans_of(name: str, text: str, chunks: Sequence[Chunk]) -> Iterator[Span]:
    """Extraction may change blanks and marks, never letters and digits: by these a chunk is found in its file."""
    places = [position for position, character in enumerate(text) if character.isalnum()]
    letters = "".join(text[position] for position in places)
    start = 0
    for chunk in chunks:
        wanted = "".join(filter(str.isalnum, chunk.text))
        start = max(letters.find(wanted, start), start)
        end = min(start + len(wanted), len(places))
        yield (name, places[start], places[end - 1] + 1) if end > start else (name, 0, 0)
        start = end


def searches(index: VectorIndex, settings: Settings, name: str) -> dict[str, Search]:
    embedder = load_embedder(locate_model(settings), settings)
    retriever = Retriever(index, settings)

    def hits(query: SearchQuery) -> Sequence[Hit]:
        return [candidate.hit for candidate in index.candidates(name, query)]

    def dense(question: str) -> Sequence[Hit]:
        return hits(SearchQuery(dense=embedder.embed_query(question).tolist(), top_k=10))

    def fused(question: str) -> Sequence[Hit]:
        vector, ranking = embedder.embed_query(question).tolist(), TUNING.ranking
        return hits(SearchQuery(vector, question, top_k=10, prefetch=ranking.prefetch, fusion=ranking.fusion))

    return {
        "dense": dense,
        "bm25": lambda question: hits(SearchQuery(text=question, top_k=10)),
        "rrf": fused,
        "hybrid": lambda question: asyncio.run(retriever.retrieve(question, Scope((name,)), 10)).hits,
    }


def measure(corpus: Corpus, search: Search) -> list[float]:
    """hit@1, hit@5, hit@10, all@10, mrr@10."""
    rows = []
    for question in corpus.questions:
        found = [corpus.spans[hit.chunk_id] for hit in search(question["question"])]
        first = next((rank for rank, span in enumerate(found, start=1) if any(touches(span, r) for r in question["relevant"])), 11)
        complete = {relevant["file"] for relevant in question["relevant"]} <= {file for file, _, _ in found}
        rows.append((first <= 1, first <= 5, first <= 10, complete, 1 / first if first <= 10 else 0))
    return [float(value) for value in np.mean(rows, axis=0)]


def touches(span: Span, relevant: dict[str, Any]) -> bool:
    file, start, end = span
    if file != relevant["file"]:
        return False
    return relevant.get("start") is None or (start < relevant["end"] and end > relevant["start"])


if __name__ == "__main__":
    main()

"""Where documents are cut: what the best five chunks hold of the wanted passages, and how often a passage is cut apart.

    python bench/quality/chunking_quality.py FOLDER [SET ...]

FOLDER is as in retrieval_quality.py; only sets with offsets say anything here. Two tables:

- recall and IoU by character, as in Chroma's chunking evaluation: over the characters of the retrieved chunks and those of the wanted
  passages; IoU counts a character of a chunk as often as it is retrieved. "@5" takes the first five chunks; "@n", as the published
  tables do, as many as hold any part of the wanted passages. The fixed-size splitter cuts at the same mean length.
- splits: how many chunks each wanted passage touches.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from retrieval_quality import Span, media_type, questions_of, spans_of, touches

from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import Scope
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.model_files import TokenCounter, locate_model
from rag_pipeline.ingestion.chunker import Chunker
from rag_pipeline.ingestion.extract import extract
from rag_pipeline.models import Chunk, Element, Hit
from rag_pipeline.settings import Settings, load_settings
from rag_pipeline.stores.vectors import IndexChange, SearchQuery, VectorIndex, indexed_chunk, open_index
from rag_pipeline.stores.vectors.bm25 import document_vector

TOP_K = 5
WIDE_TOKENS = 400
PUBLISHED_CHARACTERS = 1200
Split = Callable[[str, Sequence[Element]], list[Chunk]]


@dataclass(frozen=True)
class Document:
    name: str
    text: str
    elements: Sequence[Element]


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or ("chunking_eval",)
    for name in names:
        documents = list(documents_of(folder / name))
        questions = [question for question in questions_of(folder / name) if all("start" in r for r in question["relevant"])]
        print(f"{name}: {len(documents)} documents, {len(questions)} questions with offsets")
        print_splits(documents, questions)
        if name == "chunking_eval":  # the others have one passage a question: recall and hit are the same there
            print_retrieved(documents, questions)


def documents_of(folder: Path) -> Iterator[Document]:
    for file in sorted((folder / "docs").rglob("*")):
        if file.is_file():
            yield Document(str(file.relative_to(folder)), file.read_text(encoding="utf-8"), extract(file, media_type(file)).elements)


def print_splits(documents: Sequence[Document], questions: Sequence[dict[str, Any]]) -> None:
    counter = locate_model(load_settings()).token_counter()
    chunker = Chunker(counter, load_settings().chunk_tokens)
    spans = {one.name: list(spans_of(one.name, one.text, chunker.chunk(one.elements))) for one in documents}
    wanted = {(one["file"], one["start"], one["end"]): one["excerpt"] for question in questions for one in question["relevant"]}
    touched: Counter[int] = Counter()
    beyond: Counter[int] = Counter()
    for (file, start, end), excerpt in wanted.items():
        chunks = sum(first < end and last > start for _, first, last in spans.get(file, ()))
        touched[chunks] += 1
        beyond[chunks - math.ceil(counter.count(excerpt) / chunker.max_tokens)] += 1
    print("  wanted passages by the number of chunks they touch: " + ", ".join(f"{n}: {touched[n]}" for n in sorted(touched)))
    print("  by chunks beyond those that their length needs: " + ", ".join(f"{n}: {beyond[n]}" for n in sorted(beyond)))


def print_retrieved(documents: Sequence[Document], questions: Sequence[dict[str, Any]]) -> None:
    settings = load_settings()
    counter = locate_model(settings).token_counter()
    print(f"  {'splitter':<34}{'characters':>11}{'chunks':>8}   recall@5 IoU@5  recall@n IoU@n, dense; the same, product")
    wide = WideCounter(counter, WIDE_TOKENS)
    rows: list[tuple[str, Split]] = [
        ("ours, the model's window", lambda _, elements: Chunker(counter, settings.chunk_tokens).chunk(elements)),
        (f"ours, {WIDE_TOKENS} tokens", lambda _, elements: Chunker(wide, WIDE_TOKENS).chunk(elements)),
        (f"ours, about {PUBLISHED_CHARACTERS} characters", lambda _, elements: by_characters(counter, elements)),
    ]
    for label, split in rows:
        length = print_row(label, documents, questions, split, settings)
        print_row("  fixed size, as long", documents, questions, lambda text, _, n=length: fixed(text, n), settings)  # type: ignore[misc]
    print_row(
        f"fixed, {PUBLISHED_CHARACTERS} characters", documents, questions, lambda text, _: fixed(text, PUBLISHED_CHARACTERS), settings
    )


class WideCounter(TokenCounter):
    """The model's tokenizer with another window: what is beyond the model's own is not embedded, but BM25 reads it."""

    def __init__(self, counter: TokenCounter, window: int) -> None:
        super().__init__(counter._tokenizer, window)


def by_characters(counter: TokenCounter, elements: Sequence[Element]) -> list[Chunk]:
    """Chunks of at most the published length: tokens are limited so that the longest are about as long."""
    return Chunker(WideCounter(counter, 300), 300).chunk(elements)


def fixed(text: str, length: int) -> list[Chunk]:
    parts = [text[start : start + length] for start in range(0, len(text), length)]
    return [Chunk(position, part, "", (), None, None, (), 0) for position, part in enumerate(parts)]


def print_row(label: str, documents: Sequence[Document], questions: Sequence[dict[str, Any]], split: Split, settings: Settings) -> int:
    """Print a splitter's figures; the mean length of its chunks in characters."""
    with tempfile.TemporaryDirectory() as data:
        index = open_index(settings.model_copy(update={"data_dir": Path(data)}))
        spans = build(index, documents, split, settings)
        lengths = [end - start for _, start, end in spans.values()]
        figures = [measure(spans, questions, search) for search in searches(index, settings)]
    shown = "".join("   " + "".join(f"{value:>8.4f}" for value in row) for row in figures)
    print(f"  {label:<34}{np.mean(lengths):>11.0f}{len(lengths):>8}{shown}", flush=True)
    return round(float(np.mean(lengths)))


def build(index: VectorIndex, documents: Sequence[Document], split: Split, settings: Settings) -> dict[str, Span]:
    model = locate_model(settings)
    embedder = load_embedder(model, settings)
    spans: dict[str, Span] = {}
    batches = []
    for one in documents:
        chunks = split(one.text, one.elements)
        vectors = embedder.embed_documents([chunk.embedded_text for chunk in chunks])
        place: dict[str, object] = {"collection": "c", "document": one.name, "document_id": one.name, "document_key": one.name}
        place |= {"revision": "", "file": b"", "media_type": None, "pages": None, "modified": None}
        points = [
            indexed_chunk({**place, **asdict(chunk)}, vector.tolist(), document_vector(chunk.embedded_text))
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        spans |= dict(zip([point.chunk_id for point in points], spans_of(one.name, one.text, chunks), strict=True))
        batches.append(points)
    index.publish(IndexChange("c", model.name, model.fingerprint, embedder.dimension, (), batches, len(documents), True))
    return spans


def searches(index: VectorIndex, settings: Settings) -> list[Callable[[str], Sequence[Hit]]]:
    embedder = load_embedder(locate_model(settings), settings)
    retriever = Retriever(index, settings)

    def nearest(question: str) -> Sequence[Hit]:
        query = SearchQuery(dense=embedder.embed_query(question).tolist(), top_k=TOP_K)
        return [candidate.hit for candidate in index.candidates("c", query)]

    return [
        nearest,
        lambda question: asyncio.run(retriever.retrieve(question, Scope(("c",)), TOP_K)).hits,
    ]


def measure(spans: dict[str, Span], questions: Sequence[dict[str, Any]], search: Callable[[str], Sequence[Hit]]) -> list[float]:
    """Recall@5, IoU@5, recall@n, IoU@n: means over the questions."""
    rows = []
    for question in questions:
        retrieved = [spans[hit.chunk_id] for hit in search(question["question"])]
        wanted = {(r["file"], n) for r in question["relevant"] for n in range(r["start"], r["end"])}
        holding = sum(any(touches(span, relevant) for relevant in question["relevant"]) for span in spans.values())
        rows.append([*overlap(retrieved, wanted), *overlap(retrieved[:holding], wanted)])
    return [float(value) for value in np.mean(rows, axis=0)]


def overlap(retrieved: Sequence[Span], wanted: set[tuple[str, int]]) -> tuple[float, float]:
    """Share of the wanted characters retrieved; shared characters over retrieved plus missed ones."""
    found = characters(retrieved) & wanted
    total = sum(end - start for _, start, end in retrieved)
    return len(found) / len(wanted), len(found) / (total + len(wanted) - len(found))


def characters(spans: Sequence[Span]) -> set[tuple[str, int]]:
    return {(file, n) for file, start, end in spans for n in range(start, end)}


if __name__ == "__main__":
    main()

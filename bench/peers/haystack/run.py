"""Haystack: an indexing pipeline into Qdrant, with its cache checker before it so that known files are not embedded again.

Files are known by the hash of their bytes: by their path, a changed one would never be read again. Haystack notices no deletions, and
nothing takes away what a changed file said before; both are left to its users. Its splitter counts words, or tokens of other models, so
it is given a function that counts this model's.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from haystack import Pipeline
from haystack.components.caching import CacheChecker
from haystack.components.converters import PyPDFToDocument, TextFileToDocument
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.retrievers.qdrant import QdrantEmbeddingRetriever
from haystack_integrations.document_stores.qdrant import QdrantDocumentStore
from peer import COLLECTION, DIMENSION, MODEL, TOP_K, Embed, Search, files_in, pieces, serve


def store_in(state: Path) -> QdrantDocumentStore:
    path = str(state / "qdrant")
    return QdrantDocumentStore(
        path=path, index=COLLECTION, embedding_dim=DIMENSION, progress_bar=False, force_disable_check_same_thread=True
    )


def pipeline(store: QdrantDocumentStore, converter: Any) -> Pipeline:
    made = Pipeline()
    made.add_component("convert", converter)
    made.add_component("split", DocumentSplitter(split_by="function", splitting_function=pieces))
    made.add_component("embed", SentenceTransformersDocumentEmbedder(model=MODEL, normalize_embeddings=True, progress_bar=False))
    made.add_component("write", DocumentWriter(store, policy=DuplicatePolicy.OVERWRITE))
    made.connect("convert", "split")
    made.connect("split", "embed")
    made.connect("embed", "write")
    return made


def ingest(folder: Path, state: Path) -> tuple[int, int]:
    store = store_in(state)
    files = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in files_in(folder)}
    new = CacheChecker(store, cache_field="meta.file_hash").run(items=list(files))["misses"]
    for suffix, converter in ((".pdf", PyPDFToDocument()), (".txt", TextFileToDocument())):
        chosen = [(key, files[key]) for key in new if (files[key].suffix == ".pdf") == (suffix == ".pdf")]
        if chosen:
            meta = [{"file_hash": key, "file_name": file.name} for key, file in chosen]
            pipeline(store, converter).run({"convert": {"sources": [file for _, file in chosen], "meta": meta}})
    return len(files), store.count_documents()


def opened(state: Path) -> tuple[Embed, Search]:
    embedder = SentenceTransformersTextEmbedder(model=MODEL, normalize_embeddings=True, progress_bar=False)
    retriever = QdrantEmbeddingRetriever(store_in(state), top_k=TOP_K)

    def search(vector: Any) -> list[str]:
        return [document.meta["file_name"] for document in retriever.run(query_embedding=vector)["documents"]]

    return lambda question: embedder.run(text=question)["embedding"], search


if __name__ == "__main__":
    serve(ingest, opened)

"""LlamaIndex: its ingestion pipeline with a document store (upserts and deletions), and Qdrant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llama_index.core import Document
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores.types import VectorStoreQuery
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.qdrant import QdrantVectorStore
from peer import COLLECTION, MODEL, TEXT_TOKENS, TOP_K, Embed, Search, files_in, pdf_text, serve
from qdrant_client import QdrantClient
from transformers import AutoTokenizer


def document(file: Path, folder: Path) -> Document:
    """Its id is its path, as its documentation asks for where documents change."""
    text = pdf_text(file) if file.suffix == ".pdf" else file.read_text(encoding="utf-8")
    return Document(text=text, id_=str(file.relative_to(folder)), metadata={"file_name": file.name})


def ingest(folder: Path, state: Path) -> tuple[int, int]:
    client = QdrantClient(path=str(state / "qdrant"))
    tokenizer = AutoTokenizer.from_pretrained(MODEL, model_max_length=10**9)
    # The splitter takes the file's name, which it also embeds, off the room for text.
    splitter = SentenceSplitter(chunk_size=TEXT_TOKENS, chunk_overlap=0, tokenizer=tokenizer.tokenize)
    pipeline = IngestionPipeline(
        transformations=[splitter, HuggingFaceEmbedding(MODEL, embed_batch_size=32)],
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS_AND_DELETE,
        vector_store=QdrantVectorStore(COLLECTION, client=client),
    )
    if (state / "pipeline").exists():
        pipeline.load(str(state / "pipeline"))
    documents = [document(file, folder) for file in files_in(folder)]
    pipeline.run(documents=documents)
    pipeline.persist(str(state / "pipeline"))
    return len(documents), client.count(COLLECTION).count


def opened(state: Path) -> tuple[Embed, Search]:
    model = HuggingFaceEmbedding(MODEL)
    store = QdrantVectorStore(COLLECTION, client=QdrantClient(path=str(state / "qdrant")))

    def search(vector: Any) -> list[str]:
        found = store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=TOP_K))
        return [node.metadata["file_name"] for node in found.nodes or ()]

    return model.get_query_embedding, search


if __name__ == "__main__":
    serve(ingest, opened)

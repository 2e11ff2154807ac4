"""LangChain: its indexing API with a record manager in SQLite and full clean-up, and Qdrant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_classic.indexes import SQLRecordManager, index
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_qdrant import QdrantVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from peer import COLLECTION, DIMENSION, MODEL, TEXT_TOKENS, TOP_K, Embed, Search, files_in, pdf_text, serve
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams
from transformers import AutoTokenizer


def document(file: Path, folder: Path) -> Document:
    text = pdf_text(file) if file.suffix == ".pdf" else file.read_text(encoding="utf-8")
    return Document(page_content=text, metadata={"source": str(file.relative_to(folder))})


def embeddings() -> HuggingFaceEmbeddings:
    return HuggingFaceEmbeddings(model_name=MODEL, encode_kwargs={"normalize_embeddings": True, "batch_size": 32})


def ingest(folder: Path, state: Path) -> tuple[int, int]:
    client = QdrantClient(path=str(state / "qdrant"))
    if not client.collection_exists(COLLECTION):
        client.create_collection(COLLECTION, vectors_config=VectorParams(size=DIMENSION, distance=Distance.COSINE))
    store = QdrantVectorStore(client, COLLECTION, embeddings())
    records = SQLRecordManager(f"qdrant/{COLLECTION}", db_url=f"sqlite:///{state / 'records.sqlite'}")
    records.create_schema()
    tokenizer = AutoTokenizer.from_pretrained(MODEL, model_max_length=10**9)
    splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(tokenizer, chunk_size=TEXT_TOKENS, chunk_overlap=0)
    documents = [document(file, folder) for file in files_in(folder)]
    chunks = splitter.split_documents(documents)
    index(chunks, records, store, cleanup="full", source_id_key="source")  # keys by SHA-1, the default: Qdrant takes UUIDs only
    return len(documents), client.count(COLLECTION).count


def opened(state: Path) -> tuple[Embed, Search]:
    model = embeddings()
    store = QdrantVectorStore(QdrantClient(path=str(state / "qdrant")), COLLECTION, model)

    def search(vector: Any) -> list[str]:
        return [found.metadata["source"] for found in store.similarity_search_by_vector(vector, k=TOP_K)]

    return model.embed_query, search


if __name__ == "__main__":
    serve(ingest, opened)

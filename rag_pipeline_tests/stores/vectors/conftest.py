"""Small points made in code, and one index for each engine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from rag_pipeline.models import Box, Chunk, Hit, IndexedChunk, Place
from rag_pipeline.stores.vectors import IndexChange, SearchQuery, VectorIndex, indexed_chunk
from rag_pipeline.stores.vectors.bm25 import document_vector
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.server import ServerIndex

DIMENSION = 4
MakeChunks = Callable[..., list[IndexedChunk]]

ENGINES = ["edge", "client-memory"] + (["server"] if os.environ.get("RAG_TEST_QDRANT_URL") else [])
"""And over HTTP to a server of the tests' own, where HTTP may make a difference."""


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    made: VectorIndex
    if request.param == "edge":
        made = EdgeIndex(tmp_path / "index")
    elif request.param == "client-memory":
        made = ServerIndex(QdrantClient(":memory:"))
    else:
        made = ServerIndex(QdrantClient(url=os.environ["RAG_TEST_QDRANT_URL"]))
    yield made
    for collection in made.collections():
        if collection.startswith("test-"):
            made.drop(collection)
    made.close()


@pytest.fixture
def name() -> str:
    """A collection name that no other test uses, with characters that names of folders and URLs do not like."""
    return f"test-{uuid.uuid4().hex[:6]} Ärger & 🎉 #1.2%"


def points(
    document: str,
    *texts: str,
    collection: str = "c",
    vector: Sequence[float] | None = None,
    words_only: bool = False,
    modified: int | None = 0,
) -> list[IndexedChunk]:
    """One point for each text of a document; the document key is ``key-`` and the path."""
    place: dict[str, object] = {"collection": collection, "document": document, "document_id": f"id-{document}"}
    place["document_key"] = f"key-{document}"
    place["revision"] = "words" if words_only else "vectors"
    place |= {"file": os.fsencode(document), "media_type": "text/markdown", "pages": 3, "modified": modified}
    boxes = (Box(1, 0.1, 0.2, 0.3, 0.4, 0, 5),)
    place_in_text = 1, 2, boxes, 5, (Place(0, 5),)
    chunks = [Chunk(position, text, "Heading", ("Heading", "Sub"), *place_in_text) for position, text in enumerate(texts)]
    return [
        indexed_chunk(
            {**place, **asdict(chunk)},
            None if words_only else list(vector or [1.0, float(chunk.position), 0.5, 0.25]),
            document_vector(chunk.embedded_text),
        )
        for chunk in chunks
    ]


def hits(index: VectorIndex, collection: str, query: SearchQuery) -> list[Hit]:
    """What a search finds, best first."""
    return [replace(found.hit, rank=found.rank, score=found.score) for found in index.candidates(collection, query)]


def change(
    collection: str,
    *batches: list[IndexedChunk],
    removed: Sequence[str] = (),
    documents: int = 1,
    scratch: bool = False,
    model: str = "model-a",
) -> IndexChange:
    return IndexChange(
        collection=collection,
        embedding_model=model,
        embedding_fingerprint=f"fingerprint of {model}",
        dimension=DIMENSION,
        removed_keys=removed,
        chunks=iter(batches),
        documents=documents,
        from_scratch=scratch,
    )

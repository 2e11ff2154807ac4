"""Passages made in code; an index of a few small documents with the packaged model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.embedding.embedder import load_embedder
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.models import AnswerEvent, Chunk, Hit, IndexedChunk
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import IndexChange, indexed_chunk, open_index
from rag_pipeline.stores.vectors.bm25 import document_vector
from rag_pipeline_tests.made_model import put_into

BRIDGE = [
    "The Iron Bridge crosses the river Severn in Shropshire. It was opened in 1781. Abraham Darby III cast its parts at Coalbrookdale.",
    "The toll house at the southern end is a museum today. Entry to the museum is free for children.",
    "Repairs in 2018 cost 3.6 million pounds. The bridge was painted dark red again, its first colour.",
]
BEES = [
    "A honey bee visits fifty to one hundred flowers on one trip. Bees dance to tell the others where nectar is.",
    "A queen lays up to two thousand eggs a day in summer. Drones leave the hive in autumn and die.",
]
GERMAN = ["Die Brücke über den Severn wurde 1781 eröffnet. Heute dürfen nur Fußgänger sie benutzen."]


def hit(number: int = 1, text: str = "The bridge opened in 1781.", **fields: Any) -> Hit:
    values: dict[str, Any] = {
        "rank": number,
        "score": 0.8,
        "text": text,
        "document": f"document-{number}.md",
        "collection": "c",
        "page_first": None,
        "page_last": None,
        "chunk_id": f"id-{number}",
    }
    return Hit(**{**values, **fields})


def chunks(collection: str, document: str, texts: Sequence[str], settings: Settings) -> list[IndexedChunk]:
    embedder = load_embedder(locate_model(settings), settings)
    vectors = embedder.embed_documents(texts)
    made = [Chunk(n, text, "", (), n + 1, n + 1, (), 50) for n, text in enumerate(texts)]
    place: dict[str, Any] = {"collection": collection, "document": document, "document_id": document, "revision": ""}
    place |= {
        "document_key": f"{collection}/{document}",
        "file": document.encode(),
        "media_type": "text/markdown",
        "pages": None,
        "modified": 0,
    }
    return [
        indexed_chunk({**place, **asdict(chunk)}, vector.tolist(), document_vector(chunk.embedded_text))
        for chunk, vector in zip(made, vectors, strict=True)
    ]


def publish(settings: Settings, collection: str, documents: dict[str, list[str]], **changes: Any) -> None:
    model = locate_model(settings)
    values: dict[str, Any] = {
        "collection": collection,
        "embedding_model": model.name,
        "embedding_fingerprint": model.fingerprint,
        "dimension": 384,
        "removed_keys": (),
        "chunks": [chunks(collection, name, texts, settings) for name, texts in documents.items()],
        "documents": len(documents),
        "from_scratch": True,
    }
    open_index(settings).publish(IndexChange(**{**values, **changes}))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, packaged_model: Path) -> Path:
    """A data folder with three indexed collections; read only."""
    folder = tmp_path_factory.mktemp("library")
    put_into(folder, packaged_model)
    settings = settings_at(folder)
    publish(settings, "bridges", {"iron.md": BRIDGE})
    publish(settings, "animals", {"bees.md": BEES})
    publish(settings, "deutsch", {"bruecke.md": GERMAN})
    return folder


@pytest.fixture
def library_settings(library: Path) -> Settings:
    return settings_at(library)


def settings_at(folder: Path, **changes: Any) -> Settings:
    return Settings.model_validate({"data_dir": folder, **changes})


async def events_of(answerer: Answerer, question: str, *arguments: Any) -> list[AnswerEvent]:
    return [event async for event in answerer.stream(question, *arguments)]

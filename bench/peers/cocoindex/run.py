"""cocoindex with Qdrant: its own example of text embedding, with the chunk length that all share.

Its splitter counts characters, so the pieces are cut by a function that counts word pieces: its documentation says that any function
may be a step.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cocoindex as coco
from cocoindex.connectors import localfs, qdrant
from cocoindex.ops.sentence_transformers import SentenceTransformerEmbedder
from cocoindex.resources.file import FileLike
from cocoindex.resources.id import IdGenerator
from peer import COLLECTION, MODEL, TOP_K, Embed, Search, files_in, pdf_text, pieces, serve
from qdrant_client import QdrantClient

DATABASE = coco.ContextKey[QdrantClient]("database")
EMBEDDER = coco.ContextKey[SentenceTransformerEmbedder]("embedder")
_STATE: list[Path] = []
_CHUNKS: list[int] = []


@coco.lifespan
async def lifespan(builder: coco.EnvironmentBuilder) -> AsyncIterator[None]:
    builder.settings.db_path = _STATE[0] / "cocoindex.db"
    client = QdrantClient(path=str(_STATE[0] / "qdrant"))
    builder.provide(DATABASE, client)
    builder.provide(EMBEDDER, SentenceTransformerEmbedder(MODEL))
    yield
    _CHUNKS.append(client.count(COLLECTION).count)
    client.close()


@coco.fn
async def process_chunk(chunk: str, name: str, ids: IdGenerator, target: Any) -> None:
    vector = await coco.use_context(EMBEDDER).embed(chunk)
    payload = {"filename": name, "text": chunk}
    target.declare_point(qdrant.PointStruct(id=await ids.next_id(chunk), vector=vector.tolist(), payload=payload))


@coco.fn(memo=True)
async def process_file(file: FileLike, target: Any) -> None:
    path = Path(file.file_path.resolve())
    text = await asyncio.to_thread(pdf_text, path) if path.suffix == ".pdf" else await file.read_text()
    await coco.map(process_chunk, pieces(text), str(file.file_path.path), IdGenerator(), target)


@coco.fn
async def everything(folder: Path) -> None:
    schema = await qdrant.CollectionSchema.create(vectors=qdrant.QdrantVectorDef(schema=EMBEDDER))
    target = await qdrant.mount_collection_target(DATABASE, COLLECTION, schema)
    await coco.mount_each(process_file, localfs.walk_dir(folder, recursive=True).items(), target)


def ingest(folder: Path, state: Path) -> tuple[int, int]:
    _STATE.append(state)
    app = coco.App(coco.AppConfig(name="bench"), everything, folder=folder)

    app.update_blocking()
    coco.stop_blocking()
    return len(files_in(folder)), _CHUNKS[0]


def opened(state: Path) -> tuple[Embed, Search]:
    from sentence_transformers import SentenceTransformer

    model, client = SentenceTransformer(MODEL), QdrantClient(path=str(state / "qdrant"))

    def embed(question: str) -> list[float]:
        return model.encode(question, normalize_embeddings=True).tolist()

    def search(vector: Any) -> list[str]:
        found = client.query_points(COLLECTION, query=vector, limit=TOP_K)
        return [str((point.payload or {})["filename"]) for point in found.points]

    return embed, search


if __name__ == "__main__":
    serve(ingest, opened)

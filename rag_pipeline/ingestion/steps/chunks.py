"""Step 3: cut what was read into chunks that fit the embedding model.

Belongs here: which extractions are cut, group by group, and the commit. Not here: where to cut (``chunker.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars

from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.extract.element_rows import elements_in
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.models import Chunk, Element, pack_boxes, pack_places
from rag_pipeline.stores.catalog.chunk_rows import add_chunkings, missing_chunkings
from rag_pipeline.stores.catalog.reading_rows import element_windows, elements_of

STEP = "chunks"
_GROUP_CHARACTERS = 8_000_000
_GROUP_DOCUMENTS = 1000


@dataclass(frozen=True, slots=True)
class ChunkingReport:
    """What was cut; tokens are word pieces as the model counts them."""

    documents: int
    chunks: int
    tokens: int
    largest_chunk_tokens: int


def cut_chunks(workspace: Workspace) -> ChunkingReport:
    """Cut every extraction of the collection that is out of date, in a slice as many as there is time for; each group is committed before
    the next is read."""
    with workspace.lock(STEP):
        return _cut_missing(workspace)


def _cut_missing(workspace: Workspace) -> ChunkingReport:
    missing = missing_chunkings(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.full_refresh)
    done = chunks = tokens = largest = 0
    piece = Slice(workspace.slice.seconds) if workspace.slice else None  # reading has used up the other one
    for keys in _groups(missing):
        if workspace.is_paused() or (piece and piece.is_over()):
            break
        sizes = _cut_group(workspace, keys)
        done, chunks, tokens = done + len(keys), chunks + len(sizes), tokens + sum(sizes)
        largest = max(largest, *sizes, 0)
        progress.report(STEP, done, len(missing))
    return ChunkingReport(done, chunks, tokens, largest)


def _groups(missing: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    group: list[str] = []
    characters = 0
    for key, size in missing:
        if group and (characters + size > _GROUP_CHARACTERS or len(group) == _GROUP_DOCUMENTS):
            yield group
            group, characters = [], 0
        group.append(key)
        characters += size
    if group:
        yield group


def _cut_group(workspace: Workspace, keys: Sequence[str]) -> list[int]:
    """Cut and commit one group; the word pieces of each chunk."""
    staging = workspace.staging(STEP)
    batch = staging.new_batch()
    files: list[Path] = []
    sizes: list[int] = []
    for frame in _chunk_frames(workspace, keys):
        files.append(staging.write_frame(f"{batch}.{len(files):06}.chunks", frame))
        sizes += frame["tokens"].to_list()
    add_chunkings(workspace.catalog, workspace.chunker_fingerprint, keys, files)
    staging.clear()
    return sizes


def _chunk_frames(workspace: Workspace, keys: Sequence[str]) -> Iterator[polars.DataFrame]:
    """Chunks, as many at a time as may be held in memory."""
    cut = workspace.chunker.chunk
    if len(keys) > 1:
        documents = _by_document(elements_of(workspace.catalog, keys))
        yield _chunk_frame([_chunk_row(key, chunk) for key, elements in documents for chunk in cut(elements)])
        return
    position = 0
    for window in element_windows(workspace.catalog, keys[0], _GROUP_CHARACTERS):
        frame = _chunk_frame([_chunk_row(keys[0], chunk) for chunk in cut(elements_in(window))])
        yield frame.with_columns(polars.col("position") + position)
        position += len(frame)


def _by_document(frame: polars.DataFrame) -> Iterator[tuple[str, list[Element]]]:
    elements = iter(elements_in(frame))
    for key, count in frame.group_by("extraction_key", maintain_order=True).len().iter_rows():
        yield key, list(islice(elements, count))


def _chunk_row(key: str, chunk: Chunk) -> tuple[object, ...]:
    text_hash = hashlib.sha256(chunk.embedded_text.encode()).hexdigest()
    place = (list(chunk.heading_path), chunk.page_first, chunk.page_last, pack_boxes(chunk.boxes))
    return key, chunk.position, chunk.text, chunk.context, *place, chunk.tokens, text_hash, pack_places(chunk.headings)


def _chunk_frame(rows: Sequence[tuple[object, ...]]) -> polars.DataFrame:
    """Rows as a frame, with the names of the catalog's table ``chunks``; ``extraction_key`` stands for the chunking's key."""
    columns = {
        "extraction_key": polars.String(),
        "position": polars.Int32(),
        "text": polars.String(),
        "context": polars.String(),
        "heading_path": polars.List(polars.String()),
        "page_first": polars.Int32(),
        "page_last": polars.Int32(),
        "boxes": polars.String(),
        "tokens": polars.Int32(),
        "text_hash": polars.String(),
        "headings": polars.List(polars.Int32()),
    }
    return polars.DataFrame(rows, schema=columns, orient="row")

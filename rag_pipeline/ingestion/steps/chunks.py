"""Step 3: cut what was read into chunks that fit the embedding model.

Belongs here: which extractions are cut, group by group, and the commit. Not here: where to cut (``chunker.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import Chunk
from rag_pipeline.stores.catalog.chunk_rows import CHUNK_COLUMNS, add_chunkings, missing_chunkings
from rag_pipeline.stores.catalog.reading_rows import element_windows, elements_of, pack_boxes

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
    """Cut every extraction of the collection that is out of date; each group is committed before the next is read."""
    with workspace.lock(STEP):
        return _cut_missing(workspace)


def _cut_missing(workspace: Workspace) -> ChunkingReport:
    missing = missing_chunkings(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, workspace.full_refresh)
    done = chunks = tokens = largest = 0
    for keys in _groups(missing):
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
    for rows in _rows(workspace, keys):
        files.append(staging.write_rows(f"{batch}.{len(files):06}.chunks", CHUNK_COLUMNS, [row for row, _ in rows]))
        sizes += [tokens for _, tokens in rows]
    add_chunkings(workspace.catalog, workspace.chunker_fingerprint, keys, files)
    staging.clear()
    return sizes


def _rows(workspace: Workspace, keys: Sequence[str]) -> Iterator[list[tuple[tuple[object, ...], int]]]:
    """Rows of chunks and their tokens, as many at a time as may be held in memory."""
    if len(keys) > 1:
        documents = elements_of(workspace.catalog, keys).items()
        yield [(_chunk_row(key, chunk), chunk.tokens) for key, elements in documents for chunk in workspace.chunker.chunk(elements)]
        return
    position = 0
    for elements in element_windows(workspace.catalog, keys[0], _GROUP_CHARACTERS):
        chunks = [replace(chunk, position=position + chunk.position) for chunk in workspace.chunker.chunk(elements)]
        position += len(chunks)
        yield [(_chunk_row(keys[0], chunk), chunk.tokens) for chunk in chunks]


def _chunk_row(key: str, chunk: Chunk) -> tuple[object, ...]:
    text_hash = hashlib.sha256(chunk.embedded_text.encode()).hexdigest()
    pages = (chunk.page_first, chunk.page_last)
    return (
        key,
        chunk.position,
        chunk.text,
        chunk.context,
        list(chunk.heading_path),
        *pages,
        pack_boxes(chunk.boxes),
        chunk.tokens,
        text_hash,
    )

"""Step 5: make the published index hold exactly the documents that are read and cut, each with the vectors that it has by now.

Belongs here: the difference between catalog and index, and its publication. Not here: how a version is built (``stores/vectors``).

A document is published as soon as it is cut, to be found by its words, and again each time that more of its passages have a vector. While
another embedding model, or another way of cutting, takes the place of the last one, what is published goes on answering as it is: a
document that was cut anew follows once the model has seen all of it, the new model once it has seen all documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars

from rag_pipeline.errors import TransientError
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.steps.embeddings import complete_words
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import IndexedChunk, SparseVector, box_fields, unpack_places
from rag_pipeline.stores.catalog.indexable import (
    Indexable,
    document_of,
    earlier_keys,
    export_points,
    indexable_documents,
    mark_indexed,
    purge_orphans,
    unread_ids,
    vectors_of,
)
from rag_pipeline.stores.vectors import DamagedIndexError, IndexChange, Manifest, indexed_chunk, is_rolled_back
from rag_pipeline.stores.vectors.bm25 import model_fingerprint

STEP = "vector_index"
_BATCH_POINTS = 1024
_CHUNKS_OF_A_PART = 20_000
"""Of 110,000 chunks at once the catalog's memory was not enough to put them in order."""
_LONG_CHUNKS = 1_000


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What was published. ``version`` is None when the collection has nothing to search and its index is gone.

    ``documents_added`` counts those that were not there; ``documents_completed`` those that were, and got vectors; ``vectors`` are the
    chunks that have one.
    """

    version: str | None
    published: bool
    documents: int
    chunks: int
    vectors: int
    documents_added: int
    documents_completed: int
    documents_removed: int


@dataclass(frozen=True, slots=True)
class _Target:
    """What the next version is to hold.

    Attributes:
        model: name, fingerprint and dimension of the model of its vectors.
        wanted: by document key, those that the catalog has to bring.
        kept: keys that stay as they are published, in place of what the catalog has.
        from_scratch: nothing published can be built upon.
    """

    model: tuple[str, str, int]
    wanted: Mapping[str, Indexable]
    kept: frozenset[str]
    from_scratch: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be made for it."""
        return not self.kept and all(one.vectors == one.chunks for one in self.wanted.values())


def update_index(workspace: Workspace) -> IndexReport:
    """Publish a new version if the current one is out of date; then note it in the catalog and forget what nobody needs.

    The retention of what is not needed is looked after where something was removed, and once nothing is left to do.
    """
    with workspace.lock(STEP):
        current = _current(workspace)
        present = workspace.index.revisions(workspace.collection) if current else {}
        target = _target(workspace, current, present)
        complete_words(workspace)  # after the look at what there is: what is cut meanwhile is the next publication's
        report = _bring_up_to_date(workspace, current, present, target)
        mark_indexed(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, target.wanted)
        progress.report(progress.PUBLISHED, report.documents, report.documents)
        if report.documents_removed or workspace.slice is None or target.is_complete:
            keys = workspace.collection, workspace.chunker_fingerprint
            purge_orphans(workspace.catalog, *keys, workspace.settings.retention_days, keep_other_cuts=bool(target.kept))
    workspace.index.tidy(workspace.collection)  # nobody has to wait for it
    workspace.catalog.tidy()
    return report


def _current(workspace: Workspace) -> Manifest | None:
    """The published version; None also where that cannot be told, or is damaged: then it is made anew, of the vectors that there are."""
    if any(error.collection == workspace.collection for error in workspace.index.damaged()):
        return None
    try:
        return workspace.index.manifest(workspace.collection)
    except DamagedIndexError:
        return None


def _target(workspace: Workspace, current: Manifest | None, present: Mapping[str, str]) -> _Target:
    model = workspace.model
    wanted = _indexable(workspace, model.fingerprint)
    unread = unread_ids(workspace.catalog, workspace.collection, workspace.chunker_fingerprint)
    waiting = {key for key, revision in present.items() if document_of(revision) in unread}
    if current is None or workspace.full_refresh:
        return _Target((model.name, model.fingerprint, model.dimension), wanted, frozenset(), from_scratch=True)
    other_model = current.embedding_fingerprint != model.fingerprint
    unseen = {key for key, one in wanted.items() if one.vectors < one.chunks}
    earlier = earlier_keys(workspace.catalog, workspace.collection, workspace.chunker_fingerprint)
    uncut = {old for old, new in earlier.items() if new is None and old in present}
    if other_model and not (unseen or uncut or waiting):
        return _Target((model.name, model.fingerprint, model.dimension), wanted, frozenset(), from_scratch=True)
    replaced = {new: old for old, new in earlier.items() if new and old in present and (other_model or new in unseen)}
    if other_model:
        wanted = _indexable(workspace, current.embedding_fingerprint)
    brought = {key: one for key, one in wanted.items() if key not in replaced}
    of_current = (current.embedding_model, current.embedding_fingerprint, current.dimension)
    return _Target(of_current, brought, frozenset({*replaced.values(), *uncut, *waiting}), from_scratch=False)


def _indexable(workspace: Workspace, model_fingerprint: str) -> dict[str, Indexable]:
    return indexable_documents(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, model_fingerprint)


def _bring_up_to_date(workspace: Workspace, current: Manifest | None, present: Mapping[str, str], target: _Target) -> IndexReport:
    base = {} if target.from_scratch else present
    write = {key: _revision(one) for key, one in target.wanted.items() if _is_worth_writing(one, base.get(key))}
    removed = sorted(base.keys() - target.wanted.keys() - target.kept)
    gone = present.keys() - target.wanted.keys() - target.kept
    documents = len(target.wanted) + len(target.kept)
    if not documents:
        existed = current is not None or workspace.collection in {error.collection for error in workspace.index.damaged()}
        if existed:
            workspace.index.drop(workspace.collection)
        return IndexReport(None, existed, 0, 0, 0, 0, 0, len(gone))
    rolled_back = current is not None and is_rolled_back(current, workspace.index.previous(workspace.collection))
    other_words = current is not None and current.words != model_fingerprint()
    if current and not (target.from_scratch or write or removed or rolled_back or other_words):
        return _report(current, [], present, gone, published=False)
    published = _publish(workspace, target, write, [*removed, *(key for key in write if key in base)], documents)
    return _report(published, list(write), present, gone, published=True)


def _revision(document: Indexable) -> str:
    """Differs when the document's points do: in vectors, in when its file was changed, in the words that they are found by."""
    return f"{document.revision} {model_fingerprint()}"


def _is_worth_writing(document: Indexable, published: str | None) -> bool:
    """Whether a document is to be written again. A long one that is still being embedded is when its vectors have doubled: a document is
    written whole, and would be written as often as there are slices. One that was read again is, though its key and numbers may be as
    they were: it may say something else."""
    if published is None or not document.noted:
        return True
    if published == _revision(document):
        return False
    growing = document.chunks > _LONG_CHUNKS and document.vectors < document.chunks and vectors_of(published) > 0
    return (
        not growing
        or document.vectors >= 2 * vectors_of(published)
        or not published.endswith(f" of {document.modified} {model_fingerprint()}")
    )


def _report(manifest: Manifest, written: list[str], present: Mapping[str, str], gone: set[str], *, published: bool) -> IndexReport:
    completed = sum(key in present for key in written)
    counts = manifest.documents, manifest.chunks, manifest.vectors
    return IndexReport(manifest.version, published, *counts, len(written) - completed, completed, len(gone))


def _publish(workspace: Workspace, target: _Target, write: Mapping[str, str], removed: Sequence[str], documents: int) -> Manifest:
    staging = workspace.staging(STEP)
    staging.folder.mkdir(parents=True, exist_ok=True)
    name, fingerprint, dimension = target.model
    try:
        files = [_export(workspace, fingerprint, *part) for part in _parts(write, target.wanted)]
        total = sum(target.wanted[key].chunks for key in write)
        _require_all(files, total, workspace.collection)
        return workspace.index.publish(
            IndexChange(
                collection=workspace.collection,
                embedding_model=name,
                embedding_fingerprint=fingerprint,
                dimension=dimension,
                removed_keys=removed,
                chunks=_read_points(files, total),
                documents=documents,
                from_scratch=target.from_scratch,
                words=model_fingerprint(),
            )
        )
    finally:
        staging.clear()


def _parts(write: Mapping[str, str], wanted: Mapping[str, Indexable]) -> Iterator[tuple[dict[str, str], range]]:
    """Documents by their key and revision, and positions of their chunks: as many at a time as the catalog's memory can put in order."""
    part: dict[str, str] = {}
    chunks = 0
    for key, revision in write.items():
        if wanted[key].chunks > _CHUNKS_OF_A_PART:
            starts = range(0, wanted[key].chunks, _CHUNKS_OF_A_PART)
            yield from (({key: revision}, range(start, start + _CHUNKS_OF_A_PART)) for start in starts)
            continue
        if chunks + wanted[key].chunks > _CHUNKS_OF_A_PART:
            yield part, range(_CHUNKS_OF_A_PART)
            part, chunks = {}, 0
        part[key] = revision
        chunks += wanted[key].chunks
    if part:
        yield part, range(_CHUNKS_OF_A_PART)


def _export(workspace: Workspace, fingerprint: str, revisions: Mapping[str, str], positions: range) -> Path:
    staging = workspace.staging(STEP)
    points = staging.path(f"{staging.new_batch()}.points")
    models = fingerprint, model_fingerprint()
    export_points(workspace.catalog, workspace.collection, workspace.chunker_fingerprint, models, revisions, positions, points)
    return points


def _require_all(files: Sequence[Path], expected: int, collection: str) -> None:
    """Check that no passage is missing of what is about to be called whole.

    Raises:
        TransientError: another run changed the catalog meanwhile; nothing was published.
    """
    found = sum(polars.scan_parquet(file).select(polars.len()).collect().item() for file in files)
    if found != expected:
        raise TransientError("index_busy", f"{collection!r} changed while it was published ({found} of {expected} passages). Run it again.")


def _read_points(files: Sequence[Path], total: int) -> Iterator[list[IndexedChunk]]:
    """The points of Parquet files, a slice in memory at a time."""
    done = 0
    for file in files:
        for frame in polars.read_parquet(file).iter_slices(_BATCH_POINTS):
            yield [_point(row) for row in frame.iter_rows(named=True)]
            done += len(frame)
            progress.report(STEP, done, total)


def _point(row: dict[str, Any]) -> IndexedChunk:
    row["boxes"] = box_fields(row["boxes"])
    row["headings"] = [asdict(place) for place in unpack_places(row["headings"] or ())]
    return indexed_chunk(row, row["vector"], SparseVector(row["indices"], row["weights"]))

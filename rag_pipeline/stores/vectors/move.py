"""Taking published collections from one index to another, with their vectors: nothing is embedded again, and no catalog is asked.

Belongs here: what is taken, what is left alone, and when it is refused. Not here: either engine, what is said on a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.models import IndexedChunk
from rag_pipeline.stores.vectors.contract import IndexChange, Manifest, VectorIndex


@dataclass(frozen=True, slots=True)
class Moved:
    """A collection that the other index has now; ``copied`` is False where it had it already, whole."""

    manifest: Manifest
    copied: bool


def move(source: VectorIndex, target: VectorIndex, collections: Sequence[str] = (), *, overwrite: bool = False) -> Iterator[Moved]:
    """Publish the current versions of some collections (none named: all) in another index too, one after the other.

    The source is only read. Who is killed repeats it: what is there whole is left as it is, and nobody sees half a collection.

    Args:
        overwrite: whether collections that the target has, and that are other ones, are replaced.

    Raises:
        RagError: no such collection; or the target has another one of that name, and is not to lose it. Nothing was copied then.
        TransientError: a collection was published while it was copied; repeating it helps.
    """
    published = source.manifests()
    if unknown := [name for name in collections if name not in published]:
        there = ", ".join(map(repr, published)) or "none"
        raise RagError(f"No collection is named {', '.join(map(repr, unknown))} in the index. There are: {there}.")
    wanted = [manifest for name, manifest in published.items() if not collections or name in collections]
    absent = [manifest for manifest in wanted if not _has(source, target, manifest)]
    if not overwrite:
        _refuse_others(target, absent)
    for manifest in wanted:
        if manifest in absent:
            target.publish(_whole(source, manifest))
        yield Moved(manifest, manifest in absent)


def others(source: VectorIndex, target: VectorIndex) -> list[str]:
    """The published collections of an index of which another index has another one of the same name, which a move would replace."""
    differing = [manifest for manifest in source.manifests().values() if not _has(source, target, manifest)]
    return [manifest.collection for manifest in differing if target.manifest(manifest.collection)]


def _has(source: VectorIndex, target: VectorIndex, manifest: Manifest) -> bool:
    name, there = manifest.collection, target.manifest(manifest.collection)
    return there is not None and _kind(there) == _kind(manifest) and target.revisions(name) == source.revisions(name)


def _kind(manifest: Manifest) -> tuple[object, ...]:
    model = manifest.embedding_fingerprint, manifest.dimension, manifest.index_schema
    return *model, manifest.documents, manifest.chunks, manifest.vectors


def _refuse_others(target: VectorIndex, absent: Sequence[Manifest]) -> None:
    for manifest in absent:
        if there := target.manifest(manifest.collection):
            raise RagError(
                f"A collection {manifest.collection!r} is there already, and it is another one: {_described(there)}; this one has "
                f"{_described(manifest)}. Nothing was copied. To lose the one that is there, add: --overwrite"
            )


def _described(manifest: Manifest) -> str:
    documents = "1 document" if manifest.documents == 1 else f"{manifest.documents:,} documents"
    return f"{documents}, {manifest.vectors:,} of {manifest.chunks:,} passages with vectors of {manifest.embedding_model}"


def _whole(source: VectorIndex, manifest: Manifest) -> IndexChange:
    return IndexChange(
        collection=manifest.collection,
        embedding_model=manifest.embedding_model,
        embedding_fingerprint=manifest.embedding_fingerprint,
        dimension=manifest.dimension,
        removed_keys=(),
        chunks=_counted(source.chunks(manifest.collection), manifest),
        documents=manifest.documents,
        from_scratch=True,
        words=manifest.words,
    )


def _counted(batches: Iterator[list[IndexedChunk]], manifest: Manifest) -> Iterator[list[IndexedChunk]]:
    found = 0
    for batch in batches:
        found += len(batch)
        yield batch
    if found != manifest.chunks:
        name = manifest.collection
        raise TransientError("index_busy", f"{name!r} changed while it was copied ({found} of {manifest.chunks} passages). Do it again.")

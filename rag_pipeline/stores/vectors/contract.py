"""What every vector index promises, whichever engine keeps it.

Belongs here: the records and the protocol that the ingestion and the answering side share. Not here: any engine, any tuning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from rag_pipeline.errors import RagError
from rag_pipeline.models import Hit, IndexedChunk

INDEX_SCHEMA = "2"
"""Changes when points written before can no longer be read or ranked beside new ones: payload fields, BM25 settings, vector names."""


class CollectionNotIndexedError(RagError):
    """Nothing has been published for a collection."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"The collection {collection!r} has no index yet. Run: rag ingest {collection!r}")
        self.collection = collection


class DamagedIndexError(RagError):
    """What says which version of a collection is published cannot be read. Other collections answer on."""

    def __init__(self, collection: str, reason: str) -> None:
        super().__init__(
            f"The index of {collection!r} is damaged ({reason}). Run: rag ingest {collection!r} (it is made again without embedding again)"
        )
        self.collection = collection


class IndexChangedError(RagError):
    """The version a query was made for has been replaced by one of another embedding model; look at the manifest again."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"The index of {collection!r} changed its embedding model while the question was read. Ask again.")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a published version holds. ``published_at`` is ISO 8601 in UTC; ``documents`` and ``chunks`` are counts, and so is ``vectors``:
    the chunks that have a dense vector, while the others are found by their words alone. ``words`` is the fingerprint of the BM25 model;
    empty where a program made it that did not say."""

    collection: str
    version: str
    embedding_model: str
    embedding_fingerprint: str
    dimension: int
    index_schema: str
    documents: int
    chunks: int
    vectors: int
    published_at: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a collection takes: the segments that its current version is made of, and bytes on disk with the version that is kept beside it.
    None where a server keeps it, which tells neither of a single collection."""

    segments: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class IndexChange:
    """The difference between the current version and the next one.

    ``removed_keys`` are the document keys whose points go, those that are written again included; ``chunks`` comes in batches, made lazily
    and never collected, documents whole; ``documents`` is the number of documents after the change. ``from_scratch`` starts with an empty
    version. ``words`` is the fingerprint of the BM25 model.
    """

    collection: str
    embedding_model: str
    embedding_fingerprint: str
    dimension: int
    removed_keys: Sequence[str]
    chunks: Iterable[Sequence[IndexedChunk]]
    documents: int
    from_scratch: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weighted reciprocal rank fusion as Qdrant does it: a chunk scores the sum over both lists of ``1 / (k - 1 + rank / weight)``.

    The defaults are Qdrant's own; what answering asks for stands in ``answering/tuning.py``.
    """

    k: int = 2
    dense_weight: float = 1.0
    text_weight: float = 1.0

    @property
    def best_score(self) -> float:
        """That of a chunk which is first in both lists."""
        return sum(1 / (self.k - 1 + 1 / weight) for weight in (self.dense_weight, self.text_weight))


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to one collection: by meaning (``dense``), by words (``text``), or both, fused.

    ``prefetch`` is how deep each of the two lists is read before fusion, ``top_k`` at least. Only chunks of documents are found that have
    one of these paths (``documents``), are in the ``folder`` or below it, have one of these endings (``types``, without the dot, in lower
    case), and whose file was last changed at ``since`` or later and before ``before`` (seconds since 1970, UTC); what is empty does not
    narrow. With ``embedding_fingerprint`` the search refuses to compare ``dense`` with vectors of another model.
    """

    dense: Sequence[float] | None = None
    text: str | None = None
    top_k: int = 8
    prefetch: int = 0
    fusion: Fusion = Fusion()
    documents: tuple[str, ...] = ()
    folder: str = ""
    types: tuple[str, ...] = ()
    since: float | None = None
    before: float | None = None
    embedding_fingerprint: str | None = None


class UnmadeHit(Protocol):
    """What the order of candidates goes by, and the hit that is made of it when it is first asked for."""

    chunk_id: str
    collection: str
    document: str
    position: int
    text: str

    @property
    def hit(self) -> Hit:
        """All of it."""


class Candidate(NamedTuple):
    """A passage with its place in the lists' fusion: rank from 1, fused score, cosine to the question (None where one of the two has no
    vector), and the ids of its words (:func:`rag_pipeline.stores.vectors.bm25.word_ids`). The hit itself has neither rank nor score yet."""

    passage: Hit | UnmadeHit
    rank: int
    score: float
    cosine: float | None
    words: AbstractSet[int]

    @property
    def hit(self) -> Hit:
        """The whole passage."""
        return self.passage if isinstance(self.passage, Hit) else self.passage.hit


class VectorIndex(Protocol):
    """Versions of collections: each search sees one published version whole, never a half-applied change. Safe to share by threads."""

    def manifest(self, collection: str) -> Manifest | None:
        """The current version, or None when nothing is published.

        Raises:
            DamagedIndexError: it cannot be told; only a version from scratch mends it.
        """

    def manifests(self) -> dict[str, Manifest]:
        """The current versions by collection, in order, without the damaged ones: what a question goes by. Of a server they may be a
        second old."""

    def kept(self) -> dict[str, tuple[Manifest, Manifest | None]]:
        """The same, each with the version before it, if one is kept: what a look at all collections goes by."""

    def collections(self) -> list[str]:
        """The collections with a published version, sorted, without the damaged ones."""

    def damaged(self) -> list[DamagedIndexError]:
        """What is wrong with the collections that cannot answer, and what mends them."""

    def revisions(self, collection: str) -> dict[str, str]:
        """Document key → revision of every document in the current version; empty when nothing is published."""

    def publish(self, change: IndexChange) -> Manifest:
        """Build the next version beside the current one and put it in its place in one step.

        Raises:
            RagError: it could not be built; the current version goes on answering.
        """

    def tidy(self, collection: str) -> None:
        """Make the current version cheaper to search, where that is worth while; what it holds stays the same. Others publish meanwhile."""

    def previous(self, collection: str) -> Manifest | None:
        """The version before the current one, kept for a rollback; None when there is none.

        Raises:
            DamagedIndexError: it cannot be told.
        """

    def rollback(self, collection: str) -> Manifest:
        """Exchange the current version with the one before it, and name the one that answers now.

        Raises:
            RagError: no version before it is kept.
        """

    def drop(self, collection: str) -> None:
        """Forget a collection and delete its points; nothing happens when it has none."""

    def count(self, collection: str) -> int:
        """Number of chunks in the current version; 0 when nothing is published."""

    def footprint(self, collection: str) -> Footprint:
        """What it takes on disk: of an embedded index a look at each of its files."""

    def candidates(self, collection: str, query: SearchQuery) -> list[Candidate]:
        """The best chunks of the fused lists, best first, at most ``query.top_k``, each with its cosine and words.

        Raises:
            CollectionNotIndexedError: nothing is published.
            IndexChangedError: the current version is of another embedding model than the query.
        """

    def search(self, queries: Mapping[str, SearchQuery]) -> dict[str, list[Candidate]]:
        """The :meth:`candidates` of several collections at once; those of which nothing is published are left out.

        Raises:
            IndexChangedError: a current version is of another embedding model than its query.
        """

    def chunks(self, collection: str) -> Iterator[list[IndexedChunk]]:
        """Every chunk of the current version with all that :meth:`publish` was given, some at a time; nothing else of it is needed to
        publish it elsewhere.

        Raises:
            CollectionNotIndexedError: nothing is published.
        """

    def passages(self, collection: str, chunk_ids: Sequence[str]) -> list[Hit]:
        """Chunks by id, in the order asked for; ids that do not exist are left out. Scores are 0.

        Raises:
            CollectionNotIndexedError: nothing is published.
        """

    def neighbours(self, collection: str, chunk_id: str, before: int, after: int) -> list[Hit]:
        """A chunk with up to so many before and after it in its document, in reading order; empty when there is none. Scores are 0.

        With an ``after`` below 0 it ends so many before the chunk: a document's first ones are read without all that follow.

        Raises:
            CollectionNotIndexedError: nothing is published.
        """

    def close(self) -> None:
        """Let go of open versions; the index opens them again when asked."""


def is_rolled_back(current: Manifest, previous: Manifest | None) -> bool:
    """Whether the current version is the older one of the two: names of versions sort by the time of their making."""
    return previous is not None and previous.version > current.version


def require_same_model(current: Manifest, change: IndexChange) -> None:
    """Check that new points may stand beside those of the current version.

    Raises:
        RagError: another embedding model or index schema; only a version from scratch can hold them.
    """
    old = (current.embedding_fingerprint, current.dimension, current.index_schema)
    if old != (change.embedding_fingerprint, change.dimension, INDEX_SCHEMA):
        raise RagError(
            f"The index of {current.collection!r} was made with {current.embedding_model}, and cannot take vectors of "
            f"{change.embedding_model}. Make it anew: rag ingest {current.collection!r} --full"
        )


def nothing_to_go_back_to(collection: str) -> RagError:
    """What to say where no version before the current one is kept."""
    return RagError(f"No earlier version of the index of {collection!r} is kept, so there is nothing to go back to.")


def make_manifest(change: IndexChange, version: str, chunks: int, vectors: int) -> Manifest:
    """The manifest of a version that was built from a change and now holds ``chunks`` points, ``vectors`` of them with a dense one."""
    return Manifest(
        collection=change.collection,
        version=version,
        embedding_model=change.embedding_model,
        embedding_fingerprint=change.embedding_fingerprint,
        dimension=change.dimension,
        index_schema=INDEX_SCHEMA,
        documents=change.documents,
        chunks=chunks,
        vectors=vectors,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        words=change.words,
    )


def require_model_of(manifest: Manifest, query: SearchQuery) -> None:
    """Check that a question's vector may be compared with those of a version.

    Raises:
        IndexChangedError: it was made by another model.
    """
    if query.embedding_fingerprint not in (None, manifest.embedding_fingerprint):
        raise IndexChangedError(manifest.collection)

"""What is left to do for each collection, and how much of it is done at once.

Belongs here: reading the backlog off folder plan, catalog and index; the length of slices. Not here: when a run starts
(``folder/watch.py``), what a run does (``steps/``).

Work has two lanes. The *text* lane looks at files, reads them, cuts them, and publishes what can be found by its words; the *vectors* lane
embeds passages and publishes them again with their vectors. A small file that arrives during a long embedding goes by the first lane and
answers at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Literal

from rag_pipeline.embedding.model import embedding_model_so_far
from rag_pipeline.embedding.model_files import EmbeddingModelError
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.consistency import unpublished_collections
from rag_pipeline.ingestion.folder.listing import archive_of, collection_of
from rag_pipeline.ingestion.folder.members import found_members
from rag_pipeline.ingestion.steps.workspace import chunker_fingerprint, extractor_fingerprint
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.archive_rows import known_archives, signatures_in_archives
from rag_pipeline.stores.catalog.chunk_rows import collections_cut_anew, passages_without_vector, texts_missing, uncut_documents
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.indexable import earlier_keys
from rag_pipeline.stores.catalog.reading_rows import unread_documents
from rag_pipeline.stores.vectors import Manifest, VectorIndex
from rag_pipeline.stores.vectors.bm25 import model_fingerprint

Lane = Literal["text", "vectors"]
LANES: tuple[Lane, ...] = ("text", "vectors")

FIRST_SLICE_SECONDS = 1.0
"""So that the first documents of a drop answer soon; each slice after it is three times as long. What is being read when it ends
is read on."""
_GROWTH = 3
_VECTORS_FACTOR = 4
"""Vectors are not waited for, and a run of that lane first loads a model: its slices are longer by this."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """``documents`` whose text is to be brought forward (or that catalog and index differ by), ``passages`` that lack a vector."""

    documents: int = 0
    passages: int = 0

    def of(self, lane: Lane) -> int:
        """What there is to do in a lane."""
        return self.documents if lane == "text" else self.passages


def backlogs(settings: Settings, catalog: Catalog, index: VectorIndex, ingested: Iterable[str]) -> dict[str, Backlog]:
    """Collection → its backlog, for those that have one; what the folder holds and the catalog has not seen is not among it.

    Args:
        ingested: collections that there were runs for.

    Raises:
        CatalogError: the catalog cannot be read.
        RagError: the passwords file cannot be read.
    """
    ingested = set(ingested)
    documents = Counter(unread_documents(catalog, extractor_fingerprint(settings), settings.max_attempts))
    documents.update(unpublished_collections(catalog, index, ingested))
    documents.update(_unlisted_members(catalog))
    passages = Counter(passages_without_vector(catalog))
    try:
        model = embedding_model_so_far(settings)
    except EmbeddingModelError:  # the next run says so in words
        model = None
    if model:
        chunker = chunker_fingerprint(model, settings.chunk_tokens)
        documents.update(uncut_documents(catalog, chunker))
        for collection in collections_cut_anew(catalog, chunker):
            missing = texts_missing(catalog, collection, chunker, model.fingerprint)
            passages[collection] += missing or _answers_as_cut_before(catalog, index, collection, chunker)
        for collection in _with_other_vectors(index, {*ingested, *catalog.collections()}, model.fingerprint):
            missing = texts_missing(catalog, collection, chunker, model.fingerprint)
            passages[collection] = max(1, missing)  # one stands for publishing what is complete
    for collection in _with_other_words(index, {*ingested, *catalog.collections()}):
        documents[collection] = max(1, documents[collection])  # one stands for publishing all of them again
    found = {name: Backlog(documents[name], passages[name]) for name in documents.keys() | passages.keys()}
    return {name: backlog for name, backlog in found.items() if backlog != Backlog()}


def _unlisted_members(catalog: Catalog) -> Counter[str]:
    """Collection → files in archives of which an archive that was read says otherwise than their rows do; the next scan puts that right."""
    archives = known_archives(catalog, missing_too=False)
    said = {found.file: found.signature for archive, members in archives.items() for found in found_members(archive, members or ())}
    unread = {archive for archive, members in archives.items() if members is None}
    rows = signatures_in_archives(catalog) if archives else {}
    noted = {file: signature for file, signature in rows.items() if archive_of(file) not in unread}
    differing = (file for file in said.keys() | noted.keys() if said.get(file) != noted.get(file))
    return Counter(collection_of(file) for file in differing)


def _answers_as_cut_before(catalog: Catalog, index: VectorIndex, collection: str, chunker: str) -> int:
    """1 where a document answers from the cuts of another chunker although the model has seen those of this one: to be published."""
    try:
        published = index.revisions(collection)
    except RagError:  # a server that does not answer; the run says so
        return 0
    return int(not published.keys().isdisjoint(earlier_keys(catalog, collection, chunker)))


def _with_other_vectors(index: VectorIndex, ours: Set[str], fingerprint: str) -> list[str]:
    """Those of our collections that were published last with another embedding model than the configured one.

    What else a server holds may be another installation's. Of an index that was rolled back, the newest version counts: someone wants
    it so.
    """
    try:
        return [name for name, versions in index.kept().items() if name in ours and _newest(versions).embedding_fingerprint != fingerprint]
    except RagError:  # a server that does not answer; the run says so
        return []


def _with_other_words(index: VectorIndex, ours: Set[str]) -> list[str]:
    """Those whose newest version was made with another BM25 model: they answer on until their words are made again."""
    try:
        return [name for name, versions in index.kept().items() if name in ours and _newest(versions).words != model_fingerprint()]
    except RagError:  # a server that does not answer; the run says so
        return []


def _newest(versions: Iterable[Manifest | None]) -> Manifest:
    return max(filter(None, versions), key=lambda manifest: manifest.version)


def slice_seconds(settings: Settings, lane: Lane, earlier: int) -> float:
    """How long the next slice of a lane is, after so many before it for the same work."""
    most = settings.slice_seconds * (_VECTORS_FACTOR if lane == "vectors" else 1)
    first = FIRST_SLICE_SECONDS if lane == "text" else settings.slice_seconds
    return float(min(most, first * _GROWTH ** min(earlier, 20)))

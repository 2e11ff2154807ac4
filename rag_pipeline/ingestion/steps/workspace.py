"""What every ingestion step works with: settings, catalog, index, model, and the fingerprints that decide what is out of date.

Belongs here: opening those, lazily. Not here: any step.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from rag_pipeline.document_life import LIMIT_OF_FAILURE, Circumstances
from rag_pipeline.errors import TransientError
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.extract import registry
from rag_pipeline.ingestion.extract.archive.formats import ARCHIVES
from rag_pipeline.ingestion.extract.process.abilities import abilities_fingerprint, archive_limits
from rag_pipeline.ingestion.steps.staging import Staging
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, open_catalog
from rag_pipeline.stores.catalog.reading_rows import ExtractorFingerprint
from rag_pipeline.stores.objects import open_store

if TYPE_CHECKING:
    from filelock import FileLock

    from rag_pipeline.embedding.model import EmbeddingModel
    from rag_pipeline.ingestion.chunker import Chunker
    from rag_pipeline.stores.objects import ObjectStore
    from rag_pipeline.stores.vectors import VectorIndex

_WITH_BATCHES = (progress.READING, progress.EMBEDDING)
_WAITING = "waiting for another run of this collection"


def extractor_fingerprint(settings: Settings) -> ExtractorFingerprint:
    """What decides now how a content is read.

    Raises:
        RagError: the passwords file cannot be read.
    """
    limits = {code: _written(getattr(settings, name)) for code, name in LIMIT_OF_FAILURE.items()}
    return ExtractorFingerprint(_versions(settings), registry.UNREAD_VERSION, abilities_fingerprint(settings), limits)


def _versions(settings: Settings) -> dict[str, str]:
    """Of all families. What is known of an archive depends on its limits too, and on what types can be told: looking into it again is
    cheap, and its files are read again only where they came out otherwise."""
    versions = registry.versions()
    circumstances = f"{archive_limits(settings)} {registry.detection_fingerprint()}"
    known = hashlib.sha256(circumstances.encode()).hexdigest()[:16]
    return versions | {media_type: f"{versions[media_type]}:{known}" for media_type in ARCHIVES}


def _written(limit: float) -> str:
    """Part of the keys of failures: another way to write a number would reopen them all."""
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def circumstances(settings: Settings) -> Circumstances:
    """Under which a file would be looked at now."""
    return Circumstances(settings.max_attempts, settings.max_file_bytes, registry.detection_fingerprint())


class Slice:
    """A bounded piece of work. The time begins to run when it is first asked for, so something is always done.

    Args:
        seconds: after which nothing new is begun.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end: float | None = None

    def is_over(self) -> bool:
        """Whether the time is up."""
        now = time.monotonic()
        if self._end is None:
            self._end = now + self.seconds
        return now >= self._end


@lru_cache(maxsize=8)
def chunker_fingerprint(model: EmbeddingModel, chunk_tokens: int) -> str:
    """See :attr:`Workspace.chunker_fingerprint`."""
    from rag_pipeline.ingestion.chunker import fingerprint

    return f"{fingerprint(chunk_tokens, model.max_tokens)}:{model.tokenizer_digest}"


@dataclass(frozen=True)
class Workspace:
    """One collection's ingestion. ``full_refresh``: do again what is up to date. ``slice``: how much is done at once; None: all.
    ``is_paused``: asked before anything is begun."""

    settings: Settings
    collection: str
    full_refresh: bool = False
    slice: Slice | None = None
    is_paused: Callable[[], bool] = lambda: False

    def is_over(self) -> bool:
        """Whether nothing new is to be begun: the slice's time is up, or someone wants a pause."""
        return (self.slice is not None and self.slice.is_over()) or self.is_paused()

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of all collections."""
        return open_catalog(self.settings)

    @cached_property
    def index(self) -> VectorIndex:
        """The vector index of all collections."""
        from rag_pipeline.stores.vectors import open_index

        return open_index(self.settings)

    @cached_property
    def model(self) -> EmbeddingModel:
        """The configured embedding model, on disk or a server's; not loaded."""
        from rag_pipeline.embedding.model import embedding_model

        return embedding_model(self.settings)

    @cached_property
    def chunker(self) -> Chunker:
        """The chunker that fits the model."""
        from rag_pipeline.ingestion.chunker import Chunker

        return Chunker(self.model.token_counter(), self.settings.chunk_tokens)

    @cached_property
    def extractor(self) -> ExtractorFingerprint:
        """Changes when the same bytes may yield other elements."""
        return extractor_fingerprint(self.settings)

    @cached_property
    def chunker_fingerprint(self) -> str:
        """Changes when the same elements may yield other chunks: chunker, window, tokenizer. Loads neither."""
        return chunker_fingerprint(self.model, self.settings.chunk_tokens)

    def staging(self, step: str) -> Staging:
        """The staging folder of a step; of those that have batches, where other machines see it too."""
        return Staging(self.settings.staging_path, self.collection, step, self._shared if step in _WITH_BATCHES else None)

    @cached_property
    def _shared(self) -> ObjectStore | None:
        return open_store(self.settings, self.settings.staging_url, "RAG_STAGING_URL") if self.settings.staging_url else None

    @contextmanager
    def lock(self, step: str, patience_seconds: float = -1) -> Iterator[None]:
        """One process at a time at a step that reads, decides and writes; a second one waits, and then sees what the first did.

        Raises:
            TransientError: it waited longer than its patience (``index_busy``); a negative one has no end.
        """
        try:
            lock = self._lock_file(step).acquire(timeout=patience_seconds)
        except TimeoutError:
            raise TransientError("index_busy", f"A run of {self.collection!r} is at this very step. Try again when it is done.") from None
        with lock:
            yield

    @contextmanager
    def whole_run(self, lane: str) -> Iterator[None]:
        """One run of a kind at a time at a collection. The steps are right without it, as each holds its own lock; with it nothing is done
        twice."""
        lock = self._lock_file(lane)
        try:
            lock.acquire(timeout=0)
        except TimeoutError:
            progress.report(_WAITING, 0, 1)
            lock.acquire()
            progress.report(_WAITING, 1, 1)
        try:
            yield
        finally:
            lock.release()

    def _lock_file(self, name: str) -> FileLock:
        from filelock import FileLock

        folder = self.settings.locks_path
        folder.mkdir(parents=True, exist_ok=True)
        hashed = hashlib.sha256(f"{self.collection}\0{name}".encode()).hexdigest()[:16]
        return FileLock(folder / f"{hashed}.lock", thread_local=False)

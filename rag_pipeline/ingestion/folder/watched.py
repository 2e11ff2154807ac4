"""The watched folder, wherever it is: on disk (``disk.py``), or in a bucket of object storage (``bucket.py``).

Belongs here: what both can do, and which of them the settings name. Not here: doing it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol

from rag_pipeline.ingestion.folder.changes import Changes
from rag_pipeline.ingestion.folder.disk import DiskFolder
from rag_pipeline.ingestion.folder.listing import FolderListing, FoundFile, ReadFile
from rag_pipeline.ingestion.folder.uploads import Upload
from rag_pipeline.settings import BucketFolder, Settings


class WatchedFolder(Protocol):
    """Files by their path below it. All raise RagError when the folder as a whole is out of reach, which is never a deletion."""

    @property
    def settle_seconds(self) -> float:
        """A file is read once it has not changed for this long."""

    @property
    def readers(self) -> int:
        """Files that are best fetched side by side."""

    def prepare(self) -> None:
        """Make sure that it is there; only the default one is made."""

    def listing(self) -> FolderListing:
        """All documents, by names, sizes and times."""

    def read_identity(self, found: FoundFile) -> ReadFile | None:
        """Hash a file's bytes; None when it is not as it was listed (any more), so that it is looked at again later.

        Raises:
            FileNotFoundError: it went away.
            TransientError: it cannot be read (``unreadable``).
        """

    def original(self, file: str, signature: str = "") -> AbstractContextManager[Path]:
        """A file's bytes as a file of this machine, which stays for as long as the block lasts.

        Args:
            file: path below the folder.
            signature: of the bytes that are meant, as they were listed; empty: those of now.

        Raises:
            FileNotFoundError: it is gone, or no file of the folder.
            TransientError: it is not what is meant (``changed_while_read``), or cannot be read (``unreadable``).
        """

    def present(self, files: Collection[str]) -> set[str]:
        """Those of the files that are there."""

    def folders(self) -> set[str]:
        """The names of the folders directly in it."""

    def store(self, folder: str, name: str, source: BinaryIO, largest_bytes: int) -> Upload:
        """Put a file into it: whole or not at all, nothing overwritten; see :func:`uploads.store_upload`.

        Raises:
            UploadError: it cannot be taken.
        """

    def remove(self, file: str) -> None:
        """Remove a file as it was listed.

        Raises:
            FileNotFoundError: it is gone.
            RagError: it may not be removed.
        """

    def changes(self, situation: Callable[[], Hashable]) -> Changes:
        """What tells that something may have happened to it; see :class:`Changes`."""


@lru_cache(maxsize=8)
def watched_folder(settings: Settings) -> WatchedFolder:
    """The folder that ``RAG_UPLOADS_DIR`` names; nothing is opened or contacted before the first use.

    Raises:
        RagError: it is a bucket, and what speaks to it is not installed or not well configured.
    """
    if isinstance(settings.uploads, BucketFolder):
        from rag_pipeline.ingestion.folder.bucket import watched_bucket

        return watched_bucket(settings, settings.uploads)
    return DiskFolder(settings.uploads, is_default=settings.uploads_dir is None, settle_seconds=settings.settle_seconds)

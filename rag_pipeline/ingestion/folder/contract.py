"""What can be done with the watched folder, wherever it is and whatever lies in it.

Belongs here: the contract. Not here: a folder on disk (``disk.py``), in a bucket (``bucket.py``), with archives in it (``archives.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from rag_pipeline.ingestion.folder.changes import Changes
from rag_pipeline.ingestion.folder.listing import FolderListing, FoundFile, ReadFile
from rag_pipeline.ingestion.folder.uploads import Upload


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

    def move(self, file: str, folder: str) -> Upload:
        """Put a file of it into another folder, under its name: nothing overwritten; see :func:`uploads.move_upload`.

        Raises:
            FileNotFoundError: it is gone.
            RagError: it cannot be moved.
        """

    def remove(self, file: str) -> None:
        """Remove a file as it was listed.

        Raises:
            FileNotFoundError: it is gone.
            RagError: it may not be removed.
        """

    def changes(self, situation: Callable[[], Hashable]) -> Changes:
        """What tells that something may have happened to it; see :class:`Changes`."""

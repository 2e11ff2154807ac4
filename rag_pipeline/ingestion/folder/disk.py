"""The watched folder on disk.

Belongs here: what :class:`WatchedFolder` asks for, of a folder. Not here: listing and hashing (``listing``), putting in (``uploads``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.ingestion.folder.changes import Changes
from rag_pipeline.ingestion.folder.listing import FolderListing, FoundFile, ReadFile, list_folder, missing_folder, read_identity
from rag_pipeline.ingestion.folder.uploads import Upload, listed_entry, move_upload, store_upload


@dataclass(frozen=True, slots=True)
class DiskFolder:
    """See :class:`rag_pipeline.ingestion.folder.contract.WatchedFolder`."""

    path: Path
    is_default: bool = False
    settle_seconds: float = 0.0
    readers: int = 1

    def prepare(self) -> None:
        """One that the user chose is never made: an unplugged disk would look like an empty folder, and its documents like deleted ones."""
        if self.is_default:
            self.path.mkdir(parents=True, exist_ok=True)
        elif not self.path.is_dir():
            raise missing_folder(self.path)

    def listing(self) -> FolderListing:
        """See :func:`list_folder`."""
        self.prepare()
        return list_folder(self.path)

    def read_identity(self, found: FoundFile) -> ReadFile | None:
        """See :func:`read_identity`."""
        try:
            return read_identity(self.path, found)
        except FileNotFoundError:
            raise
        except OSError as error:
            message = f"The file cannot be read: {error.strerror}. Give the user who runs this the right to read it."
            raise TransientError("unreadable", message) from error

    @contextmanager
    def original(self, file: str, signature: str = "") -> Iterator[Path]:
        """The file itself, and never one that a link outside leads to. Whether its bytes are those that are meant, their hash tells."""
        root = os.path.realpath(self.path)
        path = Path(os.path.realpath(Path(root, file)))
        if not path.is_relative_to(root) or not path.is_file():
            raise FileNotFoundError(file)
        yield path

    def present(self, files: Collection[str]) -> set[str]:
        """See :class:`WatchedFolder`."""
        return {file for file in files if (self.path / file).is_file()}

    def folders(self) -> set[str]:
        """See :class:`WatchedFolder`."""
        return {entry.name for entry in self.path.iterdir() if entry.is_dir()} if self.path.is_dir() else set()

    def store(self, folder: str, name: str, source: BinaryIO, largest_bytes: int) -> Upload:
        """See :func:`store_upload`."""
        self.prepare()
        return store_upload(self.path, folder, name, source, largest_bytes)

    def move(self, file: str, folder: str) -> Upload:
        """See :func:`move_upload`."""
        return move_upload(self.path, file, folder)

    def remove(self, file: str) -> None:
        """Of a link the link goes, never what it leads to."""
        try:
            listed_entry(self.path, file).unlink()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise RagError(f"{file} cannot be removed: {error.strerror}. Give this user the right, or remove it by hand.") from error

    def changes(self, situation: Callable[[], Hashable]) -> Changes:
        """The system tells, where it can."""
        return Changes(self.path, situation)

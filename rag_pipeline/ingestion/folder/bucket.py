"""The watched folder in a bucket of object storage: documents are objects, their paths are keys.

Belongs here: which keys are documents, what tells one version of an object from another. Not here: the storage (``stores/objects``), copies
of originals on this machine (``originals``).

An object is whole when it is listed, so nothing has to settle. A bucket that cannot be listed whole is an error, never a deletion.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag_pipeline.errors import TransientError
from rag_pipeline.ingestion.folder.changes import Changes, Rounds
from rag_pipeline.ingestion.folder.listing import HEAD_BYTES, FolderListing, FoundFile, ReadFile, is_ignored
from rag_pipeline.ingestion.folder.originals import Originals, copy_name
from rag_pipeline.ingestion.folder.uploads import Upload, UploadError, acceptable_name, copy_within, numbered_name, path_below
from rag_pipeline.settings import BucketFolder, Settings
from rag_pipeline.stores.objects import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectGoneError,
    ObjectStore,
    ObjectUnreadableError,
    StoredObject,
    open_store,
)

_IN_MEMORY_BYTES = 1 << 20
_READERS = 8


def watched_bucket(settings: Settings, folder: BucketFolder, originals: Originals) -> WatchedBucket:
    """See :func:`rag_pipeline.ingestion.folder.watched.watched_folder`."""
    store = open_store(settings, folder, "RAG_UPLOADS_DIR")
    return WatchedBucket(store, originals, settings.uploads_list_seconds)


@dataclass(frozen=True, slots=True)
class WatchedBucket:
    """See :class:`rag_pipeline.ingestion.folder.contract.WatchedFolder`."""

    objects: ObjectStore
    originals: Originals
    list_seconds: float
    settle_seconds: float = 0.0
    readers: int = _READERS

    def prepare(self) -> None:
        """Nothing is made: a bucket is somebody's, and a prefix needs no making."""

    def listing(self) -> FolderListing:
        """See :class:`WatchedFolder`."""
        files: dict[str, FoundFile] = {}
        unreadable: dict[str, str] = {}
        for entry in self.objects.list():
            parts = entry.key.split("/")
            if reason := _why_no_path(entry, parts):
                unreadable[entry.key] = reason
            elif parts[-1] and not any(map(is_ignored, parts)):
                files[entry.key] = _found(entry)
        return FolderListing(files, unreadable)

    def read_identity(self, found: FoundFile) -> ReadFile | None:
        """Its bytes are fetched and kept, and what was kept is hashed: that is what will be read."""
        try:
            copy = self.originals.held(copy_name(found.file, found.signature), lambda target: self._fetch(found, target))
            with copy as path, path.open("rb") as stream:
                head = stream.read(HEAD_BYTES)
                stream.seek(0)
                return ReadFile(found, hashlib.file_digest(stream, "sha256").hexdigest(), head)
        except ObjectGoneError:
            raise FileNotFoundError(found.file) from None
        except ObjectChangedError:
            return None
        except ObjectUnreadableError as error:
            raise TransientError("unreadable", str(error)) from error

    @contextmanager
    def original(self, file: str, signature: str = "") -> Iterator[Path]:
        """Its copy on this machine, fetched where there is none."""
        with ExitStack() as held:
            yield self._held(file, signature, held)

    def _held(self, file: str, signature: str, held: ExitStack) -> Path:
        try:
            found = _of_signature(file, signature) if signature else self._now(file)
            return held.enter_context(self.originals.held(copy_name(file, found.signature), lambda target: self._fetch(found, target)))
        except ObjectGoneError:
            raise FileNotFoundError(file) from None
        except ObjectChangedError:
            raise TransientError("changed_while_read", "The file changed since it was listed; it is read again at the next look.") from None
        except ObjectUnreadableError as error:
            raise TransientError("unreadable", str(error)) from error

    def present(self, files: Collection[str]) -> set[str]:
        """See :class:`WatchedFolder`. One by one where they are few, else by listing."""
        if len(files) <= _READERS:
            return {file for file in files if self.objects.head(file)}
        return set(files) & self.listing().files.keys()

    def folders(self) -> set[str]:
        """None: asking would mean to list, and whoever asks has the catalog too."""
        return set()

    def store(self, folder: str, name: str, source: BinaryIO, largest_bytes: int) -> Upload:
        """See :class:`WatchedFolder`."""
        wanted = acceptable_name(name)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as copy:
            copy_within(source, copy, largest_bytes, wanted)  # type: ignore[arg-type]
            try:
                return self._place(folder, wanted, copy)  # type: ignore[arg-type]
            except ObjectUnreadableError as error:
                raise UploadError(f"{wanted} could not be stored: {error}") from error

    def move(self, file: str, folder: str) -> Upload:
        """See :class:`WatchedFolder`. It is copied by way of this machine, then deleted."""
        name = file.rpartition("/")[2]
        if path_below(folder, name) == file:
            return Upload(file, "unchanged")
        with self.original(file) as path, path.open("rb") as source:
            moved = self._place(folder, name, source)
        self.objects.delete(file)
        return moved

    def remove(self, file: str) -> None:
        """See :class:`WatchedFolder`."""
        self.objects.delete(file)

    def changes(self, situation: Callable[[], Hashable]) -> Changes:
        """Nobody tells: it is listed again and again."""
        return Rounds(situation, self.list_seconds)

    def _now(self, file: str) -> FoundFile:
        entry = self.objects.head(file)
        if entry is None:
            raise ObjectGoneError(file)
        return _found(entry)

    def _fetch(self, found: FoundFile, target: BinaryIO) -> None:
        entry = self.objects.get(found.file, target, _version(found.signature) or None)
        if entry.size_bytes != found.size_bytes:  # storage that does not heed the version
            raise ObjectChangedError(found.file)

    def _place(self, folder: str, wanted: str, source: BinaryIO) -> Upload:
        name, number = wanted, 1
        while True:
            key = path_below(folder, name)
            try:
                self.objects.put(key, source, replace=False)
                return Upload(key, "added" if number == 1 else "renamed")
            except ObjectExistsError:
                if self._holds(key, source):
                    return Upload(key, "unchanged")
            number += 1
            name = numbered_name(wanted, number)

    def _holds(self, key: str, source: BinaryIO) -> bool:
        """Whether an object has these bytes."""
        entry = self.objects.head(key)
        if entry is None or entry.size_bytes != source.seek(0, 2):
            return False
        with tempfile.TemporaryFile() as there:
            try:
                self.objects.get(key, there, entry.version)
            except (ObjectGoneError, ObjectChangedError):
                return False
            there.seek(0)
            source.seek(0)
            return hashlib.file_digest(there, "sha256").digest() == hashlib.file_digest(source, "sha256").digest()  # type: ignore[arg-type]


def _why_no_path(entry: StoredObject, parts: list[str]) -> str:
    """Why a key cannot be a document's path, which anyone may have meant it to be; empty when it can, or is nobody's document."""
    if not entry.key or (entry.key.endswith("/") and not entry.size_bytes):
        return ""  # the watched prefix itself, or a folder, as consoles make them
    if "" in parts or "." in parts or ".." in parts or "\0" in entry.key:
        return "its key has an empty part, or one that is . or .., or a NUL: give the object another key"
    return ""


def _found(entry: StoredObject) -> FoundFile:
    """The second part of the signature is the time, as of files; an object has no time and no inode of its own: its version is the last."""
    modified = int(entry.modified_at) * 1_000_000_000  # a listing may tell milliseconds, an object itself seconds
    return FoundFile(entry.key, entry.size_bytes, f"{entry.size_bytes}:{modified}::{entry.version}", entry.modified_at)


def _of_signature(file: str, signature: str) -> FoundFile:
    size, modified, *_ = signature.split(":")
    return FoundFile(file, int(size), signature, int(modified) / 1e9)


def _version(signature: str) -> str:
    return signature.split(":", 3)[3]

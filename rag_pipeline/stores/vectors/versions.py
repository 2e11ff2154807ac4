"""Versions as folders: ``<collection>/<version>/``, a manifest that names the current one, and who may delete which.

Belongs here: folder names, the manifest file, who holds what. Not here: what is inside a version, the disk itself (``disk.py``).

Readers hold a shared lock on the version they read; a version goes only when nobody holds it and the manifest does not name it.
A killed process leaves no lock behind: the kernel drops it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from pydantic import TypeAdapter

from rag_pipeline.errors import TransientError
from rag_pipeline.stores.files import copy_folder, read_json, sync_folder, write_json
from rag_pipeline.stores.vectors.contract import CollectionNotIndexedError, DamagedIndexError, Manifest
from rag_pipeline.stores.vectors.disk import try_lock

LOG = logging.getLogger(__name__)

WRITER_PATIENCE_SECONDS = 600.0
"""How long a writer waits for another one of the same collection."""

_MANIFEST = TypeAdapter(Manifest)
_LONGEST_NAME = 150
_OPEN_ATTEMPTS = 200
_ATTEMPT_SECONDS = 0.02


def folder_name(collection: str) -> str:
    """A name that every file system takes: other characters than letters, digits, ``_``, ``-`` and ``~`` escaped, long names hashed."""
    quoted = quote(collection, safe="").replace(".", "%2E")
    if len(quoted) <= _LONGEST_NAME:
        return quoted
    return f"{quoted[:_LONGEST_NAME]}-{hashlib.sha256(collection.encode()).hexdigest()[:16]}"


def new_version() -> str:
    """A version name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:6]}"


def version_time(version: str) -> datetime:
    """When a version was begun."""
    return datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


class CollectionFolder:
    """The versions of one collection on the local disk."""

    def __init__(self, root: Path, collection: str) -> None:
        self.collection = collection
        self._root = root
        self.path = root / folder_name(collection)
        self._manifest_path = self.path / "manifest.json"

    def signature(self) -> tuple[int, int, int] | None:
        """Changes whenever the manifest is replaced; None when there is none. Costs one system call."""
        try:
            status = self._manifest_path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def manifest(self) -> Manifest | None:
        """The current version; None when nothing is published, or its points were deleted by hand.

        Raises:
            DamagedIndexError: the manifest file is damaged.
        """
        current = self._read().get("current")
        return current if current and self.shard_path(current.version).is_dir() else None

    def previous(self) -> Manifest | None:
        """The version before the current one, kept for a rollback."""
        previous = self._read().get("previous")
        return previous if previous and self.shard_path(previous.version).is_dir() else None

    def _read(self) -> dict[str, Manifest]:
        try:
            return _read_manifests(self._manifest_path)
        except (ValueError, OSError) as error:
            raise DamagedIndexError(self.collection, f"{self._manifest_path}: {_in_one_line(error)}") from error

    def forget_if_damaged(self) -> None:
        """Begin anew where it cannot be told which version is published. Only the writer may call this."""
        try:
            self._read()
        except DamagedIndexError as error:
            LOG.warning("%s It is made again now.", error)
            self._remove_manifest()

    def _remove_manifest(self) -> None:
        if self._manifest_path.is_dir():
            shutil.rmtree(self._manifest_path)
        else:
            self._manifest_path.unlink()

    def point_at(self, current: Manifest, previous: Manifest | None) -> None:
        """Make a version the current one, in one step."""
        write_json(self._manifest_path, {"current": asdict(current), "previous": asdict(previous) if previous else None})

    def version_path(self, version: str) -> Path:
        """The folder of a version."""
        return self.path / version

    def shard_path(self, version: str) -> Path:
        """The folder of a version that the engine owns."""
        return self.path / version / "shard"

    def start_version(self) -> str:
        """Make the folder of a new version, not yet published."""
        version = new_version()
        self.version_path(version).mkdir(parents=True)
        _lock_path(self.version_path(version)).touch()
        return version

    def copy_shard(self, source: str, target: str) -> None:
        """Copy a version's points. A reader that opens the source meanwhile makes and deletes small files in it: then again."""
        for attempt in range(10):
            try:
                copy_folder(self.shard_path(source), self.shard_path(target))
                break
            except (shutil.Error, FileNotFoundError):
                shutil.rmtree(self.shard_path(target), ignore_errors=True)
                if attempt == 9 or not self.shard_path(source).is_dir():
                    raise
        for leftover in self.shard_path(target).rglob(".atomicwrite*"):
            shutil.rmtree(leftover)

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Be the only writer of the collection, on this machine.

        Raises:
            TransientError: another one was still writing after WRITER_PATIENCE_SECONDS.
        """
        locks = self._root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / folder_name(self.collection)).open("w") as stream:
            self._wait_for(stream)
            self.path.mkdir(parents=True, exist_ok=True)
            yield

    def _wait_for(self, stream: IO[str]) -> None:
        deadline = time.monotonic() + WRITER_PATIENCE_SECONDS
        while not try_lock(stream, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise TransientError("index_busy", f"Another run is writing the index of {self.collection!r}. Try again when it is done.")
            time.sleep(0.05)

    def hold_current(self) -> tuple[Manifest, IO[str]]:
        """The current version, locked against deletion until the returned file is closed.

        Raises:
            CollectionNotIndexedError: nothing is published.
        """
        for _ in range(_OPEN_ATTEMPTS):
            manifest = self.manifest()
            if manifest is None:
                raise CollectionNotIndexedError(self.collection)
            held = self._hold(manifest)
            if held is not None:
                return manifest, held
            time.sleep(_ATTEMPT_SECONDS)
        raise TransientError("index_busy", f"The index of {self.collection!r} changes too often to be read. Try again.")

    def _hold(self, manifest: Manifest) -> IO[str] | None:
        try:
            stream = _lock_path(self.version_path(manifest.version)).open("r")
        except FileNotFoundError:
            return None
        # Only what the manifest still names after the lock is held cannot have been deleted in between.
        if try_lock(stream, fcntl.LOCK_SH) and self.manifest() == manifest:
            return stream
        stream.close()
        return None

    def remove_unused(self) -> None:
        """Delete the versions that the manifest does not name and nobody reads. Only the writer may call this."""
        kept = {manifest.version for manifest in self._read().values()}
        for folder in self.path.iterdir():
            if folder.is_dir() and folder.name not in kept:
                _remove_unless_read(folder)

    def discard(self, version: str) -> None:
        """Delete a version that was never published."""
        shutil.rmtree(self.version_path(version), ignore_errors=True)

    def remove(self) -> None:
        """Delete everything. Who still reads goes on reading: open files outlive their names."""
        with suppress(FileNotFoundError):
            self._remove_manifest()
            sync_folder(self.path)
        shutil.rmtree(self.path, ignore_errors=True)


def published_collections(root: Path) -> list[str]:
    """The collections that have a version under an index folder, sorted; damaged ones are left out, and named in the log."""
    for error in damaged_collections(root):
        LOG.warning("%s", error)
    return sorted({manifest.collection for path in _manifest_paths(root) if (manifest := _published(root, path))})


def damaged_collections(root: Path) -> list[DamagedIndexError]:
    """What is wrong with each collection whose manifest cannot be read."""
    found = []
    for path in _manifest_paths(root):
        try:
            _read_manifests(path)
        except (ValueError, OSError) as error:
            found.append(DamagedIndexError(unquote(path.parent.name), f"{path}: {_in_one_line(error)}"))
    return found


def _manifest_paths(root: Path) -> list[Path]:
    return sorted(root.glob("*/manifest.json"))


def _published(root: Path, path: Path) -> Manifest | None:
    try:
        current = _read_manifests(path).get("current")
        return CollectionFolder(root, current.collection).manifest() if current else None
    except (ValueError, OSError, DamagedIndexError):
        return None


def _read_manifests(path: Path) -> dict[str, Manifest]:
    """The versions that a manifest file names: current, previous; empty when there is no such file.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    content = read_json(path)
    if path.exists() and not content.get("current"):
        raise ValueError("it names no version")
    named = {name: _MANIFEST.validate_json(json.dumps(content[name]), strict=True) for name in ("current", "previous") if content.get(name)}
    for manifest in named.values():
        version_time(manifest.version)
    return named


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _lock_path(version_folder: Path) -> Path:
    return version_folder / "lock"


def _remove_unless_read(folder: Path) -> None:
    try:
        with _lock_path(folder).open("a") as stream:
            if try_lock(stream, fcntl.LOCK_EX):
                shutil.rmtree(folder)
    except OSError as error:
        LOG.warning("%s could not be deleted and is left for the next run: %s", folder, error)

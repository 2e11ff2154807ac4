"""Where backups lie: a folder, a zip file, or ``s3://bucket/prefix``. Each holds a few files by name, none larger than memory can take.

Belongs here: putting and getting those files. Not here: what they are (``manifest.py``, ``packing.py``).
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rag_pipeline.backup.manifest import BackupError, damaged
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import sync_folder
from rag_pipeline.stores.objects import ObjectGoneError, ObjectStore, open_store

PART_PREFIX = "part-"
_VARIABLE = "TARGET"


class Place(Protocol):
    """A backup's files."""

    @property
    def address(self) -> str:
        """For messages."""

    @property
    def folder(self) -> Path | None:
        """A folder on the disk that the files take space of; None: on none of this machine."""

    def put(self, name: str, content: bytes) -> None:
        """Write a file, in one step."""

    def get(self, name: str) -> bytes | None:
        """A file's content; None when there is none of that name.

        Raises:
            BackupError: it cannot be read as it was written.
        """


@dataclass(frozen=True, slots=True)
class _InStore:
    """In a folder or a bucket."""

    store: ObjectStore
    address: str
    folder: Path | None

    def put(self, name: str, content: bytes) -> None:
        self.store.put(name, io.BytesIO(content))

    def get(self, name: str) -> bytes | None:
        target = io.BytesIO()
        try:
            self.store.get(name, target)
        except ObjectGoneError:
            return None
        return target.getvalue()


@dataclass(frozen=True, slots=True)
class _InZip:
    archive: zipfile.ZipFile
    path: Path

    @property
    def address(self) -> str:
        return str(self.path)

    @property
    def folder(self) -> Path | None:
        return self.path.parent

    def put(self, name: str, content: bytes) -> None:
        self.archive.writestr(name, content)

    def get(self, name: str) -> bytes | None:
        try:
            return self.archive.read(name)
        except KeyError:
            return None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise damaged(name, self.address) from error


@contextmanager
def new_place(settings: Settings, target: str) -> Iterator[Place]:
    """A place for a new backup: a file whose name ends with ``.zip``, otherwise a folder, or a bucket. A zip file appears at the end only.

    Raises:
        BackupError: something else is there already.
        RagError: the storage cannot be used.
    """
    path = _file(target)
    if path is None:
        place = _in_store(settings, target)
        _require_empty(place)
        yield place
        return
    _require_absent(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".writing-{path.name}")
    try:
        with aside.open("wb") as stream:
            with zipfile.ZipFile(stream, "w") as archive:
                yield _InZip(archive, path)
            stream.flush()
            os.fsync(stream.fileno())
        _require_absent(path)
        aside.rename(path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def existing_place(settings: Settings, target: str) -> Iterator[Place]:
    """The place of a backup that is there.

    Raises:
        BackupError: it is a file, and no whole zip file.
        RagError: the storage cannot be used.
    """
    path = _file(target)
    if path is None:
        yield _in_store(settings, target)
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BackupError(f"There is no backup at {path}. Check the name.") from None
    except zipfile.BadZipFile:
        raise BackupError(f"{path} is no whole backup: it was cut off, or is another kind of file. Nothing was changed.") from None
    with archive:
        yield _InZip(archive, path)


def _file(target: str) -> Path | None:
    """The path of a zip file, where that is meant."""
    path = Path(target).absolute()
    return path if "://" not in target and (path.suffix.lower() == ".zip" or path.is_file()) else None


def _in_store(settings: Settings, target: str) -> _InStore:
    if "://" in target:
        store = open_store(settings, target, _VARIABLE)
        return _InStore(store, store.address, None)
    path = Path(target).absolute()
    return _InStore(open_store(settings, path.as_uri(), _VARIABLE), str(path), path)


def _require_empty(place: _InStore) -> None:
    """What an interrupted backup left is written over."""
    if found := next((one.key for one in place.store.list() if not one.key.startswith(PART_PREFIX)), None):
        raise BackupError(f"{place.address} is not empty: it holds {found}. Name an empty folder, or one that is not there yet.")


def _require_absent(path: Path) -> None:
    if path.exists():
        raise BackupError(f"{path} is there already. Name another file, or remove it first.")

"""A folder as a store of objects: for one machine, or for several that share a disk.

Belongs here: the contract, kept by files. Not here: the watched folder on disk, which has links, times and rights (``ingestion/folder``).
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rag_pipeline.errors import RagError
from rag_pipeline.stores.files import sync_folder
from rag_pipeline.stores.objects.contract import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectGoneError,
    ObjectUnreadableError,
    StorageRefusedError,
    StoredObject,
)

_ASIDE = ".writing-"


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects are the files below ``folder``; a folder that is missing is made by the first :meth:`put`."""

    folder: Path

    @property
    def address(self) -> str:
        """See :class:`ObjectStore`."""
        return f"file://{self.folder}"

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """See :class:`ObjectStore`."""
        for place, _, names in os.walk(self.folder, onerror=self._refuse):
            for name in names:
                path = Path(place, name)
                key = path.relative_to(self.folder).as_posix()
                if key.startswith(prefix) and not name.startswith(_ASIDE) and (found := self.head(key)):
                    yield found

    def head(self, key: str) -> StoredObject | None:
        """See :class:`ObjectStore`."""
        try:
            return _stored(key, self._path(key).stat())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ObjectUnreadableError(f"{self._path(key)}: {error.strerror}.") from error

    def get(self, key: str, target: BinaryIO, version: str | None = None) -> StoredObject:
        """See :class:`ObjectStore`."""
        try:
            with self._path(key).open("rb") as source:
                found = _stored(key, os.fstat(source.fileno()))
                shutil.copyfileobj(source, target)
                after = _stored(key, os.fstat(source.fileno()))
        except FileNotFoundError:
            raise ObjectGoneError(f"There is no {self._path(key)}.") from None
        except OSError as error:
            raise ObjectUnreadableError(f"{self._path(key)} cannot be read: {error.strerror}.") from error
        if found != after or version not in (None, found.version):
            raise ObjectChangedError(f"{self._path(key)} has changed.")
        return found

    def put(self, key: str, source: BinaryIO, *, replace: bool = True) -> None:
        """See :class:`ObjectStore`."""
        path = self._path(key)
        aside = path.with_name(f"{_ASIDE}{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(aside, source)
            aside.replace(path) if replace else os.link(aside, path)
            sync_folder(path.parent)
        except FileExistsError:
            raise ObjectExistsError(f"There is {path} already.") from None
        except OSError as error:
            raise ObjectUnreadableError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            aside.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """See :class:`ObjectStore`."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise ObjectUnreadableError(f"{self._path(key)} cannot be removed: {error.strerror}.") from error

    def _path(self, key: str) -> Path:
        if not key or key != PurePosixPath(key).as_posix() or key.startswith("/") or ".." in key.split("/") or "\0" in key:
            raise RagError(f"{key!r} cannot be the name of a file.")
        return self.folder / key

    def _refuse(self, error: OSError) -> None:
        if Path(error.filename) == self.folder and isinstance(error, FileNotFoundError):
            return  # nothing was put yet
        raise StorageRefusedError(f"{error.filename} cannot be listed: {error.strerror}.") from error


def _write(path: Path, source: BinaryIO) -> None:
    source.seek(0)
    with path.open("xb") as stream:
        shutil.copyfileobj(source, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _stored(key: str, status: os.stat_result) -> StoredObject:
    return StoredObject(key, status.st_size, f"{status.st_mtime_ns}-{status.st_ino}", status.st_mtime)

"""Copies on this disk of originals that are kept elsewhere (a bucket, an archive): fetched once, the least recently used go first.

Belongs here: files by name, room for them, and that none goes while somebody reads it. Not here: where they come from.

A copy appears under its name when it is whole. Processes share the folder: who reads a copy holds a shared lock on it, which the kernel
frees when the process ends; only what nobody holds is removed. All of it may be deleted at any time nobody reads.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from rag_pipeline.errors import RagError

_FETCHING = ".fetching-"
_ABANDONED_SECONDS = 24 * 3600.0
_SWEEP_SHARE = 0.1
"""A process looks at the whole folder each time it has added such a share of the limit."""


class Originals:
    """Threads may share it.

    Args:
        folder: made by the first copy.
        most_bytes: all copies may take; what is being read stays, however large.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._unswept_bytes = most_bytes  # at first, what earlier processes left is not known

    @contextmanager
    def held(self, name: str, fetch: Callable[[BinaryIO], None]) -> Iterator[Path]:
        """A copy, which stays until the block ends.

        Args:
            name: of the copy; another content has another name.
            fetch: writes the content, where there is no copy; what it raises is raised.

        Raises:
            RagError: the disk refuses.
        """
        path = self._folder / name
        try:
            descriptor = _opened(path)
            while descriptor is None:
                self._add(path, fetch)
                descriptor = _opened(path)
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield path
        finally:
            os.close(descriptor)

    def take(self, name: str, file: Path) -> None:
        """Make a file of the same disk a copy, for whoever asks next.

        Raises:
            RagError: the disk refuses.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
            self._place(file, self._folder / name, file.stat().st_size)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> RagError:
        return RagError(f"Originals cannot be kept in {self._folder}: {error.strerror}. Make room, or lower RAG_ORIGINALS_CACHE_BYTES.")

    def _add(self, path: Path, fetch: Callable[[BinaryIO], None]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=self._folder, prefix=_FETCHING)
        try:
            with os.fdopen(handle, "wb") as stream:
                fetch(stream)
                stream.flush()
                os.fsync(stream.fileno())  # a name without its bytes after a power cut would be taken for the document
                size = stream.tell()
            self._place(Path(aside), path, size)
        finally:
            Path(aside).unlink(missing_ok=True)

    def _place(self, aside: Path, path: Path, size: int) -> None:
        """Give a whole copy its name, unless another one has it by now: who holds that one would hold a file without a name."""
        with FileLock(f"{self._folder}.lock"):  # a name that is looked at stands for the same copy until it is placed or removed
            self._unswept_bytes += size
            if self._unswept_bytes >= self._most_bytes * _SWEEP_SHARE:
                self._sweep(size)
            if path.exists():
                aside.unlink()
            else:
                aside.replace(path)

    def _sweep(self, wanted_bytes: int) -> None:
        """Remove what was used least recently until what is wanted fits."""
        self._unswept_bytes = 0
        copies, total = [], wanted_bytes
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):
                status = entry.stat()
                if not entry.name.startswith(_FETCHING):
                    copies.append((status.st_mtime, status.st_size, entry.path))
                    total += status.st_size
                elif time.time() - status.st_mtime > _ABANDONED_SECONDS:
                    Path(entry.path).unlink()
        for _, size, path in sorted(copies):
            if total <= self._most_bytes * (1 - _SWEEP_SHARE):
                return
            total -= size if _removed(Path(path)) else 0


def copy_name(file: str, signature: str) -> str:
    """The name of a copy: any key may be a path, few may be names of files; what reads it may want its ending."""
    ending = Path(file).suffix
    kept = ending if ending[1:].isascii() and ending[1:].isalnum() and len(ending) < 12 else ""
    return hashlib.sha256(f"{file}\0{signature}".encode(errors="surrogateescape")).hexdigest() + kept


def _opened(path: Path) -> int | None:
    """A descriptor that holds the copy; None when there is none of that name (any more)."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            os.utime(path)
            return descriptor
    except FileNotFoundError:
        pass  # removed between opening and locking
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _removed(path: Path) -> bool:
    """Remove a copy that nobody holds."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True

"""Small files that must never be seen half-written, and copies that cost no more than they must.

Belongs here: writing beside and renaming, copying without the holes of files. Not here: what the files mean.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

_COPIED_AT_A_TIME = 1 << 20


def write_atomically(path: Path, content: bytes) -> None:
    """Replace ``path`` in one step: a reader, or a crash, sees the old content or the new, never a mixture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextmanager
def private_files() -> Iterator[None]:
    """Files and folders that the process makes within the block are for its user alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def data_extents(descriptor: int, size_bytes: int) -> list[tuple[int, int]]:
    """Where a file has data: offset and length of each piece. Between them it reads as zeros; a hole at the end is a piece without length
    behind it, as GNU tar wants it."""
    found: list[tuple[int, int]] = []
    position = 0
    while position < size_bytes:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole from here on
                break
            raise
        position = min(os.lseek(descriptor, start, os.SEEK_HOLE), size_bytes)
        found.append((start, position - start))
    end = sum(found[-1]) if found else 0
    return found if end == size_bytes else [*found, (size_bytes, 0)]


def copy_data(source: Path, target: Path) -> None:
    """Copy a file; where it has holes the copy has them too."""
    with source.open("rb") as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        for start, length in data_extents(old.fileno(), size):
            old.seek(start)
            new.seek(start)
            for offset in range(0, length, _COPIED_AT_A_TIME):
                new.write(old.read(min(_COPIED_AT_A_TIME, length - offset)))
        new.truncate(size)


def change_mark(paths: Iterable[Path]) -> tuple[tuple[int, ...] | None, ...]:
    """Differs once one of the files (or the entries of a folder) has changed; a file that is not there has None."""
    return tuple(_mark(path) for path in paths)


def _mark(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def sync_folder(folder: Path) -> None:
    """Make renames within a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> dict[str, object]:
    """The object in a JSON file; empty when there is no such file.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{path} does not hold a JSON object")
    return value


def write_json(path: Path, value: dict[str, object]) -> None:
    """Replace a JSON file in one step."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


def add_to_json(path: Path, name: str, value: object) -> None:
    """Give the object in a JSON file one entry more; what other processes add to it at the same time stays.

    Raises:
        ValueError: the file holds something else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        write_json(path, {**read_json(path), name: value})

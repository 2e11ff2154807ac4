"""Small files that must never be seen half-written, and copies that cost no more than they must.

Belongs here: writing beside and renaming, copying a folder by extents. Not here: what the files mean.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


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

"""The disk under the embedded index: room on it, and locks that a killed process does not leave behind.

Belongs here: questions to the operating system. Not here: what folders mean (``versions.py``).
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from rag_pipeline.errors import RagError

RESERVE_BYTES = 48 << 20
"""Left free on the disk. The engine writes through memory maps: on a full disk that is not an error but the death of the process."""

_ADVICE = "Free some space, or move RAG_DATA_DIR to a larger disk. The index keeps answering as it was."


def allocated_bytes(folder: Path) -> int:
    """Disk space a folder really takes: the engine's files are mostly holes. A reader that opens the index meanwhile makes and deletes
    small files in it; those that are gone when their turn comes take none."""
    return sum(_blocks(Path(parent, name)) * 512 for parent, _, names in os.walk(folder) for name in names)


def _blocks(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_blocks
    return 0


def read_ahead(folders: Sequence[Path]) -> None:
    """Read what lies in folders into the page cache, as far as memory is free; where that cannot be told, nothing.

    The engine has the kernel forget what it closes, and reads a passage from where it lies: the first questions waited for a hundred
    single reads of the disk each.
    """
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if "SC_AVPHYS_PAGES" in os.sysconf_names else 0
    buffer = memoryview(bytearray(1 << 20))
    for file in (Path(parent, name) for folder in folders for parent, _, names in os.walk(folder) for name in names):
        with suppress(OSError), file.open("rb", buffering=0) as stream:
            status = os.fstat(stream.fileno())
            wanted = min(status.st_size, status.st_blocks * 512)
            free -= wanted
            if free < 0:
                return
            while wanted > 0 and (found := stream.readinto(buffer)):
                wanted -= found


def has_room(folder: Path) -> bool:
    """Whether the disk has the reserve that opening and writing an index need."""
    return shutil.disk_usage(folder).free >= RESERVE_BYTES


def require_space(folder: Path, needed_bytes: int, purpose: str, advice: str = _ADVICE) -> None:
    """Check the disk before it is written to.

    Raises:
        RagError: less is free than ``needed_bytes`` and the reserve; the message says how much.
    """
    free = shutil.disk_usage(folder).free
    needed = needed_bytes + RESERVE_BYTES
    if free < needed:
        raise RagError(
            f"Not enough disk space to {purpose}: {needed >> 20} MiB are needed, {free >> 20} MiB are free in {folder}. {advice}"
        )


def try_lock(stream: IO[str], kind: int) -> bool:
    """Take a lock (``fcntl.LOCK_SH`` or ``LOCK_EX``) on an open file if nobody is in the way; closing the file gives it back."""
    try:
        fcntl.flock(stream, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True

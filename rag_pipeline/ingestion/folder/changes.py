"""Whether something may have happened since the last look: at rest nothing has to be listed and no catalog opened to know that.

Belongs here: being told by the system of changes in folders (inotify, by ``watchfiles``), and comparing what a system call tells of single
files. Not here: what has changed (``listing``), what to do about it (``watch``).

It may say that something happened when nothing did, never the other way round. Each folder that a listing entered is watched by itself:
a folder that is new is found by the listing, watched, and listed once more. Where the system does not tell (network disks, where another
machine may write; no inotify; its limit reached; names that are not UTF-8), each question is answered by "something may have happened", as
before.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from rag_pipeline.ingestion.folder.listing import FolderListing, is_ignored

LOG = logging.getLogger(__name__)

LOOK_ANYWAY_SECONDS = 300.0
"""A look is due after this long, whatever was told: what the system does not tell of (a write to mapped memory) is found then."""
_POLL_SECONDS = 1.0
"""How often single files are compared."""
_SHORTEST_REST_SECONDS = 2.0
_RESTS = 9
"""Times as long as a listing took, the folder is left alone after it, where that costs."""
_STEP_MILLISECONDS = 200
"""How long events are gathered, and how often they are looked for."""
_LOCAL = frozenset(
    ["bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "ntfs3", "overlay", "ramfs", "tmpfs", "vfat", "xfs", "zfs"]
)
"""File systems that only this machine writes to, and that inotify tells all of. Any other is listed."""
_MODIFIED = 2
"""The kind of an event that neither adds nor removes."""
_OCTAL = re.compile(r"\\([0-7]{3})")

Identity = tuple[int, int]


class Changes:
    """What has happened to a folder and some files, as a mark that differs after any change. Threads may share it."""

    def __init__(self, folder: Path, situation: Callable[[], Hashable]) -> None:
        """
        Args:
            folder: the folder whose changes the system tells of, absolute.
            situation: a value that differs when anything else has changed. Asked every second: it costs some system calls.
        """
        self._folder, self._situation = folder, situation
        self._process, self._parent, self._count = uuid.uuid4().hex, os.getppid(), 0
        self._lock = threading.Lock()
        self._told: RustNotify | None = None
        self._watched: Mapping[str, Identity] | None = None
        self._seen: Hashable = None
        self._looked_at = -LOOK_ANYWAY_SECONDS
        self._complaint = ""

    @property
    def tells(self) -> bool:
        """Whether the system tells of changes; otherwise every question is answered by "something may have happened", at once."""
        return self._told is not None

    def begin_look(self) -> str:
        """The mark of now, to be asked with later; call it before looking: what happens meanwhile gives another one."""
        with self._lock:
            self._gather(0.0)
            self._looked_at = time.monotonic()
            return self._mark()

    def since(self, mark: str, seconds: float) -> bool:
        """Whether anything may have happened since ``mark``; waits for it for so long. Marks of other processes are out of date."""
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                self._gather(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
                if mark != self._mark() or not self.tells or self._is_due():
                    return True
                if time.monotonic() >= deadline:
                    self._compare_folders()
                    return mark != self._mark()

    def watch(self, listing: FolderListing) -> bool:
        """Be told of changes in the folders of a listing.

        Returns:
            Whether the listing counts: False when folders of it were not watched while it was made, so that one more is needed.
        """
        with self._lock:
            identities = _identities(self._folder, listing.folders)
            if reason := _why_not(self._folder) or _why_not_all(listing):
                return self._complain(reason)
            if identities == self._watched:
                return True
            return self._watch(identities)

    def is_rested(self, seconds: float) -> bool:
        """Whether a look may be taken, whatever happened; waits for it for so long."""
        return True

    def close(self) -> None:
        """Stop being told."""
        with self._lock:
            self._told, self._watched = None, None

    def _watch(self, identities: Mapping[str, Identity]) -> bool:
        self._told = self._watched = None  # first: a system that has room for one set of watches may have none for two
        self._count += 1
        try:
            self._told = RustNotify([str(self._folder / name) for name in identities], False, False, 0, False, False)
        except (OSError, ValueError, WatchfilesRustInternalError) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOENT:
                return False  # a folder went away since it was listed
            return self._complain(f"{error}")
        self._watched = identities
        self._complaint = ""
        return False

    def _complain(self, reason: str) -> bool:
        if reason != self._complaint:
            LOG.warning("The system does not tell of changes in %s: it is listed every few seconds. The reason: %s", self._folder, reason)
        self._told, self._watched, self._complaint = None, None, reason
        return True

    def _mark(self) -> str:
        return f"{self._process}:{self._count}"

    def _is_due(self) -> bool:
        return time.monotonic() - self._looked_at >= LOOK_ANYWAY_SECONDS

    def _gather(self, seconds: float) -> None:
        """Count what has happened, for which to wait so long."""
        if self._told is None:
            return
        happened = self._has_happened(self._told, seconds)
        situation = (self._situation(), os.getppid() == self._parent)  # who waits for something to happen must not outlive its parent
        self._count += happened or situation != self._seen
        self._seen = situation

    def _has_happened(self, told: RustNotify, seconds: float) -> bool:
        """What was told meanwhile; forgets what is watched where that says no more, so that the next look watches all anew."""
        step = _STEP_MILLISECONDS if seconds else 1
        try:
            events = told.watch(step, step, max(1, int(seconds * 1000)), None)
        except WatchfilesRustInternalError as error:  # raised at each later call too; a name that is not UTF-8 does it
            LOG.info("The changes in %s are watched anew: %s", self._folder, error)
            self._told = self._watched = None
            return True
        if isinstance(events, str):
            return False
        if any(kind != _MODIFIED and self._is_watched(path) for kind, path in events):
            self._told = self._watched = None  # another folder may lie there now, and have the same inode number
            return True
        return any(not is_ignored(Path(path).name) for _, path in events)

    def _is_watched(self, path: str) -> bool:
        return path.removeprefix(str(self._folder)).removeprefix("/") in (self._watched or {})

    def _compare_folders(self) -> None:
        """Another disk may be mounted over a folder: nothing tells of that."""
        watched = self._watched or {}
        self._count += _identities(self._folder, watched) != watched


class Rounds(Changes):
    """For a folder of which nothing is told, and whose listing costs: a look is due every so often, and when the situation has changed."""

    def __init__(self, situation: Callable[[], Hashable], seconds: float) -> None:
        """
        Args:
            situation: as for :class:`Changes`.
            seconds: between two looks; more where a look takes more than a tenth of that.
        """
        super().__init__(Path("/"), situation)
        self._seconds, self._rested_at = seconds, 0.0

    @property
    def tells(self) -> bool:
        """By the clock."""
        return True

    def watch(self, listing: FolderListing) -> bool:
        """The listing counts; what it took is rested from."""
        now = time.monotonic()
        self._rested_at = now + max(_SHORTEST_REST_SECONDS, (now - self._looked_at) * _RESTS)
        return True

    def is_rested(self, seconds: float) -> bool:
        """See :class:`Changes`."""
        time.sleep(min(seconds, max(0.0, self._rested_at - time.monotonic())))
        return time.monotonic() >= self._rested_at

    def _is_due(self) -> bool:
        return time.monotonic() - self._looked_at >= self._seconds

    def _gather(self, seconds: float) -> None:
        time.sleep(seconds)
        situation = (self._situation(), os.getppid() == self._parent)
        self._count += situation != self._seen
        self._seen = situation

    def _compare_folders(self) -> None:
        pass


def _identities(root: Path, folders: Iterable[str]) -> dict[str, Identity]:
    found = {}
    for folder in folders:
        try:
            status = (root / folder).stat()
        except OSError:
            continue  # gone, or out of reach: it differs from what is watched then
        found[folder] = (status.st_dev, status.st_ino)
    return found


def _why_not(folder: Path) -> str:
    """Why the system would not tell of all changes in a folder; empty when it does."""
    if sys.platform != "linux":
        return "this is only done on Linux"
    kinds = _file_systems(
        Path(os.path.realpath(folder)), Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    )
    return "".join(f"a file system of the kind {kind} may be written by other machines" for kind in sorted(kinds - _LOCAL)[:1])


def _why_not_all(listing: FolderListing) -> str:
    """Why the system would not tell of all that a listing shows; empty when it does."""
    if listing.undecodable:
        return f"the name of {listing.undecodable[0]!r} is not UTF-8"
    return f"{listing.strays[0]} is a link to a file in a folder that is not" if listing.strays else ""


def _file_systems(folder: Path, mounts: str) -> set[str]:
    """The kinds of the file system that a folder lies in, and of those mounted below it (``mountinfo``: see proc(5))."""
    below, around, kind_around = set(), Path("/"), ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        place, kind = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), before.split()[4])), after.split()[0]
        if place != folder and place.is_relative_to(folder):
            below.add(kind)
        elif folder.is_relative_to(place) and len(place.parts) >= len(around.parts):
            around, kind_around = place, kind  # the last one of two at the same place is on top
    return below | {kind_around}

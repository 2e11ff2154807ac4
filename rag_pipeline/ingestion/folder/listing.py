"""What lies in the watched folder, and how that differs from what the catalog knows.

Belongs here: listing, what counts as a document, whether a file is still being written, and the plan of changes (pure).
Not here: reading contents beyond what identifies them, the catalog, Dagster.
"""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rag_pipeline.errors import RagError
from rag_pipeline.models import IN_ARCHIVE, Member

DEFAULT_COLLECTION = "default"
HEAD_BYTES = 8192
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""A link to nothing or to itself, or a file that went away since it was listed: not a document any more."""
_TEMPORARY_SUFFIXES = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".download", ".swp", "~")
_IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
# Dagster refuses some characters in partition keys and cannot backfill keys with commas from its UI; "%" keeps the escape reversible.
_ESCAPED_IN_COLLECTIONS = frozenset('%,"\\|[]')


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the folder. ``file`` is its path below the folder (``os.fsdecode``: may hold surrogates).

    ``member`` is what an archive says of a file in it.
    """

    file: str
    size_bytes: int
    signature: str
    changed_at: float
    member: Member | None = None

    @property
    def collection(self) -> str:
        """The collection that the path belongs to."""
        return collection_of(self.file)


@dataclass(frozen=True, slots=True)
class FolderListing:
    """All documents of the folder by path; ``unreadable`` are folders and files that could not be looked at, with the reason.

    ``folders`` are those that were listed ("" is the watched folder). ``strays``: links to files inside whose way leads through none of
    them, so that a change of such a file shows in no listed folder. ``undecodable``: what has a name that is not UTF-8, ignored or not.
    """

    files: Mapping[str, FoundFile]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    strays: tuple[str, ...] = ()
    undecodable: tuple[str, ...] = ()

    @property
    def signatures(self) -> dict[str, str]:
        """Path → signature."""
        return {path: found.signature for path, found in self.files.items()}


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What to do so that the catalog says what the folder says. Paths as in :class:`FoundFile`."""

    to_read: tuple[FoundFile, ...] = ()
    removed: tuple[str, ...] = ()
    unsettled: tuple[FoundFile, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.to_read or self.removed)


def collection_of(file: str) -> str:
    """The collection of a path below the uploads folder: its first folder, escaped where Dagster could not take it as a partition."""
    folder, separator, _ = archive_of(file).partition("/")
    return escape_collection(folder) if separator else DEFAULT_COLLECTION


def escape_collection(folder: str) -> str:
    """A printable, reversible name: ``%`` and what partitions cannot hold become ``%XX``."""
    escaped = "".join(_escape(character) for character in folder)
    return escaped.replace("...", "%2E%2E%2E")


def _escape(character: str) -> str:
    if character.isprintable() and character not in _ESCAPED_IN_COLLECTIONS:
        return character
    return "".join(f"%{byte:02X}" for byte in os.fsencode(character))


def member_file(archive: str, path: str) -> str:
    """The path of a file in an archive, as of a file of the folder."""
    return f"{archive}{IN_ARCHIVE}{path}"


def archive_of(file: str) -> str:
    """The archive of the folder that a file is in; the file itself where it is in none."""
    return file.partition(IN_ARCHIVE)[0]


def path_in_archive(file: str) -> str:
    """The path of a file below its archive, empty where it is in none."""
    return file.partition(IN_ARCHIVE)[2]


def document_name(file: str) -> str:
    """The path as shown: below the collection, with undecodable bytes as ``\\xNN``."""
    outer = archive_of(file)
    folder, separator, rest = outer.partition("/")
    shown = (rest if separator and folder != DEFAULT_COLLECTION else outer) + file[len(outer) :].replace(IN_ARCHIVE, "/", 1)
    return os.fsencode(shown).decode("utf-8", "backslashreplace")


def document_id(file: str) -> str:
    """Identity of a document: 32 hexadecimal digits of the sha256 of its path below the uploads folder."""
    return hashlib.sha256(os.fsencode(file)).hexdigest()[:32]


def is_ignored(name: str) -> bool:
    """Hidden and temporary names are not documents."""
    lowered = name.lower()
    return name.startswith((".", "~$")) or lowered.endswith(_TEMPORARY_SUFFIXES) or lowered in _IGNORED_NAMES


def missing_folder(uploads: Path) -> RagError:
    """What to say when the watched folder is not there."""
    return RagError(f"The watched folder {uploads} is not there. Make it, mount it, or set RAG_UPLOADS_DIR to the right place.")


def list_folder(uploads: Path) -> FolderListing:
    """Everything below ``uploads`` that is a document: regular files, and links to files that stay inside. Folder links are not entered.

    Raises:
        RagError: there is no such folder. A folder that vanished as a whole (an unplugged disk) must not look like a deletion.
    """
    if not uploads.is_dir():
        raise missing_folder(uploads)
    files: dict[str, FoundFile] = {}
    unreadable: dict[str, str] = {}
    folders: set[str] = set()
    links: dict[str, str] = {}
    undecodable: list[str] = []
    root = os.path.realpath(uploads)
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(Path(uploads, folder)))
        except OSError as error:
            if error.errno != errno.ENOENT:
                unreadable[folder] = error.strerror or str(error)
            continue
        folders.add(folder)
        undecodable += [f"{folder}/{entry.name}".lstrip("/") for entry in entries if not _is_utf8(entry.name)]
        for entry in (entry for entry in entries if not is_ignored(entry.name)):
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif found := _found(entry, path, root):
                    files[path] = found
                    if entry.is_symlink():
                        links[path] = Path(entry.path).readlink().as_posix()
            except OSError as error:  # rights, a network disk that is away: nobody deleted it
                unreadable[path] = error.strerror or str(error)
    if "" in unreadable:
        raise RagError(f"The watched folder {uploads} cannot be listed: {unreadable['']}. Give this user the right to read it.")
    strays = tuple(path for path, target in links.items() if _folder_below(root, path, target) not in folders)
    return FolderListing(files, unreadable, frozenset(folders), strays, tuple(undecodable))


def _is_utf8(name: str) -> bool:
    """Whether a name as ``os.fsdecode`` gives it is text; otherwise it has surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _folder_below(root: str, link: str, target: str) -> str | None:
    """The folder below ``root`` that a link points into; None when it is elsewhere. A link to a link: that one is listed too."""
    folder = Path(os.path.normpath(Path(root, link).parent / target)).parent
    return "" if folder == Path(root) else str(folder.relative_to(root)) if folder.is_relative_to(root) else None


def _found(entry: os.DirEntry[str], path: str, root: str) -> FoundFile | None:
    try:
        if entry.is_symlink() and not os.path.realpath(entry.path).startswith(root + os.sep):
            return None
        status = entry.stat()
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    return found_file(path, status) if stat.S_ISREG(status.st_mode) else None


def found_file(path: str, status: os.stat_result) -> FoundFile:
    """The record of one file; its signature changes with any write, touch, replacement or change of rights."""
    signature = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    return FoundFile(path, status.st_size, signature, max(status.st_mtime, status.st_ctime))


def plan_folder(listing: FolderListing, known: Mapping[str, str], now: float, settle_seconds: float) -> FolderPlan:
    """Compare the folder with the catalog (path → signature). Pure.

    A file that changed less than ``settle_seconds`` ago waits, and keeps its old row meanwhile; a time in the future counts as long ago.
    Files that could not be looked at, and those below a folder that could not be listed, are neither changed nor removed.
    """
    changed = [found for path, found in sorted(listing.files.items()) if known.get(path) != found.signature]
    unsettled = {found.file for found in changed if 0 <= now - found.changed_at < settle_seconds}
    gone = [path for path in sorted(known) if path not in listing.files and not _is_below(path, listing.unreadable)]
    return FolderPlan(
        to_read=tuple(found for found in changed if found.file not in unsettled),
        removed=tuple(gone),
        unsettled=tuple(found for found in changed if found.file in unsettled),
    )


def _is_below(path: str, folders: Mapping[str, str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:length]) in folders for length in range(1, len(parts) + 1))


def is_being_written(path: Path) -> bool:
    """Whether a process has the file open for writing; only Linux can tell (a read lease is refused then), elsewhere False.

    A copy that stalls for longer than the settle time is still open: without this it would be indexed as if whole.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        # Who opens the file for writing while we hold the lease has us told by SIGIO, which ends a process; SIGURG is ignored (fcntl(2)).
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        # EAGAIN: open for writing. Anything else: the file is another user's, or its file system knows no leases.
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file whose bytes were hashed. ``found`` is the record of exactly these bytes."""

    found: FoundFile
    content_hash: str
    head: bytes


def read_identity(uploads: Path, found: FoundFile) -> ReadFile | None:
    """Hash a file's bytes; None when it is being written or changed meanwhile, so that it is looked at again later.

    Raises:
        OSError: it cannot be read (FileNotFoundError: it went away).
    """
    path = uploads / found.file
    if is_being_written(path):
        return None
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        content_hash = hashlib.file_digest(stream, "sha256").hexdigest()
        after = os.fstat(stream.fileno())
    record = found_file(found.file, before)
    return ReadFile(record, content_hash, head) if record == found_file(found.file, after) else None


def wait_until_settled(
    listing: Callable[[], FolderListing], known: Mapping[str, str], settle_seconds: float, limit_seconds: float
) -> Iterator[int]:
    """For one-shot runs: yields the number of files still being written, until none is or the limit is reached."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        waiting = plan_folder(listing(), known, time.time(), settle_seconds).unsettled
        if not waiting:
            return
        yield len(waiting)
        time.sleep(min(0.2, settle_seconds))

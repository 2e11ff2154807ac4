"""Files put into the watched folder and taken out of it: safe names, no half-written file, nothing overwritten, nothing else removed.

Belongs here: names, writing aside and renaming, which entry is removed. Not here: HTTP (``api/documents.py``), what becomes of the files.
"""

from __future__ import annotations

import errno
import filecmp
import os
import re
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION, escape_collection, is_ignored
from rag_pipeline.stores.files import sync_folder

if TYPE_CHECKING:
    from rag_pipeline.stores.catalog.database import Catalog

LONGEST_NAME_BYTES = 255
"""NAME_MAX of Linux, macOS (in characters) and Windows (in characters)."""

_COPY_BYTES = 1 << 20
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]')
"""Control characters, those that reverse the reading direction of a name, and what Windows cannot store."""


class UploadError(RagError):
    """A file could not be taken; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was taken. ``name`` is what it is called now; ``unchanged`` when the very same file already lay there."""

    name: str
    collection: str
    outcome: Literal["added", "renamed", "unchanged"]


def safe_name(name: str, longest_bytes: int = LONGEST_NAME_BYTES) -> str:
    """A file name that names a document inside one folder, and stays readable.

    Args:
        name: as the browser sent it: may hold folders, control characters, anything.
        longest_bytes: of the result in UTF-8; the extension survives the cut.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode()))[-1]
    cleaned = _FORBIDDEN.sub("", last).strip().lstrip(".~$ ").rstrip(". ")
    stem, dot, extension = cleaned.rpartition(".")
    if not dot or len(extension.encode()) > 16:
        stem, dot, extension = cleaned, "", ""
    room = longest_bytes - len((dot + extension).encode())
    return ((_cut(stem, room).rstrip(". ") or "document") + dot + extension) if cleaned else "document"


def _cut(text: str, longest_bytes: int) -> str:
    return text.encode()[:longest_bytes].decode("utf-8", "ignore")


def numbered_name(name: str, number: int) -> str:
    """``report (2).pdf``: the name beside a file that already has it."""
    suffix = f" ({number})"
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    room = LONGEST_NAME_BYTES - len((suffix + dot + extension).encode())
    return f"{_cut(stem, room)}{suffix}{dot}{extension}"


def folder_of(collection: str, catalog: Catalog) -> str:
    """The folder below the uploads folder whose files belong to a collection; empty for the default one.

    Args:
        collection: an existing one, or a new name.
        catalog: an existing collection's folder is that of its documents, which differs from its name where that was escaped.

    Raises:
        RagError: the catalog cannot be read.
    """
    wanted = collection.strip()
    if not wanted or wanted == DEFAULT_COLLECTION:
        return ""
    existing = catalog.select_documents("WHERE d.collection = $collection LIMIT 1", {"collection": wanted})
    return existing[0].file.partition("/")[0] if existing else safe_name(wanted, longest_bytes=100)


def collection_in(folder: str) -> str:
    """The collection that files in a folder of :func:`folder_of` belong to."""
    return escape_collection(folder) or DEFAULT_COLLECTION


def listed_entry(uploads: Path, file: str) -> Path:
    """The directory entry of a document, which is what deleting it removes: of a link the link, never what it leads to.

    Args:
        uploads: the watched folder.
        file: the document's path below it.

    Raises:
        FileNotFoundError: a folder on the way has become a link, so the entry that was listed is not there any more.
    """
    entry = Path(os.path.realpath(uploads), file)
    if ".." in entry.parts or os.path.realpath(entry.parent) != str(entry.parent):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
    return entry


def store_upload(uploads: Path, folder: str, name: str, source: BinaryIO, largest_bytes: int) -> Upload:
    """Put a file into the watched folder: written under a hidden name, then renamed in one step.

    Args:
        uploads: the watched folder; made when it is missing.
        folder: below it, as :func:`folder_of` gives it.
        name: any; see :func:`safe_name`.
        source: open at its beginning.
        largest_bytes: more is refused.

    Raises:
        UploadError: too large, a name that ingestion ignores, or the disk refuses.
    """
    wanted = acceptable_name(name)
    target = uploads / folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        return _store(target, wanted, collection_in(folder), source, largest_bytes)
    except OSError as error:
        raise UploadError(f"{wanted} could not be stored in {target}: {error.strerror}. Make room, or give this user the right.") from error


def _store(target: Path, wanted: str, collection: str, source: BinaryIO, largest_bytes: int) -> Upload:
    aside = target / f".upload-{uuid.uuid4().hex}"
    try:
        _write(aside, source, largest_bytes, wanted)
        return _place(aside, target, wanted, collection)
    finally:
        aside.unlink(missing_ok=True)


def acceptable_name(name: str) -> str:
    """The name that a file would get; see :func:`safe_name`.

    Raises:
        UploadError: a file of that name would never be read.
    """
    wanted = safe_name(name)
    if is_ignored(wanted):
        raise UploadError(f"{wanted} has the name of a temporary file, which is never read. Give it another name.")
    return wanted


def copy_within(source: BinaryIO, target: BinaryIO, largest_bytes: int, name: str) -> None:
    """Copy a file that is not too large.

    Raises:
        UploadError: it is.
    """
    written = 0
    while block := source.read(_COPY_BYTES):
        written += len(block)
        if written > largest_bytes:
            raise UploadError(f"{name} is larger than {largest_bytes:,} bytes. Split it, or raise RAG_MAX_FILE_BYTES.")
        target.write(block)


def _write(aside: Path, source: BinaryIO, largest_bytes: int, name: str) -> None:
    with aside.open("xb") as stream:
        copy_within(source, stream, largest_bytes, name)
        stream.flush()
        os.fsync(stream.fileno())


def _place(aside: Path, folder: Path, wanted: str, collection: str) -> Upload:
    name, number = wanted, 1
    while True:
        if _rename_without_overwriting(aside, folder / name):
            sync_folder(folder)
            return Upload(name, collection, "added" if number == 1 else "renamed")
        if (folder / name).is_file() and filecmp.cmp(aside, folder / name, shallow=False):
            return Upload(name, collection, "unchanged")
        number += 1
        name = numbered_name(wanted, number)


def _rename_without_overwriting(source: Path, target: Path) -> bool:
    """False when something has that name. A hard link fails then in one step; file systems without links are asked first."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise
        if os.path.lexists(target):
            return False
        source.rename(target)
    return True

"""Files put into the watched folder, moved in it, taken out: safe names, nothing half-written, nothing overwritten, nothing else removed.

Belongs here: names, writing aside and renaming, which entry is removed. Not here: HTTP (``ui/api``), what becomes of the files.
"""

from __future__ import annotations

import errno
import filecmp
import os
import re
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.listing import (
    DEFAULT_COLLECTION,
    collection_of,
    document_id,
    document_name,
    escape_collection,
    is_ignored,
)
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
    """A file that was taken. ``file`` is its path below the watched folder now; ``unchanged`` when the very same file already lay there."""

    file: str
    outcome: Literal["added", "renamed", "unchanged"]

    @property
    def name(self) -> str:
        """What it is called now, below its collection."""
        return document_name(self.file)

    @property
    def collection(self) -> str:
        """The one that it belongs to."""
        return collection_of(self.file)

    @property
    def document_id(self) -> str:
        """Of the document that it is, or will be."""
        return document_id(self.file)


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
    encoded = os.fsencode(text)  # a file that is there already may have a name that is no UTF-8
    return text if len(encoded) <= longest_bytes else encoded[:longest_bytes].decode("utf-8", "ignore")


def numbered_name(name: str, number: int) -> str:
    """``report (2).pdf``: the name beside a file that already has it."""
    suffix = f" ({number})"
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    room = LONGEST_NAME_BYTES - len(os.fsencode(suffix + dot + extension))
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


def folder_below(folder: str, path: str) -> str:
    """The folder for files that keep their place below a collection.

    Args:
        folder: the collection's, as :func:`folder_of` gives it.
        path: the folders that they lie in, as a browser sends them; "": none.

    Raises:
        UploadError: what lies in a folder of that name is never read.
    """
    parts = [safe_name(part) for part in re.split(r"[/\\]", path) if part.strip(". ")]
    if ignored := [part for part in parts if is_ignored(part)]:
        raise UploadError(f"{ignored[0]} has the name of a temporary folder, in which nothing is read. Give it another name.")
    return "/".join([folder or DEFAULT_COLLECTION, *parts]) if parts else folder


def collection_in(folder: str) -> str:
    """The collection that files in a folder of :func:`folder_of` belong to."""
    return escape_collection(folder) or DEFAULT_COLLECTION


def path_below(folder: str, name: str) -> str:
    """The path below the watched folder of a file in a folder of it."""
    return f"{folder}/{name}" if folder else name


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
        folder: below it, as :func:`folder_of` or :func:`folder_below` gives it.
        name: any; see :func:`safe_name`.
        source: open at its beginning.
        largest_bytes: more is refused.

    Raises:
        UploadError: too large, a name that ingestion ignores, a folder that is not read, or the disk refuses.
    """
    wanted = acceptable_name(name)
    with _told(wanted, uploads / folder):
        return _store(_made(uploads, folder), folder, wanted, source, largest_bytes)


def move_upload(uploads: Path, file: str, folder: str) -> Upload:
    """Put a file of the watched folder into another folder of it, under its name.

    Args:
        uploads: the watched folder.
        file: path below it.
        folder: as of :func:`store_upload`.

    Raises:
        FileNotFoundError: it is not there any more.
        UploadError: it is a link, or the disk refuses.
    """
    source = listed_entry(uploads, file)
    if source.is_symlink():
        raise UploadError(f"{source.name} is a link to another file. Move it by hand.")
    if not source.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
    with _told(source.name, uploads / folder):
        target = _made(uploads, folder)
        if target.samefile(source.parent):
            return Upload(file, "unchanged")
        moved = _place(source, target, folder, source.name)
        try:
            source.unlink(missing_ok=True)  # under its other name it is there by now
        except OSError:
            if moved.outcome != "unchanged":
                (uploads / moved.file).unlink()
            raise
        return moved


@contextmanager
def _told(name: str, target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UploadError(f"{name} could not be stored in {target}: {error.strerror}. Make room, or give this user the right.") from error


def _made(uploads: Path, folder: str) -> Path:
    """A folder below the watched one; what a link leads to is not listed, so nothing is put there."""
    target = uploads / folder
    if os.path.realpath(target) != str(Path(os.path.realpath(uploads), folder)):
        raise UploadError(f"{folder} is a link, and what it leads to is not read. Choose another folder.")
    target.mkdir(parents=True, exist_ok=True)
    return target


def _store(target: Path, folder: str, wanted: str, source: BinaryIO, largest_bytes: int) -> Upload:
    aside = target / f".upload-{uuid.uuid4().hex}"
    try:
        _write(aside, source, largest_bytes, wanted)
        return _place(aside, target, folder, wanted)
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


def _place(aside: Path, target: Path, folder: str, wanted: str) -> Upload:
    name, number = wanted, 1
    while True:
        if _rename_without_overwriting(aside, target / name):
            sync_folder(target)
            return Upload(path_below(folder, name), "added" if number == 1 else "renamed")
        if _is_same(target / name, aside):
            return Upload(path_below(folder, name), "unchanged")
        number += 1
        name = numbered_name(wanted, number)


def _is_same(there: Path, file: Path) -> bool:
    """Whether a file has the same bytes, of its own: those of a link may be the very file that is to go."""
    return there.is_file() and not there.is_symlink() and filecmp.cmp(there, file, shallow=False)


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

"""One walk through an archive and all archives inside it: the bytes of each file counted, hashed, told by type, and kept if asked.

Belongs here: what all formats have in common, and how files are named in the end. Not here: any format (``zip_format`` and its
neighbours), what becomes of the files.

Nothing is written under a name of the archive: what is kept gets the number of its file.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.archive.limits import Budget, OverLimitError, too_deep
from rag_pipeline.ingestion.extract.archive.names import DOS, decoded_names, is_left_out, safe_path
from rag_pipeline.ingestion.extract.media_types import HEAD_BYTES
from rag_pipeline.ingestion.extract.source import MOST_NOTES
from rag_pipeline.models import Member

BLOCK_BYTES = 1 << 20
_LONGEST_DETAIL = 200

FormatReader = Callable[["OpenArchive", BinaryIO], None]
"""Hands all files of an archive to :meth:`OpenArchive.file`, one after the other."""


@dataclass(slots=True)
class Walk:
    """What holds for an archive with all inside it.

    Attributes:
        budget: the count of what comes out.
        readers: by media type; a file of one of these types is an archive.
        media_type_of: tells the type of a file by its name and first bytes.
        passwords: tried in this order.
        more_time: called before each file, which has a time limit of its own.
        keep: opens, for reading and writing, where the file of this number is kept; None keeps nothing.
    """

    budget: Budget
    readers: Mapping[str, FormatReader]
    media_type_of: Callable[[str, bytes], str]
    passwords: Sequence[str] = ()
    more_time: Callable[[], None] = lambda: None
    keep: Callable[[int], BinaryIO] | None = None
    numbers: int = 0

    def open(self, stream: BinaryIO, name: str, media_type: str, depth: int = 1, wanted: str = "") -> OpenArchive:
        """Read an archive through.

        Args:
            stream: at its beginning, seekable.
            name: of the archive.
            media_type: one of those that have a reader.
            depth: archives that it is in, itself included.
            wanted: path of the one file that is needed; others may be left out.

        Raises:
            DocumentError: it cannot be read, or unpacks to too much; files that cannot be read are among its files.
        """
        archive = OpenArchive(self, name, depth, wanted)
        self.readers[media_type](archive, stream)
        return archive


@dataclass(slots=True)
class InnerFile:
    """A file that was met. ``name`` as the archive has it; ``number`` is that of its kept bytes."""

    name: bytes | str
    number: int
    modified: int = 0
    size_bytes: int = 0
    content_hash: str | None = None
    media_type: str | None = None
    error: DocumentError | None = None
    archive: OpenArchive | None = None


@dataclass(slots=True)
class OpenArchive:
    """An archive that is being read, or was. ``notes`` say in words what of it could not be."""

    walk: Walk
    name: str
    depth: int = 1
    wanted: str = ""
    files: list[InnerFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    windows: bool = False
    encodings: Sequence[str] = DOS

    @contextmanager
    def file(self, name: bytes | str, modified: int = 0) -> Iterator[Intake]:
        """Take in one file: its bytes are written within the block, and what goes wrong there is its own error.

        Args:
            name: as it is in the archive; bytes where nothing says how they are encoded.
            modified: nanoseconds since 1970.
        """
        self.walk.budget.take_files(1)
        self.walk.more_time()
        self.walk.numbers += 1
        inner = InnerFile(name, self.walk.numbers, modified)
        intake = Intake(self, inner)
        try:
            yield intake
            intake.finish()
        except (MemoryError, OverLimitError, TransientError):
            raise
        except DocumentError as error:
            inner.error = error
        except Exception as error:  # noqa: BLE001 - libraries raise anything on what they do not understand
            inner.error = DocumentError("damaged", f"It is damaged in the archive: {described(error)}")
        finally:
            intake.close()
        self.files.append(inner)

    def note(self, words: str) -> None:
        """Say what could not be read; a few times is enough."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(words)

    def leaves_out(self, name: bytes | str) -> bool:
        """Whether a file of this name is none of the documents; told by its ASCII characters."""
        return is_left_out(safe_path(name if isinstance(name, str) else name.decode("utf-8", "replace"), windows=self.windows))

    def paths(self, names: Sequence[bytes | str]) -> list[str]:
        """The paths that files have as documents."""
        return [safe_path(name, windows=self.windows) for name in decoded_names(names, self.encodings)]

    def members(self) -> list[tuple[Member, InnerFile]]:
        """All files by their path below this archive, through archives inside it. Of two with one path the later counts, and it is noted.

        An archive inside that could be read is a folder; one that could not is a file.
        """
        found: list[tuple[Member, InnerFile]] = []
        for path, file in zip(self.paths([file.name for file in self.files]), self.files, strict=True):
            if file.archive is None:
                found.append((_member(path, file), file))
                continue
            found += [(_member(f"{path}/{member.path}", inner), inner) for member, inner in file.archive.members()]
            for note in file.archive.notes:
                self.note(f"{path}, an archive in it: {note}")
        for path, times in Counter(member.path for member, _ in found).items():
            if times > 1:
                self.note(f"{path} is in it {times} times; the last one counts.")
        return list({member.path: (member, file) for member, file in found}.values())


class Intake:
    """Takes the bytes of one file."""

    def __init__(self, archive: OpenArchive, inner: InnerFile) -> None:
        self._archive, self._inner = archive, inner
        self._hash, self._head = hashlib.sha256(), b""
        self._copy: IO[bytes] | None = None
        self._is_link = False

    @property
    def size_bytes(self) -> int:
        """How much was written."""
        return self._inner.size_bytes

    @property
    def is_full(self) -> bool:
        """Whether the rest does not matter: the file is too large."""
        return self._inner.size_bytes > self._archive.walk.budget.limits.file_bytes

    def write(self, data: bytes) -> int:
        """The next bytes.

        Raises:
            OverLimitError: the archive unpacks to too much.
        """
        self._archive.walk.budget.take_bytes(len(data))
        self._inner.size_bytes += len(data)
        if self.is_full:
            return len(data)
        self._hash.update(data)
        if self._inner.media_type is None:
            self._head += data
            if len(self._head) >= HEAD_BYTES:
                self._begin()
        else:
            self._keep(data)
        return len(data)

    def write_all(self, stream: IO[bytes]) -> None:
        """All of a stream, or as much as matters."""
        while not self.is_full and (block := stream.read(BLOCK_BYTES)):
            self.write(block)

    def is_same_as(self, other: InnerFile | None) -> None:
        """The file is one that was taken in before.

        Raises:
            DocumentError: there is none.
        """
        if other is None or other.content_hash is None or other.archive:
            raise DocumentError("damaged", "It is a link to a file that is not in the archive, or could not be read.")
        inner, self._is_link = self._inner, True
        inner.number, inner.size_bytes, inner.content_hash, inner.media_type = (
            other.number,
            other.size_bytes,
            other.content_hash,
            other.media_type,
        )

    def finish(self) -> None:
        """Everything was written.

        Raises:
            DocumentError: the file cannot be a document, or is an archive that cannot be read.
        """
        walk, inner = self._archive.walk, self._inner
        if self._is_link:
            return
        if self.is_full:
            limit = walk.budget.limits.file_bytes
            raise DocumentError(
                "too_large", f"The file has more than {limit:,} bytes, which RAG_MAX_FILE_BYTES allows. Raise it or split the file."
            )
        if inner.media_type is None:
            self._begin()
        inner.content_hash = self._hash.hexdigest()
        if self._copy and inner.media_type in walk.readers:
            self._read_archive(self._copy)  # type: ignore[arg-type]

    def begin_anew(self) -> None:
        """Forget what was written: it was deciphered with the wrong password."""
        self.close()
        self._inner.size_bytes, self._inner.media_type = 0, None
        self._hash, self._head = hashlib.sha256(), b""

    def close(self) -> None:
        """Close what is kept."""
        if self._copy:
            self._copy.close()
            self._copy = None

    def _begin(self) -> None:
        walk, inner = self._archive.walk, self._inner
        name = inner.name if isinstance(inner.name, str) else inner.name.decode("utf-8", "replace")
        inner.media_type = walk.media_type_of(name, self._head[:HEAD_BYTES])
        if walk.keep:
            self._copy = walk.keep(inner.number)
        elif inner.media_type in walk.readers:
            self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - close() does
        self._keep(self._head)

    def _keep(self, data: bytes) -> None:
        try:
            if self._copy:
                self._copy.write(data)
        except OSError as error:  # no fault of the file
            raise TransientError("disk_full", f"There is no room to unpack it ({error.strerror}). Make room.") from error

    def _read_archive(self, copy: BinaryIO) -> None:
        archive, inner, walk = self._archive, self._inner, self._archive.walk
        assert inner.media_type
        if archive.depth >= walk.budget.limits.depth:
            raise too_deep(archive.depth)
        (path,) = archive.paths([inner.name])
        copy.seek(0)
        try:
            wanted = archive.wanted.removeprefix(f"{path}/") if archive.wanted.startswith(f"{path}/") else ""
            inner.archive = walk.open(copy, path, inner.media_type, archive.depth + 1, wanted)
        except (MemoryError, DocumentError, TransientError):
            raise
        except Exception as error:
            raise DocumentError("damaged", f"The archive is damaged: {described(error)}") from error


def _member(path: str, file: InnerFile) -> Member:
    error = file.error
    known = file.content_hash if error is None else None
    return Member(
        path, file.size_bytes, file.modified, known, file.media_type, error.code if error else None, str(error) if error else None
    )


def described(error: Exception) -> str:
    """An error of a library, as the end of a sentence."""
    storable = str(error).encode("utf-8", "backslashreplace").decode()  # it may hold a name as it is in the archive
    detail = " ".join(storable.split())[:_LONGEST_DETAIL]
    return f"{type(error).__name__}{': ' if detail else ''}{detail}."

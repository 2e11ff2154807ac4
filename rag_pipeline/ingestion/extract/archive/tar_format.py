"""Tar archives and compressed files: one stream from beginning to end.

Belongs here: what of such a stream is a file, and where it breaks off. Not here: what becomes of the files.

What is compressed and is no tar archive is one file: ``table.csv.gz`` holds ``table.csv``.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, cast

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.archive.limits import Budget, OverLimitError
from rag_pipeline.ingestion.extract.archive.names import LOCAL
from rag_pipeline.ingestion.extract.archive.walk import BLOCK_BYTES, FormatReader, InnerFile, OpenArchive, described

_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".tgz", ".tbz2", ".tbz", ".txz", ".tzst")


def read_tar(archive: OpenArchive, stream: IO[bytes]) -> None:
    """All files of a tar archive, hard links as the files that they are. Links by name and devices are no files.

    Raises:
        DocumentError: it is none, or holds no files.
    """
    archive.encodings = LOCAL
    seen: dict[str, InnerFile] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header, errors="surrogateescape", encoding="utf-8") as tar:
            for header in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # a stream is not gone back in, and there may be a million
                _take(archive, tar, header, seen)
            reason = _Header.why_it_ends(tar)
    except (OverLimitError, MemoryError, TransientError):
        raise
    except Exception as error:  # noqa: BLE001 - decompressors and tarfile raise a dozen kinds
        reason = described(error)
    whole = sum(file.error is None for file in archive.files)
    if reason and not whole:
        raise DocumentError("damaged", f"The archive is damaged, nothing in it could be read: {reason} Make or fetch it again.")
    if reason:
        archive.note(f"It is damaged: {whole:,} files were read, what comes after them was not ({reason.rstrip('.')}).")


class _Header(tarfile.TarInfo):
    """Remembers how the archive ended: tarfile takes damage between two files for the end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> _Header:
        try:
            return super().fromtarfile(tar)
        except tarfile.TarError as error:
            tar.ended_by = error  # type: ignore[attr-defined]
            raise

    @staticmethod
    def why_it_ends(tar: tarfile.TarFile) -> str:
        """In words, empty where it ends as it should."""
        error = getattr(tar, "ended_by", None)
        if error is None or type(error).__name__ == "EOFHeaderError":
            return ""
        return "it ends without the mark of an end" if type(error).__name__ == "EmptyHeaderError" else described(error)


def _take(archive: OpenArchive, tar: tarfile.TarFile, header: tarfile.TarInfo, seen: dict[str, InnerFile]) -> None:
    raw = header.name.encode("utf-8", "surrogateescape")
    if not (header.isreg() or header.islnk()) or archive.leaves_out(raw):
        return
    modified = int(header.mtime * 1e9) if 0 < header.mtime < 1e11 else 0
    with archive.file(raw, modified) as intake:
        if header.islnk():
            intake.is_same_as(seen.get(header.linkname))
            return
        content = tar.extractfile(header)
        assert content is not None
        intake.write_all(content)
    seen[header.name] = archive.files[-1]
    if archive.files[-1].error and archive.files[-1].error.code == "damaged":
        raise tarfile.ReadError("a file is not whole")


def compressed(opener: Callable[[BinaryIO], IO[bytes]]) -> FormatReader:
    """Reads what is compressed so: a tar archive, or one file."""

    def read(archive: OpenArchive, stream: BinaryIO) -> None:
        with opener(stream) as plain:
            counted = _Counted(plain, archive.walk.budget)
            try:
                counted.look_ahead(tarfile.BLOCKSIZE)
            except (OverLimitError, MemoryError):
                raise
            except Exception as error:
                raise DocumentError(
                    "damaged", f"The file is damaged at its beginning: {described(error)} Make or fetch it again."
                ) from error
            if _is_tar(counted.head, archive.name):
                read_tar(archive, cast("IO[bytes]", counted))
                _check_to_the_end(archive, counted)
                return
            with archive.file(_without_ending(archive.name)) as intake:
                intake.write_all(cast("IO[bytes]", counted))

    return read


def _check_to_the_end(archive: OpenArchive, stream: _Counted) -> None:
    """Checksums stand behind what they are of, and a tar archive ends before its stream does."""
    if archive.notes:
        return
    try:
        while stream.read(BLOCK_BYTES):
            pass
    except (OverLimitError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - as in read_tar
        archive.note(f"It is damaged ({described(error)[:-1]}): what was read of it may not be what was packed.")


def _is_tar(head: bytes, name: str) -> bool:
    """A header's checksum tells it; of an archive without files its name does."""
    if not head.strip(b"\0"):
        return ".t" in name.lower()
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


def _without_ending(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _ENDINGS and path.stem else path.name


class _Counted:
    """A stream of which every byte is counted, those too that belong to no file."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream, self._budget, self.head = stream, budget, b""

    def look_ahead(self, size: int) -> None:
        """Make ``head`` the first bytes."""
        while len(self.head) < size and (more := self._next(size - len(self.head))):
            self.head += more

    def read(self, size: int) -> bytes:
        if self.head:
            given, self.head = self.head[:size], self.head[size:]
            return given
        return self._next(size)

    def _next(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._budget.take_stream(len(data))
        return data


def open_gzip(stream: BinaryIO) -> IO[bytes]:
    """See :func:`compressed`."""
    return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))


def open_bzip2(stream: BinaryIO) -> IO[bytes]:
    """See :func:`compressed`."""
    return cast("IO[bytes]", bz2.BZ2File(stream))


def open_xz(stream: BinaryIO) -> IO[bytes]:
    """See :func:`compressed`."""
    return cast("IO[bytes]", lzma.LZMAFile(stream))


def open_zstandard(stream: BinaryIO) -> IO[bytes]:
    """See :func:`compressed`."""
    zstd: Any
    try:
        from compression import zstd  # type: ignore[import-not-found,no-redef]  # Python 3.14
    except ImportError:
        from backports import zstd
    return cast("IO[bytes]", zstd.ZstdFile(stream))

"""Files as one stream (tar), cut into parts of a size that memory can take and any storage stores in one request.

Belongs here: packing and unpacking, bounded in memory, and telling a damaged part. Not here: which files (``snapshot.py``).

Files of the index are mostly holes, a hundred MiB of nothing for each segment: only their data is read, as GNU tar does (its sparse
format 1.0 in pax headers). A part is compressed where that is worth the time: the catalog is compressed already, and vectors do not shrink.
``zcat -f part-* | tar x`` unpacks a backup too.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from rag_pipeline.backup.manifest import BackupError, BackupManifest, Part, damaged, described
from rag_pipeline.backup.places import PART_PREFIX, Place
from rag_pipeline.stores.files import data_extents

Progress = Callable[[int], None]
"""Told how many bytes were packed or unpacked since it was told last."""
PART_BYTES = 32 << 20
_COMPRESSION = 1
"""Text shrinks to a third at the first level already, and the time goes up fivefold to the default one."""
_COMPRESSED = ".gz"
_WORTH_WHILE = 0.8
"""A part is compressed when a piece of its middle becomes smaller than this share of it."""
_BLOCK_BYTES = 1 << 20
_MOST_BYTES_WITH_HOLES = 8 << 30
"""Python's reader takes the next file for a part of one with holes and more data; such a one is packed with its zeros."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be packed, or an empty folder, and its path in the backup."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written: the parts, the number of files, and the bytes that they have on the disk."""

    parts: list[Part]
    files: int
    unpacked_bytes: int


def pack(place: Place, files: Iterable[SourceFile], progress: Progress) -> Packed:
    """Write files to a place.

    Raises:
        BackupError: one of them shrank while it was read.
        OSError: one cannot be read.
    """
    sink = _PartWriter(place)
    count = unpacked = 0
    with tarfile.open(fileobj=cast("IO[bytes]", sink), mode="w|", bufsize=_BLOCK_BYTES) as tar:
        for file in files:
            unpacked += _add(tar, file, progress)
            count += 1
            _forget_members(tar)
    sink.finish()
    return Packed(sink.parts, count, unpacked)


def _add(tar: tarfile.TarFile, file: SourceFile, progress: Progress) -> int:
    """The bytes of data that it has."""
    if file.path.is_dir():
        folder = tarfile.TarInfo(file.name)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(folder)
        return 0
    with file.path.open("rb") as stream:
        status = os.fstat(stream.fileno())
        extents = data_extents(stream.fileno(), status.st_size)
        data = sum(length for _, length in extents)
        if data >= _MOST_BYTES_WITH_HOLES:
            extents, data = [(0, status.st_size)], status.st_size
        info = tarfile.TarInfo(file.name)
        info.mode = 0o600
        info.pax_headers = {"mtime": f"{status.st_mtime_ns // 10**9}.{status.st_mtime_ns % 10**9:09}"}
        header = _sparse_map(extents) if data < status.st_size else b""
        if header:
            sparse = {"major": "1", "minor": "0", "name": file.name, "realsize": str(status.st_size)}
            info.pax_headers |= {f"GNU.sparse.{key}": value for key, value in sparse.items()}
        info.size = len(header) + data
        try:
            tar.addfile(info, cast("IO[bytes]", _Extents(stream, header, extents, progress)))
        except OSError as error:
            if error.errno is None:  # tarfile's own: too few bytes came
                raise BackupError(f"{str(file.path)!r} changed while it was copied. Do it again.") from error
            raise
    return data


def _sparse_map(extents: list[tuple[int, int]]) -> bytes:
    numbers = [len(extents), *(number for extent in extents for number in extent)]
    text = "".join(f"{number}\n" for number in numbers).encode()
    return text.ljust(-(-len(text) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE, b"\0")


class _Extents:
    """The data of a file, one piece after the other, behind the map that says where they belong."""

    def __init__(self, stream: IO[bytes], header: bytes, extents: list[tuple[int, int]], progress: Progress) -> None:
        self._stream = stream
        self._header = io.BytesIO(header)
        self._waiting = list(reversed(extents))
        self._progress = progress

    def read(self, size: int) -> bytes:
        pieces = [self._header.read(size)]
        wanted = size - len(pieces[0])
        while wanted and self._waiting:
            start, length = self._waiting.pop()
            self._stream.seek(start)
            piece = self._stream.read(min(wanted, length))
            if piece and len(piece) < length:
                self._waiting.append((start + len(piece), length - len(piece)))
            pieces.append(piece)
            wanted -= len(piece)
            self._progress(len(piece))
        return b"".join(pieces)


class _PartWriter:
    """A stream that becomes parts."""

    def __init__(self, place: Place) -> None:
        self.parts: list[Part] = []
        self._place = place
        self._buffer = bytearray()

    def write(self, block: bytes) -> int:
        self._buffer += block
        while len(self._buffer) >= PART_BYTES:
            self._put(PART_BYTES)
        return len(block)

    def flush(self) -> None:
        """Nothing is written before a part is full."""

    def finish(self) -> None:
        if self._buffer:
            self._put(len(self._buffer))

    def _put(self, size: int) -> None:
        content = bytes(self._buffer[:size])
        del self._buffer[:size]
        name = f"{PART_PREFIX}{len(self.parts) + 1:05}"
        if _is_worth_compressing(content):
            name, content = name + _COMPRESSED, gzip.compress(content, _COMPRESSION, mtime=0)
        part = described(name, content)
        self._place.put(part.name, content)
        self.parts.append(part)


def _is_worth_compressing(content: bytes) -> bool:
    middle = content[(len(content) - _BLOCK_BYTES) // 2 :][:_BLOCK_BYTES] if len(content) > _BLOCK_BYTES else content
    return len(zlib.compress(middle, _COMPRESSION)) < _WORTH_WHILE * len(middle)


def unpack(place: Place, manifest: BackupManifest, root: Path, progress: Progress) -> None:
    """Write the files of a backup below a folder. Each part is verified before anything of it is.

    Raises:
        BackupError: a part is missing or damaged, and which.
    """
    count = 0
    try:
        with io.BufferedReader(_PartReader(place, manifest), _BLOCK_BYTES) as plain:
            with tarfile.open(fileobj=plain, mode="r|", bufsize=_BLOCK_BYTES) as tar:
                while info := tar.next():
                    progress(_extract(tar, info, root, place.address))
                    count += 1
                    _forget_members(tar)
            while plain.read(_BLOCK_BYTES):  # to the last part's end
                pass
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:  # the parts are as they were written: then it was wrongly
        raise damaged("The content", place.address) from error
    if count != manifest.files:
        raise damaged("The content", place.address)


def _forget_members(tar: tarfile.TarFile) -> None:
    """It keeps a record of each file for looking back, which a stream cannot: of a million files, a gigabyte."""
    cast("Any", tar).members.clear()


def _extract(tar: tarfile.TarFile, info: tarfile.TarInfo, root: Path, address: str) -> int:
    """Write a file; the bytes of data that it has. Neither links nor ways out of the folder are followed: nobody packed any."""
    pieces = info.name.split("/")
    path = root.joinpath(*pieces)
    if not (info.isreg() or info.isdir()) or not all(pieces) or {".", ".."} & {*pieces}:
        raise damaged(f"{info.name!r}", address)
    if info.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    data = info.size
    extents = cast("list[tuple[int, int]] | None", info.sparse)
    if extents is not None:
        data = sum(length for _, length in extents)
        info.size = int(info.pax_headers["GNU.sparse.realsize"])
    tar.makefile(info, path)
    seconds, _, rest = str(info.pax_headers.get("mtime", "0")).partition(".")
    modified = int(seconds) * 10**9 + int(rest.ljust(9, "0")[:9])
    os.utime(path, ns=(modified, modified))
    return data


class _PartReader(io.RawIOBase):
    """The parts of a backup as one stream, one in memory at a time."""

    def __init__(self, place: Place, manifest: BackupManifest) -> None:
        self._place = place
        self._waiting = list(reversed(manifest.parts))
        self._current = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._current.readinto(buffer)
        while not found and self._waiting:
            part = self._waiting.pop()
            content = self._place.get(part.name)
            if content is None or described(part.name, content) != part:
                raise damaged(part.name, self._place.address)
            self._current = io.BytesIO(gzip.decompress(content) if part.name.endswith(_COMPRESSED) else content)
            found = self._current.readinto(buffer)
        return found

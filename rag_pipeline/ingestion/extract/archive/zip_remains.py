"""What can be read of a zip archive whose end is missing, as of a download that broke off: its directory stands there.

Belongs here: finding files by the headers before them (APPNOTE.TXT 6.3.10, 4.3.7). Not here: whole archives (``zip_format``).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.archive.walk import BLOCK_BYTES, InnerFile, Intake, OpenArchive

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_SIGNATURE, _DESCRIPTOR = b"PK\x03\x04", b"PK\x07\x08"
_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
_STORED, _DEFLATED = 0, 8
_IN_EXTRA = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Header:
    """Of one file; ``packed_bytes`` and ``checksum`` are None where they follow the file."""

    name: bytes | str
    method: int
    encrypted: bool
    packed_bytes: int | None
    checksum: int | None


def read_remains(archive: OpenArchive, stream: BinaryIO, reason: str) -> None:
    """All files up to the first that is not whole.

    Args:
        archive: takes them.
        stream: seekable.
        reason: why the directory cannot be read, as the end of a sentence.

    Raises:
        DocumentError: there is not one (``damaged``).
    """
    stream.seek(0)
    whole = 0
    while (header := _next_header(stream)) is not None:
        if (isinstance(header.name, bytes) and header.name.endswith((b"/", b"\\"))) or archive.leaves_out(header.name):
            with archive.file("left out") as intake:
                _unpack(stream, header, intake)
            if _is_damaged(archive.files.pop()):
                break
            continue
        with archive.file(header.name) as intake:
            _unpack(stream, header, intake)
        if _is_damaged(archive.files[-1]):
            break
        whole += 1
    if not whole:
        raise DocumentError("damaged", f"The archive is damaged: {reason} Make or fetch it again.")
    archive.note(f"Its end, where all files are listed, is missing or damaged: {whole:,} files were found without it, others were not.")


def _is_damaged(file: InnerFile) -> bool:
    return file.error is not None and file.error.code == "damaged"


def _next_header(stream: BinaryIO) -> _Header | None:
    block = stream.read(_LOCAL_HEADER.size)
    if len(block) < _LOCAL_HEADER.size or not block.startswith(_SIGNATURE):
        return None
    _, _, flags, method, _, _, checksum, packed, _, name_size, extra_size = _LOCAL_HEADER.unpack(block)
    name, extra = stream.read(name_size), stream.read(extra_size)
    if len(extra) < extra_size:
        return None
    follow = bool(flags & _SIZES_FOLLOW)
    size = _zip64_size(extra) if packed == _IN_EXTRA else packed
    shown = name.decode("utf-8", "replace") if flags & _UTF8 else name
    return _Header(shown, method, bool(flags & _ENCRYPTED), None if follow else size, None if follow else checksum)


def _zip64_size(extra: bytes) -> int | None:
    """The packed size: the second number of the first field (4.5.3)."""
    return int(struct.unpack_from("<Q", extra, 12)[0]) if len(extra) >= 20 and extra[:2] == b"\x01\x00" else None


def _unpack(stream: BinaryIO, header: _Header, intake: Intake) -> None:
    """Hand over a file's bytes, and stop behind it.

    Raises:
        DocumentError: it is not whole, or cannot be read without the directory.
    """
    if header.encrypted or header.method not in (_STORED, _DEFLATED) or (header.method == _STORED and header.packed_bytes is None):
        if header.packed_bytes is None:
            raise DocumentError("damaged", "The archive is damaged, and without its directory this file cannot be read.")
        stream.seek(header.packed_bytes, 1)
        raise DocumentError("unreadable_content", "The archive is damaged, and without its directory this file cannot be read.")
    checksum = 0
    for data in _stored(stream, header.packed_bytes or 0) if header.method == _STORED else _inflated(stream):
        checksum = zlib.crc32(data, checksum)
        intake.write(data)
    expected = header.checksum if header.checksum is not None else _descriptor(stream)
    if checksum != expected:
        raise DocumentError("damaged", "The file is not whole in the archive.")


def _stored(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (data := stream.read(min(size, BLOCK_BYTES))):
        size -= len(data)
        yield data


def _inflated(stream: BinaryIO) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting = b""
    while not decompressor.eof:
        packed = waiting or stream.read(BLOCK_BYTES)
        if not packed:
            raise DocumentError("damaged", "The file is not whole in the archive.")
        yield decompressor.decompress(packed, BLOCK_BYTES)
        waiting = decompressor.unconsumed_tail
    stream.seek(-len(decompressor.unused_data), 1)


def _descriptor(stream: BinaryIO) -> int | None:
    """The checksum behind a file (4.3.9), with or without a signature, sizes of four bytes or eight; stops behind it."""
    start = stream.tell()
    block = stream.read(24)
    signed = block.startswith(_DESCRIPTOR)
    for size in (8, 16):  # of the two sizes
        end = 4 * signed + 4 + size
        following = block[end : end + 4] if len(block) >= end + 4 else _peek(stream, start + end)
        if following[:2] == b"PK" or not following:
            stream.seek(start + end)
            break
    return int(struct.unpack_from("<L", block, 4 * signed)[0]) if len(block) >= 4 * signed + 4 else None


def _peek(stream: BinaryIO, position: int) -> bytes:
    stream.seek(position)
    return stream.read(4)

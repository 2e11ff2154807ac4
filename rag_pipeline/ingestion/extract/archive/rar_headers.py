"""What RAR archives of version 5 say of their files, as far as libarchive 3.6 does not look at it: checksums, and that they are encrypted.

Belongs here: their headers ("RAR 5.0 archive format"). Not here: unpacking (``libarchive``).

libarchive compares no checksum of a file that is stored as it is, and takes what is encrypted for what was packed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SIGNATURE = b"Rar!\x1a\x07\x01\x00"
_FILE = 2
_HAS_EXTRA, _HAS_DATA, _HAS_TIME, _HAS_CHECKSUM = 1, 2, 2, 4
_ENCRYPTION = 1
_LARGEST_HEADER = 2 << 20
"""By the description."""
_LONGEST_NUMBER = 10


@dataclass(frozen=True, slots=True)
class Header:
    """Of a file, a folder or a link: ``checksum`` (CRC-32) is None where there is none."""

    name: bytes
    checksum: int | None
    is_encrypted: bool


def headers_of(stream: BinaryIO) -> Iterator[Header]:
    """Those of version 5, in their order, as far as they can be read; none of other versions."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if stream.read(len(_SIGNATURE)) != _SIGNATURE:
        return
    place = len(_SIGNATURE)
    while 0 < place < size:
        stream.seek(place)
        start = stream.read(4 + _LONGEST_NUMBER)
        try:
            length, at = _number(start, 4)
            stream.seek(place + at)
            block = stream.read(min(length, _LARGEST_HEADER))
            kind, data_bytes, fields, extra = _parts(block)
            if kind == _FILE:
                yield _header(fields, extra)
        except IndexError:
            return
        place += at + length + data_bytes


def _parts(block: bytes) -> tuple[int, int, bytes, bytes]:
    """Its kind, how many bytes follow it, its fields, and the records behind them."""
    kind, at = _number(block, 0)
    flags, at = _number(block, at)
    extra_bytes, at = _number(block, at) if flags & _HAS_EXTRA else (0, at)
    data_bytes, at = _number(block, at) if flags & _HAS_DATA else (0, at)
    end = max(len(block) - extra_bytes, at)
    return kind, data_bytes, block[at:end], block[end:]


def _header(fields: bytes, extra: bytes) -> Header:
    flags, at = _number(fields, 0)
    for _ in ("its size", "its attributes"):
        _, at = _number(fields, at)
    at += 4 if flags & _HAS_TIME else 0
    checksum = int.from_bytes(fields[at : at + 4], "little") if flags & _HAS_CHECKSUM else None
    at += 4 if flags & _HAS_CHECKSUM else 0
    for _ in ("how it is packed", "the system"):
        _, at = _number(fields, at)
    length, at = _number(fields, at)
    return Header(fields[at : at + length], checksum, _ENCRYPTION in _kinds(extra))


def _kinds(extra: bytes) -> Iterator[int]:
    at = 0
    while at < len(extra):
        length, at = _number(extra, at)
        kind, _ = _number(extra, at)
        yield kind
        at += max(length, 1)


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, of which all but the last have the eighth set; and the place behind it.

    Raises:
        IndexError: it is cut off.
    """
    value = 0
    for shift in range(0, 7 * _LONGEST_NUMBER, 7):
        byte = content[at]
        value, at = value | (byte & 0x7F) << shift, at + 1
        if not byte & 0x80:
            return value, at
    raise IndexError(at)

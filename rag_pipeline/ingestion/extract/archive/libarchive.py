"""libarchive, a library of the system, as far as RAR archives need it.

Belongs here: finding and calling it (archive.h and archive_entry.h of version 3). Not here: what becomes of the files (``rar``).

The package libarchive-c does the same for all formats and brings no library either: 500 lines beside these.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import UnsupportedOperation
from typing import BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.archive.walk import BLOCK_BYTES

_LINUX_NAME = "libarchive.so.13"
"""Where nothing tells what is installed, as in small containers."""
_END, _WARNING = 1, -20
_READ_AT_ONCE = 1 << 16
_POINTER, _TEXT, _NUMBER = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64
_FUNCTIONS = {
    "archive_read_new": (_POINTER,),
    "archive_read_support_format_rar": (ctypes.c_int, _POINTER),
    "archive_read_support_format_rar5": (ctypes.c_int, _POINTER),
    "archive_read_open_fd": (ctypes.c_int, _POINTER, ctypes.c_int, ctypes.c_size_t),
    "archive_read_open_memory": (ctypes.c_int, _POINTER, _TEXT, ctypes.c_size_t),
    "archive_read_next_header": (ctypes.c_int, _POINTER, ctypes.POINTER(_POINTER)),
    "archive_read_data": (ctypes.c_ssize_t, _POINTER, _POINTER, ctypes.c_size_t),
    "archive_read_free": (ctypes.c_int, _POINTER),
    "archive_error_string": (_TEXT, _POINTER),
    "archive_entry_pathname_utf8": (_TEXT, _POINTER),
    "archive_entry_pathname": (_TEXT, _POINTER),
    "archive_entry_hardlink_utf8": (_TEXT, _POINTER),
    "archive_entry_filetype": (ctypes.c_uint, _POINTER),
    "archive_entry_is_encrypted": (ctypes.c_int, _POINTER),
    "archive_entry_mtime": (_NUMBER, _POINTER),
    "archive_entry_mtime_nsec": (ctypes.c_long, _POINTER),
    "archive_entry_size_is_set": (ctypes.c_int, _POINTER),
    "archive_entry_size": (_NUMBER, _POINTER),
}
"""What each gives, and takes."""


class LibraryError(Exception):
    """What libarchive says of an archive that it cannot read, or not further."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder or a link. ``modified`` in nanoseconds since 1970; ``size_bytes`` is None where the archive does not say it."""

    name: bytes
    same_as: bytes | None
    is_file: bool
    is_encrypted: bool
    modified: int
    size_bytes: int | None


def library() -> ctypes.CDLL | None:
    """libarchive; None where it is not installed, or older than its reader of RAR 5 (3.4)."""
    return _loaded(ctypes.util.find_library("archive") or _LINUX_NAME)


@cache
def _loaded(found: str) -> ctypes.CDLL | None:
    try:
        loaded = ctypes.CDLL(found)
        for name, (gives, *takes) in _FUNCTIONS.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = gives, takes
    except (OSError, AttributeError):
        return None
    return loaded


class RarArchive:
    """An archive that is being read, from its beginning to its end."""

    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._library = loaded
        self._archive = loaded.archive_read_new()
        self._buffer = ctypes.create_string_buffer(BLOCK_BYTES)
        self._held: object = None

    def entries(self) -> Iterator[Entry]:
        """All of them; :meth:`read` reads the one that was given last.

        Raises:
            LibraryError: the archive cannot be read further.
        """
        handle = _POINTER()
        while True:
            result = self._library.archive_read_next_header(self._archive, ctypes.byref(handle))
            if result == _END:
                return
            if result < _WARNING:
                raise LibraryError(self._error())
            yield self._entry(handle)

    def read(self, size: int) -> bytes:
        """The next bytes of a file, none at its end.

        Raises:
            LibraryError: it is damaged, or packed in a way that the library does not know.
        """
        count = self._library.archive_read_data(self._archive, self._buffer, min(size, BLOCK_BYTES))
        if count < 0:
            raise LibraryError(self._error())
        return ctypes.string_at(self._buffer, count)

    def open(self, stream: BinaryIO) -> None:
        """Begin.

        Raises:
            LibraryError: it is no RAR archive.
        """
        self._library.archive_read_support_format_rar(self._archive)
        self._library.archive_read_support_format_rar5(self._archive)
        try:
            number = stream.fileno()
            os.lseek(number, 0, os.SEEK_SET)
            result = self._library.archive_read_open_fd(self._archive, number, _READ_AT_ONCE)
        except UnsupportedOperation:  # it is in memory
            stream.seek(0)
            self._held = content = stream.read()
            result = self._library.archive_read_open_memory(self._archive, content, len(content))
        if result:
            raise LibraryError(self._error())

    def close(self) -> None:
        """Free what it holds."""
        self._library.archive_read_free(self._archive)

    def _error(self) -> str:
        return (self._library.archive_error_string(self._archive) or b"unknown error").decode("utf-8", "replace")

    def _entry(self, handle: ctypes.c_void_p) -> Entry:
        call = self._library
        return Entry(
            call.archive_entry_pathname_utf8(handle) or call.archive_entry_pathname(handle) or b"without a name",
            call.archive_entry_hardlink_utf8(handle),
            stat.S_ISREG(call.archive_entry_filetype(handle)),
            bool(call.archive_entry_is_encrypted(handle)),
            call.archive_entry_mtime(handle) * 1_000_000_000 + call.archive_entry_mtime_nsec(handle),
            call.archive_entry_size(handle) if call.archive_entry_size_is_set(handle) else None,
        )


@contextmanager
def opened(stream: BinaryIO) -> Iterator[RarArchive]:
    """A RAR archive.

    Raises:
        DocumentError: libarchive is not installed (``missing_program``).
        LibraryError: it is no such archive.
    """
    loaded = library()
    if loaded is None:
        words = (
            "It is a RAR archive, which needs libarchive, which is not installed. Install it (Debian, Ubuntu: apt install libarchive13)."
        )
        raise DocumentError("missing_program", words, state="unsupported")
    archive = RarArchive(loaded)
    try:
        archive.open(stream)
        yield archive
    finally:
        archive.close()

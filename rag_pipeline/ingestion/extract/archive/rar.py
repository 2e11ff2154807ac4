"""RAR archives, by libarchive: versions 4 and 5, solid ones too.

Belongs here: which entries are files, what is said of those that cannot be read. Not here: calling the library (``libarchive``), what
becomes of the files.

It reads none that are encrypted, whatever the password, and of an archive in several volumes the one that it is given.
"""

from __future__ import annotations

import zlib
from itertools import zip_longest
from typing import BinaryIO, cast

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.archive.libarchive import Entry, LibraryError, RarArchive, opened
from rag_pipeline.ingestion.extract.archive.rar_headers import Header, headers_of
from rag_pipeline.ingestion.extract.archive.walk import InnerFile, OpenArchive

_ENCRYPTED = "It is encrypted, which is not read of RAR archives: unpack it, and put the files into the folder."
_ENCRYPTED_AS_A_WHOLE = "ncrypt"
"""What libarchive says of an archive whose names are encrypted, in other words for each version."""


def read_rar(archive: OpenArchive, stream: BinaryIO) -> None:
    """All files; of a damaged archive those before the damage. Links by name are none.

    Raises:
        DocumentError: libarchive is not installed, it is no such archive, or nothing in it can be read.
    """
    seen: dict[bytes, InnerFile] = {}
    reason = ""
    try:
        headers = list(headers_of(stream))
        with opened(stream) as rar:
            for entry, header in zip_longest(rar.entries(), headers):
                if entry is None:
                    break
                _take(archive, rar, entry, header if header and header.name == entry.name else None, seen)
    except LibraryError as error:
        reason = str(error)
    whole = sum(file.error is None for file in archive.files)
    if not whole and (_ENCRYPTED_AS_A_WHOLE in reason or any(str(file.error) == _ENCRYPTED for file in archive.files)):
        raise DocumentError("unreadable_content", _ENCRYPTED)
    if reason and not whole:
        raise DocumentError("damaged", f"The archive is damaged, nothing in it could be read: {reason}. Make or fetch it again.")
    if reason:
        archive.note(f"It is damaged, or goes on in another volume: {whole:,} files were read, what comes after was not ({reason}).")


def _take(archive: OpenArchive, rar: RarArchive, entry: Entry, header: Header | None, seen: dict[bytes, InnerFile]) -> None:
    name = entry.name.decode("utf-8", "replace")
    if not (entry.is_file or entry.same_as) or archive.leaves_out(name):
        return
    with archive.file(name, max(entry.modified, 0)) as intake:
        if entry.same_as:
            intake.is_same_as(seen.get(entry.same_as))
        elif entry.is_encrypted or (header and header.is_encrypted):
            raise DocumentError("unreadable_content", _ENCRYPTED)
        else:
            checked = _Checked(rar)
            intake.write_all(cast("BinaryIO", checked))
            said = header.checksum if header else None
            if not intake.is_full and (entry.size_bytes not in (None, intake.size_bytes) or said not in (None, checked.checksum)):
                raise DocumentError("damaged", "The file is not whole in the archive.")
    seen[entry.name] = archive.files[-1]


class _Checked:
    """A file as it is read, with the checksum of its bytes."""

    def __init__(self, rar: RarArchive) -> None:
        self._rar, self.checksum = rar, 0

    def read(self, size: int) -> bytes:
        data = self._rar.read(size)
        self.checksum = zlib.crc32(data, self.checksum)
        return data

"""Zip archives: by their directory, or, where that is missing, by what can be found from the beginning.

Belongs here: names, dates, passwords of zip files (APPNOTE.TXT 6.3.10). Not here: what becomes of the files; files that are zip archives
inside (Office, EPUB): those are documents, and are told so by their bytes (``media_types``).
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import IO, Any, BinaryIO

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.archive.names import DOS, LOCAL
from rag_pipeline.ingestion.extract.archive.programs import missing_library
from rag_pipeline.ingestion.extract.archive.walk import Intake, OpenArchive, described
from rag_pipeline.ingestion.extract.archive.zip_remains import read_remains
from rag_pipeline.ingestion.extract.source import password_protected

_ENCRYPTED, _UTF8 = 0x1, 0x800
_AES = 99
_UNIX, _MACOS = 3, 19
_UNICODE_PATH = 0x7075


def read_zip(archive: OpenArchive, stream: BinaryIO) -> None:
    """All files of a zip archive; of one that ends too early those that are whole.

    Raises:
        DocumentError: it is none, holds no files, or none of the listed passwords opens it.
    """
    opened = _opened(stream)
    if isinstance(opened, str):
        read_remains(archive, stream, opened)
        return
    infos = [info for info in opened.infolist() if _is_file(info)]
    _prepare(archive, infos)
    names = [_name(info) for info in infos]
    chosen = [(info, name) for info, name in zip(infos, names, strict=True) if not archive.leaves_out(name)]
    archive.walk.budget.expect_files(len(chosen))
    paths = archive.paths([name for _, name in chosen])
    reader = _Reader(opened, stream, archive.walk.passwords)
    for (info, name), path in sorted(zip(chosen, paths, strict=True), key=lambda one: one[0][0].header_offset):
        if not archive.wanted or archive.wanted == path or archive.wanted.startswith(f"{path}/"):
            with archive.file(name, _modified(info)) as intake:
                reader.read(info, intake)
    if archive.files and all(file.error and file.error.code == "password_protected" for file in archive.files):
        raise password_protected("The archive")


def _opened(stream: BinaryIO) -> zipfile.ZipFile | str:
    """The archive, or why its directory cannot be read."""
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, struct.error, EOFError, OSError) as error:
        return described(error)


def _prepare(archive: OpenArchive, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Programs of Windows write backslashes, and the code page of its command line; others the one of their user."""
    systems = {info.create_system for info in infos}
    archive.windows = not systems & {_UNIX, _MACOS} or not any("/" in info.orig_filename for info in infos)
    archive.encodings = LOCAL if systems <= {_UNIX, _MACOS} else DOS


def _is_file(info: zipfile.ZipInfo) -> bool:
    """Folders, links and devices are none."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    special = info.create_system in (_UNIX, _MACOS) and kind not in (0, stat.S_IFREG)
    return not (special or info.orig_filename.endswith(("/", "\\")))


def _name(info: zipfile.ZipInfo) -> bytes | str:
    """Bytes where the archive does not say that they are UTF-8; zipfile has read those as code page 437, which has a character for each."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    raw = info.orig_filename.encode("cp437", "replace")
    return _unicode_path(info.extra, raw) or raw


def _unicode_path(extra: bytes, raw: bytes) -> str:
    """The name in UTF-8 that some programs put beside the other one (4.6.9); it holds while its checksum is that of the other."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        content = extra[4 : 4 + size]
        if kind == _UNICODE_PATH and len(content) > 5 and struct.unpack_from("<BL", content) == (1, zlib.crc32(raw)):
            return content[5:].decode("utf-8", "replace")
        extra = extra[4 + size :]
    return ""


def _modified(info: zipfile.ZipInfo) -> int:
    """Zip files keep the clock's time and no zone: taken for UTC."""
    try:
        return int(datetime(*info.date_time, tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        return 0


class _Reader:
    """Opens the files of an archive, with the passwords that are listed."""

    def __init__(self, opened: zipfile.ZipFile, stream: BinaryIO, passwords: Sequence[str]) -> None:
        self._opened, self._stream, self._passwords = opened, stream, list(passwords)
        self._aes: Any = None
        self._aes_infos: dict[int, Any] = {}

    def read(self, info: zipfile.ZipInfo, intake: Intake) -> None:
        """Hand over the bytes of a file.

        Raises:
            DocumentError: no listed password opens it, or it takes a library that is not there.
        """
        if not info.flag_bits & _ENCRYPTED:
            self._read(info, None, intake)
            return
        for password in self._passwords:
            try:
                self._read(info, password.encode(), intake)
            except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError):  # one byte tells: every 256th wrong one is found out later
                intake.begin_anew()
                continue
            self._passwords.remove(password)
            self._passwords.insert(0, password)
            return
        raise password_protected("The file")

    def _read(self, info: zipfile.ZipInfo, password: bytes | None, intake: Intake) -> None:
        by_aes = password is not None and info.compress_type == _AES
        try:
            with self._opened_aes(info, password) if by_aes else self._opened.open(info, pwd=password) as content:
                intake.write_all(content)
        except NotImplementedError as error:
            words = f"It is packed by a method that is not read ({error}). Pack it anew by the common one (Deflate)."
            raise DocumentError("unreadable_content", words) from None

    def _opened_aes(self, info: zipfile.ZipInfo, password: bytes | None) -> IO[bytes]:
        if self._aes is None:
            try:
                pyzipper: Any = import_module("pyzipper")  # it tells its types to nobody
            except ImportError:
                raise missing_library("The file is encrypted with AES") from None
            self._aes = pyzipper.AESZipFile(self._stream)
            self._aes_infos = {one.header_offset: one for one in self._aes.infolist()}
        opened: IO[bytes] = self._aes.open(self._aes_infos[info.header_offset], pwd=password)
        return opened

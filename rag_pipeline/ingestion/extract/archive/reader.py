"""The two ways to read an archive: what is in it, and its files themselves.

Belongs here: which format is read by what, what is said of an archive as a whole. Not here: any format, the walk through it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.archive import tar_format
from rag_pipeline.ingestion.extract.archive.formats import BZIP2, GZIP, RAR, SEVEN_ZIP, TAR, XZ, ZIP, ZSTANDARD
from rag_pipeline.ingestion.extract.archive.limits import Budget
from rag_pipeline.ingestion.extract.archive.rar import read_rar
from rag_pipeline.ingestion.extract.archive.seven_zip import read_seven_zip
from rag_pipeline.ingestion.extract.archive.walk import FormatReader, Walk
from rag_pipeline.ingestion.extract.archive.zip_format import read_zip
from rag_pipeline.ingestion.extract.media_types import HEAD_BYTES
from rag_pipeline.ingestion.extract.source import ReadingOptions, Source
from rag_pipeline.models import Element, Member

READERS: Mapping[str, FormatReader] = {
    ZIP: read_zip,
    TAR: tar_format.read_tar,
    GZIP: tar_format.compressed(tar_format.open_gzip),
    BZIP2: tar_format.compressed(tar_format.open_bzip2),
    XZ: tar_format.compressed(tar_format.open_xz),
    ZSTANDARD: tar_format.compressed(tar_format.open_zstandard),
    SEVEN_ZIP: read_seven_zip,
    RAR: read_rar,
}
_CURABLE = ("password_protected", "missing_program")


def members_of(source: Source, media_type: str) -> Iterator[Element]:
    """No elements: fills ``source.members``.

    Raises:
        DocumentError: it cannot be read, holds no documents, unpacks to too much, or is inside a document.
    """
    if source.inside_depth:
        raise DocumentError("unsupported_type", "Archives inside a document are not read: save it into the folder.", state="unsupported")
    walk = _walk(source.stream, source.options, source.media_type_of, source.more_time)
    archive = walk.open(source.stream, source.name, media_type)
    members = [member for member, _ in archive.members()]
    if not members:
        raise DocumentError("empty", "The archive holds no files, or only hidden and temporary ones.", state="empty")
    source.notes += archive.notes + _curable(members)
    source.members += members
    yield from ()


def _curable(members: list[Member]) -> list[str]:
    """A note, so that the archive is read again once there are more passwords or libraries."""
    waiting = sum(member.error_code in _CURABLE for member in members)
    return [f"{waiting:,} of its files need a password or a library that is not there: see each of them."] if waiting else []


def unpacked(
    path: Path,
    name: str,
    wanted: str,
    folder: Path,
    options: ReadingOptions,
    media_type_of: Callable[[str, bytes], str],
    more_time: Callable[[], None],
) -> dict[str, Path]:
    """Write files of an archive into a folder, under numbers.

    Args:
        path: where the archive is.
        name: its own.
        wanted: path in it of the one that is needed. Where others have to be unpacked on the way, they are written too.
        folder: is there, and empty.
        options: limits and passwords.
        media_type_of: see :class:`Source`.
        more_time: see :class:`Source`.

    Returns:
        Path in the archive → the file.

    Raises:
        DocumentError: the archive cannot be read.
    """
    with path.open("rb") as stream:
        media_type = media_type_of(name, stream.read(HEAD_BYTES))
        stream.seek(0)
        if media_type not in READERS:
            return {}
        walk = _walk(stream, options, media_type_of, more_time)
        walk.keep = lambda number: cast("BinaryIO", (folder / str(number)).open("w+b"))
        found = walk.open(stream, name, media_type, wanted=wanted).members()
    return {member.path: folder / str(inner.number) for member, inner in found if inner.content_hash}


def _walk(stream: BinaryIO, options: ReadingOptions, media_type_of: Callable[[str, bytes], str], more_time: Callable[[], None]) -> Walk:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return Walk(Budget(options.archives, size), READERS, media_type_of, options.passwords, more_time)

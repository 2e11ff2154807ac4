"""Original files as one zip, written while it is sent: what is in memory is a block of one file, and the names.

Belongs here: the zip, and the names in it. Not here: which documents (``stores/catalog/listing.py``), HTTP (``ui/api``).
"""

from __future__ import annotations

import zipfile
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.uploads import numbered_name, safe_name
from rag_pipeline.stores.catalog.database import DocumentStatus

LEFT_OUT = "NOT INCLUDED.txt"
"""Names what could not be put in, and why."""
_BLOCK_BYTES = 1 << 20


def zipped(folder: WatchedFolder, documents: Iterable[DocumentStatus]) -> Iterator[bytes]:
    """A zip of originals, piece by piece, under ``collection/path``; see :class:`Names`.

    A file that is gone, or cannot be opened, is named in :data:`LEFT_OUT` in the zip, and no failure of all.
    """
    written, names, left_out = _Written(), Names(), list[str]()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for document in documents:
            with ExitStack() as held:
                try:
                    path = held.enter_context(folder.original(document.file))
                    source = held.enter_context(path.open("rb"))
                except (OSError, RagError) as error:
                    left_out.append(f"{document.collection}/{document.document}: {_why(error)}")
                    continue
                entry = _entry(path, names.unique(f"{document.collection}/{document.document}"))
                with archive.open(entry, "w") as target:
                    while block := source.read(_BLOCK_BYTES):
                        target.write(block)
                        yield written.taken()
            yield written.taken()
        if left_out:
            archive.writestr(names.unique(LEFT_OUT), "\n".join(left_out) + "\n")
    yield written.taken()


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "its file is not in the folder any more."
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _entry(path: Path, name: str) -> zipfile.ZipInfo:
    """Compressed, because readers that do not seek find no end of what is stored as it is."""
    entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


class Names:
    """Paths within a zip that every system can unpack side by side: no two that differ by case alone, no file where a folder is."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def unique(self, path: str) -> str:
        """The path, its parts made safe, with a number where another file has that name already (``a (2).txt``)."""
        *folders, name = [safe_name(part.replace("\\", "_")) for part in path.split("/")]
        place = ""
        for folder in folders:
            place = _free(place, folder, self._files)
            self._folders.add(place.casefold())
        found = _free(place, name, self._files, self._folders)
        self._files.add(found.casefold())
        return found


def _free(place: str, name: str, *taken: Container[str]) -> str:
    found, number = f"{place}/{name}".lstrip("/"), 1
    while any(found.casefold() in some for some in taken):
        number += 1
        found = f"{place}/{numbered_name(name, number)}".lstrip("/")
    return found


class _Written:
    """What a zip file is written to: it cannot be sought in, and is emptied piece by piece."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._blocks.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        blocks, self._blocks = self._blocks, []
        return b"".join(blocks)

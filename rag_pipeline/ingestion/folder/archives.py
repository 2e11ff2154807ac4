"""The watched folder with archives in it: whoever asks for a file in an archive gets it, unpacked.

Belongs here: where such a file's bytes are kept, that it cannot be removed by itself. Not here: reading archives (``extract/archive``),
which files they hold (``members``), the folder itself.

What a stranger packed is unpacked in a process like those that read documents; what comes out of it is kept with the other copies of
originals. Of an archive that is one stream all files are, as each was unpacked on the way to the last.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Hashable, Iterator
from concurrent.futures import CancelledError, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from rag_pipeline.errors import DocumentError, RagError, TransientError
from rag_pipeline.ingestion.folder.changes import Changes
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.listing import (
    FolderListing,
    FoundFile,
    ReadFile,
    archive_of,
    document_name,
    path_in_archive,
)
from rag_pipeline.ingestion.folder.members import content_of
from rag_pipeline.ingestion.folder.originals import Originals, copy_name
from rag_pipeline.ingestion.folder.uploads import Upload
from rag_pipeline.settings import Settings

_LOOKED_AFTER_SECONDS = 5.0
"""How often it is made sure that what is waited for can still come."""


_REMEMBERED_SECONDS = 60.0


def _not_kept(target: BinaryIO) -> None:
    raise _NotInArchiveError


class _NotInArchiveError(RagError):
    """The archive has no such file (any more)."""


@dataclass(frozen=True, slots=True)
class FolderWithArchives:
    """See :class:`rag_pipeline.ingestion.folder.contract.WatchedFolder`. ``folder`` knows no archives."""

    folder: WatchedFolder
    settings: Settings
    originals: Originals
    _seen: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Archive of a bucket → when it was looked at, and what it held: a batch asks for its files one after the other."""

    @property
    def settle_seconds(self) -> float:
        """As of the folder."""
        return self.folder.settle_seconds

    @property
    def readers(self) -> int:
        """As of the folder."""
        return self.folder.readers

    def prepare(self) -> None:
        """As of the folder."""
        self.folder.prepare()

    def listing(self) -> FolderListing:
        """As of the folder: what is in archives only the catalog knows (``members.with_members``)."""
        return self.folder.listing()

    def read_identity(self, found: FoundFile) -> ReadFile | None:
        """As of the folder: what archives hold was hashed when they were read."""
        return self.folder.read_identity(found)

    @contextmanager
    def original(self, file: str, signature: str = "") -> Iterator[Path]:
        """As of the folder; of an archive the file in it, as the archive is now."""
        wanted = path_in_archive(file)
        if not wanted:
            with self.folder.original(file, signature) as path:
                yield path
            return
        with ExitStack() as held:
            try:
                kept = self._kept(archive_of(file), wanted, content_of(signature), held)
                yield kept or self._held(archive_of(file), wanted, held)
            except _NotInArchiveError:
                raise FileNotFoundError(file) from None

    def present(self, files: Collection[str]) -> set[str]:
        """As of the folder; of files in archives those whose archive is there."""
        there = self.folder.present({archive_of(file) for file in files})
        return {file for file in files if archive_of(file) in there}

    def folders(self) -> set[str]:
        """As of the folder."""
        return self.folder.folders()

    def store(self, folder: str, name: str, source: BinaryIO, largest_bytes: int) -> Upload:
        """As of the folder."""
        return self.folder.store(folder, name, source, largest_bytes)

    def move(self, file: str, folder: str) -> Upload:
        """As of the folder; nothing is taken out of an archive."""
        if path_in_archive(file):
            raise RagError(why_not_moved(file))
        return self.folder.move(file, folder)

    def remove(self, file: str) -> None:
        """As of the folder; nothing is taken out of an archive."""
        if path_in_archive(file):
            raise RagError(why_not_removed(file))
        self.folder.remove(file)

    def changes(self, situation: Callable[[], Hashable]) -> Changes:
        """As of the folder."""
        return self.folder.changes(situation)

    def _kept(self, archive: str, wanted: str, content_hash: str, held: ExitStack) -> Path | None:
        """The copy of a file whose hash is known, without asking the bucket again; None where it is not kept, or is another."""
        seen_at, content = self._seen.get(archive, (0.0, ""))
        if not content_hash or time.monotonic() - seen_at > _REMEMBERED_SECONDS:
            return None
        with suppress(_NotInArchiveError):
            path = held.enter_context(self.originals.held(copy_name(wanted, content), _not_kept))
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == content_hash:
                    return path
        return None

    def _held(self, archive: str, wanted: str, held: ExitStack) -> Path:
        packed = held.enter_context(self.folder.original(archive))
        content = self._content_of(packed)
        if packed.parent == self.settings.originals_path:
            self._seen[archive] = time.monotonic(), content
        return held.enter_context(self.originals.held(copy_name(wanted, content), partial(self._unpack, packed, archive, content, wanted)))

    def _content_of(self, packed: Path) -> str:
        """Differs when the archive's bytes do. The name of a copy says it already; using one changes its time."""
        if packed.parent == self.settings.originals_path:
            return packed.name
        status = packed.stat()
        return f"{packed}\0{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"

    def _unpack(self, packed: Path, archive: str, content: str, wanted: str, target: BinaryIO) -> None:
        """Write the wanted file, and keep what had to be unpacked with it.

        Raises:
            _NotInArchiveError: it is not in the archive.
            TransientError: the archive cannot be read now (``unreadable``), or the disk is full (``disk_full``).
        """
        scratch = self.settings.staging_path / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            found = self._unpacked(packed, archive, wanted, folder)
            if wanted not in found:
                raise _NotInArchiveError(wanted)
            with found[wanted].open("rb") as stream:
                shutil.copyfileobj(stream, target)
            for path in found.keys() - {wanted}:
                if found[path].exists():  # a hard link has the bytes of another one
                    self.originals.take(copy_name(path, content), found[path])

    def _unpacked(self, packed: Path, archive: str, wanted: str, folder: str) -> dict[str, Path]:
        from pebble import ProcessExpired

        from rag_pipeline.ingestion.extract.process.abilities import reading_options
        from rag_pipeline.ingestion.extract.process.processes import SandboxedProcesses
        from rag_pipeline.ingestion.extract.process.worker import unpack_archive

        processes = SandboxedProcesses(1, self.settings.extraction_memory_bytes)  # in the app the one that draws pages
        name, options = PurePosixPath(archive).name, reading_options(self.settings)
        try:
            asked = processes.run(unpack_archive, str(packed), name, wanted, folder, options, self.settings.extraction_timeout_seconds)
            while not wait([asked], _LOOKED_AFTER_SECONDS).done:
                if not processes.active:
                    raise RuntimeError("the process that unpacks was ended")
            found: dict[str, Path] = asked.result()
        except (DocumentError, OSError, MemoryError, ProcessExpired, RuntimeError, CancelledError) as error:
            words = f"{document_name(archive)} cannot be unpacked now: {str(error) or type(error).__name__}"
            raise TransientError("unreadable", words) from error
        return found


def why_not_removed(file: str) -> str:
    """What to say to someone who wants to delete a file in an archive."""
    archive, name = document_name(archive_of(file)), document_name(file)
    return f"{name} is a file in the archive {archive}: delete the archive, or put one without this file in its place."


def why_not_moved(file: str) -> str:
    """What to say to someone who wants to move a file in an archive."""
    return f"{document_name(file)} is a file in the archive {document_name(archive_of(file))}, and moves with it."

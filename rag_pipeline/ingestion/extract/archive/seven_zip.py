"""7z archives, by py7zr, which hands over each file as it is unpacked.

Belongs here: its callbacks, passwords. Not here: what becomes of the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.archive.limits import OverLimitError
from rag_pipeline.ingestion.extract.archive.programs import missing_library
from rag_pipeline.ingestion.extract.archive.walk import Intake, OpenArchive, described
from rag_pipeline.ingestion.extract.source import password_protected

if TYPE_CHECKING:
    from py7zr import SevenZipFile


def read_seven_zip(archive: OpenArchive, stream: BinaryIO) -> None:
    """All files of a 7z archive; of a damaged one those before the damage.

    Raises:
        DocumentError: py7zr is not installed, it is no such archive, or none of the listed passwords opens it.
    """
    try:
        import py7zr
    except ImportError:
        raise missing_library("It is a 7z archive") from None
    before = len(archive.files)
    for password in (None, *archive.walk.passwords):
        try:
            _read(archive, stream, password)
            return
        except (OverLimitError, MemoryError, TransientError):
            raise
        except py7zr.exceptions.PasswordRequired:
            continue
        except Exception as error:  # noqa: BLE001 - of damaged archives py7zr raises anything
            if password is None:
                _note_damage(archive, error)
                return
            del archive.files[before:]  # with a wrong password the first file is garbage, or all is
    raise password_protected("The archive")


def _note_damage(archive: OpenArchive, error: Exception) -> None:
    whole = [file for file in archive.files if file.error is None or file.error.code != "damaged"]
    if not whole:
        raise DocumentError("damaged", f"The archive is damaged: {described(error)} Make or fetch it again.") from error
    archive.note(f"It is damaged: {len(whole):,} files were read, others could not be ({described(error)[:-1]}).")


def _read(archive: OpenArchive, stream: BinaryIO, password: str | None) -> None:
    from py7zr import SevenZipFile

    stream.seek(0)
    with SevenZipFile(stream, password=password, max_extract_size=archive.walk.budget.limits.unpacked_bytes) as opened:
        if password is None and opened.needs_password():
            from py7zr.exceptions import PasswordRequired

            raise PasswordRequired([], "")
        times = _times(opened, archive)
        archive.walk.budget.expect_files(len(times))
        writers = _writers(archive, times)
        try:
            opened.extract(targets=list(times), factory=writers)
        except Exception:
            writers.abandon()
            raise


def _times(opened: SevenZipFile, archive: OpenArchive) -> dict[str, int]:
    """When the files that are documents changed, by name; not folders, links and sockets."""
    found = {}
    for file in opened.files:
        if not (file.is_directory or file.is_symlink or file.is_junction or file.is_socket or archive.leaves_out(file.filename)):
            time = file.lastwritetime
            found[file.filename] = int(time.totimestamp() * 1e9) if time else 0
    return found


def _writers(archive: OpenArchive, times: Mapping[str, int]) -> Any:
    """What py7zr writes to: an object for each file, closed once the file is whole."""
    from py7zr.io import NullIO, WriterFactory

    class Writer(NullIO):
        def __init__(self, name: str) -> None:
            self.held = ExitStack()
            self._intake: Intake = self.held.enter_context(archive.file(name, times.get(name, 0)))

        def write(self, data: bytes | bytearray) -> int:
            return self._intake.write(bytes(data))

        def close(self) -> None:
            self.held.close()

    class Writers(WriterFactory):
        def __init__(self) -> None:
            self._last: Writer | None = None

        def create(self, filename: str) -> NullIO:
            self._last = Writer(filename)
            return self._last

        def abandon(self) -> None:
            """What was being written is not whole."""
            if self._last:
                error = DocumentError("damaged", "The file is not whole in the archive.")
                self._last.held.__exit__(DocumentError, error, None)  # of one that was closed nothing happens

    return Writers()

"""What an archive may unpack to, and the count of it while it is unpacked.

Belongs here: limits, and the words for what exceeds them. Not here: unpacking.

What an archive says of itself is not believed: what comes out of it is counted, over all archives inside it together.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag_pipeline.errors import DocumentError

_ALWAYS_ALLOWED_BYTES = 64 << 20
"""A small archive may unpack to this much, whatever the ratio: texts of one line a million times over exist."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What one archive may hold, with all archives inside it. Picklable.

    Attributes:
        files: how many.
        unpacked_bytes: of all of them together.
        ratio: how many times as large as itself it may become.
        depth: archives inside each other, the outermost one included.
        file_bytes: of a single file; a larger one is not read, the others are.
    """

    files: int = 10_000
    unpacked_bytes: int = 2 << 30
    ratio: int = 200
    depth: int = 3
    file_bytes: int = 1 << 30


class OverLimitError(DocumentError):
    """The archive as a whole is refused: nothing of it is read."""


@dataclass(slots=True)
class Budget:
    """What has come out of an archive so far; ``packed_bytes`` is its own size."""

    limits: ArchiveLimits
    packed_bytes: int
    files: int = 0
    unpacked_bytes: int = 0
    streamed_bytes: int = 0

    def take_files(self, count: int) -> None:
        """Count files.

        Raises:
            OverLimitError: there are too many.
        """
        self.expect_files(count)
        self.files += count

    def expect_files(self, count: int) -> None:
        """Refuse now what would be too much later.

        Raises:
            OverLimitError: so many more would be too many.
        """
        if self.files + count > self.limits.files:
            raise OverLimitError(
                "archive_files",
                f"The archive holds more than {self.limits.files:,} files. Unpack it into the folder, split it or raise RAG_ARCHIVE_FILES.",
            )

    def take_bytes(self, count: int) -> None:
        """Count bytes of files.

        Raises:
            OverLimitError: there are too many.
        """
        self.unpacked_bytes += count
        self._check(self.unpacked_bytes)

    def take_stream(self, count: int) -> None:
        """Count bytes of a stream that an archive is packed in, files or not.

        Raises:
            OverLimitError: there are too many.
        """
        self.streamed_bytes += count
        self._check(self.streamed_bytes)

    def _check(self, unpacked: int) -> None:
        limits = self.limits
        if unpacked > limits.unpacked_bytes:
            raise OverLimitError(
                "archive_too_large",
                f"The archive unpacks to more than {limits.unpacked_bytes:,} bytes."
                " Unpack it into the folder, split it, or raise RAG_ARCHIVE_BYTES.",
            )
        if unpacked > max(_ALWAYS_ALLOWED_BYTES, limits.ratio * self.packed_bytes):
            raise OverLimitError(
                "archive_bomb",
                f"The archive of {self.packed_bytes:,} bytes unpacks to more than {limits.ratio} times as much, as archives do that are"
                " made to fill a disk. If you trust it, unpack it into the folder, or raise RAG_ARCHIVE_RATIO.",
            )


def too_deep(depth: int) -> DocumentError:
    """The error of an archive that is inside too many others."""
    return DocumentError(
        "too_deep", f"It is an archive inside {depth} others. Unpack one of them into the folder, or raise RAG_ARCHIVE_DEPTH."
    )

"""Elements of one document on their way out of the process that reads it: in memory while they are few, in files when they are many.

Belongs here: when elements go to a file, and which. Not here: handing them over (``worker``), what a row holds (``element_rows``).
"""

from __future__ import annotations

from pathlib import Path

from rag_pipeline.ingestion.extract.element_rows import ElementRow, element_frame, element_row
from rag_pipeline.models import Element

SPOOLED_CHARACTERS = 4_000_000
"""Documents up to this size, which is nearly all, never touch a file."""
_OVERHEAD_CHARACTERS = 200
"""An element costs memory besides its text."""


class Spool:
    """Takes a document's elements one by one.

    Args:
        key: the document's extraction key.
        prefix: of the files' paths; without one everything stays in memory.
    """

    def __init__(self, key: str, prefix: str) -> None:
        self._key = key
        self._prefix = prefix
        self._characters = 0
        self._files = 0
        self.waiting: list[ElementRow] = []
        self.written = 0

    def add(self, element: Element) -> None:
        """Take the next element."""
        self.waiting.append(element_row(self._key, self.written + len(self.waiting), element))
        self._characters += len(element.text) + _OVERHEAD_CHARACTERS
        if self._prefix and self._characters > SPOOLED_CHARACTERS:
            self._write()

    def _write(self) -> None:
        target = Path(f"{self._prefix}.{self._files:06}.elements.parquet")
        partial = target.with_name(f".{target.name}")
        element_frame(self.waiting).write_parquet(partial)
        partial.replace(target)
        self.written += len(self.waiting)
        self._files += 1
        self._characters = 0
        self.waiting.clear()

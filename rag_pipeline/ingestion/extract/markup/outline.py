"""The headings above the current place in a document.

Belongs here: levels to heading paths. Not here: how a format marks its headings.
"""

from __future__ import annotations

from rag_pipeline.models import Element


class Outline:
    """The open headings while a document is read from top to bottom.

    Args:
        root: headings that stand above the whole document or page, such as the name of a sheet.
    """

    def __init__(self, root: tuple[str, ...] = ()) -> None:
        self._root = root
        self._open: list[tuple[int, str]] = []

    @property
    def path(self) -> tuple[str, ...]:
        """The open headings, outermost first."""
        return (*self._root, *(text for _, text in self._open))

    def title(self, text: str, level: int, page: int | None = None) -> Element:
        """Close the headings at this level and below, and open a new one. Level 1 is the outermost."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        element = Element("Title", text, page=page, heading_path=self.path)
        self._open.append((level, " ".join(text.split())))
        return element

"""The text of a marked-up document while it is read: words go in, elements come out.

Belongs here: paragraphs, items, headings, tables, notes, and what is put aside to be said elsewhere. Not here: any markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.line_breaks import without_breaks
from rag_pipeline.models import Element, ElementKind

LINE_END = "\v"
"""Stands for the end of a line that is one for the reader too, in what is written."""


class Page:
    """Takes the words of a document in its order.

    Args:
        outline: the headings above it.
    """

    def __init__(self, outline: Outline | None = None) -> None:
        self.elements: list[Element] = []
        self._outline = outline or Outline()
        self._words: list[str] = []
        self._aside: list[list[str]] = []
        self._notes: list[str] = []
        self._kind: ElementKind = "NarrativeText"

    @property
    def is_aside(self) -> bool:
        """Whether what is written is put aside."""
        return bool(self._aside)

    def write(self, words: str) -> None:
        """Words, with the blanks between them."""
        (self._aside[-1] if self._aside else self._words).append(words)

    def put_aside(self) -> list[str]:
        """Keep what is written from here on out of the text; what comes back is given to :meth:`taken`."""
        self._aside.append([])
        return self._aside[-1]

    def is_innermost(self, aside: list[str]) -> bool:
        """Whether what is written now goes there."""
        return bool(self._aside) and self._aside[-1] is aside

    def taken(self, aside: list[str]) -> str:
        """What was written since, tidy; what was put aside within it and never taken is part of it."""
        if not any(one is aside for one in self._aside):
            return ""
        while self._aside[-1] is not aside:
            left = self._aside.pop()
            self._aside[-1].extend(left)
        return tidy("".join(self._aside.pop()))

    def end_paragraph(self, then: ElementKind = "NarrativeText") -> None:
        """What was written is a paragraph, the notes below it follow. In what is put aside it is a blank."""
        if self._aside:
            self._aside[-1].append(" ")
            return
        self._add(self._kind, tidy("".join(self._words)))
        self._words, self._kind = [], then
        notes, self._notes = self._notes, []
        for note in notes:
            self._add("NarrativeText", note)

    def heading(self, text: str, level: int) -> None:
        """A heading; level 1 is the outermost. One without words is none."""
        self.end_paragraph()
        title = " ".join(without_breaks(text).split())
        if self._aside:
            self.write(f"{title} ")
        elif title:
            self.elements.append(self._outline.title(title, level))

    def note(self, text: str) -> None:
        """A note, which stands below the paragraph that it belongs to."""
        if text:
            self._notes.append(text)

    def code(self, text: str) -> None:
        """Lines that are kept as they are."""
        self.end_paragraph()
        if self._aside:
            self.write(text.replace("\n", LINE_END))
        elif text.strip():
            self.elements.append(Element("CodeSnippet", text.strip("\n"), heading_path=self._outline.path))

    def table(self, rows: Sequence[Sequence[str]], header_known: bool = False) -> None:
        """A table; one column alone is a text in lines, and a table in what is put aside is text."""
        if self._aside:
            self.write(" ".join(cell for row in rows for cell in row))
            return
        self.end_paragraph()
        if max(map(len, rows), default=0) < 2:
            self._add("NarrativeText", tidy(LINE_END.join(cell for row in rows for cell in row)))
        elif (table := table_element(rows, None, self._outline.path, header_known)) is not None:
            self.elements.append(table)
        self.end_paragraph()

    def _add(self, kind: ElementKind, text: str) -> None:
        if text:
            self.elements.append(Element(kind, text, heading_path=self._outline.path))


def tidy(text: str) -> str:
    """Words with one blank between them, in the lines that the reader sees."""
    lines = (" ".join(without_breaks(line).split()) for line in text.split(LINE_END))
    return "\n".join(line for line in lines if line)

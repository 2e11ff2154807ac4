"""One text of an RTF document, such as its body or a footnote: its paragraphs and tables as elements.

Belongs here: paragraphs, rows, cells. Not here: groups and destinations (``rtf``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.models import Element


@dataclass(slots=True)
class Paragraph:
    """The formatting that decides what a paragraph is: its outline level (0: none), list item or not, depth of tables around it."""

    level: int = 0
    listed: bool = False
    depth: int = 0

    def word(self, word: str, number: int | None) -> bool:
        """Take a control word in; False when it is none of a paragraph's formatting."""
        if word == "outlinelevel":
            self.level = (number or 0) + 1 if (number or 0) < 9 else 0
        elif word == "ls":
            self.listed = bool(number)
        elif word == "intbl":
            self.depth = max(self.depth, 1)
        elif word == "itap":
            self.depth = max(number or 0, 0)
        else:
            return False
        return True


@dataclass(slots=True)
class _CellPlace:
    """A cell as its row declares it: its right edge, and whether it belongs to the one above."""

    continues: bool = False
    right: int = 0


class Story:
    """Takes characters and layout words in, and gives elements."""

    def __init__(self, outline: Outline) -> None:
        self.elements: list[Element] = []
        self.bold: set[int] = set()
        """The identities of paragraphs all of whose characters are bold."""
        self.label = ""
        """What is shown before the current paragraph: the number of a list's item."""
        self._outline = outline
        self._characters: list[str] = []
        self._all_bold = True
        self._beside: list[Element] = []
        """Notes that follow the paragraph or table they belong to."""
        self._cell: defaultdict[int, list[str]] = defaultdict(list)
        self._row: defaultdict[int, list[str]] = defaultdict(list)
        self._rows: defaultdict[int, list[list[str]]] = defaultdict(list)
        self._nested: list[Element] = []
        """Tables and notes inside the table at hand: they follow it."""
        self._places: list[_CellPlace] = []
        self._place = _CellPlace()
        self._above: dict[int, str] = {}
        self._header = False

    @property
    def in_table(self) -> bool:
        """Whether cells or rows wait for the end of their table."""
        return any(self._row.values()) or any(self._rows.values())

    def taken(self) -> list[Element]:
        """The elements that are ready, which it then forgets."""
        ready, self.elements = self.elements, []
        return ready

    def text(self, text: str, bold: bool = False) -> None:
        """Take in characters of the current paragraph."""
        self._characters.append(text)
        self._all_bold = self._all_bold and (bold or not text.strip())

    def beside(self, elements: list[Element]) -> None:
        """Take in what follows the current paragraph or table; at once where neither has begun."""
        if self.in_table or any(map(str.strip, self._characters)) or any(self._cell.values()):
            self._beside += elements
        else:
            self.elements += elements

    def word(self, word: str, number: int | None, paragraph: Paragraph) -> None:
        """A control word that ends something, or declares a table."""
        if word == "par":
            self.end_paragraph(paragraph)
        elif word in ("line", "lbr", "softline", "page", "column"):
            self.text("\n")
        elif word == "tab":
            self.text("\t")
        elif word in ("cell", "nestcell"):
            self._end_cell(1 if word == "cell" else max(paragraph.depth, 2), paragraph)
        elif word == "row":
            self._end_row(1)
            self._nested += self._beside
            self._beside = []
        elif word == "nestrow":
            self._end_row(max((level for level, cells in self._row.items() if cells), default=2))
        elif paragraph.depth < 2:  # how a row of a table in a cell is laid out says nothing of the row around it
            self._row_word(word, number)

    def end_paragraph(self, paragraph: Paragraph) -> None:
        """Make an element of the characters so far, or a part of a cell."""
        text, bold = self._paragraph_text(), self._all_bold
        self._all_bold = True
        if paragraph.depth:
            self._cell[paragraph.depth] += [text] if text else []
            return
        if not text:
            return
        self.end_table()
        if paragraph.level:
            self.elements.append(self._outline.title(" ".join(text.split()), paragraph.level))
        else:
            self.elements.append(Element("ListItem" if paragraph.listed else "NarrativeText", text, heading_path=self._outline.path))
            self.bold.update([id(self.elements[-1])] if bold else [])
        self._end_beside()

    def end(self, paragraph: Paragraph) -> None:
        """Make elements of all that waits."""
        self.end_paragraph(paragraph)
        self.end_table()
        self._end_beside()

    def end_table(self) -> None:
        """Make a table of the rows so far; what stands in unfinished rows is a row too."""
        for level in sorted({*self._row, *self._cell}, reverse=True):
            if self._row[level] or self._cell[level]:
                self._row[level] += ["\n".join(self._cell.pop(level))] if self._cell[level] else []
                self._end_row(level)
                if level > 1:
                    self._end_nested(level)
        table = table_element(self._rows.pop(1, []), heading_path=self._outline.path, header_known=self._header)
        self.elements += [*([table] if table else []), *self._nested]
        self._nested, self._above, self._header = [], {}, False

    def _paragraph_text(self) -> str:
        lines = clean_text("".join(self._characters)).split("\n")  # clean_text pairs surrogates
        self._characters.clear()
        label, self.label = self.label, ""
        text = "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)
        return f"{label} {text}" if label and text else text

    def _end_beside(self) -> None:
        self.elements += [replace(element, heading_path=self._outline.path) for element in self._beside]
        self._beside = []

    def _end_cell(self, level: int, paragraph: Paragraph) -> None:
        self._all_bold = True
        text = self._paragraph_text()
        parts = [*self._cell.pop(level, []), *([text] if text else [])]
        self._end_nested(level + 1)
        self._row[level].append("\n".join(parts))

    def _end_nested(self, level: int) -> None:
        """A table in a cell becomes a table after the one that holds it."""
        if self._row[level]:
            self._end_row(level)
        table = table_element(self._rows.pop(level, []), heading_path=self._outline.path)
        self._nested += [table] if table else []

    def _end_row(self, level: int) -> None:
        cells, places = self._row.pop(level, []), self._places
        if level == 1 and len(places) == len(cells):
            cells = [
                self._above.get(place.right, text) if place.continues and not text else text
                for place, text in zip(places, cells, strict=True)
            ]
            self._above = {place.right: text for place, text in zip(places, cells, strict=True)}
        self._rows[level].append(cells)

    def _row_word(self, word: str, number: int | None) -> None:
        if word == "trowd":
            self._places, self._place = [], _CellPlace()
        elif word == "trhdr" and not self._rows.get(1):
            self._header = True
        elif word == "clvmrg":
            self._place.continues = True
        elif word == "cellx":
            self._places.append(replace(self._place, right=number or 0))
            self._place = _CellPlace()

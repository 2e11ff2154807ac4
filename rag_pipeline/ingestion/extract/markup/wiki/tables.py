"""Tables of wikitext (MediaWiki, Help:Tables).

Belongs here: lines to rows of cells. Not here: what is in a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_BEGIN, END = re.compile(r"^[ \t:]*\{\|", re.MULTILINE), re.compile(r"^[ \t:]*\|\}(?!\})", re.MULTILINE)
OPENED, CLOSED = "\ue002", "\ue003"
_ATTRIBUTES = re.compile(r"([^|\[\]{}<>]*)\|(?!\|)")
_SPAN = re.compile(r"\b(col|row)span\s*=\s*[\"']?\s*(\d{1,3})", re.IGNORECASE)
_MOST_SPANNED = 100


def with_marked_tables(text: str) -> str:
    """Table marks as characters that no template can take for its own."""
    return END.sub(CLOSED, _BEGIN.sub(OPENED, text.replace(OPENED, "").replace(CLOSED, "")))


@dataclass(slots=True)
class Table:
    """A table that is being read.

    Attributes:
        captions: what stands above it.
        rows: its cells; one over several rows is repeated in each, one over several columns stands in the first.
        header_known: whether all cells of the first row are names.
    """

    captions: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    header_known: bool = False
    _row: dict[int, str] = field(default_factory=dict)
    _reaching: dict[int, tuple[int, str]] = field(default_factory=dict)
    _last: list[tuple[bool, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Table:
        """The table in lines, those of tables in its cells too, which are text."""
        table, depth = cls(), 0
        for line in lines:
            text = line.strip()
            if text.startswith(OPENED):
                depth += 1
            elif text.startswith(CLOSED):
                depth -= 1
                table._add(text[1:])
            elif depth > 1:
                table._add(re.sub(r"^[|!][-+]?|\|\||!!", " ", text))
            else:
                table._line(text)
        table._end_row()
        return table

    def _line(self, text: str) -> None:
        if text.startswith("|-"):
            self._end_row()
        elif text.startswith("|+"):
            self.captions.append(_ATTRIBUTES.sub("", text[2:], count=1) if "=" in text.partition("|")[2].partition("|")[0] else text[2:])
        elif text.startswith("|"):
            self._cells(text[1:].split("||"), named=False)
        elif text.startswith("!"):
            self._cells(re.split(r"!!|\|\|", text[1:]), named=True)
        else:
            self._add(text)

    def _cells(self, cells: list[str], named: bool) -> None:
        for cell in cells:
            attributes = _ATTRIBUTES.match(cell)
            if attributes and ("=" in attributes[1] or not attributes[1].strip()):
                self._last.append((named, attributes[1], cell[attributes.end() :]))
            else:
                self._last.append((named, "", cell))

    def _add(self, text: str) -> None:
        if self._last and text:
            named, attributes, words = self._last[-1]
            self._last[-1] = (named, attributes, f"{words} {text}")
        elif text and self.captions:
            self.captions[-1] += f" {text}"

    def _end_row(self) -> None:
        if not self._last:
            return
        row = {place: text for place, (_, text) in self._reaching.items()}
        self._reaching = {place: (left - 1, text) for place, (left, text) in self._reaching.items() if left > 1}
        column = 0
        for _, attributes, words in self._last:
            while column in row:
                column += 1
            spans = {found[1].lower(): min(int(found[2]), _MOST_SPANNED) for found in _SPAN.finditer(attributes)}
            for place in range(column, column + max(1, spans.get("col", 1))):
                row.setdefault(place, words if place == column else "")
                if spans.get("row", 1) > 1:
                    self._reaching[place] = (spans["row"] - 1, row[place])
        if not self.rows:
            self.header_known = all(named for named, _, _ in self._last)
        self.rows.append([row.get(place, "") for place in range(max(row, default=-1) + 1)])
        self._last = []

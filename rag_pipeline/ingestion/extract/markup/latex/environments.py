"""What stands between ``\\begin`` and ``\\end``: lists, tables, formulas, code, theorems.

Belongs here: environments that are open, and their items, cells and rows. Not here: commands of other kinds (``reader``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rag_pipeline.ingestion.extract.markup.latex import commands
from rag_pipeline.ingestion.extract.markup.latex.definitions import Definitions
from rag_pipeline.ingestion.extract.markup.latex.source import Input, Span, span_of
from rag_pipeline.ingestion.extract.markup.page import LINE_END, Page

_CAPTION = re.compile(r"(?:caption|title)\s*=\s*(?:\{([^{}]*)\}|([^,{}\]]*))")
_NODE = re.compile(r"\bnode\b[^{};]*(?=\{)|\\(?:node|put|rput|uput)\b[^{};]*(?=\{)")
_TITLE = re.compile(r"(?=\s*\{)")
_HEADER_RULE = re.compile(r"[ \t\n]*(?:%[^\n]*\n)*\\(?:midrule|hline|endhead|endfirsthead|cmidrule|cline)(?![A-Za-z@])")
_FIRST_HEAD = re.compile(r"(?:[^\\&]|\\(?!endhead(?![a-z]))[^&]|&){0,4000}?\\endhead(?![a-z])", re.DOTALL)
_NUMBERS: tuple[Callable[[int], str], ...] = (
    lambda number: f"{number}.",
    lambda number: f"({chr(96 + (number - 1) % 26 + 1)})",
    lambda number: f"{number}.",
    lambda number: f"{chr(64 + (number - 1) % 26 + 1)}.",
)


class Walk(Protocol):
    """What environments need of the reader that they are part of."""

    page: Page
    input: Input
    definitions: Definitions
    verbatim: set[str]
    in_formula: bool

    def begin_text(self) -> None:
        """The document begins."""

    def end_all(self) -> None:
        """The document ends."""

    def skip(self, kinds: str) -> None:
        """Read past arguments."""

    def skip_options(self) -> None:
        """Read past settings in brackets."""

    def skip_overlay(self) -> None:
        """Read past the numbers of slides."""

    def heading(self, level: int) -> None:
        """Read a heading."""

    def collect(self, span: Span, then: Callable[[str], None]) -> None:
        """Read a piece apart."""


@dataclass(slots=True)
class _Table:
    aside: list[str]
    rows: list[list[str]] = field(default_factory=lambda: [[]])
    header_known: bool = False
    wide: int = 1
    high: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    name: str
    close: Callable[[], None]
    numbered: bool = False
    number: int = 0
    formula: bool = False
    is_text: bool = False


class Environments:
    """Those that are open now, innermost last."""

    def __init__(self, reader: Walk) -> None:
        self._reader = reader
        self._open: list[_Open] = []
        self._tables: list[_Table] = []

    @property
    def in_formula(self) -> bool:
        """Whether the innermost is a formula."""
        return bool(self._open) and self._open[-1].formula

    def is_open(self, name: str) -> bool:
        """Whether the innermost has this name."""
        return bool(self._open) and self._open[-1].name == name

    def begin(self) -> None:
        """What begins with the argument that follows."""
        span = self._reader.input.group()
        name = span.words.strip() if span else ""
        bare = name.removesuffix("*")
        if name == "document":
            self._reader.begin_text()
        elif bare in self._reader.verbatim:
            self._code(name)
        elif bare in commands.UNREAD:
            self._reader.input.until(f"\\end{{{name}}}")
        elif bare in commands.DRAWINGS:
            self._drawing(name)
        elif name in commands.TABLES:
            self._begin_table(name)
        elif bare in commands.MATHS:
            self._begin_formula(name)
        elif name in self._reader.definitions.environments:
            self._begin_own(name)
        else:
            self._begin_block(name)

    def end(self) -> None:
        """What ends with the argument that follows; what was begun in it and not ended ends too."""
        span = self._reader.input.group()
        name = span.words.strip() if span else ""
        if name == "document":
            self._reader.end_all()
        elif any(one.name == name for one in self._open[-_MOST_UNENDED:]):
            while self._open:
                closed = self._open.pop()
                closed.close()
                if closed.name == name:
                    break

    def end_all(self) -> None:
        """What was begun and never ended."""
        while self._open:
            self._open.pop().close()

    def _code(self, name: str) -> None:
        reader = self._reader
        options = reader.input.optional()
        if name.startswith("minted"):
            reader.input.group()
        caption = _CAPTION.search(options.words) if options else None
        if caption:
            reader.page.end_paragraph()
            reader.page.write((caption[1] or caption[2] or "").strip())
        reader.page.code(reader.input.until(f"\\end{{{name}}}").words.rstrip())

    def _drawing(self, name: str) -> None:
        """The words in a drawing."""
        span = self._reader.input.until(f"\\end{{{name}}}")
        places = [found.end() for found in _NODE.finditer(span.text, span.start, span.end)]
        ends = [(place, span.closing.get(place, place)) for place in places]
        self._reader.page.end_paragraph()
        for place, end in reversed([pair for pair in ends if pair[1] > pair[0]][:_MOST_NODES]):
            self._reader.input.push(Span(span.text, place + 1, end, span.closing), lambda: self._reader.page.write("; "))

    def _begin_formula(self, name: str) -> None:
        reader, before = self._reader, self._reader.in_formula
        reader.skip(commands.BEGINNINGS.get(name.removesuffix("*"), ""))
        reader.in_formula = True
        reader.page.write(" ")

        def close() -> None:
            reader.in_formula = before
            reader.page.write(" ")

        self._open.append(_Open(name, close, formula=True))

    def _begin_own(self, name: str) -> None:
        """One that the document defines itself: what it stands for is read instead."""
        beginning, end = self._reader.definitions.environments[name]
        self._reader.page.end_paragraph()
        self._reader.input.expand(beginning)

        def close() -> None:
            self._reader.input.push(span_of(end))

        self._open.append(_Open(name, close))

    def _begin_block(self, name: str) -> None:
        reader = self._reader
        known = commands.BEGINNINGS.get(name)
        options = reader.input.optional() if name == "enumerate" else None
        reader.page.end_paragraph() if not reader.in_formula else None
        if name in reader.definitions.theorems or name == "proof":
            self._theorem(reader.definitions.theorems.get(name, "Proof"))
        elif name == "abstract":
            reader.page.heading("Abstract", commands.HEADINGS["section"])
        elif name in ("frame", "block", "alertblock", "exampleblock"):
            self._titled()
        elif known is not None:
            reader.skip(known)
        else:
            reader.skip_options()
        formula = reader.in_formula
        self._open.append(_Open(name, self._end_block, numbered=name == "enumerate" and options is None, formula=formula))

    def _end_block(self) -> None:
        if not self._reader.in_formula:
            self._reader.page.end_paragraph()

    def _theorem(self, title: str) -> None:
        reader = self._reader
        named = reader.input.optional()
        reader.page.write(title)
        if named:
            reader.page.write(" (")
            reader.input.push(named, lambda: reader.page.write("). "))
        else:
            reader.page.write(". ")

    def _titled(self) -> None:
        self._reader.input.optional("<")
        self._reader.input.optional()
        if self._reader.input.after(_TITLE):
            self._reader.heading(commands.HEADINGS["frametitle"])

    def item(self) -> None:
        """An item of a list begins."""
        reader = self._reader
        reader.skip_overlay()
        label = reader.input.optional()
        reader.page.end_paragraph("ListItem")
        lists = [one for one in self._open if one.name in ("enumerate", "itemize", "description")]
        if label:
            reader.input.push(label, lambda: reader.page.write(" "))
        elif lists and lists[-1].numbered:
            lists[-1].number += 1
            depth = sum(one.name == "enumerate" for one in lists)
            reader.page.write(f"{_NUMBERS[min(depth, len(_NUMBERS)) - 1](lists[-1].number)} ")

    def source_item(self) -> None:
        """A source of the list of sources begins, with the key that the text names it by."""
        reader = self._reader
        reader.page.end_paragraph("ListItem")
        label, key = reader.input.optional(), reader.input.group()
        shown = label or key
        if shown:
            reader.page.write("[")
            reader.input.push(shown, lambda: reader.page.write("] "))

    def _begin_table(self, name: str) -> None:
        reader = self._reader
        reader.skip(commands.TABLES[name])
        if self._tables:
            self._open.append(_Open(name, lambda: reader.page.write(" "), is_text=True))
            return
        reader.page.end_paragraph()
        self._tables.append(_Table(reader.page.put_aside()))
        self._open.append(_Open(name, self._end_table))

    def _end_table(self) -> None:
        table = self._tables.pop()
        self._take_cell(table, last=True)
        for (row, column), text in table.high.items():
            if row < len(table.rows) and column < len(table.rows[row]) and not table.rows[row][column]:
                table.rows[row][column] = text
        self._reader.page.table([row for row in table.rows if any(row)], table.header_known)

    def end_cell(self) -> None:
        """A cell of a table ends; elsewhere a blank."""
        table = self._table_here()
        if table:
            self._take_cell(table)
        else:
            self._reader.page.write(" ")

    def end_row(self) -> None:
        """A row of a table ends; elsewhere a line."""
        table = self._table_here()
        if table is None:
            self._reader.page.write(" " if self._tables else LINE_END)
            return
        self._take_cell(table)
        if len([row for row in table.rows if any(row)]) == 1 and self._reader.input.after(_HEADER_RULE):
            table.header_known = True
        table.rows.append([])

    def _table_here(self) -> _Table | None:
        inside = bool(self._open) and self._open[-1].name in commands.TABLES and not self._open[-1].is_text
        return self._tables[-1] if inside and self._tables and self._reader.page.is_innermost(self._tables[-1].aside) else None

    def _take_cell(self, table: _Table, last: bool = False) -> None:
        text = self._reader.page.taken(table.aside).replace("\n", " ")
        table.rows[-1] += [text, *[""] * (table.wide - 1)]
        table.wide = 1
        if not last:
            table.aside = self._reader.page.put_aside()

    def wide_cell(self) -> None:
        """A cell over several columns."""
        width = self._reader.input.argument()
        self._reader.skip("m")
        table = self._table_here()
        if table and width and width.words.strip().isdecimal():
            table.wide = max(1, min(int(width.words), _MOST_COLUMNS))

    def high_cell(self) -> None:
        """A cell over several rows: its text stands in each of them."""
        reader, table = self._reader, self._table_here()
        reader.input.optional()
        height = reader.input.argument()
        reader.skip("omo")
        span = reader.input.argument()
        if span and table and height and height.words.strip().isdecimal():
            row, column = len(table.rows), len(table.rows[-1])
            places = [(row + below, column) for below in range(min(int(height.words), _MOST_COLUMNS) - 1)]

            def then(text: str) -> None:
                table.high.update(dict.fromkeys(places, text))
                reader.page.write(text)

            reader.collect(span, then)
        elif span:
            reader.input.push(span)


_MOST_COLUMNS = 100
_MOST_UNENDED = 1000
_MOST_NODES = 2000

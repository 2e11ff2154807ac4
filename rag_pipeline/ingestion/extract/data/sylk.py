"""Sheets in SYLK, the Symbolic Link format of Multiplan, which Excel and others still write.

Belongs here: its records (Microsoft, "SYLK: Symbolic Link format"; what Excel, LibreOffice and Gnumeric write). Not here: how a table is
written (``tables``), what number formats mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from rag_pipeline.ingestion.extract.data.decoding import text_lines
from rag_pipeline.ingestion.extract.office.number_formats.dates import value_shown
from rag_pipeline.ingestion.extract.office.workbook import formatted_text, tables_of_rows
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_FIELD = re.compile(r"((?:[^;]|;;)*)(?:;(?!;)|$)")
_LINE_BREAK = re.compile("\x1b :")
_ACCENT = re.compile("\x1bN(?:([A-OQ-Z])(.)|(.))", re.DOTALL)
_COMBINING = {"A": "\u0300", "B": "\u0301", "C": "\u0302", "D": "\u0303", "H": "\u0308", "J": "\u030a", "K": "\u0327"}
"""Accents that stand before their letter (ISO 6937, which the format borrows): as in ``ESC N H a`` for ä."""
_MOST_COLUMNS, _LAST_ROW = 1 << 14, 1 << 20
"""More than any sheet has (ECMA-376, part 1, 18.3.1.73)."""
_OLD_FORMATS = {"%": "0.00%", "$": '"$"0.00'}
"""Of Multiplan, which has a letter in place of a code."""


@dataclass(slots=True)
class _Sheet:
    """What has been read so far: the place of the last record, formats, and cells by row and column."""

    row: int = 1
    column: int = 1
    since_1904: bool = False
    codes: list[str] = field(default_factory=list)
    columns: dict[int, str] = field(default_factory=dict)
    rows: dict[int, str] = field(default_factory=dict)
    default: str = ""
    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def read_sylk(source: Source) -> Iterator[Element]:
    """The sheet, each block of rows a table, numbers with what their formats write around them; then the comments.

    A file without its end is read as far as it goes, with a note.
    """
    sheet, ended = _Sheet(), False
    for line in text_lines(source.stream):
        kind, *fields = [part.replace(";;", ";") for part in _FIELD.findall(line.rstrip("\n"))]
        if kind == "E":
            ended = True
            break
        _take(sheet, kind, {one[:1]: one[1:] for one in reversed(fields) if one})
    if not ended:
        source.notes.append("It breaks off before its end.")
    rows = ((number, _texts(sheet, number)) for number in sorted(sheet.cells))
    yield from tables_of_rows(((number, cells) for number, cells in rows if any(cells)), None, ())
    yield from (Element("NarrativeText", f"Comment: {text}") for text in sheet.comments)


def _take(sheet: _Sheet, kind: str, said: dict[str, str]) -> None:
    if kind == "P" and "P" in said:
        sheet.codes.append(_plain(said["P"]))
    elif kind == "O":
        sheet.since_1904 = said.get("V") == "4"
    elif kind in ("C", "F"):
        sheet.row = _number(said.get("Y"), sheet.row, _LAST_ROW)
        sheet.column = _number(said.get("X"), sheet.column, _MOST_COLUMNS)
        if kind == "F":
            _take_format(sheet, said)
        if "K" in said:
            sheet.cells.setdefault(sheet.row, {})[sheet.column] = said["K"]
        if text := _quoted(said.get("A", "")) if kind == "C" else "":
            sheet.comments.append(text)


def _take_format(sheet: _Sheet, said: dict[str, str]) -> None:
    """Of a cell, a column, a row, or all cells that have none of their own."""
    shown = said.get("F", said.get("D", ""))[:1]
    number = said.get("P", "")
    code = sheet.codes[int(number)] if number.isdecimal() and int(number) < len(sheet.codes) else _OLD_FORMATS.get(shown, "")
    if "D" in said:
        sheet.default = code
    elif said.get("C", "").isdecimal():
        sheet.columns[int(said["C"])] = code
    elif said.get("R", "").isdecimal():
        sheet.rows[int(said["R"])] = code
    elif code:
        sheet.formats[sheet.row, sheet.column] = code


def _number(said: str | None, default: int, most: int) -> int:
    return min(int(said), most) if said and said.isascii() and said.isdecimal() else default


def _texts(sheet: _Sheet, row: int) -> list[str]:
    cells = sheet.cells[row]
    return [_text(sheet, row, column, cells[column]) if column in cells else "" for column in range(1, max(cells) + 1)]


def _text(sheet: _Sheet, row: int, column: int, value: str) -> str:
    if value.startswith('"'):
        return _quoted(value)
    code = sheet.formats.get((row, column)) or sheet.rows.get(row) or sheet.columns.get(column) or sheet.default
    with suppress(ValueError):
        return formatted_text(value_shown(float(value), code, sheet.since_1904), code)
    return value


def _quoted(value: str) -> str:
    return _plain(value.removeprefix('"').removesuffix('"').replace('""', '"'))


def _plain(text: str) -> str:
    """With characters in place of the sequences that stand for them, as far as they are known."""
    import unicodedata

    def accented(sequence: re.Match[str]) -> str:
        accent, letter, alone = sequence.groups()
        return unicodedata.normalize("NFC", letter + _COMBINING.get(accent, "")) if accent else alone

    return _ACCENT.sub(accented, _LINE_BREAK.sub(" ", text))

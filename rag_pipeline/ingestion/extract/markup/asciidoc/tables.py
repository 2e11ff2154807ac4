"""Tables of AsciiDoc (AsciiDoc Language Documentation, Tables).

Belongs here: lines between the delimiters to rows of cells. Not here: what is in a cell.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

_CELL = re.compile(r"(?:^|(?<=\s))(?:(\d{0,3})(?:\.(\d{1,3}))?([+*]))?[<^>]?(?:\.[<^>])?[adehlmsv]?(?<!\\)\|", re.MULTILINE)
_MULTIPLIED = re.compile(r"\s*(\d{1,3})\*")
_MOST_SPANNED = 100


def rows_of(lines: Sequence[str], delimiter: str, settings: Mapping[str, str]) -> tuple[list[list[str]], bool]:
    """The rows of a table, and whether the first of them names its columns.

    Args:
        lines: what stands between the delimiters.
        delimiter: the line that begins it.
        settings: its attributes: ``cols``, ``format``, ``separator``, ``options``.
    """
    separator = settings.get("separator", "").replace("\\t", "\t")
    kind = settings.get("format") or {",": "csv", ":": "dsv"}.get(delimiter[0], "psv")
    known = "header" in settings.get("options", "") or _is_header(lines)
    if kind in ("csv", "tsv", "dsv") and len(separator or ",") == 1:
        mark = separator or {"tsv": "\t", "dsv": ":"}.get(kind, ",")
        return [row for row in csv.reader(lines, delimiter=mark) if row], known
    text = "\n".join(lines)
    if separator and separator != "|":
        text = text.replace("|", "\\|").replace(separator, "|")
    elif delimiter[0] == "!":
        text = text.replace("!", "|")
    return _placed(_cells(text), _width(text, settings.get("cols", ""))), known


def _is_header(lines: Sequence[str]) -> bool:
    """Whether the first line stands alone (Tables, Header Row)."""
    return len(lines) > 2 and bool(lines[0].strip()) and not lines[1].strip()


def _width(text: str, columns: str) -> int:
    if columns.strip():
        parts = [part for part in re.split(r"[,;]", columns) if part.strip()]
        return max(1, sum(min(int(found[1]), _MOST_SPANNED) if (found := _MULTIPLIED.match(part)) else 1 for part in parts))
    first = next((line for line in text.split("\n") if line.strip()), "")
    return max(1, sum(_repeated(found) * _spanned(found) for found in _CELL.finditer(first)))


def _repeated(found: re.Match[str]) -> int:
    return min(int(found[1] or 1), _MOST_SPANNED) if found[3] == "*" else 1


def _spanned(found: re.Match[str]) -> int:
    return max(1, min(int(found[1] or 1), _MOST_SPANNED)) if found[3] == "+" else 1


def _cells(text: str) -> list[tuple[str, int, int]]:
    """Text, columns and rows of each cell."""
    marks = list(_CELL.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    cells: list[tuple[str, int, int]] = []
    if marks and text[: marks[0].start()].strip():
        cells.append((text[: marks[0].start()].strip(), 1, 1))
    for mark, end in zip(marks, ends, strict=False):
        words = text[mark.end() : end].strip().replace("\\|", "|")
        high = max(1, min(int(mark[2] or 1), _MOST_SPANNED)) if mark[3] == "+" else 1
        cells += [(words, _spanned(mark), high)] * _repeated(mark)
    return cells or ([(text.strip(), 1, 1)] if text.strip() else [])


def _placed(cells: Sequence[tuple[str, int, int]], width: int) -> list[list[str]]:
    """Rows of so many cells; one over several rows is repeated in each, one over several columns stands in the first."""
    rows: list[list[str]] = []
    row: dict[int, str] = {}
    reaching: dict[int, tuple[int, str]] = {}
    for words, wide, high in cells:
        column = next(place for place in range(width + 1) if place not in row)
        for place in range(column, min(column + wide, width)):
            row[place] = words if place == column else ""
            if high > 1:
                reaching[place] = (high, row[place])
        if len(row) >= width:
            rows.append([row.get(place, "") for place in range(width)])
            reaching = {place: (left - 1, text) for place, (left, text) in reaching.items() if left > 1}
            row = {place: text for place, (_, text) in reaching.items()}
            row = {} if len(row) >= width else row
    if any(row.values()):
        rows.append([row.get(place, "") for place in range(width)])
    return rows

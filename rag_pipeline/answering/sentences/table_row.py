"""A row of a table as it is quoted: its name, then what stands in each column after the column's name, then the unit.

Belongs here: the form, and which columns a question asks for. Not here: which rows answer (``quoting/sentence_scores.py``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from rag_pipeline.models import cells_of
from rag_pipeline.quantities.measure_words import spelling, units
from rag_pipeline.quantities.numbers import PERCENT, Reading, numbers_in, stated_factor, stated_scales
from rag_pipeline.stores.vectors.bm25 import word_ids

_WORD = re.compile(r"%|\w+")
_UNIT_BEHIND = re.compile(r"(.*?)\s*(\([^()]+\))", re.DOTALL)
_UNIT_BEFORE = re.compile(r"(\([^()]+\))\s+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TableRow:
    """``Net sales; 2022: 34,229; 2021: 35,355 (in millions)``: ``name``, ``cells`` as pairs of a column's name and a value, ``unit``.

    A column without a name has ``""``; cells without a value are left out. ``total``: of the rows above it. ``table``: the place of its
    table in the passage.
    """

    name: str
    cells: tuple[tuple[str, str], ...]
    unit: str = ""
    total: bool = False
    table: int = 0

    @property
    def own_name(self) -> str:
        """Its name without the labels that stand above it."""
        return self.name.rpartition(": ")[2]

    @property
    def amounts(self) -> str:
        """What stands in its cells, without the names and without percentages: who asks for one has a word of the row's name for it."""
        return "; ".join(value for _, value in self.cells if "%" not in value) if not _says_percent(self.unit) else ""

    def __str__(self) -> str:
        shown = [f"{column}: {value}" if column else value for column, value in self.cells]
        is_pair = self.name != "" and [column for column, _ in self.cells] == [""]
        return (": " if is_pair else "; ").join(filter(None, (self.name, *shown))) + (f" {self.unit}" if self.unit and shown else "")

    def asked_for(self, words: AbstractSet[int]) -> TableRow:
        """The row with those columns alone whose names say most of what the words tell some columns from others by; all if none does.

        Besides those cells whose words are asked for themselves: they say whose the others are, as the row's name does.
        """
        names = [word_ids(column) for column, _ in self.cells]
        telling = {word for word in words if 0 < sum(word in name for name in names) < len(names)}
        most = max((len(telling & name) for name in names), default=0)
        if not most:
            return self
        named = [any(map(str.isalpha, value)) and not word_ids(value).isdisjoint(words) for _, value in self.cells]
        kept = (cell for cell, name, is_named in zip(self.cells, names, named, strict=True) if is_named or len(telling & name) == most)
        return replace(self, cells=tuple(kept))


def is_total(row: TableRow, above: Sequence[TableRow]) -> bool:
    """Whether the numbers of a row are the sums of those in the rows directly above it, of two at least; but for rounding."""
    wanted = _numbers(row)
    sums = dict.fromkeys(wanted, 0.0)
    for count, one in enumerate(reversed(above), start=1):
        numbers = _numbers(one)
        sums = {column: total + numbers.get(column, (0.0, 0.0))[0] for column, total in sums.items()}
        if count > 1 and all(abs(sums[column] - value) <= count * step for column, (value, step) in wanted.items()):
            return any(sums.values())
    return False


def parts_of_others(rows: Mapping[int, tuple[str, TableRow]]) -> set[int]:
    """The places of rows that another one of the same name has more than: they tell a part of what the other one tells.

    Args:
        rows: by place: the document that a row stands in, and the row.
    """
    alike: defaultdict[tuple[str, frozenset[int]], list[int]] = defaultdict(list)
    for place, (document, row) in rows.items():
        name = frozenset(word_ids(row.own_name))
        if name and row.amounts:
            alike[document, name].append(place)
    parts: set[int] = set()
    for places in filter(lambda places: len(places) > 1, alike.values()):
        sizes = {place: _most(rows[place][1]) for place in places}
        parts |= {place for place, size in sizes.items() if size < max(sizes.values())}
    return parts


def _most(row: TableRow) -> float:
    """The largest amount of a row, whichever sign it has; 0 where there is a dash for all of them."""
    factor = stated_factor(str(row))
    amounts = replace(row, cells=tuple(cell for cell in row.cells if "%" not in cell[1]))
    return max((abs(value) * factor for value, _ in _numbers(amounts).values()), default=0.0)


def _says_percent(unit: str) -> bool:
    return any(units().get(spelling(word)) == PERCENT for word in _WORD.findall(unit))


def _numbers(row: TableRow) -> dict[str, tuple[float, float]]:
    """Column → value, and the step to the next one of its form."""
    found = {}
    for column, cell in row.cells:
        for number in numbers_in(cell)[:1]:
            negative = cell[: number.start].rstrip("$ ").endswith(("(", "-", "–", "−"))
            reading = number.readings[0] if number.readings else Reading(0.0, 0.0)
            found[column] = (-reading.value if negative else reading.value, reading.step)
    return found


def table_row(line: str, header: str) -> TableRow:
    """The row with the names of its columns, where the header has one for each; without any, two cells are a label and its value."""
    cells, names = cells_of(line), cells_of(header)
    label, *values = cells
    if len(values) == 1 and not any(names):
        return TableRow(label.rstrip(": "), (("", values[0]),))
    if len(cells) > len(names):
        return TableRow("", tuple(("", cell) for cell in cells if cell))
    first, unit = _unit_apart(names[0].rstrip(": "))
    columns, goes_on = names[1:], first.endswith(",") and any(column[:1].isdigit() for column in names[1:])
    if goes_on:  # in the names of the columns: "Years ended December 31,", "2022"
        first, columns = "", [f"{first} {column}" if column[:1].isdigit() else column for column in columns]
    first = first.rstrip(",")
    name = f"{first}: {cells[0]}" if first and cells[0] else cells[0]
    return TableRow(name, tuple((column, cell) for column, cell in zip(columns, cells[1:], strict=False) if cell), unit)


def _unit_apart(name: str) -> tuple[str, str]:
    """What stands above the names of rows, without the unit in brackets behind it, or before it if that is sure to be one."""
    behind = _UNIT_BEHIND.fullmatch(name)
    if behind:
        return behind[1], behind[2]
    before = _UNIT_BEFORE.fullmatch(name)
    if before and (stated_scales(before[1]) or _says_percent(before[1])):
        return before[2], before[1]
    return name, ""

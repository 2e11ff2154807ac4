"""What a cell of a table holds: a number, a period, nothing; and numbers whose signs were set in cells of their own.

Belongs here: reading single cells, putting those of one number together. Not here: how a table is written, what names its columns
(``tables.py``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

_NUMBER = re.compile(r"[\s\d.,:%/()$£¥\u20a0-\u20cf'’+−–-]*\d[\s\d.,:%/()$£¥\u20a0-\u20cf'’+−–-]*(?:bps|pp|x)?")
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s*[/–-]\s*(?:\d\d|(?:19|20)\d\d))?(?:\s*\(\w\))?")
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d\d|\d{4})|(?:19|20)\d\d-\d\d(?:-\d\d)?|\d{1,2}[./](?:19|20)\d\d")
NOTHING = frozenset(("-", "–", "—", "−", "n/a", "n.a.", "nm", "n.m.", "*", "$ —", "$—", "—%", "–%", "-%"))
"""What stands in a cell of numbers for none."""
_SIGN_BEFORE = re.compile(r"[A-Z]{0,3}[$£¥\u20a0-\u20cf]\s*\(?|\(")
_SIGN_AFTER = re.compile(r"\)\s*%?|%\s*\)?")
_FARTHEST = 2
"""Cells from a sign to its number: one between them may be empty."""

Rows = Sequence[Sequence[str]]


@lru_cache(maxsize=4096)
def is_number(cell: str) -> bool:
    """Whether a cell is a number, with its currency, sign and percent; years and dates are too."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_period(cell: str) -> bool:
    """Whether a cell is a year or a date, which may be the name of a column as well as a value."""
    return (_YEAR.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip())) is not None


def with_whole_numbers(rows: Rows) -> Rows:
    """Rows in which ``$``, ``(``, ``)`` and ``%`` stand with their numbers, without the columns that only held those or kept others apart.

    Reports to the SEC, and pages that Excel saves, have three cells for ``$ (800)``, and the name of the column begins in the first of
    them. Rows without such cells are given back as they are: there an empty column may mean something.
    """
    whole = [_joined(row) for row in rows]
    moved = {place for row, old in zip(whole, rows, strict=True) for place, cell in enumerate(old) if cell.strip() and not row[place]}
    signs = {place for place in moved if any(len(old) > place and _SIGN_BEFORE.fullmatch(old[place].strip()) for old in rows)}
    return _without_spacers(whole, signs) if moved else rows


def _joined(row: Sequence[str]) -> list[str]:
    cells = list(row)
    for place, cell in enumerate(cells):
        if _SIGN_BEFORE.fullmatch(cell.strip()):
            after = next((at for at in range(place + 1, min(place + 1 + _FARTHEST, len(cells))) if cells[at].strip()), None)
            if after is not None and _has_value(cells[after]):
                cells[place], cells[after] = "", cell.strip() + cells[after].strip()
        elif _SIGN_AFTER.fullmatch(cell.strip()):
            before = next((at for at in range(place - 1, max(place - 1 - _FARTHEST, -1), -1) if cells[at].strip()), None)
            if before is not None and _has_value(cells[before]):
                cells[place], cells[before] = "", cells[before].strip() + cell.strip()
    return cells


def _has_value(cell: str) -> bool:
    return is_number(cell) or cell.strip() in NOTHING


def _without_spacers(rows: Rows, signs: AbstractSet[int]) -> Rows:
    """Rows without empty columns. Two of which no row has both are one where the first only has names, or had the ``signs`` of the other:
    a number without a sign mostly takes the place of both."""
    width = max(map(len, rows), default=0)
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in range(width)]
    body = next((at for at, row in enumerate(rows) if any(is_number(cell) and not is_period(cell) for cell in row[1:])), len(rows))
    kept, led = columns[:1], False
    for place, column in enumerate(columns[1:], start=1):
        filled = any(map(str.strip, column))
        names = not any(map(str.strip, kept[-1][body:]))
        if len(kept) > 1 and filled and (names or led) and not any(map(_both, kept[-1], column)):
            kept[-1] = [one or other for one, other in zip(kept[-1], column, strict=True)]
        elif filled:
            kept.append(column)
        led = place in signs or (led and not filled)
    return list(zip(*kept, strict=True))


def _both(one: str, other: str) -> bool:
    return bool(one.strip() and other.strip())

"""Numbers, dates and errors in Excel's old files as their cells show them, which calamine does not tell, or takes for others.

Belongs here: the records that say them (MS-XLS 2.4). Not here: what a format means (``codes``), other values.

calamine goes by a format's number before its code: where a program numbers its own formats as Excel numbers dates of East Asia (Gnumeric),
12.5% was three o'clock. It sees no date in a code whose characters are two bytes wide (SheetJS).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from rag_pipeline.ingestion.extract.office.number_formats.codes import writes_more
from rag_pipeline.ingestion.extract.office.number_formats.dates import value_shown

_BEGIN, _END, _SHEET, _FORMAT, _CELL_FORMAT, _DATES = 0x0809, 0x000A, 0x0085, 0x041E, 0x00E0, 0x0022
_NUMBER, _SHORT_NUMBER, _FORMULA, _SHORT_NUMBERS = 0x0203, 0x027E, 0x0006, 0x00BD
_WITH_NUMBERS = frozenset((_NUMBER, _SHORT_NUMBER, _FORMULA, _SHORT_NUMBERS))
_TRUTH_OR_ERROR = 0x0205
_IS_ERROR = 2
"""The kind of a formula's value (MS-XLS 2.5.133)."""
ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A", 43: "#GETTING_DATA"}
"""What cells show that hold an error, by its number (MS-XLS 2.5.10)."""
_UNICODE_VERSION = 0x0600
_NO_NUMBER = b"\xff\xff"
"""How the value of a formula ends that is a text, a truth, an error or nothing (MS-XLS 2.5.133)."""
_OF_EAST_ASIA = frozenset((*range(27, 37), *range(50, 59)))
"""Formats of dates, where the file does not say otherwise (ECMA-376, part 1, 18.8.30)."""
Numbers = dict[int, dict[int, tuple[object, str]]]
"""A number or date and its format code, or an error and none, by row and then by column, counted from 0; of those cells only whose number
alone does not say what they show."""


@dataclass(slots=True)
class _Workbook:
    unicode: bool = True
    names: dict[int, str] = field(default_factory=dict)
    """Of sheets, by where their records begin."""
    codes: dict[int, str] = field(default_factory=dict)
    cell_formats: list[int] = field(default_factory=list)
    since_1904: bool = False

    def telling(self) -> dict[int, str]:
        """The codes that show more of a number than its digits, or that calamine may take for others, by the numbers of cell formats."""
        from openpyxl.styles.numbers import is_date_format

        codes = ((number, index, self.codes[index]) for number, index in enumerate(self.cell_formats) if index in self.codes)
        return {number: code for number, index, code in codes if index in _OF_EAST_ASIA or is_date_format(code) or writes_more(code)}


def old_numbers(content: bytes) -> dict[str, Numbers]:
    """By the names of sheets. ``content`` is the stream ``Workbook`` or ``Book``, not encrypted."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    workbook = _Workbook(codes=dict(BUILTIN_FORMATS))
    found: dict[str, Numbers] = {}
    telling: dict[int, str] = {}
    around: list[str] = []
    for offset, kind, data in records(content):
        if kind == _BEGIN:
            workbook.unicode = struct.unpack_from("<H", data)[0] == _UNICODE_VERSION
            around.append(workbook.names.get(offset, ""))  # a chart in a sheet has records of its own
        elif kind == _END and around:
            around.pop()
            telling = telling or workbook.telling()  # the first part of the file is done, which says what formats there are
        elif kind == _SHEET:
            workbook.names[struct.unpack_from("<I", data)[0]] = _string(data[6:], 1, workbook)
        elif kind == _FORMAT:
            workbook.codes[struct.unpack_from("<H", data)[0]] = _string(data[2:], 2 if workbook.unicode else 1, workbook)
        elif kind == _DATES:
            workbook.since_1904 = struct.unpack_from("<H", data)[0] == 1
        elif kind == _CELL_FORMAT:
            workbook.cell_formats.append(struct.unpack_from("<H", data, 2)[0])
        elif around and around[-1] and (error := _error(kind, data)):
            row, column = struct.unpack_from("<HH", data)
            found.setdefault(around[-1], {}).setdefault(row, {})[column] = error, ""
        elif kind in _WITH_NUMBERS and around and around[-1]:
            for row, column, index, number in _cells(kind, data):
                if index in telling:
                    code = telling[index]
                    value = value_shown(number, code, workbook.since_1904)
                    found.setdefault(around[-1], {}).setdefault(row, {})[column] = value, code
    return found


def records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Where each record begins, its kind and its data."""
    offset = 0
    while offset + 4 <= len(content):
        kind, size = struct.unpack_from("<HH", content, offset)
        yield offset, kind, content[offset + 4 : offset + 4 + size]
        offset += 4 + size


def _cells(kind: int, data: bytes) -> Iterator[tuple[int, int, int, float]]:
    """Row and column, the number of the cell format, and the number, of the cells in a record that hold numbers."""
    if kind == _SHORT_NUMBERS:
        row, first = struct.unpack_from("<HH", data)
        for column in range((len(data) - 6) // 6):
            index, number = struct.unpack_from("<HI", data, 4 + 6 * column)
            yield row, first + column, index, short_number(number)
        return
    row, column, index = struct.unpack_from("<HHH", data)
    if kind == _SHORT_NUMBER:
        yield row, column, index, short_number(struct.unpack_from("<I", data, 6)[0])
    elif kind == _NUMBER or data[12:14] != _NO_NUMBER:
        yield row, column, index, struct.unpack_from("<d", data, 6)[0]


def _error(kind: int, data: bytes) -> str:
    """What a cell shows that holds an error, or whose formula failed; ``""`` of all others."""
    alone = kind == _TRUTH_OR_ERROR and data[7:8] == b"\x01"
    failed = kind == _FORMULA and data[12:14] == _NO_NUMBER and data[6] == _IS_ERROR
    return ERRORS.get(data[6 if alone else 8], "#ERROR") if alone or failed else ""


def short_number(packed: int) -> float:
    """MS-XLS 2.5.217: an integer of 30 bits or the upper half of a float, perhaps in hundredths."""
    whole = struct.unpack("<i", struct.pack("<I", packed))[0] >> 2
    number = float(whole) if packed & 2 else struct.unpack("<d", struct.pack("<II", 0, packed & 0xFFFFFFFC))[0]
    return number / 100 if packed & 1 else number


def _string(data: bytes, size_bytes: int, workbook: _Workbook) -> str:
    """A text behind its length, which in newer files a byte follows that says how wide its characters are."""
    count, text = int.from_bytes(data[:size_bytes], "little"), data[size_bytes:]
    if not workbook.unicode:
        return text[:count].decode("cp1252", "replace")
    return text[1 : 1 + 2 * count].decode("utf-16-le", "replace") if text[0] & 1 else text[1 : 1 + count].decode("latin-1")

"""The number formats of cells in Excel's old files, which calamine does not tell.

Belongs here: the records that say them (MS-XLS 2.4). Not here: what a format means (``codes``), values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from rag_pipeline.ingestion.extract.office.number_formats.codes import writes_more

_BEGIN, _END, _SHEET, _FORMAT, _CELL_FORMAT = 0x0809, 0x000A, 0x0085, 0x041E, 0x00E0
_NUMBER, _SHORT_NUMBER, _FORMULA, _SHORT_NUMBERS = 0x0203, 0x027E, 0x0006, 0x00BD
_WITH_NUMBERS = frozenset((_NUMBER, _SHORT_NUMBER, _FORMULA, _SHORT_NUMBERS))
_UNICODE_VERSION = 0x0600
Codes = dict[int, dict[int, str]]
"""Format codes by row and then by column, counted from 0; of those cells only whose format writes anything around the number."""


@dataclass(slots=True)
class _Workbook:
    unicode: bool = True
    names: dict[int, str] = field(default_factory=dict)
    """Of sheets, by where their records begin."""
    codes: dict[int, str] = field(default_factory=dict)
    cell_formats: list[int] = field(default_factory=list)

    def telling(self) -> dict[int, str]:
        """The codes that write anything around a number, by the numbers of cell formats."""
        codes = ((number, self.codes.get(index, "General")) for number, index in enumerate(self.cell_formats))
        return {number: code for number, code in codes if writes_more(code)}


def old_number_formats(content: bytes) -> dict[str, Codes]:
    """By the names of sheets. ``content`` is the stream ``Workbook`` or ``Book``, not encrypted."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    workbook = _Workbook(codes=dict(BUILTIN_FORMATS))
    found: dict[str, Codes] = {}
    telling: dict[int, str] = {}
    around: list[str] = []
    for offset, kind, data in records(content):
        if kind == _BEGIN:
            workbook.unicode = struct.unpack_from("<H", data)[0] == _UNICODE_VERSION
            around.append(workbook.names.get(offset, ""))  # a chart in a sheet has records of its own
        elif kind == _END and around:
            around.pop()
            telling = telling or workbook.telling()  # the first part of the file is done, which says what formats there are
            if not telling:
                return found
        elif kind == _SHEET:
            workbook.names[struct.unpack_from("<I", data)[0]] = _string(data[6:], 1, workbook)
        elif kind == _FORMAT:
            workbook.codes[struct.unpack_from("<H", data)[0]] = _string(data[2:], 2 if workbook.unicode else 1, workbook)
        elif kind == _CELL_FORMAT:
            workbook.cell_formats.append(struct.unpack_from("<H", data, 2)[0])
        elif kind in _WITH_NUMBERS and around and around[-1]:
            for row, column, index in _cells(kind, data):
                if index in telling:
                    found.setdefault(around[-1], {}).setdefault(row, {})[column] = telling[index]
    return found


def records(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Where each record begins, its kind and its data."""
    offset = 0
    while offset + 4 <= len(content):
        kind, size = struct.unpack_from("<HH", content, offset)
        yield offset, kind, content[offset + 4 : offset + 4 + size]
        offset += 4 + size


def _cells(kind: int, data: bytes) -> Iterator[tuple[int, int, int]]:
    """Row and column, and the number of the cell format, of the cells in a record that hold numbers."""
    if kind in (_NUMBER, _SHORT_NUMBER, _FORMULA):
        row, column, index = struct.unpack_from("<HHH", data)
        yield row, column, index
    elif kind == _SHORT_NUMBERS:
        row, first = struct.unpack_from("<HH", data)
        for column in range((len(data) - 6) // 6):
            yield row, first + column, struct.unpack_from("<H", data, 4 + 6 * column)[0]


def _string(data: bytes, size_bytes: int, workbook: _Workbook) -> str:
    """A text behind its length, which in newer files a byte follows that says how wide its characters are."""
    count, text = int.from_bytes(data[:size_bytes], "little"), data[size_bytes:]
    if not workbook.unicode:
        return text[:count].decode("cp1252", "replace")
    return text[1 : 1 + 2 * count].decode("utf-16-le", "replace") if text[0] & 1 else text[1 : 1 + count].decode("latin-1")

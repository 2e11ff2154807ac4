"""Cells of binary workbooks that do not say their column, written as those that do.

Belongs here: the records of a sheet that calamine passes over (MS-XLSB 2.4). Not here: values.

A cell may leave out its column where it stands right of the one before it. SheetJS writes all but the first cell of a row so; calamine
knows no such record, and of each row one cell was read.
"""

from __future__ import annotations

from collections.abc import Iterator

_ROW = 0
_CELLS = frozenset((*range(1, 12), 62))
"""From BrtCellBlank to BrtFmlaError, and BrtCellRString: each begins with its column, in four bytes."""
_SHORT_CELLS = frozenset(range(12, 19))
"""From BrtShortBlank to BrtShortIsst: each has the number of its long form and 11 more, and what that has but the column."""
_LONGER = 11
_COLUMN_BYTES = 4


def with_columns(sheet: bytes) -> bytes:
    """The records of a sheet; the same where none is short.

    Raises:
        IndexError: a record is cut off.
    """
    if not any(kind in _SHORT_CELLS for kind, _, _, _ in records(sheet)):
        return sheet
    column, written = -1, bytearray()
    for kind, start, data, end in records(sheet):
        if kind in _SHORT_CELLS:
            column += 1
            written += bytes((kind - _LONGER, *_size(end - data + _COLUMN_BYTES)))
            written += column.to_bytes(_COLUMN_BYTES, "little") + sheet[data:end]
            continue
        if kind == _ROW:
            column = -1
        elif kind in _CELLS:
            column = int.from_bytes(sheet[data : data + _COLUMN_BYTES], "little")
        written += sheet[start:end]
    return bytes(written)


def _size(count: int) -> Iterator[int]:
    while count > 0x7F:
        yield count & 0x7F | 0x80
        count >>= 7
    yield count


def records(sheet: bytes) -> Iterator[tuple[int, int, int, int]]:
    """The kind of each record, where it, its data and its end stand (MS-XLSB 2.1.4)."""
    start, size = 0, len(sheet)
    while start < size:
        kind, place = sheet[start], start + 1
        if kind >= 0x80:
            kind, place = kind & 0x7F | (sheet[place] & 0x7F) << 7, place + 1
        length, shift = 0, 0
        while True:
            byte = sheet[place]
            length, place, shift = length | (byte & 0x7F) << shift, place + 1, shift + 7
            if byte < 0x80 or shift > 21:
                break
        yield kind, start, place, place + length
        start = place + length

"""Cells of binary workbooks that leave out their column (MS-XLSB 2.4: BrtShortBlank to BrtShortIsst)."""

import struct

import pytest

from rag_pipeline.ingestion.extract.office.short_cells import with_columns

ROW, BLANK, NUMBER, TEXT, FORMULA = 0, 1, 5, 6, 9
SHORT_NUMBER, SHORT_TEXT = 16, 17
STYLE = bytes(4)
BEGIN_SHEET = bytes((0x81, 0x01, 0))
"""A record whose kind takes two bytes."""


def size(count: int) -> bytes:
    return bytes((count,)) if count < 128 else bytes((count & 127 | 128, count >> 7))


def record(kind: int, data: bytes) -> bytes:
    return bytes((kind,)) + size(len(data)) + data


def cell(kind: int, column: int, data: bytes) -> bytes:
    return record(kind, struct.pack("<I", column) + STYLE + data)


def text(words: str) -> bytes:
    return struct.pack("<I", len(words)) + words.encode("utf-16-le")


@pytest.mark.parametrize("words", ["Heron Quay", "A remark that is longer than a size of one byte " * 4])
def test_each_cell_stands_right_of_the_one_before_it(words: str) -> None:
    number = struct.pack("<d", 12400.0)
    short = BEGIN_SHEET + record(ROW, bytes(17)) + cell(TEXT, 2, text("Berth")) + record(SHORT_TEXT, STYLE + text(words))
    short += record(SHORT_NUMBER, STYLE + number) + record(ROW, bytes(17)) + record(SHORT_NUMBER, STYLE + number)
    short += cell(FORMULA, 7, number) + record(SHORT_NUMBER, STYLE + number)
    long = BEGIN_SHEET + record(ROW, bytes(17)) + cell(TEXT, 2, text("Berth")) + cell(TEXT, 3, text(words)) + cell(NUMBER, 4, number)
    long += record(ROW, bytes(17)) + cell(NUMBER, 0, number) + cell(FORMULA, 7, number) + cell(NUMBER, 8, number)
    assert with_columns(short) == long
    assert with_columns(long) is long

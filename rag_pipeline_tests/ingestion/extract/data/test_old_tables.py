"""Tables of dBase and FoxPro, SYLK and DIF, made from the descriptions of the formats."""

import struct
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.data.family import CSV, DBASE, INTERCHANGE, SYLK
from rag_pipeline_tests.ingestion.extract.documents import read, texts

DBASE_3, DBASE_7, FOXPRO = 0x03, 0x04, 0x30


def dbase(fields: list[tuple[bytes, str, int]], records: list[list[bytes]], kind: int = DBASE_3, driver: int = 0, count: int = -1) -> bytes:
    """A table of fields (name, kind, bytes) and records, whose cells are filled up with blanks; a first cell of ``*`` deletes one."""
    of_7 = kind == DBASE_7
    described = [
        struct.pack("<32scB14x", name, letter.encode(), size) if of_7 else struct.pack("<11sc4xB15x", name, letter.encode(), size)
        for name, letter, size in fields
    ]
    first = 68 if of_7 else 32
    start, width = first + sum(map(len, described)) + 1, 1 + sum(size for *_, size in fields)
    head = struct.pack("<BBBBIHH", kind, 124, 3, 1, len(records) if count < 0 else count, start, width).ljust(29, b"\0") + bytes(
        (driver, 0, 0)
    )
    rows = b""
    for record in records:
        deleted, cells = (b"*", record[1:]) if record[0] == b"*" else (b" ", record)
        rows += deleted + b"".join(cell.ljust(size) for cell, (*_, size) in zip(cells, fields, strict=True))
    return head.ljust(first, b"\0") + b"".join(described) + b"\r" + rows + b"\x1a"


def test_rows_of_a_table_are_named_by_its_columns(tmp_path: Path) -> None:
    fields = [(b"NAME", "C", 12), (b"AMOUNT", "N", 10), (b"DUE", "D", 8), (b"PAID", "L", 1), (b"RATE", "F", 8)]
    rows = [
        [b"Harbour", b"   1234.50", b"20240301", b"T", b"  .125"],
        [b"*", b"Gone", b"1", b"20240302", b"F", b"1"],
        [b"", b"-7", b"        ", b"?", b""],
    ]
    extraction = read(tmp_path, "a.dbf", dbase(fields, rows))
    assert texts(extraction) == ["NAME || AMOUNT || DUE || PAID || RATE\nHarbour | 1234.50 | 2024-03-01 | TRUE | .125\n | -7"]
    assert extraction.elements[0].table_header == "NAME || AMOUNT || DUE || PAID || RATE"
    assert extraction.notes == ()


@pytest.mark.parametrize(
    ("driver", "encoding", "text"),
    [
        (0x03, "cp1252", "Müller & Söhne"),
        (0x02, "cp850", "Müller & Söhne"),
        (0x26, "cp866", "Русский текст"),
        (0xC9, "cp1251", "Русский текст"),
        (0x64, "cp852", "Łódź"),
        (0x7B, "cp932", "東京都港区"),
        (0x4D, "gbk", "北京市"),
        (0x57, "utf-8", "Łódź 東京"),  # geographic programs of today, whatever the byte says
        (0, "utf-8", "Łódź 東京"),
        (0, "cp1252", "Straße für Müller, geöffnet über Mittag"),
    ],
)
def test_texts_are_in_the_code_page_that_the_file_names(tmp_path: Path, driver: int, encoding: str, text: str) -> None:
    content = dbase([(b"ORT", "C", 60)], [[text.encode(encoding)]], driver=driver)
    assert texts(read(tmp_path, "a.dbf", content)) == [f"ORT\n{text}"]


def test_a_character_that_its_field_cut_in_two_costs_no_other(tmp_path: Path) -> None:
    content = dbase([(b"A", "C", 5), (b"B", "C", 30)], [["größe".encode()[:3] + b"  ", "東京 größer".encode()]], driver=0x57)
    assert "東京 größer" in texts(read(tmp_path, "a.dbf", content))[0]


def test_numbers_and_moments_of_foxpro_are_bytes(tmp_path: Path) -> None:
    fields = [(b"I", "I", 4), (b"B", "B", 8), (b"Y", "Y", 8), (b"T", "T", 8), (b"V", "V", 10), (b"_NullFlags", "0", 1)]
    noon = struct.pack("<ii", 2460371, 12 * 3600 * 1000)  # 2024-03-01 is the Julian day 2460371
    row = [struct.pack("<i", -42), struct.pack("<d", 0.125), struct.pack("<q", -12345678), noon, b"abc".ljust(9, b"\0") + b"\x03", b"\0"]
    assert texts(read(tmp_path, "a.dbf", dbase(fields, [row], FOXPRO))) == [
        "I || B || Y || T || V\n-42 | 0.125 | -1234.5678 | 2024-03-01 12:00:00 | abc"
    ]


def test_numbers_of_dbase_7_are_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    negative = bytes(255 - byte for byte in struct.pack(">d", -2.5))
    positive = bytes((struct.pack(">d", 2.5)[0] ^ 0x80, *struct.pack(">d", 2.5)[1:]))
    fields = [(b"A long name of a column", "I", 4), (b"less", "O", 8), (b"more", "O", 8), (b"none", "O", 8)]
    content = dbase(fields, [[struct.pack(">I", 0x80000000 - 7), negative, positive, bytes(8)]], DBASE_7)
    assert texts(read(tmp_path, "a.dbf", content)) == ["A long name of a column || less || more || none\n-7 | -2.5 | 2.5"]


def test_texts_longer_than_a_byte_counts(tmp_path: Path) -> None:
    content = bytearray(dbase([(b"LONG", "C", 44)], [[b"x" * 44]]))
    content[49] = 1  # the decimals of a text are its length beyond 255
    content[10:12] = struct.pack("<H", 301)
    content[-45:] = b"y" * 300
    assert texts(read(tmp_path, "a.dbf", bytes(content))) == ["LONG\n" + "y" * 300]


def test_what_stands_in_another_file_is_told(tmp_path: Path) -> None:
    content = dbase([(b"NAME", "C", 4), (b"NOTES", "M", 10)], [[b"a", b""], [b"b", b"         3"]], 0x83)
    extraction = read(tmp_path, "a.dbf", content)
    assert texts(extraction) == ["NAME || NOTES\na\nb"]
    assert "NOTES" in extraction.notes[0]
    assert read(tmp_path, "b.dbf", dbase([(b"NAME", "C", 4), (b"NOTES", "M", 10)], [[b"a", b""]], 0x83)).notes == ()


def test_a_table_that_breaks_off(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.dbf", dbase([(b"NAME", "C", 4)], [[b"a"], [b"b"]], count=7))
    assert (texts(extraction), extraction.notes) == (["NAME\na\nb"], ("It ends after 2 of its 7 records.",))
    with pytest.raises(DocumentError, match="wider"):
        read(
            tmp_path,
            "b.dbf",
            dbase([(b"NAME", "C", 40)], [[b"a"]])[:10] + struct.pack("<H", 20) + dbase([(b"NAME", "C", 40)], [[b"a"]])[12:],
        )


def test_long_tables_come_in_parts_that_know_their_columns(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.dbf", dbase([(b"NAME", "C", 4)], [[b"%d" % number] for number in range(2500)]))
    assert [element.table_header for element in extraction.elements] == ["NAME"] * 3
    assert sum(element.text.count("\n") + 1 for element in extraction.elements) == 2501


SHEET = (
    "ID;PWXL;N;E\r\nP;PGeneral\r\nP;P0.0%\r\nP;Pyyyy\\-mm\\-dd\r\nP;FArial;M200\r\nF;P1;FG0G;C3\r\n"
    "B;Y5;X3;D0 0 4 2\r\nO;L;D;V0;K47;G100 0.001\r\n"
    'C;Y1;X1;K"Name"\r\nC;X2;K"Due"\r\nC;X3;K"Share"\r\nC;Y2;X1;K"Müller;; Söhne"\r\nF;P2;FG0G;X2\r\nC;K45352\r\nC;X3;K0.125\r\n'
    'C;Y3;X1;K"a ""quoted"" \x1b :text \x1bNHo"\r\nC;X2;K#DIV/0!\r\nC;X3;K-0.5;ER[-1]C*2\r\nC;Y2;X3;AGert:\x1b :to be paid\r\nE\r\n'
)


def test_a_sheet_in_sylk(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.slk", SHEET.encode("cp1252"))
    assert texts(extraction) == [
        'Name || Due || Share\nMüller; Söhne | 2024-03-01 | 12.5%\na "quoted" text ö | #DIV/0! | -50%',
        "Comment: Gert: to be paid",
    ]
    assert extraction.notes == ()
    assert read(tmp_path, "b.slk", SHEET.encode()[:-3]).notes == ("It breaks off before its end.",)


def test_days_of_the_macintosh(tmp_path: Path) -> None:
    content = b"ID;PWXL\nP;Pm/d/yy\nF;P0;DG0G8\nO;V4\nC;Y1;X1;K1\nC;X2;K2\nE\n"
    assert texts(read(tmp_path, "a.slk", content)) == ["1904-01-02 | 1904-01-03"]


DIF = (
    'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,3\r\n""\r\nTUPLES\r\n0,2\r\n""\r\nLABEL\r\n1,0\r\n"Name"\r\nLABEL\r\n2,0\r\n"Sum"\r\nDATA\r\n0,0\r\n""\r\n'
    '-1,0\r\nBOT\r\n1,0\r\n"Müller, ""Sons"""\r\n0,-12.50\r\nV\r\n0,1\r\nTRUE\r\n'
    '-1,0\r\nBOT\r\n1,0\r\n"two\r\nlines"\r\n0,0\r\nNA\r\n0,0\r\nERROR\r\n-1,0\r\nEOD\r\n'
)


def test_a_table_in_dif(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.dif", DIF.encode("cp1252"))
    assert texts(extraction) == ['Name || Sum\nMüller, "Sons" | -12.50 | TRUE\ntwo lines | #N/A | #ERROR']
    assert extraction.notes == ()
    assert read(tmp_path, "b.dif", DIF.encode()[:-12]).notes == ("It breaks off before its end.",)


def test_texts_are_taken_for_none_of_these() -> None:
    table = b"ID;Price;Name\n1;2;3\n"
    assert media_type_of("a.csv", table) == CSV
    assert media_type_of("a.slk", b"words and more words") == "text/plain"
    assert media_type_of("a.dif", b"--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n") == "text/plain"
    assert media_type_of("a.dbf", b"0123456789 words and more words") == "text/plain"
    named = [media_type_of(f"a.{suffix}", content) for suffix, content in (("slk", b"ID;PX\n"), ("dif", DIF.encode()))]
    assert [*named, media_type_of("a.dbf", dbase([(b"A", "C", 1)], []))] == [SYLK, INTERCHANGE, DBASE]

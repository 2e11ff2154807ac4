"""Documents of old programs, made from the descriptions of their formats, by way of LibreOffice."""

import struct
from contextlib import suppress
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.old_programs.family import DOS_WORD, HANGUL, LOTUS, QUATTRO, WORDPERFECT, WORKS, WORKS_TABLE, WRITE
from rag_pipeline_tests.ingestion.extract.documents import compound_file, read, texts
from rag_pipeline_tests.programs import CALC, DRAW, IMPRESS, WRITER, needs

PERCENT, DATE = 0x32, 0xF2
"""Formats of Lotus: two decimals, and day, month, year."""


def sheet(version: bytes) -> bytes:
    """Records of Lotus 1-2-3 (Lotus, "Worksheet File Format", 1984): labels, and numbers with formats."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    rows: list[list[str | tuple[float, int]]] = [
        ["Name", "Share", "Due"],
        ["Harbour", (0.125, PERCENT), (45352, DATE)],
        ["Quay", (-0.5, PERCENT), (45353, DATE)],
    ]
    content = b"\0\0" + struct.pack("<H", 2) + version
    content += record(0x06, struct.pack("<4H", 0, 0, 2, 2))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                content += record(0x0F, struct.pack("<BHH", 0xFF, column, row) + b"'" + cell.encode() + b"\0")
            else:
                content += record(0x0E, struct.pack("<BHHd", cell[1], column, row, cell[0]))
    return content + record(0x01, b"")


def word_perfect(text: bytes) -> bytes:
    """A document of version 5.1: its header, characters, and hard ends of lines."""
    return b"\xffWPC" + struct.pack("<IBBBBHH", 16, 1, 10, 0, 1, 0, 0) + text.replace(b"\n", b"\x0a")


def windows_write(text: bytes) -> bytes:
    """A document in pages of 128 bytes ("Windows Write Binary File Format"): header, text, formats of characters and of paragraphs."""
    size = 128 + len(text)
    pages = -(-size // 128)
    head = struct.pack("<HHH4HI", 0xBE31, 0, 0xAB00, 0, 0, 0, 0, size) + struct.pack("<6H", pages + 1, *[pages + 2] * 5)
    head = (head.ljust(96, b"\0") + struct.pack("<H", pages + 2)).ljust(128, b"\0")
    formats = (struct.pack("<IIH", 128, size, 0xFFFF)).ljust(127, b"\0") + b"\x01"
    return head + text.ljust((pages - 1) * 128, b"\0") + formats + formats


@needs(CALC)
@pytest.mark.parametrize(("name", "version"), [("a.wk1", b"\x06\x04"), ("a.wks", b"\x04\x04"), ("without a name", b"\x06\x04")])
def test_sheets_are_tables(tmp_path: Path, name: str, version: bytes) -> None:
    content = sheet(version)
    assert media_type_of(name, content) == LOTUS
    (table,) = [text for text in texts(read(tmp_path, name, content)) if "Harbour" in text]
    assert table == "Name || Share || Due\nHarbour | 12.5% | 2024-03-01\nQuay | -50% | 2024-03-02"


@needs(WRITER)
def test_texts_of_wordperfect(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.wpd", word_perfect(b"The harbour opens at nine.\nBring a lamp.\n"))) == [
        "The harbour opens at nine.",
        "Bring a lamp.",
    ]


@needs(WRITER)
def test_texts_of_windows_write(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.wri", windows_write(b"The harbour opens at nine.\r\nBring a lamp.\r\n"))) == [
        "The harbour opens at nine.",
        "Bring a lamp.",
    ]


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("a.doc", b"\x31\xbe\0\0\0\xab".ljust(128, b"\0"), DOS_WORD),
        ("a.wri", b"\x32\xbe\0\0\0\xab".ljust(96, b"\0") + b"\x07\0", WRITE),
        ("a.wq1", b"\0\0\2\0\x20\x51\6\0\x08\0", QUATTRO),
        ("a.wb2", b"\0\0\2\0\x02\x10\x4c\0\2\0", QUATTRO),
        ("a.123", b"\0\0\x1a\0\5\x10\4\0", LOTUS),
        ("a", b"HWP Document File V3.00 \x1a\1\2\3\4\5", HANGUL),
        ("a.wpd", b"\xffWPC\x68\3\0\0\1\x0a\0\1\0\0\0\0", WORDPERFECT),
        ("a.wps", b"\x01\xfe\x01\0" + bytes(12), WORKS),
        ("a.wks", b"\xff\0\2\0\4\4\5\x54\2\0", WORKS_TABLE),
        ("a.wks", b"\0\0\2\0\4\4\5\x54\2\0", WORKS_TABLE),
        ("a.wdb", b"\x20\x54\2\0\0\0\5\x54\2\0", WORKS_TABLE),
    ],
)
def test_they_are_told_by_how_they_begin(name: str, content: bytes, media_type: str) -> None:
    assert media_type_of(name, content) == media_type


@pytest.mark.parametrize("name", ["a.wk1", "a.wpd", "a.wps", "a.wri", "a.hwp", "a.sdw", "a.pub", "a.vsd", "a.123"])
def test_texts_are_taken_for_none_of_these(name: str) -> None:
    assert media_type_of(name, b"12 words, and more words\n") == "text/plain"


STREAMS = [
    ("StarWriterDocument", "a.sdw", "libreoffice-writer-nogui"),
    ("StarCalcDocument", "a.sdc", "libreoffice-calc-nogui"),
    ("StarDrawDocument3", "a.sdd", "libreoffice-draw-nogui"),
    ("VisioDocument", "a.vsd", "libreoffice-draw-nogui"),
    ("Contents", "a.pub", "libreoffice-draw-nogui"),
    ("CONTENTS", "a.wps", "libreoffice-writer-nogui"),
    ("MM", "a.wdb", "libreoffice-writer-nogui"),
]


@pytest.mark.parametrize(("stream", "name", "package"), STREAMS)
def test_without_libreoffice_the_error_names_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str, name: str, package: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DocumentError, match=package) as raised:
        read(tmp_path, name, compound_file({stream: b"words that are no document" * 9}))
    assert (raised.value.code, raised.value.state) == ("missing_program", "unsupported")


@needs(WRITER, CALC, DRAW, IMPRESS)
@pytest.mark.parametrize(("stream", "name", "package"), STREAMS)
def test_bytes_are_never_taken_for_words(tmp_path: Path, stream: str, name: str, package: str) -> None:
    found: list[str] = []
    with suppress(DocumentError):
        found = texts(read(tmp_path, name, compound_file({stream: b"words that are no document" * 9})))
    assert "words" not in " ".join(found)

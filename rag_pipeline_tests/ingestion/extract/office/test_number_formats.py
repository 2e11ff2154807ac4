"""What number formats write around numbers."""

import struct

import pytest

from rag_pipeline.ingestion.extract.office.number_formats.codes import number_text
from rag_pipeline.ingestion.extract.office.number_formats.old_files import old_number_formats


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (1599.99, '"$"#,##0.00', "$1599.99"),
        (-5, '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)', "-$5"),
        (12.5, "#,##0.00\\ [$€-407]", "12.5 €"),
        (5, "[$USD] #,##0", "USD 5"),
        (5, '0.0" kg"', "5 kg"),
        (3, '"Q"0', "Q3"),
        (0.075, "0.00%", "7.5%"),
        (1234, "00000", "01234"),
        (123456789, "000\\-00\\-0000", "123-45-6789"),
        (5551234567, "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "(555) 123-4567"),
        (5551234, "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "555-1234"),
        (12, "000000\\-00", "000000-12"),
        (12000, '#,##0,"k"', "12000"),
        (1234567, "# ##0", "1234567"),
        (1.75, "# ?/?", "1.75"),
        (12345.678, "0.00E+00", "12345.678"),
        (3, ";;;", "3"),
        (0.000001, "General", "0.000001"),
        (1e300, "General", "1e+300"),
    ],
)
def test_numbers_in_full_with_what_stands_around_them(value: float, code: str, text: str) -> None:
    assert number_text(value, code) == text


def record(kind: int, *data: bytes) -> bytes:
    content = b"".join(data)
    return struct.pack("<HH", kind, len(content)) + content


def test_the_formats_of_an_old_file() -> None:
    """Two sheets, the first with a chart in it, whose numbers are not the sheet's (MS-XLS 2.1.7.20)."""
    begin, end = record(0x0809, struct.pack("<HH", 0x0600, 5)), record(0x0A)
    number = record(0x0203, struct.pack("<HHHd", 4, 2, 1, 0.5))
    chart = begin + record(0x0203, struct.pack("<HHHd", 9, 9, 1, 0.5)) + end
    several = record(0x00BD, struct.pack("<HHHIHIH", 5, 0, 0, 0, 1, 0, 1))
    code = '0 "лет"'.encode("utf-16-le")
    formats = record(0x041E, struct.pack("<HHB", 164, len(code) // 2, 1), code)
    formats += record(0x00E0, struct.pack("<HH", 0, 0)) + record(0x00E0, struct.pack("<HH", 0, 164))
    names = (b"One", b"Two")
    length = len(begin + formats + end) + sum(len(record(0x85, bytes(8), name)) for name in names)
    places = (length, length + len(begin + chart + number + end))
    sheets = b"".join(record(0x85, struct.pack("<IHBB", at, 0, 3, 0), name) for at, name in zip(places, names, strict=True))
    content = begin + formats + sheets + end + begin + chart + number + end + begin + several + end
    assert old_number_formats(content) == {"One": {4: {2: '0 "лет"'}}, "Two": {5: {1: '0 "лет"'}}}

"""What number formats write around numbers."""

import struct

import pytest

from rag_pipeline.ingestion.extract.office.number_formats.codes import number_text
from rag_pipeline.ingestion.extract.office.number_formats.old_files import old_numbers
from rag_pipeline.ingestion.extract.office.workbook import formatted_text


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
    assert old_numbers(content) == {"One": {4: {2: (0.5, '0 "лет"')}}, "Two": {5: {1: (0.0, '0 "лет"')}}}


def old_file(codes: dict[int, str], cells: bytes, since_1904: int = 0) -> bytes:
    """One sheet of an old file, whose cell formats, from 1, are those of the codes by their numbers (MS-XLS 2.4)."""
    begin, end = record(0x0809, struct.pack("<HH", 0x0600, 5)), record(0x0A)
    formats = record(0x0022, struct.pack("<H", since_1904)) + record(0x00E0, struct.pack("<HH", 0, 0))
    for number, code in codes.items():
        formats += record(0x041E, struct.pack("<HHB", number, len(code), 1), code.encode("utf-16-le"))
        formats += record(0x00E0, struct.pack("<HH", 0, number))
    name = struct.pack("<IHBB", len(begin + formats + end) + 15, 0, 3, 0) + b"One"
    return begin + formats + record(0x85, name) + end + begin + cells + end


@pytest.mark.parametrize(
    ("number", "code", "value", "text"),
    [
        (50, "0.0%", 0.125, "12.5%"),
        (52, '"€"#,##0.00', 1250.75, "€1250.75"),
        (27, "0.00", 3.5, "3.5"),
        (60, "yyyy-mm-dd", 46674, "2027-10-14"),
        (164, "dd/mm/yyyy\\ hh:mm", 46674.75, "2027-10-14 18:00:00"),
        (164, "hh:mm", 0.75, "18:00:00"),
        (164, "d mmm", -5e9, "-5000000000"),
    ],
)
def test_what_an_old_file_shows_goes_by_the_code_not_by_the_number_of_its_format(number: int, code: str, value: float, text: str) -> None:
    """Gnumeric numbers its formats from 50 on, as Excel does dates of East Asia; SheetJS writes codes of two bytes a character."""
    content = old_file({number: code}, record(0x0203, struct.pack("<HHHd", 4, 2, 1, value)))
    assert formatted_text(*old_numbers(content)["One"][4][2]) == text


def test_dates_are_counted_from_the_year_that_the_file_says() -> None:
    content = old_file({14: "m/d/yy"}, record(0x0203, struct.pack("<HHHd", 4, 2, 1, 45212.0)), since_1904=1)
    assert formatted_text(*old_numbers(content)["One"][4][2]) == "2027-10-14"


def test_packed_numbers_and_results_of_formulas() -> None:
    """RK: an integer or the upper half of a float, perhaps in hundredths (MS-XLS 2.5.217)."""
    upper_half = struct.unpack("<II", struct.pack("<d", 1.5))[1]
    packed = [(41850 << 2) | 2, (125075 << 2) | 3, upper_half, ((-7 << 2) | 2) & 0xFFFFFFFF]
    cells = b"".join(record(0x027E, struct.pack("<HHHI", 0, column, 1, one)) for column, one in enumerate(packed))
    cells += record(0x0006, struct.pack("<HHHd", 1, 0, 1, 99.5)) + record(0x0006, struct.pack("<HHHQ", 1, 1, 1, 0xFFFF << 48))
    found = old_numbers(old_file({164: '0 "t"'}, cells))["One"]
    assert [value for value, _ in found[0].values()] == [41850, 1250.75, 1.5, -7]
    assert {column: value for column, (value, _) in found[1].items()} == {0: 99.5}

"""Tables of which a page draws only what parts their rows: rules across, or shading. In their cells text wraps."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rag_pipeline_tests.ingestion.extract.documents import line, pdf, read

COLUMNS = (60, 190, 260, 330)
NAMES = ("Quay", "Planned", "Actual", "Remarks")
ROWS = (
    ("Heron Quay", "12,400", "13,950", "Closed for the season because the|crane had failed its inspection"),
    ("Osprey Quay", "8,150", "7,720", "Finished early"),
    ("Plover Quay", "21,300", "21,310", "Delayed by frost and by a strike|of the pilots in March"),
    ("Gannet Quay", "5,100", "4,875", "None"),
    ("Curlew Quay", "9,420", "9,600", "Waits for the diver"),
)
EXPECTED = [" | ".join(row).replace("|crane", " crane").replace("|of the", " of the") for row in ROWS]
ABOVE, HIGH, LEADING = 130, 34, 13


def written(rows: Sequence[Sequence[str]], middle: bool) -> str:
    """Cells of one line stand in the middle of their row, or at its top."""
    content = ""
    for number, row in enumerate(rows):
        for left, cell in zip(COLUMNS, row, strict=True):
            lines = cell.split("|")
            first = ABOVE + HIGH * number + (22 - 6.5 * (len(lines) - 1) if middle else 15)
            content += "".join(line(text, first + LEADING * place, 10, left) for place, text in enumerate(lines))
    return content


def across(down: float, high: float = 0.7, grey: float = 0.3) -> str:
    """A filled rectangle from the first column to the edge of the text."""
    return f"{grey} g 55 {800 - down - high} 490 {high} re f 0 g\n"


def tables(tmp_path: Path, content: str) -> list[str]:
    return [element.text for element in read(tmp_path, "a.pdf", pdf(content)).elements if element.kind == "Table"]


TEXT = line("The table lists all quays of the harbour with what their repairs have cost in this year.", 60)
HEADER = "".join(line(name, 122, 10, left) for name, left in zip(NAMES, COLUMNS, strict=True))
RULES = "".join(across(ABOVE + HIGH * number) for number in range(len(ROWS) + 1))
SHADES = across(110, 20, 0.6) + "".join(across(ABOVE + HIGH * number, HIGH, 0.9) for number in range(1, len(ROWS), 2))
END = line("After the table the text of the page goes on over the whole width of it, as before.", 340)


@pytest.mark.parametrize("middle", [True, False], ids=["cells in the middle", "cells at the top"])
@pytest.mark.parametrize("drawn", [RULES, SHADES], ids=["rules", "shading"])
def test_rows_are_what_stands_between_rules_or_in_one_shade(tmp_path: Path, drawn: str, middle: bool) -> None:
    extraction = read(tmp_path, "a.pdf", pdf(drawn + TEXT + HEADER + written(ROWS, middle) + END))
    (table,) = [element for element in extraction.elements if element.kind == "Table"]
    assert table.text.split("\n") == [" || ".join(NAMES), *EXPECTED]
    assert [element.text[:9] for element in extraction.elements if element.kind != "Table"] == ["The table", "After the"]


def test_the_rules_of_a_pages_header_and_footer_are_none_of_its_table(tmp_path: Path) -> None:
    rules = across(40) + RULES + across(770)
    (table,) = tables(tmp_path, rules + TEXT + HEADER + written(ROWS, middle=True) + END)
    assert table.split("\n")[1:] == EXPECTED


def test_an_amount_keeps_its_currency(tmp_path: Path) -> None:
    rows = [(name, f"$     {planned}", actual, remarks) for name, planned, actual, remarks in ROWS]
    (table,) = tables(tmp_path, RULES + TEXT + HEADER + written(rows, middle=True))
    assert [row.split(" | ")[1].replace(" ", "") for row in table.split("\n")[1:]] == [f"${planned}" for _, planned, _, _ in ROWS]


@pytest.mark.parametrize(
    "drawn",
    ["", across(ABOVE - 22) + across(ABOVE) + across(ABOVE + HIGH * len(ROWS)), "".join(across(90 + 100 * number) for number in range(4))],
    ids=["nothing", "around the names and the end", "between groups of rows"],
)
def test_other_rules_leave_a_table_to_its_text(tmp_path: Path, drawn: str) -> None:
    plain = [(name, planned, actual, remarks.partition("|")[0]) for name, planned, actual, remarks in ROWS]
    (table,) = tables(tmp_path, drawn + TEXT + HEADER + written(plain, middle=True))
    assert table.split("\n")[1:] == [" | ".join(row) for row in plain]


def test_paragraphs_between_rules_are_no_table(tmp_path: Path) -> None:
    content = "".join(
        across(100 + 60 * number)
        + line(f"Article {number} of the statutes says what the harbour board", 120 + 60 * number)
        + line("may decide, and when it has to meet for that in the spring.", 134 + 60 * number)
        for number in range(6)
    )
    assert tables(tmp_path, content) == []

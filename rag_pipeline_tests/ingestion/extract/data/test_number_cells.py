"""Numbers whose currency, bracket or per cent stands in a cell of its own, as in reports to the SEC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.extract.data.number_cells import with_whole_numbers
from rag_pipeline_tests.ingestion.extract.documents import read

CELL = st.sampled_from(["", "", "$", "US$", "(", ")", "%", ")%", "1,234", "(800", "—", "2022", "Net sales", "(1)"])
ROWS = st.lists(st.lists(CELL, max_size=8), max_size=6)


def report(*rows: str) -> str:
    """HTML of rows whose cells are parted by ``|``; ``3:text`` spans three columns."""
    cells = (cell.rpartition(":") for row in rows for cell in ["<tr>", *row.split("|"), "</tr>"])
    return "<table>" + "".join(text if "<" in text else f'<td colspan="{span or 1}">{text}</td>' for span, _, text in cells) + "</table>"


@given(ROWS)
def test_no_row_loses_a_letter_or_its_order(rows: Sequence[Sequence[str]]) -> None:
    assert ["".join(row) for row in with_whole_numbers(rows)] == ["".join(row) for row in rows]


def test_a_filed_report_has_its_numbers_whole_and_under_their_years(tmp_path: Path) -> None:
    html = report(
        "||||||||||||",
        "3:|9:Twelve Months Ended June 30,",
        "3:($ in millions)|3:2023|3:|3:2022",
        "3:Net sales|$|14,694||3:|$|14,544|",
        "3:Cost of sales|2:(11,969|)|3:|2:(11,724|)",
        "3:Other, net|2:—||3:|$|7|",
        "3:Margin|2:18.5|%|3:|2:19.4|%",
    )
    (table,) = read(tmp_path, "report.html", html.encode()).elements
    assert table.text.split("\n") == [
        "($ in millions) || Twelve Months Ended June 30, 2023 || Twelve Months Ended June 30, 2022",
        "Net sales | $14,694 | $14,544",
        "Cost of sales | (11,969) | (11,724)",
        "Other, net | — | $7",
        "Margin | 18.5% | 19.4%",
    ]


def test_columns_of_which_no_row_has_both_stay_two_where_both_have_names(tmp_path: Path) -> None:
    (table,) = read(tmp_path, "book.html", report("Item||Debit||Credit", "Rent|$|5||", "Sale|||$|7").encode()).elements
    assert table.text == "Item || Debit || Credit\nRent | $5\nSale |  | $7"


@pytest.mark.parametrize(
    "rows", [[["Name", "", "Size"], ["a", "", "7"]], [["Cost in $", "%"], ["yes", "no"]], [["$"], ["("], [")"]], [["a", "$", "", "", "7"]]]
)
def test_rows_without_such_cells_keep_their_empty_columns(rows: Sequence[Sequence[str]]) -> None:
    assert with_whole_numbers(rows) is rows

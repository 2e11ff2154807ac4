"""Tables found among the lines of a page: whatever is taken for one, nothing of the page is lost and no row loses its order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_pipeline.ingestion.extract.pdf.layout import Line, elements_of_lines
from rag_pipeline.ingestion.extract.pdf.tables import tables_among
from rag_pipeline.models import Element

CELLS = st.sampled_from(
    [
        "",
        "",
        "7",
        "1,204",
        "$ 88",
        "(31)",
        "—",
        "4.5 %",
        "2022",
        "2021",
        "Net sales",
        "of which abroad",
        "Years ended",
        "(in millions)",
        "- 3",
    ]
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=12)
PROSE = "Sales of the year were higher than those of the year before because of the price of oil, and of 3 new shops in the north."


def piece(text: str, row: int, column: int, span: int = 1, *, hyphenated: bool = False) -> Line:
    top, left = 0.05 + 0.02 * row, 0.08 + 0.14 * column
    return Line(text, 1, left, top, left + 0.14 * span - 0.03, top + 0.012, 10, hyphenated)


def line_of(cells: Sequence[str], row: int) -> Line | None:
    """A line as the page's reader gives it: parted where gaps are."""
    pieces = [piece(text, row, column) for column, text in enumerate(cells) if text]
    if not pieces:
        return None
    whole = piece(" ".join(part.text for part in pieces), row, 0)
    parts = tuple(pieces) if len(pieces) > 1 else ()
    return Line(whole.text, 1, pieces[0].left, whole.top, pieces[-1].right, whole.bottom, 10, segments=parts, phrases=parts)


def elements_of(lines: Sequence[Line]) -> list[Element]:
    return list(elements_of_lines(lines, tables=tables_among(lines)))


def words_of(*texts: str) -> list[str]:
    return re.findall(r"[^\W_]+|[$%]", " ".join(texts))


def in_order(words: Sequence[str], among: Iterator[str]) -> bool:
    return all(word in among for word in words)


@settings(max_examples=150)
@given(ROWS, st.integers(0, 12))
def test_every_word_of_every_piece_is_in_the_elements_in_the_order_of_its_row(rows: list[list[str]], prose_after: int) -> None:
    lines = [line for row, cells in enumerate(rows) if (line := line_of(cells, row + (row >= prose_after)))]
    if prose_after < len(rows):
        lines.insert(sum(line.top < 0.05 + 0.02 * prose_after for line in lines), piece(PROSE, prose_after, 0, 6))
    elements = elements_of(lines)
    said = words_of(*(element.text for element in elements))
    lost = Counter(words_of(*(line.text for line in lines))) - Counter(said)
    assert not lost
    repeated = Counter(said) - Counter(words_of(*(line.text for line in lines)))
    assert repeated.keys() <= set(words_of(*(element.table_header or "" for element in elements)))
    assert all(in_order(words_of(line.text), iter(said)) for line in lines)


def test_tables_below_one_another_keep_their_own_names_and_titles_stay_headings() -> None:
    title = Line("Statement of Income", 1, 0.4, 0.02, 0.6, 0.035, 10, bold=True)
    rows = (
        ["(in millions)", "2022", "2021"], ["Net sales", "34,229", "35,355"], ["Costs", "(19,232)", "—"],
        ["", "Assets", "Debt"], ["Group", "2022", "2022"], ["Retail", "11", "4"], ["Wholesale", "9", "3"],
    )  # fmt: skip
    lines = [title, *filter(None, (line_of(cells, row + 1) for row, cells in enumerate(rows)))]
    levels = {(10.0, True): 1}
    heading, first, second = elements_of_lines(lines, levels=levels, tables=tables_among(lines, levels))
    assert (heading.kind, heading.text) == ("Title", "Statement of Income")
    assert first.text == "(in millions) || 2022 || 2021\nNet sales | 34,229 | 35,355\nCosts | (19,232) | —"
    assert second.table_header == "Group || Assets 2022 || Debt 2022"


def test_a_page_whose_lines_all_stand_upright_on_their_side_holds_no_table() -> None:
    lines = [replace(line, rotation=90) for row in range(3) if (line := line_of(["name", "1", "2"], row))]
    assert tables_among(lines) == {}


def test_numbers_in_a_justified_line_make_no_row() -> None:
    justified = ["Income was", "881", "million", "in 2022,", "and", "528 million"]
    rows = [["Net sales", "34,229", "35,355"], ["Costs", "19,232", "18,795"], ["Profit", "14,997", "16,560"]]
    lines = [line for row, cells in enumerate([*rows, justified]) if (line := line_of(cells, row))]
    table, paragraph = elements_of(lines)
    assert table.text.count("\n") + 1 == len(rows)
    assert paragraph.text == "Income was 881 million in 2022, and 528 million"


def on_page(number: int, *rows: Sequence[str]) -> list[Line]:
    """A page of rows, and its number below them."""

    def there(line: Line) -> Line:
        return replace(line, page=number, segments=tuple(map(there, line.segments)), phrases=tuple(map(there, line.phrases)))

    lines = [there(line) for row, cells in enumerate(rows) if (line := line_of(cells, row))]
    return [*lines, there(piece(f"Page {number} of 9", 40, 2))]


SHOPS = [["Shop", "2021", "2022"], ["North", "1,200", "1,300"], ["South", "1,207", "(31)"]]
MORE = [["East", "904", "88"], ["West", "1,100", "7"]]


def test_a_table_that_goes_on_over_pages_keeps_its_names() -> None:
    elements = elements_of(on_page(1, *SHOPS) + on_page(2, *MORE) + on_page(3, *MORE))
    tables = [element for element in elements if element.kind == "Table"]
    assert [(table.page, table.table_header) for table in tables] == [(number, "Shop || 2021 || 2022") for number in (1, 2, 3)]
    assert tables[1].text == "East | 904 | 88\nWest | 1,100 | 7"


@pytest.mark.parametrize(
    "pages",
    [
        on_page(1, *SHOPS, [PROSE]) + on_page(2, *MORE),  # it had ended
        on_page(1, *SHOPS) + on_page(2, [PROSE], *MORE),  # another one, below its introduction
        on_page(1, *SHOPS) + on_page(2, *[["", *cells] for cells in MORE]),  # in other places
        on_page(1, *SHOPS) + on_page(3, *MORE),  # a page between them that could not be read
        on_page(1, *SHOPS[1:]) + on_page(2, *MORE),  # no names to keep
    ],
)
def test_another_table_takes_no_names_from_the_page_before(pages: Sequence[Line]) -> None:
    *_, last = [element for element in elements_of(pages) if element.kind == "Table"]
    assert (last.text.startswith("East"), last.table_header) == (True, None)


def test_abbreviations_in_a_column_make_no_list_of_it() -> None:
    lines = [line for row in range(4) if (line := line_of([f"Person {row}", "Bonn", f"ext. {row} a"], row))]
    (table,) = elements_of(lines)
    assert (table.kind, table.text.count("\n")) == ("Table", 3)

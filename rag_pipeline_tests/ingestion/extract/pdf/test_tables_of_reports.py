"""Tables as annual reports set them: dashes beside a column of numbers, marks of notes, names of several rows over several columns."""

from __future__ import annotations

from collections.abc import Sequence

from rag_pipeline.ingestion.extract.pdf.layout import Line, elements_of_lines
from rag_pipeline.ingestion.extract.pdf.tables import tables_among
from rag_pipeline.models import Element

LETTER = 0.008
Piece = tuple[float, str]


def line(row: int, *pieces: Piece, segments: Sequence[Piece] = ()) -> Line:
    """Pieces by their left edges, as narrow gaps part them; ``segments`` as wide ones do, where that is something else."""
    whole = _line(row, " ".join(text for _, text in pieces), pieces)
    parts = tuple(_line(row, text, [(left, text)]) for left, text in pieces)
    wide = tuple(_line(row, text, [(left, text)]) for left, text in segments)
    return Line(whole.text, 1, whole.left, whole.top, parts[-1].right, whole.bottom, 10, segments=wide or parts, phrases=parts)


def _line(row: int, text: str, pieces: Sequence[Piece]) -> Line:
    left, top = pieces[0][0], 0.05 + 0.02 * row
    return Line(text, 1, left, top, left + LETTER * len(text), top + 0.012, 10)


def right(edge: float, text: str) -> Piece:
    return edge - LETTER * len(text), text


def middle(place: float, text: str) -> Piece:
    return place - LETTER * len(text) / 2, text


def tables(*lines: Line) -> list[Element]:
    return [one for one in elements_of_lines(lines, tables=tables_among(lines)) if one.kind == "Table"]


def row(number: int, name: str, *values: Piece) -> Line:
    return line(number, (0.08, name), *values)


def test_a_dash_that_stands_beside_its_numbers_is_in_their_column() -> None:
    (table,) = tables(
        row(0, "(in millions)", right(0.5, "2023"), right(0.7, "2022")),
        row(1, "Foreign currency", right(0.5, "(7"), (0.502, ")"), right(0.7, "1")),
        row(2, "Cash flow hedges", (0.515, "-"), (0.715, "-")),
        row(3, "Net earnings", right(0.5, "1,419"), right(0.7, "2,454")),
        row(4, "Purchases", (0.515, "-"), right(0.7, "28")),
    )
    assert table.text.split("\n") == [
        "(in millions) || 2023 || 2022",
        "Foreign currency | (7) | 1",
        "Cash flow hedges | - | -",
        "Net earnings | 1,419 | 2,454",
        "Purchases | - | 28",
    ]


def test_a_column_of_nothing_beside_numbers_in_the_same_rows_is_one_of_its_own() -> None:
    (table,) = tables(
        row(0, "Shop", right(0.5, "2023"), right(0.6, "2022")),
        row(1, "North", right(0.5, "12"), right(0.6, "-")),
        row(2, "South", right(0.5, "14"), right(0.6, "-")),
    )
    assert table.text == "Shop || 2023 || 2022\nNorth | 12 | -\nSouth | 14 | -"


def test_the_mark_of_a_note_belongs_to_its_word_and_is_no_number() -> None:
    (table,) = tables(
        line(0, (0.4, "Operating Leases"), (0.4 + 17 * LETTER, "(1)"), (0.65, "Finance Leases"), (0.65 + 15 * LETTER, "(1)(2)")),
        row(1, "Fiscal 2024", right(0.5, "707"), right(0.75, "16")),
        row(2, "Fiscal 2025", right(0.5, "670"), right(0.75, "(14)")),
        line(3, (0.08, "Interest"), (0.08 + 9 * LETTER, "(3)"), right(0.5, "(2)"), right(0.75, "4")),
    )
    assert table.table_header == " || Operating Leases (1) || Finance Leases (1)(2)"
    assert table.text.endswith("Fiscal 2024 | 707 | 16\nFiscal 2025 | 670 | (14)\nInterest (3) | (2) | 4")


def test_labels_beside_amounts_in_words_are_a_table() -> None:
    outlook = [("Net sales", "$10.95 billion to $11.05 billion"), ("Comparable sales", "4% to 5%"), ("New stores, net", "25-30"),
               ("Share repurchases", "approximately $900 million"), ("Lease term", "see the notes")]  # fmt: skip
    (table,) = tables(*(row(number, label, middle(0.7, value)) for number, (label, value) in enumerate(outlook)))
    assert table.text == "\n".join(f"{label} | {value}" for label, value in outlook)


def test_two_addresses_beside_one_another_are_none() -> None:
    lines = [("Nordwind AG", "Sudlicht Ltd."), ("Hafenstrasse 12", "44 Harbour Road"), ("20457 Hamburg", "London E1 6AN"),
             ("Telefon 040 1234", "Phone 020 7946")]  # fmt: skip
    assert tables(*(row(number, one, (0.6, other)) for number, (one, other) in enumerate(lines))) == []


def test_a_label_whose_words_stand_wide_apart_is_one_and_does_not_end_the_table() -> None:
    label = [(0.08, "Restructuring,"), (0.2, "impairment"), (0.295, "and other")]
    whole = (0.08, "Restructuring, impairment and other")
    (table,) = tables(
        row(0, "($ million)", right(0.6, "2023"), right(0.8, "2022")),
        row(1, "Selling, general and administrative expenses", right(0.6, "(1,246)"), right(0.8, "(1,284)")),
        line(2, *label, right(0.6, "104"), right(0.8, "(234)"), segments=[whole, right(0.6, "104"), right(0.8, "(234)")]),
        row(3, "Operating income", right(0.6, "1,508"), right(0.8, "1,239")),
    )
    assert table.text.endswith("Restructuring, impairment and other | 104 | (234)\nOperating income | 1,508 | 1,239")


def test_a_table_that_goes_on_below_a_label_as_long_as_a_sentence_keeps_its_names() -> None:
    long = "Amortization of prior service credits that are included in what pensions cost net of tax, of which none was paid in cash before"
    above, below = tables(
        row(0, "Years ended", right(0.6, "2023"), right(0.8, "2022")),
        row(1, "Net loss", right(0.6, "5,053"), right(0.8, "4,290")),
        row(2, "Hedges", right(0.6, "30"), right(0.8, "49")),
        line(3, (0.08, long)),
        row(4, "Other income", right(0.6, "2,109"), right(0.8, "5,474")),
        row(5, "Total", right(0.6, "2,944"), right(0.8, "1,184")),
    )
    assert below.table_header == above.table_header == "Years ended || 2023 || 2022"


COLUMNS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
VALUES = ("956", "2", "(20)", "938", "1", "(14)", "925")


def values(number: int, name: str) -> Line:
    return row(number, name, *(middle(place, value) for place, value in zip(COLUMNS, VALUES, strict=True)))


def over(number: int, *names: str) -> Line:
    """A name over the middle of each column, none where it is empty."""
    return line(number, *(middle(place, name) for place, name in zip(COLUMNS, names, strict=True) if name))


def test_a_year_is_the_name_of_all_columns_below_it_though_their_names_take_several_rows() -> None:
    (table,) = tables(
        line(0, middle(0.3, "2021"), middle(0.5, "2022"), middle(0.8, "2023")),
        over(1, "Stores", "", "", "Stores", "", "", "Stores"),
        over(2, "at End", "Stores", "Stores", "at End", "Stores", "Stores", "at End"),
        over(3, "of Year", "Opened", "Closed", "of Year", "Opened", "Closed", "of Year"),
        values(4, "Best"),
        values(5, "Outlet"),
    )
    assert table.table_header == (
        " || 2021 Stores at End of Year || 2022 Stores Opened || 2022 Stores Closed || 2022 Stores at End of Year"
        " || 2023 Stores Opened || 2023 Stores Closed || 2023 Stores at End of Year"
    )


def test_the_beginning_of_a_long_name_is_not_the_name_of_its_neighbours() -> None:
    (table,) = tables(
        over(0, "", "", "", "", "Non-", "", ""),
        over(1, "", "Paid-In", "", "", "control", "", ""),
        over(2, "Shares", "Capital", "Earned", "Loss", "Interest", "Shares", "Total"),
        values(3, "Balance 1"),
        values(4, "Balance 2"),
    )
    assert table.table_header == " || Shares || Paid-In Capital || Earned || Loss || Non- control Interest || Shares || Total"


def test_what_is_said_in_brackets_is_said_of_all_columns_and_a_name_between_two_of_both() -> None:
    (table,) = tables(
        line(0, middle(0.6, "(unaudited)")),
        line(1, middle(0.5, "Three Months Ended December 31,")),
        line(2, middle(0.4, "2023"), middle(0.6, "2022"), middle(0.8, "Change")),
        row(3, "Net sales", middle(0.4, "306"), middle(0.6, "274"), middle(0.8, "12%")),
        row(4, "Costs", middle(0.4, "206"), middle(0.6, "174"), middle(0.8, "18%")),
    )
    ended = "Three Months Ended December 31,"
    assert table.table_header == f" || {ended} 2023 || (unaudited) {ended} 2022 || Change"


def test_a_year_above_the_end_of_a_long_label_is_the_name_of_the_numbers_below_it() -> None:
    (table,) = tables(
        line(0, (0.08, "($ million)"), middle(0.6, "Three Months Ended")),
        line(1, middle(0.47, "2022"), middle(0.72, "2023")),
        row(2, "Net income attributable to non-controlling interest", right(0.54, "(3)"), right(0.75, "(4)")),
        row(3, "Net sales", right(0.54, "3,909"), right(0.75, "3,673")),
    )
    assert table.table_header == "($ million) || Three Months Ended 2022 || Three Months Ended 2023"

"""Tables whose cells a page draws, in small files that draw them as programs do; and what is drawn alike but is no table."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_pipeline.ingestion.extract.pdf import rules
from rag_pipeline.models import Element
from rag_pipeline_tests.ingestion.extract.documents import line, pdf, read

Rule = tuple[float, float, float, float]
Grid = Sequence[Sequence[str | None]]
"""Cells by rows; lines of one are parted by ``/``, and one that goes on from the left is None, from above ``^``."""
TOP, LEFT, WIDTH, LEADING = 100.0, 60.0, 96.0, 12.0
PROSE = "The tenant keeps the garden in good order and cuts the hedges in the spring of each year at his own cost"
OFFER = (
    ("Pos.", "Service", "Quantity", "Total"),
    ("1", "Worktop of/natural stone,/3 cm, delivered", "5 m", "2,132.00"),
    ("2", "Cupboards", "7", "6,230.00"),
    ("", "Total net", "", "8,362.00"),
)
OFFER_TEXT = """\
Pos. || Service || Quantity || Total
1 | Worktop of natural stone, 3 cm, delivered | 5 m | 2,132.00
2 | Cupboards | 7 | 6,230.00
 | Total net |  | 8,362.00"""


def stroked(found: Iterable[Rule]) -> str:
    return "".join(f"0.5 w {x} {800 - y} m {right} {800 - bottom} l S\n" for x, y, right, bottom in found)


def thin(found: Iterable[Rule]) -> str:
    """Filled rectangles, as Word draws borders."""
    return "".join(f"{x} {800 - bottom} {max(right - x, 0.5)} {max(bottom - y, 0.5)} re f\n" for x, y, right, bottom in found)


def in_one_path(found: Iterable[Rule]) -> str:
    return "".join(f"{x} {800 - y} m {right} {800 - bottom} l\n" for x, y, right, bottom in found) + "S\n"


def heights(grid: Grid, top: float = TOP) -> list[float]:
    return list(accumulate((LEADING * max((cell or "").count("/") + 1 for cell in row) + 6 for row in grid), initial=top))


def rules_of(grid: Grid, top: float = TOP, left: float = LEFT) -> Iterator[Rule]:
    """The sides of each cell, but for those inside of cells over several rows or columns."""
    rows, columns = list(pairwise(heights(grid, top))), [left + WIDTH * number for number in range(len(grid[0]) + 1)]
    for (above, below), row in zip(rows, grid, strict=True):
        yield from ((x, above, x + WIDTH, above) for x, cell in zip(columns, row, strict=False) if cell != "^")
        yield from ((x, above, x, below) for x, cell in zip(columns, (*row, ""), strict=True) if cell is not None)
    yield columns[0], rows[-1][1], columns[-1], rows[-1][1]


def texts_of(grid: Grid, top: float = TOP, left: float = LEFT, size: float = 9) -> str:
    return "".join(
        line(text, above + 11 + LEADING * number, size, left + 4 + WIDTH * column)
        for above, row in zip(heights(grid, top), grid, strict=False)
        for column, cell in enumerate(row)
        for number, text in enumerate((cell or "").replace("^", "").split("/"))
        if text
    )


def drawn(grid: Grid, top: float = TOP, left: float = LEFT, draw: Callable[[Iterable[Rule]], str] = stroked) -> str:
    return draw(rules_of(grid, top, left)) + texts_of(grid, top, left)


def elements(tmp_path: Path, *pages: str, rotate: int = 0) -> list[Element]:
    return list(read(tmp_path, "a.pdf", pdf(*pages, rotate=rotate)).elements)


def tables(tmp_path: Path, *pages: str, rotate: int = 0) -> list[Element]:
    return [element for element in elements(tmp_path, *pages, rotate=rotate) if element.kind == "Table"]


@pytest.mark.parametrize("draw", [stroked, thin, in_one_path])
def test_cells_that_wrap_are_whole_however_their_rules_are_drawn(tmp_path: Path, draw: Callable[[Iterable[Rule]], str]) -> None:
    content = line("We offer as follows", 80) + drawn(OFFER, draw=draw) + line("The offer is good until May", 260)
    before, table, after = elements(tmp_path, content)
    assert (before.text, after.text) == ("We offer as follows", "The offer is good until May")
    assert (table.kind, table.text) == ("Table", OFFER_TEXT)
    assert table.table_header == "Pos. || Service || Quantity || Total"
    second = [box for box in table.boxes if table.text[box.start : box.end].startswith("1 |")]
    assert len(second) == len(["Worktop of", "natural stone,", "3 cm, delivered"])
    assert second[0].left == pytest.approx((LEFT + 4) / 600, abs=0.005)


def test_cells_drawn_as_rectangles_and_shaded(tmp_path: Path) -> None:
    places = list(pairwise(heights(OFFER)))
    cells = "".join(
        f"{LEFT + WIDTH * column} {800 - below} {WIDTH} {below - above} re S\n"
        for above, below in places
        for column in range(len(OFFER[0]))
    )
    shade = f"0.9 g {LEFT} {800 - places[0][1]} {4 * WIDTH} 18 re f 0 g\n"
    assert [table.text for table in tables(tmp_path, shade + cells + texts_of(OFFER))] == [OFFER_TEXT]


def test_a_grid_without_rules_at_its_sides(tmp_path: Path) -> None:
    right = LEFT + 4 * WIDTH
    inner = [rule for rule in rules_of(OFFER) if not (rule[0] == rule[2] and rule[0] in (LEFT, right))]
    assert [table.text for table in tables(tmp_path, stroked(inner) + texts_of(OFFER))] == [OFFER_TEXT]


def test_cells_over_several_columns_and_rows(tmp_path: Path) -> None:
    grid = (
        ("Item", "Year 2023", None, "Year 2022", None),
        ("^", "Plan", "Real", "Plan", "Real"),
        ("Rent", "10", "11", "12", "13"),
        ("Power", "20", "21", "22", "23"),
        ("Staff", "30", "31", "32", "33"),
    )
    (table,) = tables(tmp_path, drawn(grid))
    assert table.table_header == "Item || Year 2023 Plan || Year 2023 Real || Year 2022 Plan || Year 2022 Real"
    assert table.text.split("\n")[1:] == ["Rent | 10 | 11 | 12 | 13", "Power | 20 | 21 | 22 | 23", "Staff | 30 | 31 | 32 | 33"]


def test_a_cell_over_several_rows_is_said_in_each(tmp_path: Path) -> None:
    grid = (("Room", "Thing", "State"), ("Kitchen", "Hob", "good"), ("^", "Worktop", "burnt"), ("Bath", "Screen", "new"))
    (table,) = tables(tmp_path, drawn(grid))
    assert table.text.split("\n")[1:] == ["Kitchen | Hob | good", "Kitchen | Worktop | burnt", "Bath | Screen | new"]


def test_rows_that_only_their_numbers_part(tmp_path: Path) -> None:
    grid = (("Item", "Amount"), ("Boards of/oak/Screws/Glue", "120.00//4.50/3.20"))
    (table,) = tables(tmp_path, drawn(grid))
    assert table.text.split("\n") == ["Item || Amount", "Boards of oak | 120.00", "Screws | 4.50", "Glue | 3.20"]


def test_a_broken_word_is_whole_where_the_document_has_it(tmp_path: Path) -> None:
    grid = (("Item", "Amount"), ("Understairscupboard/s of oak", "12"), ("Beam-/like", "4"))
    around = line("Of oak are understairscupboards here.", 300)
    (table,) = tables(tmp_path, around + drawn(grid))
    assert table.text.split("\n")[1] == "Understairscupboards of oak | 12"


def test_a_table_goes_on_on_the_next_page_with_its_names(tmp_path: Path) -> None:
    first = (("Name", "Town"), ("Ann", "Bath"), ("Bob", "York"))
    second = (("Cid", "Leeds"), ("Dan", "Hull"))
    letterhead = line("Carpenter Ltd, Mill Lane 3", 780)
    one, two = tables(tmp_path, drawn(first, top=680) + letterhead, drawn(second, top=60) + letterhead)
    assert two.table_header == one.table_header == "Name || Town"
    assert two.text == "Cid | Leeds\nDan | Hull"
    _, last = tables(tmp_path, drawn(first, top=680), drawn(second[:1], top=60) + line("Yours sincerely", 200))
    assert (last.text, last.table_header) == ("Cid | Leeds", "Name || Town")
    _, other = tables(tmp_path, drawn(first, top=680), line("Customers in the north", 80) + drawn(second, top=100))
    assert other.table_header == "Cid || Leeds"


def test_a_turned_page(tmp_path: Path) -> None:
    upright = drawn(OFFER, top=300)
    assert [table.text for table in tables(tmp_path, f"q 0 1 -1 0 600 0 cm\n{upright}Q\n", rotate=90)] == [OFFER_TEXT]


def test_rules_in_a_form_on_the_page(tmp_path: Path) -> None:
    source, target = pypdfium2.PdfDocument(pdf(stroked(rules_of(OFFER)))), pypdfium2.PdfDocument(pdf(texts_of(OFFER, top=130)))
    form = source.page_as_xobject(0, target).as_pageobject()
    form.set_matrix(pypdfium2.PdfMatrix().translate(0, -30))
    page = target[0]
    page.insert_obj(form)
    page.gen_content()
    buffer = io.BytesIO()
    target.save(buffer)
    found = read(tmp_path, "a.pdf", buffer.getvalue()).elements
    assert [element.text for element in found] == [OFFER_TEXT]


def test_tables_beside_one_another(tmp_path: Path) -> None:
    one, other = (("a", "b"), ("1", "2"), ("3", "4")), (("c", "d"), ("5", "6"), ("7", "8"))
    found = tables(tmp_path, drawn(one, left=40) + drawn(other, left=320))
    assert [table.text for table in found] == ["a || b\n1 | 2\n3 | 4", "c || d\n5 | 6\n7 | 8"]


def paragraph(left: float, down: float, width: int, lines: int = 6) -> str:
    return "".join(line(PROSE[number : number + width], down + 14 * number, 10, left) for number in range(lines))


A_FRAME = "50 600 500 150 re S\n" + paragraph(60, 80, 70, 8)
LAID_OUT = (
    "40 100 500 680 re S 290 100 m 290 780 l S 40 700 m 540 700 l S\n"
    + paragraph(50, 45, 40, 3)
    + paragraph(300, 45, 40, 3)
    + paragraph(50, 110, 40, 30)
    + paragraph(300, 110, 40, 30)
)
A_CHART = (
    "".join(f"60 {700 - 40 * number} m 540 {700 - 40 * number} l S\n" for number in range(8))
    + "100 400 m 100 720 l S 300 400 m 300 720 l S\n"
    + line("1,000", 100, 9, 64)
    + line("2,000", 140, 9, 64)
)
UNDERLINED = "60 690 m 300 690 l S\n" + line("A heading", 100) + line("Name: Ann", 140) + line("Town: Bath", 140, left=300)


@pytest.mark.parametrize("content", [A_FRAME, LAID_OUT, A_CHART, UNDERLINED], ids=["frame", "layout", "chart", "underlined"])
def test_what_is_no_table_stays_text(tmp_path: Path, content: str) -> None:
    assert tables(tmp_path, content) == []


def test_columns_that_rules_do_not_part_are_found_by_their_places(tmp_path: Path) -> None:
    rows = [("Sales", "34", "35", "36"), ("Costs", "19", "18", "17"), ("Profit", "15", "17", "19")]
    texts = texts_of((("", "2023", "2022", "2021"), *rows))
    divider = stroked(
        [(LEFT + 2 * WIDTH - 10, TOP, LEFT + 2 * WIDTH - 10, TOP + 72), *((LEFT, TOP + y, 430, TOP + y) for y in (0, 18, 72))]
    )
    (table,) = tables(tmp_path, divider + texts)
    assert table.text.split("\n")[1:] == [" | ".join(row) for row in rows]


def test_rules_around_the_numbers_alone_make_no_table_without_labels(tmp_path: Path) -> None:
    rows = [("Sales", "34", "35", "36"), ("Costs", "19", "18", "17"), ("Profit", "15", "17", "19")]
    numbers = [row[1:] for row in rows]
    (table,) = tables(tmp_path, stroked(rules_of(numbers, left=LEFT + WIDTH)) + texts_of(rows))
    assert table.text.split("\n") == [" | ".join(row) for row in rows]


def test_narrow_shading_is_no_rule(tmp_path: Path) -> None:
    rows = [("Sales", "34", "35", "36"), ("Costs", "19", "18", "17"), ("Profit", "15", "17", "19")]
    bands = (
        f"0.8 0.9 1 rg {LEFT} 763 400 1.5 re f {LEFT} 727 400 1.5 re f " + " ".join(f"{x} 700 1.8 100 re f" for x in (150, 250)) + " 0 g\n"
    )
    (table,) = tables(tmp_path, bands + texts_of(rows))
    assert table.text.split("\n") == [" | ".join(row) for row in rows]
    assert [element.kind for element in elements(tmp_path, bands + texts_of([row[:2] for row in rows]))] == ["Table"]


def test_a_drawing_of_50000_lines_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    edges = rules._edges
    monkeypatch.setattr(rules, "_edges", lambda path, affine: looked.append(path) or edges(path, affine))
    drawing = "".join(f"{number % 500} {number // 500} m {number % 500 + 9} {number // 500} l S\n" for number in range(50_000))
    rows = line("Sales", 60) + line("34", 60, left=300) + line("Costs", 80) + line("19", 80, left=300)
    assert elements(tmp_path, drawing + rows)
    assert looked == []
    assert elements(tmp_path, drawing[: drawing.index("0 20 m")] + rows)
    assert len(looked) <= rules._MOST_PATHS


def test_nothing_is_looked_at_where_no_text_stands_beside_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.pdf.page.rules_of", lambda *_: pytest.fail("looked at"))
    assert elements(tmp_path, paragraph(60, 80, 60) + "50 600 500 150 re S\n")


WORDS = st.text("abcdefghijkmnopqrstuvwxyzABCDEFGHKLMNOPRSTUVWXYZ", min_size=2, max_size=4)
CELLS = st.lists(st.lists(st.one_of(WORDS, st.integers(10, 9999).map(str)), min_size=1, max_size=2).map(" ".join), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.integers(2, 5), st.integers(1, 5), st.sampled_from([stroked, thin, in_one_path]))
def test_any_texts_below_names_are_the_cells_of_their_grid(
    tmp_path: Path, data: st.DataObject, columns: int, rows: int, draw: Callable[[Iterable[Rule]], str]
) -> None:
    texts = data.draw(st.lists(st.lists(CELLS, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    # Numbers alone below one another would be rows of their own.
    body = [["/".join([*cell[:-1], f"{cell[-1]} yes"]) for cell in row] for row in texts]
    grid = [[f"Name {'ABCDE'[column]}" for column in range(columns)], *body]
    (table,) = elements(tmp_path, drawn(grid, draw=draw))
    found = [row.replace(" || ", " | ").split(" | ") for row in table.text.split("\n")]
    assert found == [[cell.replace("/", " ") for cell in row] for row in grid]

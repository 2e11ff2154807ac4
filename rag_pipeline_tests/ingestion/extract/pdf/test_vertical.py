"""Vertical writing, as pdfium gives what LibreOffice writes: each letter a line, in reading order."""

import pytest

from rag_pipeline.ingestion.extract.pdf.layout import Line, elements_of_lines
from rag_pipeline.ingestion.extract.pdf.letters.vertical import with_vertical_lines

FIRST, SECOND, LAST = "吾輩は猫である。名前はまだ無い。どこで生れ", "たかとんと見当がつかぬ。何でも薄暗いじめ", "じめした所で。"
LETTER, STEP, PITCH = 0.028, 0.033, 0.03


def letters(text: str, column: int) -> list[Line]:
    """A vertical line, the first column at the right edge of the page; full stops are small, in the upper right corner of their place."""
    right, found = 0.9 - column * PITCH, []
    for place, letter in enumerate(text):
        top, (width, height) = 0.13 + place * STEP, (0.006, 0.008) if letter == "。" else (0.02, LETTER)
        found.append(Line(letter, 1, right - width, top, right, top + height, 13))
    return found


PAGE = [letter for column, text in enumerate((FIRST, SECOND, LAST)) for letter in letters(text, column)]


def test_letters_below_one_another_are_lines_and_lines_from_right_to_left_a_paragraph() -> None:
    (paragraph,) = elements_of_lines(with_vertical_lines(PAGE))
    assert paragraph.text == FIRST + SECOND + LAST


def test_a_line_is_marked_where_it_stands_on_the_page() -> None:
    (paragraph,) = elements_of_lines(with_vertical_lines(PAGE))
    box = paragraph.boxes[1]
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0.85, 0.13, 0.87, 0.13 + 19 * STEP + LETTER))
    assert paragraph.text[box.start : box.end] == SECOND


def test_what_lies_horizontally_beside_it_stays_by_itself() -> None:
    number = Line("page 12", 1, 0.45, 0.95, 0.55, 0.96, 9)
    shown = [element.text for element in elements_of_lines(with_vertical_lines([*PAGE, number]))]
    assert shown == [FIRST + SECOND + LAST, "page 12"]


@pytest.mark.parametrize("text", ["有無有無有無有無有無有無", "ABCDEFGHIJKLMN"])
def test_cells_of_a_table_are_no_line(text: str) -> None:
    cells = [
        Line(letter, 1, 0.1 + 0.2 * (place % 3), 0.1 + 0.03 * (place // 3), 0.12 + 0.2 * (place % 3), 0.12 + 0.03 * (place // 3), 10)
        for place, letter in enumerate(text)
    ]
    assert with_vertical_lines(cells) == cells

"""Letters, initials and marks that a PDF stores in another order than they are read in, or apart from their line."""

from pathlib import Path

import pytest

from rag_pipeline.ingestion.extract.pdf.layout import Line, elements_of_lines
from rag_pipeline_tests.ingestion.extract.documents import line, pdf, read, texts

PARAGRAPH = (
    line("ontractors removed the silt from the basin and", 100, left=85)
    + line("went on with the quay before the winter came, as", 114, left=85)
    + line("the authority had asked them to do in its letter.", 128, left=60)
)
ARABIC = "<61> <7a> <0627>"


def drawn_by_letter(word: str, left: float) -> str:
    """Each letter by itself, from left to right, some with the text that it stands for (ISO 32000-2, 14.9.4): so Skia draws Arabic."""
    first, second, *rest = word
    actual = f"/Span <</ActualText <feff{0x627 + ord(second) - ord('a'):04x}>>> BDC 11.1 0 Td ({second}) Tj EMC"
    return f"BT /F 20 Tf {left} 700 Td ({first}) Tj {actual} {' '.join(f'11.1 0 Td ({letter}) Tj' for letter in rest)} ET\n"


def test_letters_of_arabic_words_are_read_from_right_to_left(tmp_path: Path) -> None:
    (text,) = texts(read(tmp_path, "a.pdf", pdf(drawn_by_letter("edbap", 60), characters=ARABIC)))
    assert text == "".join(chr(0x627 + ord(letter) - ord("a")) for letter in "pabde")


def test_a_hyphen_of_unicode_at_a_line_end_is_none_of_the_word(tmp_path: Path) -> None:
    content = line("The dredging was postponed on seventeen sep~", 100) + line("arate occasions, and once for good.", 114)
    extraction = read(tmp_path, "a.pdf", pdf(content, characters="<20> <7d> <0020>\n<7e> <7e> <2010>"))
    assert texts(extraction) == ["The dredging was postponed on seventeen separate occasions, and once for good."]


@pytest.mark.parametrize(
    ("initial", "first"),
    [
        (line("C", 122, size=40, left=58), "Contractors removed"),
        (line("C", 122, size=12, left=58), "ontractors removed"),
        (line("C", 122, size=40, left=300), "ontractors removed"),
    ],
    ids=["large and beside", "small", "elsewhere"],
)
def test_a_large_initial_is_part_of_its_word(tmp_path: Path, initial: str, first: str) -> None:
    elements = texts(read(tmp_path, "a.pdf", pdf(line("A heading", 60, size=20) + initial + PARAGRAPH)))
    assert any(text.startswith(first) for text in elements)
    assert sum(text.count("C") for text in elements) == 1


def test_an_initial_may_be_a_word(tmp_path: Path) -> None:
    content = line("A", 122, size=40, left=58) + line("harbour without repairs is a memory.", 100, left=88)
    elements = texts(read(tmp_path, "a.pdf", pdf(content + line("Each harbour needs them.", 114, left=88))))
    assert elements[0].startswith("A harbour without repairs")


def test_marks_of_a_list_that_are_drawn_after_it_stand_before_its_items(tmp_path: Path) -> None:
    items = ("Lower the ladder slowly", "Start the suction pump", "Record the depth reached")
    content = "".join(line(item, 100 + 40 * number, left=80) for number, item in enumerate(items))
    marks = "".join(line(f"{number}.", 60 + 40 * number, left=64) for number in range(1, 4))
    assert texts(read(tmp_path, "a.pdf", pdf(content + marks))) == [f"{number}. {item}" for number, item in enumerate(items, 1)]


def test_numbers_in_a_column_of_a_table_stay_cells(tmp_path: Path) -> None:
    rows = [("1.", "Heron Quay", "12,400"), ("2.", "Osprey Quay", "8,150"), ("3.", "Plover Quay", "21,300")]
    content = "".join(line(rows[row][column], 100 + 16 * row, left=60 + 150 * column) for column in (2, 1, 0) for row in range(len(rows)))
    words = " ".join(texts(read(tmp_path, "a.pdf", pdf(content)))).split()
    assert all(words.count(mark) == 1 for mark in ("1.", "2.", "3."))


def test_a_raised_character_parts_no_line(tmp_path: Path) -> None:
    raised = "BT /F 12 Tf 60 700 Td (A summary of the repairs with a footnote) Tj 5 Ts /F 8 Tf (1) Tj 0 Ts /F 12 Tf ( below it.) Tj ET\n"
    (text,) = texts(read(tmp_path, "a.pdf", pdf(raised + line("The last line of the paragraph is here as well.", 114))))
    assert "\n" not in text.partition("below")[0]


def test_each_item_of_a_list_is_a_line_of_its_own_and_no_line_of_prose_is() -> None:
    items = [
        "• Suction pump of the second class, which",
        "weighs eighty kilograms",
        "• Survey launch with echo sounder and lamp",
        "1. Lower it",
    ]
    prose = ["The authority approved all of the repairs", "– as it had said before – without delay."]
    for lines, text in ((items, "{} {}\n{}\n{}"), (prose, "{} {}")):
        block = [Line(one, 1, 0.1, 0.1 + 0.02 * number, 0.9, 0.12 + 0.02 * number, 12.0) for number, one in enumerate(lines)]
        assert [element.text for element in elements_of_lines(block)] == [text.format(*lines)]


@pytest.mark.parametrize(("indent", "kind"), [(0.0, "Title"), (0.05, "Title"), (0.3, "NarrativeText")])
def test_a_bold_line_heads_what_stands_indented_below_it_too(indent: float, kind: str) -> None:
    heading = Line("Equipment on board", 1, 0.1, 0.1, 0.3, 0.12, 12.0, bold=True)
    below = [Line("Suction pump of the second class", 1, 0.1 + indent, 0.14, 0.9, 0.16, 12.0)]
    rest = [
        Line("The text of the report, which is not bold.", 1, 0.1, 0.2 + 0.02 * number, 0.9, 0.22 + 0.02 * number, 12.0)
        for number in range(3)
    ]
    assert next(elements_of_lines([heading, *below, *rest])).kind == kind

from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.pdf_layout import Line, elements_of_lines
from rag_pipeline_tests.ingestion.extract.documents import PICTURE, WORDS, line, pdf, read, texts

BODY = line("First line of a paragraph that is long", 100) + line("and ends here with more words in it.", 114) + line("Another one.", 150)


def test_paragraphs_headings_and_pages(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.pdf", pdf(line("Guide", 60, size=24) + BODY, line("Second page", 60)))
    assert extraction.pages == 2
    assert [(element.kind, element.text, element.page, element.heading_path) for element in extraction.elements] == [
        ("Title", "Guide", 1, ()),
        ("NarrativeText", "First line of a paragraph that is long and ends here with more words in it.", 1, ("Guide",)),
        ("NarrativeText", "Another one.", 1, ("Guide",)),
        ("NarrativeText", "Second page", 2, ("Guide",)),
    ]


def test_a_box_for_each_line_says_where_it_stands(tmp_path: Path) -> None:
    paragraph = read(tmp_path, "a.pdf", pdf(BODY)).elements[0]
    first, second = paragraph.boxes
    assert paragraph.text[second.start : second.end] == "and ends here with more words in it."
    assert (first.page, first.left) == (1, pytest.approx(0.1, abs=0.01))
    assert first.top < 100 / 800 < first.bottom + 0.005 < second.bottom


def test_boxes_follow_the_rotation_of_the_page(tmp_path: Path) -> None:
    (box,) = read(tmp_path, "a.pdf", pdf(line("Turned", 100), rotate=90)).elements[0].boxes
    assert box.right == pytest.approx(1 - 90 / 800, abs=0.02)
    assert box.top == pytest.approx(0.1, abs=0.02)


def test_scanned_pages_are_named_and_the_others_read(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.pdf", pdf(line(WORDS, 60), PICTURE, PICTURE, line(WORDS, 60), PICTURE + line("7", 780)))
    assert texts(extraction) == [WORDS, WORDS, "7"]
    assert extraction.notes == ("Pages 2-3, 5 are without a text layer: scanned pages need OCR, which is not supported yet.",)


def test_a_page_with_text_and_a_picture_is_no_scan(tmp_path: Path) -> None:
    assert read(tmp_path, "a.pdf", pdf(PICTURE + line(WORDS, 60))).notes == ()


@pytest.mark.parametrize(
    ("content", "code", "state"),
    [
        (pdf(PICTURE), "no_text_layer", "unsupported"),
        (pdf(""), "empty", "empty"),
        (pdf(line(WORDS, 60))[:200], "damaged", "failed"),
        (b"%PDF-1.4\n", "damaged", "failed"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, code: str, state: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.pdf", content)
    assert (raised.value.code, raised.value.state) == (code, state)


def test_a_pdf_with_a_password(tmp_path: Path) -> None:
    encryption = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >> /ID [<00> <00>]"
    content = pdf(line(WORDS, 60)).replace(b"/Root 1 0 R", f"/Root 1 0 R {encryption}".encode())
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.pdf", content)
    assert raised.value.code == "password_protected"


def test_junk_before_the_header(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.pdf", b"@PJL SET A\n" * 200 + pdf(line(WORDS, 60)))) == [WORDS]


def make_line(text: str, row: int, right: float = 0.9, hyphenated: bool = False) -> Line:
    return Line(text, 1, 0.1, 0.1 + row * 0.02, right, 0.115 + row * 0.02, 10, hyphenated)


def joined(*lines: Line) -> list[str]:
    return [element.text for element in elements_of_lines(lines)]


def test_words_broken_at_a_line_end_are_healed() -> None:
    assert joined(make_line("a compu", 0, hyphenated=True), make_line("ter", 1)) == ["a computer"]
    assert joined(make_line("Jean", 0, hyphenated=True), make_line("Luc", 1)) == ["Jean-Luc"]
    assert joined(make_line("the snap-down and a snap", 0, hyphenated=True), make_line("down end", 1)) == [
        "the snap-down and a snap-down end"
    ]


def test_rows_of_numbers_and_short_lines_keep_their_breaks() -> None:
    rows = (make_line("Sales 1,200 1,300", 0), make_line("Costs 900 1,000", 1), make_line("Dear Sir,", 2, right=0.3), make_line("hello", 3))
    assert joined(*rows) == ["Sales 1,200 1,300\nCosts 900 1,000\nDear Sir,\nhello"]


def test_a_gap_parts_paragraphs() -> None:
    assert joined(*(make_line(str(row), row) for row in (0, 1, 2, 5, 6))) == ["0\n1\n2", "5\n6"]

from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.pdf.layout import Line, elements_of_lines
from rag_pipeline.ingestion.extract.pdf.page import read_page
from rag_pipeline_tests.ingestion.extract.documents import PICTURE, WORDS, line, pdf, read, texts
from rag_pipeline_tests.programs import TESSERACT, needs

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


@needs(TESSERACT)
def test_scanned_pages_are_named_and_the_others_read(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.pdf", pdf(line(WORDS, 60), PICTURE, PICTURE, line(WORDS, 60), PICTURE + line("7", 780)))
    assert texts(extraction) == [WORDS, WORDS, "7"]
    assert extraction.notes == ("Pages 2-3, 5 are without text, and OCR found none in the picture.",)


def test_a_page_with_text_and_a_picture_is_no_scan(tmp_path: Path) -> None:
    assert read(tmp_path, "a.pdf", pdf(PICTURE + line(WORDS, 60))).notes == ()


@pytest.mark.parametrize(
    ("content", "code", "state"),
    [
        pytest.param(pdf(PICTURE), "empty", "empty", marks=needs(TESSERACT)),
        pytest.param(pdf(PICTURE), "missing_program", "unsupported", id="no program"),
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


def test_lines_of_a_script_without_blanks_are_joined_without_one() -> None:
    assert joined(make_line("何でも薄暗いじめじめした所で", 0), make_line("泣いていた事だけは", 1)) == [
        "何でも薄暗いじめじめした所で泣いていた事だけは"
    ]
    assert joined(make_line("이사회는 다음", 0), make_line("달에 열린다", 1)) == ["이사회는 다음 달에 열린다"]


def test_rows_of_numbers_and_short_lines_keep_their_breaks() -> None:
    rows = (make_line("Sales 1,200 1,300", 0), make_line("Costs 900 1,000", 1), make_line("Dear Sir,", 2, right=0.3), make_line("hello", 3))
    assert joined(*rows) == ["Sales 1,200 1,300\nCosts 900 1,000\nDear Sir,\nhello"]


def test_a_gap_parts_paragraphs() -> None:
    assert joined(*(make_line(str(row), row) for row in (0, 1, 2, 5, 6))) == ["0\n1\n2", "5\n6"]


def test_what_pages_repeat_is_given_once_and_their_numbers_with_it(tmp_path: Path) -> None:
    pages = [line("Annual report", 30) + line(f"{WORDS} Page {n} says so.", 200) + line(f"Page {n} of 5", 780) for n in range(1, 6)]
    extraction = read(tmp_path, "a.pdf", pdf(*pages))
    assert [(element.kind, element.text) for element in extraction.elements if element.kind in ("Header", "Footer")] == [
        ("Header", "Annual report"),
        ("Footer", "Page 1 of 5"),
    ]
    assert [element.page for element in extraction.elements if WORDS in element.text] == [1, 2, 3, 4, 5]
    assert len(extraction.elements) == 7


def test_rows_and_heads_of_tables_are_not_taken_for_page_headers(tmp_path: Path) -> None:
    pages = [line(f"Table {n * n}", 30) + line("Item 2021 2022", 60) + line(f"Sales {n * 7} {n * 11}", 90) for n in range(1, 6)]
    extraction = read(tmp_path, "a.pdf", pdf(*pages))
    assert " ".join(texts(extraction)).count("Item 2021 2022") == 5
    assert all(f"Sales {n * 7} {n * 11}" in " ".join(texts(extraction)) for n in range(1, 6))


def test_what_is_all_that_a_page_says_is_left_out_only_where_another_says_it_word_for_word(tmp_path: Path) -> None:
    sheets = read(tmp_path, "a.pdf", pdf(*(line(f"Sheet {n}", 30) for n in range(1, 6))))
    assert texts(sheets) == [f"Sheet {n}" for n in range(1, 6)]
    assert [element.page for element in sheets.elements] == [1, 2, 3, 4, 5]
    assert texts(read(tmp_path, "b.pdf", pdf(*[line("For notes", 30)] * 5))) == ["For notes"]


LEFT = [f"left column line {number} is long enough" for number in range(8)]
RIGHT = [f"right column line {number} is long enough" for number in range(8)]


def test_three_columns_of_text_beside_each_other_are_no_table(tmp_path: Path) -> None:
    columns = [[f"{name} goes on in line {number:02}" for number in range(12)] for name in ("first", "other", "third")]
    content = "".join(line(text, 100 + 14 * n, left=50 + 170 * at) for at, column in enumerate(columns) for n, text in enumerate(column))
    extraction = read(tmp_path, "a.pdf", pdf(content))
    assert "Table" not in [element.kind for element in extraction.elements]
    assert " ".join(" ".join(texts(extraction)).split()) == " ".join(text for column in columns for text in column)


def test_columns_that_are_stored_row_by_row_are_read_one_after_the_other(tmp_path: Path) -> None:
    rows = "".join(
        line(left, 100 + 14 * n) + line(right, 100 + 14 * n, left=320) for n, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True))
    )
    content = pdf(line("A title across the whole width of this page of two columns", 60, size=18) + rows)
    text = " ".join(" ".join(texts(read(tmp_path, "a.pdf", content))).split())
    assert text.endswith(" ".join(LEFT + RIGHT))


def test_columns_that_are_stored_as_columns_keep_their_order(tmp_path: Path) -> None:
    columns = "".join(line(words, 100 + 14 * n) for n, words in enumerate(LEFT))
    columns += "".join(line(words, 100 + 14 * n, left=320) for n, words in enumerate(RIGHT))
    assert " ".join(" ".join(texts(read(tmp_path, "a.pdf", pdf(columns)))).split()) == " ".join(LEFT + RIGHT)


def test_rows_of_a_table_stay_rows(tmp_path: Path) -> None:
    rows = "".join(line(f"item {n}", 100 + 14 * n) + line(f"{n}00.00", 100 + 14 * n, left=320) for n in range(8))
    (table,) = read(tmp_path, "a.pdf", pdf(rows)).elements
    assert (table.kind, table.text.splitlines(), table.table_header) == ("Table", [f"item {n} | {n}00.00" for n in range(8)], None)


def test_the_names_of_columns_are_put_together_from_several_rows(tmp_path: Path) -> None:
    rows = (
        ("", "Years ended", "", ""),
        ("in millions", "2022", "2021", "2020"),
        ("Net sales", "34", "35", "32"),
        ("Costs", "19", "18", "16"),
    )
    places = (60, 250, 330, 410)
    cells = [(text, 100 + 14 * at, 320 if text == "Years ended" else left)
             for at, row in enumerate(rows) for text, left in zip(row, places, strict=True) if text]  # fmt: skip
    (table,) = read(tmp_path, "a.pdf", pdf("".join(line(text, height, left=left) for text, height, left in cells))).elements
    assert table.table_header == "in millions || Years ended 2022 || Years ended 2021 || Years ended 2020"
    assert table.text.splitlines()[1:] == ["Net sales | 34 | 35 | 32", "Costs | 19 | 18 | 16"]
    assert [table.text[box.start : box.end] for box in table.boxes][-1] == "Costs | 19 | 18 | 16"


def annotated(annotation: str) -> bytes:
    """A page with words and one annotation."""
    objects = f"/Annots [<< /Type /Annot /Rect [60 600 300 640] {annotation} >>] "
    return pdf(line(WORDS, 60)).replace(b"/Type /Page /Parent", f"/Type /Page {objects}/Parent".encode())


def test_comments_follow_the_page_and_links_do_not(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.pdf", annotated("/Subtype /Text /Contents (a remark)"))) == [WORDS, "Comment: a remark"]
    assert texts(read(tmp_path, "b.pdf", annotated("/Subtype /Link /Contents (a link)"))) == [WORDS]


def test_what_is_filled_into_a_form_is_part_of_the_page(tmp_path: Path) -> None:
    look = "BT /F 12 Tf 5 12 Td (filled in by hand) Tj ET"
    form = "/Type /XObject /Subtype /Form /BBox [0 0 240 40] /Resources << /Font << /F 3 0 R >> >>"
    stream = f"<< {form} /Length {len(look)} >>\nstream\n{look}\nendstream"
    content = annotated("/Subtype /Widget /FT /Tx /T (name) /V (filled in by hand) /AP << /N 7 0 R >>")
    content = content.replace(b"xref\n", f"7 0 obj\n{stream}\nendobj\nxref\n".encode(), 1).replace(b"/Size 7", b"/Size 8")
    extraction = read(tmp_path, "a.pdf", content)
    assert texts(extraction) == [WORDS, "filled in by hand"]
    assert extraction.elements[1].boxes[0].top == pytest.approx(1 - 630 / 800, abs=0.05)


def test_a_listed_password_opens_a_pdf(tmp_path: Path) -> None:
    import pypdfium2

    from rag_pipeline.ingestion.extract import ReadingOptions, extract
    from rag_pipeline_tests.ingestion.extract.documents import encrypted_pdf

    path = tmp_path / "a.pdf"
    path.write_bytes(encrypted_pdf(line(WORDS, 60), "s3cret"))
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(path)
    assert texts(extract(path, "application/pdf", ReadingOptions(passwords=("no", "s3cret")))) == [WORDS]
    with pytest.raises(DocumentError, match="RAG_PASSWORDS_FILE"):
        extract(path, "application/pdf", ReadingOptions(passwords=("no",)))


def test_a_file_that_claims_a_million_pages_ends_soon(tmp_path: Path) -> None:
    content = pdf(line(WORDS, 60)).replace(b"/Count 1", b"/Count 1000000")
    extraction = read(tmp_path, "a.pdf", content)
    assert texts(extraction) == [WORDS]
    assert extraction.notes == () or "damaged and not read" in extraction.notes[0]


def test_the_same_letters_are_the_same_level_on_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.pdf.reader._WINDOW", 2)
    title = line("Book", 80, 30) + line("First chapter", 160, 20) + line("Words of the first chapter stand here.", 240)
    chapter = line("Next chapter", 160, 20) + line("Words of the next chapter stand here.", 240)
    section = line("Section", 160, 16) + line("Words of the section stand here, at length.", 240)
    extraction = read(tmp_path, "a.pdf", pdf(title, section, chapter, section, chapter))
    assert [element.heading_path for element in extraction.elements if element.text.startswith("Words")] == [
        ("Book", "First chapter"),
        ("Book", "First chapter", "Section"),
        ("Book", "Next chapter"),
        ("Book", "Next chapter", "Section"),
        ("Book", "Next chapter"),
    ]


def test_a_page_that_a_library_trips_over_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_or_trip(document: object, number: int) -> object:
        if number == 2:
            raise TypeError("bad operand")
        return read_page(document, number)  # type: ignore[arg-type]

    monkeypatch.setattr("rag_pipeline.ingestion.extract.pdf.reader.read_page", read_or_trip)
    extraction = read(tmp_path, "a.pdf", pdf(*(line(f"Words of page {number}.", 80) for number in (1, 2, 3))))
    assert texts(extraction) == ["Words of page 1.", "Words of page 3."]
    assert extraction.notes == ("Page 2 was not read: TypeError: bad operand",)


@pytest.mark.parametrize(
    ("entries", "first"),
    [
        ("/Title (Report of the year) /Author (Ann Writer)", ["Title: Report of the year\nAuthor: Ann Writer"]),
        ("/Title (Microsoft Word - plan.docx) /Author ()", []),
        ("/Title (untitled) /Author (unknown)", []),
        ("/Title (a) /Author (...)", []),
        ("/Title (words of the page)", []),
    ],
)
def test_the_title_and_author_that_a_file_states(tmp_path: Path, entries: str, first: list[str]) -> None:
    extraction = read(tmp_path, "a.pdf", pdf(line("Words of the page, which say it.", 80), information=entries))
    assert texts(extraction) == [*first, "Words of the page, which say it."]


def test_attached_files_are_read_under_their_names(tmp_path: Path) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf(line("Words of the page.", 80)))
    document.new_attachment("figures.csv").set_data(b"name,size\nbolt,3\n")
    document.new_attachment("odd.bin").set_data(b"\0\1\2")
    document.save(tmp_path / "made.pdf")
    extraction = read(tmp_path, "a.pdf", (tmp_path / "made.pdf").read_bytes())
    assert texts(extraction) == ["Words of the page.", "figures.csv", "name || size\nbolt | 3"]
    assert extraction.elements[-1].heading_path == ("figures.csv",)
    assert extraction.notes[0].startswith("odd.bin, a file inside it, was not read")

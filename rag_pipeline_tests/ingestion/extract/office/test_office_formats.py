"""Word, PowerPoint and Excel files."""

import datetime
import io
import zipfile
from pathlib import Path

import openpyxl
import pptx
import pytest
from docx.document import Document
from docx.oxml import parse_xml
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from pptx.chart.data import BubbleChartData, CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from rag_pipeline.errors import DocumentError
from rag_pipeline_tests.ingestion.extract.documents import (
    WORDS,
    changed_archive,
    deck,
    element_with,
    read,
    texts,
    with_parts,
    word_document,
    workbook,
)

NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)


def with_body(xml: str) -> bytes:
    """A document with these elements in front of its body."""
    return word_document(lambda document: document.element.body.insert(0, parse_xml(xml)))


def paragraph(inner: str) -> bytes:
    return with_body(f"<w:p {NAMESPACES}>{inner}</w:p>")


def test_word_structure(tmp_path: Path) -> None:
    def fill(document: Document) -> None:
        document.sections[0].header.paragraphs[0].text = "Head of the page"
        document.add_heading("Guide", 1)
        document.add_paragraph(WORDS)
        document.add_heading("Parts", 2)
        document.add_paragraph("bolt", style="List Bullet")
        table = document.add_table(3, 2)
        for cell, text in zip((cell for row in table.rows for cell in row.cells), ["name", "size", "bolt", "3", "nut", "4"], strict=True):
            cell.text = text

    extraction = read(tmp_path, "a.docx", word_document(fill))
    assert [(element.kind, element.text, element.heading_path) for element in extraction.elements] == [
        ("Header", "Head of the page", ()),
        ("Title", "Guide", ()),
        ("NarrativeText", WORDS, ("Guide",)),
        ("Title", "Parts", ("Guide",)),
        ("ListItem", "bolt", ("Guide", "Parts")),
        ("Table", "name || size\nbolt | 3\nnut | 4", ("Guide", "Parts")),
    ]
    assert extraction.elements[-1].table_header == "name || size"


def test_word_cells_over_rows_are_told_in_each_row_and_nested_tables_are_kept(tmp_path: Path) -> None:
    def fill(document: Document) -> None:
        table = document.add_table(2, 2)
        table.cell(0, 0).merge(table.cell(1, 0)).text = "2023"
        table.cell(0, 1).text = "spring"
        table.cell(1, 1).add_table(1, 1).cell(0, 0).text = "inner words"

    (table,) = read(tmp_path, "a.docx", word_document(fill)).elements
    assert table.text == "2023 | spring\n2023 | inner words"


@pytest.mark.parametrize(
    "inner",
    [
        "<w:ins w:id='1' w:author='a'><w:r><w:t>wanted words</w:t></w:r></w:ins>",
        "<w:sdt><w:sdtContent><w:r><w:t>wanted words</w:t></w:r></w:sdtContent></w:sdt>",
        "<w:smartTag><w:r><w:t>wanted words</w:t></w:r></w:smartTag>",
        "<w:fldSimple w:instr='DATE'><w:r><w:t>wanted words</w:t></w:r></w:fldSimple>",
        "<w:r><w:pict><v:textbox><w:txbxContent><w:p><w:r><w:t>wanted words</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict></w:r>",
        "<w:r><w:t>wanted </w:t></w:r><w:del w:id='1' w:author='a'><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:r><w:t>words</w:t></w:r>",
    ],
)
def test_word_text_that_unstructured_would_drop_is_kept(tmp_path: Path, inner: str) -> None:
    assert texts(read(tmp_path, "a.docx", paragraph(inner))) == ["wanted words"]


def test_fonts_that_draw_symbols_in_place_of_letters(tmp_path: Path) -> None:
    """ECMA-376 part 1, 17.3.3.30 (``sym``); 21.1.2.3.10 (``a:sym``)."""

    def run(font: str, text: str) -> str:
        return f'<w:r><w:rPr><w:rFonts w:ascii="{font}" w:hAnsi="{font}"/></w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'

    doses = run("Arial", "5 ") + run("Symbol", "\uf06d") + run("Arial", "g, or 5 ") + run("Symbol", "m") + run("Arial", "g m")
    signs = '<w:r><w:t>a </w:t><w:sym w:font="Wingdings" w:char="F0E0"/><w:sym w:font="Symbol" w:char="F0B3"/><w:t> b</w:t></w:r>'
    pictures = '<w:r><w:sym w:font="Wingdings" w:char="F036"/><w:sym w:char="x"/><w:t>c</w:t></w:r>'
    assert texts(read(tmp_path, "a.docx", paragraph(doses))) == ["5 μg, or 5 μg m"]
    assert texts(read(tmp_path, "b.docx", paragraph(signs + pictures))) == ["a →≥ bc"]

    def on_slide(name: str, part: bytes) -> bytes:
        greek = b'<a:r><a:rPr><a:latin typeface="Symbol"/></a:rPr><a:t>ab</a:t></a:r>'
        mark = '<a:r><a:rPr><a:latin typeface="Arial"/><a:sym typeface="Wingdings"/></a:rPr><a:t>a\uf0fc</a:t></a:r>'.encode()
        return part.replace(b"<a:r><a:t>here</a:t></a:r>", greek + mark)

    assert texts(read(tmp_path, "a.pptx", changed_archive(deck(("Title", "here")), on_slide)))[:2] == ["Title", "αβa✔"]


def test_word_content_controls_around_paragraphs(tmp_path: Path) -> None:
    inner = "<w:p><w:r><w:t>wanted words</w:t></w:r></w:p>"
    content = with_body(f"<w:sdt {NAMESPACES}><w:sdtContent>{inner}</w:sdtContent></w:sdt>")
    assert texts(read(tmp_path, "a.docx", content)) == ["wanted words"]


def test_word_headings_by_outline_level(tmp_path: Path) -> None:
    def fill(document: Document) -> None:
        style = document.styles.add_style("House heading", 1)
        style.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {NAMESPACES} w:val="1"/>'))
        document.add_paragraph("Our own heading", style="House heading")
        document.add_paragraph(WORDS)

    extraction = read(tmp_path, "a.docx", word_document(fill))
    assert extraction.elements[1].heading_path == ("Our own heading",)


def test_word_comments_follow_their_paragraph(tmp_path: Path) -> None:
    def fill(document: Document) -> None:
        run = document.add_paragraph().add_run("first")
        document.add_paragraph("second")
        document.add_comment(run, text="a remark", author="A")

    assert texts(read(tmp_path, "a.docx", word_document(fill))) == ["first", "Comment by A: a remark", "second"]


def test_word_macros_and_strict_files_are_read(tmp_path: Path) -> None:
    plain = word_document(lambda document: document.add_paragraph("wanted words"))
    main = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    macro = changed_archive(plain, lambda _, part: part.replace(main, b"application/vnd.ms-word.document.macroEnabled.main+xml"))
    assert texts(read(tmp_path, "a.docm", macro)) == ["wanted words"]
    strict = changed_archive(plain, lambda _, part: _strict(part))
    assert texts(read(tmp_path, "b.docx", strict)) == ["wanted words"]


def _strict(part: bytes) -> bytes:
    for family in (b"wordprocessingml", b"officeDocument", b"drawingml"):
        part = part.replace(b"http://schemas.openxmlformats.org/" + family + b"/2006/", b"http://purl.oclc.org/ooxml/" + family + b"/")
    return part


def test_slides(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.pptx", deck(("Welcome", WORDS), ("Plan", "Short")))
    assert extraction.pages == 2
    assert [(element.kind, element.text, element.page, element.heading_path) for element in extraction.elements] == [
        ("Title", "Welcome", 1, ()),
        ("NarrativeText", WORDS, 1, ("Welcome",)),
        ("NarrativeText", "Speaker notes:\nNotes on Welcome", 1, ("Welcome",)),
        ("Title", "Plan", 2, ()),
        ("NarrativeText", "Short", 2, ("Plan",)),
        ("NarrativeText", "Speaker notes:\nNotes on Plan", 2, ("Plan",)),
    ]


def test_slides_keep_charts_and_shapes_that_begin_outside(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    slide.shapes.add_textbox(Inches(-0.1), Inches(-0.1), Inches(2), Inches(1)).text_frame.text = "at the edge"
    data = CategoryChartData()
    data.categories = ["north", "south"]
    data.add_series("sales", (1.5, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, Inches(1), Inches(4), Inches(3), data)
    presentation.save(str(tmp_path / "made"))
    extraction = read(tmp_path, "a.pptx", (tmp_path / "made").read_bytes())
    assert texts(extraction) == ["at the edge", " || sales\nnorth | 1.5\nsouth | 2"]


def test_categories_in_groups(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    data = CategoryChartData()
    for country, towns in {"Scotland": ("Glasgow", "Perth"), "Wales": ("Cardiff",)}.items():
        category = data.add_category(country)
        for town in towns:
            category.add_sub_category(town)
    data.add_series("sales", (1.5, 2, 3))
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(3), data)
    presentation.save(str(tmp_path / "made"))
    extraction = read(tmp_path, "a.pptx", (tmp_path / "made").read_bytes())
    assert texts(extraction) == [" || sales\nScotland Glasgow | 1.5\nScotland Perth | 2\nWales Cardiff | 3"]


def test_sheets(tmp_path: Path) -> None:
    rows = [["name", "value", "share", "day"], ["pi", 3.14159265358979, 0.125, datetime.date(2024, 2, 3)], ["tiny", 1e-9, None, None]]
    book = openpyxl.load_workbook(_saved(tmp_path, workbook({"Numbers": rows, "Empty": [], "Notes": [["only words"]]})))
    book["Numbers"]["C2"].number_format = "0.0%"
    book.save(tmp_path / "made.xlsx")
    extraction = read(tmp_path, "a.xlsx", (tmp_path / "made.xlsx").read_bytes())
    assert [element.text for element in extraction.elements if element.kind == "Title"] == ["Numbers", "Notes"]
    _, table, _, notes, empty = extraction.elements
    assert empty.text == "Sheets without rows: Empty"
    assert table.text == "name || value || share || day\npi | 3.14159265358979 | 12.5% | 2024-02-03\ntiny | 0.000000001"
    assert (table.table_header, table.page, table.heading_path) == ("name || value || share || day", 1, ("Numbers",))
    assert (notes.text, notes.page, notes.heading_path, extraction.pages) == ("only words", 3, ("Notes",), 3)


def _saved(folder: Path, content: bytes) -> Path:
    (folder / "saved.xlsx").write_bytes(content)
    return folder / "saved.xlsx"


def test_blocks_of_a_sheet_are_tables_of_their_own(tmp_path: Path) -> None:
    rows: list[list[object]] = [["a", "b"], [1, 2], [], ["c", "d"], [3, 4]]
    extraction = read(tmp_path, "a.xlsx", workbook({"S": rows}))
    assert [(element.text, element.table_header) for element in extraction.elements[1:]] == [
        ("a || b\n1 | 2", "a || b"),
        ("c || d\n3 | 4", "c || d"),
    ]


def test_cells_far_apart_do_not_fill_memory(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "near"
    book.worksheets[0]["XFD1048576"] = "far"
    book.save(tmp_path / "made.xlsx")
    assert texts(read(tmp_path, "a.xlsx", (tmp_path / "made.xlsx").read_bytes())) == ["Sheet", "near", "far"]


def damaged(name: str) -> bytes:
    makers = {
        "docx": lambda: word_document(lambda document: document.add_paragraph("words")),
        "pptx": lambda: deck(("Title", "words")),
        "xlsx": lambda: workbook({"S": [["words"]]}),
    }
    return makers[name]()


@pytest.mark.parametrize("name", ["docx", "pptx", "xlsx"])
@pytest.mark.parametrize("damage", ["cut", "garbled", "parts list gone"])
def test_damaged_office_files_say_so(tmp_path: Path, name: str, damage: str) -> None:
    content = damaged(name)
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "garbled":
        content = changed_archive(content, lambda part, data: data[:-30] if part.endswith((".xml", ".rels")) else data)
    else:
        content = changed_archive(content, lambda part, data: b"<a/>" if part in ("_rels/.rels", "[Content_Types].xml") else data)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, f"a.{name}", content)
    assert raised.value.code == "damaged"


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret words")
    doctype = f'<!DOCTYPE w [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()

    def attack(name: str, part: bytes) -> bytes:
        if name != "word/document.xml":
            return part
        return part.replace(b"?>", b"?>" + doctype, 1).replace(b"words", b"&e;")

    content = changed_archive(damaged("docx"), attack)
    with pytest.raises(DocumentError):
        read(tmp_path, "a.docx", content)


def test_archive_bombs_are_refused(tmp_path: Path) -> None:
    content = changed_archive(damaged("docx"), lambda name, part: b" " * (300 << 20) if name == "word/document.xml" else part)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.docx", content)
    assert raised.value.code == "too_large"


def test_an_office_file_under_another_name(tmp_path: Path) -> None:
    assert element_with(read(tmp_path, "a.txt", damaged("docx")), "words")


def test_hidden_text_is_left_out_and_named(tmp_path: Path) -> None:
    def fill(document: Document) -> None:
        paragraph = document.add_paragraph("seen ")
        paragraph.add_run("hidden").font.hidden = True

    extraction = read(tmp_path, "a.docx", word_document(fill))
    assert texts(extraction) == ["seen"]
    assert extraction.notes == ("Text that is formatted as hidden was left out.",)


def test_what_layouts_show_is_given_once(tmp_path: Path) -> None:
    presentation = pptx.Presentation(io.BytesIO(deck(("One", "a"), ("Two", "b"))))
    layout = presentation.slide_layouts[1]
    box = layout.shapes._spTree  # python-pptx adds shapes to slides only
    shape = presentation.slides[0].shapes.add_textbox(0, 0, 100, 100)
    shape.text_frame.text = "Made by us"
    box.append(shape._element)
    presentation.save(tmp_path / "made")
    extraction = read(tmp_path, "a.pptx", (tmp_path / "made").read_bytes())
    assert [(element.kind, element.text) for element in extraction.elements if "Made" in element.text] == [("Footer", "Made by us")]


def test_texts_beside_the_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["month", "sales"], ["May", 3], ["June", 4]):
        sheet.append(row)
    chart = BarChart()
    chart.title = "Sales by month"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart)
    sheet["A1"].comment = Comment("of this year", "Ann")
    sheet.oddHeader.center.text = "Confidential"
    sheet.oddFooter.left.text = "Page &P"
    book.save(tmp_path / "made")
    extraction = read(tmp_path, "a.xlsx", (tmp_path / "made").read_bytes())
    assert element_with(extraction, "Sales by month")
    assert element_with(extraction, "of this year").text.startswith("Comment by Ann: ")
    assert element_with(extraction, "Confidential").kind == "Header"
    assert element_with(extraction, "Page").text == "Page"


def test_long_sheets_stream(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.xlsx", workbook({"S": [["number", "name"], *([number, "x"] for number in range(2500))]}))
    tables = [element for element in extraction.elements if element.kind == "Table"]
    assert [len(table.text.splitlines()) for table in tables] == [1000, 1000, 501]
    assert {table.table_header for table in tables} == {"number || name"}


def test_a_new_page_or_column_inside_a_paragraph_parts_words(tmp_path: Path) -> None:
    breaks = "<w:r><w:t>one</w:t><w:br w:type='page'/><w:t>two</w:t></w:r><w:r><w:br w:type='column'/><w:t>three</w:t></w:r>"
    assert texts(read(tmp_path, "a.docx", paragraph(breaks))) == ["one\ntwo\nthree"]


def test_percentages_are_told_by_their_format(tmp_path: Path) -> None:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    formats = [(1, "0%"), (0, "0.0%"), (0.5, "0%"), (True, "0%"), (60, '0"%"'), (70.5, r"0.0\%")]
    for row, (value, number_format) in enumerate(formats, 1):
        book.worksheets[0].cell(row, 1, value).number_format = number_format
    book.save(buffer)
    assert texts(read(tmp_path, "a.xlsx", buffer.getvalue()))[1:] == ["100%\n0%\n50%\nTRUE\n60%\n70.5%"]


def test_escaped_characters_and_codes_of_headers_are_no_words(tmp_path: Path) -> None:
    """As Excel and xlsxwriter write them (ECMA-376 part 1, 22.9.2.19 and 18.3.1.46)."""
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.append(["one_x000D_two"])
    sheet.append(["literal _x0041_"])
    sheet["A1"].comment = Comment("three_x000D_\nfour", "A")
    sheet.oddHeader.left.text, sheet.oddHeader.center.text = '&K01+034R&&D &"Arial,Bold"&14Annual', "&KFF0000Red"
    book.save(buffer)
    wanted = ["Sheet", "one\ntwo\nliteral _x0041_", "Comment by A: three\nfour", "R&D Annual Red"]
    assert texts(read(tmp_path, "a.xlsx", buffer.getvalue())) == wanted


def test_points_of_series_over_values_of_their_own(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    points = BubbleChartData()
    for name, first in (("north", 1), ("south", 10)):
        series = points.add_series(name)
        series.add_data_point(first, 5, 7)
        series.add_data_point(first + 1, 6, 8)
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.BUBBLE, 0, 0, Inches(4), Inches(3), points)
    presentation.save(str(tmp_path / "made"))
    wanted = " | north | north\n1 | 5 | 7\n2 | 6 | 8\n | south | south\n10 | 5 | 7\n11 | 6 | 8"
    assert texts(read(tmp_path, "a.pptx", (tmp_path / "made").read_bytes())) == [wanted]


def test_boxes_drawn_on_a_chart_are_read(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["one"]
    data.add_series("sales", (1,))
    presentation.slides.add_slide(presentation.slide_layouts[6]).shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, 9, 9, data)
    presentation.save(str(tmp_path / "made"))
    content = (tmp_path / "made").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        chart = next(name for name in archive.namelist() if name.startswith("ppt/charts/chart"))
    shapes = b'<u xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:p><a:r><a:t>drawn on it</a:t></a:r></a:p></u>'
    drawn = with_parts(content, {"ppt/drawings/drawing1.xml": shapes}, [(chart, "chartUserShapes", "ppt/drawings/drawing1.xml")])
    assert texts(read(tmp_path, "a.pptx", drawn))[-1] == "drawn on it"

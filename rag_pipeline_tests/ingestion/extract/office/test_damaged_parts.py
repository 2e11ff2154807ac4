"""One damaged part of an Office file costs that part: what stands in all others is read, and the document says what is missing."""

import datetime
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.office.family import DOCX, ODP, ODS, ODT, PPTX, XLSX
from rag_pipeline.ingestion.extract.reading import elements_of
from rag_pipeline_tests.ingestion.extract.documents import changed_archive, open_document, open_source, read, texts

FEW = settings(derandomize=True, max_examples=15, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
SHEET_PARTS = ["worksheets/sheet2.xml", "charts/chart2.xml", "drawings/drawing2.xml", "comments/comment2.xml", "styles.xml"]
LETTER_PARTS = ["header1.xml", "comments.xml", "styles.xml", "numbering.xml", "settings.xml", "_rels/document.xml.rels"]
Damage = Callable[[bytes], bytes | None]
"""From a part to a damaged one, or to none."""


def deck() -> bytes:
    presentation, buffer = pptx.Presentation(), io.BytesIO()
    for number in (1, 2, 3):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"title{number}"  # type: ignore[union-attr]
        slide.placeholders[1].text = f"body{number}"  # type: ignore[attr-defined]
        slide.shapes.add_table(1, 1, 0, 0, 9, 9).table.cell(0, 0).text = f"cell{number}"
        slide.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = f"box{number}"
        data = CategoryChartData()
        data.categories = [f"category{number}"]
        data.add_series(f"series{number}", (number,))
        slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, 9, 9, data)
        slide.notes_slide.notes_text_frame.text = f"notes{number}"  # type: ignore[union-attr]
    presentation.save(buffer)
    return buffer.getvalue()


def words_of_slides(*numbers: int) -> list[str]:
    return [f"{what}{number}" for number in numbers for what in ("title", "body", "cell", "box", "category", "notes")]


def letter() -> bytes:
    document, buffer = docx.Document(), io.BytesIO()
    document.sections[0].header.paragraphs[0].text = "headerwords"
    document.add_heading("headingwords", 1)
    document.add_paragraph("listwords", style="List Number")
    document.add_comment(document.add_paragraph("bodywords").runs, text="commentwords", author="A")
    document.add_table(1, 1).cell(0, 0).text = "cellwords"
    document.save(buffer)
    return buffer.getvalue()


def book() -> bytes:
    made, buffer = openpyxl.Workbook(), io.BytesIO()
    made.remove(made.worksheets[0])
    for number in (1, 2, 3):
        sheet = made.create_sheet(f"sheet{number}")
        sheet.append([f"cell{number}", number])
        sheet["A1"].comment = Comment(f"comment{number}", "A")
        sheet.oddHeader.center.text = f"header{number}"
        chart = BarChart()
        chart.title = f"chart{number}"
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=1))
        sheet.add_chart(chart)
    made.save(buffer)
    return buffer.getvalue()


def words_of_sheets(*numbers: int) -> list[str]:
    return [f"{what}{number}" for number in numbers for what in ("cell", "comment", "header", "chart")]


DECK, LETTER, BOOK = deck(), letter(), book()
FRAME = '<draw:frame draw:name="F{0}"><draw:text-box><text:p>box{0}</text:p></draw:text-box></draw:frame>'
PAGES = "".join(f"<draw:page>{FRAME.format(number)}</draw:page>" for number in (1, 2, 3))


def damaged(content: bytes, part: str, damage: Damage) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        assert part in archive.namelist(), archive.namelist()
        for name in archive.namelist():
            changed = damage(archive.read(name)) if name == part else archive.read(name)
            if changed is not None:
                target.writestr(name, changed)
    return buffer.getvalue()


def said(content: bytes, media_type: str) -> tuple[str, list[str]]:
    """All that is read, and the notes."""
    source = open_source(content)
    return "\n".join(element.text for element in elements_of(source, media_type)), source.notes


def cut(part: bytes) -> bytes:
    return part[: len(part) * 2 // 3]


def gone(part: bytes) -> None:
    return None


def nonsense(part: bytes) -> bytes:
    return b"\0\xff nothing that means anything"


RUINS = [cut, gone, nonsense]


@pytest.mark.parametrize("ruin", RUINS)
@pytest.mark.parametrize("part", ["slides/slide2.xml", "slides/_rels/slide2.xml.rels", "notesSlides/notesSlide2.xml", "charts/chart*.xml"])
def test_a_ruined_part_of_a_slide_costs_that_part(part: str, ruin: Damage) -> None:
    with zipfile.ZipFile(io.BytesIO(DECK)) as archive:
        charts = sorted(name for name in archive.namelist() if name.startswith("ppt/charts/chart"))
    text, notes = said(damaged(DECK, charts[1] if "*" in part else f"ppt/{part}", ruin), PPTX)
    assert [word for word in words_of_slides(1, 3) if word not in text] == []
    if not (part.endswith(".rels") and ruin is gone):  # nothing then says that there was something
        assert any("lide 2" in note for note in notes), notes
    if part != "slides/slide2.xml":
        assert "body2" in text


@pytest.mark.parametrize("ruin", RUINS)
@pytest.mark.parametrize("part", ["header1.xml", "comments.xml", "styles.xml", "numbering.xml", "settings.xml"])
def test_a_ruined_part_beside_a_letter_costs_that_part(part: str, ruin: Damage) -> None:
    text, notes = said(damaged(LETTER, f"word/{part}", ruin), DOCX)
    assert [word for word in ("headingwords", "listwords", "bodywords", "cellwords") if word not in text] == []
    assert notes or ruin is gone
    if part == "header1.xml":
        assert any("header" in note for note in notes)


@pytest.mark.parametrize(
    ("sound", "odd"),
    [
        (b'<w:pStyle w:val="ListNumber"/>', b"<w:pStyle/>"),  # 17.3.1.27 demands the name of the style
        (b'<w:pStyle w:val="ListNumber"/>', b'<w:pStyle w:val="ListNumber"/><w:numPr><w:ilvl w:val="x"/></w:numPr>'),
        (b"<w:t>bodywords</w:t>", b'<w:rPr><w:b w:val="maybe"/></w:rPr><w:t>bodywords</w:t>'),
        (b"<w:sectPr", b'<w:p><w:hyperlink r:id="rIdNone"><w:r><w:t>linkwords</w:t></w:r></w:hyperlink></w:p><w:sectPr'),
        (b"<w:pgSz", b'<w:type w:val="weird"/><w:pgSz'),
    ],
)
def test_one_odd_attribute_costs_its_own_block_and_no_other(sound: bytes, odd: bytes) -> None:
    table = b"<w:tr><w:tc><w:p><w:r><w:t>first</w:t><w:tab/><w:t>second</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"

    def made_odd(part: bytes) -> bytes:
        assert sound in part
        return part.replace(sound, odd).replace(b"</w:tbl>", table)

    content = damaged(LETTER, "word/document.xml", made_odd)
    elements = list(elements_of(open_source(content), DOCX))
    kinds = {element.text: element.kind for element in elements}
    assert kinds["headingwords"] == "Title"
    assert [kind for text, kind in kinds.items() if text.split() == ["cellwords", "first", "second"]] == ["Table"]
    words = "\n".join(kinds)
    expected = ["listwords", "bodywords", "commentwords", "headerwords", *(["linkwords"] if b"linkwords" in odd else [])]
    assert [word for word in expected if word not in words] == []


def test_of_a_text_that_is_broken_somewhere_the_rest_is_read() -> None:
    text, notes = said(damaged(LETTER, "word/document.xml", lambda part: part.replace(b"<w:t>bodywords", b"<w:t>&body;wo\x01rds")), DOCX)
    assert [word for word in ("headingwords", "listwords", "cellwords", "headerwords") if word not in text] == []
    assert notes == ["The part word/document.xml is damaged. What could be read of it was; something may be missing."]


def test_words_alone_keep_their_tabs_breaks_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left where even the blocks cannot be told apart."""

    def trips(*arguments: object) -> None:
        raise ValueError("nothing makes sense")

    monkeypatch.setattr("unstructured.partition.docx.partition_docx", trips)
    monkeypatch.setattr("rag_pipeline.ingestion.extract.office.word.block_by_block", trips)
    spaced = b"<w:t>body</w:t><w:tab/><w:t>words</w:t><w:br/><w:t>below</w:t>"
    text, notes = said(damaged(LETTER, "word/document.xml", lambda part: part.replace(b"<w:t>bodywords</w:t>", spaced)), DOCX)
    lines = text.split("\n")
    assert lines[:4] == ["headingwords", "listwords", "body\twords", "below"]
    assert {"cellwords", "headerwords"} <= set(lines)
    assert notes == ["Its headings, lists and tables could not be told apart: it was read as plain text."]


def test_a_sheet_that_nothing_leads_to_costs_itself() -> None:
    def forgotten(listed: bytes) -> bytes:
        (relation,) = re.findall(rb"<Relationship [^>]*sheet2\.xml[^>]*>", listed)
        return listed.replace(relation, b"")

    text, notes = said(damaged(BOOK, "xl/_rels/workbook.xml.rels", forgotten), XLSX)
    assert [word for word in ("cell1", "cell2", "cell3") if word in text] == ["cell1", "cell3"]
    assert ["sheet2" in note for note in notes] == [True]


@pytest.mark.parametrize("ruin", RUINS)
@pytest.mark.parametrize(
    "part", ["worksheets/sheet2.xml", "charts/chart2.xml", "drawings/drawing2.xml", "comments/comment2.xml", "styles.xml"]
)
def test_a_ruined_part_of_a_workbook_costs_that_part(part: str, ruin: Damage) -> None:
    text, notes = said(damaged(BOOK, f"xl/{part}", ruin), XLSX)
    assert [word for word in words_of_sheets(1, 3) if word not in text] == []
    assert notes or ruin is gone
    if part == "worksheets/sheet2.xml":
        assert any("sheet2" in note for note in notes)


@pytest.mark.parametrize("ruin", RUINS)
def test_ruined_styles_and_properties_of_an_open_document_cost_themselves(ruin: Damage) -> None:
    for kind, body, media_type in (("text", "<text:p>box1</text:p>", ODT), ("presentation", PAGES, ODP)):
        text, notes = said(damaged(open_document(kind, body), "styles.xml", ruin), media_type)
        assert "box1" in text
        assert notes or ruin is gone


def test_a_file_of_which_nothing_can_be_read_fails() -> None:
    content = DECK
    for number in (1, 2, 3):
        for part in (f"ppt/slides/slide{number}.xml", f"ppt/slides/_rels/slide{number}.xml.rels"):
            content = damaged(content, part, nonsense)
    with pytest.raises(DocumentError) as raised:
        said(content, PPTX)
    assert raised.value.code == "damaged"
    assert "Slide 1" in str(raised.value)


def elements_changed(data: st.DataObject, part: bytes) -> bytes:
    """A part with a few elements or attributes removed, or attributes given other values."""
    root = etree.fromstring(part)
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter("*"))
        element = elements[data.draw(st.integers(0, len(elements) - 1))]
        parent: Any = element.getparent()
        if parent is not None and (not element.attrib or data.draw(st.booleans())):
            parent.remove(element)
        elif element.attrib:
            name = data.draw(st.sampled_from(sorted(element.attrib)))
            value = data.draw(st.sampled_from([None, "", "-1", "x", "99999999999999999999", "rId999", "NaN", "true"]))
            element.attrib.pop(name) if value is None else element.set(name, value)
    return etree.tostring(root)


@FEW
@given(st.data(), st.sampled_from(["slides/slide2.xml", "slides/_rels/slide2.xml.rels", "notesSlides/notesSlide2.xml"]))
def test_whatever_is_odd_on_a_slide_the_others_are_read(data: st.DataObject, part: str) -> None:
    text, _ = said(damaged(DECK, f"ppt/{part}", lambda content: elements_changed(data, content)), PPTX)
    assert [word for word in words_of_slides(1, 3) if word not in text] == []


@FEW
@given(st.data(), st.sampled_from(LETTER_PARTS))
def test_whatever_is_odd_beside_a_letter_its_text_is_read(data: st.DataObject, part: str) -> None:
    text, _ = said(damaged(LETTER, f"word/{part}", lambda content: elements_changed(data, content)), DOCX)
    assert [word for word in ("headingwords", "listwords", "bodywords", "cellwords") if word not in text] == []


@FEW
@given(
    st.data(),
    st.sampled_from(SHEET_PARTS),
)
def test_whatever_is_odd_in_a_workbook_the_other_sheets_are_read(data: st.DataObject, part: str) -> None:
    text, _ = said(damaged(BOOK, f"xl/{part}", lambda content: elements_changed(data, content)), XLSX)
    assert [word for word in words_of_sheets(1, 3) if word not in text] == []


@FEW
@given(st.data(), st.sampled_from([("text", ODT), ("presentation", ODP), ("spreadsheet", ODS)]))
def test_whatever_is_odd_in_an_open_document_it_is_read_or_says_why(data: st.DataObject, kind: tuple[str, str]) -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>cell</text:p></table:table-cell>'
    table = f'<table:table table:name="S"><table:table-row table:number-rows-repeated="2">{cell}</table:table-row></table:table>'
    body = {"text": f"<text:h text:outline-level='1'>box<text:s text:c='3'/></text:h>{table}", "presentation": PAGES, "spreadsheet": table}
    content = open_document(kind[0], body[kind[0]])
    try:
        said(damaged(content, "content.xml", lambda part: elements_changed(data, part)), kind[1])
    except DocumentError as error:
        assert error.code in ("damaged", "empty")  # noqa: PT017 - either outcome is right


def test_a_row_with_a_number_beyond_all_sheets_costs_its_sheet() -> None:
    """The library makes every row up to it: the workbook ran into its time limit."""
    content = damaged(BOOK, "xl/worksheets/sheet2.xml", lambda part: part.replace(b'<row r="1"', b'<row r="99999999999999999999"'))
    text, notes = said(content, XLSX)
    assert [word for word in words_of_sheets(1, 3) if word not in text] == []
    assert notes == ["Sheet sheet2 was not read: it numbers rows beyond the last that a sheet can have."]


def test_the_last_row_that_a_sheet_can_have_costs_nothing() -> None:
    content = damaged(BOOK, "xl/worksheets/sheet2.xml", lambda part: part.replace(b"</sheetData>", b'<row r="1048576"/></sheetData>'))
    text, notes = said(content, XLSX)
    assert ([word for word in words_of_sheets(1, 2, 3) if word not in text], notes) == ([], [])


@pytest.mark.parametrize(
    "odd", [b"<fill/>", b"<fill><patternFill patternType='stripes'/></fill>", b"<fill><patternFill><fgColor/></patternFill></fill>"]
)
def test_an_odd_colour_does_not_cost_what_is_written_around_numbers(tmp_path: Path, odd: bytes) -> None:
    book = openpyxl.Workbook()
    for cell, value, code in (
        ("A1", 12.5, '0.00 "EUR"'),
        ("A2", 0.25, "0%"),
        ("A3", datetime.date(2026, 3, 2), "d/m/yyyy"),
        ("A4", 7, "General"),
    ):
        book.worksheets[0][cell] = value
        book.worksheets[0][cell].number_format = code
    book.save(tmp_path / "whole.xlsx")
    changed = changed_archive((tmp_path / "whole.xlsx").read_bytes(), lambda _, part: part.replace(b"</fills>", odd + b"</fills>"))
    extraction = read(tmp_path, "a.xlsx", changed)
    assert texts(extraction)[-1].split("\n") == ["12.5 EUR", "25%", "2026-03-02", "7"]
    assert not extraction.notes

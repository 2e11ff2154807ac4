"""Other forms of OpenDocument: one XML file, and the files of OpenOffice.org 1 that came before it."""

import base64
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import HEAD_BYTES, media_type_of
from rag_pipeline.ingestion.extract.process.libreoffice import converted
from rag_pipeline_tests.ingestion.extract.documents import deck, element_with, flat_open_document, open_document, read, texts, word_document
from rag_pipeline_tests.ingestion.extract.office.test_open_document import STYLES, TEXT
from rag_pipeline_tests.programs import CALC, IMPRESS, WRITER, needs

ODF = "application/vnd.oasis.opendocument"


def test_a_text_is_read_as_the_zipped_one(tmp_path: Path) -> None:
    zipped, one = (
        read(tmp_path, "a.odt", open_document("text", TEXT, STYLES)),
        read(tmp_path, "a.fodt", flat_open_document("text", TEXT, STYLES)),
    )
    assert one.elements == zipped.elements


def test_properties_and_what_is_hidden(tmp_path: Path) -> None:
    says = f' office:mimetype="{ODF}.text"'
    body = '<text:p>Some words<text:span text:style-name="H"> nobody sees</text:span>.</text:p>'
    extraction = read(tmp_path, "a.fodt", flat_open_document("text", body, says=says))
    assert texts(extraction) == ["Title: The title of all", "Some words."]
    assert extraction.notes == ("Text that is formatted as hidden was left out.",)


@pytest.mark.parametrize("name", ["a.xml", "a", "a.fodt", "a.txt"])
@pytest.mark.parametrize(("kind", "said"), [("text", "text"), ("text", "text-template"), ("presentation", "presentation")])
def test_the_root_tells_it_whatever_the_name(name: str, kind: str, said: str) -> None:
    for quote in "'\"":
        content = flat_open_document(kind, "", says=f" office:mimetype={quote}{ODF}.{said}{quote}")
        assert media_type_of(name, content[:HEAD_BYTES]) == f"{ODF}.{kind}-flat-xml"


def test_a_page_about_it_is_none(tmp_path: Path) -> None:
    page = f'<?xml version="1.0"?><a><office:document xmlns:office="x" office:mimetype="{ODF}.text"/>words</a>'.encode()
    assert texts(read(tmp_path, "a.xml", page)) == ["words"]
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.fodt", page)
    assert raised.value.code == "damaged"


def test_cells_apart_from_each_other(tmp_path: Path) -> None:
    price = '<table:table-cell office:value-type="float" office:value="3.14159">\n <text:p>3.14 €</text:p>\n</table:table-cell>'
    words = '<table:table-cell office:value-type="string">\n <text:p>pi</text:p>\n</table:table-cell>'
    rows = f"\n <table:table-row>\n {words}\n {price}\n </table:table-row>\n"
    assert texts(
        read(tmp_path, "a.fods", flat_open_document("spreadsheet", f'\n<table:table table:name="One">{rows}</table:table>\n'))
    ) == [
        "One",
        "pi | 3.14159 €",
    ]


def test_documents_and_files_inside_it(tmp_path: Path) -> None:
    math = '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>E</mi><mo>=</mo><mn>5</mn></math>'
    inner = flat_open_document("text", f"<text:p>inner words</text:p><draw:object>{math}</draw:object>").decode().partition("-->")[2]
    data = base64.b64encode(word_document(lambda document: document.add_paragraph("words of a file"))).decode()
    held = f"<draw:object-ole><office:binary-data>{data[:70]}\n{data[70:]}</office:binary-data></draw:object-ole>"
    frames = f"<draw:frame><draw:object>{inner}</draw:object></draw:frame><draw:frame>{held}</draw:frame>"
    extraction = read(tmp_path, "a.fodt", flat_open_document("text", f"<text:p>outer words{frames}</text:p>"))
    assert [text for text in texts(extraction) if "Embedded" not in text] == ["outer words", "inner words", "E = 5", "words of a file"]
    assert extraction.notes == ()


def test_a_picture_that_is_damaged_costs_itself_only(tmp_path: Path) -> None:
    pictures = "<draw:frame><draw:image><office:binary-data>a</office:binary-data></draw:image></draw:frame>"
    extraction = read(
        tmp_path, "a.fodt", flat_open_document("text", f"<text:p>Words enough that no picture has to stand for them.{pictures}</text:p>")
    )
    assert texts(extraction) == ["Words enough that no picture has to stand for them."]
    assert extraction.notes[0].startswith("Picture or file 1 in it was not read")


def test_a_file_that_ends_early_is_read_up_to_there(tmp_path: Path) -> None:
    content = flat_open_document("text", "<text:p>first words</text:p><text:p>second words</text:p>")
    extraction = read(tmp_path, "a.fodt", content[: content.index(b"second") + 3])
    assert texts(extraction) == ["first words", "sec"]
    assert extraction.notes[0].startswith("The file is damaged")


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    bomb = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10 if number else "boom"}">' for number in range(10))
    content = flat_open_document("text", "<text:p>words &e9;</text:p>").replace(
        b"<office:document ", f"<!DOCTYPE a [{bomb}]><office:document ".encode(), 1
    )
    assert "boom" not in "".join(texts(read(tmp_path, "a.fodt", content)))


@needs(WRITER)
def test_a_text_that_libreoffice_writes(tmp_path: Path) -> None:
    content = word_document(lambda document: (document.add_heading("Plan", 1), document.add_paragraph("flat words")))
    extraction = read(tmp_path, "a.xml", converted(content, "docx", "fodt"))
    assert element_with(extraction, "flat words").heading_path == ("Plan",)


@needs(IMPRESS)
def test_slides_that_libreoffice_writes(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.fodp", converted(deck(("One", "first body"), ("Two", "second body")), "pptx", "fodp"))
    assert (extraction.pages, element_with(extraction, "second body").page) == (2, 2)


@pytest.mark.parametrize("name", ["a.fodg", "a.odg"])
def test_drawings(tmp_path: Path, name: str) -> None:
    body = "<draw:page><draw:rect><text:p>in a box</text:p></draw:rect></draw:page>"
    content = flat_open_document("drawing", body) if name == "a.fodg" else open_document("graphics", body)
    assert texts(read(tmp_path, name, content)) == ["in a box"]


@needs(CALC)
def test_a_workbook_with_a_chart_that_libreoffice_writes(tmp_path: Path) -> None:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    for row in (["month", "rain"], ["May", 31.25], ["June", 48]):
        sheet.append(row)
    chart = BarChart()
    chart.title = "Rain by month"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "E5")
    book.save(buffer)
    forms = [read(tmp_path, f"a.{name}", converted(buffer.getvalue(), "xlsx", name)) for name in ("ods", "fods")]
    assert forms[0].elements == forms[1].elements
    assert element_with(forms[1], "Rain by month")
    assert "May | 31.25" in element_with(forms[1], "May").text


OLDER_BODIES = {
    "sxw": ("writer", "text", '<text:h text:level="1">Plan</text:h><text:p>first words</text:p>'),
    "sxi": (
        "impress",
        "presentation",
        '<draw:page draw:name="one" draw:master-page-name="Default">'
        '<draw:text-box svg:x="1cm" svg:y="1cm" svg:width="9cm" svg:height="3cm"><text:p>first words</text:p></draw:text-box></draw:page>',
    ),
    "sxc": (
        "calc",
        "spreadsheet",
        '<table:table table:name="Numbers"><table:table-row><table:table-cell><text:p>first words</text:p></table:table-cell>'
        '<table:table-cell table:value-type="float" table:value="3.25"><text:p>3.3</text:p></table:table-cell>'
        "</table:table-row></table:table>",
    ),
}


def older(name: str, extra: str = "", manifest: str = "") -> bytes:
    """A file by the OpenOffice.org XML File Format 1.0, which no program writes any more."""
    kind, in_class, body = OLDER_BODIES[name]
    names = {"office": "office", "text": "text", "table": "table", "draw": "drawing", "style": "style"}
    spaces = "".join(f' xmlns:{name}="http://openoffice.org/2000/{space}"' for name, space in names.items())
    spaces += ' xmlns:svg="http://www.w3.org/2000/svg" office:version="1.0"'
    pages = '<style:page-master style:name="P"/>'
    master = '<style:master-page style:name="Default" style:page-master-name="P"/>'
    entry = f'<m:file-entry m:media-type="application/vnd.sun.xml.{kind}{extra}" m:full-path="/">{manifest}</m:file-entry>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.sun.xml.{kind}{extra}")
        content = f"<office:automatic-styles/><office:body>{body}</office:body>"
        doctype = '<!DOCTYPE office:document-content PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "office.dtd">'
        opening = f'{doctype}<office:document-content{spaces} office:class="{in_class}">'
        archive.writestr("content.xml", f'<?xml version="1.0" encoding="UTF-8"?>{opening}{content}</office:document-content>')
        styles = f"<office:automatic-styles>{pages}</office:automatic-styles><office:master-styles>{master}</office:master-styles>"
        archive.writestr("styles.xml", f"<office:document-styles{spaces}>{styles}</office:document-styles>")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="http://openoffice.org/2001/manifest">{entry}</m:manifest>')
    return buffer.getvalue()


@needs(WRITER, CALC, IMPRESS)
@pytest.mark.parametrize(
    ("name", "wanted"),
    [("sxw", ["Plan", "first words"]), ("sxi", ["first words"]), ("sxc", ["Numbers", "first words | 3.25"])],
)
@pytest.mark.parametrize("extra", ["", ".template"])
def test_files_of_openoffice_1(tmp_path: Path, name: str, wanted: list[str], extra: str) -> None:
    assert texts(read(tmp_path, "a.zip", older(name, extra))) == wanted


@pytest.mark.parametrize(("name", "component"), [("sxw", "writer"), ("sxi", "impress"), ("sxc", "calc")])
def test_files_of_openoffice_1_name_the_program_that_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, component: str
) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.process.libreoffice.find_program", lambda *names: None)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, f"a.{name}", older(name))
    assert (raised.value.code, raised.value.state) == ("missing_program", "unsupported")
    assert "of OpenOffice.org 1 needs LibreOffice" in str(raised.value)
    assert f"apt install libreoffice-{component}-nogui" in str(raised.value)


def test_a_password_of_openoffice_1(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.sxw", older("sxw", manifest="<m:encryption-data/>"))
    assert raised.value.code == "password_protected"

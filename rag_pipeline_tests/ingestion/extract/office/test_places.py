"""Every place of an Office file where text can stand: one file a format, a word of its own in each place."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import parse_xml
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import PROG_ID

from rag_pipeline.models import Extraction
from rag_pipeline_tests.ingestion.extract.documents import (
    changed_archive,
    deck,
    open_document,
    read,
    texts,
    with_parts,
    word_document,
    workbook,
)

SPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "v": "urn:schemas-microsoft-com:vml",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "cx": "http://schemas.microsoft.com/office/drawing/2014/chartex",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "xdr": "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing",
    "t": "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments",
    "p188": "http://schemas.microsoft.com/office/powerpoint/2018/8/main",
}


def xml(text: str) -> bytes:
    """An element with all namespaces declared on it."""
    end = min(index for index in (text.find(">"), text.find(" "), text.find("/>")) if index > 0)
    return (text[:end] + "".join(f' xmlns:{name}="{space}"' for name, space in SPACES.items()) + text[end:]).encode()


def run(word: str) -> str:
    return f"<w:r><w:t>{word}</w:t></w:r>"


def missing(extraction: Extraction, words: Iterable[str]) -> list[str]:
    """Words that are not read exactly once."""
    said = "\n".join(texts(extraction))
    return [word for word in words if said.count(word) != 1]


DIAGRAM = xml(
    "<dgm:dataModel><dgm:ptLst><dgm:pt><dgm:t><a:p><a:r><a:t>indiagram</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
)
NEWER_CHART = xml(
    '<cx:chartSpace><cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:lvl ptCount="1"><cx:pt idx="0">waterfallcategory</cx:pt>'
    "</cx:lvl>"
    '</cx:strDim><cx:numDim type="val"><cx:lvl ptCount="1"><cx:pt idx="0">4711</cx:pt></cx:lvl></cx:numDim></cx:data></cx:chartData>'
    "<cx:chart><cx:title><cx:tx><cx:rich><a:p><a:r><a:t>waterfalltitle</a:t></a:r></a:p></cx:rich></cx:tx></cx:title></cx:chart></cx:chartSpace>"
)


def word_with_all() -> tuple[bytes, list[str]]:
    words = {
        "informula": f"<w:p>{run('energy ')}<m:oMath><m:r><m:t>informula</m:t></m:r></m:oMath></w:p>",
        "indisplay": "<w:p><m:oMathPara><m:oMath><m:r><m:t>indisplay</m:t></m:r></m:oMath></m:oMathPara></w:p>",
        "inruby": f"<w:p><w:r><w:ruby><w:rt>{run('reading')}</w:rt><w:rubyBase>{run('inruby')}</w:rubyBase></w:ruby></w:r></w:p>",
        "inwordart": '<w:p><w:r><w:pict><v:shape><v:textpath string="inwordart"/></v:shape></w:pict></w:r></w:p>',
        "inlist": '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="other"/>'
        '<w:listEntry w:val="inlist"/></w:ddList></w:ffData></w:fldChar></w:r></w:p>',
        "inuneven": f"<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc><w:p>{run('one')}</w:p></w:tc></w:tr><w:tr><w:tc>"
        f"<w:p/></w:tc><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p>{run('inuneven')}</w:p></w:tc></w:tr></w:tbl>",
        "infieldresult": f"<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>TITLE</w:instrText></w:r>"
        f"<w:r><w:fldChar w:fldCharType='separate'/></w:r>{run('infieldresult')}<w:r><w:fldChar w:fldCharType='end'/></w:r></w:p>",
        "infootnote": "<w:p><w:r><w:t>noted</w:t><w:footnoteReference w:id='5'/></w:r></w:p>",
        "ingroup": f"<w:p><w:r><w:pict><v:group><v:group><v:shape><v:textbox><w:txbxContent><w:p>{run('ingroup')}</w:p></w:txbxContent>"
        "</v:textbox></v:shape></v:group></v:group></w:pict></w:r></w:p>",
    }

    def fill(document: Any) -> None:
        for text in words.values():
            document.element.body.insert(len(document.element.body) - 1, parse_xml(xml(text)))
        document.sections[0].header.add_table(1, 1, 1000).cell(0, 0).text = "inheadertable"
        document.add_comment(document.add_paragraph("remarked").runs, text="incomment", author="A")
        document.core_properties.title, document.core_properties.author = "intitle", "inauthor"

    inserted = f"<w:ins w:id='9'>{run('infootnote')}</w:ins><w:del w:id='8'><w:r><w:delText>gone</w:delText></w:r></w:del>"
    parts = {
        "word/footnotes.xml": xml(f"<w:footnotes><w:footnote w:id='5'><w:p>{inserted}</w:p></w:footnote></w:footnotes>"),
        "word/charts/chartEx1.xml": NEWER_CHART,
        "word/diagrams/data1.xml": DIAGRAM,
        "word/afchunk1.html": b"<html><body><p>inhtmlpart stands here</p></body></html>",
        "word/afchunk2.rtf": rb"{\rtf1\ansi inrtfpart}",
        "word/embeddings/document1.docx": word_document(lambda inner: inner.add_paragraph("inembedded")),
    }
    kinds = ("footnotes", "chartEx", "diagramData", "aFChunk", "aFChunk", "package")
    content = with_parts(word_document(fill), parts, [("word/document.xml", kind, name) for kind, name in zip(kinds, parts, strict=True)])
    others = ("inheadertable", "incomment", "intitle", "inauthor", "waterfalltitle", "waterfallcategory", "4711", "indiagram")
    return content, [*words, *others, "inhtmlpart", "inrtfpart", "inembedded"]


def deck_with_all() -> tuple[bytes, list[str]]:
    presentation, buffer = pptx.Presentation(), io.BytesIO()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "inslidetitle"  # type: ignore[union-attr]
    group = slide.shapes.add_group_shape().shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 9, 9).text_frame.text = "ingroup"
    data = CategoryChartData()
    data.categories = ["incategory"]
    data.add_series("inseries", (3,))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 9, 9, data)
    cells = slide.shapes.add_table(1, 2, 0, 0, 9, 9).table
    cells.cell(0, 0).text, cells.cell(0, 1).text = "incell", "incell2"
    slide.shapes.add_ole_object(io.BytesIO(workbook({"S": [["inembedded"]]})), PROG_ID.XLSX, 0, 0)
    slide.notes_slide.notes_text_frame.text = "innotes"  # type: ignore[union-attr]
    footer = next(shape for shape in presentation.slide_master.placeholders if shape.placeholder_format.type == 15)
    footer.text_frame.text = "inmasterfooter"
    layout = presentation.slide_layouts[5].shapes._spTree
    box = slide.shapes.add_textbox(0, 0, 9, 9)
    box.text_frame.text = "inlayout"
    layout.append(box._element)
    formula = (
        "<a:p><mc:AlternateContent><mc:Choice><a:m><m:r><m:t>informula</m:t></m:r></a:m></mc:Choice><mc:Fallback><a:r><a:t>old</a:t></a:r>"
    )
    text = f"<p:sp><p:nvSpPr/><p:spPr/><p:txBody>{formula}</mc:Fallback></mc:AlternateContent></a:p></p:txBody></p:sp>"
    slide.shapes._spTree.append(parse_xml(xml(text)))
    presentation.core_properties.title, presentation.core_properties.author = "intitle", "inauthor"
    presentation.save(buffer)
    reply = "<p188:reply><p188:txBody><a:p><a:r><a:t>inreply</a:t></a:r></a:p></p188:txBody></p188:reply>"
    modern = f"<p188:cm><p188:replyLst>{reply}</p188:replyLst>"
    modern += "<p188:txBody><a:p><a:r><a:t>inmodern</a:t></a:r></a:p></p188:txBody></p188:cm>"
    parts = {
        "ppt/comments/comment1.xml": xml('<p:cmLst><p:cm authorId="0"><p:text>incomment</p:text></p:cm></p:cmLst>'),
        "ppt/comments/modernComment1.xml": xml(f"<p188:cmLst>{modern}</p188:cmLst>"),
        "ppt/diagrams/data1.xml": DIAGRAM,
        "ppt/charts/chartEx1.xml": NEWER_CHART,
    }
    kinds = ("comments", "comments", "diagramData", "chartEx")
    related = [("ppt/slides/slide1.xml", kind, name) for kind, name in zip(kinds, parts, strict=True)]
    parts["ppt/commentAuthors.xml"] = xml('<p:cmAuthorLst><p:cmAuthor id="0" name="bycommentator"/></p:cmAuthorLst>')
    related.append(("ppt/presentation.xml", "commentAuthors", "ppt/commentAuthors.xml"))
    words = [
        "inslidetitle",
        "ingroup",
        "incategory",
        "inseries",
        "incell2",
        "inembedded",
        "innotes",
        "inmasterfooter",
        "inlayout",
        "informula",
    ]
    words += ["intitle", "inauthor", "Comment by bycommentator: incomment", "inmodern", "inreply", "indiagram", "waterfalltitle", "4711"]
    return with_parts(buffer.getvalue(), parts, related), words


def workbook_with_all() -> tuple[bytes, list[str]]:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.append(["incell", 3])
    sheet["A1"].comment = Comment("incomment", "A")
    sheet.oddHeader.left.text, sheet.oddFooter.center.text, sheet.firstFooter.right.text = "inheader", "infooter", "infirst"
    hidden = book.create_sheet("inhiddenname")
    hidden.append(["inhidden"])
    hidden.sheet_state = "hidden"
    chart = BarChart()
    chart.title = "incharttitle"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=1))
    sheet.add_chart(chart)
    book.properties.title, book.properties.creator = "intitle", "inauthor"
    book.save(buffer)
    shape = (
        "<xdr:grpSp><xdr:grpSp><xdr:sp><xdr:txBody><a:p><a:r><a:t>ingroup</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:grpSp></xdr:grpSp>"
    )
    thread = "<t:threadedComment ref='A1'><t:text>inthread</t:text></t:threadedComment>"
    parts = {
        "xl/drawings/drawing9.xml": xml(f"<xdr:wsDr><xdr:twoCellAnchor>{shape}</xdr:twoCellAnchor></xdr:wsDr>"),
        "xl/drawings/vmlDrawing9.vml": xml("<v:shapes><v:shape><v:textbox><div>inbutton</div></v:textbox></v:shape></v:shapes>"),
        "xl/diagrams/data1.xml": DIAGRAM,
        "xl/charts/chartEx1.xml": NEWER_CHART,
        "xl/threadedComments/threadedComment1.xml": xml(f"<t:ThreadedComments>{thread}</t:ThreadedComments>"),
        "xl/embeddings/document1.docx": word_document(lambda document: document.add_paragraph("inembedded")),
    }
    words = [
        "incell",
        "incomment",
        "inheader",
        "infooter",
        "infirst",
        "inhidden\n",
        "incharttitle",
        "intitle",
        "inauthor",
        "ingroup",
        "inbutton",
    ]
    return with_parts(buffer.getvalue(), parts, []), [*words, "indiagram", "waterfalltitle", "inthread", "inembedded"]


@pytest.mark.parametrize(("name", "made"), [("a.docx", word_with_all), ("a.pptx", deck_with_all), ("a.xlsx", workbook_with_all)])
def test_every_place_of_an_office_file_is_read_once(tmp_path: Path, name: str, made: Any) -> None:
    content, words = made()
    extraction = read(tmp_path, name, content)
    assert missing(extraction, words) == []
    assert extraction.notes == ()
    assert not [text for text in texts(extraction) if "gone" in text or "Click to" in text]


def test_every_place_of_an_open_document_text_is_read_once(tmp_path: Path) -> None:
    shapes = ("rect", "ellipse", "line", "polygon", "path", "connector", "caption", "custom-shape")
    boxes = "".join(f"<draw:{shape}><text:p>in{shape}</text:p></draw:{shape}>" for shape in shapes)
    body = f"""<text:p>plain<draw:g><draw:g>{boxes}</draw:g></draw:g></text:p>
    <table:table><table:table-row><table:table-cell><text:p>incell<text:note><text:note-body><text:p>incellnote</text:p></text:note-body>
    </text:note></text:p></table:table-cell></table:table-row></table:table>"""
    extraction = read(tmp_path, "a.odt", open_document("text", body))
    assert missing(extraction, ["plain", "incellnote", *(f"in{shape}" for shape in shapes)]) == []


def test_formulas_of_an_open_document_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO(open_document("text", "<text:p>energy</text:p>"))
    formula = (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>E</mi><mo>=</mo><mi>mass</mi></mrow></semantics></math>'
    )
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("Object 1/content.xml", formula)
    assert texts(read(tmp_path, "a.odt", buffer.getvalue())) == ["energy", "E = mass"]


def test_shapes_anchored_to_cells_of_an_open_document_workbook_are_read(tmp_path: Path) -> None:
    inner = "<draw:frame><draw:text-box><text:p>anchored words</text:p></draw:text-box></draw:frame>"
    cell = f'<table:table-cell office:value-type="string"><text:p>cell words</text:p>{inner}</table:table-cell>'
    body = f'<table:table table:name="S"><table:table-row>{cell}</table:table-row></table:table>'
    assert "anchored words" in texts(read(tmp_path, "a.ods", open_document("spreadsheet", body)))


@pytest.mark.parametrize(
    ("title", "author", "expected"),
    [
        ("Loom plan", "Ada", ["Title: Loom plan\nAuthor: Ada", "The words."]),
        ("The words", "python-docx", ["The words."]),
        ("Microsoft Word - Document1", "Microsoft Office User", ["The words."]),
        ("report.docx", "", ["The words."]),
    ],
)
def test_title_and_author_are_told_unless_the_text_says_them_or_a_program_wrote_them(
    tmp_path: Path, title: str, author: str, expected: list[str]
) -> None:
    def fill(document: Any) -> None:
        document.add_paragraph("The words.")
        document.core_properties.title, document.core_properties.author = title, author

    assert texts(read(tmp_path, "a.docx", word_document(fill))) == expected


def test_properties_alone_are_no_text(tmp_path: Path) -> None:
    from rag_pipeline.errors import DocumentError

    document, buffer = docx.Document(), io.BytesIO()
    document.core_properties.title = "Loom plan"
    document.save(buffer)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.docx", buffer.getvalue())
    assert raised.value.state == "empty"


ALTERNATIVES = {"descr": "a loom in a mill", "title": "Loom"}
TOLD = "Picture: Loom: a loom in a mill"


def grey_picture() -> io.BytesIO:
    """A grey picture, as a file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (8, 8), 128).save(buffer, "png")
    return buffer


def described_letter(alternatives: dict[str, str]) -> bytes:
    def fill(document: Any) -> None:
        document.add_paragraph("The words of the letter, enough for its pictures.")
        for _ in range(2):  # said once
            document.add_paragraph().add_run().add_picture(grey_picture())
        for properties in document.element.body.iter("{*}docPr"):
            properties.attrib.update(alternatives)

    return word_document(fill)


def described_deck(alternatives: dict[str, str]) -> bytes:
    presentation, buffer = pptx.Presentation(), io.BytesIO()
    for _ in range(2):
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = "The words of the letter, enough for its pictures."  # type: ignore[union-attr]
        group = slide.shapes.add_group_shape()
        picture = group.shapes.add_picture(grey_picture(), 0, 0)
        picture._element.nvPicPr.cNvPr.attrib.update(alternatives)
    presentation.save(buffer)
    return buffer.getvalue()


def described_workbook(alternatives: dict[str, str]) -> bytes:
    properties = "".join(f' {name}="{text}"' for name, text in alternatives.items())
    shape = f'<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="2" name="Picture 1"{properties}/></xdr:nvPicPr></xdr:pic>'
    drawing = xml(f"<xdr:wsDr><xdr:twoCellAnchor>{shape}</xdr:twoCellAnchor></xdr:wsDr>")
    return with_parts(workbook({"S": [["cell"]]}), {"xl/drawings/drawing9.xml": drawing}, [])


def described_open_text(alternatives: dict[str, str]) -> bytes:
    names = "".join(
        f"<svg:{'desc' if name == 'descr' else name}>{text}</svg:{'desc' if name == 'descr' else name}>"
        for name, text in sorted(alternatives.items(), reverse=True)
    )
    space = 'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
    return open_document("text", f"<text:p {space}>The words<draw:frame><draw:image/>{names}</draw:frame></text:p>")


MADE = [("a.docx", described_letter), ("a.pptx", described_deck), ("a.xlsx", described_workbook), ("a.odt", described_open_text)]


@pytest.mark.parametrize(("name", "made"), MADE)
def test_alternative_texts_are_told_once(tmp_path: Path, name: str, made: Any) -> None:
    assert texts(read(tmp_path, name, made(ALTERNATIVES))).count(TOLD) == 1


@pytest.mark.parametrize(("name", "made"), MADE)
def test_names_of_files_describe_nothing(tmp_path: Path, name: str, made: Any) -> None:
    content = made({"descr": "DSC 0815.JPG", "title": "https://mill.invalid/loom"})
    assert not [text for text in texts(read(tmp_path, name, content)) if text.startswith("Picture")]


def test_what_describes_a_picture_does_not_keep_it_from_being_read() -> None:
    from rag_pipeline.ingestion.extract.picture.pictures_inside import description, stand_for_text
    from rag_pipeline.models import Element

    described = Element("NarrativeText", description("a page of a ledger with names and sums"))
    assert stand_for_text(1, [described])
    assert not stand_for_text(1, [described, Element("NarrativeText", "Words that stand on the slide beside it.")])


def test_category_and_description_are_told(tmp_path: Path) -> None:
    def fill(document: Any) -> None:
        document.add_paragraph("The words.")
        document.core_properties.category, document.core_properties.comments = "Weaving", "How looms are set up."

    assert texts(read(tmp_path, "a.docx", word_document(fill))) == ["Category: Weaving\nDescription: How looms are set up.", "The words."]


def test_stand_ins_of_footers_and_numbers_of_slides_are_no_text(tmp_path: Path) -> None:
    """As LibreOffice writes a master without a footer, and a field for the slide's number (ECMA-376 part 1, 21.1.2.2.4)."""
    field = '<a:fld id="{A4B924C7-2D5B-47FB-88C5-2424EA024221}" type="slidenum"><a:rPr/><a:t>&lt;number&gt;</a:t></a:fld>'
    words = f"<a:p><a:r><a:t>Course 3, page </a:t></a:r>{field}<a:r><a:t> of many</a:t></a:r></a:p>"
    words += "<a:p><a:r><a:t>&lt;footer&gt;</a:t></a:r></a:p>"

    def with_edge(name: str, part: bytes) -> bytes:
        edge = '<p:sp><p:nvSpPr><p:cNvPr id="90" name="f"/><p:cNvSpPr/><p:nvPr><p:ph type="ftr"/></p:nvPr></p:nvSpPr><p:spPr/><p:txBody>'
        edge += f"<a:bodyPr/>{words}</p:txBody></p:sp></p:spTree>"
        return part.replace(b"</p:spTree>", edge.encode()) if name == "ppt/slideMasters/slideMaster1.xml" else part

    extraction = read(tmp_path, "a.pptx", changed_archive(deck(("One", "body")), with_edge))
    assert [text for text in texts(extraction) if "many" in text or "foot" in text] == ["Course 3, page  of many"]

"""Tables, titles and files within XML, by the schemas that writers use most."""

import base64
from pathlib import Path

import pytest

from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts, word_document

HEADER = "Berth || Repairs Planned || Repairs Actual\n"
ROWS = "Heron Quay | 12,400 | 13,950\nHeron Quay | 8,150 | 7,720"
CALS = """<article><title>Costs</title><table><title>Costs by berth</title><tgroup cols="3">
<colspec colname="a"/><colspec colname="b"/><colspec colname="c"/>
<thead><row><entry morerows="1">Berth</entry><entry namest="b" nameend="c">Repairs</entry></row>
<row><entry>Planned</entry><entry>Actual</entry></row></thead>
<tbody><row><entry morerows="1"><para>Heron</para><para>Quay</para></entry><entry>12,400</entry><entry>13,950</entry></row>
<row><entry>8,150</entry><entry>7,720</entry></row></tbody></tgroup></table></article>"""
HTML = """<article xmlns="urn:jats"><sec><title>Costs</title><table-wrap><caption><p>Costs by berth</p></caption><table>
<thead><tr><th rowspan="2">Berth</th><th colspan="2">Repairs</th></tr><tr><th>Planned</th><th>Actual</th></tr></thead>
<tbody><tr><td rowspan="2">Heron<break/> Quay</td><td>12,400</td><td>13,950</td></tr><tr><td>8,150</td><td>7,720</td></tr></tbody>
</table></table-wrap></sec></article>"""
TEI = """<TEI xmlns="http://www.tei-c.org/ns/1.0"><div><head>Costs</head><p>Costs by berth</p><table>
<row role="label"><cell rows="2"><p>Berth</p></cell><cell cols="2">Repairs</cell></row>
<row role="label"><cell>Planned</cell><cell>Actual</cell></row>
<row><cell rows="2">Heron Quay</cell><cell>12,400</cell><cell>13,950</cell></row><row><cell>8,150</cell><cell>7,720</cell></row>
</table></div></TEI>"""


@pytest.mark.parametrize("content", [CALS, HTML, TEI], ids=["DocBook", "JATS", "TEI"])
def test_cells_stand_in_rows_below_the_names_of_their_columns(tmp_path: Path, content: str) -> None:
    extraction = read(tmp_path, "a.xml", f"<?xml version='1.0'?>{content}".encode())
    assert texts(extraction) == ["Costs", "Costs by berth", HEADER + ROWS]
    assert extraction.elements[-1].heading_path == ("Costs",)


@pytest.mark.parametrize(
    "content",
    [
        "<table><cell props='left:0'><p>Heron</p></cell><cell props='left:1'><p>12,400</p></cell></table>",
        "<table><note>Beside the cells</note><row><cell>Heron</cell><cell>12,400</cell></row></table>",
        "<table name='berths'><record><name>Heron</name><cost>12,400</cost></record></table>",
    ],
    ids=["cells without rows (AbiWord)", "words beside cells", "records"],
)
def test_what_is_called_a_table_and_is_none_loses_no_word(tmp_path: Path, content: str) -> None:
    words = " ".join(texts(read(tmp_path, "a.xml", f"<?xml version='1.0'?><doc>{content}</doc>".encode())))
    assert "Heron" in words
    assert "12,400" in words
    assert ("Beside the cells" in words) == ("note" in content)


def test_titles_of_paragraphs_and_words_between_them(tmp_path: Path) -> None:
    """FictionBook: a title holds paragraphs; what some writers put between paragraphs is a piece of its own."""
    content = """<FictionBook><body><section><title><p>The</p><p>harbour</p></title><p>A short one.</p>Stray words<p>Another <a>one</a>.</p>
    </section></body></FictionBook>"""
    extraction = read(tmp_path, "a.fb2", f"<?xml version='1.0'?>{content}".encode())
    assert texts(extraction) == ["The harbour", "A short one.", "Stray words", "Another one."]
    assert [element.heading_path for element in extraction.elements] == [(), *[("The harbour",)] * 3]


def test_the_title_of_a_figure_heads_nothing(tmp_path: Path) -> None:
    content = "<?xml version='1.0'?><a><title>Costs</title><figure><title>Figure 1: A bridge</title></figure><para>Text.</para></a>"
    extraction = read(tmp_path, "a.xml", content.encode())
    assert extraction.elements[-1].heading_path == ("Costs",)


@pytest.mark.parametrize("words", ["ACGT" * 60, "words without a stop " * 16, "0123456789abcdef" * 20, "Zeile1 " * 36 + "Zeile12a"])
def test_words_that_could_be_an_encoded_file_are_words(tmp_path: Path, words: str) -> None:
    """Without blanks each of them is as long as four letters allow, and has none but those of RFC 4648."""
    base64.b64decode(words.replace(" ", ""), validate=True)
    extraction = read(tmp_path, "a.xml", f"<notes><body>{words}</body></notes>".encode())
    assert words.strip() in " ".join(texts(extraction))


def test_files_in_xml_are_read_and_their_letters_are_no_text(tmp_path: Path) -> None:
    """UBL's invoices carry what belongs to them so (cbc:EmbeddedDocumentBinaryObject); books their pictures, signatures certificates."""
    lines = base64.encodebytes(word_document(lambda document: document.add_paragraph("Hours of the pilots: 14"))).decode()
    noise = base64.b64encode(bytes(range(256)) * 2).decode()
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300)).decode()
    content = f"""<?xml version='1.0'?><Invoice><ID>R-17</ID><Object mimeCode="x" filename="hours.docx">{lines}</Object>
    <Certificate>{noise}</Certificate><binary id="cover.png">{picture}</binary></Invoice>"""
    extraction = read(tmp_path, "a.xml", content.encode())
    assert texts(extraction) == ["ID: R-17", "hours.docx", "Hours of the pilots: 14"]
    assert element_with(extraction, "Hours").heading_path == ("hours.docx",)
    assert extraction.notes == ()

"""OpenDocument texts, presentations and workbooks."""

import base64
import hashlib
import os
import zipfile
import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import ReadingOptions, extract
from rag_pipeline.ingestion.extract.office.open_document.encryption import _unpacked
from rag_pipeline_tests.ingestion.extract.documents import changed_archive, element_with, open_document, read, texts

TEXT = """<text:tracked-changes><text:p>deleted words</text:p></text:tracked-changes>
<text:h text:outline-level="1">Guide</text:h>
<text:p>A<text:s text:c="2"/>line<text:line-break/>and<text:tab/>more<text:note><text:note-body><text:p>a footnote</text:p></text:note-body>
</text:note> words<office:annotation><text:p>a remark</text:p></office:annotation></text:p>
<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>two</text:p></text:list-item></text:list></text:list-item>
</text:list>
<table:table><table:table-row><table:table-cell><text:p>name</text:p></table:table-cell><table:table-cell><text:p>size</text:p>
</table:table-cell></table:table-row><table:table-row table:number-rows-repeated="1048576"><table:table-cell/></table:table-row>
<table:table-row><table:table-cell table:number-columns-repeated="2"><text:p>3</text:p></table:table-cell></table:table-row></table:table>
<text:p><draw:frame><draw:text-box><text:p>in a box</text:p></draw:text-box></draw:frame></text:p>"""
STYLES = """<style:master-page><style:header><text:p>The header</text:p></style:header><style:footer><text:p>The footer</text:p>
</style:footer><loext:footer-first><text:p>First footer</text:p></loext:footer-first></style:master-page>"""


def test_a_text_in_its_order(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.odt", open_document("text", TEXT, STYLES))
    assert [(element.kind, element.text) for element in extraction.elements] == [
        ("Header", "The header"),
        ("Title", "Guide"),
        ("NarrativeText", "A  line\nand\tmore words"),
        ("NarrativeText", "a footnote"),
        ("NarrativeText", "Comment: a remark"),
        ("ListItem", "one"),
        ("ListItem", "two"),
        ("Table", "name || size\n3 | 3"),
        ("NarrativeText", "in a box"),
        ("Footer", "The footer"),
        ("Footer", "First footer"),
    ]
    assert element_with(extraction, "in a box").heading_path == ("Guide",)


@pytest.mark.parametrize("names", [("geo#1", "b"), ("", ""), ("same", "same")])
def test_names_of_parts_that_are_none_cost_nothing(tmp_path: Path, names: tuple[str, str]) -> None:
    body = "".join(f'<text:p xml:id="{name}">words {number}</text:p>' for number, name in enumerate(names))
    extraction = read(tmp_path, "a.odt", open_document("text", body))
    assert (texts(extraction), extraction.notes) == (["words 0", "words 1"], ())


def test_slides_are_pages(tmp_path: Path) -> None:
    slides = "".join(
        f"""<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>{title}</text:p></draw:text-box></draw:frame>
        <draw:frame><draw:text-box><text:p>{body}</text:p></draw:text-box></draw:frame>
        <presentation:notes><draw:frame><draw:text-box><text:p>say {body}</text:p></draw:text-box></draw:frame></presentation:notes>
        </draw:page>"""
        for title, body in (("One", "first"), ("Two", "second"))
    )
    extraction = read(tmp_path, "a.odp", open_document("presentation", slides))
    assert [(element.text, element.page, element.heading_path) for element in extraction.elements] == [
        ("One", 1, ()),
        ("first", 1, ("One",)),
        ("Speaker notes:\nsay first", 1, ("One",)),
        ("Two", 2, ()),
        ("second", 2, ("Two",)),
        ("Speaker notes:\nsay second", 2, ("Two",)),
    ]


def test_a_workbook(tmp_path: Path) -> None:
    word = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="3.14159265358979"><text:p>3.14</text:p></table:table-cell>'
    rows = (
        f"<table:table-row>{word.format('name')}{word.format('value')}</table:table-row>"
        f"<table:table-row>{word.format('pi')}{number}</table:table-row>"
    )
    extraction = read(tmp_path, "a.ods", open_document("spreadsheet", f'<table:table table:name="S">{rows}</table:table>', STYLES))
    assert texts(extraction) == ["S", "name || value\npi | 3.14159265358979", "The header", "The footer", "First footer"]


def encrypted(content: bytes, password: str) -> bytes:
    """As OpenDocument 1.2 says: deflated, padded, AES-256 in CBC mode, the key from PBKDF2 of the password's SHA-256."""
    name = "content.xml"
    packed = zlib.compress(content)[2:-4]
    padded = packed + b"\0" * (15 - len(packed) % 16) + bytes([16 - len(packed) % 16])
    salt, vector = os.urandom(16), os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha1", hashlib.sha256(password.encode()).digest(), salt, 1024, 32)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = f"""<m:manifest xmlns:m="{space}"><m:file-entry m:full-path="{name}"><m:encryption-data>
        <m:algorithm m:algorithm-name="http://www.w3.org/2001/04/xmlenc#aes256-cbc"
         m:initialisation-vector="{base64.b64encode(vector).decode()}"/>
        <m:key-derivation m:salt="{base64.b64encode(salt).decode()}" m:iteration-count="1024"/>
        </m:encryption-data></m:file-entry></m:manifest>"""
    return encryptor.update(padded) + encryptor.finalize() + b"|" + manifest.encode()


def test_passwords(tmp_path: Path) -> None:
    with zipfile.ZipFile(_written(tmp_path / "plain.odt", open_document("text", TEXT))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sealed, _, manifest = encrypted(parts["content.xml"], "s3cret").rpartition(b"|")
    path = tmp_path / "a.odt"
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in {**parts, "content.xml": sealed, "META-INF/manifest.xml": manifest}.items():
            archive.writestr(name, part)
    media_type = "application/vnd.oasis.opendocument.text"
    assert element_with(extract(path, media_type, ReadingOptions(passwords=("no", "s3cret"))), "in a box")
    with pytest.raises(DocumentError) as raised:
        extract(path, media_type, ReadingOptions(passwords=("no",)))
    assert raised.value.code == "password_protected"


def test_a_wrong_password_is_told_though_its_bytes_inflate() -> None:
    """One in 200 does; a stored block (RFC 1951, 3.2.4) that runs on beyond its end stands for all."""
    stored = b"\x00\x05\x00\xfa\xffhello"
    assert _unpacked(b"\x01" + stored[1:] + bytes(6)) == b"hello"
    assert _unpacked(stored) is None
    assert _unpacked(b"\x01" + stored[1:] + bytes(17)) is None


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.odt", open_document("text", "<text:p>"))
    assert raised.value.code == "damaged"


def test_blanks_that_only_indent_mean_nothing(tmp_path: Path) -> None:
    """As programs write it that indent their XML (KSpread, odfpy, a person)."""
    text = "<text:p>\n  Lines of\n\t<text:span>one</text:span>\n paragraph\n</text:p>"
    assert texts(read(tmp_path, "a.odt", open_document("text", text))) == ["Lines of one paragraph"]
    cell = '\n <table:table-cell office:value-type="float" office:value="{0}">\n  <text:p>{0}</text:p>\n </table:table-cell>'
    row = "\n<table:table-row>" + cell.format(3) + cell.format(4) + "\n</table:table-row>"
    content = open_document("spreadsheet", f"<table:table table:name='S'>\n <table:table-column/>{row}{row}\n</table:table>")
    assert element_with(read(tmp_path, "a.ods", content), "3").text == "3 | 4\n3 | 4"


def test_lines_within_a_cell_are_words_of_their_own(tmp_path: Path) -> None:
    cell = (
        "<table:table-cell office:value-type='string'><text:p>Delayed by frost<text:line-break/>and by a strike</text:p></table:table-cell>"
    )
    content = open_document("spreadsheet", f"<table:table table:name='S'><table:table-row>{cell}{cell}</table:table-row></table:table>")
    assert element_with(read(tmp_path, "a.ods", content), "frost").text == " | ".join(["Delayed by frost and by a strike"] * 2)


def test_cells_with_a_text_and_no_type_are_read(tmp_path: Path) -> None:
    cells = (
        "<table:table-cell><text:p>typeless</text:p></table:table-cell>"
        "<table:table-cell table:style-name='a'>\n<text:p>styled</text:p></table:table-cell>"
        "<table:table-cell/><table:table-cell office:value-type='float' office:value='3.5'><text:p>3.50</text:p></table:table-cell>"
    )
    content = open_document("spreadsheet", f"<table:table table:name='S'><table:table-row>{cells}</table:table-row></table:table>")
    table = element_with(read(tmp_path, "a.ods", content), "typeless")
    assert table.text == "typeless | styled |  | 3.5"


def test_numbers_keep_what_is_shown_around_them(tmp_path: Path) -> None:
    shown = [
        ("percentage", "0.075", "7.50%"),
        ("currency", "-1599.994", "-$1,599.99"),
        ("float", "49990", "<text:s/>49\u00a0990 Ft "),
        ("float", "8249.32766981273", "8249.33"),
        ("float", "0", "#DIV/0!"),
        ("float", "0.000001", "1E-06"),
        ("float", "much", "5 kg"),
        ("float", "1e999", "9 kg"),
    ]
    cells = "".join(
        f'<table:table-cell office:value-type="{kind}" office:value="{value}"><text:p>{text}</text:p></table:table-cell>'
        for kind, value, text in shown
    )
    failed = '<table:table-cell office:value-type="string" office:string-value=""><text:p>Err:502</text:p></table:table-cell>'
    content = open_document("spreadsheet", f"<table:table table:name='S'><table:table-row>{cells}{failed}</table:table-row></table:table>")
    told = "7.5% | -$1599.994 | 49990 Ft | 8249.32766981273 | #DIV/0! | 0.000001 | 5 kg | 9 kg | Err:502"
    assert texts(read(tmp_path, "a.ods", content)) == ["S", told]


def test_cells_over_rows_and_repeated_ones_keep_the_others_in_their_columns(tmp_path: Path) -> None:
    """Cells over rows are repeated in each; LibreOffice writes covered cells below them."""

    def cell(words: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}><text:p>{words}</text:p></table:table-cell>"

    covered, empty = "<table:covered-table-cell/>", '<table:table-cell table:number-columns-repeated="2"/>'
    high = cell("high", 'table:number-rows-spanned="3"')
    rows = [
        cell("a") + cell("b") + cell("c") + cell("d"),
        high + empty + cell("1"),
        covered + cell("2") + empty,
        covered + cell("3") + empty,
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in [*rows, cell("low") + empty])
    extraction = read(tmp_path, "a.odt", open_document("text", f"<table:table>{body}</table:table>"))
    assert texts(extraction) == ["a || b || c || d\nhigh |  |  | 1\nhigh | 2\nhigh | 3\nlow"]


def test_a_comment_in_a_cell_is_read_once(tmp_path: Path) -> None:
    cell = "<table:table-cell><text:p>cell<office:annotation><text:p>remark</text:p></office:annotation></text:p></table:table-cell>"
    body = f"<table:table><table:table-row>{cell}</table:table-row></table:table>"
    assert texts(read(tmp_path, "a.odt", open_document("text", body))) == ["cell", "Comment: remark"]


def test_hidden_text_is_left_out_and_named(tmp_path: Path) -> None:
    """As LibreOffice writes it: in an automatic style, as a section, as fields."""
    automatic = '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>'
    body = """<text:p>seen <text:span text:style-name="T1">secret</text:span>after</text:p>
        <text:section text:display="none"><text:p>secret</text:p></text:section>
        <text:p>a<text:hidden-text text:is-hidden="true">secret</text:hidden-text>b</text:p>
        <text:p>secret<text:hidden-paragraph text:is-hidden="true"/></text:p><text:p>c<text:hidden-text>shown</text:hidden-text></text:p>"""
    extraction = read(tmp_path, "a.odt", open_document("text", body, automatic))
    assert texts(extraction) == ["seen after", "ab", "cshown"]
    assert extraction.notes == ("Text that is formatted as hidden was left out.",)


def test_numbers_of_slides_are_no_text(tmp_path: Path) -> None:
    """As LibreOffice writes them, on a slide and beside its notes."""
    field = "<draw:text-box><text:p><text:page-number>&lt;number&gt;</text:page-number></text:p></draw:text-box>"
    number = f'<draw:frame presentation:class="page-number">{field}</draw:frame>'
    said = '<draw:frame presentation:class="notes"><draw:text-box><text:p>remember</text:p></draw:text-box></draw:frame>'
    shown = "<draw:frame><draw:text-box><text:p>words</text:p></draw:text-box></draw:frame>"
    slide = f"<draw:page>{shown}{number}<presentation:notes>{said}{number}</presentation:notes></draw:page>"
    assert texts(read(tmp_path, "a.odp", open_document("presentation", slide))) == ["words", "Speaker notes:\nremember"]


def test_a_workbook_has_the_headers_of_the_pages_that_its_sheets_are_printed_on(tmp_path: Path) -> None:
    styles = "".join(
        f"<style:master-page style:name='{name}'><style:header><text:p>header of {name}</text:p></style:header></style:master-page>"
        for name in ("Default", "Report")
    )
    cell = '<table:table-row><table:table-cell office:value-type="string"><text:p>words</text:p></table:table-cell></table:table-row>'
    content = open_document("spreadsheet", f'<table:table table:name="S" table:style-name="ta1">{cell}</table:table>', styles)
    assert texts(read(tmp_path, "a.ods", content))[2:] == ["header of Default", "header of Report"]  # nothing says which
    style = b"<style:style style:name='ta1' style:family='table' style:master-page-name='Default'/>"
    automatic = b"<office:automatic-styles>" + style + b"</office:automatic-styles><office:body>"
    named = changed_archive(content, lambda _, part: part.replace(b"<office:body>", automatic))
    assert texts(read(tmp_path, "a.ods", named)) == ["S", "words", "header of Default"]
    another = '<table:table table:name="T" table:style-name="ta2"><table:table-row><table:table-cell/></table:table-row></table:table>'
    beside = changed_archive(named, lambda _, part: part.replace(b"</table:table>", b"</table:table>" + another.encode()))
    assert texts(read(tmp_path, "a.ods", beside))[-2:] == ["header of Default", "header of Report"]  # that of one sheet is not said


@pytest.mark.parametrize(
    ("value", "shown"), [("PT288H00M00S", "288:00:00"), ("-PT26H05M09.5S", "-26:05:09.5"), ("PT05H43M21S", "05:43:21")]
)
def test_times_longer_than_a_day_are_written_as_times(tmp_path: Path, value: str, shown: str) -> None:
    cell = (
        f'<table:table-cell table:style-name="t" office:value-type="time" office:time-value="{value}"><text:p>0</text:p></table:table-cell>'
    )
    content = open_document("spreadsheet", f'<table:table table:name="S"><table:table-row>{cell}</table:table-row></table:table>')
    assert texts(read(tmp_path, "a.ods", content)) == ["S", shown]

"""Markup by Pandoc, XML, notebooks, subtitles, source code."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.markup import pandoc_markup
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def test_restructured_text(tmp_path: Path) -> None:
    table = b"=====  ====\nname   size\n=====  ====\nbolt   3\n=====  ====\n"
    content = b"Guide\n=====\n\nWords.\n\n.. note:: careful\n\n.. include:: /etc/passwd\n\n" + table
    extraction = read(tmp_path, "a.rst", content)
    assert texts(extraction) == ["Guide", "Words.", "Note", "careful", "include:: /etc/passwd", "name || size\nbolt | 3"]
    assert (extraction.elements[-1].kind, extraction.elements[-1].table_header) == ("Table", "name || size")


def test_org(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.org", b'* Plan\nWords.\n#+INCLUDE: "/etc/passwd"\n- one\n- two\n')
    assert texts(extraction) == ["Plan", "Words.", '+INCLUDE: "/etc/passwd"', "one", "two"]


def escaped(text: str, encoding: str) -> str:
    return "".join(f"\\'{byte:02x}" for byte in text.encode(encoding))


@pytest.mark.parametrize(
    ("charset", "page", "encoding", "words"),
    [
        (204, 1251, "cp1251", "Привет, мир"),
        (128, 932, "cp932", "日本語の文書"),
        (161, 1253, "cp1253", "Καλημέρα"),
        (0, 1252, "cp1252", "café"),
    ],
)
def test_rich_text_in_every_code_page(tmp_path: Path, charset: int, page: int, encoding: str, words: str) -> None:
    fonts = f"{{\\fonttbl{{\\f0\\fcharset{charset} A;}}{{\\f1\\fcharset0 B;}}}}"
    coded = escaped(words, encoding)
    styles = f"{{\\stylesheet{{\\s1 {coded};}}}}"
    content = f"{{\\rtf1\\ansi\\ansicpg{page}\\deff0{fonts}{styles}\\f0 {coded}\\par \\f1 plain\\par}}"
    assert texts(read(tmp_path, "a.rtf", content.encode())) == [words, "plain"]


def test_rich_text_with_headers_labels_and_lines_that_end_anywhere(tmp_path: Path) -> None:
    content = (
        rb"{\rtf1\ansi\deff0{\header Head words}{\listtext\pard 1.\tab}\loch"
        + b"\nBody {\\b bold\\b0  }words\\par {\\*\\unknown x}Next\\par}"
    )
    assert texts(read(tmp_path, "a.rtf", content)) == ["Head words", "1. Body bold words", "Next"]


def book(chapters: dict[str, str], metadata: str = "") -> bytes:
    """An EPUB whose spine names c2 and c1; ``chapters`` are those that it holds, by name, ``metadata`` stands behind title and author."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        container = "<rootfiles><rootfile full-path='b.opf' media-type='application/oebps-package+xml'/></rootfiles>"
        archive.writestr(
            "META-INF/container.xml",
            f"<container version='1.0' xmlns='urn:oasis:names:tc:opendocument:xmlns:container'>{container}</container>",
        )
        items = "".join(f"<item id='c{n}' href='c{n}.xhtml' media-type='application/xhtml+xml'/>" for n in (1, 2))
        spine = "<spine><itemref idref='c2'/><itemref idref='c1'/></spine>"
        archive.writestr(
            "b.opf",
            "<package xmlns='http://www.idpf.org/2007/opf' version='3.0' unique-identifier='i'><metadata xmlns:dc='http://purl.org/dc/elements/1.1/'>"
            f"<dc:identifier id='i'>x</dc:identifier><dc:title>Book</dc:title><dc:creator>Ann Writer</dc:creator>{metadata}</metadata>"
            f"<manifest>{items}</manifest>{spine}</package>",
        )
        for name, body in chapters.items():
            archive.writestr(name, f"<html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>")
    return buffer.getvalue()


def test_a_book(tmp_path: Path) -> None:
    content = book({f"c{n}.xhtml": f"<h1>Chapter {n}</h1><p>Words {n}.</p>" for n in (1, 2)})
    assert texts(read(tmp_path, "a.epub", content)) == [
        *("Title: Book\nAuthor: Ann Writer", "Chapter 2", "Words 2.", "Chapter 1", "Words 1.")
    ]


def test_what_a_book_says_of_itself(tmp_path: Path) -> None:
    stated = "<dc:subject>Weaving</dc:subject><dc:subject>Mills</dc:subject><dc:description>&lt;p&gt;On looms.&lt;/p&gt;</dc:description>"
    told = texts(read(tmp_path, "a.epub", book({"c1.xhtml": "<p>Words 1.</p>"}, stated)))
    assert told[0] == "Title: Book\nAuthor: Ann Writer\nSubject: Weaving, Mills\nDescription: On looms."


def test_a_chapter_that_cannot_be_read_costs_itself_only(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.epub", book({"c1.xhtml": "<h1>Chapter 1</h1><p>Words 1.</p>"}))
    assert texts(extraction) == ["Title: Book\nAuthor: Ann Writer", "Chapter 1", "Words 1."]
    assert extraction.notes == ("The chapter c2.xhtml was not read: the file does not hold it.",)


def test_a_book_without_any_chapter_fails(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        read(tmp_path, "a.epub", book({}))


def test_xml_records_and_prose(tmp_path: Path) -> None:
    content = b"""<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE r [<!ENTITY co "Acme">]>
        <r><title>Stock</title><item code="A1"><name>Caf\xe9 &co;</name><price>3.50</price></item><item code="B2"><name>Tea</name></item>
        <p>Prose with <b>bold</b> words.</p></r>"""
    extraction = read(tmp_path, "a.xml", content)
    assert texts(extraction) == [
        "Stock",
        "item code: A1\nname: Café Acme\nprice: 3.50",
        "item code: B2\nname: Tea",
        "Prose with bold words.",
    ]
    assert extraction.elements[1].heading_path == ("Stock",)


def test_xml_reads_nothing_else_and_expands_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret words")
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    doctype = f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{tmp_path}/secret">{bomb}]>'
    extraction = read(
        tmp_path, "a.xml", f"<?xml version='1.0'?>{doctype}<r><a>&x;</a><b>&e9;</b><c>&e0;</c><d>&undeclared; end</d></r>".encode()
    )
    assert "secret" not in str(extraction)
    assert texts(extraction) == ["a: &x;\nb: &e9;\nc: lol\nd: &undeclared; end"]


@pytest.mark.parametrize("content", [b"<a>one 1 < 2 & 3</a><b>two</b> tail words", b"<a><b>one 1 &lt; 2 &amp; 3</a>two tail words"])
def test_broken_xml_loses_no_word(tmp_path: Path, content: bytes) -> None:
    extraction = read(tmp_path, "a.xml", content)
    assert " ".join(" ".join(texts(extraction)).split()) == "one 1 < 2 & 3 two tail words"
    assert extraction.notes[0].startswith("The file is not well-formed XML (line 1: ")


def test_xml_nested_as_deeply_as_it_likes(tmp_path: Path) -> None:
    assert "words" in texts(read(tmp_path, "a.xml", b"<a>" * 2000 + b"words" + b"</a>" * 2000))[0]


def test_a_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "\n", "Some words."]},
        {
            "cell_type": "code",
            "source": "print(1)",
            "outputs": [
                {"text": ["1\n"]},
                {"data": {"text/plain": "table", "image/png": "aGVsbG8="}},
                {"traceback": ["\x1b[31mError\x1b[0m"]},
            ],
        },
    ]
    extraction = read(tmp_path, "a.ipynb", json.dumps({"cells": cells, "nbformat": 4}).encode())
    assert texts(extraction) == ["Study", "Some words.", "print(1)", "1", "table", "Error"]
    assert extraction.elements[-1].heading_path == ("Study",)
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "b.ipynb", b'{"cells": 1}')
    assert raised.value.code == "damaged"


def test_a_cell_that_is_no_cell_costs_itself_only(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": "1", "outputs": ["odd"]}, {"cell_type": "code", "source": "print(2)"}]
    extraction = read(tmp_path, "a.ipynb", json.dumps({"cells": cells, "nbformat": 4}).encode())
    assert texts(extraction) == ["1", "print(2)"]


def test_a_notebook_of_format_2_stores_lines_without_their_ends(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": ["# Study", "", "Some", "words."]}, {"cell_type": "code", "input": ["a = 1", "a"]}]
    extraction = read(tmp_path, "a.ipynb", json.dumps({"worksheets": [{"cells": cells}], "nbformat": 2}).encode())
    assert texts(extraction) == ["Study", "Some\nwords.", "a = 1\na"]


def test_output_in_pieces_is_joined_as_it_stands(tmp_path: Path) -> None:
    outputs = [{"output_type": "stream", "text": ["Hel", "lo wor", "ld"]}]
    cells = [{"cell_type": "code", "source": "x", "outputs": outputs}]
    assert texts(read(tmp_path, "a.ipynb", json.dumps({"cells": cells, "nbformat": 4}).encode()))[-1] == "Hello world"


def test_digits_that_are_said_are_no_number_of_a_cue(tmp_path: Path) -> None:
    content = "WEBVTT\n\n00:01.000 --> 00:02.500\nWhat year was it?\n1984\n00:03.000 --> 00:04.000\nRight.\n"
    assert texts(read(tmp_path, "a.vtt", content.encode()))[-1] == "[00:00:01] What year was it? 1984 Right."


def test_subtitles(tmp_path: Path) -> None:
    content = """WEBVTT - The talk

NOTE by nobody

1
00:00:01.000 --> 00:00:03.000
<v Ann>Good morning
<i>everyone</i>.

00:00:03.000 --> 00:00:05.000
Let us begin.

00:01:00.000 --> 00:01:02.000
After a pause &amp; more.
"""
    assert texts(read(tmp_path, "a.vtt", content.encode())) == [
        "WEBVTT - The talk",
        "NOTE by nobody",
        "[00:00:01] Ann: Good morning everyone. Let us begin.",
        "[00:01:00] After a pause & more.",
    ]
    assert texts(read(tmp_path, "a.srt", b"1\r\n01:00:01,000 --> 01:00:02,500\r\nHello.\r\n")) == ["[01:00:01] Hello."]


@pytest.mark.parametrize(
    "content",
    [
        "1\n00:00:01,000 --> 00:00:02,500\nGood morning.\n2\n00:00:03,000 --> 00:00:04,000\nLet us begin.\n",
        "WEBVTT\n\n00:01.000 --> 00:02.500\nGood morning.\n00:03.000 --> 00:04.000 align:start\nLet us begin.\n",
        "WEBVTT\n\n0:0:1.0 --> 0:0:2.5\nGood morning.\n\n \n0:0:3.0 --> 0:0:4.0\nLet us begin.\n",
    ],
)
def test_cues_of_careless_writers(tmp_path: Path, content: str) -> None:
    assert texts(read(tmp_path, "a.vtt", content.encode()))[-1] == "[00:00:01] Good morning. Let us begin."


def test_source_code_is_parted_between_functions(tmp_path: Path) -> None:
    content = b"import os\n\n\ndef one():\n    a = 1\n\n    return a\n\n\ndef two():\n    pass\n"
    assert texts(read(tmp_path, "a.py", content)) == ["import os", "def one():\n    a = 1\n\n    return a", "def two():\n    pass"]


def test_yaml_keeps_its_comments(tmp_path: Path) -> None:
    assert element_with(read(tmp_path, "a.yaml", b"# why\nport: 8080  # the usual\n"), "# the usual").kind == "CodeSnippet"


def test_a_line_that_pandoc_trips_over_costs_the_structure_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(*_: object) -> bytes:
        raise DocumentError("unreadable_content", "pandoc could not read the file (Error at line 1).")

    monkeypatch.setattr(pandoc_markup, "run_program", trip)
    extraction = read(tmp_path, "a.org", b"* Looms\n\nWords.")
    assert texts(extraction) == ["* Looms", "Words."]
    assert "read as plain text" in extraction.notes[0]


def test_prefixes_that_nobody_has_declared_cost_an_xml_file_nothing(tmp_path: Path) -> None:
    content = (
        b"<shop:list><shop:title>Prices</shop:title><shop:item shop:id='7' unit='kg'><shop:name>Nails</shop:name></shop:item></shop:list>"
    )
    extraction = read(tmp_path, "a.xml", content)
    assert [(element.kind, element.text) for element in extraction.elements] == [
        ("Title", "Prices"),
        ("NarrativeText", "item unit: kg\nname: Nails"),
    ]
    assert not extraction.notes


def test_what_is_said_without_full_stops_tells_its_time_all_the_same(tmp_path: Path) -> None:
    cues = "".join(
        f"00:{n // 60:02}:{n % 60:02}.000 --> 00:{n // 60:02}:{n % 60:02}.900\nand so they said word {n}\n\n" for n in range(300)
    )
    *_, last = said = texts(read(tmp_path, "a.vtt", f"WEBVTT\n\n{cues}".encode()))[1:]
    assert max(map(len, said)) < 1000
    assert last.startswith("[00:04:")
    assert re.findall(r"word (\d+)", " ".join(said)) == [str(n) for n in range(300)]


def test_captions_that_roll_are_said_once(tmp_path: Path) -> None:
    # As recognised speech is captioned: a line is written word by word below the one before, then stands alone for a moment.
    content = """WEBVTT

00:00:00.160 --> 00:00:02.350 align:start position:0%
\x20
good<00:00:00.640><c> morning</c><00:00:01.100><c> everyone</c>

00:00:02.350 --> 00:00:02.360 align:start position:0%
good morning everyone
\x20

00:00:02.360 --> 00:00:04.100 align:start position:0%
good morning everyone
let<00:00:02.800><c> us</c><00:00:03.000><c> begin</c>

00:00:04.100 --> 00:00:04.110 align:start position:0%
let us begin
\x20

00:00:04.110 --> 00:00:06.000 align:start position:0%
let us begin
with<00:00:04.800><c> the</c><00:00:05.000><c> budget</c>
"""
    assert texts(read(tmp_path, "a.vtt", content.encode())) == ["WEBVTT", "[00:00:00] good morning everyone let us begin with the budget"]


def test_roles_and_directives_of_sphinx_are_read_as_they_are_shown(tmp_path: Path) -> None:
    page = (
        "See :doc:`the guide <guide>`, :class:`~pkg.mod.Thing`, :func:`!open`, :guilabel:`&Save && close` and :kbd:`Ctrl+C`.\n\n"
        ".. versionadded:: 3.2\n   New thing.\n\n.. deprecated:: 4.0\n\n"
        ".. code-block:: python\n   :caption: example.py\n\n   x = ':class:`~pkg.Thing`'\n\n"
        ".. toctree::\n   :caption: Contents\n\n   intro\n"
    )
    assert texts(read(tmp_path, "a.rst", page.encode())) == [
        "See the guide, Thing, open, Save & close and Ctrl+C.",
        "New in version 3.2 New thing.",
        "Deprecated since version 4.0",
        "example.py",
        "x = ':class:`~pkg.Thing`'",
        "Contents",
        "intro",
    ]


def test_books_keep_the_numbers_that_items_say_they_have(tmp_path: Path) -> None:
    lists = '<p>Before.</p><ol type="a"><li>One</li><li>Two</li></ol>'
    assert texts(read(tmp_path, "a.epub", book({"c1.xhtml": lists})))[-2:] == ["a. One", "b. Two"]
    lists += '<ol start="5"><li>Five</li><li value="9">Nine</li></ol><ol reversed="reversed"><li>2nd</li><li>1st</li></ol>'
    told = texts(read(tmp_path, "b.epub", book({"c1.xhtml": lists, "c2.xhtml": "<h1>Next</h1>"})))
    assert told[1:] == ["Next", "Before.", "a. One", "b. Two", "5. Five", "9. Nine", "2. 2nd", "1. 1st"]

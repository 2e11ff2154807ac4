"""Every reader that is ours, given what a stranger may send: valid files with bytes changed, parts repeated, numbers made huge.

The only outcomes are elements that the stores can hold, and errors for the user; an exception of our own code is a bug even where
:func:`elements_of` would turn it into words. ``RAG_TEST_FUZZ`` multiplies the number of examples: 200 is about an hour.
"""

from __future__ import annotations

import io
import json
import os
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rag_pipeline.errors import DocumentError, TransientError
from rag_pipeline.ingestion.extract.calendar.family import CALENDAR, VCARD
from rag_pipeline.ingestion.extract.data.family import CSV, JSON, JSON_LINES, NOTEBOOK, SOURCE_CODE, TSV
from rag_pipeline.ingestion.extract.mail.family import EMAIL, MAILBOX
from rag_pipeline.ingestion.extract.markup.family import ASCIIDOC, BIBTEX, HTML, LATEX, MARKDOWN, RTF, SUBTITLES, TYPST, WIKITEXT, XML
from rag_pipeline.ingestion.extract.media_types import PLAIN
from rag_pipeline.ingestion.extract.reading import elements_of
from rag_pipeline.ingestion.extract.source import Source, whole
from rag_pipeline.models import Extraction
from rag_pipeline_tests.ingestion.extract.seeds import BINARIES, FROM, NOTEBOOK_CONTENT, PACKAGES, PANDOC, TEXTS

TIMES = int(os.environ.get("RAG_TEST_FUZZ", "1"))
OURS = str(Path(__file__).parents[3] / "rag_pipeline") + os.sep
SECONDS = 20.0
"""Of processor time for a file of some hundred kilobytes; the readers need tenths. Only a quadratic reader comes near it."""
ODDITIES = [
    *(b"\0", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc2\xad", b"\x1b", b"\f", b"\r", b"\n\n"),
    *(b"99999999999999999999", b"-1", b"0", b"1e999", b"NaN", b"\xd9\xa3", b"\xc2\xb2", b"\xef\xac\x81", b"\xe2\x80\xae"),
    *(b'"', b"'", b"<", b">", b"&#0;", b"&#xD800;", b"&#99999999999;", b"]]>", b"<!--", b"{", b"}", b"\\", b"null", b"[]", b"{}"),
    *(b"[" * 3000, b"<b>" * 3000, b"{" * 3000, b"> " * 300, b"- " * 300, b'{"a":' * 3000, b"a" * 5000),
]  # fmt: skip


def examples(count: int) -> Callable[[Any], Any]:
    return settings(max_examples=count * TIMES, derandomize=TIMES == 1, suppress_health_check=list(HealthCheck))


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    content = seed
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(start + draw(st.integers(0, 60)), len(content))
        change = draw(st.sampled_from(("flip", "cut", "double", "odd", "end", "replace")))
        part = content[start:end]
        if change == "flip":
            part = bytes(byte ^ draw(st.integers(1, 255)) for byte in part[:3]) + part[3:]
        elif change == "cut":
            part = b""
        elif change == "double":
            part *= draw(st.integers(2, 50))
        elif change == "odd":
            part = draw(st.sampled_from(ODDITIES)) + part
        elif change == "replace":
            part = draw(st.sampled_from(ODDITIES))
        content = content[:start] + part + (b"" if change == "end" else content[end:])
    return content


@st.composite
def mutated_package(draw: st.DrawFn, seed: bytes) -> bytes:
    """One part of an archive changed, the archive itself whole: damage that reaches our code."""
    with zipfile.ZipFile(io.BytesIO(seed)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    chosen = draw(st.sampled_from(sorted(name for name in parts if name.endswith((".xml", ".rels")))))
    parts[chosen] = draw(st.one_of(mutated(parts[chosen]), changed_markup(parts[chosen]), st.none())) or b""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in parts.items():
            if content or name != chosen:
                target.writestr(name, content)
    return buffer.getvalue()


@st.composite
def changed_markup(draw: st.DrawFn, content: bytes) -> bytes:
    """Well-formed XML with attributes or elements removed, repeated or given odd values."""
    from lxml import etree

    root = etree.fromstring(content)
    for _ in range(draw(st.integers(1, 3))):
        nodes = [node for node in root.iter() if isinstance(node.tag, str)]
        node = nodes[draw(st.integers(0, len(nodes) - 1))]
        change = draw(st.sampled_from(("attribute", "drop attribute", "drop", "repeat", "text")))
        odd = draw(st.sampled_from(("", "-1", "99999999999999999999", "x", "1.5", "٣", "²", "NaN", "true", "../../x")))
        if change.endswith("attribute") and node.attrib:
            name = draw(st.sampled_from(sorted(node.attrib)))
            if change == "attribute":
                node.set(name, odd)
            else:
                del node.attrib[name]
        elif change == "text":
            node.text = odd
        elif node.getparent() is not None:
            parent = node.getparent()
            if change == "drop":
                parent.remove(node)
            else:
                parent.append(etree.fromstring(etree.tostring(node, with_tail=False)))
    return bytes(etree.tostring(root))


def read(media_type: str, content: bytes) -> Extraction | None:
    """Read it twice and look at what comes out; None where the user is told why not."""
    outcomes = [_outcome(media_type, content) for _ in range(2)]
    assert outcomes[0] == outcomes[1], "the same file gave two results"
    result = outcomes[0]
    if isinstance(result, Extraction):
        _check(result)
        return result
    return None


def _outcome(media_type: str, content: bytes) -> Extraction | str:
    source = Source(io.BytesIO(content), "file")
    try:
        return whole(source, elements_of(source, media_type))
    except TransientError as error:
        return str(error)
    except DocumentError as error:
        _check_whose_fault(error)
        return error.code


def _check_whose_fault(error: DocumentError) -> None:
    """A library may stumble over a damaged file; where our own line did, the catch-all in :func:`elements_of` hid a bug."""
    assert str(error)
    if isinstance(error.__cause__, Exception):
        innermost = traceback.extract_tb(error.__cause__.__traceback__)[-1]
        assert not innermost.filename.startswith(OURS), f"{error} at {innermost}"


def _check(extraction: Extraction) -> None:
    assert extraction.elements
    for element in extraction.elements:
        for text in (element.text, element.table_header or "", *element.heading_path):
            assert "\0" not in text
            text.encode()  # no lone surrogates
        assert element.text.strip()
        assert all(isinstance(heading, str) for heading in element.heading_path)
        assert element.page is None or 1 <= element.page <= (extraction.pages or element.page)
        for box in element.boxes:
            assert 0 <= box.left <= box.right <= 1 and 0 <= box.top <= box.bottom <= 1
    for note in extraction.notes:
        note.encode()


SEEDS = {**TEXTS, **PACKAGES, **BINARIES, **PANDOC}


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_are_read_or_told(name: str) -> None:
    media_type, content = SEEDS[name]
    assert read(media_type, content)


@pytest.mark.parametrize("name", TEXTS)
def test_damaged_text_formats(name: str) -> None:
    media_type, seed = TEXTS[name]

    @examples(80)
    @given(mutated(seed))
    def run(content: bytes) -> None:
        read(media_type, content)

    run()


@pytest.mark.parametrize("name", PACKAGES)
def test_damaged_packages(name: str) -> None:
    media_type, seed = PACKAGES[name]

    @examples(25)
    @given(mutated_package(seed))
    def run(content: bytes) -> None:
        read(media_type, content)

    run()


@pytest.mark.parametrize("name", BINARIES)
def test_damaged_binaries(name: str) -> None:
    media_type, seed = BINARIES[name]

    @examples(60)
    @given(mutated(seed))
    def run(content: bytes) -> None:
        read(media_type, content)

    run()


@pytest.mark.parametrize("name", PANDOC)
def test_damaged_markup(name: str) -> None:
    media_type, seed = PANDOC[name]

    @examples(4)
    @given(mutated(seed))
    def run(content: bytes) -> None:
        read(media_type, content)

    run()


@examples(150)
@given(mutated(PANDOC["rtf"][1]))
def test_rtf(content: bytes) -> None:
    read(RTF, content)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@examples(150)
@given(VALUES)
@example("\ud800")
@example({"\ud800\0": ["\0"]})
def test_any_json(value: object) -> None:
    read(JSON, json.dumps(value).encode())
    read(JSON_LINES, (json.dumps(value) + "\n" + json.dumps([value])).encode())


@examples(150)
@given(st.data())
def test_notebooks_with_a_value_of_another_kind(data: st.DataObject) -> None:
    notebook: Any = json.loads(json.dumps(NOTEBOOK_CONTENT))
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(notebook)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(VALUES)
    read(NOTEBOOK, json.dumps(notebook).encode())


@examples(150)
@given(st.text(st.sampled_from("a1,;\t|\"\n\r 'é")), st.sampled_from((CSV, TSV)))
def test_any_table(text: str, media_type: str) -> None:
    extraction = read(media_type, text.encode())
    if extraction:  # quotes and delimiters may go, words may not
        found = "".join(element.text for element in extraction.elements)
        assert [found.count(letter) for letter in "a1é"] == [text.count(letter) for letter in "a1é"]


@examples(150)
@given(st.text(st.sampled_from("#>-*`|:\n a1[]()<>=_~\t\\&;")))
def test_any_markdown(text: str) -> None:
    extraction = read(MARKDOWN, text.encode())
    found = "".join(element.text for element in extraction.elements) if extraction else ""
    assert found.count("1") == text.count("1")


@examples(200)
@given(
    st.binary(max_size=200),
    st.sampled_from((PLAIN, SOURCE_CODE, HTML, EMAIL, SUBTITLES, CALENDAR, VCARD, LATEX, BIBTEX, ASCIIDOC, TYPST, WIKITEXT)),
)
def test_any_bytes(content: bytes, media_type: str) -> None:
    read(media_type, content)


UNITS = [
    *((PLAIN, unit) for unit in (b"a", b"\n", b"\f", b"a\n", b"\xc3", b"\x00a")),
    *((SUBTITLES, unit) for unit in (b" ", b"<v ", b"<a", b"\n \n", b"00:00:01.000 --> ", b"1\n00:00:01,0 --> 00:00:01,0\na\n\n")),
    *((CALENDAR, unit) for unit in (b"BEGIN:VEVENT\nDESCRIPTION:<a href=", b"BEGIN:A\n", b"\n a", b';A="', b"A;QUOTED-PRINTABLE")),
    *((VCARD, unit) for unit in (b"BEGIN:VCARD\nAGENT:\n", b"BEGIN:VCARD\nNOTE:\\n\nx\n")),
    *((MARKDOWN, unit) for unit in (b"> ", b"- ", b"|", b"# a\n", b"```\n", b"[a]: b\n", b"---\n", b"| a |\n|---|\n")),
    *((HTML, unit) for unit in (b"<b>", b"<table><tr><td>", b"<p>a", b"<h1>a</h1>", b"&#", b"<!--", b"<li>")),
    *((XML, unit) for unit in (b"<a>", b"<a/>", b"<!--", b"<title>a</title>")),
    *((CSV, unit) for unit in (b'"', b",", b'a,"b\n', b'"\n', b'"a\n' * 201 + b"b\n")),
    *((JSON, unit) for unit in (b"[", b'{"a":', b"[],", b'"')),
    *((JSON_LINES, unit) for unit in (b"[]\n", b"[\n", b'{"a":1}\n')),
    *((EMAIL, unit) for unit in (b"A: b\n", b"Content-Type: multipart/mixed; boundary=x\n\n--x\n", b"=?utf-8?q?", b"--x\n")),
    *((LATEX, unit) for unit in (b"{", b"{{}", b"[", b"$a^{", b"\\a", b"\\footnote{", b"\\section{", b"\\iffalse ", b"\\begin{a}")),
    *((LATEX, unit) for unit in (b"\\begin{tabular}{l}a&", b"\\def\\a{\\a\\a}\\a", b"\\newcommand{\\a}[1]{#1#1}\\a{\\a{x}}", b"\\frac{a}")),
    *((TYPST, unit) for unit in (b"[", b"#a(", b"#a[", b"/*", b"#let ", b"$", b"`", b"#f(\"", b"* ", b"#if a [")),
    *((BIBTEX, unit) for unit in (b"@a{b,c={", b'@a{b,c="d",', b"@a{b,c=d # ", b"@", b"@a{b,c={d}}\n")),
    *((ASCIIDOC, unit) for unit in (b"*a ", b"[", b"----\n", b"* a\n", b"|===\n", b"a\n--\n", b"<<", b"{a}", b"https://a[", b"footnote:[")),
    *((ASCIIDOC, unit) for unit in (b"+", b"a:: ", b"|", b"`", b"a`+", b"[[a]]\n", b"[a", b":a: {a}{a}\n")),
    *((WIKITEXT, unit) for unit in (b"{{", b"{{a|", b"[[", b"[[a|", b"<ref>", b"<!--", b"{|\n", b"|-\n", b"'", b"* ", b"<pre>")),
    *((WIKITEXT, unit) for unit in (b"[http://", b"{{{", b"}}", b"<br", b"=", b" a\n", b"|a\n", b"{{a|b}}", b"<ref>a</ref>")),
    *((RTF, unit) for unit in (b"{", b"{\\shptxt a", b"{\\footnote a}", b"\\u233 ?", b"\\trowd\\cellx1 a\\cell\\row")),
    *((RTF, unit) for unit in (b"\\itap2 a\\nestcell", b"{\\sp{\\sn gtextUNICODE}{\\sv a}}")),
    *((MAILBOX, unit) for unit in (FROM.encode(), b"From ", f"\n{FROM}A: b\n\nc\n".encode())),
]  # fmt: skip


def test_a_number_of_more_digits_than_python_converts() -> None:
    assert read(JSON, b'{"a": ' + b"9" * 5000 + b"}")


@pytest.mark.parametrize(("media_type", "unit"), UNITS, ids=lambda value: repr(value)[:40])
def test_no_input_takes_quadratic_time(media_type: str, unit: bytes) -> None:
    """A unit, repeated until the file is as large as the letter of somebody who means harm."""
    started = time.process_time()
    _outcome(media_type, unit * (100_000 // len(unit)))
    assert time.process_time() - started < SECONDS

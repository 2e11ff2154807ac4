"""FictionBook 2, by its schema."""

from pathlib import Path

import pytest

from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.books.family import FICTION_BOOK
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts

BOOK = """<?xml version="1.0" encoding="windows-1251"?>
<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink">
<description><title-info><author><first-name>Анна</first-name><last-name>Рид</last-name></author><book-title>Гавань</book-title>
<annotation><p>What it is about.</p></annotation><coverpage><image l:href="#c.png"/></coverpage></title-info>
<document-info><author><nickname>maker</nickname></author><program-used>FB Editor</program-used></document-info></description>
<body><title><p>Гавань</p><p>A novel</p></title><epigraph><p>Set sail.</p><text-author>Old Tom</text-author></epigraph>
<section><title><p>Chapter one</p></title><p>It was <strong>dark</strong><a l:href="#n1" type="note">[1]</a> &amp; late.</p>
<subtitle>* * *</subtitle>
<poem><title><p>Song</p></title><stanza><v>Line one</v><v>line two</v></stanza></poem><subtitle>A pause</subtitle>
<table><tr><th>Name</th><th>Price</th></tr><tr><td>Rope</td><td>3</td></tr></table><image l:href="#c.png" alt="A map"/></section>
<section><title><p>Chapter two</p></title><section><title><p>Part A</p></title><p>Deep words.</p></section></section></body>
<body name="notes"><title><p>Notes</p></title><section id="n1"><title><p>1</p></title><p>What a note says.</p></section></body>
<binary id="c.png" content-type="image/png">iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ</binary></FictionBook>"""


@pytest.mark.parametrize("name", ["a.fb2", "a.xml", "a"])
def test_a_book_with_its_parts(tmp_path: Path, name: str) -> None:
    content = BOOK.encode("cp1251")
    assert media_type_of(name, content) == FICTION_BOOK
    extraction = read(tmp_path, name, content)
    assert texts(extraction) == [
        "Author: Анна Рид\nDescription: What it is about.",
        "Гавань A novel",
        "Set sail.",
        "Old Tom",
        "Chapter one",
        "It was dark[1] & late.",
        "Song",
        "Line one",
        "line two",
        "A pause",
        "Name || Price\nRope | 3",
        "A map",
        "Chapter two",
        "Part A",
        "Deep words.",
        "Notes",
        "1 What a note says.",
    ]
    assert element_with(extraction, "Line one").heading_path == ("Гавань A novel", "Chapter one")
    assert element_with(extraction, "Deep words").heading_path == ("Гавань A novel", "Chapter two", "Part A")
    assert element_with(extraction, "a note says").heading_path == ("Notes",)


def test_a_book_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.fb2", BOOK[: BOOK.index("<section><title><p>Chapter two")].encode("cp1251"))
    assert "It was dark[1] & late." in texts(extraction)
    assert "damaged" in extraction.notes[0]

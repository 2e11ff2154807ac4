"""Wikitext and exports of wikis."""

import time
from pathlib import Path

import pytest

from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def test_a_page(tmp_path: Path) -> None:
    content = b"""{{Infobox mill
| name = Mill of Ayr
| built = {{start date|1780|5}}
| image = [[File:Mill.jpg|200px]]
}}
'''Ayr''' is a [[Town (Scotland)|town]].<!-- not seen --><ref>{{cite book|title=Looms|year=1990}}</ref> It has [https://a.example a page].
[[File:Ayr.jpg|thumb|left|250px|The [[river]] at night]]
== History ==
* one
* two
# first
# second
; Warp
: runs along
<source lang="c">
int *kept;
</source>
[[Category:Towns|Ayr]]
[[de:Ayr]]
"""
    extraction = read(tmp_path, "a.wiki", content)
    assert texts(extraction) == [
        "name: Mill of Ayr\nbuilt: 1780, 5",
        "Ayr is a town. It has a page.",
        "Looms, 1990",
        "The river at night",
        *("History", "one", "two", "1. first", "2. second", "Warp", "runs along", "int *kept;", "Categories: Towns"),
    ]
    assert element_with(extraction, "one").heading_path == ("History",)


def test_tables(tmp_path: Path) -> None:
    content = b"""{| class="wikitable"
|+ Sizes
! Name !! style="width:3em" | Size
|-
| rowspan="2" | bolt || 3
|-
| 4
|-
| nut
|
{| class="inner"
| a || b
|}
|}
After.
"""
    extraction = read(tmp_path, "a.wiki", content)
    assert texts(extraction) == ["Sizes", "Name || Size\nbolt | 3\nbolt | 4\nnut | a b", "After."]
    assert extraction.elements[1].kind == "Table"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("<nowiki>'''as it is''' [[x]]</nowiki>", "'''as it is''' [[x]]"),
        ("E <math>\\alpha \\leq x^2</math>", "E α ≤ x^2"),
        ("{{lang|fr|{{nowrap|bon jour}}}} {{{1|else}}} {{DEFAULTSORT:X}}__NOTOC__", "fr, bon jour else"),
        ("a<br />b <span style='color:red'>c</span>&nbsp;d &amp; e", "a\nb c d & e"),
        ("5 < 6 and {{unended", "5 < 6 and unended"),
        ("[[unended and <ref>unended", "unended and unended"),
        ("[[Town]]s of ''note''", "Towns of note"),
    ],
)
def test_words_lose_their_marks(tmp_path: Path, written: str, seen: str) -> None:
    assert " ".join(texts(read(tmp_path, "a.wiki", written.encode()))) == seen


EXPORT = b"""<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo><sitename>W</sitename></siteinfo>
<page><title>Ayr</title><ns>0</ns><revision><text>Old words.</text></revision><revision><text>A ''town''.
== History ==
Words.</text></revision></page>
<page><title>Air</title><redirect title="Ayr"/><revision><text>#REDIRECT [[Ayr]]</text></revision></page>
<page><title>Mill</title><revision><text>Grinds.</text></revision></page></mediawiki>"""


def test_an_export_gives_its_pages_by_their_last_revision(tmp_path: Path) -> None:
    extraction = read(tmp_path, "dump.xml", EXPORT)
    assert texts(extraction) == ["Ayr", "A town.", "History", "Words.", "Mill", "Grinds."]
    assert extraction.elements[3].heading_path == ("Ayr", "History")


def test_templates_in_templates_end(tmp_path: Path) -> None:
    said = " ".join(texts(read(tmp_path, "a.wiki", b"{{a|" * 500 + b"words" + b"}}" * 500)))
    assert "words" in said
    assert "{{" not in said


@pytest.mark.parametrize("unit", [b" ", b"{{", b"\n"])
def test_blank_space_is_looked_through_once(tmp_path: Path, unit: bytes) -> None:
    """Braces that close nothing become blank space. From each sign of it anew, this takes a minute."""
    started = time.process_time()
    assert [text.strip() for text in texts(read(tmp_path, "a.wiki", unit * (300_000 // len(unit)) + b"Weaver"))] == ["Weaver"]
    assert time.process_time() - started < 10

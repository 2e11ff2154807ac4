"""AsciiDoc: blocks, tables, and words without their marks."""

from pathlib import Path

import pytest

from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def test_a_document(tmp_path: Path) -> None:
    content = b"""= The Loom
Ann Weaver <ann@mill.example>
v1.0, 2026-11-01
:mill: Mill of Ayr
// not seen

A *bold* word of the {mill}.

== First

[source,python]
----
def *kept*(): pass
----

.A caption
====
NOTE: Careful.
====

Second
~~~~~~
Words.
"""
    extraction = read(tmp_path, "a.adoc", content)
    assert texts(extraction) == [
        *("The Loom", "Ann Weaver <ann@mill.example>\nv1.0, 2026-11-01", "A bold word of the Mill of Ayr.", "First"),
        *("def *kept*(): pass", "A caption", "NOTE: Careful.", "Second", "Words."),
    ]
    assert extraction.elements[-1].heading_path == ("The Loom", "First", "Second")
    assert extraction.elements[4].kind == "CodeSnippet"


def test_lists(tmp_path: Path) -> None:
    content = b"* one\n** two\n* three\n+\nwith more\n\n. first\n. second\n\nWarp:: runs along\nWeft::\n  runs across\n\n<1> called out\n"
    extraction = read(tmp_path, "a.adoc", content)
    assert texts(extraction) == [
        *("one", "two", "three", "with more", "1. first", "2. second", "Warp: runs along", "Weft: runs across", "<1> called out"),
    ]
    assert element_with(extraction, "Weft").kind == "ListItem"


def test_tables(tmp_path: Path) -> None:
    content = b"""[%header,cols="1,1,2"]
|===
|Name |Size |Use
.2+|bolt |3 |holds *well*
|4 2+|over two
|nut
|5
a|turns \\| sticks
|===

,===
a,"b, c"
,===
"""
    assert texts(read(tmp_path, "a.adoc", content))[:1] == [
        "Name || Size || Use\nbolt | 3 | holds well\nbolt | 4 | over two\nnut | 5 | turns | sticks"
    ]


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("_em_ `mono` **b**old #mark# H~2~O x^2^", "em mono bold mark H_2O x^2"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("see https://a.example/x[the page] and link:b.html[that]", "see the page and that"),
        ("see https://a.example/x.", "see https://a.example/x."),
        ("<<first,the first>> image:loom.png[A loom] kbd:[Ctrl]", "the first A loom Ctrl"),
        ("[[id]]words ((term))(((a,b))) +++<u>raw</u>+++", "words term raw"),
        ("`+{mill}+` {mill} {unknown} \\*no bold*", "{mill} Ayr {unknown} *no bold*"),
        ("git:add[1] stays", "git:add[1] stays"),
        ('"`so`" (C) 5 -- 6... &#167; a &lt; b', "“so” © 5 — 6… § a < b"),
        ("stem:[x^2 * y * z]", "x^2 * y * z"),
    ],
)
def test_words_lose_their_marks(tmp_path: Path, written: str, seen: str) -> None:
    assert texts(read(tmp_path, "a.adoc", f":mill: Ayr\n\n{written}\n".encode())) == [seen]


def test_notes_stand_below_their_paragraph(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.adoc", b"One footnote:[A *note*.] two.\n\nThree.")) == ["One two.", "A note.", "Three."]


def test_what_is_included_is_named_and_conditions_keep_their_words(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.adoc", b"One.\n\ninclude::/etc/passwd[]\n\nifdef::x[]\nTwo.\nendif::x[]\nifdef::y[Three.]\n")
    assert " ".join(texts(extraction)) == "One. Two. Three."
    assert extraction.notes == ("Files that it includes are no part of it here: /etc/passwd.",)


def test_blocks_that_do_not_end_cost_no_word(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.adoc", b"One.\n\n----\ntwo\n\n|===\n|three\n"))[0] == "One."
    assert "two" in texts(read(tmp_path, "a.adoc", b"One.\n\n----\ntwo\n\n|===\n|three\n"))
    assert "|three" in texts(read(tmp_path, "a.adoc", b"One.\n\n----\ntwo\n\n|===\n|three\n"))


def test_quotes_say_whose_they_are(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.adoc", b"[quote,Ann Weaver,On Looms]\n____\nWords.\n____\n")) == ["Ann Weaver, On Looms", "Words."]

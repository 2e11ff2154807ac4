"""Typst: markup, and the words in its code."""

from pathlib import Path

import pytest

from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def test_a_document(tmp_path: Path) -> None:
    content = b"""#import "@preview/paper:0.1.0": paper
#set page(paper: "a4", margin: (x: 1cm))
#let mill = [Mill of Ayr]
#show: paper.with(title: [On _Looms_], lang: "en", authors: ((name: "Ann Weaver"),))
= First <first>
Some *bold* words // not seen
of #mill, see @first.#footnote[A note.]

- one
+ two
/ Warp: runs along
== Second
#figure(
  table(columns: (auto, 1fr), table.header([Name], [Size]), [bolt], [3]),
  caption: [Sizes],
)
```python
def f(): pass
```
#include "chapter.typ"
"""
    extraction = read(tmp_path, "a.typ", content)
    assert texts(extraction) == [
        *("On Looms Ann Weaver", "First", "Some bold words of Mill of Ayr, see .", "A note.", "one", "two", "Warp: runs along"),
        *("Second", "Name || Size\nbolt | 3", "Sizes", "def f(): pass"),
    ]
    assert element_with(extraction, "Sizes").heading_path == ("First", "Second")
    assert extraction.notes == ("Files that it includes are no part of it here: chapter.typ.",)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ('#text(fill: red)[red] #link("https://a.example")[here] #strange("kept", key: "not")[and this]', "red here kept and this"),
        ('$alpha + x^2 <= "all"$ and `a*b`', "α + x^2 <= all and a*b"),
        ("a\\*b\\* snake_case_name 5--6 \\u{e9} https://a.example/x_y", "a*b* snake_case_name 5–6 é https://a.example/x_y"),
        ("#if x [yes] else [no] [plain]", "yes no [plain]"),
        ("one /* gone */ two /* three", "one two /* three"),
        ("#f(one [two", "(one [two"),
    ],
)
def test_words_lose_their_marks(tmp_path: Path, written: str, seen: str) -> None:
    assert " ".join(" ".join(texts(read(tmp_path, "a.typ", written.encode()))).split()) == seen


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ('columns: 2, "Room", "Watts", [Kitchen], $40 + x$', "Room || Watts\nKitchen | 40 + x"),
        ("columns: (1fr, auto), table.header[Room][Watts], [Hall, big], [4]", "Room || Watts\nHall, big | 4"),
        (
            'columns: 2, table.header(repeat: false, "Room", [Watts]), table.hline(), strong("Hall"), mill',
            "Room || Watts\nHall | Mill of Ayr",
        ),
        ("columns: 2, table.cell(colspan: 2)[Both], [a], [b],", "Both\na | b"),
        ('columns: 2, inset: 4pt, [a: b], "c, d"', "a: b | c, d"),
        ("columns: 2, text(red)[once], [b]", "once | b"),
    ],
)
def test_every_argument_of_a_table_without_a_name_is_a_cell(tmp_path: Path, table: str, rows: str) -> None:
    assert texts(read(tmp_path, "a.typ", f"#let mill = [Mill of Ayr]\n#table({table})".encode())) == [rows]


@pytest.mark.parametrize("name", ["table", "strong"])
@pytest.mark.parametrize("deep", [2, 48, 49, 50, 51, 400])
def test_no_word_is_lost_however_deep_it_stands(tmp_path: Path, name: str, deep: int) -> None:
    written = f"#{f'{name}(' * deep}[kept words]{')' * deep}"
    assert "kept words" in " ".join(texts(read(tmp_path, "a.typ", written.encode())))

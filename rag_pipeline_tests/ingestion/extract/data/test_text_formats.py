"""Plain text, Markdown, CSV, JSON, and their encodings."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, code_page_encoding, decode_text
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts

ACCENTED = "Prüfstelle für Äpfel – naïve café, señor; 你好，世界"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_read(encoding: str) -> None:
    text = "plain words come first " * 3 + ACCENTED
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize("text", ["café", "señor Muñoz", "L'été à la plage", "Åsa åker båt", "¿Qué?", "100 °C", "Größe: 5 m²", "50 £"])
def test_a_few_western_bytes_are_no_riddle(tmp_path: Path, text: str) -> None:
    assert texts(read(tmp_path, "a.txt", text.encode("cp1252"))) == [text]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Zażółć gęślą jaźń", "cp1250"), ("Ελλάδα είναι", "cp1253"), ("日本語のテキスト", "cp932"), ("한국어 텍스트", "cp949")],
)
def test_a_few_bytes_of_other_places_are_still_guessed(tmp_path: Path, text: str, encoding: str) -> None:
    assert texts(read(tmp_path, "a.txt", text.encode(encoding))) == [text]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_bytes_keep_their_accents(encoding: str) -> None:
    text = "Die Prüfstelle für Maschinen prüft jährlich alle Geräte und Anlagen, so größer sie auch sind."
    assert decode_text(text.encode(encoding)) == text


def test_a_declared_encoding_is_used_and_a_wrong_one_is_not() -> None:
    assert decode_text("Привет, мир".encode("koi8-r"), "koi8-r") == "Привет, мир"
    assert decode_text("Grüße".encode(), "no-such-encoding") == "Grüße"


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("日本語のメール、ﾃｽﾄ", "iso2022_jp_ext", "iso-2022-jp"),
        ("한국어 메일", "iso2022_kr", "iso-2022-kr"),
        ("中文邮件", "hz", "hz-gb-2312"),
        ("Größe für 5 €", "utf-7", "utf-7"),
    ],
)
def test_encodings_that_spell_all_with_the_bytes_of_ascii(text: str, encoding: str, declared: str) -> None:
    content = f"plain\n{text}\nplain".encode(encoding)
    assert content.isascii()
    assert decode_text(content, declared) == f"plain\n{text}\nplain"
    assert decode_text(content, None if b"\x1b$" in content else declared) == f"plain\n{text}\nplain"
    assert decode_text("naïve ①".encode(), declared) == "naïve ①"  # declared wrongly


def test_code_pages_by_their_numbers() -> None:
    """As old office files name them; 10000 is what Excel for the Macintosh writes into their properties."""
    names = ["mac-roman", "cp932", "cp1252", "johab", "utf-8", None]
    assert [code_page_encoding(number) for number in (10000, 932, 1252, 1361, 65001, 0)] == names


def test_what_windows_adds_to_the_japanese_of_mail() -> None:
    # Row 13 (circled numbers, forms of companies) and row 92 (names): JIS X 0208 has neither.
    mixed = "ああ\n".encode() + b"\x1b$B-!\x1b(B"  # UTF-8 that would pass for Shift_JIS
    assert decode_text(mixed).startswith("ああ\n")
    assert decode_text(b"a \x1b$B-!-j|bF|\x1b(B b\n\x1b$BF|K\\\x1b(J c") == "a ①㈱髙日 b\n日本 c"


def test_one_bad_byte_does_not_garble_a_utf8_file() -> None:
    content = (ACCENTED * 20).encode() + b"\xff end"
    assert decode_text(content) == ACCENTED * 20 + "ÿ end"


def test_pieces_in_another_encoding_do_not_garble_a_utf8_file() -> None:
    # A page of western Europe: a name that was pasted in Windows-1252 stands between accents in UTF-8, and both are read.
    content = "Über uns: Gärten, Höfe, Bäume – ".encode() + "Gärtner’s Fest".encode("cp1252") + " für Groß und Klein".encode()
    assert decode_text(content, "utf-8") == decode_text(content) == "Über uns: Gärten, Höfe, Bäume – Gärtner’s Fest für Groß und Klein"
    assert decode_text("Gärtner’s Fest in Zürich, Genève".encode("cp1252"), "utf-8") == "Gärtner’s Fest in Zürich, Genève"


@pytest.mark.parametrize(("text", "encoding"), [
    ("我们公司的年度报告显示，销售收入比去年同期增长了百分之十二。", "gb2312"),
    ("当社の年次報告書によると、売上高は前年同期比で十二パーセント増加しました。", "shift_jis"),
    ("当社の年次報告書によると、売上高は前年同期比で十二パーセント増加しました。", "euc-jp"),
    ("本公司的年度報告顯示，銷售收入比去年同期增長了百分之十二。", "big5"),
    ("우리 회사의 연례 보고서에 따르면 매출이 작년보다 증가했습니다.", "euc-kr"),
])  # fmt: skip
@pytest.mark.parametrize("declared", [True, False])
def test_one_broken_character_does_not_garble_a_text_of_east_asia(text: str, encoding: str, declared: bool) -> None:
    whole = f"{text}\n" * 8
    content = whole.encode(encoding)
    label = encoding if declared else None
    assert decode_text(content + content[:1], label).startswith(whole)  # cut within a character
    assert decode_text(content + b"\xff\n" + content, label).count(text) == 16


def test_an_encoding_that_is_declared_and_wrong_is_not_taken_for_one_with_errors() -> None:
    content = ("Обзор рынка за второй квартал. " * 8).encode("koi8-r")
    assert decode_text(content, "euc-kr").startswith("Обзор рынка")


@given(st.text())
def test_utf8_survives_but_for_what_no_store_can_hold(text: str) -> None:
    assert decode_text(("x" + text).encode("utf-8", "surrogatepass")).startswith("x")
    cleaned = clean_text(text)
    assert "\0" not in cleaned
    stored = text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    assert unicodedata.normalize("NFKC", cleaned) == unicodedata.normalize("NFKC", stored.translate(dict.fromkeys((0xAD, 0x200B, 0xFEFF))))


def test_only_what_is_mere_print_changes_its_form() -> None:
    assert clean_text("ﬁne\u00a0co\u00adop ﻻ 10² ½ Ⅳ ｆｕｌｌ") == "fine coop لا 10² ½ Ⅳ ｆｕｌｌ"


def test_plain_text_is_paragraphs(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.txt", b"one\r\ntwo\r\n \r\nthree\x0cfour\n")) == ["one\ntwo", "three", "four"]


@pytest.mark.parametrize("content", [b"", b" \n\t \n", b"\xef\xbb\xbf", b"\x00\x00"])
def test_a_file_without_text_is_empty(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.txt", content)
    assert (raised.value.code, raised.value.state) == ("empty", "empty")


def test_markdown_structure(tmp_path: Path) -> None:
    source = b"""---
author: Somebody
---
# Guide #

Intro with **bold** words.

## Setup

1. first
2. second
   - inner

| name | size |
|------|------|
| bolt | 3    |

```
code | here
```

Another
-------

[link]: http://example.com
"""
    extraction = read(tmp_path, "a.md", source)
    assert [(element.kind, element.text, element.heading_path) for element in extraction.elements] == [
        ("NarrativeText", "---\nauthor: Somebody\n---", ()),
        ("Title", "Guide", ()),
        ("NarrativeText", "Intro with **bold** words.", ("Guide",)),
        ("Title", "Setup", ("Guide",)),
        ("ListItem", "1. first", ("Guide", "Setup")),
        ("ListItem", "2. second\n   - inner", ("Guide", "Setup")),
        ("Table", "name || size\nbolt | 3", ("Guide", "Setup")),
        ("CodeSnippet", "```\ncode | here\n```", ("Guide", "Setup")),
        ("Title", "Another", ("Guide",)),
        ("NarrativeText", "[link]: http://example.com", ("Guide", "Another")),
    ]
    assert extraction.elements[6].table_header == "name || size"


def test_markdown_nested_beyond_reason_keeps_its_words(tmp_path: Path) -> None:
    assert "deep words" in texts(read(tmp_path, "a.md", b"> " * 5000 + b"deep words"))[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["name", "note"], ["bolt", "long, thin"], ["nut", "round; small"]]
    content = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows).encode()
    (table,) = read(tmp_path, "a.csv", content).elements
    assert table.text == "name || note\nbolt | long, thin\nnut | round; small"
    assert table.table_header == "name || note"


def test_a_table_of_numbers_has_no_header(tmp_path: Path) -> None:
    (table,) = read(tmp_path, "a.csv", b"1,2\n3,4\n").elements
    assert (table.text, table.table_header) == ("1 | 2\n3 | 4", None)


def test_broken_quotes_lose_nothing(tmp_path: Path) -> None:
    assert "last words" in texts(read(tmp_path, "a.csv", b'a,b\n"open,1\nlast words,2\n'))[0]


def test_a_long_table_comes_in_parts_that_know_the_header(tmp_path: Path) -> None:
    content = "name,size\n" + "\n".join(f"bolt {number},{number}" for number in range(2500))
    extraction = read(tmp_path, "a.csv", content.encode())
    assert [element.table_header for element in extraction.elements] == ["name || size"] * 3
    assert sum(len(text.splitlines()) for text in texts(extraction)) == 2501


def test_json_values_are_led_by_their_keys(tmp_path: Path) -> None:
    content = rb'[{"name": "caf\u00e9", "sizes": [1, 2.5], "open": true, "none": null}, "words", "\ud800bad"]'
    assert texts(read(tmp_path, "a.json", content)) == ["name: café\nsizes: 1\nsizes: 2.5\nopen: true", "words", "bad"]


def test_json_lines_and_what_is_none(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.jsonl", b'{"a": 1}\nnot json\n\n{"b": {"c": "d"}}')) == ["a: 1", "not json", "b.c: d"]


@pytest.mark.parametrize("content", [b'{"a": 1, "b": "words', b"[" * 50_000 + b'"words"' + b"]" * 50_000])
def test_broken_json_is_read_as_text_and_says_so(tmp_path: Path, content: bytes) -> None:
    extraction = read(tmp_path, "a.json", content)
    assert element_with(extraction, "words")
    assert extraction.notes == ("The file is not valid JSON; it was read as plain text.",)


def test_a_quote_that_nobody_closes_costs_its_line_only(tmp_path: Path) -> None:
    lines = ["name,size", '"bolt,3', *(f"nut {number},{number}" for number in range(500))]
    (table,) = read(tmp_path, "a.csv", "\n".join(lines).encode()).elements
    assert table.text.splitlines()[1:4] == ['"bolt | 3', "nut 0 | 0", "nut 1 | 1"]
    assert len(table.text.splitlines()) == 502


def test_cells_may_hold_line_breaks(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.csv", b'name,note\nbolt,"first\nsecond"\nnut,x\n')) == ["name || note\nbolt | first second\nnut | x"]


@pytest.mark.parametrize("delimiter", list(",;\t|^~"))
def test_every_delimiter(tmp_path: Path, delimiter: str) -> None:
    content = "\n".join(delimiter.join(row) for row in (("name", "size"), ("bolt", "3"), ("nut", "4"))).encode()
    assert texts(read(tmp_path, "a.csv", content)) == ["name || size\nbolt | 3\nnut | 4"]
    assert texts(read(tmp_path, "b.csv", f"sep={delimiter}\n".encode() + content)) == ["name || size\nbolt | 3\nnut | 4"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "iso2022_jp_ext"])
def test_files_too_large_to_decode_at_once_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    words = "と日本語" if encoding == "iso2022_jp_ext" else "mit Äpfeln, größer"
    content = "".join(f"Zeile {number} {words}\r\n\r\n" for number in range(2000)).encode(encoding)
    at_once = texts(read(tmp_path, "a.txt", content))
    monkeypatch.setattr("rag_pipeline.ingestion.extract.data.decoding._READ_WHOLE_BYTES", 1000)
    monkeypatch.setattr("rag_pipeline.ingestion.extract.data.decoding._DETECTION_BYTES", 4001)
    assert texts(read(tmp_path, "b.txt", content)) == at_once
    assert at_once[-1] == f"Zeile 1999 {words}"


@pytest.mark.parametrize(("words", "encoding"), [("mit Äpfeln, größer", "utf-8"), ("我们公司的年度报告", "gb2312")])
def test_a_broken_character_costs_a_large_file_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, encoding: str) -> None:
    monkeypatch.setattr("rag_pipeline.ingestion.extract.data.decoding._READ_WHOLE_BYTES", 1000)
    monkeypatch.setattr("rag_pipeline.ingestion.extract.data.decoding._DETECTION_BYTES", 4001)
    content = b"bad: \xff\n\n" + "".join(f"{number}: {words}\n\n" for number in range(2000)).encode(encoding)
    assert texts(read(tmp_path, "a.txt", content))[1:] == [f"{number}: {words}" for number in range(2000)]


def test_lines_that_tabs_part_alike_are_a_table(tmp_path: Path) -> None:
    page = "Prices\nName\tPrice\tUnit\nRope\t3\tm\nLamp\t\tpiece\n\nBerth\t\tLength\tDepth\nNorth\t\t120\t\t7\nLong Name\t90\t5\nafter it\n"
    extraction = read(tmp_path, "a.txt", page.encode())
    assert texts(extraction) == [
        "Prices",
        "Name || Price || Unit\nRope | 3 | m\nLamp |  | piece",
        "Berth || Length || Depth\nNorth | 120 | 7\nLong Name | 90 | 5",
        "after it",
    ]
    assert extraction.elements[2].table_header == "Berth || Length || Depth"


@pytest.mark.parametrize(
    "paragraph",
    [
        "1.\tFirst of all\n2.\tSecond\n3.\tThird",
        "-\tone\n-\ttwo\n-\tthree",
        "a\tb\n\tc\td\n\te\tf\n\tg\th",
        "Key\tValue\nTwo\tlines",
        "one\ttwo\nthree\tfour\tfive\nsix\tseven\teight\tnine",
        "I\t" + "long words " * 30 + "\nII\tb\nX1\tc",
    ],
)
def test_lists_and_lines_that_tabs_indent_are_none(tmp_path: Path, paragraph: str) -> None:
    assert texts(read(tmp_path, "a.txt", paragraph.encode())) == [paragraph]

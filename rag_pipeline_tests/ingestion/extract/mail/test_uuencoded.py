"""Files in the text of a message: by the POSIX description of uuencode, and as mail programs bent it."""

import binascii
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.ingestion.extract.mail.uuencoded import taken_apart
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts, workbook

BOOK = workbook({"S": [["cell words"]]})


def encoded(content: bytes, name: str, *, backtick: bool = False, mode: str = "644") -> str:
    lines = [binascii.b2a_uu(content[start : start + 45], backtick=backtick).decode() for start in range(0, len(content), 45)]
    return f"begin {mode} {name}\n{''.join(lines)}{'`' if backtick else ' '}\nend\n"


def mail(body: str) -> bytes:
    return f"Subject: Old\n\n{body}".encode()


def test_they_are_attachments(tmp_path: Path) -> None:
    body = f"Before.\n\n{encoded(BOOK, 'my book.xlsx')}\nBetween.\n{encoded(b'attached words', '../a.txt', backtick=True)}\nAfter."
    extraction = read(tmp_path, "a.eml", mail(body))
    assert texts(extraction) == ["Old", "Before.", "Between.", "After.", "my book.xlsx", "S", "cell words", "../a.txt", "attached words"]
    assert element_with(extraction, "attached words").heading_path == ("Old", "../a.txt")
    assert extraction.notes == ()


def test_what_cannot_be_read_of_them_is_named(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.eml", mail(f"Words.\n{encoded(b'%PDF-1.4 broken', 'a.pdf')}{encoded(b'', 'no.txt')}"))
    assert texts(extraction) == ["Old", "Words."]
    assert [note.split(":")[0] for note in extraction.notes] == [f"{name}, a file inside it, was not read" for name in ("a.pdf", "no.txt")]


@pytest.mark.parametrize("cut", ["\nend", "`\nend"])
def test_damaged_ones_stay_text(tmp_path: Path, cut: str) -> None:
    block = encoded(b"attached words " * 9, "a.txt", backtick=True)
    for damaged in (block.partition(cut)[0], block.replace("\nM", "\nlower case", 2), block.replace("`\nend", "`\nno\nend")):
        extraction = read(tmp_path, "a.eml", mail(f"Words.\n\n{damaged}\n\nMore."))
        assert "begin 644 a.txt" in "\n".join(texts(extraction))
        assert texts(extraction)[-1].endswith("More.")
    assert extraction.notes == ("a.txt, a file inside it, is damaged: it was left in the text. Ask the sender for it.",)


@pytest.mark.parametrize(
    "text", ["begin 100 metres\nbehind the bridge", "begin 644 a\n", "begin 644 a", "begin 644 a\n\nend of it", "begin\nend"]
)
def test_sentences_are_none(text: str) -> None:
    assert taken_apart(text) == (text, [], [])


ZEROS = st.lists(st.sampled_from([b"\0" * 44, b"\0", b"a"]), max_size=9).map(b"".join)


@given(
    st.binary(max_size=200) | ZEROS,
    st.booleans(),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_file_comes_out_as_it_went_in(content: bytes, backtick: bool, stripped: bool, newline: str) -> None:
    block = encoded(content, "a b.bin", backtick=backtick)
    if stripped:  # blanks at the ends of lines get lost on the way
        block = "\n".join(line.rstrip(" ") for line in block.split("\n"))
    text, files, damaged = taken_apart(f"x\n{block}y".replace("\n", newline))
    assert (text.split(), files, damaged) == (["x", "y"], [("a b.bin", content)], [])

"""Books for Kindle, in all the ways in which their text may be packed."""

from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import media_type_of
from rag_pipeline.ingestion.extract.books.family import MOBIPOCKET, PALM_TEXT
from rag_pipeline_tests.ingestion.extract.books.palm_books import (
    HUFFMAN,
    PALM_DOC,
    PLAIN,
    book,
    book_of_pages,
    database,
    palm_doc,
)
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts

SENTENCES = [f"Sentence {number} of the harbour, the quay and the größten ships — of {number * 7919} tons." for number in range(200)]
PAGE = (
    "<html><head><title>x</title></head><body><h1>Harbour</h1>" + "".join(f"<p>{one}</p>" for one in SENTENCES) + "</body></html>"
).encode()


@pytest.mark.parametrize("packing", [PLAIN, PALM_DOC, HUFFMAN])
@pytest.mark.parametrize("behind", [b"", b"\1\2\3"])
def test_texts_are_the_same_however_they_are_packed(tmp_path: Path, packing: int, behind: bytes) -> None:
    extraction = read(tmp_path, "a.mobi", book(PAGE, packing, behind=behind))
    assert [text for text in texts(extraction) if text.startswith("Sentence")] == SENTENCES
    assert element_with(extraction, "Sentence 199 ").heading_path == ("Harbour",)
    assert extraction.notes == ()


def test_what_a_book_says_of_itself(tmp_path: Path) -> None:
    said = [(100, "Anna Łódź".encode()), (100, b"Bo Lind"), (103, b"&lt;p&gt;On ships.&lt;/p&gt;"), (105, b"Ports"), (524, b"en")]
    extraction = read(tmp_path, "a.azw", book(b"<p>words</p>", properties=said, title=b"The Quay"))
    assert texts(extraction) == ["Title: The Quay\nAuthor: Anna Łódź, Bo Lind\nSubject: Ports\nDescription: On ships.", "words"]


def test_texts_are_in_the_code_page_that_the_book_names(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.prc", book("<p>größer – Café</p>".encode("cp1252"), code_page=1252, title=b"")))[-1] == "größer – Café"


def test_pages_are_put_together_from_their_parts(tmp_path: Path) -> None:
    frame = b"<html><head><title>Book</title></head><body><table><tr><th>Name</th><th>Tons</th></tr>@</table></body></html>"
    rows = [b"<tr><td>Gull</td><td>12</td></tr>", b"<tr><td>Tern</td><td>34</td></tr>"]
    pages = [(b"<html><body><h1>One</h1>@<p>The end.</p></body></html>", ["<p>größer</p>".encode(), b"<p>more</p>"]), (frame, rows)]
    extraction = read(tmp_path, "a.azw3", book_of_pages(pages, b"p { color: red }"))
    assert texts(extraction) == ["One", "größer", "more", "The end.", "Name || Tons\nGull | 12\nTern | 34"]


def test_texts_for_palm(tmp_path: Path) -> None:
    head = b"\0\2\0\0" + (40).to_bytes(4, "big") + b"\0\1\x10\0\0\0\0\0"
    content = database(b"TEXtREAd", [head, palm_doc("One größer line.\n\nAnother one, another one.".encode("cp1252"))])
    assert media_type_of("a.pdb", content) == PALM_TEXT
    assert texts(read(tmp_path, "a.pdb", content)) == ["One größer line.", "Another one, another one."]


def test_books_that_their_publisher_encrypted_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="DRM") as raised:
        read(tmp_path, "a.azw", book(b"<p>words</p>", encryption=2))
    assert raised.value.code == "password_protected"


def test_a_method_that_is_not_known_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="method that is not read"):
        read(tmp_path, "a.mobi", book(b"<p>words</p>", 3))


def test_a_book_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    whole = book(PAGE, PALM_DOC)
    extraction = read(tmp_path, "a.mobi", whole[: len(whole) * 2 // 3])
    assert SENTENCES[20] in texts(extraction)
    assert "breaks off" in extraction.notes[0]


def test_other_databases_and_texts_are_no_books() -> None:
    assert media_type_of("a", book(b"<p>w</p>")) == MOBIPOCKET
    assert media_type_of("a.prc", b"words " * 30) == "text/plain"
    assert media_type_of("a.txt", b"w" * 60 + b"BOOKMOBI and more words") == "text/plain"

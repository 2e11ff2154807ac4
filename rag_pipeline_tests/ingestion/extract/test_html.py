from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


def test_headings_lists_and_tables(tmp_path: Path) -> None:
    body = """<h1>Guide</h1><p>Intro with <b>bold</b> words.</p><h2>Parts</h2><ul><li>bolt</li></ul>
        <table><caption>Sizes</caption><tr><th>name</th><th colspan=2>size</th></tr>
        <tr><td rowspan=2>bolt</td><td>3</td><td>mm</td></tr><tr><td>4</td><td>mm</td></tr></table>"""
    extraction = read(tmp_path, "a.html", page(body, "<title>Guide</title>"))
    assert [(element.kind, element.text) for element in extraction.elements] == [
        ("Title", "Guide"),
        ("NarrativeText", "Intro with bold words."),
        ("Title", "Parts"),
        ("ListItem", "bolt"),
        ("NarrativeText", "Sizes"),
        ("Table", "name | size\nbolt | 3 | mm\nbolt | 4 | mm"),
    ]
    assert extraction.elements[-1].heading_path == ("Guide", "Parts")


@pytest.mark.parametrize("tag", ["form", "details", "summary", "figure", "figcaption", "label", "button", "nav", "textarea", "main"])
def test_text_that_unstructured_would_drop_is_kept(tmp_path: Path, tag: str) -> None:
    assert element_with(read(tmp_path, "a.html", page(f"<p>before</p><{tag}>wanted words</{tag}><p>after</p>")), "wanted words")


def test_what_no_reader_sees_is_left_out(tmp_path: Path) -> None:
    body = "<p>seen</p><script>alert('no')</script><style>p {color: red}</style><!-- secret --><template>no</template>"
    assert texts(read(tmp_path, "a.html", page(body))) == ["seen"]


def test_the_title_of_a_page_comes_first(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.html", page("<p>words</p>", "<title>Name of the page</title>"))
    assert texts(extraction) == ["Name of the page", "words"]


def test_the_encoding_that_a_page_declares(tmp_path: Path) -> None:
    content = '<html><head><meta charset="windows-1251"></head><body><p>Привет, мир</p></body></html>'.encode("cp1251")
    assert texts(read(tmp_path, "a.html", content)) == ["Привет, мир"]
    declared_inside = b'<?xml version="1.0" encoding="utf-8"?><html><body><p>words</p></body></html>'
    assert texts(read(tmp_path, "a.xhtml", declared_inside)) == ["words"]


def test_a_page_nested_too_deeply_is_refused_rather_than_cut(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.html", page("<div>" * 1000 + "words" + "</div>" * 1000))
    assert raised.value.code == "too_deep"

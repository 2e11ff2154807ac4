import re
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


def test_groups_nested_too_deeply_are_flattened(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.html", page("<div>" * 5000 + "<p>deep words</p>" + "</div>" * 5000 + "<p>after</p>"))) == [
        "deep words",
        "after",
    ]


def test_other_elements_nested_too_deeply_are_refused_rather_than_cut(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as raised:
        read(tmp_path, "a.html", page("<ul><li>" * 500 + "words" + "</li></ul>" * 500))
    assert raised.value.code == "too_deep"


STORY = "<h1>Story</h1>" + "<p>A paragraph of the story, long enough to be what the page is about.</p>" * 3
LINKS = "<ul><li><a href='/a'>Start page</a></li><li><a href='/b'>Other story</a></li></ul>"


@pytest.mark.parametrize(
    "part",
    [
        f"<nav>{LINKS}</nav>",
        f"<div role='navigation'>{LINKS}</div>",
        f"<footer>{LINKS}</footer>",
        f"<div class='related share'>{LINKS}</div>",
        "<div id='cookie-banner'>We value your privacy. Other story.</div>",
    ],
)
def test_boilerplate_around_the_content_is_left_out(tmp_path: Path, part: str) -> None:
    assert "Other story" not in " ".join(texts(read(tmp_path, "a.html", page(f"{part}<main>{STORY}</main>{part}"))))


@pytest.mark.parametrize(
    "body",
    [
        LINKS,  # a page of links is about its links
        f"<main>{STORY}<aside>An aside of the author.</aside></main>",
        f"<header><h1>Title</h1></header>{STORY}",
        f"{STORY}<footer>Written by a person in a place.</footer>",
    ],
)
def test_what_may_be_content_is_kept(tmp_path: Path, body: str) -> None:
    plain = " ".join(re.sub("<[^>]+>", " ", body).split())
    assert " ".join(texts(read(tmp_path, "a.html", page(body)))) == plain


@pytest.mark.parametrize("hidden", ["hidden", "style='display: none'", "style='visibility:hidden'", "style='font-size:0'"])
def test_hidden_text_is_left_out_and_named(tmp_path: Path, hidden: str) -> None:
    extraction = read(tmp_path, "a.html", page(f"<p>seen</p><p {hidden}>secret</p>"))
    assert texts(extraction) == ["seen"]
    assert extraction.notes == ("Text that the page hides from its readers was left out.",)

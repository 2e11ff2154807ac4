"""Markdown of others makes no program fetch anything, however it comes in pieces: by CommonMark as markdown-it-py reads it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ui.views.markdown.fetching import WithoutFetching, moved, without_fetching

PIECES = ["\\", "!", "[", "]", "(", ")", "<", ">", "/", ":", "a", " ", "\n", "img src=", "http://x.test/p.png", "[a]: b", "![a](b)"]
WRITTEN = st.lists(st.sampled_from(PIECES), max_size=24)
FETCHED = ("image", "html_inline", "html_block")


def kinds(text: str) -> set[str]:
    parser = MarkdownIt("commonmark", {"html": True})
    return {inner.type for token in parser.parse(text) for inner in (token, *(token.children or ()))}


@given(WRITTEN)
def test_nothing_is_an_image_or_html_or_a_link(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert kinds(without_fetching(text, links=False)).isdisjoint(FETCHED)
    assert kinds(without_fetching(text)).isdisjoint((*FETCHED, "link_open"))


@given(WRITTEN)
@example(["<", "!"])
def test_pieces_are_together_the_same_as_the_whole(pieces: list[str]) -> None:
    coming = WithoutFetching()
    assert "".join([*map(coming.add, pieces), coming.rest()]) == without_fetching("".join(pieces), links=False)


@given(WRITTEN, st.data())
def test_places_move_with_the_text(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shown = without_fetching(text, links=False)[moved(start, text) : moved(end, text)]
    assert shown.replace("\\", "") == text[start:end].replace("\\", "")


@pytest.mark.parametrize("text", ["3 < 4 and 5 > 4", "Attention! [see note]", "a\\b", "[1][2] and [lease](lease.pdf)", "x <- y"])
def test_what_fetches_nothing_stays_as_it_is(text: str) -> None:
    assert without_fetching(text, links=False) == text


def test_an_escape_is_not_taken_from_what_has_one() -> None:
    assert without_fetching("\\<img src=x>") == "\\<img src=x>"
    assert without_fetching("\\\\<img src=x>") == "\\\\\\<img src=x>"

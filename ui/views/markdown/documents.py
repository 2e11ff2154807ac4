"""What is quoted from Markdown documents, as it reads when they are rendered: without the signs of inline markup.

Belongs here: that, for everything that people are shown. Not here: what is kept and given to programs, which stays as it is written;
what a language model writes (``rendering.py``); HTML.

Nothing of it asks for anything: a link is its words with its address behind them, which may be what was asked for, a picture its words.
What cannot be told stays as it is written: code, and ``_`` and ``[…](…)`` that may be code of a block whose beginning another passage has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag_pipeline.ingestion.extract.markup.family import FAMILIES, MARKDOWN
from rag_pipeline.models import Answered, Hit

_SUFFIXES = {f".{suffix}" for family in FAMILIES for one in family.formats if one.media_type == MARKDOWN for suffix in one.suffixes}
_PLACE = "\u1680"
"""Stands for a place on its way through Markdown, to which it is a blank: no sign opens or closes otherwise because of it."""
_SIGNS = "*_`~"
_BEFORE_WORDS = " \t\n([{\"'„“‚‘«"
_ITEM = re.compile(r"\s*[-+*]\s+(?=\S)")
_FENCE = re.compile(r"^ {0,3}(?:`{3,}|~{3,})", re.MULTILINE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LIKE_ADDRESS = re.compile(r"[/.:#]")
_Block = tuple[int, int, bool]
"""Where it begins and ends in a text, and whether its signs are markup."""


def is_markdown(hit: Hit) -> bool:
    """Whether a passage is of a Markdown document, by its name: conversations that were kept know no more."""
    return PurePosixPath(hit.document).suffix.lower() in _SUFFIXES


def as_read(text: str, hit: Hit) -> str:
    """Some words of a passage, or, as below a refusal, a heading with a colon and what stands below it."""
    if not is_markdown(hit):
        return text
    heading, colon, below = "", "", text
    if not _found(text, hit.text) and _found(text.partition(": ")[2], hit.text):
        heading, colon, below = text.partition(": ")
    return heading + colon + _read(below, hit.text, ())[0]


def passage_as_read(hit: Hit, start: int = 0) -> str:
    """A passage from one of its characters on."""
    return "".join(_parts_as_read(hit.text, start)) if is_markdown(hit) else hit.text[start:]


def answer_as_read(end: Answered) -> Answered:
    """An answer that is made of quotations: what stands before a mark is of the document that it cites."""
    hits = {citation.number: citation.hit for citation in end.citations if is_markdown(citation.hit)}
    if not hits:
        return end
    places: list[Any] = [*end.marks, *end.unverified, *end.computed]
    bounds = sorted({offset for one in places for offset in (one.start, one.end)})
    moved: dict[int, int] = {}
    said, done = "", 0
    for mark in end.marks:
        within = [offset for offset in bounds if done <= offset <= mark.start]
        quoted, offsets = end.answer[done : mark.start], [offset - done for offset in within]
        shown, offsets = _read(quoted, hits[mark.number].text, offsets) if mark.number in hits else (quoted, offsets)
        moved |= {offset: len(said) + new for offset, new in zip(within, offsets, strict=True)}
        said += shown + end.answer[mark.start : mark.end]
        done = mark.end
        moved |= {done: len(said)}
    moved |= {offset: len(said) + offset - done for offset in bounds if offset > done}
    fields: dict[str, Any] = {
        name: tuple(replace(one, start=moved[one.start], end=moved[one.end]) for one in getattr(end, name))
        for name in ("marks", "unverified", "computed")
    }
    return replace(end, answer=said + end.answer[done:], **fields)


def _read(text: str, passage: str, places: Sequence[int]) -> tuple[str, list[int]]:
    """Some words of a passage as they read, and the same places in them: with what stands around them, whose signs may be open."""
    found = _found(text, passage)
    block = next((one for one in _blocks(passage) if found and one[0] <= found.start() and found.end() <= one[1]), None)
    if not text.strip() or (block and not block[2]):
        return text, list(places)
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    before, after = (passage[block[0] : found.start()], passage[found.end() : block[1]]) if block and found else ("", "")
    item = _ITEM.match(text[start:end])
    first = start + (item.end() if item else 0)
    inner = [min(max(place, first), end) for place in places]
    shown, moved = _without_signs(before + text[first:end] + after, [len(before) + place - first for place in (first, end, *inner)])
    shown = text[:start] + shown[moved[0] : moved[1]]
    at = [start + place - moved[0] for place in moved[2:]]
    return shown + text[end:], [
        old if old < start else len(shown) + old - end if old > end else new for old, new in zip(places, at, strict=True)
    ]


def _found(text: str, passage: str) -> re.Match[str] | None:
    words = text.split()
    return re.search(r"\s+".join(map(re.escape, words)), passage) if words else None


def _parts_as_read(text: str, start: int) -> Iterator[str]:
    for first, last, is_markup in _blocks(text):
        yield text[start:first]
        start = max(start, first)
        yield _read(text[start:last], text, ())[0] if is_markup else text[start:last]
        start = max(start, last)
    yield text[start:]


@lru_cache(maxsize=256)
def _blocks(text: str) -> tuple[_Block, ...]:
    """Paragraphs, items, headings and code. Where a fence has no other one, what is code cannot be told."""
    if len(_FENCE.findall(text)) % 2:
        return ((0, len(text), False),)
    lines = [0, *(found.end() for found in re.finditer("\n", text)), len(text) + 1]
    tokens = [token for token in _parser().parse(text) if token.type in ("inline", "fence", "code_block") and token.map]
    return tuple((lines[token.map[0]], lines[token.map[1]] - 1, token.type == "inline") for token in tokens if token.map)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable("reference")


def _without_signs(text: str, places: Sequence[int]) -> tuple[str, list[int]]:
    order = sorted(range(len(places)), key=lambda number: places[number])
    bounds = [0, *(_beside_signs(text, places[number]) for number in order), len(text)]
    bounds = [max(bounds[: number + 1]) for number in range(len(bounds))]
    marked = _PLACE.join(text[first:last] for first, last in pairwise(bounds))
    parts = _said(_parser().parseInline(marked)[0].children or ()).split(_PLACE)
    if len(parts) != len(places) + 1:
        return text, list(places)
    lengths = [sum(map(len, parts[: number + 1])) for number in range(len(places))]
    return "".join(parts), [lengths[order.index(number)] for number in range(len(places))]


def _beside_signs(text: str, place: int) -> int:
    """What begins behind signs that open begins before them, what ends before signs that close ends behind them."""
    outside, inside = text[:place].rstrip(_SIGNS), text[place:].lstrip(_SIGNS)
    if len(outside) < place and text[place : place + 1].strip() and not outside[-1:].strip(_BEFORE_WORDS):
        return len(outside)
    if text[:place][-1:].strip() and not inside[:1].isalnum():
        return len(text) - len(inside)
    return place


def _said(tokens: Sequence[Token]) -> str:
    said, opened = "", list[tuple[int, str]]()
    for token in tokens:
        if token.type == "link_open":
            opened.append((len(said), str(token.attrGet("href"))))
        elif token.type == "link_close":
            start, address = opened.pop()
            said = said[:start] + _link(said[start:], address)
        elif token.type == "image":
            said += token.content
        elif token.type in ("softbreak", "hardbreak"):
            said += "\n"
        else:
            said += token.content or (token.markup if "_" in token.markup else "")
    return said


def _link(words: str, address: str) -> str:
    if not _LIKE_ADDRESS.search(address):
        return f"[{words}]({address})"
    shown = _parser().normalizeLinkText(address)
    return f"{words} ({shown})" if _ADDRESS.match(address) and shown.removeprefix("mailto:") not in words else words

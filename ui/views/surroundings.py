"""A passage within the text around it, ready to be shown: found, cut to a window, split into paragraphs and table rows.

Belongs here: pure decisions on text. Not here: reading documents, HTML (``templates/passage.html``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag_pipeline.stores.catalog.text_windows import TextWindow

WINDOW_CHARACTERS = 1500
"""On each side of a passage: about half a printed page."""
_EDGE_WORDS = 6
_CELL = " | "


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text; ``marked`` when it belongs to the passage."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    cells: tuple[str, ...]
    marked: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (``spans``, line breaks kept) or a table (``rows``). ``heading``: the first row names the columns."""

    spans: tuple[Span, ...] = ()
    rows: tuple[Row, ...] = ()
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Blocks in reading order; ``cut_before`` and ``cut_after`` say that the document goes on there."""

    blocks: tuple[Block, ...]
    cut_before: bool
    cut_after: bool


def surroundings(passage: str, windows: Iterable[TextWindow]) -> Surroundings:
    """The passage with what stands around it; by itself where the document does not hold it any more.

    Args:
        passage: the chunk's own words.
        windows: where it may stand in the document's text, likeliest first; no more are asked for than are needed.
    """
    for window in windows:
        if place := locate(passage, window.text):
            return _shown(window, *place)
    return Surroundings(_blocks(passage, (0, len(passage)), starts_whole=False), True, True)


def _shown(window: TextWindow, start: int, end: int) -> Surroundings:
    text = window.text
    first, last = _cut(text, start, end)
    blocks = _blocks(text[first:last], (start - first, end - first), starts_whole=first == 0)
    return Surroundings(blocks, first > 0 or not window.first, last < len(text) or not window.last)


def locate(passage: str, text: str) -> tuple[int, int] | None:
    """Where the passage stands in the text, whatever the white space between its words; None when it does not.

    A passage may leave out what stands between its elements (page headers): then its first and last words decide.
    """
    words = passage.split()
    if not words:
        return None
    whole = _find(words, text)
    if whole:
        return whole.span()
    start, end = _find(words[:_EDGE_WORDS], text), _find(words[-_EDGE_WORDS:], text)
    if start and end and 0 < end.end() - start.start() < 2 * len(passage) + 200:
        return start.start(), end.end()
    return None


def _find(words: Sequence[str], text: str) -> re.Match[str] | None:
    return re.search(r"\s+".join(re.escape(word) for word in words), text)


def _cut(text: str, start: int, end: int) -> tuple[int, int]:
    first, last = max(0, start - WINDOW_CHARACTERS), min(len(text), end + WINDOW_CHARACTERS)
    if first > 0:
        first = next((found.end() for found in re.finditer(r"\s", text[first:start])), 0) + first
    if last < len(text):
        last = max((end + found.start() for found in re.finditer(r"\s", text[end:last])), default=last)
    return first, last


def _blocks(text: str, marked: tuple[int, int], *, starts_whole: bool) -> tuple[Block, ...]:
    blocks: list[Block] = []
    position = 0
    for part in re.split(r"(\n\s*\n)", text):
        if part.strip():
            blocks += _paragraph(part, (marked[0] - position, marked[1] - position), whole=starts_whole or position > 0)
        position += len(part)
    return tuple(blocks)


def _paragraph(text: str, marked: tuple[int, int], *, whole: bool) -> list[Block]:
    lines = text.split("\n")
    if len(lines) > 1 and all(_CELL in line for line in lines if line.strip()):
        return [Block(rows=tuple(_rows(lines, marked)), heading=whole)]
    start, end = (min(max(0, offset), len(text)) for offset in marked)
    spans = (Span(text[:start], False), Span(text[start:end], True), Span(text[end:], False))
    return [Block(spans=tuple(span for span in spans if span.text))]


def _rows(lines: Sequence[str], marked: tuple[int, int]) -> Iterable[Row]:
    position = 0
    for line in lines:
        if line.strip():
            overlaps = position < marked[1] and position + len(line) > marked[0]
            yield Row(tuple(cell.strip() for cell in line.split(_CELL)), overlaps)
        position += len(line) + 1

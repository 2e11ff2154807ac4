"""A passage within the text around it, ready to be shown: put together, cut to a window, split into paragraphs and table rows.

Belongs here: pure decisions on text. Not here: reading passages, HTML (``templates/passage.html``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from rag_pipeline.models import Hit, Place, cells_of, is_header, is_row

WINDOW_CHARACTERS = 1500
"""On each side of a passage: about half a printed page."""
NEIGHBOURS = 8
"""Passages on each side of one: they nearly always have so many characters."""
_GAP, _TABLE, _PARAGRAPH = range(3)
_Range = tuple[int, int]
"""Where something begins and ends in a text."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text; ``marked`` when it belongs to the passage, ``quoted`` when to what is quoted of it."""

    text: str
    marked: bool
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; ``marked`` and ``quoted`` as in a :class:`Span`."""

    cells: tuple[str, ...]
    marked: bool
    quoted: bool = False


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


def surroundings(hit: Hit, around: Sequence[Hit], quoted: Sequence[Place] = ()) -> Surroundings:
    """The passage with what stands around it.

    Args:
        hit: the passage.
        around: up to NEIGHBOURS passages on each side of it, with itself, in reading order: neighbours share no words and leave none out.
            Empty, and the passage is shown by itself: it was replaced a moment ago.
        quoted: places in the passage's text.
    """
    passages = around or [hit]
    before = _joined([one.text for one in passages if one.position < hit.position])
    after = _joined([one.text for one in passages if one.position > hit.position])
    start = len(before) + len(_between(before, hit.text)) if before else 0
    text, end = _joined([part for part in (before, hit.text, after) if part]), start + len(hit.text)
    first, last = _cut(text, start, end)
    cut_before = first > 0 or passages[0].position > 0
    moved = start - first
    stronger = [(place.start + moved, place.end + moved) for place in quoted]
    blocks = _blocks(text[first:last], (moved, end - first), stronger)
    return Surroundings(blocks, cut_before, last < len(text) or not around or passages[-1].position >= hit.position + NEIGHBOURS)


def _joined(texts: Sequence[str]) -> str:
    together = ""
    for text in texts:
        together += (_between(together, text) if together else "") + text
    return together


def _between(before: str, after: str) -> str:
    """A table that was cut between two rows goes on; anything else begins a paragraph."""
    goes_on = _kind_of(before.rpartition("\n")[2]) == _TABLE == _kind_of(after.partition("\n")[0])
    return "\n" if goes_on else "\n\n"


def _cut(text: str, start: int, end: int) -> tuple[int, int]:
    first, last = max(0, start - WINDOW_CHARACTERS), min(len(text), end + WINDOW_CHARACTERS)
    if first > 0:
        first = next((found.end() for found in re.finditer(r"\s", text[first:start])), 0) + first
    if last < len(text):
        last = max((end + found.start() for found in re.finditer(r"\s", text[end:last])), default=last)
    return first, last


def _blocks(text: str, marked: _Range, quoted: Sequence[_Range]) -> tuple[Block, ...]:
    """Runs of lines that are rows of a table, and the paragraphs between them; a single line with bars is no table."""
    blocks: list[Block] = []
    position = 0
    for kind, group in groupby(text.splitlines(keepends=True), key=_kind_of):
        part = "".join(group)
        place, stronger = _moved(marked, -position), [_moved(one, -position) for one in quoted]
        if kind == _TABLE and "\n" in part.rstrip("\n"):
            blocks.append(Block(rows=tuple(_rows(part.split("\n"), place, stronger)), heading=is_header(part.partition("\n")[0])))
        elif kind != _GAP:
            blocks.append(_paragraph(part.rstrip("\n"), place, stronger))
        position += len(part)
    return tuple(blocks)


def _kind_of(line: str) -> int:
    if not line.strip():
        return _GAP
    return _TABLE if is_row(line) else _PARAGRAPH


def _moved(place: _Range, by: int) -> _Range:
    return place[0] + by, place[1] + by


def _overlap(one: _Range, other: _Range) -> bool:
    return one[0] < other[1] and one[1] > other[0]


def _paragraph(text: str, marked: _Range, quoted: Sequence[_Range]) -> Block:
    bounds = {0, len(text), *(min(max(0, offset), len(text)) for place in (marked, *quoted) for offset in place)}
    parts = list(pairwise(sorted(bounds)))
    spans = (Span(text[slice(*part)], _overlap(part, marked), any(_overlap(part, place) for place in quoted)) for part in parts)
    return Block(spans=tuple(spans))


def _rows(lines: Sequence[str], marked: _Range, quoted: Sequence[_Range]) -> Iterable[Row]:
    position = 0
    for line in lines:
        if line.strip():
            place = position, position + len(line)
            yield Row(tuple(cells_of(line)), _overlap(place, marked), any(_overlap(place, one) for one in quoted))
        position += len(line) + 1

"""Initials, bullets and numbers of lists that a PDF stores apart from the line that they begin.

Belongs here: which of a page's lines begins another one. Not here: tables, columns.

A large initial (drop cap) is drawn by itself; some programs draw all marks of lists after the text (WeasyPrint). In the order of the
file a paragraph begins with ``ontractors``, and ``C`` stands somewhere else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rag_pipeline.ingestion.extract.pdf.layout import ALIGNED, Line

_MARK = re.compile(r"[•◦▪‣∙·●○■–—*-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]", re.IGNORECASE)
_INITIAL = re.compile(r"[\"“„«¿¡‘]?\w")
_LARGER = 1.6
"""An initial goes over two lines or more."""
_NEAR_INITIAL, _NEAR_MARK = 0.02, 0.05
"""How far the line begins behind what belongs to it at most, in widths of the page: 4 mm and 10 mm of A4."""
_LEVEL = 0.35
"""How far its bottom may be from that of a mark, or its top from that of an initial, in heights of the line."""
_LEAST_LETTERS = 3


def with_initials(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page, those that are but the beginning of another one put before it. Rows of tables are left alone."""
    begun: dict[int, Line] = {}
    gone: set[int] = set()
    words = Counter(word.casefold() for line in lines for word in line.text.split())
    for index, line in enumerate(lines):
        fits = _is_begun_by_mark if _MARK.fullmatch(line.text) else _is_begun_by_initial if _INITIAL.fullmatch(line.text) else None
        found = next((place for place, other in enumerate(lines) if place not in begun and fits(line, other)), None) if fits else None
        if found is not None:
            gone.add(index)
            begun[found] = _joined(line, lines[found], words)
    return [begun.get(index, line) for index, line in enumerate(lines) if index not in gone]


def _is_begun_by_mark(mark: Line, line: Line) -> bool:
    height = line.bottom - line.top
    level = abs(line.bottom - mark.bottom) < _LEVEL * height or (mark.top >= line.top - _LEVEL * height and mark.bottom <= line.bottom)
    return line.left > mark.right and level and line.size == mark.size and _follows(mark, line, _NEAR_MARK)


def _is_begun_by_initial(initial: Line, line: Line) -> bool:
    level = abs(line.top - initial.top) < _LEVEL * (initial.bottom - initial.top) and line.bottom < initial.bottom
    larger = line.size > 0 and initial.size >= _LARGER * line.size
    return larger and level and _follows(initial, line, _NEAR_INITIAL)  # WeasyPrint lets the line begin below its initial


def _follows(first: Line, line: Line, near: float) -> bool:
    beside = first.left - ALIGNED / 10 < line.left < first.right + near
    return beside and not line.segments and sum(map(str.isalpha, line.text)) >= _LEAST_LETTERS


def _joined(first: Line, line: Line, words: Counter[str]) -> Line:
    """A mark is a word of its own; an initial is one where the page has the word behind it elsewhere, and not the two together."""
    following = line.text.split()[0].casefold()
    apart = _MARK.fullmatch(first.text) or (words[following] > 1 and first.text.casefold() + following not in words)
    return replace(line, text=f"{first.text}{' ' if apart else ''}{line.text}", left=first.left)

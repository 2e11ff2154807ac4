"""Words of Arabic and Hebrew whose letters a PDF stores as they stand, from left to right, in the order in which they are read.

Belongs here: which letters are in which order. Not here: lines, the order of words.

pdfium turns most such words, but not all of those that Chrome's PDF writer (Skia) draws letter by letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

_FIRST, _LAST = 0x590, 0x8FF
"""The blocks of Unicode from Hebrew to Arabic Extended-A. Presentation forms, of single shapes, are rarely stated."""
_RIGHT_TO_LEFT = ("R", "AL", "NSM")
"""Bidirectional classes of letters of such scripts, and of the marks on them (Unicode Standard Annex 9, table 4)."""


def with_words_as_read(textpage: PdfTextPage, codes: list[int]) -> list[int]:
    """The characters of a page, the letters of words that run from left to right turned around."""
    turned = codes
    for start, end in _words(codes):
        clusters = list(_clusters(_places(textpage, start, end), start))
        steps = [after[0] > before[0] for before, after in pairwise(clusters)]
        if sum(steps) * 2 > len(steps):
            turned = list(codes) if turned is codes else turned
            turned[start:end] = [codes[index] for _, indices in reversed(clusters) for index in indices]
    return turned


def _words(codes: Sequence[int]) -> Iterator[tuple[int, int]]:
    if not any(_FIRST <= code <= _LAST for code in codes):
        return
    for of_script, word in groupby(range(len(codes)), key=lambda index: _is_letter(codes[index])):
        indices = list(word)
        if of_script and len(indices) > 1:
            yield indices[0], indices[-1] + 1


def _is_letter(code: int) -> bool:
    return _FIRST <= code <= _LAST and unicodedata.bidirectional(chr(code)) in _RIGHT_TO_LEFT


def _places(textpage: PdfTextPage, start: int, end: int) -> list[tuple[float, float]]:
    import pypdfium2.raw as pdfium

    box: Any = pdfium.FS_RECTF()
    places = []
    for index in range(start, end):
        pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box)
        places.append((float(box.left), float(box.right)))
    return places


def _clusters(places: Sequence[tuple[float, float]], start: int) -> Iterator[tuple[float, list[int]]]:
    """The middle of each drawn letter, and its characters: those of a ligature have one place, and their own order."""
    for place, group in groupby(enumerate(places, start), key=lambda one: one[1]):
        yield sum(place) / 2, [index for index, _ in group]

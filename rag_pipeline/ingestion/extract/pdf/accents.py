"""Accents that a PDF sets as characters of their own, put back on their letters: ``Schr¨oder`` is ``Schröder``.

Belongs here: which characters are accents, and on which letter one stands. Not here: lines, words.

TeX composes letters so in its own fonts, which most older papers are set in: names and all words of many languages.
"""

from __future__ import annotations

import ctypes
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

_COMBINING = {
    0x60: 0x300,
    0xB4: 0x301,
    0x5E: 0x302,
    0x2C6: 0x302,
    0x7E: 0x303,
    0x2DC: 0x303,
    0xAF: 0x304,
    0x2C9: 0x304,
    0x2D8: 0x306,
    0x2D9: 0x307,
    0xA8: 0x308,
    0x2DA: 0x30A,
    0x2DD: 0x30B,
    0x2C7: 0x30C,
    0xB8: 0x327,
    0x2DB: 0x328,
}
"""Accents as characters of their own, and the marks that combine with a letter."""
_ACCENTS = frozenset(_COMBINING)
_MOST = 0.5
_WITH_A_DOT = {"ı": "i", "ȷ": "j"}
_NOTHING = 0x200B
"""Stands where an accent stood, so that all others keep their numbers: a blank without width, which :func:`clean_text` takes away."""


def with_accents_on_letters(textpage: PdfTextPage, codes: list[int]) -> list[int]:
    """The characters of a page, those that an accent stands over or under composed with it."""
    if _ACCENTS.isdisjoint(codes):
        return codes
    composed = list(codes)
    for index, code in enumerate(codes):
        if code in _ACCENTS:
            for letter in (index + 1, index - 1):
                if 0 <= letter < len(codes) and (whole := _composed(composed[letter], code)) and _stands_on(textpage, index, letter):
                    composed[index], composed[letter] = _NOTHING, whole
                    break
    return composed


def _composed(letter: int, accent: int) -> int | None:
    """The letter with the accent, where there is such a character."""
    base = _WITH_A_DOT.get(chr(letter), chr(letter))
    whole = unicodedata.normalize("NFC", base + chr(_COMBINING[accent])) if base.isalpha() else base
    return ord(whole) if len(whole) == 1 and whole != base else None


def _stands_on(textpage: PdfTextPage, accent: int, letter: int) -> bool:
    """Whether most of an accent is over or under a letter, or of a narrower letter under it: one written beside it, as in code, is none."""
    mark, base = _edges(textpage, accent), _edges(textpage, letter)
    common = min(mark[1], base[1]) - max(mark[0], base[0])
    return common > _MOST * min(mark[1] - mark[0], base[1] - base[0])


def _edges(textpage: PdfTextPage, index: int) -> tuple[float, float]:
    """Where a character begins and ends, from left to right."""
    import pypdfium2.raw as pdfium

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetCharBox(textpage.raw, index, left, right, bottom, top)
    return left.value, right.value

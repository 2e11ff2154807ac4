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
_BELOW = (0xB8, 0x2DB)
_MOST = 0.5
_FARTHEST = 250
"""Characters between an accent and its letter where a program sets all accents of a line behind it: those of two lines."""
_NEAR = 0.5
"""How far an accent is from its letter at most, in heights of the letter: over a capital it is set higher."""
_OWN_BLANK = 0.2
"""A narrower gap, in heights of letters, parts no words."""
_WITH_A_DOT = {"ı": "i", "ȷ": "j"}
_Box = tuple[float, float, float, float]
"""Left, bottom, right and top of a character, in points."""
_LINE_END = 0x0A
_HYPHEN, _HYPHEN_AT_LINE_END = 0x2D, 0x02
"""The second is pdfium's, which does not see that a line ends where an accent follows."""
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
            else:
                _put_back(textpage, composed, index)
    return composed


def _put_back(textpage: PdfTextPage, composed: list[int], accent: int) -> None:
    """Compose an accent with a letter far from it in the order of the page, but right below or above it; else leave both."""
    mark = _box(textpage, accent)
    for distance in range(2, _FARTHEST):
        for letter in (accent - distance, accent + distance):
            whole = _composed(composed[letter], composed[accent]) if 0 <= letter < len(composed) else None
            if whole and _touches(mark, _box(textpage, letter), below=composed[accent] in _BELOW):
                composed[letter] = whole
                _close(textpage, composed, accent)
                return


def _touches(mark: _Box, base: _Box, *, below: bool) -> bool:
    """Whether an accent stands where one of this letter does."""
    height = base[3] - base[1]
    apart = base[1] - mark[3] if below else mark[1] - base[3]
    return _overlap(mark, base) and abs(apart) < _NEAR * height


def _close(textpage: PdfTextPage, composed: list[int], accent: int) -> None:
    """Take away an accent that stands behind a line or in a word of another one, with the blanks that pdfium put around it."""
    import pypdfium2.raw as pdfium

    def is_made_up(index: int) -> bool:
        return 0 <= index < len(composed) and (composed[index] == _NOTHING or pdfium.FPDFText_IsGenerated(textpage.raw, index) == 1)

    start, end = accent, accent + 1
    while is_made_up(start - 1):
        start -= 1
    while is_made_up(end):
        end += 1
    composed[start:end] = [_NOTHING] * (end - start)
    if start > 0 and end < len(composed):
        before, after = _box(textpage, start - 1), _box(textpage, end)
        height = max(before[3] - before[1], after[3] - after[1])
        same_line = min(before[3], after[3]) > max(before[1], after[1]) and after[0] > before[0]
        if composed[start - 1] == _HYPHEN and not same_line:
            composed[start - 1] = _HYPHEN_AT_LINE_END
        composed[accent] = (_NOTHING if after[0] - before[2] < _OWN_BLANK * height else 0x20) if same_line else _LINE_END


def _composed(letter: int, accent: int) -> int | None:
    """The letter with the accent, where there is such a character."""
    base = _WITH_A_DOT.get(chr(letter), chr(letter))
    whole = unicodedata.normalize("NFC", base + chr(_COMBINING[accent])) if base.isalpha() else base
    return ord(whole) if len(whole) == 1 and whole != base else None


def _stands_on(textpage: PdfTextPage, accent: int, letter: int) -> bool:
    """Whether most of an accent is over or under a letter, or of a narrower letter under it: one written beside it, as in code, is none."""
    return _overlap(_box(textpage, accent), _box(textpage, letter))


def _overlap(mark: _Box, base: _Box) -> bool:
    common = min(mark[2], base[2]) - max(mark[0], base[0])
    return common > _MOST * min(mark[2] - mark[0], base[2] - base[0])


def _box(textpage: PdfTextPage, index: int) -> _Box:
    import pypdfium2.raw as pdfium

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    pdfium.FPDFText_GetCharBox(textpage.raw, index, left, right, bottom, top)
    return left.value, bottom.value, right.value, top.value

"""Words that pdfium tears apart, put together again: ``Shippin g Compan y`` is ``Shipping Company``.

Belongs here: which blanks part no words. Not here: blanks that the file itself writes, lines.

Where one piece of text ends and another begins, pdfium makes up a blank if there is a gap. It does not see that all letters of the line
stand as far apart: recognised text lies so under many scans, spread over the width of its words, the last letter of each a piece with the
blank behind it.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

_FEWEST, _LEAST_SHARE = 5, 0.1
"""Words of one letter on a page that has torn ones: more than most pages have, whose letters need no second look, which takes time."""
_LEAST_GAPS = 4
_WIDER = 1.5
"""How much wider than between the letters of its line a gap is that parts words. Of 480 PDFs three have narrower ones: torn words."""
_NOTHING = 0x200B
_BLANK, _LINE_ENDS = 0x20, (0x0A, 0x0D, 0x02)


def without_torn_words(textpage: PdfTextPage, codes: list[int]) -> list[int]:
    """The characters of a page, blanks that tear words taken away: in their place stands what :func:`clean_text` drops."""
    if not _may_be_torn(codes):
        return codes
    whole, start = list(codes), 0
    for index, code in enumerate([*codes, _LINE_ENDS[0]]):
        if code in _LINE_ENDS:
            for blank in _tearing(textpage, codes, start, index):
                whole[blank] = _NOTHING
            start = index + 1
    return whole


def _may_be_torn(codes: list[int]) -> bool:
    words = "".join(map(chr, codes)).split()
    single = sum(len(word) == 1 and word.isalpha() for word in words)
    return single >= _FEWEST and single > _LEAST_SHARE * len(words)


def _tearing(textpage: PdfTextPage, codes: list[int], start: int, end: int) -> list[int]:
    """The blanks between two places that pdfium made up where the gap is none."""
    import pypdfium2.raw as pdfium

    def sides(index: int) -> tuple[float, float]:
        pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box)
        return float(box.left), float(box.right)

    box: Any = pdfium.FS_RECTF()
    shown = [(index, *sides(index)) for index in range(start, end) if codes[index] > _BLANK]
    gaps = [(before[0], after[0], after[1] - before[2]) for before, after in pairwise(shown)]
    within = [gap for before, after, gap in gaps if after == before + 1]
    if len(within) < _LEAST_GAPS:
        return []
    widest = _WIDER * median(within)
    made_up = (before + 1 for before, after, gap in gaps if after == before + 2 and 0 < gap < widest)
    return [index for index in made_up if codes[index] == _BLANK and pdfium.FPDFText_IsGenerated(textpage.raw, index) == 1]

"""Chinese and Japanese in vertical lines: letters below one another, lines from right to left.

Belongs here: which letters are one line; pure. Not here: paragraphs (``layout``).

pdfium takes each letter for a line of its own, in the order in which they are read. A line of them is given as it lies on the page turned a
quarter to the left, where it runs from left to right and the next one is below it; as those of a scan that was turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from statistics import median

from rag_pipeline.ingestion.extract.pdf.layout import Line
from rag_pipeline.ingestion.extract.picture.rotation import Rotation
from rag_pipeline.line_breaks import has_no_blanks

_QUARTER = Rotation(90.0, 1, 1)
"""Of a page in fractions of its sides, so that its shape does not matter."""
_LEAST_LETTERS = 10
"""Fewer that stand alone are marks in a margin, or cells of a table."""
_RECENT = 4
"""Letters whose width is that of their line: of so many one is no mark; all of them again for each letter would be quadratic."""
_FARTHEST = 1.0
"""How far below one letter the next begins at most, in heights of a letter: a blank between sentences."""


def with_vertical_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page in the order in which they are stored; of one in vertical writing, letters that are a line put together."""
    letters = [line for line in lines if len(line.text) == 1 and has_no_blanks(line.text)]
    if len(letters) < max(_LEAST_LETTERS, len(lines) / 2):
        return list(lines)
    height = median(letter.bottom - letter.top for letter in letters)
    found: list[list[Line]] = []
    for line in lines:
        if found and _is_below(found[-1], line, height):
            found[-1].append(line)
        else:
            found.append([line])
    return list(chain.from_iterable([_turned(one)] if len(one) > 1 else one for one in found))


def _is_below(above: Sequence[Line], line: Line, height: float) -> bool:
    """Whether it stands in the same vertical line, right below: marks are small, and stand at one side of it."""
    left, right = min(letter.left for letter in above[-_RECENT:]), max(letter.right for letter in above[-_RECENT:])
    beside = min(right, line.right) - max(left, line.left) > min(right - left, line.right - line.left) / 2
    return beside and line.top > above[-1].top and line.top - above[-1].bottom < _FARTHEST * height


def _turned(letters: Sequence[Line]) -> Line:
    left, right = min(letter.left for letter in letters), max(letter.right for letter in letters)
    return replace(
        letters[0],
        text="".join(letter.text for letter in letters),
        left=letters[0].top,
        top=1 - right,
        right=letters[-1].bottom,
        bottom=1 - left,
        size=max(letter.size for letter in letters),
        hyphenated=False,
        bold=all(letter.bold for letter in letters),
        segments=(),
        phrases=(),
        rotation=_QUARTER,
    )

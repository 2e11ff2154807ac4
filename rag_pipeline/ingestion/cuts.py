"""Where chunks begin and end in the elements that they were cut from: nobody keeps it, and it follows from what the chunker promises.

Belongs here: that, pure. Not here: cutting (``chunker.py``), where texts and chunks are kept.

Every character that is not a blank lands in exactly one chunk, in order. So counting them tells where a chunk begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_LETTER = re.compile(r"\S")


class Span(NamedTuple):
    """``text[start:end]`` of an element stands in the chunk of that position; ``begins``: with its first words."""

    chunk: int
    start: int
    end: int
    begins: bool


def spans_in(text: str, letters_before: int, chunks: Sequence[tuple[int, int]]) -> list[Span]:
    """The text of an element, all of it, by the chunks that it stands in.

    Args:
        text: the element's.
        letters_before: characters of the document before it that are no blanks.
        chunks: position and characters before it, counted in the same way, of the chunks that hold something of the element at least, in
            order; none, and there are no spans.
    """
    letters = [found.start() for found in _LETTER.finditer(text)]
    held = [(chunk, before - letters_before) for chunk, before in chunks if before - letters_before < len(letters)]
    first = max((number for number, (_, place) in enumerate(held) if place <= 0), default=0)
    begins = [(chunk, letters[place] if place > 0 else 0, place >= 0) for chunk, place in held[first:]]
    ends = [start for _, start, _ in begins[1:]] + [len(text)]
    return [Span(chunk, start, end, is_first) for (chunk, start, is_first), end in zip(begins, ends, strict=True)] if begins else []

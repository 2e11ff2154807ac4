"""Headings that are only set in bold: a writer's own, where the format's are not used.

Belongs here: which bold blocks of a text are headings, for all formats that flow. Not here: PDFs, where places tell more
(``pdf/layout.py``), how a format says that something is bold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import groupby

from rag_pipeline.models import Element

LEVEL = 10
"""Of such a heading: below those that the format marks, of which there are nine at most."""
_LONGEST = 100
"""Letters and blanks; more are a sentence that is to be read before others."""
_STACKED = 2
"""Bold blocks one after the other that are a heading and one below it; more are a cover, an address, a list of names."""
_MOST = 0.5
"""Share of the text's letters that may be bold; where it is more, bold tells nothing."""
_NO_ENDS = (".", ",", ";", "!")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands by itself in a text. ``prose``: no heading, list, table, header or footer."""

    text: str
    bold: bool
    prose: bool


def bold_headings(blocks: Sequence[Block]) -> AbstractSet[int]:
    """The places of the blocks that head what follows them."""
    prose = [block for block in blocks if block.prose]
    if sum(len(block.text) for block in prose if block.bold) > _MOST * sum(len(block.text) for block in prose):
        return frozenset()
    found: set[int] = set()
    place = 0
    for may_head, run in groupby(blocks, key=_may_head):
        length = len(list(run))
        if may_head and length <= _STACKED and place + length < len(blocks):
            found.update(range(place, place + length))
        place += length
    return found


def with_bold_headings(elements: Sequence[Element], bold: AbstractSet[int]) -> Iterator[Element]:
    """The elements of a text, those as titles that head what follows by being bold; they stand in its path up to the next title.

    Args:
        elements: all of a text, with the headings that the format marks.
        bold: the identities of those that are all bold.
    """
    found = bold_headings([Block(one.text, id(one) in bold, one.kind == "NarrativeText") for one in elements])
    above: tuple[str, ...] = ()
    for place, element in enumerate(elements):
        if place in found:
            above = (element.text,)
            yield replace(element, kind="Title")
            continue
        above = () if element.kind == "Title" else above
        yield replace(element, heading_path=(*element.heading_path, *above)) if above else element


def _may_head(block: Block) -> bool:
    text = block.text.strip()
    named = any(map(str.isalpha, text)) and len(text) <= _LONGEST and "\n" not in text
    return block.prose and block.bold and named and not text.endswith(_NO_ENDS)

"""Headers, footers and page numbers: what a PDF repeats on its pages.

Belongs here: pure decisions on lines. Not here: reading lines.

Only what stands at the same height near an edge of pages close to each other, and says the same, is taken for repeated; of numbers
in it only the page number may differ, counting with the pages. So no row of a table is mistaken for one. What is all that a page says is
left out only where another one says it word for word: numbered sheets would be lost otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from rag_pipeline.ingestion.extract.pdf.layout import Line
from rag_pipeline.models import ElementKind

_TOP, _BOTTOM = 0.12, 0.88
_NEAR_PAGES = 2
"""Headers of left and right pages differ, so the next page with the same one may be the second next."""
_LEAST_PAGES = 3
_NUMBER = re.compile(r"\d+")
_HEIGHTS = 100
_NO_NUMBER = 10**9


def repeated_lines(lines: Sequence[Line]) -> dict[int, ElementKind | None]:
    """Index of a line to what it is: the first of its kind is a Header or Footer, the later ones are None, to be left out."""
    groups: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        if line.bottom < _TOP or line.top > _BOTTOM:
            height = round(line.top * _HEIGHTS)
            for key in _keys(line):
                groups[(*key, height)].append(index)
    found: dict[int, ElementKind | None] = {}
    for indexes in groups.values():
        pages = {lines[index].page for index in indexes}
        repeated = [index for index in indexes if _near(lines[index].page, pages)]
        if len({lines[index].page for index in repeated}) >= _LEAST_PAGES:
            for number, index in enumerate(repeated):
                first: ElementKind = "Header" if lines[index].bottom < _TOP else "Footer"
                found.setdefault(index, None if number else first)
    outermost = {index: found[index] for index in _outermost(lines, found)}
    kept = set(_all_of_a_page(lines, outermost))
    return {index: kind for index, kind in outermost.items() if index not in kept}


def _all_of_a_page(lines: Sequence[Line], found: Mapping[int, ElementKind | None]) -> Iterator[int]:
    """Lines that would be left out though the page holds no other, and none that is given says the same."""
    saying = {line.page for index, line in enumerate(lines) if index not in found}
    given = {lines[index].text for index, kind in found.items() if kind}
    for index, kind in found.items():
        if kind is None and lines[index].page not in saying and lines[index].text not in given:
            yield index


def _outermost(lines: Sequence[Line], found: Mapping[int, object]) -> Iterator[int]:
    """Those with nothing but repeated lines between them and the edge of the page: the heads of tables may be repeated too."""
    pages: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        pages[line.page, line.top > 0.5].append(index)
    for (_, at_bottom), indexes in pages.items():
        inwards = sorted(indexes, key=lambda index: -lines[index].bottom if at_bottom else lines[index].top)
        yield from takewhile(found.__contains__, inwards)


def _keys(line: Line) -> list[tuple[str, int]]:
    """The line's text; and for each number in it, the text around it with how far it is from the number of the page."""
    exact = (line.text, _NO_NUMBER)
    numbers = list(_NUMBER.finditer(line.text))
    if len(numbers) > _LEAST_PAGES:
        return [exact]
    counting = [(f"{line.text[: n.start()]}#{line.text[n.end() :]}", int(n[0]) - line.page) for n in numbers if len(n[0]) < 6]
    return [exact, *counting]


def _near(page: int, pages: set[int]) -> bool:
    return any(page + step in pages for distance in range(1, _NEAR_PAGES + 1) for step in (-distance, distance))

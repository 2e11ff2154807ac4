"""Lines on pages to paragraphs and headings.

Belongs here: pure decisions on lines and their places. Not here: pdfium.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from types import MappingProxyType

from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.picture.rotation import Rotation
from rag_pipeline.line_breaks import between_lines
from rag_pipeline.models import Box, Element

_LARGER = 1.15
"""A heading's letters are this much larger than those of most of the text."""
_LONGEST_HEADING = 200
_LEAST_WORDS_OF_A_SENTENCE = 6
_LEADING = 1.4
"""A step between lines this much larger than usual parts paragraphs."""
_WIDEST_STEP = 2.2
"""The usual step from line to line is at most this many heights of a line (double spacing), whatever a page of few lines suggests."""
_DIGITS_OF_A_TABLE_ROW = 0.3
_FULL_WIDTH = 0.85
_HEADING_LEVELS = 6
_SAME_SIZE = 0.9
"""Bold letters of at least this share of the text's size may be a heading; smaller ones head the columns of tables."""
_OVERLAP = 0.3
"""Of the height of the lower one of two lines that are one, at least."""
_CLOSING = (".", ",", ";", ":", "!", "?", ")", "]", "»", "”")
_DEEPEST_INDENT = 0.1
"""How far a first line, or an item of a list, begins right of its heading, in widths of the page: 2 cm of A4."""
ALIGNED = 0.03
"""Edges and middles that differ by no more of the page's width stand below one another."""
HYPHENS = ("-", "\u2010")
LISTED = re.compile(r"[•●▪◦·*–-]\s|\(?(?:\d{1,3}|[a-z]|[ivxl]{1,5})[.)]\s", re.IGNORECASE)
"""The mark of a point in a list, by number, letter or Roman number; a short word with a full stop is an abbreviation."""
Style = tuple[float, bool]
"""Size of the letters, and whether they are bold."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. Edges are fractions of the page from its top left; ``size`` is the height of its letters in points, 0 unknown.

    ``bold``: all of it is. ``segments`` are its parts where wide gaps part it; none where there is no gap. ``phrases`` are its parts
    where anything wider than a blank parts it; none where the page holds no table. Where the page was
    turned for the line to be upright (``rotation``), the edges are those on the turned page.
    """

    text: str
    page: int
    left: float
    top: float
    right: float
    bottom: float
    size: float
    hyphenated: bool = False
    bold: bool = False
    segments: tuple[Line, ...] = ()
    phrases: tuple[Line, ...] = ()
    rotation: Rotation | None = None

    def box(self, start: int) -> Box:
        """Where it stands on the page as it is shown, for text that begins at ``start``."""
        edges = (self.left, self.top, self.right, self.bottom)
        return Box(self.page, *(self.rotation.edges_on_page(edges) if self.rotation else edges), start, start + len(self.text))


def elements_of_lines(
    lines: Sequence[Line],
    outline: Outline | None = None,
    levels: Mapping[Style, int] | None = None,
    tables: Mapping[int, Element | None] = MappingProxyType({}),
) -> Iterator[Element]:
    """Paragraphs and headings in the order of the lines; each line becomes a box of its element.

    Args:
        lines: in reading order.
        outline: the headings that are open where the lines begin; new ones are added to it.
        levels: those of the whole document, where these lines are a part of it.
        tables: by the index of a line the table that begins with it, or None where the line is another one of a table.
    """
    levels = heading_levels(letters_by_style(lines)) if levels is None else levels
    words = {word.casefold() for line in lines for word in line.text.split()}
    outline = Outline() if outline is None else outline
    blocks = list(_blocks(lines, levels, tables))
    for place, (block, table) in enumerate(blocks):
        following = blocks[place + 1][0] if place + 1 < len(blocks) else None
        if table is not None:
            yield replace(table, heading_path=outline.path)
            continue
        text, boxes = _joined(block, words)
        level = levels.get(_style(block[0]))
        if level is not None and _may_be_heading(text) and (not block[0].bold or _stands_above(block, following)):
            title = outline.title(text, level, block[0].page)
            yield Element("Title", text, title.page, title.heading_path, boxes)
        else:
            yield Element("NarrativeText", text, block[0].page, outline.path, boxes)


def ends_with_number(text: str) -> bool:
    """Whether a line ends as rows of a table do: with a number, a percentage, or a dash in the place of one."""
    last = text.rpartition(" ")[2].strip("()%$€£*")
    return bool(last) and (last[-1].isdigit() or last in "—–-")


def letters_by_style(lines: Iterable[Line]) -> Counter[Style]:
    """How many letters there are of each style: what :func:`heading_levels` decides by. Counts of parts of a document add up."""
    letters: Counter[Style] = Counter()
    for line in lines:
        if line.size:
            letters[_style(line)] += len(line.text)
    return letters


def heading_levels(letters: Counter[Style]) -> dict[Style, int]:
    """Styles of letters that headings have, and their level: the largest is level 1; of the same size, bold is above plain.

    Bold letters as large as those of the text are headings too, where the text is not bold itself.
    """
    body, bold_body = letters.most_common(1)[0][0] if letters else (0.0, True)
    of_headings = [
        (size, bold) for size, bold in letters if size > body * _LARGER or (bold and not bold_body and size >= body * _SAME_SIZE)
    ]
    return {style: min(index + 1, _HEADING_LEVELS) for index, style in enumerate(sorted(of_headings, reverse=True))}


def _style(line: Line) -> Style:
    return line.size, line.bold


def _may_be_heading(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    sentence = text.endswith((".", ":")) and len(text.split()) >= _LEAST_WORDS_OF_A_SENTENCE
    listed = text.startswith(("•", "*", "–", "$")) or text.endswith((",", ";"))
    return len(text) <= _LONGEST_HEADING and letters >= max(2, len(text) // 3) and not sentence and not listed


def _stands_above(block: Sequence[Line], following: Sequence[Line] | None) -> bool:
    """Whether a bold block heads what follows: it stands in the middle of the page or above the text's edge, and is no row of a table."""
    first, last = block[0], block[-1]
    in_a_table = any(line.segments for line in block) or sum(map(str.isdigit, last.text)) > _DIGITS_OF_A_TABLE_ROW * len(last.text)
    if following is None or in_a_table or last.text.endswith((":", ".")) or last.text.startswith("("):
        return False
    centred = abs(first.left + first.right - 1) < 2 * ALIGNED
    return centred or -ALIGNED < following[0].left - first.left < _DEEPEST_INDENT


def _blocks(
    lines: Sequence[Line], levels: Mapping[Style, int], tables: Mapping[int, Element | None]
) -> Iterator[tuple[list[Line], Element | None]]:
    """Lines that belong together; of a table its first line, and the table."""
    for _, group in groupby(enumerate(lines), key=lambda one: one[1].page):
        page = list(group)
        usual = _usual_step([line for _, line in page])
        block: list[Line] = []
        for index, line in page:
            table = tables.get(index)
            heading = bool(block) and levels.get(_style(block[-1])) != levels.get(_style(line))
            if block and (index in tables or heading or not _continues(block[-1], line, usual)):
                yield block, None
                block = []
            if table is not None:
                yield [line], table
            elif index not in tables:
                block.append(line)
        if block:
            yield block, None


def _usual_step(lines: Sequence[Line]) -> float:
    steps = [line.bottom - above.bottom for above, line in pairwise(lines) if 0 < line.bottom - above.bottom < 0.1]
    widest = _WIDEST_STEP * median(line.bottom - line.top for line in lines)
    return min(median(steps), widest) if steps else 0.0


def _continues(above: Line, line: Line, usual: float) -> bool:
    if above.hyphenated:
        return True
    if above.rotation != line.rotation:
        return False
    step = line.bottom - above.bottom
    overlapping = min(above.right, line.right) > max(above.left, line.left)
    beside = abs(step) < 0.3 * usual
    return beside or (overlapping and 0 < step <= usual * _LEADING)


def _joined(block: Sequence[Line], words: set[str]) -> tuple[str, tuple[Box, ...]]:
    right = max(line.right for line in block)
    left = min(line.left for line in block)
    a_list = LISTED.match(block[0].text) is not None  # in other text a line may begin with a dash, or with the end of a sentence
    text = ""
    boxes: list[Box] = []
    for index, line in enumerate(block):
        boxes.append(line.box(len(text)))
        text += line.text
        if index + 1 < len(block):
            item = a_list and not line.hyphenated and LISTED.match(block[index + 1].text)
            text += "\n" if item else _separator(line, block[index + 1], left + _FULL_WIDTH * (right - left), words)
    return text + ("-" if block[-1].hyphenated else ""), tuple(boxes)


def _separator(line: Line, following: Line, full: float, words: set[str]) -> str:
    """What stands between two lines of a paragraph: a line break where the writer made one, as in tables and addresses."""
    if line.hyphenated:
        return hyphen(line.text.split()[-1], following.text.split()[0], words)
    if _goes_on_in(line, following):
        return "" if following.text.startswith(_CLOSING) else " "
    digits = sum(character.isdigit() for character in line.text)
    row = digits > _DIGITS_OF_A_TABLE_ROW * len(line.text)
    return "\n" if row or line.right < full else between_lines(line.text, following.text)


def _goes_on_in(line: Line, following: Line) -> bool:
    """Whether the second is the rest of the first: a character set higher or lower parts them for pdfium."""
    overlap = min(line.bottom, following.bottom) - max(line.top, following.top)
    beside = -ALIGNED / 10 < following.left - line.right < ALIGNED / 2
    return beside and overlap > _OVERLAP * min(line.bottom - line.top, following.bottom - following.top)


def hyphen(before: str, after: str, words: AbstractSet[str]) -> str:
    """Nothing where a hyphen only broke a word; the hyphen where it belongs to it, as in ``snap-down`` or ``Jean-Luc``."""
    compound = f"{before}-{after}".casefold() in words and f"{before}{after}".casefold() not in words
    return "" if after[:1].islower() and before[-1:].isalpha() and not compound else "-"

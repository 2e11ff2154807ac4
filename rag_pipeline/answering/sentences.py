"""Passages cut into sentences and table rows that can be quoted alone.

Belongs here: where sentences end, what says nothing by itself. Not here: which sentences answer a question (``extractive.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag_pipeline.models import Hit

LONGEST_SENTENCE_CHARACTERS = 600
"""Longer ones are shortened: something without full stops is a list of words, not a sentence."""

MOST_HEADING_WORDS = 9
"""A line of more words without a full stop is rather a sentence whose stop is missing."""

CELL = " | "
"""What stands between the cells of a table row, see :class:`rag_pipeline.models.Element`."""

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[」』”’]*")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Nos?|vs|cf|al|Figs?|Arts?|Inc|Ltd|Corp|Co|Jr|Sr|ca)\.$"
)
_LEANING = re.compile(r"(?:He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|However|Therefore|Thus)\b")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or table row. ``passage`` counts from 1, ``place`` is its place in the passage; ``leans``: it refers to the one before."""

    passage: int
    place: int
    text: str
    leans: bool


def sentences_of(passage: int, hit: Hit) -> list[Sentence]:
    """What can be quoted of a passage, in reading order: no headings; rows carry the names of their columns."""
    headings = {heading.strip() for heading in hit.heading_path}
    header = _table_header(hit)
    lines = [line for line in _lines(hit.text) if line not in (header, *headings)]
    quotable = [line for line in lines if not _reads_like_a_heading(line)] or lines
    texts = [text for line in quotable for text in _cut(line, header)]
    return [Sentence(passage, place, _shortened(text), bool(_LEANING.match(text))) for place, text in enumerate(texts)]


def _reads_like_a_heading(line: str) -> bool:
    """A few words without an end: a heading, which may announce an answer but never is one. List items and rows are not meant.

    Neither are lines with a number, such as "Invoice total 4711 euros" on a form.
    """
    short = len(line.split()) <= MOST_HEADING_WORDS
    return short and line[:1].isalpha() and line[-1:].isalpha() and CELL not in line and not any(map(str.isdigit, line))


def _lines(text: str) -> Iterator[str]:
    """Paragraphs, list items and rows; a line that goes on in small letters on the next one is put together."""
    held = ""
    for line in map(str.strip, text.splitlines()):
        if held and line[:1].islower() and CELL not in held + line and held[-1] not in ".!?:;":
            held = f"{held} {line}"
            continue
        if held:
            yield held
        held = line
    if held:
        yield held


def _cut(line: str, header: str) -> Iterator[str]:
    if CELL in line:
        yield _with_names(line, header)
        return
    start = 0
    for end in _END.finditer(line):
        sentence = line[start : end.end()].strip()
        goes_on = line[end.end() :].lstrip()[:1].islower() or _ABBREVIATION.search(line[start : end.start() + 1])
        if not goes_on and _says_something(sentence):
            yield sentence
            start = end.end()
    if _says_something(line[start:]):
        yield line[start:].strip()


def _says_something(text: str) -> bool:
    return sum(character.isalnum() for character in text) >= 3


def _table_header(hit: Hit) -> str:
    """The row of column names, which stands in the context of a passage or is the first row of its text."""
    lines = [*hit.context.splitlines(), *hit.text.splitlines()]
    in_context = [line.strip() for line in hit.context.splitlines() if CELL in line]
    rows = [line.strip() for line in lines if CELL in line]
    return in_context[-1] if in_context else rows[0] if len(rows) > 1 else ""


def _with_names(row: str, header: str) -> str:
    cells, names = row.split(CELL), header.split(CELL)
    if len(cells) != len(names):
        return row
    named = [(name.strip(" |"), cell.strip(" |")) for name, cell in zip(names, cells, strict=True)]
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)


def _shortened(text: str) -> str:
    text = _BLANKS.sub(" ", text)
    if len(text) <= LONGEST_SENTENCE_CHARACTERS:
        return text
    return text[:LONGEST_SENTENCE_CHARACTERS].rpartition(" ")[0] + " …"

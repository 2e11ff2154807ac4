"""Passages cut into sentences and table rows that can be quoted alone.

Belongs here: the order of the steps. Not here: which sentences answer a question (``quoting/extractive.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag_pipeline.answering.sentences.cutting import cut, shortened
from rag_pipeline.answering.sentences.facts import Fact, facts, with_groups
from rag_pipeline.answering.sentences.lines import lines_of
from rag_pipeline.answering.sentences.sentence import BETWEEN_LINES, Sentence
from rag_pipeline.answering.sentences.shapes import is_in_small_letters, is_of_names
from rag_pipeline.answering.sentences.table_row import TableRow, is_total, table_row
from rag_pipeline.answering.tuning import TUNING, Segmentation
from rag_pipeline.models import Hit, is_header, is_row
from rag_pipeline.stores.vectors.languages import language_of

_LEANING = re.compile(r"(?:He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|However|Therefore|Thus)\b")
_QUESTION_MARKS = ("?", "？", "؟", "?”", '?"')


def sentences_of(passage: int, hit: Hit, tuning: Segmentation = TUNING.segmentation) -> list[Sentence]:
    """What can be quoted of a passage, in reading order: no headings; rows carry the names of their columns."""
    header = _header_above(hit)
    above = "".join(hit.heading_path[-1:]).strip()
    lines, headings = _lines_and_headings(hit, tuning)
    lines = list(with_groups(lines, header, tuning))
    quotable = list(facts(lines, above, headings, tuning)) or [Fact(line, "") for line in lines if line not in headings]
    parts = _parts(quotable, header, language_of(hit.text), tuning, small=is_in_small_letters(hit.text, tuning.fewest_capitals))
    sentences: list[Sentence] = []
    for place, (text, row, heading) in enumerate(parts):
        leans = bool(_LEANING.match(text)) or (row is None and bool(sentences) and sentences[-1].asks)
        names = row is None and is_of_names(text, tuning)
        listed = names or (BETWEEN_LINES in text and text not in hit.text)
        shown = shortened(text, tuning.longest_sentence_characters)
        asks = row is None and text.endswith(_QUESTION_MARKS)
        sentences.append(Sentence(passage, place, shown, leans, listed, names, row, asks, heading))
    return sentences


def _lines_and_headings(hit: Hit, tuning: Segmentation) -> tuple[list[str], list[str]]:
    """Its lines, each of its headings one of them; and those headings, after the ones above it."""
    lines, headings, end = list[str](), [heading.strip() for heading in hit.heading_path], 0
    for place in hit.headings:
        headings.append(" ".join(hit.text[place.start : place.end].split()))
        lines += (*lines_of(hit.text[end : place.start], tuning), headings[-1])
        end = place.end
    return [*lines, *lines_of(hit.text[end:], tuning)], headings


def _header_above(hit: Hit) -> str:
    """The names of the columns of a table that began before the passage."""
    return next((line.strip() for line in reversed(hit.context.splitlines()) if is_header(line)), "")


def _parts(
    facts: Sequence[Fact], header: str, language: str | None, tuning: Segmentation, *, small: bool
) -> Iterator[tuple[str, TableRow | None, str]]:
    """Sentences, and rows with the names of their columns: those that stand last above them, unless a paragraph stands between. Each with
    its heading."""
    above: list[TableRow] = []
    table = 0
    for line, heading in facts:
        if is_header(line):
            header, above, table = line, [], table + 1
        elif is_row(line):
            row = table_row(line, header)
            row = replace(row, total=is_total(row, above), table=table)
            above.append(row)
            yield str(row), row, heading
        else:
            if len(line.split()) > tuning.most_heading_words and line.endswith((".", "!", "?")):
                header, above, table = "", [], table + 1
            yield from ((sentence, None, heading) for sentence in cut(line, language, tuning, small=small))

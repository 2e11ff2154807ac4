"""The lines of a passage that say something, each under its heading: short ones that belong together as one, labels with their values.

Belongs here: what a line says by those around it. Not here: its own shape (``shapes.py``), where its sentences end (``cutting.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from rag_pipeline.answering.sentences.sentence import BETWEEN_LINES
from rag_pipeline.answering.sentences.shapes import goes_on, is_label, is_listed, is_of_mail, is_prose, is_short, is_value, without_mark
from rag_pipeline.answering.sentences.table_row import TableRow, is_total, table_row
from rag_pipeline.answering.tuning import Segmentation
from rag_pipeline.models import is_header, is_row


class Fact(NamedTuple):
    """A line that says something, and the heading that it stands under."""

    line: str
    heading: str


def facts(lines: Sequence[str], heading: str, headings: Sequence[str], tuning: Segmentation) -> Iterator[Fact]:
    """The lines that say something: sentences, list items, rows, labels with their values, and short lines that belong together.

    A short line above something else is a heading, which may announce an answer but never is one. Short lines among themselves are a
    letterhead, a card or a form whose values stand below their labels: each alone says little, together they answer.

    Args:
        lines: of the passage.
        heading: the one that it begins under.
        headings: those that are known.
        tuning: the limits.
    """
    longest = tuning.most_heading_words
    lines = list(_with_values(lines, headings, tuning))

    def joins(line: str) -> bool:
        return line not in headings and goes_on(line, longest)

    at = 0
    while at < len(lines):
        if lines[at] in headings or _is_numbered_heading(lines, at, longest):
            heading = lines[at]
            at += 1
            continue
        if header := list(takewhile(is_of_mail, lines[at:])):
            yield Fact(BETWEEN_LINES.join(header), heading)
            at += len(header)
            continue
        run = [lines[at], *takewhile(joins, lines[at + 1 :])] if is_short(lines[at], longest) else []
        if not run:
            yield Fact(lines[at], heading)
            at += 1
            continue
        at += len(run)
        below = lines[at] if at < len(lines) else ""
        is_last = bool(headings) and (not below or below in headings)  # of what stands under a heading that is known
        if is_last or len(run) > (tuning.stacked_headings if is_prose(below, longest) else 1):
            yield from (Fact(BETWEEN_LINES.join(some), heading) for some in _batched(run, tuning.most_lines_together))
        else:
            heading = " ".join(run)


def _is_numbered_heading(lines: Sequence[str], at: int, longest: int) -> bool:
    """Whether ``3. Rent`` stands alone above a paragraph; items of a list stand among others."""
    line, above, below = lines[at], lines[at - 1] if at else "", lines[at + 1] if at + 1 < len(lines) else ""
    alone = not is_listed(above) and not is_listed(below) and not is_row(below)
    return alone and is_listed(line) and is_short(without_mark(line), longest) and (len(below.split()) > longest or below.endswith("."))


def _batched(lines: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (lines[start : start + size] for start in range(0, len(lines), size))


def _with_values(lines: Sequence[str], headings: Sequence[str], tuning: Segmentation) -> Iterator[str]:
    """A label that has a line of its own, with the line below it, or with the several short ones, as an address or a list has them."""
    at = 0
    while at < len(lines):
        values = []
        if is_label(lines[at]):
            below = lines[at + 1 : at + 1 + tuning.most_lines_together]
            values = list(takewhile(lambda line: line not in headings and is_value(line, tuning.most_heading_words), below))
            if len(values) > 1 and not headings and is_prose("".join(lines[at + 1 + len(values) :][:1]), tuning.most_heading_words):
                values.pop()  # what stands above a paragraph may be its heading
        yield f"{lines[at]} {BETWEEN_LINES.join(values)}".strip()
        at += 1 + len(values)


def with_groups(lines: Sequence[str], header: str, tuning: Segmentation) -> Iterator[str]:
    """The lines; rows begin with the label that stands alone above them in their table, up to the total of those below it."""
    group = ""
    above: list[TableRow] = []
    for line, following in pairwise([*lines, ""]):
        if is_row(line) and not is_header(line):
            yield f"{group}: {line}" if group else line
            above.append(table_row(line, header))
            group = "" if is_total(above[-1], above[:-1]) else group
            continue
        short = len(line.split()) <= tuning.most_heading_words and any(map(str.isalpha, line))
        labels = short and is_row(following) and not is_header(following)
        group = line.rstrip(":") if labels and not is_header(line) and not line.endswith((".", "!", "?")) else ""
        header, above = (line, []) if is_header(line) else (header, above)
        if not group:
            yield line

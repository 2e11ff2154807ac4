"""The lines of a passage as they were before a program broke them, in quoted mail too.

Belongs here: which lines are one. Not here: what they say (``facts.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rag_pipeline.answering.sentences.shapes import ENDS_OF_LINES, is_labelled, is_listed, is_of_mail
from rag_pipeline.answering.tuning import Segmentation
from rag_pipeline.line_breaks import between_lines, columns
from rag_pipeline.models import is_row
from rag_pipeline.stores.vectors.languages import is_function_word, language_of

_QUOTE_SIGNS = re.compile(r"(?:>\s?)+")


def lines_of(text: str, tuning: Segmentation) -> Iterator[str]:
    """Paragraphs, list items and rows; a line that goes on on the next one is put together with it, in quoted mail too."""
    lines = [line.strip() for line in text.splitlines()]
    width, language = _width_of_wrapped(lines, tuning), language_of(text)
    held = last = ""
    for line in lines:
        quoted, bare = _split_off_quote(line)
        if held and quoted == _split_off_quote(last)[0] and _is_one_line(last, bare, line, width, language, tuning):
            held = f"{held}{between_lines(held, bare)}{bare}"
        else:
            if held:
                yield held
            held = line
        last = line
    if held:
        yield held


def _split_off_quote(line: str) -> tuple[str, str]:
    """The signs before a line that a mail quotes, without blanks, and the line."""
    signs = _QUOTE_SIGNS.match(line)
    return (re.sub(r"\s", "", signs[0]), line[signs.end() :]) if signs else ("", line)


def _is_one_line(last: str, bare: str, line: str, width: int | None, language: str | None, tuning: Segmentation) -> bool:
    """Whether a line goes on on the next one: in small letters, because its next word would have made it too long, or because it is long
    and its last word is none that a sentence ends with.

    Args:
        last: the line.
        bare: the next one without what marks it as quoted.
        line: the next one as it stands.
        width: of a text that was broken into lines; None where it was not.
        language: the text's; None where it is not known.
        tuning: the limits.
    """
    if not bare or is_row(last) or is_row(line) or last.endswith(ENDS_OF_LINES):
        return False
    full = width is not None and _is_full(last, bare, width)
    open_ended = len(last) >= tuning.narrowest_wrapped and is_function_word(last.split()[-1], language)
    return bare[:1].islower() or ((full or open_ended) and not is_listed(bare) and not is_labelled(bare))


def _width_of_wrapped(lines: Sequence[str], tuning: Segmentation) -> int | None:
    """The longest line of a text that was broken into lines, as mails are: most of its lines are full. None where it was not.

    Short lines are greetings, signatures, the ends of paragraphs; they say nothing of it, and neither does what stands above a mail.
    """
    lines = [line for line in lines if not is_of_mail(line)]
    width = max(map(columns, lines), default=0)
    if not tuning.narrowest_wrapped <= width <= tuning.widest_wrapped:
        return None
    pairs = [
        (line, below)
        for line, below in pairwise(lines)
        if below and columns(line) > tuning.shortest_telling * width and not line.endswith(ENDS_OF_LINES)
    ]
    full = sum(_is_full(line, below, width) for line, below in pairs)
    return width if full >= tuning.fewest_full and full > len(pairs) - full else None


def _is_full(line: str, below: str, width: int) -> bool:
    """Whether the first word below would have made the line too long; where there are no blanks, its first letter."""
    blank = between_lines(line, below)
    return columns(line + blank + (below.split()[0] if blank else below[0])) > width

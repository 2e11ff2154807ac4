"""Passages cut into sentences and table rows that can be quoted alone.

Belongs here: where sentences end (by sentencex, in the passage's language), what says nothing by itself. Not here: which sentences answer
a question (``extractive.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import NamedTuple

from sentencex import segment

from rag_pipeline.answering.generation.table_row import TableRow, is_total, table_row
from rag_pipeline.answering.tuning import TUNING, Segmentation
from rag_pipeline.models import Hit, is_header, is_row
from rag_pipeline.stores.vectors.languages import code_of, language_of

BETWEEN_LINES = " / "
"""Where a line ended in the document, as in quoted verse."""

_INITIAL = re.compile(r"(?:^|[\s(])(?:[^\W\d_]\.\s?)*[^\W\d_]\.$")
"""``J. P.``, ``U.S.``, ``A. С.``: the library cuts there in some languages."""
_BEFORE_A_NUMBER = re.compile(r"(?:^|[\s('’])[^\W\d_]{1,6}\.$")
"""``Abs. 3``, ``Nr. 5``, ``pág. 12``: in all languages short words before a number are rather abbreviations than ends."""
_NUMBERED = re.compile(r"(?:[^\W\d_]+\.? |§ ?)?(?:\d{1,3}(?:\.\d{1,3})*|[IVXLC]{1,6})\.")
"""``Section 1.``, ``Article IV.``, ``§ 3.``, ``2.1.``: what a rule or a paragraph is called, which says nothing without it."""
_ENCLOSED = re.compile(r"\"[^\"]+\"|“[^”]+”|„[^“”]+[“”]|«[^»]+»|\([^()]+\)|\[[^\[\]]+\]")
_CLOSING = re.compile(r"[\"”“»)\]]+(?=\s|$)")
_LEANING = re.compile(r"(?:He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|However|Therefore|Thus)\b")
_LABELLED = re.compile(r"[^\W\d_][^:|]{0,60}:\s+\S|\S.{0,60}?(?:\t|[ \u00a0]{3,}|(?: ?[._·…]){3,})\s*\S")
"""``Supplier: Acme Corporation``, also where the value stands in a column of its own."""
_BEFORE_A_VALUE = re.compile(r"([^\W\d_][^:;|]{0,60})(?::\s|\t|[ \u00a0]{3,}|(?: ?[._·…]){3,})")
_LEADER = re.compile(r"\.(?: ?\.){3,}")
"""Dots that lead from a label to its value; an ellipsis has three."""
_LABEL = re.compile(r"[^\W\d_][^:|.!?]{0,60}:")
_LISTED = re.compile(r"[-–*•▪◦·]\s|\(?\w{1,3}[.)]\s")
_QUESTION_MARKS = ("?", "？", "؟", "?”", '?"')
_ENDS_OF_LINES = (".", "!", "?", ":", ";")
_QUOTE_SIGNS = re.compile(r"(?:>\s?)+")
_MAIL_HEADER = re.compile(r"(?:From|Sender|Reply-To|To|Cc|Bcc|Date|Sent|Subject): ")
"""The names of RFC 5322 that mails are shown with, and what programs that forward them write for ``Date``."""
_BLANKS = re.compile(r"\s+")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence or table row. ``passage`` counts from 1, ``place`` is its place in the passage; ``leans``: it refers to the one before.

    ``listed``: short lines that stand together, which may be a card or a form, or no more than a page's menu; or ``names`` one after the
    other. ``row``: the row of a table that the text was made of. ``asks``: it is a question, and what comes after it leans on it.
    ``heading``: the one that it stands under, without those above that.
    """

    passage: int
    place: int
    text: str
    leans: bool
    listed: bool = False
    names: bool = False
    row: TableRow | None = None
    asks: bool = False
    heading: str = ""

    @property
    def announces(self) -> bool:
        """Whether it only says what comes after it."""
        return self.row is None and self.text.endswith(":")

    @property
    def labels(self) -> list[str]:
        """What says what a value is: before colons; in a row its name and those of its columns; in a card any line."""
        if self.row:
            return [self.row.name, *(column for column, _ in self.row.cells)]
        return self.text.split(BETWEEN_LINES) if self.listed and not self.names else _BEFORE_A_VALUE.findall(self.text)


def sentences_of(passage: int, hit: Hit, tuning: Segmentation = TUNING.segmentation) -> list[Sentence]:
    """What can be quoted of a passage, in reading order: no headings; rows carry the names of their columns."""
    header = _header_above(hit)
    above = "".join(hit.heading_path[-1:]).strip()
    lines, headings = _lines_and_headings(hit, tuning)
    lines = list(_with_groups(lines, header, tuning))
    quotable = list(_facts(lines, above, headings, tuning)) or [_Fact(line, "") for line in lines if line not in headings]
    parts = _parts(quotable, header, code_of(language_of(hit.text)), tuning, small=_is_in_small_letters(hit.text, tuning.fewest_capitals))
    sentences: list[Sentence] = []
    for place, (text, row, heading) in enumerate(parts):
        leans = bool(_LEANING.match(text)) or (row is None and bool(sentences) and sentences[-1].asks)
        names = row is None and _is_of_names(text, tuning)
        listed = names or (BETWEEN_LINES in text and text not in hit.text)
        shown = _shortened(text, tuning.longest_sentence_characters)
        asks = row is None and text.endswith(_QUESTION_MARKS)
        sentences.append(Sentence(passage, place, shown, leans, listed, names, row, asks, heading))
    return sentences


def _lines_and_headings(hit: Hit, tuning: Segmentation) -> tuple[list[str], list[str]]:
    """Its lines, each of its headings one of them; and those headings, after the ones above it."""
    lines, headings, end = list[str](), [heading.strip() for heading in hit.heading_path], 0
    for place in hit.headings:
        headings.append(" ".join(hit.text[place.start : place.end].split()))
        lines += (*_lines(hit.text[end : place.start], tuning), headings[-1])
        end = place.end
    return [*lines, *_lines(hit.text[end:], tuning)], headings


def _is_of_names(text: str, tuning: Segmentation) -> bool:
    """Whether many words stand side by side that make no sentence: all but a few begin with a capital, and they have no grammar.

    Sentences all in capitals, and titles in which each word begins with one, have the function words of a language.
    """
    words = [word[0] for word in _WORD.finditer(text)]
    small = sum(word[0].islower() for word in words)
    cased = any(word[0].isupper() for word in words)
    few = cased and len(words) > tuning.most_heading_words and small < tuning.most_small * len(words)
    return few and not _LABELLED.match(text) and language_of(text, tuning.function_words) is None


def is_listed(text: str) -> bool:
    """Whether it is an item of a list, by its mark or number."""
    return _LISTED.match(text) is not None


def _header_above(hit: Hit) -> str:
    """The names of the columns of a table that began before the passage."""
    return next((line.strip() for line in reversed(hit.context.splitlines()) if is_header(line)), "")


def _with_groups(lines: Sequence[str], header: str, tuning: Segmentation) -> Iterator[str]:
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


def _is_in_small_letters(text: str, fewest_capitals: float) -> bool:
    """Whether sentences begin with small letters too, as in chats and in text that was made small."""
    words = [word[0] for word in _WORD.finditer(text)]
    return any(map(str.islower, words)) and sum(word[0].isupper() for word in words) < fewest_capitals * len(words)


def _parts(
    facts: Sequence[_Fact], header: str, language: str, tuning: Segmentation, *, small: bool
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
            yield from ((sentence, None, heading) for sentence in _cut(line, language, tuning, small=small))


class _Fact(NamedTuple):
    """A line that says something, and the heading that it stands under."""

    line: str
    heading: str


def _facts(lines: Sequence[str], heading: str, headings: Sequence[str], tuning: Segmentation) -> Iterator[_Fact]:
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

    def goes_on(line: str) -> bool:
        return line not in headings and _goes_on(line, longest)

    at = 0
    while at < len(lines):
        if lines[at] in headings or _is_numbered_heading(lines, at, longest):
            heading = lines[at]
            at += 1
            continue
        if header := list(takewhile(_MAIL_HEADER.match, lines[at:])):
            yield _Fact(BETWEEN_LINES.join(header), heading)
            at += len(header)
            continue
        run = [lines[at], *takewhile(goes_on, lines[at + 1 :])] if _is_short(lines[at], longest) else []
        if not run:
            yield _Fact(lines[at], heading)
            at += 1
            continue
        at += len(run)
        below = lines[at] if at < len(lines) else ""
        is_last = bool(headings) and (not below or below in headings)  # of what stands under a heading that is known
        if is_last or len(run) > (tuning.stacked_headings if _is_prose(below, longest) else 1):
            yield from (_Fact(BETWEEN_LINES.join(some), heading) for some in _batched(run, tuning.most_lines_together))
        else:
            heading = " ".join(run)


def _is_numbered_heading(lines: Sequence[str], at: int, longest: int) -> bool:
    """Whether ``3. Rent`` stands alone above a paragraph; items of a list stand among others."""
    line, above, below = lines[at], lines[at - 1] if at else "", lines[at + 1] if at + 1 < len(lines) else ""
    alone = not is_listed(above) and not is_listed(below) and not is_row(below)
    return alone and is_listed(line) and _is_short(_LISTED.sub("", line), longest) and (len(below.split()) > longest or below.endswith("."))


def _batched(lines: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (lines[start : start + size] for start in range(0, len(lines), size))


def _with_values(lines: Sequence[str], headings: Sequence[str], tuning: Segmentation) -> Iterator[str]:
    """A label that has a line of its own, with the line below it, or with the several short ones, as an address or a list has them."""
    at = 0
    while at < len(lines):
        values = []
        if _LABEL.fullmatch(lines[at]):
            below = lines[at + 1 : at + 1 + tuning.most_lines_together]
            values = list(takewhile(lambda line: line not in headings and _is_value(line, tuning.most_heading_words), below))
            if len(values) > 1 and not headings and _is_prose("".join(lines[at + 1 + len(values) :][:1]), tuning.most_heading_words):
                values.pop()  # what stands above a paragraph may be its heading
        yield f"{lines[at]} {BETWEEN_LINES.join(values)}".strip()
        at += 1 + len(values)


def _is_value(line: str, longest: int) -> bool:
    return bool(line) and not _is_prose(line, longest) and not _LABELLED.match(line) and not _LABEL.fullmatch(line)


def _is_short(line: str, longest: int) -> bool:
    """At most ``longest`` words without an end and without a number or a label: "Opening hours", "Acme Corporation"."""
    short = len(line.split()) <= longest and not _LABELLED.match(line) and not is_row(line)
    return short and line[:1].isalpha() and line[-1:].isalpha() and not any(map(str.isdigit, line))


def _goes_on(line: str, longest: int) -> bool:
    """A short line, or a number, date or address that says nothing without those above it."""
    bare = not is_row(line) and not _LABELLED.match(line) and not any(word.strip(",;").isalpha() for word in line.split())
    return _is_short(line, longest) or (bare and bool(line))


def _is_prose(line: str, longest: int) -> bool:
    return is_row(line) or len(line.split()) > longest or line.endswith(tuple(".!?:;…")) or is_listed(line)


def _lines(text: str, tuning: Segmentation) -> Iterator[str]:
    """Paragraphs, list items and rows; a line that goes on on the next one is put together with it, in quoted mail too."""
    lines = [line.strip() for line in text.splitlines()]
    width = _width_of_wrapped(lines, tuning)
    held = last = ""
    for line in lines:
        quoted, bare = _split_off_quote(line)
        if held and quoted == _split_off_quote(last)[0] and _is_one_line(last, bare, line, width):
            held = f"{held} {bare}"
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


def _is_one_line(last: str, bare: str, line: str, width: int | None) -> bool:
    """Whether a line goes on on the next one: in small letters, or because its next word would have made it too long.

    Args:
        last: the line.
        bare: the next one without what marks it as quoted.
        line: the next one as it stands.
        width: of a text that was broken into lines; None where it was not.
    """
    if not bare or is_row(last) or is_row(line) or last.endswith(_ENDS_OF_LINES):
        return False
    full = width is not None and _is_full(last, bare, width)
    return bare[:1].islower() or (full and not is_listed(bare) and not _LABELLED.match(bare))


def _width_of_wrapped(lines: Sequence[str], tuning: Segmentation) -> int | None:
    """The longest line of a text that was broken into lines, as mails are: most of its lines are full. None where it was not."""
    width = max(map(len, lines), default=0)
    if not tuning.narrowest_wrapped <= width <= tuning.widest_wrapped:
        return None
    pairs = [(line, below) for line, below in pairwise(lines) if below and not line.endswith(_ENDS_OF_LINES)]
    full = sum(_is_full(line, below, width) for line, below in pairs)
    return width if full >= tuning.fewest_full and full > len(pairs) - full else None


def _is_full(line: str, below: str, width: int) -> bool:
    """Whether the first word below would have made the line too long."""
    return len(line) + 1 + len(below.split()[0]) > width


def _cut(line: str, language: str, tuning: Segmentation, *, small: bool) -> Iterator[str]:
    start = position = 0
    leaders = [dots.span() for dots in _LEADER.finditer(line)]
    for part in segment(language, _with_long_ones_opened(line, tuning.longest_kept_whole)):
        position += len(part)
        closing = _CLOSING.match(line, position)
        end = closing.end() if closing else position
        sentence = line[start:end].strip()
        leads = any(first < position <= last + 1 for first, last in leaders)
        if not leads and not _goes_on_after(sentence, line[end:], small=small) and _says_something(sentence, tuning.fewest_letters):
            yield sentence
            start = end
    if _says_something(line[start:], tuning.fewest_letters):
        yield line[start:].strip()


def _with_long_ones_opened(line: str, longest: int) -> str:
    """The line with what stands around long quotations and remarks made plain: the library cuts nothing within them."""
    return _ENCLOSED.sub(lambda found: f"_{found[0][1:-1]}_" if len(found[0]) > longest else found[0], line)


def _goes_on_after(sentence: str, rest: str, *, small: bool) -> bool:
    following = rest.lstrip()[:1]
    abbreviated = _INITIAL.search(sentence) or (following.isdigit() and _BEFORE_A_NUMBER.search(sentence))
    numbered = bool(following) and _NUMBERED.fullmatch(sentence)
    return (following.islower() and not small) or bool(abbreviated or numbered)


def _says_something(text: str, fewest_letters: int) -> bool:
    return sum(map(str.isalnum, text)) >= fewest_letters


def _shortened(text: str, longest: int) -> str:
    text = _BLANKS.sub(" ", text)
    if len(text) <= longest:
        return text
    return text[:longest].rpartition(" ")[0] + " …"

"""Where the sentences of a line end: by sentencex, in the passage's language, mended where it cuts within one.

Belongs here: ends of sentences, and what says nothing by itself. Not here: which lines are cut (``segmentation.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex import segment

from rag_pipeline.answering.expected_kind import begins_with_month
from rag_pipeline.answering.tuning import Segmentation
from rag_pipeline.stores.vectors.languages import code_of, is_function_word

_INITIAL = re.compile(r"(?:^|[\s(])(?:[^\W\d_]\.\s?)*[^\W\d_]\.$")
"""``J. P.``, ``U.S.``, ``A. С.``: the library cuts there in some languages."""
_BEFORE_A_NUMBER = re.compile(r"(?:^|[\s('’])[^\W\d_]{1,6}\.$")
"""``Abs. 3``, ``Nr. 5``, ``pág. 12``: in all languages short words before a number are rather abbreviations than ends."""
_ORDINAL = re.compile(r"(?:^|(?P<before>[^\s\d]+)\s|[(–-])\d{1,2}\.$")
"""``18. August``, ``im 3. Stock``, ``1. Jahr 850 €, 2. Jahr 960 €``."""
_WITH_ORDINALS = frozenset(("Danish", "Finnish", "German", "Hungarian", "Norwegian", "Slovene", "Turkish"))
"""Of the languages whose function words are known, those whose orthography writes an ordinal number with a stop."""
_NUMBERED = re.compile(r"(?:[^\W\d_]+\.? |§ ?)?(?:\d{1,3}(?:\.\d{1,3})*|[IVXLC]{1,6})\.")
"""``Section 1.``, ``Article IV.``, ``§ 3.``, ``2.1.``: what a rule or a paragraph is called, which says nothing without it."""
_ENCLOSED = re.compile(r"\"[^\"]+\"|“[^”]+”|„[^“”]+[“”]|«[^»]+»|\([^()]+\)|\[[^\[\]]+\]")
_CLOSING = re.compile(r"[\"”“»)\]]+(?=\s|$)")
_LEADER = re.compile(r"\.(?: ?\.){3,}")
"""Dots that lead from a label to its value; an ellipsis has three."""
_BLANKS = re.compile(r"\s+")


def cut(line: str, language: str | None, tuning: Segmentation, *, small: bool) -> Iterator[str]:
    """The sentences of a line that say something.

    Args:
        line: of a passage.
        language: the passage's, such as ``English``; None where it is not known.
        tuning: the limits.
        small: sentences begin with small letters too.
    """
    start = position = 0
    leaders = [dots.span() for dots in _LEADER.finditer(line)]
    for part in segment(code_of(language), _with_long_ones_opened(line, tuning.longest_kept_whole)):
        position += len(part)
        closing = _CLOSING.match(line, position)
        end = closing.end() if closing else position
        sentence = line[start:end].strip()
        leads = any(first < position <= last + 1 for first, last in leaders)
        ends = not leads and not _goes_on_after(sentence, line[end:], language, small=small)
        if ends and _says_something(sentence, tuning.fewest_letters):
            yield sentence
            start = end
    if _says_something(line[start:], tuning.fewest_letters):
        yield line[start:].strip()


def _with_long_ones_opened(line: str, longest: int) -> str:
    """The line with what stands around long quotations and remarks made plain: the library cuts nothing within them."""
    return _ENCLOSED.sub(lambda found: f"_{found[0][1:-1]}_" if len(found[0]) > longest else found[0], line)


def _goes_on_after(sentence: str, rest: str, language: str | None, *, small: bool) -> bool:
    following = rest.lstrip()[:1]
    abbreviated = _INITIAL.search(sentence) or (following.isdigit() and _BEFORE_A_NUMBER.search(sentence))
    numbered = bool(following) and _NUMBERED.fullmatch(sentence)
    return (following.islower() and not small) or bool(abbreviated or numbered) or _is_ordinal(sentence, rest, language)


def _is_ordinal(sentence: str, rest: str, language: str | None) -> bool:
    """Whether a number before a stop is one that counts something behind it: a month; or anything, in languages that write it so, behind
    a function word, a comma or a colon."""
    found = _ORDINAL.search(sentence)
    if not found or begins_with_month(rest):
        return found is not None
    before = found["before"] or ""
    return language in _WITH_ORDINALS and bool(rest) and (before.endswith((",", ":")) or is_function_word(before, language))


def _says_something(text: str, fewest_letters: int) -> bool:
    return sum(map(str.isalnum, text)) >= fewest_letters


def shortened(text: str, longest: int) -> str:
    """The text with single blanks, cut after a word where it has more than so many characters."""
    text = _BLANKS.sub(" ", text)
    if len(text) <= longest:
        return text
    return text[:longest].rpartition(" ")[0] + " …"

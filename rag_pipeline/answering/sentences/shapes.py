"""What a line is by its shape: a label with its value, an item of a list, short or prose.

Belongs here: judging single lines. Not here: what stands above and below them (``facts.py``), which lines are one (``lines.py``).
"""

from __future__ import annotations

import re

from rag_pipeline.answering.tuning import Segmentation
from rag_pipeline.models import is_row
from rag_pipeline.stores.vectors.languages import language_of

_LABELLED = re.compile(r"[^\W\d_][^:|]{0,60}:\s+\S|\S.{0,60}?(?:\t|[ \u00a0]{3,}|(?: ?[._·…]){3,})\s*\S")
"""``Supplier: Acme Corporation``, also where the value stands in a column of its own."""
_LABEL = re.compile(r"[^\W\d_][^:|.!?]{0,60}:")
_LISTED = re.compile(r"[-–*•▪◦·]\s|\(?\w{1,3}[.)]\s")
ENDS_OF_LINES = (".", "!", "?", ":", ";", "。", "！", "？", "：", "；")
_WORD = re.compile(r"[^\W\d_]+")
_MAIL_HEADER = re.compile(r"(?:From|Sender|Reply-To|To|Cc|Bcc|Date|Sent|Subject): ")
"""The names of RFC 5322 that mails are shown with, and what programs that forward them write for ``Date``."""


def is_labelled(line: str) -> bool:
    """Whether it has a label and behind it a value."""
    return _LABELLED.match(line) is not None


def is_label(line: str) -> bool:
    """Whether it is a label alone, without its value."""
    return _LABEL.fullmatch(line) is not None


def is_of_mail(line: str) -> bool:
    """Whether it is one of the lines above a mail that say whose it is."""
    return _MAIL_HEADER.match(line) is not None


def is_listed(text: str) -> bool:
    """Whether it is an item of a list, by its mark or number."""
    return _LISTED.match(text) is not None


def without_mark(line: str) -> str:
    """An item of a list without its mark or number."""
    return _LISTED.sub("", line)


def is_value(line: str, longest: int) -> bool:
    """Whether it can be what the label above it stands for."""
    return bool(line) and not is_prose(line, longest) and not is_labelled(line) and not is_label(line)


def is_short(line: str, longest: int) -> bool:
    """At most ``longest`` words without an end and without a number or a label: "Opening hours", "Acme Corporation"."""
    short = len(line.split()) <= longest and not is_labelled(line) and not is_row(line)
    return short and line[:1].isalpha() and line[-1:].isalpha() and not any(map(str.isdigit, line))


def goes_on(line: str, longest: int) -> bool:
    """A short line, or a number, date or address that says nothing without those above it."""
    bare = not is_row(line) and not is_labelled(line) and not any(word.strip(",;").isalpha() for word in line.split())
    return is_short(line, longest) or (bare and bool(line))


def is_prose(line: str, longest: int) -> bool:
    """Whether it says something by itself: a sentence, an item of a list, a row of a table."""
    return is_row(line) or len(line.split()) > longest or line.endswith(tuple(".!?:;…")) or is_listed(line)


def is_of_names(text: str, tuning: Segmentation) -> bool:
    """Whether many words stand side by side that make no sentence: all but a few begin with a capital, and they have no grammar.

    Sentences all in capitals, and titles in which each word begins with one, have the function words of a language.
    """
    words = [word[0] for word in _WORD.finditer(text)]
    small = sum(word[0].islower() for word in words)
    cased = any(word[0].isupper() for word in words)
    few = cased and len(words) > tuning.most_heading_words and small < tuning.most_small * len(words)
    return few and not is_labelled(text) and language_of(text, tuning.function_words) is None


def is_in_small_letters(text: str, fewest_capitals: float) -> bool:
    """Whether sentences begin with small letters too, as in chats and in text that was made small."""
    words = [word[0] for word in _WORD.finditer(text)]
    return any(map(str.islower, words)) and sum(word[0].isupper() for word in words) < fewest_capitals * len(words)

"""What ``rag_pipeline`` says, in the reader's language: it speaks English, in sentences that are kept, logged and given to programs.

Belongs here: saying it otherwise where it is shown. Not here: its sentences (``known.py``), words that are made in the app from records.

A sentence that is known is translated, with what stands in it; of a failure that is not, the code is said in words, and the sentence
itself stands beside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from rag_pipeline.document_life import HeldDeletions, HoldRules
from ui.views.language.catalogues import ENGLISH
from ui.views.language.formats import moment
from ui.views.language.known import CODES, KNOWN
from ui.views.language.speaking import gettext, language, ngettext

_PLACE = re.compile(r"\\\{(\w+)\\\}")
_NUMBER = re.compile(r"\d{1,3}(,\d{3})+|\d+")


@dataclass(frozen=True, slots=True)
class Told:
    """A reason in words; ``original``: the sentence that they stand for, where it says more, in English."""

    words: str
    original: str = ""


def told(words: str) -> str:
    """A sentence of ``rag_pipeline``; one that is not known stays as it is."""
    return _known(words) or words


def reason_of(code: str, words: str) -> Told:
    """Why something failed: in its own words where they are English or known, or else what its code stands for."""
    if language() == ENGLISH:
        return Told(words)
    if known := _known(words):
        return Told(known)
    return Told(gettext(CODES[code]), words) if code in CODES else Told(words)


def failure_of(error: Exception) -> str:
    """The same of an exception, as one text."""
    reason = reason_of(str(getattr(error, "code", "")), str(error))
    return f"{reason.words} ({reason.original})" if reason.original else reason.words


def stage_in_words(stage: str) -> str:
    """How far a document is, as ``stage_of`` in ``document_life.py`` and counts by stage name it."""
    return told(stage)


def held_deletions_in_words(held: HeldDeletions, rules: HoldRules) -> str:
    """How many deletions of a collection are held, until when, and what to do."""
    until = moment(held.since + timedelta(hours=rules.hours))
    return ngettext(
        "The deletion of {number} document is held, because too much of the collection went missing at once. They go on answering until"
        " {time} UTC. If a disk is not there, bring it back; if you deleted them, confirm it",
        "The deletion of {number} documents is held, because too much of the collection went missing at once. They go on answering until"
        " {time} UTC. If a disk is not there, bring it back; if you deleted them, confirm it",
        held.documents,
        time=until,
    )


def _known(words: str) -> str:
    """The sentence in the language that is spoken; "" where it is not known."""
    if language() == ENGLISH:
        return ""
    if isinstance(found := language().messages.get(words), str):
        return found
    for pattern, text in _forms():
        if match := pattern.fullmatch(words):
            return gettext(text, **{name: _value(value) for name, value in match.groupdict().items()})
    return ""


def _value(value: str) -> object:
    """What stands in a sentence may be a number, or a sentence itself."""
    return int(value.replace(",", "")) if _NUMBER.fullmatch(value) else told(value)


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL), text) for text in KNOWN if "{" in text)

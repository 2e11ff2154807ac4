"""Filters over a stream of text: what the reader must never see is taken out, however the pieces are cut.

Belongs here: citation marks, the mark for "not in the documents", spoken thoughts. Not here: events, prompts.
"""

from __future__ import annotations

import re

NOT_FOUND = "NOT_FOUND"
"""What the model is asked to begin with when the passages do not hold the answer."""

_MARK = re.compile(r"(\s*)\[\s*(\d+(?:\s*[,;]\s*\d+)*)\s*\]")
_UNFINISHED = re.compile(r"\s*(?:\[[\d\s,;]*)?$")
_LONGEST_MARK = 60
_THOUGHTS = ("<think>", "</think>")
_DRESSING = " \t\r\n*_`\"'#[("


class CitationFilter:
    """Lets ``[n]`` through only where passage n exists; ``[1, 2]`` becomes ``[1][2]``. ``used`` gathers the numbers shown."""

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._held = ""
        self.used: set[int] = set()

    def feed(self, piece: str) -> str:
        """The text that is safe to show by now; the beginning of a possible mark is held back."""
        text = self._held + piece
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished else len(text)
        if len(text) - cut > _LONGEST_MARK:
            cut = len(text)
        self._held = text[cut:]
        return _MARK.sub(self._checked, text[:cut])

    def finish(self) -> str:
        """What was held back and turned out to be text; a mark that was never closed is dropped."""
        held, self._held = self._held, ""
        return "" if "[" in held else held

    def _checked(self, mark: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", mark[2])]
        valid = [number for number in dict.fromkeys(numbers) if 1 <= number <= self._passages]
        self.used.update(valid)
        return mark[1] + "".join(f"[{number}]" for number in valid) if valid else ""


class OpeningFilter:
    """Looks at how a reply begins: thoughts of reasoning models are skipped, and NOT_FOUND is noticed and taken out."""

    def __init__(self) -> None:
        self._text = ""
        self._open = True
        self.not_found = False

    def feed(self, piece: str) -> str:
        """The text that is safe to pass on by now; the opening is held back until it is clear what it is."""
        if not self._open:
            return piece
        self._text += piece
        text = self._without_thoughts(self._text)
        bare = text.lstrip(_DRESSING)
        if text == "" or bare.upper() == NOT_FOUND[: len(bare)]:
            return ""
        return self._decide(text, bare)

    def finish(self) -> str:
        """The rest of an opening that never became clear."""
        text = self._without_thoughts(self._text) if self._open else ""
        return self._decide(text, text.lstrip(_DRESSING)) if text else ""

    def _decide(self, text: str, bare: str) -> str:
        self._open = False
        self.not_found = bare.upper().startswith(NOT_FOUND)
        return bare[len(NOT_FOUND) :].lstrip(_DRESSING + "]).:,;-–—") if self.not_found else text

    @staticmethod
    def _without_thoughts(text: str) -> str:
        """Empty while it is open whether, or where, thoughts end."""
        start, end = _THOUGHTS
        opening = text.lstrip()
        if not opening or not opening.startswith(start[: len(opening)]):
            return text
        return opening.partition(end)[2].lstrip()

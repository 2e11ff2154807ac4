"""How a language model's reply begins: what the reader must never see of it is taken out, however its pieces are cut.

Belongs here: the mark for "not in the documents", spoken thoughts. Not here: citation marks (``marks.py``), events, prompts, how the
stream of an answer ends (``ending.py``).
"""

from __future__ import annotations

NOT_FOUND = "NOT_FOUND"
"""What the model is asked to begin with when the passages do not hold the answer."""

_THOUGHTS = ("<think>", "</think>")
_DRESSING = " \t\r\n*_`\"'#[("


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

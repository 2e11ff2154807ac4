"""What wikitext holds that is no wikitext: comments, code, formulas, notes.

Belongs here: finding such pieces, and putting them back. Not here: marks (``words``), blocks (``reader``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.markup.latex.reader import latex_text

_OPENING = re.compile(
    r"<(nowiki|pre|syntaxhighlight|source|math|chem|ref|timeline|score|graph|templatedata|imagemap)\b([^<>]*)>", re.IGNORECASE
)
_PIECE = re.compile("\ue000(\\d+)\ue001")
_UNSEEN = ("timeline", "score", "graph", "templatedata", "imagemap")
NOTE = "ref"
CODE = ("pre", "syntaxhighlight", "source")


class Pieces:
    """The pieces of a page, taken out of its text.

    Attributes:
        text: what is left, with a mark for each piece.
    """

    def __init__(self, text: str) -> None:
        self._taken: list[tuple[str, str]] = []
        self.text = "".join(self._without(without_comments(text.replace("\ue000", "").replace("\ue001", ""))))

    def _without(self, text: str) -> Iterator[str]:
        """The text around the pieces, and their marks. One that does not end is none."""
        small, place = text.lower(), 0
        unended: set[str] = set()
        for opening in _OPENING.finditer(text):
            kind = opening[1].lower()
            if opening.start() < place:
                continue
            end = opening.end() if opening[2].endswith("/") else -1
            if end < 0 and kind not in unended:
                end = small.find(f"</{kind}", opening.end())
            if end < 0:
                unended.add(kind)
                continue
            yield text[place : opening.start()]
            yield self._mark(kind, text[opening.end() : end])
            place = end if opening[2].endswith("/") else text.find(">", end) + 1 or len(text)
        yield text[place:]

    def _mark(self, kind: str, content: str) -> str:
        if kind in _UNSEEN or not content:
            return " "
        self._taken.append((kind, content))
        mark = f"\ue000{len(self._taken) - 1}\ue001"
        return f"\n{mark}\n" if kind in CODE else mark

    def code(self, line: str) -> str | None:
        """The code that a line stands for; None where it stands for none."""
        found = _PIECE.fullmatch(line.strip())
        kind, content = self._taken[int(found[1])] if found else ("", "")
        return content if kind in CODE else None

    def restored(self, text: str) -> tuple[str, list[str]]:
        """A text with its pieces, and the notes that it had."""
        notes: list[str] = []

        def put_back(found: re.Match[str]) -> str:
            kind, content = self._taken[int(found[1])]
            if kind == NOTE:
                notes.append(content)
                return ""
            return latex_text(f"${content}$") if kind in ("math", "chem") else content

        return _PIECE.sub(put_back, text), notes


def without_comments(text: str) -> str:
    """The text without what only its writers see."""
    kept, place = [], 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[place:start])
        place = end + 3
    return "".join([*kept, text[place:]])

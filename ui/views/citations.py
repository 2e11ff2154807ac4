"""What a citation shows: its link, its name, the words on its card, its line below an answer that is text only.

Belongs here: the data, for pages and API alike. Not here: markup (``templates/ask/citation.html``), the API's JSON (``Citation.to_json``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import quote

from rag_pipeline.models import CELL, HEADER_CELL, Citation, Hit

SNIPPET_CHARACTERS = 220
"""About three lines of a source card."""
_FOOTNOTE = re.compile(r"\[\d+\] \[[^\[\]\n]*\]\(\S*/passages/[^\s()/]+/[^\s()/]+\)[ \t\r]*")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that is shown: cited under a number, or without one. ``page`` is the one of its pages that is meant."""

    hit: Hit
    number: int | None = None
    page: int | None = None

    @classmethod
    def of(cls, citation: Citation) -> Source:
        """What an answer cites."""
        return cls(citation.hit, citation.number, citation.page)

    @property
    def url(self) -> str:
        """Where the passage is shown in its document."""
        return passage_url(self.hit, self.page)

    @property
    def page_label(self) -> str:
        """``page 3``; empty where the format has no pages."""
        return page_label(self.hit, self.page)

    @property
    def name(self) -> str:
        """``lease.pdf, page 3``."""
        return ", ".join(filter(None, (self.hit.document, self.page_label)))

    @property
    def snippet(self) -> str:
        """How the passage begins, on the page that is meant."""
        return snippet(self.hit.text[min((box.start for box in self.hit.boxes if box.page == self.page), default=0) :])


def passage_url(hit: Hit, page: int | None = None) -> str:
    """Where a passage is shown in its document; where it stands on several pages, ``page`` comes first."""
    first = f"?page={page}" if page and hit.page_first != hit.page_last else ""
    return f"{chunk_url(hit.collection, hit.chunk_id)}{first}"


def chunk_url(collection: str, chunk_id: str) -> str:
    """Where a passage is shown of which only the ids are known."""
    return f"/passages/{quote(collection, safe='')}/{quote(chunk_id, safe='')}"


def page_label(hit: Hit, page: int | None = None) -> str:
    """``page 3``, ``pages 3–4``; empty where the format has no pages. ``page`` is the one of them that is meant."""
    if not hit.page_first:
        return ""
    if page:
        return f"page {page}"
    if hit.page_last and hit.page_last != hit.page_first:
        return f"pages {hit.page_first}–{hit.page_last}"
    return f"page {hit.page_first}"


def snippet(text: str, characters: int = SNIPPET_CHARACTERS) -> str:
    """The beginning of a passage on one line, cut at a word."""
    line = " ".join(text.replace(HEADER_CELL, CELL).split())
    if len(line) <= characters:
        return line
    return line[:characters].rsplit(" ", 1)[0] + " …"


def footnotes(citations: Sequence[Citation], base: str) -> str:
    """A line of Markdown for each citation, for readers whose program shows text only. ``base`` is the address of the app."""
    lines = [f"[{one.number}] [{_link_text(Source.of(one))}]({base}{passage_url(one.hit, one.page)})" for one in citations]
    return "\n\n" + "\n".join(lines) if lines else ""


def without_footnotes(text: str) -> str:
    """An answer as it comes back in the next turn, without the lines that :func:`footnotes` put below it."""
    lines = text.rstrip().split("\n")
    notes = list(takewhile(lambda line: not line.strip() or _FOOTNOTE.fullmatch(line), reversed(lines[1:])))
    return "\n".join(lines[: len(lines) - len(notes)]).rstrip() if any(map(_FOOTNOTE.fullmatch, notes)) else text


def _link_text(source: Source) -> str:
    return " ".join(source.name.replace("[", "(").replace("]", ")").replace("\\", "/").replace("<", "\\<").split())

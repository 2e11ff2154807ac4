"""What a citation shows: its link, its name, the words on its card, its line below an answer that is text only.

Belongs here: the data, for pages and API alike. Not here: markup (``templates/ask/citation.html``), the API's JSON (``Citation.to_json``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import quote

from rag_pipeline.models import CELL, HEADER_CELL, Answered, Citation, Hit, Nearest, Place, Refused
from ui.views.language import gettext
from ui.views.markdown.documents import as_read, passage_as_read

SNIPPET_CHARACTERS = 220
"""About three lines of a source card."""
MOST_NEAREST = 4
"""Passages below a refusal."""
MOST_PLACES = 20
"""That an address carries."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!])|^(\s*)([-+=]|\d+[.)])(?=\s)", re.MULTILINE)
_PLACE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_FOOTNOTE = re.compile(r"(?:\[\d+\]|-) \[[^\[\]\n]*\]\(\S*/passages/[^\s()/]+/[^\s()/]+\)[ \t\r]*(?:: “[^\n]*”[ \t\r]*)?")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that is shown: cited under a number, or without one. ``page`` is the one of its pages that is meant.

    ``quoted``: the sentences in it that are. ``sentences`` are shown of it; where there are none, how it begins.
    """

    hit: Hit
    number: int | None = None
    page: int | None = None
    quoted: tuple[Place, ...] = ()
    sentences: tuple[str, ...] = ()

    @classmethod
    def of(cls, citation: Citation) -> Source:
        """What an answer cites."""
        return cls(citation.hit, citation.number, citation.page, citation.quoted)

    @classmethod
    def near(cls, nearest: Nearest) -> Source:
        """What stands below a refusal."""
        return cls(nearest.hit, None, nearest.page, nearest.quoted, nearest.sentences)

    @property
    def url(self) -> str:
        """Where the passage is shown in its document."""
        return passage_url(self.hit, self.page, self.quoted)

    @property
    def sign(self) -> str:
        """``[3]``, as in the answer; ``-`` below a refusal."""
        return "-" if self.number is None else f"[{self.number}]"

    @property
    def page_label(self) -> str:
        """``page 3``; empty where the format has no pages."""
        return page_label(self.hit, self.page)

    @property
    def name(self) -> str:
        """``lease.pdf, page 3``."""
        return ", ".join(filter(None, (self.hit.document, self.page_label)))

    @property
    def snippets(self) -> list[str]:
        """What of it is shown on a card; where that is no sentence, how the passage begins, on the page that is meant."""
        start = min((box.start for box in self.hit.boxes if box.page == self.page), default=0)
        return [snippet(as_read(text, self.hit)) for text in self.sentences] or [snippet(passage_as_read(self.hit, start))]


def sources_of(end: Answered | Refused) -> tuple[Source, ...]:
    """What an answer cites; of a refusal the nearest passages."""
    return tuple(map(Source.of, end.citations) if isinstance(end, Answered) else map(Source.near, end.nearest[:MOST_NEAREST]))


def passage_url(hit: Hit, page: int | None = None, quoted: Sequence[Place] = ()) -> str:
    """Where a passage is shown in its document; where it stands on several pages, ``page`` comes first. ``quoted`` is marked in it."""
    first = [f"page={page}"] if page and hit.page_first != hit.page_last else []
    asked = "&".join([*first, f"quoted={written_places(quoted)}"] if quoted else first)
    return f"{chunk_url(hit.collection, hit.chunk_id)}{f'?{asked}' if asked else ''}"


def chunk_url(collection: str, chunk_id: str) -> str:
    """Where a passage is shown of which only the ids are known."""
    return f"/passages/{quote(collection, safe='')}/{quote(chunk_id, safe='')}"


def written_places(places: Sequence[Place]) -> str:
    """As they stand in an address: ``0-32,120-148``."""
    return ",".join(f"{place.start}-{place.end}" for place in places[:MOST_PLACES])


def places_in(written: str, text: str) -> tuple[Place, ...]:
    """The inverse, within a text; what is no place in it is left out."""
    found = [_PLACE.fullmatch(part) for part in written.split(",")[:MOST_PLACES]]
    places = [Place(int(one[1]), min(int(one[2]), len(text))) for one in found if one]
    return tuple(place for place in places if place.start < place.end)


def page_label(hit: Hit, page: int | None = None) -> str:
    """``page 3``, ``pages 3–4``; empty where the format has no pages. ``page`` is the one of them that is meant."""
    if not hit.page_first:
        return ""
    if page:
        return gettext("page {page}", page=page)
    if hit.page_last and hit.page_last != hit.page_first:
        return gettext("pages {first}–{last}", first=hit.page_first, last=hit.page_last)
    return gettext("page {page}", page=hit.page_first)


def snippet(text: str, characters: int = SNIPPET_CHARACTERS) -> str:
    """The beginning of a passage on one line, cut at a word."""
    line = " ".join(text.replace(HEADER_CELL, CELL).split())
    if len(line) <= characters:
        return line
    return line[:characters].rsplit(" ", 1)[0] + " …"


def footnotes(sources: Sequence[Source], base: str) -> str:
    """A line of Markdown for each source, for readers whose program shows text only. ``base`` is the address of the app."""
    lines = [f"{one.sign} [{_link_text(one)}]({base}{one.url}){_sentences(one)}" for one in sources]
    return "\n\n" + "\n".join(lines) if lines else ""


def without_footnotes(text: str) -> str:
    """An answer as it comes back in the next turn, without the lines that :func:`footnotes` put below it."""
    lines = text.rstrip().split("\n")
    notes = list(takewhile(lambda line: not line.strip() or _FOOTNOTE.fullmatch(line), reversed(lines[1:])))
    return "\n".join(lines[: len(lines) - len(notes)]).rstrip() if any(map(_FOOTNOTE.fullmatch, notes)) else text


def escaped(text: str) -> str:
    """Text as Markdown that shows it as it is, and fetches nothing."""
    return _MARKDOWN.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", text)


def _sentences(source: Source) -> str:
    return f": “{escaped(' … '.join(source.snippets))}”" if source.sentences else ""


def _link_text(source: Source) -> str:
    return " ".join(source.name.replace("[", "(").replace("]", ")").replace("\\", "/").replace("<", "\\<").split())

"""The page of a passage: which pictures of pages it has, in which order, and where on them stands what is quoted.

Belongs here: that. Not here: markup (``templates/passage.html``), the text around the passage (``surroundings.py``), drawing
(``page_pictures.py``), the whole document (``documents/page.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from unicodedata import bidirectional

from rag_pipeline.models import Box, Hit, Place
from ui.views.citations import page_label, written_places
from ui.views.documents.links import document_url, has_pictures, original_url, picture_url
from ui.views.environment import render
from ui.views.surroundings import Surroundings

MOST_PICTURES = 3
"""A passage rarely runs over more than two pages."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a picture; ``top`` is how far down begins what is quoted, or the passage, as a fraction of the page's height."""

    page: int
    url: str
    top: float


def passage_page(hit: Hit, around: Surroundings, page: int | None = None, quoted: Sequence[Place] = ()) -> str:
    """A passage, highlighted within its document, what is ``quoted`` of it more; of the pages it stands on, ``page`` comes first."""
    meant = page if page in _pages(hit) else None
    pictures = _pictures(hit, page, quoted) if has_pictures(hit.media_type) else []
    links = {"original": original_url(hit.document_id, hit), "whole": document_url(hit.document_id, page=meant, passage=hit)}
    return render("passage.html", hit=hit, page=page_label(hit, meant), around=around, pictures=pictures, quoted=quoted, **links)


def _pages(hit: Hit) -> range:
    return range(0) if hit.page_first is None else range(hit.page_first, (hit.page_last or hit.page_first) + 1)


def _pictures(hit: Hit, meant: int | None, quoted: Sequence[Place]) -> list[Picture]:
    pages = sorted(_pages(hit), key=lambda page: (page != meant, page))[:MOST_PICTURES]
    return [
        Picture(page, picture_url(hit.document_id, page, hit, quoted=written_places(quoted)), _top(hit, page, quoted)) for page in pages
    ]


def _top(hit: Hit, page: int, quoted: Sequence[Place]) -> float:
    """Where what is quoted begins on a page, or else the passage."""
    quoting = [box.top for box in quoted_boxes(hit, quoted) if box.page == page]
    return min(quoting or [box.top for box in hit.boxes if box.page == page], default=0.0)


def quoted_boxes(hit: Hit, quoted: Sequence[Place]) -> list[Box]:
    """The parts of the passage's boxes that hold what is quoted.

    A box is a line. How far into it a sentence begins is told by the share of its characters: exact to a letter or two. A line that is not
    written from left to right is taken whole.
    """
    found = ((box, max(box.start, place.start), min(box.end, place.end)) for box in hit.boxes for place in quoted)
    return [_part(box, start, end, hit.text) for box, start, end in found if start < end]


def _part(box: Box, start: int, end: int, text: str) -> Box:
    width, characters = box.right - box.left, box.end - box.start
    if any(bidirectional(sign) in ("R", "AL") for sign in text[box.start : box.end]) or width < box.bottom - box.top:
        return box
    left, right = (box.left + width * (offset - box.start) / characters for offset in (start, end))
    return replace(box, left=left, right=right, start=start, end=end)

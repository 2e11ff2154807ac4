"""The page of a passage: which pictures of pages it has, and in which order.

Belongs here: that. Not here: markup (``templates/passage.html``), the text around the passage (``surroundings.py``), drawing
(``page_pictures.py``), the whole document (``document_page.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from rag_pipeline.models import Hit
from ui.views.citations import page_label
from ui.views.document_links import document_url, has_pictures, original_url, picture_url
from ui.views.environment import render
from ui.views.surroundings import Surroundings

MOST_PICTURES = 3
"""A passage rarely runs over more than two pages."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a picture; ``top`` is how far down the passage begins, as a fraction of the page's height."""

    page: int
    url: str
    top: float


def passage_page(hit: Hit, around: Surroundings, page: int | None = None) -> str:
    """A passage, highlighted within its document; of the pages it stands on, ``page`` comes first."""
    meant = page if page in _pages(hit) else None
    pictures = _pictures(hit, page) if has_pictures(hit.media_type) else []
    links = {"original": original_url(hit.document_id, hit), "whole": document_url(hit.document_id, page=meant, passage=hit)}
    return render("passage.html", hit=hit, page=page_label(hit, meant), around=around, pictures=pictures, **links)


def _pages(hit: Hit) -> range:
    return range(0) if hit.page_first is None else range(hit.page_first, (hit.page_last or hit.page_first) + 1)


def _pictures(hit: Hit, meant: int | None) -> list[Picture]:
    pages = sorted(_pages(hit), key=lambda page: (page != meant, page))[:MOST_PICTURES]
    return [
        Picture(page, picture_url(hit.document_id, page, hit), min((box.top for box in hit.boxes if box.page == page), default=0.0))
        for page in pages
    ]

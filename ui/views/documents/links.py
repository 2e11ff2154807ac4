"""Addresses of a document: its own page, its file, the pictures of its pages.

Belongs here: that, and which documents have such pictures. Not here: addresses of passages (``citations.py``), drawing
(``page_pictures.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from rag_pipeline.ingestion.extract.picture.family import FAMILIES as PICTURES
from rag_pipeline.models import Hit

PDF = "application/pdf"
_DRAWN = {PDF, *(one.media_type for family in PICTURES for one in family.formats)}


def has_pictures(media_type: str | None) -> bool:
    """Whether there are pictures of a document's pages: of a PDF, and of a picture itself."""
    return media_type in _DRAWN


def document_url(document_id: str, *, part: int | None = None, page: int | None = None, passage: Hit | None = None) -> str:
    """A document's own page: at a part or a page of it, or at a passage."""
    place = {"part": part, "page": page, **({"passage": passage.chunk_id, "collection": passage.collection} if passage else {})}
    return _with(f"/documents/{document_id}", {name: value for name, value in place.items() if value is not None})


def original_url(document_id: str, passage: Hit | None = None) -> str:
    """A document's own file. A passage is named beside it where there is one: it says which file that is, whatever the catalog is doing."""
    named = {"passage": passage.chunk_id, "collection": passage.collection} if passage else {}
    return _with(f"/documents/{document_id}/file", named)


def picture_url(document_id: str, page: int, passage: Hit | None = None, quoted: str = "") -> str:
    """The picture of a page, a passage highlighted where one is named, and what is ``quoted`` of it more: ``0-32,120-148``."""
    named = {"highlight": passage.chunk_id, "collection": passage.collection} if passage else {}
    return _with(f"/documents/{document_id}/pages/{page}.png", {**named, **({"quoted": quoted} if quoted else {})})


def _with(address: str, query: Mapping[str, object]) -> str:
    return f"{address}?{urlencode(query)}" if query else address

"""The records of e-books that are not EPUB.

Belongs here: how their formats are named and told. Not here: reading them, EPUB (``markup``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.family import Family, Format, Opening
from rag_pipeline.ingestion.extract.markup.family import XML
from rag_pipeline.ingestion.extract.media_types import PLAIN
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

FICTION_BOOK = "application/x-fictionbook+xml"
MOBIPOCKET = "application/x-mobipocket-ebook"
PALM_TEXT = "application/vnd.palm.doc"
_DATABASE = rb"(?=.{31}\x00).{60}"
"""A database of Palm: its name ends before byte 32, what it is stands at byte 60."""
_FICTION_OPENINGS = (Opening(re.compile(rb"(?:<\?xml[^>]*>\s*)?<fictionbook\b"), (None, PLAIN, XML)),)


def _read_fiction_book(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.books.fiction_book import read_fiction_book

    return read_fiction_book(source)


def _read_kindle(source: Source) -> Iterator[Element]:
    from rag_pipeline.ingestion.extract.books.kindle import read_kindle

    return read_kindle(source)


FAMILIES = (
    Family(
        "kindle",
        "Kindle and Mobipocket",
        "Documents",
        (
            Format(MOBIPOCKET, _read_kindle, ("mobi", "azw", "azw3", "prc"), signature=re.compile(_DATABASE + b"BOOKMOBI", re.DOTALL)),
            Format(PALM_TEXT, _read_kindle, ("pdb",), signature=re.compile(_DATABASE + b"TEXtREAd", re.DOTALL)),
        ),
        version="1",
    ),
    Family(
        "fiction_book",
        "FictionBook",
        "Documents",
        (Format(FICTION_BOOK, _read_fiction_book, ("fb2",), "text", openings=_FICTION_OPENINGS),),
        version="1",
    ),
)

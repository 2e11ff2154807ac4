"""Pictures that stand for a document's text: scans pasted into Word, slides that are one picture.

Belongs here: when they are read, and what is said of those that are not. Not here: finding them in a format, OCR itself.

The rule is the one for PDF pages: where there is text, pictures beside it are not read, because most show none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.picture.picture import read_picture
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

LEAST_LETTERS = 25
"""A page, or a document for each of its pictures, with fewer letters has no text of its own."""


def stand_for_text(pictures: int, elements: Sequence[Element]) -> bool:
    """Whether so many pictures hold what would be the text."""
    letters = sum(character.isalpha() for element in elements for character in element.text)
    return letters < LEAST_LETTERS * pictures


def read_pictures(source: Source, pictures: Iterable[bytes], *, beside_text: bool, page: int | None = None) -> Iterator[Element]:
    """The text of pictures, in their order, as elements of a page (a slide) of ``source``; what cannot be read is in its notes.

    Args:
        source: the document.
        pictures: whole files; one that stands in many places is given once.
        beside_text: the document holds other text, so that it is worth something without them.
        page: the slide that they are on.

    Raises:
        DocumentError: ``missing_program``: Tesseract, or a language of it, is not installed, and there is no other text.
    """
    for content in pictures:
        source.more_time()
        try:
            elements = list(read_picture(source.inside(content, "picture")))
        except DocumentError as error:
            if error.code == "missing_program" and not beside_text:
                raise
            note = f"A picture{f' on slide {page}' if page else ''} was not read: {error}"
            source.notes += [note] if error.code != "empty" and note not in source.notes else []
            continue
        yield from (replace(element, page=page, boxes=()) for element in elements)
    source.more_time()

"""Pictures inside documents: those that stand for the text (scans pasted into Word, slides that are one picture), and what describes them.

Belongs here: when they are read, what is said of those that are not, which descriptions say anything. Not here: finding them in a
format, OCR itself.

The rule is the one for PDF pages: where there is text, pictures beside it are not read, because most show none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.picture.picture import read_picture
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

LEAST_LETTERS = 25
"""A page, or a document for each of its pictures, with fewer letters has no text of its own."""
_DESCRIBED = "Picture: "
_NAME_OR_ADDRESS = re.compile(r"\S+://\S+|[^\n]*\.[A-Za-z]{3,4}")
"""What programs write where nobody has described a picture: the name of its file, where it was copied from."""


def description(*alternatives: str | None) -> str:
    """What the alternative texts of a picture or drawing tell those who do not see it; nothing where a program wrote them."""
    texts = (" ".join(clean_text(text).split()) for text in alternatives if text)
    told = dict.fromkeys(text for text in texts if text and _NAME_OR_ADDRESS.fullmatch(text) is None)
    return _DESCRIBED + ": ".join(told) if any(map(str.isalnum, "".join(told))) else ""


def stand_for_text(pictures: int, elements: Sequence[Element]) -> bool:
    """Whether so many pictures hold what would be the text; what describes them is none."""
    own = (element.text for element in elements if not element.text.startswith(_DESCRIBED))
    letters = sum(character.isalpha() for text in own for character in text)
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

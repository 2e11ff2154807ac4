"""Where in its file a hit stands.

Belongs here: names of files as question sets write them, characters of text files. Not here: measures.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path

from rag_pipeline.evaluation.measures import Span
from rag_pipeline.evaluation.rows import Wanted
from rag_pipeline.models import Hit


def same_file(document: str, file: str) -> bool:
    """Whether a document of the collection is the file that a row names, whose path may begin with other folders."""
    return document == file or file.endswith(f"/{document}") or document.endswith(f"/{file}")


def touches(hit: Hit, span: Span | None, wanted: Wanted) -> bool:
    """Whether a hit holds part of a wanted passage: its characters where both are known, else its page, else its file."""
    if not same_file(hit.document, wanted.file):
        return False
    if wanted.start is not None and wanted.end is not None and span is not None:
        return span[0] < wanted.end and span[1] > wanted.start
    if wanted.page is not None and hit.page_first is not None:
        return hit.page_first <= wanted.page <= (hit.page_last or hit.page_first)
    return True


class TextFiles:
    """The characters of text files, to find passages in them by their letters and digits: extraction changes no others.

    Args:
        original: the file of a document, by its id, for as long as the block lasts; raises FileNotFoundError where there is none.
    """

    def __init__(self, original: Callable[[str], AbstractContextManager[Path]]) -> None:
        self._original = original
        self._letters = lru_cache(maxsize=256)(self._read)
        self.not_found = 0

    def span(self, hit: Hit) -> Span | None:
        """The characters that a hit covers; None for what is no text file, or not in it (counted in ``not_found``)."""
        letters, places = self._letters(hit.document_id)
        wanted = "".join(filter(str.isalnum, hit.text))
        if not letters or not wanted:
            return None
        start = letters.find(wanted)
        if start < 0:
            self.not_found += 1
            return None
        return places[start], places[start + len(wanted) - 1] + 1

    def _read(self, document_id: str) -> tuple[str, list[int]]:
        try:
            with self._original(document_id) as path:
                text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return "", []
        places = [place for place, character in enumerate(text) if character.isalnum()]
        return "".join(text[place] for place in places), places

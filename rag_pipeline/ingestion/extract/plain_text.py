"""Plain text: paragraphs between blank lines.

Belongs here: text without markup. Not here: formats that only look like text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.decoding import decode_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_BLANK_LINES = re.compile(r"\n(?:[ \t]*[\n\f])+|\f")


def read_plain_text(source: Source) -> Iterator[Element]:
    """Paragraphs of a text file in any encoding."""
    yield from paragraphs(decode_text(source.stream.read()))


def paragraphs(text: str, heading_path: tuple[str, ...] = ()) -> list[Element]:
    """The paragraphs of a text, its words untouched."""
    parts = (part.strip() for part in _BLANK_LINES.split(text.replace("\r\n", "\n").replace("\r", "\n")))
    return [Element("NarrativeText", part, heading_path=heading_path) for part in parts if part]

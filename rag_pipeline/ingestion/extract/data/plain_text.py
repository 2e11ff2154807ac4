"""Plain text: paragraphs between blank lines.

Belongs here: text without markup. Not here: formats that only look like text.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rag_pipeline.ingestion.extract.data.decoding import text_lines
from rag_pipeline.ingestion.extract.data.tabbed_lines import parts_of
from rag_pipeline.ingestion.extract.data.tables import table_elements
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_LONGEST_PARAGRAPH = 200_000
"""Characters of one element: a file of a million lines without a blank one is handed over in parts."""


def read_plain_text(source: Source) -> Iterator[Element]:
    """Paragraphs of a text file in any encoding, and tables of lines that tabs part."""
    for paragraph in line_paragraphs(text_lines(source.stream)):
        for part in parts_of(paragraph):
            if isinstance(part, str):
                yield Element("NarrativeText", part)
            else:
                yield from table_elements(part)


def paragraphs(text: str, heading_path: tuple[str, ...] = ()) -> list[Element]:
    """The paragraphs of a text, its words untouched."""
    return [Element("NarrativeText", part, heading_path=heading_path) for part in line_paragraphs(io.StringIO(text, newline=None))]


def line_paragraphs(lines: Iterable[str]) -> Iterator[str]:
    """The paragraphs in lines of text: what stands between blank lines or page ends."""
    waiting: list[str] = []
    size = 0
    for line in lines:
        before, *pages = line.split("\f")  # a form feed ends the page, and the paragraph with it
        waiting.append(before)
        size += len(before)
        if pages or not before.strip() or size > _LONGEST_PARAGRAPH:
            yield from _joined(waiting)
            for page in pages[:-1]:
                yield from _joined([page])
            waiting, size = pages[-1:], 0
    yield from _joined(waiting)


def _joined(lines: list[str]) -> Iterator[str]:
    text = "".join(lines).strip()
    if text:
        yield text

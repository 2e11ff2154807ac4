"""Source code and settings files: text whose lines and indentation mean something.

Belongs here: where such text may be parted. Not here: any language's grammar.

YAML is read here too, as it is written: its comments explain its values, and a parser would throw them away (and resolve aliases,
which is how a small file becomes a large one).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rag_pipeline.ingestion.extract.data.decoding import text_lines
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_LONGEST_BLOCK = 200_000
"""Characters of one element; a generated file may have no better place to part."""


def read_source_code(source: Source) -> Iterator[Element]:
    """The file's text, parted where a blank line is followed by one that is not indented: functions and classes stay whole."""
    yield from (Element("CodeSnippet", block) for block in _blocks(text_lines(source.stream)))


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    size = 0
    blank = False
    for line in lines:
        if block and (size > _LONGEST_BLOCK or (blank and not line[:1].isspace())):
            yield "".join(block).strip("\n")
            block, size = [], 0
        block.append(line)
        size += len(line)
        blank = not line.strip()
    yield "".join(block).strip("\n")

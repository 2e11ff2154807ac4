"""Markdown: blocks by their source lines, so that the original text is kept and its structure known.

Belongs here: Markdown's blocks. Not here: inline markup, which stays as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element, ElementKind

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"---\n.*?\n(?:---|\.\.\.)(?:\n|$)", re.DOTALL)


def read_markdown(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables and code of a Markdown file."""
    text = decode_text(source.stream.read()).replace("\r\n", "\n").replace("\r", "\n")
    yield from markdown_elements(text, Outline())


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Inline markup stays as written, so the parser need not look at it: half of its time.
    return MarkdownIt("commonmark").enable("table").disable("inline")


def markdown_elements(text: str, outline: Outline) -> Iterator[Element]:
    """The blocks of a Markdown text, with line ends ``\\n``; its headings are added to the outline."""
    front = _FRONT_MATTER.match(text)
    if front:
        yield Element("NarrativeText", front[0].strip())
        text = "\n" * front[0].count("\n") + text[front.end() :]
    lines = text.split("\n")
    done = 0
    for start, end, block in _blocks(_parser().parse(text)):
        # Link definitions and the like are no blocks for the parser; their words are kept all the same.
        yield from _raw(lines[done:start], "NarrativeText", outline)
        yield from _block_elements(block, lines[start:end], start, outline)
        done = max(done, end)
    yield from _raw(lines[done:], "NarrativeText", outline)


def _blocks(tokens: list[Token]) -> Iterator[tuple[int, int, list[Token]]]:
    """Outermost blocks: first line, line after the last, tokens."""
    opened = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting == 1:
            opened = index
        elif token.level == 0:
            block = tokens[opened : index + 1] if token.nesting == -1 else [token]
            start, end = block[0].map or (0, 0)
            yield start, end, block


def _block_elements(block: list[Token], lines: list[str], start: int, outline: Outline) -> Iterator[Element]:
    kind = block[0].type
    if kind == "heading_open":
        title = block[1].content.strip()
        if title:
            yield outline.title(title, int(block[0].tag[1:]))
    elif kind == "table_open":
        table = table_element(_table_rows(block), heading_path=outline.path, header_known=True)
        yield from [table] if table else []
    elif kind in ("bullet_list_open", "ordered_list_open"):
        items = [token.map for token in block if token.type == "list_item_open" and token.level == 1 and token.map]
        for first, last in items:
            yield from _raw(lines[first - start : last - start], "ListItem", outline)
    elif kind != "hr":
        yield from _raw(lines, "CodeSnippet" if kind in ("fence", "code_block") else "NarrativeText", outline)


def _table_rows(block: list[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in block:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.content)
    return rows


def _raw(lines: list[str], kind: ElementKind, outline: Outline) -> Iterator[Element]:
    text = "\n".join(lines).strip("\n")
    text = text if kind == "CodeSnippet" else text.strip()
    if text.strip():
        yield Element(kind, text, heading_path=outline.path)

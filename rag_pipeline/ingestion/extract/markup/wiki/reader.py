"""Wikitext: pages, and exports of wikis.

Belongs here: what a line begins, the pages of an export. Not here: marks within lines (``words``), tables, code and notes (``pieces``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.markup.page import LINE_END, Page
from rag_pipeline.ingestion.extract.markup.wiki.pieces import Pieces
from rag_pipeline.ingestion.extract.markup.wiki.tables import CLOSED, OPENED, Table, with_marked_tables
from rag_pipeline.ingestion.extract.markup.wiki.words import plain, with_values, without_links, without_tags
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_HEADING = re.compile(r"(={1,6})[ \t]*(\S.*?)[ \t]*\1[ \t]*$")
_ITEM = re.compile(r"([*#:;]+)[ \t]*(.*)$")
_RULE = re.compile(r"-{4,}")
_DEEPEST_NOTE = 3


def read_wikitext(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, items, tables, code, notes, values of templates and the categories of one page."""
    yield from wikitext_elements(decode_text(source.stream.read()), Outline())


def read_wiki_export(source: Source) -> Iterator[Element]:
    """The pages of an export of MediaWiki, each below its title, as its last revision says."""
    from lxml import etree

    for _, page in etree.iterparse(source.stream, tag="{*}page", resolve_entities=False, no_network=True, huge_tree=True, recover=True):
        title = page.findtext("{*}title") or ""
        texts = page.findall("{*}revision/{*}text")
        if texts and page.find("{*}redirect") is None:
            source.more_time()
            with source.part(f"The page {title}"):
                outline = Outline()
                yield outline.title(clean_text(title), 1)
                yield from wikitext_elements(clean_text(texts[-1].text or ""), Outline((clean_text(title),)))
        page.clear()
        while page.getprevious() is not None:
            del page.getparent()[0]


def wikitext_elements(text: str, outline: Outline) -> list[Element]:
    """The elements of the wikitext of a page; its headings are added to the outline."""
    return _WikiReader(text.replace("\r\n", "\n").replace("\r", "\n"), outline).read()


class _WikiReader:
    def __init__(self, text: str, outline: Outline) -> None:
        self._pieces = Pieces(with_marked_tables(text))
        self._categories: list[str] = []
        self._lines = self._marked_up(self._pieces.text).split("\n")
        self._page = Page(outline)
        self._place = 0
        self._numbers: list[int] = []

    def _marked_up(self, text: str, in_line: bool = False) -> str:
        """The text without templates, links and tags; links first, as values of templates are parted by the sign that parts links."""
        values = with_values(without_links(text, self._categories), in_line)
        return without_tags(without_links(values, self._categories))

    def read(self) -> list[Element]:
        while self._place < len(self._lines):
            line = self._lines[self._place]
            self._place += 1
            self._line(line)
        self._page.end_paragraph()
        if self._categories:
            self._page.write(f"Categories: {', '.join(dict.fromkeys(self._categories))}")
            self._page.end_paragraph()
        return self._page.elements

    def _line(self, line: str) -> None:
        code = self._pieces.code(line)
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if code is not None:
            self._page.code(code)
        elif line.lstrip().startswith(OPENED):
            self._table()
        elif not line.strip() or _RULE.match(line):
            self._page.end_paragraph()
        elif heading:
            self._page.heading(self._words(heading[2]), len(heading[1]))
        elif item:
            self._item(item[1], item[2])
        elif line.startswith(" ") and not self._continues:
            self._preformatted(line)
        else:
            self._numbers = []
            self._page.write(f"{self._words(line)} ")
            self._continues = True
            return
        self._continues = False

    _continues = False

    def _words(self, text: str, depth: int = 0) -> str:
        """What a reader sees of a text; its notes go below the paragraph."""
        restored, notes = self._pieces.restored(plain(text))
        for note in notes if depth < _DEEPEST_NOTE else ():
            words = self._words(self._marked_up(note, in_line=True), depth + 1)
            self._page.note(" ".join(words.split()))
        return restored

    def _item(self, marks: str, text: str) -> None:
        self._page.end_paragraph("NarrativeText" if marks.endswith(":") else "ListItem")
        depth = len(marks)
        if marks.endswith("#"):
            self._numbers = [*self._numbers[:depth], *[0] * (depth - len(self._numbers))]
            self._numbers[-1] += 1
            self._page.write(f"{self._numbers[-1]}. ")
        elif "#" not in marks:
            self._numbers = []
        self._page.write(self._words(text))
        self._page.end_paragraph()

    def _preformatted(self, line: str) -> None:
        lines = [line]
        while self._place < len(self._lines) and self._lines[self._place].startswith(" "):
            lines.append(self._lines[self._place])
            self._place += 1
        self._page.code("\n".join(self._words(one[1:]) for one in lines))

    def _table(self) -> None:
        """A table with those in its cells; all of the rest of the page where it does not end."""
        start, depth = self._place - 1, 0
        self._place = start
        while self._place < len(self._lines):
            line = self._lines[self._place].lstrip()
            depth += line.startswith(OPENED)
            depth -= line.startswith(CLOSED)
            self._place += 1
            if depth == 0:
                break
        table = Table.of(self._lines[start : self._place])
        self._page.end_paragraph()
        for caption in table.captions:
            self._page.write(self._words(caption))
            self._page.end_paragraph()
        rows = [[" ".join(self._words(cell).replace(LINE_END, " ").split()) for cell in row] for row in table.rows]
        self._page.table(rows, table.header_known)

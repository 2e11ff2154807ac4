"""Manual pages of Unix: what Pandoc does not know of them is put right before it reads them.

Belongs here: the macros of man and mdoc that say what a page is, lines that Pandoc trips over. Not here: calling Pandoc.

A page is told by its beginning and never by its name: `syslog.1` is a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.markup.pandoc_markup import marked_up
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_MDOC = re.compile(r"^\.\s*(?:Dd|Dt|Sh|Nm)\b", re.MULTILINE)
_TITLE = re.compile(r"^\.\s*(?:TH|Dt)\s+(.+)$", re.MULTILINE)
_ARGUMENT = re.compile(r"\"((?:[^\"]|\"\")*)\"|(\S+)")
_ESCAPE = re.compile(r"\\(?:\*(?:\(..|\[[^\]\n]*\]|.)|f(?:\(..|\[[^\]\n]*\]|.)|[&|^/,])")
_DEFINITION = re.compile(r"^[.']\s*(?:de1?|ig|am)\b.*\n(?:.*\n)*?[.']\s*\.\s*$", re.MULTILINE)
_SYSTEM = re.compile(r"^\.Os\b.*$", re.MULTILINE)
_LONE_END = re.compile(r"^[.']\s*\.\s*$", re.MULTILINE)
_INCLUDED = re.compile(r"^[.']\s*so[ \t]+(\S+).*$", re.MULTILINE)


def read_manual_page(source: Source) -> Iterator[Element]:
    """Name and section of a page, its headings, paragraphs, items, tables and examples. A page that it stands for is named."""
    text = decode_text(source.stream.read()).replace("\r\n", "\n")
    title = _TITLE.search(text)
    if title:
        yield from _title(title[1])
    mended = _INCLUDED.sub(r"\1", text)
    if _MDOC.search(text):
        yield from marked_up(source, "mdoc", _LONE_END.sub("", _SYSTEM.sub(".Os", _DEFINITION.sub("", mended))))
    else:
        yield from marked_up(source, "man", mended)


def _title(arguments: str) -> Iterator[Element]:
    """``LS(1)`` from what stands at the top of each page, and what stands beside it there and at its foot."""
    told = [_ESCAPE.sub("", quoted or plain).replace("\\-", "-") for quoted, plain in _ARGUMENT.findall(arguments)]
    name, section, *rest = [*told, "", ""]
    yield Element("Title", f"{name}({section})" if section else name)
    if any(rest):
        yield Element("NarrativeText", ", ".join(filter(None, rest)))

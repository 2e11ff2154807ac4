"""Markup that Pandoc knows: reStructuredText, Org, RTF and EPUB, by way of HTML.

Belongs here: calling the packaged binary of Pandoc, and what must be mended before. Not here: HTML.
Pandoc runs in its sandbox mode: it reads nothing but what it is given.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.html import html_elements
from rag_pipeline.ingestion.extract.office_file import check_archive
from rag_pipeline.ingestion.extract.programs import run_program
from rag_pipeline.ingestion.extract.rtf import rtf_for_pandoc
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_RST_INCLUDE = re.compile(r"^([ \t]*)\.\. ((?:literal)?include::.*)$", re.MULTILINE)
_ORG_INCLUDE = re.compile(r"^[ \t]*#(\+INCLUDE:.*)$", re.MULTILINE | re.IGNORECASE)
_BACK_REFERENCE = "↩︎"


def read_restructured_text(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, directives. What it includes is not read; the line that includes it is kept as text."""
    text = _RST_INCLUDE.sub(lambda line: f"{line[1]}\n{line[1]}``{line[2]}``\n", decode_text(source.stream.read()))
    yield from _elements("rst", text.encode())


def read_org(source: Source) -> Iterator[Element]:
    """Headings, paragraphs, lists, tables, blocks. What it includes is not read; the line that includes it is kept as text."""
    text = _ORG_INCLUDE.sub(lambda line: f"\n={line[1]}=\n", decode_text(source.stream.read()))
    yield from _elements("org", text.encode())


def read_rtf(source: Source) -> Iterator[Element]:
    """Paragraphs, lists, tables, footnotes, headers and footers, in any code page."""
    yield from _elements("rtf", rtf_for_pandoc(source.stream.read()))


def read_epub(source: Source) -> Iterator[Element]:
    """The chapters in reading order.

    Raises:
        DocumentError: ``damaged``, ``too_large``, or ``password_protected`` when the publisher encrypted it.
    """
    content = source.stream.read()
    archive = check_archive(io.BytesIO(content))
    if "META-INF/rights.xml" in archive or "META-INF/license.lcpl" in archive:
        message = "The book is encrypted by its publisher (DRM) and opens only in the reader it was bought for."
        raise DocumentError("password_protected", message)
    yield from _elements("epub", content)


def _elements(markup: str, content: bytes) -> Iterator[Element]:
    import pypandoc

    command = [pypandoc.get_pandoc_path(), "--sandbox", f"--from={markup}", "--to=html5", "--wrap=none", "--quiet", "--mathjax"]
    page = run_program(command, content).decode("utf-8", "replace").replace(_BACK_REFERENCE, "")
    yield from html_elements(clean_text(page))

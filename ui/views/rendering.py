"""Untrusted text to safe HTML: what a language model or a document says, with its citations as links.

Belongs here: escaping, Markdown, links in place of marks. Not here: which ``[n]`` are marks (the answer tells), the page around an
answer (``turns.py``).

Everything that could make a browser request something (images, links, HTML) is shown as it was written, never obeyed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from rag_pipeline.models import Citation, Hit, Mark

_CITATION = re.compile("\\[\ufdd0(\\d+)\ufdd1\\]")
"""A mark on its way through Markdown. Unicode sets these two characters aside for a program's own use: no text has them."""
_REQUESTING_RULES = ["image", "link", "autolink", "html_inline", "html_block", "reference"]
_LINE_BREAK = "&#10;"
"""Gradio's chat ends an HTML block at an empty line and reads what follows as Markdown; written like this no line is empty."""


def escape(text: str) -> str:
    """Text for an element or a quoted attribute, on one line; undecodable bytes of a file name are shown as they are."""
    printable = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return one_line(html.escape(printable))


def one_line(markup: str) -> str:
    """The same HTML without a line break in its source."""
    return markup.replace("\r\n", "\n").replace("\r", "\n").replace("\n", _LINE_BREAK)


def failure_html(title: str, message: str) -> str:
    """Something did not work: in words, and unlike anything else."""
    return f"<div class='failure' role='alert'><strong>{escape(title)}</strong><p>{escape(message)}</p></div>"


def passage_url(hit: Hit, page: int | None = None) -> str:
    """Where a passage is shown in its document; where it stands on several pages, ``page`` comes first."""
    first = f"?page={page}" if page and hit.page_first != hit.page_last else ""
    return f"/passages/{quote(hit.collection, safe='')}/{quote(hit.chunk_id, safe='')}{first}"


def page_label(hit: Hit, page: int | None = None) -> str:
    """``page 3``, ``pages 3–4``; empty where the format has no pages. ``page`` is the one of them that is meant."""
    if not hit.page_first:
        return ""
    if page:
        return f"page {page}"
    if hit.page_last and hit.page_last != hit.page_first:
        return f"pages {hit.page_first}–{hit.page_last}"
    return f"page {hit.page_first}"


def answer_html(text: str, citations: Sequence[Citation], marks: Sequence[Mark], *, markdown: bool) -> str:
    """An answer as HTML on one line.

    Args:
        text: as streamed; may be cut off anywhere.
        citations: what the numbers point at; a number without one stays text.
        marks: where they stand in the text; whatever else is in brackets stays as it is.
        markdown: whether a language model wrote the text. Quoted sentences are not Markdown: their ``#`` and ``*`` are the document's.
    """
    known = {citation.number: citation for citation in citations}
    text = _with_signs(text, marks)
    if markdown:
        return one_line(_without_signs(_markdown().render(text, {"citations": known})))
    paragraphs = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if paragraph.strip()]
    return "".join(f"<p class='plain'>{_with_links(paragraph, known)}</p>" for paragraph in paragraphs)


def _with_signs(text: str, marks: Sequence[Mark]) -> str:
    parts, end = [], 0
    for mark in marks:
        parts += [_bare(text[end : mark.start]), f"[\ufdd0{mark.number}\ufdd1]"]
        end = mark.end
    return "".join([*parts, _bare(text[end:])])


def _bare(text: str) -> str:
    return text.replace("\ufdd0", "\ufffd").replace("\ufdd1", "\ufffd")


def _without_signs(markup: str) -> str:
    """What Markdown reads as code has no links."""
    return markup.replace("\ufdd0", "").replace("\ufdd1", "")


def _with_links(text: str, citations: Mapping[int, Citation]) -> str:
    """Escaped text in which the marks link to their passages."""
    return _without_signs(_CITATION.sub(lambda found: _link(found, citations), escape(text)))


def _link(found: re.Match[str], citations: Mapping[int, Citation]) -> str:
    citation = citations.get(int(found[1]))
    return _mark(citation) if citation else found[0]


def _mark(citation: Citation) -> str:
    where = ", ".join(filter(None, (citation.hit.document, page_label(citation.hit, citation.page))))
    return (
        f"<a class='cite' href='{escape(passage_url(citation.hit, citation.page))}' target='_blank' title='{escape(where)}'"
        f" aria-label='Source {citation.number}: {escape(where)}'>{citation.number}</a>"
    )


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable(_REQUESTING_RULES)
    parser.add_render_rule("text", _render_text)
    return parser


def _render_text(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: MutableMapping[str, Any]) -> str:
    return _with_links(tokens[index].content, environment["citations"])

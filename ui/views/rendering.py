"""An answer as safe HTML: what a language model or a document says, with its citations as links.

Belongs here: Markdown, links in place of marks. Not here: which ``[n]`` are marks (the answer tells), how one looks
(``templates/citation.html``), the page around an answer (``turns.py``).

Everything that could make a browser request something (images, links, HTML) is shown as it was written, never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from rag_pipeline.models import Citation, Mark
from ui.views.citations import Source
from ui.views.environment import one_line, render

_CITATION = re.compile("\\[\ufdd0(\\d+)\ufdd1\\]")
"""A mark on its way through Markdown. Unicode sets these two characters aside for a program's own use: no text has them."""
_REQUESTING_RULES = ["image", "link", "autolink", "html_inline", "html_block", "reference"]


def answer_html(text: str, citations: Sequence[Citation], marks: Sequence[Mark], *, markdown: bool) -> Markup:
    """An answer as HTML on one line. The only markup that templates are given: Markdown's, which escapes all that is not its own.

    Args:
        text: as streamed; may be cut off anywhere.
        citations: what the numbers point at; a number without one stays text.
        marks: where they stand in the text; whatever else is in brackets stays as it is.
        markdown: whether a language model wrote the text. Quoted sentences are not Markdown: their ``#`` and ``*`` are the document's.
    """
    sources = {citation.number: Source.of(citation) for citation in citations}
    text = _with_signs(text, marks)
    shown = _markdown().render(text, {"sources": sources}) if markdown else _with_links(_quoted(text), sources)
    return Markup(_without_signs(one_line(shown)))  # noqa: S704  made by Jinja, and by Markdown that passes no HTML on


def _with_signs(text: str, marks: Sequence[Mark]) -> str:
    parts, end = [], 0
    for mark in marks:
        parts += [_bare(text[end : mark.start]), f"[\ufdd0{mark.number}\ufdd1]"]
        end = mark.end
    return "".join([*parts, _bare(text[end:])])


def _bare(text: str) -> str:
    return text.replace("\ufdd0", "\ufffd").replace("\ufdd1", "\ufffd")


def _without_signs(markup: str) -> str:
    """What Markdown reads as code has no links, and a number without a citation has none."""
    return markup.replace("\ufdd0", "").replace("\ufdd1", "")


def _quoted(text: str) -> str:
    paragraphs = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if paragraph.strip()]
    return render("quoted.html", paragraphs=paragraphs)


def _with_links(markup: str, sources: Mapping[int, Source]) -> str:
    """The marks in escaped text as links; one that points at nothing stays as it is."""
    return _CITATION.sub(lambda found: _link(sources[int(found[1])]) if int(found[1]) in sources else found[0], markup)


def _link(source: Source) -> str:
    return render("mark.html", source=source)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable(_REQUESTING_RULES)
    parser.add_render_rule("text", _render_text)
    return parser


def _render_text(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: MutableMapping[str, Any]) -> str:
    return _with_links(renderer.text(tokens, index, options, environment), environment["sources"])

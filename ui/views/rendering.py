"""An answer as safe HTML: what a language model or a document says, with its citations as links.

Belongs here: Markdown, links in place of marks. Not here: which ``[n]`` are marks (the answer tells), how one looks
(``templates/ask/citation.html``), the page around an answer (``turns.py``).

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

from rag_pipeline.models import Citation, Computed, Mark, Unverified
from ui.views.citations import Source
from ui.views.environment import one_line, render
from ui.views.language import gettext, message
from ui.views.language.formats import listed
from ui.views.language.told import told

_CITATION = re.compile("\\[\ufdd0(\\d+)\ufdd1\\]")
"""A mark on its way through Markdown. Unicode sets these characters aside for a program's own use: no text has them."""
_VERDICT = re.compile("\ufdd2(\\d+)\ufdd3([^\ufdd2-\ufdd4]*)\ufdd4")
_VERDICT_OPENS = re.compile("\ufdd2\\d+\ufdd3")
_OWN_SIGNS = dict.fromkeys(range(0xFDD0, 0xFDD5), "\ufffd")
_NO_SIGNS: dict[int, None] = dict.fromkeys(range(0xFDD0, 0xFDD5))
_PLAIN = re.compile(r"[^\W_](?:[\w .,%$€£¥/°²³’-]*[\w%$€£¥°²³])?")
"""Words that hold nothing that Markdown would take for its own."""
_OPERATIONS = (message("sum"), message("difference"), message("percent change"), message("share"))
"""By the names that verdicts have."""
_REQUESTING_RULES = ["image", "link", "autolink", "html_inline", "html_block", "reference"]


def answer_html(
    text: str, citations: Sequence[Citation], marks: Sequence[Mark], verdicts: Sequence[Unverified | Computed] = (), *, markdown: bool
) -> Markup:
    """An answer as HTML on one line. The only markup that templates are given: Markdown's, which escapes all that is not its own.

    Args:
        text: as streamed; may be cut off anywhere.
        citations: what the numbers point at; a number without one stays text.
        marks: where they stand in the text; whatever else is in brackets stays as it is.
        verdicts: what of the text the cited passages do not say, or what was calculated from them.
        markdown: whether a language model wrote the text. Quoted sentences are not Markdown: their ``#`` and ``*`` are the document's.
    """
    sources = {citation.number: Source.of(citation) for citation in citations}
    said = _Said(sources, verdicts)
    text = _with_signs(text, marks, verdicts)
    shown = _markdown().render(text, {"said": said}) if markdown else said.in_markup(_quoted(text))
    return Markup(_without_signs(one_line(shown)))  # noqa: S704  made by Jinja, and by Markdown that passes no HTML on


def _with_signs(text: str, marks: Sequence[Mark], verdicts: Sequence[Unverified | Computed]) -> str:
    """Signs in place of marks, around numbers with a verdict, and behind sentences with one: those may hold Markdown."""
    signs = [(mark.start, mark.end, f"[\ufdd0{mark.number}\ufdd1]") for mark in marks]
    for number, verdict in enumerate(verdicts):
        words = _bare(text[verdict.start : verdict.end])
        is_wrapped = not _is_sentence(verdict) and bool(_PLAIN.fullmatch(words))
        start = verdict.start if is_wrapped else verdict.end
        signs.append((start, verdict.end, f"\ufdd2{number}\ufdd3{words if is_wrapped else ''}\ufdd4"))
    parts, end = [], 0
    for start, last, sign in sorted(signs):
        parts += [_bare(text[end:start]), sign]
        end = max(end, last)
    return "".join([*parts, _bare(text[end:])])


def _bare(text: str) -> str:
    return text.translate(_OWN_SIGNS)


def _without_signs(markup: str) -> str:
    """What Markdown reads as code has no links, and a number without a citation has none."""
    return _VERDICT_OPENS.sub("", markup).translate(_NO_SIGNS)


def _quoted(text: str) -> str:
    paragraphs = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if paragraph.strip()]
    return render("ask/quoted.html", paragraphs=paragraphs)


class _Said:
    """What the signs in an answer stand for, as they are put into its markup."""

    def __init__(self, sources: Mapping[int, Source], verdicts: Sequence[Unverified | Computed]) -> None:
        self._sources, self._verdicts = sources, verdicts

    def in_markup(self, markup: str) -> str:
        """The signs in escaped text as links and remarks; a mark that points at nothing stays as it is."""
        return _VERDICT.sub(self._verdict, _CITATION.sub(self._link, markup))

    def _link(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return render("ask/mark.html", source=self._sources[number]) if number in self._sources else found[0]

    def _verdict(self, found: re.Match[str]) -> str:
        verdict = self._verdicts[int(found[1])]
        words = Markup(found[2])  # noqa: S704  was escaped as part of the text
        return render("ask/mark.html", words=words, remark=_remark(verdict), computed=isinstance(verdict, Computed))


def _is_sentence(verdict: Unverified | Computed) -> bool:
    return isinstance(verdict, Unverified) and verdict.kind == "sentence"


def _remark(verdict: Unverified | Computed) -> str:
    if isinstance(verdict, Unverified):
        return gettext("Not verified: {reason}", reason=told(verdict.reason))
    sources = "".join(f"[{number}]" for number in verdict.citations)
    operation = gettext(verdict.operation)
    return gettext("Calculated: the {operation} of {terms} {sources}", operation=operation, terms=listed(verdict.terms), sources=sources)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable(_REQUESTING_RULES)
    parser.add_render_rule("text", _render_text)
    return parser


def _render_text(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: MutableMapping[str, Any]) -> str:
    said: _Said = environment["said"]
    return said.in_markup(renderer.text(tokens, index, options, environment))

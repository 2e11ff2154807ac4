"""Descriptions of entries: plain text, or the tags that some calendars write into it.

Belongs here: tags of a few lines of text. Not here: web pages (``markup/html.py``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from rag_pipeline.ingestion.extract.calendar.content_lines import ContentLine, unescaped

_HIDDEN = re.compile(r"<(?:style|script|title)\b[^<>]*>[^<]*", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|li|/li|ul|/ul|ol|/ol|tr|/tr|h[1-6]|/h[1-6]|hr)\b[^<>]*>[^\S\n]*", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_LINK = re.compile(r"<a\b[^<>]{0,200}?href=[\"']?([^\"'<>\s]{1,2000})[^<>]{0,500}>([^<]{0,500})</a>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|body|blockquote|center|code|em|font|head|html|html-blob|i|img|link|meta|o:p|pre|s|small|span|strong|style|script|sub|sup|table|"
    r"tbody|td|th|thead|title|tt|u|!doctype)\b[^<>]*>|<!doctype[^<>]*>|<!--[^<>]*-->",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n\n\n+")


def description_of(described: Sequence[ContentLine], bare: Sequence[ContentLine]) -> str:
    """The text of an entry: its descriptions, another form of them only where there is none, and lines that are no property."""
    plain = [line for line in described if line.name == "DESCRIPTION"] or list(described[:1])
    said = [unescaped(line.value) for line in plain]
    return "\n\n".join(filter(None, (*map(without_tags, said), "\n".join(unescaped(line.value) for line in bare)))).strip()


def without_tags(text: str) -> str:
    """A description as it is shown; one without tags as it is. Where links lead is kept."""
    if not (_BREAK.search(text) or _LINK.search(text) or _TAG.search(text)):
        return text
    text = _LINK.sub(_linked, _HIDDEN.sub("", text))
    text = html.unescape(_TAG.sub("", _CELL.sub(" ", _BREAK.sub("\n", text))))
    return _BLANK_LINES.sub("\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()


def _linked(link: re.Match[str]) -> str:
    address, words = link[1].removeprefix("mailto:"), link[2].strip()
    return address if words in address else f"{words} ({address})"

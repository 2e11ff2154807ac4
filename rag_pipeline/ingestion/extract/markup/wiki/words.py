"""The words of wikitext without what marks them: templates, links, emphasis, tags (MediaWiki: Help:Formatting, Help:Links, Help:Templates).

Belongs here: marks within text. Not here: blocks (``reader``), tables.

What a template makes of its values is written elsewhere. So its values are kept, with their names where it stands as a block.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import partial

from rag_pipeline.ingestion.extract.markup.page import LINE_END

_DEEPEST = 40
"""Templates in templates; each level costs one pass over the page."""
_PARAMETER = re.compile(r"\{\{\{([^{}|]*)(?:\|([^{}]*))?\}\}\}")
_TEMPLATE = re.compile(r"(^[ \t]*)?\{\{([^{}]*)\}\}", re.MULTILINE)
_VALUES = re.compile(r"\|(?![^\[\]]*\]\])")
_NAMED = re.compile(r"\s*([\w .()/-]{1,60}?)\s*=(?!=)(.*)", re.DOTALL)
_MAGIC = re.compile(r"[A-Z]{4,}(?::|$)")
_OUTSIDE = re.compile(r"\[((?:https?:|ftp:|mailto:|irc:|news:)?//[^\s\[\]]*|mailto:[^\s\[\]]*)[ \t]*([^\[\]\n]*)\]")
_LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
_FILE = re.compile(
    r":?[^:|]{1,20}:[^|]*\.(?:jpe?g|png|svg|gif|tiff?|webp|og[agv]|webm|mp[34]|pdf|djvu|wav|flac|stl|xcf)\s*$", re.IGNORECASE
)
_FILE_OPTION = re.compile(
    r"\s*(?:thumb(?:nail)?|frame(?:d|less)?|border|left|right|cent(?:er|re)|none|upright(?:[ =][\d.]+)?|(?:\d+)?(?:x\d+)?px|baseline|sub|"
    r"super|top|text-top|middle|bottom|text-bottom|(?:link|page|class|lang|thumbtime|start|end|manualthumb)=.*)\s*",
    re.IGNORECASE,
)
_GALLERY_LINE = re.compile(
    r"^(?:[^\s:|\[\]]{1,20}:)[^|\n\[\]]{1,200}\.(?:jpe?g|png|svg|gif|tiff?|webp)(?:\|(.*))?$", re.IGNORECASE | re.MULTILINE
)
_CATEGORY = re.compile(r"\s*category\s*:", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}|simple|zh-[a-z-]{2,10}|be-x-old)\s*:\s*\S[^|]*$")
_LINE_END = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|center|blockquote|table|tr|ul|ol|dl|dd|dt|h[1-6]|poem|gallery|hr|section|references)\b[^<>]*>", re.IGNORECASE
)
_CELL_TAG = re.compile(r"</?t[dh]\b[^<>]*>", re.IGNORECASE)
_ITEM_TAG = re.compile(r"(?:(?<!\s)\s+)?<li\b[^<>]*>", re.IGNORECASE)
"""With the blank space before it, which is looked through once: from each of its signs anew would be quadratic."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_EMPHASIS = re.compile(r"'{2,5}")
_SWITCH = re.compile(r"__[A-Z]{3,30}__")


def with_values(text: str, in_line: bool = False) -> str:
    """The text with the values of its templates in their place; ``in_line``: none of them is a block."""
    for _ in range(_DEEPEST):
        before = text
        text = _TEMPLATE.sub(partial(_template_text, in_line), _PARAMETER.sub(lambda one: one[2] or "", text))
        if text == before:
            break
    return text.replace("{{", " ").replace("}}", " ")


def _template_text(in_line: bool, found: re.Match[str]) -> str:
    name, *values = _VALUES.split(found[2])
    name = name.strip()
    if name == "!":
        return "|"
    if name == "=":
        return "="
    if _MAGIC.match(name):
        return ""
    head, colon, first = name.partition(":")
    if colon and head.startswith("#"):
        return f"{found[1] or ''}{' '.join(values if head != '#tag' else values[:1]).strip()}"
    if colon and head.islower():
        return f"{found[1] or ''}{first}"
    told = [*_told(values)]
    if found[1] is not None and not in_line and any(called for called, _ in told):
        lines = [f"{called}: {value}" if called else value for called, value in told]
        return f"\n\n{LINE_END.join(lines)}\n\n"
    return f"{found[1] or ''}{', '.join(value for _, value in told)}"


def _told(values: list[str]) -> Iterator[tuple[str, str]]:
    """Name and text of each value that says something."""
    for value in values:
        named = _NAMED.match(value)
        text = (named[2] if named else value).strip().replace("\n", LINE_END)
        if text:
            name = named[1].strip() if named else ""
            yield "" if name.isdecimal() else name, text


def without_links(text: str, categories: list[str]) -> str:
    """The text of links in their place; what the page belongs to is added to the categories."""

    def text_of(found: re.Match[str]) -> str:
        target, *values = found[1].split("|")
        if _FILE.match(target) and not target.startswith(":"):
            return _described(values)
        if _CATEGORY.match(target):
            categories.append(target.partition(":")[2].strip())
            return ""
        if not values and _LANGUAGE.match(target):
            return ""
        return "|".join(values) if values and values[-1].strip() else target.strip().lstrip(":")

    text = _OUTSIDE.sub(lambda one: one[2] or one[1], text)
    for _ in range(_DEEPEST):
        before = text
        text = _LINK.sub(text_of, text)
        if text == before:
            break
    return text


def _described(values: list[str]) -> str:
    """What is said below a picture, or instead of it; a text of its own."""
    seen = [value for value in values if not _FILE_OPTION.fullmatch(value)]
    captions = [value for value in seen if not value.strip().startswith("alt=")]
    words = captions[-1:] or [value.strip().removeprefix("alt=") for value in seen[:1]]
    return f"\n\n{words[0].strip()}\n\n" if words and words[0].strip() else ""


def without_tags(text: str) -> str:
    """The text without HTML: lines, blocks and items of it become those of wikitext."""
    text = _GALLERY_LINE.sub(lambda one: f"\n{one[1] or ''}\n", text)
    text = _ITEM_TAG.sub("\n* ", _BLOCK_TAG.sub("\n\n", _LINE_END.sub(LINE_END, text)))
    return _TAG.sub("", _CELL_TAG.sub(" ", text))


def plain(text: str) -> str:
    """The text without emphasis and switches, its entities as characters."""
    return html.unescape(_SWITCH.sub("", _EMPHASIS.sub("", text))).replace("[[", "").replace("]]", "")

"""Bold letters of a web page that its styles make bold, marked by the tag for it.

Belongs here: ``font-weight`` in attributes and of classes. Not here: what is concluded from bold letters (``bold_headings.py``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_BOLD = frozenset(("bold", "bolder", "600", "700", "800", "900"))
_BLOCKS = ("p", "div", "table", "ul", "ol", "dl", "pre", "blockquote", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6")
_OF_A_CLASS = re.compile(r"(?:p|div|span|font)?\.([\w-]+)")
"""What depends on where an element stands is not told apart."""


def mark_bold(root: _Element) -> None:
    """Put the letters of bold ``p``, ``div``, ``span`` and ``font`` into ``b``: programs that save pages seldom use the tag.

    No element gets deeper by it that has others in it to get deeper, too: what is nested too deeply is cut off.
    """
    bold = {name for style in root.iter("style") for name in _bold_classes("".join(style.itertext()))}
    for element in list(root.iter("p", "div", "span", "font")):
        if _is_bold(element.get("style", "")) or not bold.isdisjoint(element.get("class", "").split()):
            _mark(element)


def _bold_classes(sheet: str) -> set[str]:
    rules = [rule.rpartition("{") for rule in sheet.split("}")]
    selectors = [selector.strip() for before, _, declared in rules if _is_bold(declared) for selector in before.split(",")]
    return {found[1] for selector in selectors if (found := _OF_A_CLASS.fullmatch(selector))}


def _is_bold(declarations: str) -> bool:
    said = [declaration.lower().partition(":") for declaration in declarations.split(";")]
    return any(name.strip() in ("font-weight", "font") and not _BOLD.isdisjoint(value.replace("!", " ").split()) for name, _, value in said)


def _mark(element: _Element) -> None:
    if next(element.iterdescendants(*_BLOCKS), None) is not None:
        return
    if element.tag in ("span", "font"):
        element.tag = "b"
        return
    inner = element.makeelement("b")
    inner.text, element.text = element.text, None
    inner.extend(list(element))
    element.append(inner)

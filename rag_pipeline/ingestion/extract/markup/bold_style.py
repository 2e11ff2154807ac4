"""Bold letters of a web page that its styles make bold, marked by the tag for it.

Belongs here: ``font-weight`` in attributes and of classes. Not here: what is concluded from bold letters (``bold_headings.py``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|bolder|[6-9]\d\d)\b|\bfont\s*:[^;]*\b(?:bold|[6-9]00)\b", re.IGNORECASE)
_BLOCKS = ("p", "div", "table", "ul", "ol", "dl", "pre", "blockquote", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6")
_CLASSES = re.compile(r"([^{}]*)\{([^{}]*)\}")
_CLASS = re.compile(r"(?:^|,)\s*(?:p|div|span|font)?\.([\w-]+)\s*(?=,|$)")
"""A rule for a class alone; what depends on where an element stands is not told apart."""


def mark_bold(root: _Element) -> None:
    """Put the letters of bold ``p``, ``div``, ``span`` and ``font`` into ``b``: programs that save pages seldom use the tag."""
    styles = " ".join("".join(style.itertext()) for style in root.iter("style"))
    bold = {name for selectors, rules in _CLASSES.findall(styles) if _BOLD.search(rules) for name in _CLASS.findall(selectors.strip())}
    for element in list(root.iter("p", "div", "span", "font")):
        if _BOLD.search(element.get("style", "")) or not bold.isdisjoint(element.get("class", "").split()):
            _mark(element)


def _mark(element: _Element) -> None:
    if next(element.iterdescendants(*_BLOCKS), None) is not None:
        return
    inner = element.makeelement("b")
    inner.text, element.text = element.text, None
    inner.extend(list(element))
    element.append(inner)

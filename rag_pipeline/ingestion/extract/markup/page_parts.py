"""Parts of a web page that are not its content: navigation, banners, link lists, and what the page hides.

Belongs here: decisions on a parsed page. Not here: parsing, tables, elements.

Careful on purpose: content that is lost is worse than a menu that is kept. A part goes only when its tag or role says what it is, or
when it is nearly all links, and never when little of the page would be left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTENT = ("main", "article")
"""Tags and roles of what a page is about (HTML Standard, 4.3.2 and 4.4.14; ARIA 1.2, 5.3.4); older pages have only the roles."""
_ROLES = ("navigation", "search", "menu", "menubar", "toolbar")
_EDGES = ("header", "footer", "aside")
_EDGE_ROLES = ("banner", "contentinfo", "complementary")
_CONSENT = re.compile(r"cookie[-_]?(?:banner|bar|consent|notice|popup|message)|(?:gdpr|consent)[-_]?(?:banner|popup|modal)|onetrust", re.I)
_LINK_LISTS = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|breadcrumbs?|share|sharing|social|related|sidebar|pager|pagination|toc|skip)(?:$|[\s_-])",
    re.I,
)
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|$))", re.I)
_MOSTLY_LINKS = 0.5
_LEAST_LEFT = 0.25
"""Where less of the page's letters would be left, it is a page of links, and they are its content."""


def drop_hidden(root: _Element) -> bool:
    """Remove what a page hides from its readers by its own markup; whether there was anything with words."""
    hidden = [element for element in root.iter("*") if element.get("hidden") is not None or _HIDDEN_STYLE.search(element.get("style", ""))]
    found = any(_letters(element) for element in hidden)
    for element in hidden:
        _remove(element)
    return found


def drop_boilerplate(root: _Element) -> None:
    """Remove navigation, site headers and footers, banners and link lists, unless little would be left."""
    holding = _holding_content(root)
    parts = {element: None for element in root.iter("*") if isinstance(element.tag, str) and _is_boilerplate(element, holding)}
    outermost = [part for part in parts if not any(ancestor in parts for ancestor in part.iterancestors())]
    letters = _letters(root)
    if letters - sum(map(_letters, outermost)) >= _LEAST_LEFT * letters:
        for part in outermost:
            _remove(part)


def _holding_content(root: _Element) -> dict[_Element, list[_Element]]:
    """What has the content of the page, or parts of it, in it. Looked for once: a page may have a hundred thousand elements."""
    holding: dict[_Element, list[_Element]] = {}
    for part in filter(_is_content, root.iter("*")):
        for ancestor in part.iterancestors():
            holding.setdefault(ancestor, []).append(part)
    return holding


def _is_boilerplate(element: _Element, holding: Mapping[_Element, Sequence[_Element]]) -> bool:
    tag, role = str(element.tag), element.get("role", "").lower()
    names = f"{element.get('id', '')} {element.get('class', '')}"
    if tag in ("html", "body") or _is_content(element):
        return False
    if _holds_content(holding.get(element, ()), beside=tag == "aside" or role == "complementary"):
        return False
    if role in _ROLES or _CONSENT.search(names):
        return True
    if tag == "nav" or _LINK_LISTS.search(names):
        return _link_share(element) > _MOSTLY_LINKS
    if (tag not in _EDGES and role not in _EDGE_ROLES) or any(map(_is_content, element.iterancestors())):
        return False
    return next(element.iterdescendants("h1"), None) is None and _link_share(element) > _MOSTLY_LINKS


def _holds_content(parts: Sequence[_Element], *, beside: bool) -> bool:
    """Whether the content of the page is among them. Beside the content, an article that is mostly links only points to another one;
    anywhere else it may be the page's own, a list of links with a wrapper whose class says ``has-sidebar``."""
    return any(not beside or "main" in (part.tag, part.get("role")) or _link_share(part) <= _MOSTLY_LINKS for part in parts)


def _is_content(element: _Element) -> bool:
    return element.tag in _CONTENT or element.get("role", "").lower() in _CONTENT


def _link_share(element: _Element) -> float:
    letters = _letters(element)
    return sum(map(_letters, element.iterdescendants("a"))) / letters if letters else 1.0


def _letters(element: _Element) -> int:
    return sum(len("".join(text.split())) for text in element.itertext())


def _remove(element: _Element) -> None:
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    tail = element.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)

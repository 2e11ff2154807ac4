"""Headings of an OpenDocument text that are only set in bold.

Belongs here: which paragraphs are bold by their styles. Not here: which of these are headings (``markup/bold_headings.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rag_pipeline.ingestion.extract.markup.bold_headings import LEVEL, Block, bold_headings

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _STYLE = (f"{{{_NAMESPACE}{name}:1.0}}" for name in ("text", "style"))
_WEIGHT = f"{{{_NAMESPACE}xsl-fo-compatible:1.0}}font-weight"
_PARAGRAPH = f"{_TEXT}p"
_BOLD = ("bold", "600", "700", "800", "900")

_Styles = Mapping[tuple[str, str], Any]
"""By family and name."""


def mark_bold_headings(texts: Iterable[_Element], styles: Iterable[_Element], words: Callable[[_Element], str]) -> None:
    """Make headings of the paragraphs that are some.

    Args:
        texts: what holds the blocks of a text.
        styles: of the document; of one family and name the last one holds.
        words: the text of a paragraph.
    """
    known = {(style.get(f"{_STYLE}family", ""), style.get(f"{_STYLE}name", "")): style for style in styles}
    for text in texts:
        elements = [(one, words(one) if one.tag == _PARAGRAPH else None) for one in _blocks(text)]
        filled = [(one, said) for one, said in elements if said != ""]
        blocks = [Block(said or "", said is not None and _is_bold(one, known), said is not None) for one, said in filled]
        for place in bold_headings(blocks):
            heading, _ = filled[place]
            heading.tag = f"{_TEXT}h"
            heading.set(f"{_TEXT}outline-level", str(LEVEL))


def _blocks(parent: _Element) -> Iterator[_Element]:
    for element in parent:
        if element.tag == f"{_TEXT}section":
            yield from _blocks(element)
        else:
            yield element


def _is_bold(paragraph: _Element, styles: _Styles) -> bool:
    """Whether all letters of a paragraph are."""
    weights = [weight for weight, text in _runs(paragraph, False, styles) if text.strip()]
    return bool(weights) and all(weights)


def _runs(element: _Element, above: bool, styles: _Styles) -> Iterator[tuple[bool, str]]:
    weight = _weight("paragraph" if element.tag == _PARAGRAPH else "text", element.get(f"{_TEXT}style-name"), styles)
    own = above if weight is None else weight
    yield own, element.text or ""
    for child in element:
        yield from _runs(child, own, styles)
        yield own, child.tail or ""


def _weight(family: str, name: str | None, styles: _Styles) -> bool | None:
    """Whether a style is bold; None where neither it nor those that it is based on say."""
    seen: set[str] = set()
    while name is not None and (style := styles.get((family, name))) is not None and name not in seen:
        seen.add(name)
        properties = style.find(f"{_STYLE}text-properties[@{_WEIGHT}]")
        if properties is not None:
            return str(properties.get(_WEIGHT)) in _BOLD
        name = style.get(f"{_STYLE}parent-style-name")
    return None

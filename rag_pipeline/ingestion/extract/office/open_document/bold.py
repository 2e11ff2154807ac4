"""Headings of an OpenDocument text that are only set in bold.

Belongs here: which paragraphs are bold by their styles. Not here: which of these are headings (``markup/bold_headings.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rag_pipeline.ingestion.extract.markup.bold_headings import LEVEL, Block, bold_headings

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _STYLE = (f"{{{_NAMESPACE}{name}:1.0}}" for name in ("text", "style"))
_WEIGHT = f"{{{_NAMESPACE}xsl-fo-compatible:1.0}}font-weight"
_PARAGRAPH = f"{_TEXT}p"
_BOLD = ("bold", "600", "700", "800", "900")


def mark_bold_headings(texts: Sequence[_Element], styles: Mapping[str, _Element], words: Callable[[_Element], str]) -> None:
    """Make headings of the paragraphs that are some.

    Args:
        texts: what holds the blocks of a text.
        styles: of the document, by name.
        words: the text of a paragraph.
    """
    for text in texts:
        blocks = [(one, _block(one, styles, words)) for one in _blocks(text) if one.tag != _PARAGRAPH or words(one)]
        for place in bold_headings([block for _, block in blocks]):
            heading = blocks[place][0]
            heading.tag = f"{_TEXT}h"
            heading.set(f"{_TEXT}outline-level", str(LEVEL))


def _block(element: _Element, styles: Mapping[str, _Element], words: Callable[[_Element], str]) -> Block:
    prose = element.tag == _PARAGRAPH
    return Block(words(element) if prose else "", prose and _is_bold(element, styles), prose)


def _blocks(parent: _Element) -> Iterator[_Element]:
    for element in parent:
        if element.tag == f"{_TEXT}section":
            yield from _blocks(element)
        else:
            yield element


def _is_bold(paragraph: _Element, styles: Mapping[str, _Element]) -> bool:
    """Whether all letters of a paragraph are."""
    weights = [weight for weight, text in _runs(paragraph, False, styles) if text.strip()]
    return bool(weights) and all(weights)


def _runs(element: _Element, above: bool, styles: Mapping[str, _Element]) -> Iterator[tuple[bool, str]]:
    weight = _weight(element.get(f"{_TEXT}style-name"), styles)
    own = above if weight is None else weight
    yield own, element.text or ""
    for child in element:
        yield from _runs(child, own, styles)
        yield own, child.tail or ""


def _weight(name: str | None, styles: Mapping[str, _Element]) -> bool | None:
    """Whether a style is bold; None where neither it nor those that it is based on say."""
    seen: set[str] = set()
    while name is not None and name in styles and name not in seen:
        seen.add(name)
        properties = styles[name].find(f"{_STYLE}text-properties[@{_WEIGHT}]")
        if properties is not None:
            return str(properties.get(_WEIGHT)) in _BOLD
        name = styles[name].get(f"{_STYLE}parent-style-name")
    return None

"""Numbers of the items of lists in web pages, where they say more than a count: ``(b)``, a list that goes on at 5, a value of its own.

Belongs here: which number an item has (HTML Standard, 4.4.5 and 4.4.8), and writing it before its words. Not here: lists that only count
their items from one, whose numbers nobody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_KINDS = {"a": "a", "A": "A", "i": "i", "I": "I"}
_STYLES = {"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A", "lower-roman": "i", "upper-roman": "I"}
_STYLE = re.compile(r"list-style(?:-type)?\s*:[^;]*?\b((?:lower|upper)-(?:alpha|latin|roman))\b", re.IGNORECASE)
_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,6})")
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_LARGEST_ROMAN = 3999
_BLOCKS = ("ol", "ul", "dl", "table")


def write_out_numbers(root: _Element) -> None:
    """Write the numbers of such lists before the words of their items."""
    for numbered in root.iter("ol"):
        items = list(numbered.iterchildren("li"))
        kind, numbers = _kind(numbered), list(_numbers(numbered, items))
        if kind or numbers != list(range(1, len(items) + 1)):
            for item, number in zip(items, numbers, strict=True):
                _write(item, f"{_label(number, kind)}. ")


def _kind(numbered: _Element) -> str:
    """The letter that stands for how its numbers are written; none for digits."""
    styled = _STYLE.search(numbered.get("style", ""))
    return _STYLES[styled[1].lower()] if styled else _KINDS.get(numbered.get("type", "").strip(), "")


def _numbers(numbered: _Element, items: list[_Element]) -> Iterator[int]:
    backwards = numbered.get("reversed") is not None
    number = _whole(numbered.get("start"), len(items) if backwards else 1)
    for item in items:
        number = _whole(item.get("value"), number)
        yield number
        number += -1 if backwards else 1


def _whole(said: str | None, default: int) -> int:
    found = _WHOLE.match(said or "")
    return int(found[1]) if found else default


def _label(number: int, kind: str) -> str:
    """In letters or Roman digits, where the number has such."""
    if kind in ("a", "A") and number > 0:
        label = ""
        while number:
            number, place = divmod(number - 1, 26)
            label = chr(ord("a") + place) + label
    elif kind in ("i", "I") and 0 < number <= _LARGEST_ROMAN:
        label = ""
        for value, digits in _ROMAN:
            label, number = label + digits * (number // value), number % value
    else:
        return str(number)
    return label.upper() if kind.isupper() else label


def _write(item: _Element, label: str) -> None:
    """Before the item's first words; before all that it holds where that is a list or a table."""
    from lxml import etree

    for event, element in etree.iterwalk(item, events=("start", "end")):
        if event == "start" and element.tag in _BLOCKS:
            break
        if event == "start" and (element.text or "").strip():
            element.text = label + (element.text or "").lstrip()
            return
        if event == "end" and element is not item and (element.tail or "").strip():
            element.tail = label + (element.tail or "").lstrip()
            return
    item.text = label + (item.text or "")

"""Markdown that others wrote, without what a program that shows it would fetch or run.

Belongs here: images and HTML (and links, where they are to be text too), with places in the text. Not here: text that is to be shown
letter by letter as it is (``citations.escaped``), what the app itself shows (``rendering``).

A backslash is put in only where an even number of them stands: behind an odd one it would take the escape from what is escaped.
"""

from __future__ import annotations

import re

_HELD_BACK = re.compile(r"(?<!\\)(?:\\*(?:<!?|!)|\\+)\Z")
"""What may begin something, or escape it, once the next letters are known."""
_FETCHING = r"(?<=!)(?=\[)|(?<!\\)(?:\\\\)*(?=<[A-Za-z/!?])"
_IMAGES_AND_HTML = re.compile(_FETCHING)
_LINKS_TOO = re.compile(rf"{_FETCHING}|(?<!\\)(?:\\\\)*(?=\][(\[:])")
"""CommonMark 0.31, 4.6, 6.3, 6.4, 6.6: HTML begins with ``<`` and a letter or ``/!?``; behind a link's text stands ``([:``."""


def without_fetching(text: str, *, links: bool = True) -> str:
    """The text with a backslash in each image and before each tag, and before the end of each link's text."""
    return (_LINKS_TOO if links else _IMAGES_AND_HTML).sub(lambda found: found[0] + "\\", text)


def moved(place: int, text: str) -> int:
    """Where a place of the text is once it is without images and HTML."""
    return place + sum(found.end() < place for found in _IMAGES_AND_HTML.finditer(text))


class WithoutFetching:
    """A text that comes in pieces, without images and HTML: together the same as the whole."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """What can be shown of it by now."""
        text = self._held + piece
        held = _HELD_BACK.search(text)
        end = held.start() if held else len(text)
        self._held = text[end:]
        return without_fetching(text[:end], links=False)

    def rest(self) -> str:
        """What was held back."""
        text, self._held = self._held, ""
        return without_fetching(text, links=False)

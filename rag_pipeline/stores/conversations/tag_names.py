"""What a tag may be, and when two are the same.

Belongs here: that, pure. Not here: which documents have which (``tags.py``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rag_pipeline.errors import RagError

LONGEST_TAG = 64
MOST_TAGS = 32
"""Of a document, and of a request."""
SEPARATOR = ","
_SHOWN = 40
_JOINERS = "\u200c\u200d"
"""Invisible, and yet a part of how Persian, Hindi and some emoji are written."""
_HIDDEN = ("Cc", "Cf", "Cs", "Co")
"""Unicode's categories of what cannot be seen: control characters, what turns the direction of a line, halves of characters."""


class TagError(RagError):
    """A text that cannot be a tag; the message says what to change."""

    code = "bad_tag"


def tag_of(text: str) -> str:
    """A text as a tag: composed (NFC), blanks at its ends taken off, those within made one. Upper and lower case stay.

    Raises:
        TagError: it is empty, longer than :data:`LONGEST_TAG` characters, or holds a comma or what cannot be seen.
    """
    tag = unicodedata.normalize("NFC", " ".join(text.split()))
    if not tag.strip(_JOINERS + " "):
        raise TagError("A tag is empty. Give it a letter or a number at least.")
    if len(tag) > LONGEST_TAG:
        raise TagError(f"The tag “{_beginning(tag)}…” has {len(tag):,} characters. Shorten it to {LONGEST_TAG}.")
    if SEPARATOR in tag:
        raise TagError(f"The tag “{_beginning(tag)}” holds a comma, which stands between tags. Give them one by one.")
    if any(_is_hidden(character) for character in tag):
        raise TagError(f"The tag “{_beginning(tag)}” holds a character that cannot be seen. Type it anew.")
    return tag


def tags_of(texts: Iterable[str]) -> dict[str, str]:
    """Key → tag of some texts, each tag once.

    Raises:
        TagError: one of them cannot be a tag, or they are more than :data:`MOST_TAGS`.
    """
    found: dict[str, str] = {}
    for text in texts:
        tag = tag_of(text)
        found.setdefault(key_of(tag), tag)
    if len(found) > MOST_TAGS:
        raise TagError(f"These are {len(found)} tags. Give at most {MOST_TAGS} at once.")
    return found


def key_of(tag: str) -> str:
    """By which tags are compared: without regard to case."""
    return unicodedata.normalize("NFC", tag.casefold())


def _beginning(tag: str) -> str:
    """Of a refused one, so that it can be shown."""
    return "".join("\ufffd" if _is_hidden(character) else character for character in tag[:_SHOWN])


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS

"""What others have named, as a terminal may be sent it.

Belongs here: making text harmless. Not here: what is said, drawing.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """A file name may hold line breaks and terminal escapes."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)

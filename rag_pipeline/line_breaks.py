"""What stands where a program broke a text into lines.

Belongs here: a blank or nothing, by the letters on both sides. Not here: whether it was a program that broke the line, or the writer.
"""

from __future__ import annotations

import re
import unicodedata

_WIDE = ("F", "H", "W")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc]")
_SOUTH_EAST_ASIAN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Thai, Lao, Burmese, Khmer: a blank ends a phrase there, and lines are broken between words, which have none."""
_BREAK = re.compile(r"([^\x00-\xff])[ \t]*\r?\n[ \t]*(?=([^\x00-\xff]))")


def between_lines(before: str, after: str) -> str:
    """A blank, or nothing where neither the end of a line nor the beginning of the next is written with blanks between words.

    Chinese and Japanese, by the East Asian width of the letters on both sides, Korean excepted (CSS Text Module Level 3, 4.1.3), and the
    languages of South-East Asia.
    """
    return "" if before and after and has_no_blanks(before[-1]) and has_no_blanks(after[0]) else " "


def without_breaks(text: str) -> str:
    """The text without line breaks at which nothing stands; all others are left."""
    return _BREAK.sub(lambda found: found[0] if between_lines(found[1], found[2]) else found[1], text)


def columns(text: str) -> int:
    """How wide a text is in letters of a typewriter: those of Chinese and Japanese are twice as wide as others (Unicode Annex 11)."""
    return len(text) if text.isascii() else len(text) + sum(unicodedata.east_asian_width(letter) in "FW" for letter in text)


def has_no_blanks(letter: str) -> bool:
    """Whether it is a letter or a mark of a language that writes no blanks between its words."""
    wide = unicodedata.east_asian_width(letter) in _WIDE and not _HANGUL.match(letter)
    return wide or _SOUTH_EAST_ASIAN.match(letter) is not None

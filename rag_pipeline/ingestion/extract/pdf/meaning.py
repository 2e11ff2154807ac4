"""Whether the characters that a PDF states are those that it shows.

Belongs here: what a page's text says of itself, and what OCR says of it. Not here: pages, pictures.

Fonts that came through PostScript often lose their tables of characters: the page shows ``Harbour``, its text says ``+DUERXU`` or
``✓✔✕✖✗✘✕``. Nothing in the file tells. Such a page looks like no language, and what OCR reads on it stands nowhere in its text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag_pipeline.ingestion.extract.pdf.layout import Line

_WITHOUT_MEANING = ("Cc", "Cn", "Co", "So")
"""Unicode's categories of what no text consists of: control characters, unassigned and private ones, pictures."""
_MOST_WITHOUT_MEANING = 0.1
"""Of 840 pages of manuals one has more, a chart of a font; of 9 pages that came through PostScript all but one."""
_VOWELS = "aeiouy"
_FEWEST_VOWELS = 0.2
"""Of the letters of a Latin text 0.3 to 0.5 are vowels; of those of a text that is shifted by its font .18."""
_LEAST_LETTERS = 100
_LONG_WORD, _LEAST_WORDS = 4, 5
_SAID = 0.25
"""Share of the words that OCR reads which a true text has too: most, less what OCR misreads."""
_ODD = re.compile(r"[^\w\s!-~]")
_LATIN = re.compile("[a-z]")
_WORD = re.compile(r"[^\W_]+")


def may_mean_nothing(text: str) -> bool:
    """Whether a page's text looks like no language. Asked of every page: only what is no plain letter is looked at one by one."""
    odd = sum(character == "\ufffd" or unicodedata.category(character) in _WITHOUT_MEANING for character in _ODD.findall(text))
    if odd > _MOST_WITHOUT_MEANING * len("".join(text.split())):
        return True
    return _has_few_vowels(text.casefold()) and _has_few_vowels(unicodedata.normalize("NFD", text.casefold()))


def _has_few_vowels(text: str) -> bool:
    letters = len(_LATIN.findall(text))
    return letters >= _LEAST_LETTERS and sum(map(text.count, _VOWELS)) < _FEWEST_VOWELS * letters


def is_said(read: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Whether what OCR reads on a page is what its text says. It is where OCR reads too little to tell."""
    words = _long_words(read)
    return len(words) < _LEAST_WORDS or len(words & _long_words(lines)) >= _SAID * len(words)


def _long_words(lines: Sequence[Line]) -> set[str]:
    return {word for line in lines for word in _WORD.findall(line.text.casefold()) if len(word) >= _LONG_WORD}

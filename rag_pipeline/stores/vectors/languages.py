"""Which language a text is in, told by its function words.

Belongs here: the engine's lists of stop words, by language. Not here: words as dimensions (``bm25.py``).

Small words tell languages apart in a single sentence already (Grefenstette 1995, "Comparing two language identification schemes").
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from itertools import islice

import qdrant_edge

ENGLISH = "English"
"""As the engine names it."""
MOST_WORDS = 50
"""Of a long text, so many words tell."""

_CODES = {
    "Arabic": "ar", "Azerbaijani": "az", "Basque": "eu", "Bengali": "bn", "Catalan": "ca", "Chinese": "zh", "Danish": "da",
    "Dutch": "nl", "English": "en", "Finnish": "fi", "French": "fr", "German": "de", "Greek": "el", "Hebrew": "he", "Hungarian": "hu",
    "Indonesian": "id", "Italian": "it", "Japanese": "ja", "Kazakh": "kk", "Nepali": "ne", "Norwegian": "no", "Portuguese": "pt",
    "Romanian": "ro", "Russian": "ru", "Slovene": "sl", "Spanish": "es", "Swedish": "sv", "Tajik": "tg", "Turkish": "tr",
}  # fmt: skip
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_MIXED = "Hinglish"
"""Holds the English list, so it says nothing against English."""


def language_of(text: str, fewest: int = 1) -> str | None:
    """The language, such as ``English``, that more of the text's words are function words of than of any other; None if no one has more.

    Only languages of which the engine knows the stop words, and of which there are at least ``fewest`` different ones in the text: in a
    list of names, ``Hon.`` is Swedish a hundred times.
    """
    counts = _counts(text).most_common(2)
    if not counts or counts[0][1] < fewest or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def languages_it_may_be(text: str) -> list[str]:
    """The languages that as many of the text's words are function words of, and more than of any other; none where no word is one."""
    counts = _counts(text)
    most = max(counts.values(), default=0)
    return [language for language, count in counts.items() if count == most]


def is_function_word(word: str, language: str | None) -> bool:
    """Whether a word, in capitals or not, is one of the function words of a language, such as ``English``."""
    return language in _languages_of(word.lower().replace("’", "'"))


def _counts(text: str) -> Counter[str]:
    words = {word[0].lower().replace("’", "'") for word in islice(_WORD.finditer(text), MOST_WORDS)}
    # Single letters are initials and items of lists; French has a dozen of them among its function words.
    return Counter(language for word in words if len(word) > 1 for language in _languages_of(word))


def code_of(language: str | None) -> str:
    """Of ISO 639-1; English's where the language is not known."""
    return _CODES.get(language or ENGLISH, "en")


@lru_cache(maxsize=1 << 17)
def _languages_of(word: str) -> tuple[str, ...]:
    if _of_all().embed_query(word).indices:  # most words are function words nowhere: one look instead of thirty
        return ()
    return tuple(language for language, model in _models().items() if not model.embed_query(word).indices)


@cache
def _of_all() -> qdrant_edge.Bm25:
    """Has no dimension for what is a function word of any of the languages."""
    names = {getattr(qdrant_edge.Language, name) for name in _models()}
    return qdrant_edge.Bm25(qdrant_edge.Bm25Config(stopwords=qdrant_edge.StopwordsSet(languages=names)))


@cache
def _models() -> dict[str, qdrant_edge.Bm25]:
    names = [name for name in dir(qdrant_edge.Language) if not name.startswith("_") and name != _MIXED]
    return {name: qdrant_edge.Bm25(qdrant_edge.Bm25Config(language=name.lower())) for name in names}

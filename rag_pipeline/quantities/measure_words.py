"""Words that belong to numbers: months, units, currencies and "million", from the Unicode locale data (CLDR) that Babel carries.

Belongs here: which word means what. Not here: reading numbers (``numbers.py``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

LANGUAGES = ("en", "de", "fr", "es")

_PLACE = re.compile(r"\{0\}|0+")
_WRITTEN_BESIDES = {"bn": 9, "mn": 6, "mm": 6, "m": 6, "tsd": 3, "thousands": 3, "billions": 9, "trillions": 12, "milliers": 3}
"""Powers of ten of spellings that the locale data has not."""


_OTHER_WORDS = ("in", "an", "at", "am", "as")
"""Mostly prepositions behind a number, though they are units too (inch, "an" is a year in French)."""
_SHORT, _IN_LANGUAGES = 2, 3
"""Letters of an abbreviation that is likelier a word ("to"), unless it is a unit in so many of the languages ("km")."""


def spelling(text: str) -> str:
    """One form for all ways to write a word: no case, no full stop at its end, plain blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("'", "").split()).rstrip(".")


@cache
def months() -> Mapping[str, int]:
    """Spelling → month, 1 to 12."""
    found: dict[str, int] = {}
    for locale in _locales():
        for form in locale["months"].values():
            for width in ("wide", "abbreviated"):
                found |= {spelling(name): month for month, name in form.get(width, {}).items() if isinstance(name, str)}
    return found


@cache
def scales() -> Mapping[str, frozenset[int]]:
    """Spelling → powers of ten that it may stand for: "billion" is 9 in English and 12 in French."""
    found: dict[str, set[int]] = {word: {power} for word, power in _WRITTEN_BESIDES.items()}
    for locale in _locales():
        for width in ("long", "short"):
            for count, power, word in _scale_words(locale["compact_decimal_formats"][width]):
                found.setdefault(word, set()).add(power - count + 1)
    return {word: frozenset(powers) for word, powers in found.items()}


def _scale_words(forms: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[int, int, str]]:
    """Digits before the word, zeros of the number, the word: of ``{"10000": "00 thousand"}`` 2, 4, thousand."""
    for form in forms.values():
        for number, pattern in form.items():
            written = str(getattr(pattern, "pattern", pattern))
            digits = written.count("0")
            if digits and (word := spelling(written.replace("0", ""))):
                yield digits, len(number) - 1, word


@cache
def units() -> Mapping[str, str]:
    """Spelling → the unit's name in CLDR: "km" and "Kilometer" are ``length-kilometer``. Single letters are left out."""
    found: dict[str, str] = {}
    short: Counter[str] = Counter()
    for locale in _locales():
        written = set()
        for name, forms in locale["unit_patterns"].items():
            for width in ("long", "short"):
                for form, pattern in forms.get(width, {}).items():
                    word = spelling(_PLACE.sub("", pattern)) if isinstance(pattern, str) and form != "per" else ""
                    if word not in _OTHER_WORDS and (len(word) > 1 or (word and not word.isalpha())):
                        found.setdefault(word, name)
                        written.add(word)
        short.update(word for word in written if len(word) <= _SHORT and word.isalpha())
    return {word: name for word, name in found.items() if word not in short or short[word] >= _IN_LANGUAGES}


@cache
def currencies() -> Mapping[str, str]:
    """Code or sign → sign: ``USD`` and ``US$`` are ``$``."""
    symbols = {code: str(sign) for code, sign in _locales()[0]["currency_symbols"].items()}
    signs = {sign: sign[-1] for sign in symbols.values() if unicodedata.category(sign[-1]) == "Sc"}
    return {**signs, **{code: signs.get(sign, code) for code, sign in symbols.items()}}


@cache
def _locales() -> list[Any]:
    from babel import localedata

    return [localedata.LocaleDataDict(cast("Any", localedata.load(language))) for language in LANGUAGES]

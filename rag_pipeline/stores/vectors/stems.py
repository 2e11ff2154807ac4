"""Words as the engine is to count them: stems of other languages than English, and what is written without blanks, cut.

Belongs here: letter forms, stems and stop words by script or language (the engine's: Snowball; Porter 2001). Not here: which language a
text is in (``languages.py``), dimensions and weights (``bm25.py``).

Where the script tells the language, what a word becomes depends on the word alone, so a question and a passage never disagree. Russian
stemming serves the other languages in Cyrillic letters too, as Arabic does Persian: the same word is cut the same way everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import qdrant_edge

_BEYOND_LATIN = re.compile("[\u0300-\u1fff\u2c00-\U0010ffff]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
"""Chinese, Japanese, Thai, Lao, Khmer and Burmese, which have no blanks, and Korean, whose particles are written with their word."""
LATIN_LANGUAGES = (
    "Danish", "Dutch", "Finnish", "French", "German", "Hungarian", "Italian", "Norwegian", "Portuguese", "Romanian", "Spanish", "Swedish",
    "Turkish",
)  # fmt: skip
"""Written in Latin letters, beside English: their stems count beside the words themselves, where a text's language can be told."""
_OURS = "ꙮ"
"""A letter that no text has, and that no stemmer knows."""
_SCRIPTS = {
    "russian": "\u0400-\u052f",
    "arabic": "\u0620-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u06ff\u0750-\u077f",
    "greek": "\u0370-\u03ff\u1f00-\u1fff",
    "unstemmed": "\u0900-\u0963\u0966-\u0dff",
}
"""The engine's stemmers by the letters that tell them. It has none for the last, other scripts of India, but words they have all the same,
where Python takes a vowel's sign for the end of a word."""
_SCRIPT = re.compile("|".join(f"(?P<{language}>[{letters}]+)" for language, letters in _SCRIPTS.items()))
_AND_THE = re.compile("^[وف](?=(?:[بك]?ال|لل)[\u0620-\u065f]{2})")
"""Arabic writes "and" and "so" with the next word, before an article that Snowball's stemmer then takes for letters of the word."""
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670\u093c\u094d\u09bc\u09cd\u0a3c\u0a4d\u0acd\u0c4d\u0ccd\u0d4d\u0640]")
"""Accents apart from their letter, vowel points, viramas: the engine would end a word there, and many write them or not."""
_ONE_LETTER = str.maketrans("ёЁیکہ", "еЕيكه")
"""Letters that are written one way or the other."""


def with_words_apart(text: str) -> str:
    """The text in which words of these scripts are what the engine is to count, with blanks between them. ASCII comes back as it is."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)  # also forms by place in a word, digits of full width, ligatures
    if not _BEYOND_LATIN.search(text):
        return text
    text = _UNSPACED.sub(lambda run: f" {' '.join(_characters_and_pairs(run[0]))} ", text.translate(_ONE_LETTER))
    return _SCRIPT.sub(_stem_by_script, _MARKS.sub("", text))


def _characters_and_pairs(run: str) -> list[str]:
    return [*run, *(run[start : start + 2] for start in range(len(run) - 1))]


def _stem_by_script(found: re.Match[str]) -> str:
    word, language = found[0], str(found.lastgroup)
    if language == "unstemmed":
        return f"{_OURS}{word.encode('utf-16-be').hex()}{_OURS}"
    return stem(_AND_THE.sub("", word) if language == "arabic" else word, language)


@lru_cache(maxsize=1 << 17)
def stem(word: str, language: str) -> str:
    """What stands for a word of one of these languages: the same for its forms, no word of any other language; empty for a stop word."""
    return " ".join(f"{_OURS}{language}{number}{_OURS}" for number in _model(language).embed_query(word).indices)


@cache
def _model(language: str) -> qdrant_edge.Bm25:
    return qdrant_edge.Bm25(qdrant_edge.Bm25Config(language=language.lower(), ascii_folding=True))

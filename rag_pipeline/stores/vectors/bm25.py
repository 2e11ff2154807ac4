"""Texts as BM25 sparse vectors: the one model that both engines use, so that their ranks agree.

Belongs here: how words become dimensions and weights. Not here: IDF, which the engines compute from the points they hold; what becomes of
a word before the engine sees it (``stems.py``), which language a text is in (``languages.py``).

Words are split, stemmed and weighted as English by the engine. A passage in another language that is written in Latin letters has the
stems of that language besides, in dimensions that no English text has: who asks in a few words, of which no language can be told, finds
what he writes as he writes it, and every form of it where the language can be told. Figures: docs/decisions/fusion.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from itertools import pairwise

import qdrant_edge

from rag_pipeline.models import SparseVector
from rag_pipeline.stores.vectors.contract import INDEX_SCHEMA
from rag_pipeline.stores.vectors.languages import ENGLISH, language_of, languages_it_may_be
from rag_pipeline.stores.vectors.stems import LATIN_LANGUAGES, stem, with_words_apart

_VERSION = 4
"""Raised when the same text gets another vector: words are made again then, and nothing is embedded again."""
_FUNCTION_WORDS = 4
"""Different ones that a passage has at least, or it is taken for English: its words count as they are written in any case."""
_WORD = re.compile(r"\w+")
_YEAR_WITHIN = re.compile(r"\b(?:([A-Za-z]{1,3})((?:19|20)\d\d)|((?:19|20)\d\d)([A-Za-z]{1,2}\d?)|([Ff][Yy])(\d\d))\b")
"""``FY2022``, ``2022Q4``, ``FY22``: who asks so means a year that is written with or without its letters elsewhere."""
_LATIN_WORD = re.compile(r"\b[a-z\u00df-\u024f]+\b")


@cache  # asked for each document; the package's version is read from a file
def model_fingerprint() -> str:
    """Changes when the same text may get another vector: our settings, or another release of the engine."""
    return f"{INDEX_SCHEMA}.{_VERSION}:{version('qdrant-edge-py')}"


def document_vector(text: str) -> SparseVector:
    """Term-frequency weights of a chunk's embedded text. Empty when it has no words."""
    language, apart = language_of(text, _FUNCTION_WORDS), _apart(text)
    if language in LATIN_LANGUAGES:
        apart = f"{apart} {' '.join(stem(word, language) for word in _LATIN_WORD.findall(apart.lower()))}"
    vector = _model().embed_document(apart)
    return SparseVector(list(vector.indices), list(vector.values))


def query_vector(text: str) -> SparseVector:
    """Weight 1 for each distinct stem that a question's words may have. Empty when it has no words, or stop words only."""
    ids = list(dict.fromkeys(word_id for word in question_words(text) for word_id in word))
    if _apart(text) != text:  # as an index has them whose words were made before, until they are made again
        ids = list(dict.fromkeys([*ids, *_model().embed_query(text).indices]))
    return SparseVector(ids, [1.0] * len(ids))


@lru_cache(maxsize=1 << 8)  # of one question several steps ask for them
def question_words(text: str) -> tuple[tuple[int, ...], ...]:
    """The dimensions that each word of a question may have in a passage, in the order of the question.

    The first is that of :func:`word_ids`, if the word has one there. Stop words of the
    languages that the question may be in have none, unless it may be English.
    """
    languages = _languages_asked_in(text)
    may_be = languages_it_may_be(text)
    kept = () if not may_be or ENGLISH in may_be else languages
    words = _WORD.findall(_apart(text).lower().replace("_", " "))
    return tuple(found for word in words if not _is_stop_word(word, kept) and (found := _alternatives(word, languages)))


def word_forms(text: str, question: str) -> set[int]:
    """:func:`word_ids` of a text, and those of its words' stems in the languages that a question may be in: ``Tisch``, ``Tische``."""
    languages = _languages_asked_in(question)
    return {one for word in _WORD.findall(with_words_apart(text).lower()) for one in _alternatives(word, languages)}


@lru_cache(maxsize=1 << 8)
def _languages_asked_in(question: str) -> tuple[str, ...]:
    """Those beside English whose stems count; all where none can be told."""
    may_be = languages_it_may_be(question)
    return tuple(one for one in may_be if one in LATIN_LANGUAGES) if may_be else LATIN_LANGUAGES


def _apart(text: str) -> str:
    """The text in which all words are what the engine is to count."""
    return _YEAR_WITHIN.sub(_year_apart, with_words_apart(text))


def _year_apart(found: re.Match[str]) -> str:
    one, other = filter(None, found.groups())
    return f"{one} {f'20{other}' if found[5] else other}"


def _is_stop_word(word: str, languages: Sequence[str]) -> bool:
    return bool(_LATIN_WORD.fullmatch(word)) and not all(stem(word, language) for language in languages)


@lru_cache(maxsize=1 << 14)
def _alternatives(word: str, languages: tuple[str, ...]) -> tuple[int, ...]:
    stems = [stem(word, language) for language in languages] if _LATIN_WORD.fullmatch(word) else []
    return tuple(dict.fromkeys(word_id for one in (word, *stems) for word_id in _ids_of(one)))


def word_ids(text: str) -> set[int]:
    """The dimensions of a text's words, in whatever language: equal for two words that are the same; English stop words have none."""
    return {word_id for word in _WORD.findall(with_words_apart(text).lower()) for word_id in _ids_of(word)}


def asked_ids(question: str) -> set[int]:
    """Those of :func:`word_ids` that a question asks for: without stop words of the language that it is in, where that can be told."""
    return {word[0] for word in question_words(question)} & word_ids(question)


def joined_words(question: str) -> dict[int, frozenset[int]]:
    """Two or three neighbouring words of a question written together, as a name of a file has them: ``bestbuy`` → ``best``, ``buy``."""
    words = [word for word in _WORD.findall(with_words_apart(question).lower()) if _first_id_of(word) is not None]
    runs = (words[start : start + length] for length in (2, 3) for start in range(len(words) - length + 1))
    return {joined: frozenset(filter(None, map(_first_id_of, run))) for run in runs if (joined := _first_id_of("".join(run))) is not None}


def word_pairs(text: str) -> set[tuple[int, int]]:
    """Words that follow one another, stop words left out, as pairs of :func:`word_ids` in the order of the text."""
    # No loop of Python's own: this runs over up to 100 passages for each question.
    return set(pairwise(filter(None, map(_first_id_of, _WORD.findall(with_words_apart(text).lower())))))


@lru_cache(maxsize=1 << 17)
def _ids_of(word: str) -> tuple[int, ...]:
    return tuple(_model().embed_query(_YEAR_WITHIN.sub(_year_apart, word)).indices)


@lru_cache(maxsize=1 << 17)
def _first_id_of(word: str) -> int | None:
    return next(iter(_ids_of(word)), None)


@cache
def _model() -> qdrant_edge.Bm25:
    return qdrant_edge.Bm25(qdrant_edge.Bm25Config(ascii_folding=True))

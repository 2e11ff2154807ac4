"""Whose question it is: what a question names that documents are named for, and the passages that speak of it.

Belongs here: reading that from a question, from names of documents and from their first headings, and which passage is the first by it.
Not here: other orders (``selection.py``), what is quoted (``quoting/extractive.py``), single words (``scoring.py``).

"How does Boeing's effective tax rate in FY2022 compare to FY2021?" is answered word for word by another company's report, which does not
say in each sentence whose rate it is. Measured: docs/decisions/fusion.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import lru_cache

from rag_pipeline.answering.retrieval.scoring import spoken_name
from rag_pipeline.answering.tuning import TUNING, Selection
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import joined_words, word_ids

_WORD = re.compile(r"\b(?!\w*\d\d)\d?[^\W\d_][^\W_]*\b")
"""With a letter, and with no number of two digits: a year names no document, ``3M`` does."""

Speaks = Callable[[Hit], bool]


def named_first(question: str, hits: Sequence[Hit], tuning: Selection = TUNING.selection) -> list[Hit]:
    """The hits, where one that speaks of what the question names comes first if it scores nearly as much as the best; others keep their
    places: a question that needs two documents mostly names only one of them."""
    speaks = speaks_of_what_is_named(question, hits)
    near = (hit for hit in hits if hit.score >= (1 - tuning.unnamed) * hits[0].score)
    first = next(filter(speaks, near), None)
    return [replace(first, score=hits[0].score), *(hit for hit in hits if hit is not first)] if first else list(hits)


def speaks_of_what_is_named(question: str, hits: Sequence[Hit]) -> Speaks:
    """Whether a passage, by its text, its headings or its document's name, speaks of what the question and names of documents name.

    All do where that is nothing.
    """
    named = _named(question, hits)
    return lambda hit: not named or _speaks(hit, named)


def may_speak_of_what_is_named(question: str, hits: Sequence[Hit], tuning: Selection = TUNING.selection) -> Speaks:
    """The same of a passage that has any name of the question, or whose document is spoken of by a passage that speaks of what is named.

    "Who directed the film by the author of X?": the author's page need not say X, and what is said of X says its name.
    """
    named = _named(question, hits)
    names = named | _capitalised(question)
    spoken = set().union(*(word_ids(hit.text) for hit in hits if named and _speaks(hit, named)))
    return lambda hit: not named or _speaks(hit, names) or any(len(one & spoken) > tuning.spoken * len(one) for one in _names_of(hit))


def _named(question: str, hits: Sequence[Hit]) -> set[int]:
    """The words with a capital letter that documents are named for.

    In a question without any, of all words those that only passages of these documents have: a name, not what a document is called.
    """
    subjects = set().union(*(one for hit in hits for one in _names_of(hit)))
    if names := _capitalised(question):
        return names & subjects
    asked = _together(_WORD.findall(question)) & subjects
    for hit in hits:
        if not asked:
            break  # most are said by the first passages already
        asked -= word_ids(hit.text).difference(*_names_of(hit))
    return asked


def _capitalised(question: str) -> set[int]:
    return _together([word for word in _WORD.findall(question) if word != word.lower()])


def _together(words: Sequence[str]) -> set[int]:
    """Words, and neighbours as they may be written in a document's name: ``bestbuy``."""
    text = " ".join(words)
    return word_ids(text) | joined_words(text).keys()


def _names_of(hit: Hit) -> tuple[AbstractSet[int], AbstractSet[int]]:
    """What a passage's document is named for: the words of its file's name, and of the heading above all others."""
    return _words_of(hit.document, *hit.heading_path[:1])


@lru_cache(maxsize=TUNING.caches.document_names)
def _words_of(document: str, heading: str = "") -> tuple[AbstractSet[int], AbstractSet[int]]:
    name, first = (frozenset(word_ids(" ".join(_WORD.findall(text)))) for text in (spoken_name(document), heading))
    return name, first


def _speaks(hit: Hit, names: AbstractSet[int]) -> bool:
    return any(names & one for one in _names_of(hit)) or not names.isdisjoint(word_ids(f"{hit.context}\n{hit.text}"))

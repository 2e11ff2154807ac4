"""What a reader is told where nothing answers: what was not found, what is nearest, what to try.

Belongs here: these words. Not here: when to refuse (``nearness.py``), how passages are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import asked_ids, word_ids

NOTHING_NEAR = "The documents do not seem to say anything about this."
NOT_FROM_DOCUMENTS = "What the language model wrote stands in none of the passages, so it is no answer."
WHAT_TO_TRY = "Try words that the documents would use, ask for one thing at a time, or look at the nearest passages."

_WORD = re.compile(r"\w[\w'’-]*")


def nothing_near(question: str, hits: Sequence[Hit], most: int, lacking: str = "") -> str:
    """The reason of a refusal, in plain words, with at most so many words and places named.

    ``lacking``: the kind of thing that would answer, where the passages have to do with the question and hold none.
    """
    missing = list(dict.fromkeys(_words_not_in(question, hits)))[:most]
    named = list(dict.fromkeys(map(_place, hits)))[:most]
    no_word = f"None of the passages found has {' or '.join(f'“{word}”' for word in missing)}." if missing else ""
    first = f"The passages found give no {lacking} that answers this." if lacking else NOTHING_NEAR
    return " ".join(filter(None, (first, no_word, f"Nearest: {'; '.join(named)}." if named else "", WHAT_TO_TRY)))


def _words_not_in(question: str, hits: Sequence[Hit]) -> Iterator[str]:
    held = set().union(*(word_ids(" ".join((hit.document, *hit.heading_path, hit.context, hit.text))) for hit in hits))
    asked = asked_ids(question)
    for word in _WORD.findall(question):
        ids = word_ids(word) & asked
        if ids and not ids & held:
            yield word


def _place(hit: Hit) -> str:
    return f"{hit.document}, page {hit.page_first}" if hit.page_first else hit.document

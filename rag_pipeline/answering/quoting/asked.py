"""A question as it is read: its words, and what kind of thing it asks for.

Belongs here: that reading. Not here: the patterns of kinds (``expected_kind.py``), what a sentence has of it (``sentence_scores.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rag_pipeline.answering.expected_kind import Kind, asks, expected_kind
from rag_pipeline.answering.retrieval.scoring import words_said
from rag_pipeline.stores.vectors.bm25 import question_words, word_forms, word_ids


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is read: with what was asked before it, where it is read with that."""

    read: str
    asking: str
    """What says what kind of thing is asked for."""
    kind: Kind | None
    words: Mapping[int, AbstractSet[int]]
    """Its words, each with all that a text may have for it in the languages that the question may be in."""
    own_words: AbstractSet[int]
    """Those that it adds to what was asked before; none where it is read alone."""

    def said(self, text: str) -> set[int]:
        """Those of its words that a text has."""
        return words_said(self.words, word_forms(text, self.read))


def asked_of(question: str, topic: str) -> Asked:
    """The question as it is read: by itself, or with the ``topic`` that was asked about before, which may be empty."""
    read = f"{question} {topic}".strip()
    asking = question if asks(question) else read
    # A fiscal year is a year: "FY23" is no nearer to "FY2022" for two letters that are rare among a few passages.
    fiscal = word_ids("FY")
    words = {word[0]: frozenset(word) for word in question_words(read) if not fiscal.issuperset(word)}
    own_words = {word[0] for word in question_words(question)} - word_forms(topic, read) if topic else set[int]()
    return Asked(read, asking, expected_kind(asking), words, own_words & words.keys())

"""What was found for a question: passages and their sentences, each with what makes it understandable, and the words of all.

Belongs here: reading them. Not here: cutting passages (``sentences/``), what they are worth (``sentence_scores.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from rag_pipeline.answering.expected_kind import asks
from rag_pipeline.answering.quoting.asked import Asked
from rag_pipeline.answering.retrieval.scoring import coverage, subject_of, word_rarity
from rag_pipeline.answering.sentences.segmentation import sentences_of
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.answering.tuning import Tuning
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import language_of


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a question."""

    asked: Asked
    hits: Sequence[Hit]
    sentences: Sequence[Sentence]
    said: Sequence[str]
    """Each sentence with what makes it understandable: its heading, the sentence it leans on, whose numbers a row has."""
    own_words: Sequence[AbstractSet[int]]
    """Those words of the question that are in ``said``."""
    words: Sequence[AbstractSet[int]]
    """The same with those that the passage's headings and its document's name say of all its sentences."""
    words_of_passages: Sequence[AbstractSet[int]]
    """Those of the question that each of the hits has."""
    covered: Sequence[float]
    """The share of the question's words that each sentence has, 0 to 1, rare ones counting more."""
    rarity: Mapping[int, float]
    """How much each word of the question tells, by how few of the passages have it."""
    rarity_of_own: Mapping[int, float]
    """The same of those that it adds to what was asked before."""


def found_for(asked: Asked, hits: Sequence[Hit], tuning: Tuning) -> Found:
    """The passages as they are read for a question, and the sentences of the first of them."""
    smoothing, known = tuning.ranking.inverse_frequency_smoothing, asked.words.keys()
    sentences = _read(hits[: tuning.quoting.passages], asked, tuning)
    said = [_understandable(sentence, sentences, hits) for sentence in sentences]
    passages, above = [asked.said(hit.text) for hit in hits], [asked.said(_said_above(hit)) for hit in hits]
    own = [asked.said(text) for text in said]
    words = [of_text | above[sentence.passage - 1] for of_text, sentence in zip(own, sentences, strict=True)]
    rarity_with_above = word_rarity(known, [held | named for held, named in zip(passages, above, strict=True)], smoothing)
    covered = [coverage(one, rarity_with_above) for one in words]
    rarity, rarity_of_own = (word_rarity(some, passages, smoothing) for some in (known, asked.own_words))
    return Found(asked, hits, sentences, said, own, words, passages, covered, rarity, rarity_of_own)


def _read(hits: Sequence[Hit], asked: Asked, tuning: Tuning) -> list[Sentence]:
    """The sentences of all passages; rows of a table without the columns that nobody asked for.

    One that adds no word to a question for more than yes or no is a question itself: what comes after it answers, as after a heading.
    """
    own = set().union(*asked.words.values()) if asks(asked.asking) else None
    read: list[Sentence] = []
    for number, hit in enumerate(hits, start=1):
        repeats = False
        for sentence in sentences_of(number, hit, tuning.segmentation):
            row = sentence.row and sentence.row.asked_for(asked.words.keys())
            sentence = replace(sentence, text=str(row), row=row) if row else sentence
            sentence = replace(sentence, leans=sentence.leans or (repeats and row is None))
            repeats = row is None and own is not None and word_ids(sentence.text) <= own
            read.append(replace(sentence, asks=sentence.asks or repeats))
    return read


def _understandable(sentence: Sentence, sentences: Sequence[Sentence], hits: Sequence[Hit]) -> str:
    if sentence.row:  # says nothing of whose numbers they are
        hit = hits[sentence.passage - 1]
        return " ".join(filter(None, (subject_of(hit.document), sentence.heading, sentence.text)))
    before = forerunner(sentence, sentences)
    return ": ".join(filter(None, (sentence.heading, f"{before.text} {sentence.text}" if before else sentence.text)))


def _said_above(hit: Hit) -> str:
    """What its document's name and its headings say of all sentences of a passage."""
    return " ".join((subject_of(hit.document), *hit.heading_path))


def forerunner(sentence: Sentence, sentences: Sequence[Sentence]) -> Sentence | None:
    """The sentence that one beginning with "It" or "They" refers to."""
    if not sentence.leans:
        return None
    return next((one for one in sentences if (one.passage, one.place) == (sentence.passage, sentence.place - 1)), None)


def following(sentence: Sentence, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The next sentence under the same heading: what happened is often told first, and then why."""
    after = (sentence.passage, sentence.place + 1, sentence.heading)
    return [one for one in sentences if (one.passage, one.place, one.heading) == after and one.row is None and not one.asks]


def may_share_words(question: str, hits: Sequence[Hit]) -> bool:
    """Whether one of the passages may be in the language of the question."""
    language = language_of(question)
    return any(language_of(hit.text) in (None, language) for hit in hits)

"""The fourth step without a language model: the sentences of the passages that answer best, each with its citation.

Belongs here: choosing sentences, and when to refuse. Not here: cutting passages (``sentences.py``), embedding, events.
The weights and thresholds are measured: docs/decisions/refusal.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rag_pipeline.answering.conversation.question import Vector
from rag_pipeline.answering.generation.citations import citations_for
from rag_pipeline.answering.generation.sentences import Sentence, sentences_of
from rag_pipeline.answering.retrieval.ranking import coverage, word_rarity
from rag_pipeline.embedding.embedder import Vectors
from rag_pipeline.models import Citation, Hit, Mark, Token
from rag_pipeline.stores.vectors.bm25 import word_ids

Embed = Callable[[Sequence[str]], Vectors]

PASSAGES = 5
"""Passages whose sentences are looked at."""

EMBEDDED_SENTENCES = 24
"""Sentences compared by meaning: those with most of the question's words. They take about 0.1 s on 2 cores."""

COSINE_WEIGHT, COVERAGE_WEIGHT, PASSAGE_WEIGHT = 0.45, 0.35, 0.2

LISTED_SHARE = 0.85
"""What the cosine of short lines that stand together counts: a menu has many words of a question and answers none."""

MOST_SENTENCES = 4
CLOSE_TO_BEST = 0.85
"""A further sentence is quoted when it scores at least this share of the best one's score."""

SAME_WORDS = 0.7
"""A sentence with this share of its words in one already quoted says nothing new."""

OWN_WORDS_SHARE = 0.5
"""A sentence answers a question that leans on the conversation if it has this share of the words that the question adds to it."""

CONVINCING_NEARNESS = 0.66
"""Least sum of the best sentence's cosine and half the best passage's score: keeps 95 % of the questions that the documents answer,
and refuses 97 % of those about something else; the whole curve is in docs/decisions/refusal.md."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The chosen sentences as an answer, and how near they come to the question."""

    text: str
    marks: tuple[Mark, ...]
    citations: tuple[Citation, ...]
    best_cosine: float
    best_score: float

    @property
    def nearness(self) -> float:
        """How near it comes to the question, from 0 to 1.5; an off-topic question shares neither meaning nor words."""
        return self.best_cosine + self.best_score / 2

    @property
    def convincing(self) -> bool:
        """Whether what was found has to do with the question at all."""
        return bool(self.text) and self.nearness >= CONVINCING_NEARNESS


@dataclass(frozen=True, slots=True)
class _Scored:
    sentence: Sentence
    words: AbstractSet[int]
    score: float


def extracted(
    question: str, question_vector: Vector, hits: Sequence[Hit], embed: Embed, own_words: AbstractSet[int] = frozenset()
) -> Extract:
    """The best one to four sentences of the hits, in reading order, each followed by its ``[n]``.

    With ``own_words`` only sentences that have enough of them: what a question says beyond the conversation that it is read with.
    """
    sentences = [sentence for number, hit in enumerate(hits[:PASSAGES], start=1) for sentence in sentences_of(number, hit)]
    said = [_understandable(sentence, sentences) for sentence in sentences]
    passages = [word_ids(hit.text) for hit in hits]
    rarity, rarity_of_own = word_rarity(word_ids(question), passages), word_rarity(own_words, passages)
    covered = [coverage(word_ids(text), rarity) for text in said]
    fit = [n for n in range(len(said)) if not own_words or coverage(word_ids(said[n]), rarity_of_own) >= OWN_WORDS_SHARE]
    likeliest = sorted(fit, key=lambda n: -covered[n])[:EMBEDDED_SENTENCES]
    cosines = [
        float(cosine) * (LISTED_SHARE if sentences[n].listed else 1.0)
        for n, cosine in zip(likeliest, embed([said[n] for n in likeliest]) @ question_vector if likeliest else (), strict=True)
    ]
    scored = [
        _Scored(sentences[n], word_ids(sentences[n].text), _score(cosine, covered[n], hits[sentences[n].passage - 1].score))
        for n, cosine in zip(likeliest, cosines, strict=True)
    ]
    quoted = _with_forerunners([one.sentence for one in _chosen(scored)], sentences)
    text, marks = _marked(quoted)
    return Extract(
        text=text,
        marks=marks,
        citations=_cited(quoted, hits),
        best_cosine=max(cosines, default=0.0),
        best_score=max((hit.score for hit in hits), default=0.0),
    )


def _marked(quoted: Sequence[Sentence]) -> tuple[str, tuple[Mark, ...]]:
    text, marks = "", []
    for sentence in quoted:
        text += f"{' ' if text else ''}{sentence.text} "
        mark = f"[{sentence.passage}]"
        marks.append(Mark(len(text), len(text) + len(mark), sentence.passage))
        text += mark
    return text, tuple(marks)


def _cited(quoted: Sequence[Sentence], hits: Sequence[Hit]) -> tuple[Citation, ...]:
    claims: defaultdict[int, list[str]] = defaultdict(list)
    for sentence in quoted:  # not read from the answer's text: a document may have marks like ours in its own
        claims[sentence.passage].append(sentence.text)
    return citations_for(claims, hits)


def tokens(extract: Extract) -> Iterator[Token]:
    """A finished answer in the pieces in which it is streamed: words with the blank before them, and marks."""
    end = 0
    for mark in extract.marks:
        yield from map(Token, pieces(extract.text[end : mark.start]))
        yield Token(extract.text[mark.start : mark.end], mark.number)
        end = mark.end
    yield from map(Token, pieces(extract.text[end:]))


def pieces(text: str) -> Iterator[str]:
    """Words with the blank before them."""
    start = 0
    for position, character in enumerate(text):
        if character.isspace() and position > start:
            yield text[start:position]
            start = position
    if text[start:]:
        yield text[start:]


def _score(cosine: float, covered: float, passage_score: float) -> float:
    return COSINE_WEIGHT * cosine + COVERAGE_WEIGHT * covered + PASSAGE_WEIGHT * passage_score


def _chosen(scored: Sequence[_Scored]) -> list[_Scored]:
    chosen: list[_Scored] = []
    for one in sorted(scored, key=lambda one: -one.score):
        if len(chosen) == MOST_SENTENCES or (chosen and one.score < CLOSE_TO_BEST * chosen[0].score):
            break
        if not any(_repeats(one.words, other.words) for other in chosen):
            chosen.append(one)
    return chosen


def _repeats(words: AbstractSet[int], quoted: AbstractSet[int]) -> bool:
    return len(words & quoted) >= SAME_WORDS * len(words)


def _forerunner(sentence: Sentence, sentences: Sequence[Sentence]) -> Sentence | None:
    """The sentence that one beginning with "It" or "They" refers to."""
    if not sentence.leans:
        return None
    return next((one for one in sentences if (one.passage, one.place) == (sentence.passage, sentence.place - 1)), None)


def _understandable(sentence: Sentence, sentences: Sequence[Sentence]) -> str:
    before = _forerunner(sentence, sentences)
    return f"{before.text} {sentence.text}" if before else sentence.text


def _with_forerunners(chosen: Sequence[Sentence], sentences: Sequence[Sentence]) -> list[Sentence]:
    """The chosen sentences in reading order, each after the one it refers to."""
    wanted = {one for sentence in chosen for one in (_forerunner(sentence, sentences), sentence) if one}
    return sorted(wanted, key=lambda sentence: (sentence.passage, sentence.place))

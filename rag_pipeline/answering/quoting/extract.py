"""Chosen sentences as an answer: its text, its marks, its citations, and the pieces in which it is streamed.

Belongs here: that form. Not here: which sentences are chosen (``choice.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_pipeline.answering.generation.citations import citations_for
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.models import Citation, Hit, Mark, Token


@dataclass(frozen=True, slots=True)
class Extract:
    """The chosen sentences as an answer, and how near they come to the question."""

    text: str
    marks: tuple[Mark, ...]
    citations: tuple[Citation, ...]
    nearness: float
    """See :class:`rag_pipeline.answering.quoting.nearness.Nearness`."""
    convincing: bool
    """Whether what was found has to do with the question, and can answer it."""
    lacking: str = ""
    """The kind of thing that would answer it, where what was found has to do with it and holds none."""
    ranked: tuple[Sentence, ...] = ()
    """All sentences that were compared with the question, the best first."""


def answer_of(quoted: Sequence[Sentence], hits: Sequence[Hit]) -> Extract:
    """Sentences as an answer that convinces, if there are any, whatever was asked."""
    text, marks = _marked(quoted)
    return Extract(text, marks, _cited(quoted, hits), float(bool(text)), bool(text))


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

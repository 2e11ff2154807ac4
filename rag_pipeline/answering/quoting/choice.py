"""Which of the sentences that answer best are quoted, and with which others.

Belongs here: that choice. Not here: their scores (``sentence_scores.py``), how they are written down (``extract.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag_pipeline.answering.expected_kind import asks_for_procedure, holds
from rag_pipeline.answering.quoting.found import Found, following, forerunner
from rag_pipeline.answering.quoting.procedure import announced_by, procedure_around
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.answering.tuning import Quoting, Tuning
from rag_pipeline.stores.vectors.bm25 import word_ids


@dataclass(frozen=True, slots=True)
class Scored:
    """A sentence and what it is worth to the question."""

    sentence: Sentence
    score: float


def quoted(scored: Sequence[Scored], found: Found, tuning: Tuning) -> list[Sentence]:
    """The steps around the best sentence where it is asked how something is done, or what it announces; else those that answer best.

    Args:
        scored: the best first.
        found: what they were found in.
        tuning: the limits.
    """
    if not scored:
        return []
    best, steps = scored[0].sentence, list[Sentence]()
    if lead := next((one for one in (best, forerunner(best, found.sentences)) if one and one.announces), None):
        steps = announced_by(lead, found.sentences, tuning.procedure)
    elif asks_for_procedure(found.asked.asking):
        steps = procedure_around(best, found.sentences, tuning.procedure)
    if best in steps and len(steps) > 1:
        return steps
    chosen = _with_forerunners(_answering_best(scored, tuning.quoting), found.sentences)
    if found.asked.kind == "reason" and not holds("reason", best.text, found.asked.read):
        after = chosen.index(best) + 1
        chosen = list(dict.fromkeys((*chosen[:after], *following(best, found.sentences), *chosen[after:])))
    return chosen


def _with_forerunners(chosen: Sequence[Sentence], sentences: Sequence[Sentence]) -> list[Sentence]:
    """The best of the chosen sentences first, the others in reading order, each after the one it refers to."""
    best, *others = [[one for one in (forerunner(sentence, sentences), sentence) if one] for sentence in chosen] or [[]]
    in_order = sorted((one for some in others for one in some), key=lambda sentence: (sentence.passage, sentence.place))
    return list(dict.fromkeys((*best, *in_order)))


def _answering_best(scored: Sequence[Scored], quoting: Quoting) -> list[Sentence]:
    """Those near to the best one that say something new, the best first."""
    chosen: list[Sentence] = []
    for one in scored:
        if len(chosen) == quoting.most_sentences or (chosen and one.score < quoting.close_to_best * scored[0].score):
            break
        if not any(_is_said(one.sentence, other, quoting) for other in chosen):
            chosen.append(one.sentence)
    return chosen


def _is_said(one: Sentence, other: Sentence, quoting: Quoting) -> bool:
    """Whether a sentence adds nothing to another one: it has the same words, or is a row of a table beside the total of that table."""
    row, total = one.row, other.row
    part = False
    if row and total and total.total and not row.total:
        part = (one.passage, row.table) == (other.passage, total.table)
    words = word_ids(one.text)
    return part or len(words & word_ids(other.text)) >= quoting.same_words * len(words)

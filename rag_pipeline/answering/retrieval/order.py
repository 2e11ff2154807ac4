"""The order of passages, from a question's candidates to what is shown: why one comes before another is read here first.

Belongs here: the course through the stages. Not here: what a stage does (each is a pure function of the module it is imported from),
its numbers (``tuning.py``), and where candidates come from (``retrieve.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag_pipeline.answering.expected_kind import is_elliptical
from rag_pipeline.answering.retrieval.reranking import Reread, is_close, reranked
from rag_pipeline.answering.retrieval.scoring import level_by_words, ranked
from rag_pipeline.answering.retrieval.second_look import fitting_both, put_together, second_question
from rag_pipeline.answering.retrieval.selection import interleaved, that_can_answer, varied, with_continuation, without_copies
from rag_pipeline.answering.retrieval.subjects import named_first
from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors import Candidate


@dataclass(frozen=True, slots=True)
class Sources:
    """What the stages ask for: the candidates of a text, at least so many; the passage after another one; a reranking model, if any.

    ``considered`` is told the passages of which some are chosen, each once.
    """

    candidates: Callable[[str, int], Sequence[Candidate]]
    following: Callable[[Hit], Hit | None]
    reread: Reread | None = None
    considered: Callable[[Sequence[Hit]], None] = lambda _: None


def in_order(question: str, sources: Sources, top_k: int, tuning: Tuning = TUNING) -> tuple[Hit, ...]:
    """The best ``top_k`` passages for one question, best first, ranks from 1."""
    depth = max(top_k, tuning.second_look.depth)
    candidates = sources.candidates(question, depth)
    level = level_by_words(question, candidates, tuning.ranking)
    found = ranked(question, candidates, depth, tuning.ranking)
    again = second_question(question, found[0], tuning.second_look) if found else None
    if again:
        others = sources.candidates(again, depth)
        found = put_together(found, ranked(again, others, depth, tuning.ranking), tuning.second_look)
        candidates = [*candidates, *others]
    distinct = named_first(question, without_copies(found), tuning.selection)
    sources.considered(distinct)
    if sources.reread and is_close(distinct, tuning.reranking):
        chosen = reranked(question, distinct, top_k, sources.reread, tuning.reranking)
    else:
        chosen = varied(distinct, top_k, tuning.selection, that_can_answer(question))
    return with_continuation(_at_level(chosen, candidates, level), sources.following, tuning.selection)


def _at_level(hits: Sequence[Hit], candidates: Sequence[Candidate], level: float) -> tuple[Hit, ...]:
    """Scores as refusal reads them; the order is not touched."""
    unseen = {candidate.passage.chunk_id for candidate in candidates if candidate.cosine is None}
    return tuple(replace(hit, score=level * hit.score) if hit.chunk_id in unseen else hit for hit in hits)


def all_in_order(
    questions: Sequence[str], with_topic: str, sources: Sources, top_k: int, tuning: Tuning = TUNING
) -> tuple[tuple[Hit, ...], str]:
    """The best ``top_k`` passages for a question and its sub-questions, which take turns, and for the question ``with_topic`` if given.

    And that again, where the question leans on it; empty where it stands alone, and is answered so. What says nothing by itself, like
    ``And in 2021?``, finds nothing alone that is worth a place.
    """
    found = [in_order(question, sources, top_k, tuning) for question in questions]
    topical = in_order(with_topic, sources, top_k, tuning) if with_topic else ()
    if topical and is_elliptical(questions[0]):
        found[0] = topical
    elif fitting := fitting_both(questions[0], found[0], topical, tuning.second_look):
        found[0] = put_together(found[0], fitting, tuning.second_look)[:top_k]
    else:
        with_topic = ""
    return interleaved(found, top_k), with_topic

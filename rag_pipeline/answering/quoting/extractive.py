"""The fourth step without a language model: the sentences of the passages that answer best, each with its citation.

Belongs here: the order of the steps, and when to refuse. Not here: each step, embedding, events, answers of a language model
(``generation/``). Measured: docs/decisions/refusal.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag_pipeline.answering.quoting.asked import asked_of
from rag_pipeline.answering.quoting.choice import Scored, quoted
from rag_pipeline.answering.quoting.extract import Extract, answer_of
from rag_pipeline.answering.quoting.found import found_for
from rag_pipeline.answering.quoting.meaning import Embed, meaning_of
from rag_pipeline.answering.quoting.nearness import nearness_of
from rag_pipeline.answering.quoting.sentence_scores import cosines_of, scores_by_words
from rag_pipeline.answering.retrieval.question_encoder import Vector
from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.models import Hit


def extracted(
    question: str,
    question_vector: Vector | None,
    hits: Sequence[Hit],
    embed: Embed,
    topic: str = "",
    tuning: Tuning = TUNING,
    *,
    reads: bool = True,
) -> Extract:
    """The best one to four sentences of the hits, the best first, the others in reading order, each followed by its ``[n]``.

    With a ``topic``, what was asked before, the question is read together with it, as is its vector: then only sentences answer that have
    enough of the words that it adds to that. What kind of thing it asks for, it alone says if it can. Without a vector of it, their
    nearness is what it mostly is for their words. ``reads``: whether the model that made it knows the question's writing.
    """
    found = found_for(asked_of(question, topic), hits, tuning)
    by_words, lacking = scores_by_words(found, tuning)
    ranked = sorted(by_words, key=lambda n: -by_words[n])[: tuning.quoting.embedded_sentences]
    meaning = meaning_of(embed, question_vector)
    nearness = nearness_of(found, ranked, tuning, meaning, reads=reads)
    cosines = cosines_of(found, ranked, nearness, meaning, tuning)
    scored = [Scored(found.sentences[n], by_words[n] + tuning.quoting.cosine * cosine) for n, cosine in cosines.items()]
    scored.sort(key=lambda one: -one.score)
    extract = answer_of(quoted(scored, found, tuning), hits)
    is_about_it = extract.convincing and nearness.is_enough(cosines.values())
    return replace(
        extract,
        nearness=nearness.of(cosines.values()),
        convincing=is_about_it and not lacking,
        lacking=lacking if is_about_it else "",
        ranked=tuple(one.sentence for one in scored),
    )

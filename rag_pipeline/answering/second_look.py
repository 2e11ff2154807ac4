"""A second search, for what the best passage names: questions whose answer needs two documents.

Belongs here: what to search for the second time, and putting both results together. Not here: searching (``retrieve.py``).

"Which label released the film by the director of X?" finds X, and X names the director. The names of the best passage are added to the
question and searched for once more (pseudo-relevance feedback, after Rocchio 1971, with names for terms), but only where that passage
leaves much of the question unsaid. Measured: docs/decisions/fusion.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import word_ids

DEPTH = 20
"""Passages of either search that are put together."""
WEIGHT = 0.9
"""What was found by way of another passage counts a little less than what the question found itself."""
SAID_BY_ONE = 0.7
"""A passage with this share of the question's words is what was asked for; looking further then costs time and finds noise."""
MOST_CHARACTERS = 300

_NAME = re.compile(r"[^\W\d_a-zß-ÿ][\w'’-]+(?: [^\W\d_a-zß-ÿ][\w'’-]+)*")


def second_question(question: str, best: Hit) -> str | None:
    """The question with the names in its best passage; None when that passage says most of it, or names nothing else."""
    asked = word_ids(question)
    if len(asked & word_ids(f"{best.context} {best.text}")) >= SAID_BY_ONE * len(asked):
        return None
    names = [name for name in dict.fromkeys(_NAME.findall(best.text)) if name.casefold() not in question.casefold()]
    return f"{question} {' '.join(names)[:MOST_CHARACTERS]}" if names else None


def put_together(first: Sequence[Hit], second: Sequence[Hit]) -> tuple[Hit, ...]:
    """Both results by score; nothing that only the second search found comes before the best of the first."""
    best = {hit.chunk_id: hit for hit in first}
    for hit in second:
        score = min(WEIGHT * hit.score, first[0].score)
        if hit.chunk_id not in best or best[hit.chunk_id].score < score:
            best[hit.chunk_id] = replace(hit, score=score)
    ordered = sorted(best.values(), key=lambda hit: (hit.chunk_id != first[0].chunk_id, -hit.score))
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1))

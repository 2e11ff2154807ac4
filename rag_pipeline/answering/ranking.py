"""The last word on the order of passages: fused rank, nearness in meaning, and how many of the question's words a passage has.

Belongs here: the score and its weights. Not here: where candidates come from (``retrieve.py``).

Reciprocal rank fusion alone loses to BM25 alone where one list is much better than the other; adding the cosine and the share of
the question's words beats both lists on every set that was measured, over a wide range of weights: docs/decisions/fusion.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors import Candidate, Fusion
from rag_pipeline.stores.vectors.bm25 import word_ids

FUSION = Fusion(k=2, dense_weight=1.0, text_weight=1.0)
PREFETCH = 100
"""How deep each list is read."""

CANDIDATES = 100
"""How many fused passages are scored. They are also the sample that tells rare words from common ones, so 50 measures a little worse."""

COSINE_WEIGHT, COVERAGE_WEIGHT, RANK_WEIGHT = 0.40, 0.45, 0.15
BEST_FUSED_SCORE = 1.0
"""First in both lists at k=2: 1/2 + 1/2."""


def ranked(question: str, candidates: Sequence[Candidate], top_k: int) -> tuple[Hit, ...]:
    """The best ``top_k`` candidates, best first, ranks from 1, scores from 0 to 1.

    Candidates may come from several collections: cosine and words mean the same in each, as long as the embedding model is one.
    """
    candidates = _without_repetitions(candidates)
    asked = word_ids(question)
    words = [candidate.words & asked for candidate in candidates]
    rarity = word_rarity(asked, words)
    scores = [_score(candidate, coverage(found, rarity)) for candidate, found in zip(candidates, words, strict=True)]
    order = sorted(range(len(candidates)), key=lambda n: (-scores[n], candidates[n].hit.rank))[:top_k]
    return tuple(replace(candidates[n].hit, rank=rank, score=scores[n]) for rank, n in enumerate(order, start=1))


def word_rarity(asked: AbstractSet[int], passages: Sequence[AbstractSet[int]]) -> dict[int, float]:
    """How much each word of a question tells among the passages: BM25's IDF, with the passages at hand for a corpus."""
    having = Counter(word for passage in passages for word in passage if word in asked)
    return {word: math.log(1 + (len(passages) - having[word] + 0.5) / (having[word] + 0.5)) for word in asked}


def coverage(found: AbstractSet[int], rarity: Mapping[int, float]) -> float:
    """The share of the question's words that are ``found``, rare words counting more; 0 when the question has none."""
    total = sum(rarity.values())
    return sum(weight for word, weight in rarity.items() if word in found) / total if total else 0.0


def _without_repetitions(candidates: Sequence[Candidate]) -> list[Candidate]:
    """What a document says in the same words more than once counts once, at its first place, with the best score of them."""
    first: dict[tuple[str, str, str], Candidate] = {}
    for candidate in candidates:
        hit = candidate.hit
        same = first.setdefault((hit.collection, hit.document, hit.text), candidate)
        earlier = min(same.hit, hit, key=lambda one: one.position)
        best = replace(earlier, score=max(same.hit.score, hit.score), rank=min(same.hit.rank, hit.rank))
        first[hit.collection, hit.document, hit.text] = Candidate(best, max(same.cosine, candidate.cosine), same.words)
    return list(first.values())


def _score(candidate: Candidate, covered: float) -> float:
    fused = candidate.hit.score / BEST_FUSED_SCORE
    return COSINE_WEIGHT * max(0.0, candidate.cosine) + COVERAGE_WEIGHT * covered + RANK_WEIGHT * fused

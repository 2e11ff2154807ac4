"""What a whole document says, without a language model: sentences that stand for its passages, in reading order, each with its citation.

Belongs here: choosing them. Not here: which questions ask so (``whole_document.py``), which passages stand for a document
(``retrieval/retrieve.py``), other answers (``extractive.py``).

Of the first sentences of each passage those nearest to the mean of all in meaning, none like another: centroid-based summarization
(Radev, Jing, Styś and Tam 2004) with the redundancy rule of maximal marginal relevance (Carbonell and Goldstein 1998). Without vectors,
the first of each passage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from rag_pipeline.answering.quoting.extract import Extract, answer_of
from rag_pipeline.answering.quoting.meaning import Embed
from rag_pipeline.answering.sentences.segmentation import sentences_of
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.answering.tuning import TUNING, Tuning
from rag_pipeline.models import Hit

_WHOLE = re.compile(r"^[\"“„«'‘(]*\w.*[.!?。！？।؟][\"”“»'’)\]]*$", re.DOTALL)
"""Begins with a word, not with the sign of a list, and has an end."""


def outlined(hits: Sequence[Hit], embed: Embed | None, tuning: Tuning = TUNING) -> Extract:
    """A few sentences of the passages of a document, in reading order; a refusal where they hold none.

    Raises:
        EmbeddingServerError: as ``embed``.
    """
    said = [sentences_of(number, hit, tuning.segmentation) for number, hit in enumerate(hits, start=1)]
    leads = [[one for one in some if _tells_by_itself(one, tuning)] for some in said]
    most = max(1, tuning.quoting.embedded_sentences // max(1, len(hits)))
    telling = [one for some in (leads if any(leads) else said) for one in some[:most]]
    chosen = _central(telling, embed, tuning) if embed and telling else _first_of_each(telling)
    return answer_of(sorted(chosen[: tuning.outline.sentences], key=lambda one: (one.passage, one.place)), hits)


def _tells_by_itself(sentence: Sentence, tuning: Tuning) -> bool:
    whole = len(sentence.text) >= tuning.outline.shortest_characters and _WHOLE.search(sentence.text) is not None
    return whole and not (sentence.row or sentence.asks or sentence.listed or sentence.leans)


def _central(sentences: Sequence[Sentence], embed: Embed, tuning: Tuning) -> list[Sentence]:
    vectors = np.asarray(embed([one.text for one in sentences]))
    order = np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable")
    kept: list[int] = []
    for place in map(int, order):
        if len(kept) < tuning.outline.sentences and all(vectors[place] @ vectors[other] < tuning.outline.most_alike for other in kept):
            kept.append(place)
    return [sentences[place] for place in kept]


def _first_of_each(sentences: Sequence[Sentence]) -> list[Sentence]:
    first: dict[int, Sentence] = {}
    for one in sentences:
        first.setdefault(one.passage, one)
    return list(first.values())

"""How near what was found comes to the question: what refusing is decided by.

Belongs here: that number, with vectors, without, and in other languages than the model's. Not here: which sentences are quoted
(``choice.py``), what is said then (``refusal.py``). Tables: docs/decisions/refusal.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from rag_pipeline.answering.expected_kind import part_and_whole
from rag_pipeline.answering.quoting.found import Found, may_share_words
from rag_pipeline.answering.quoting.meaning import Meaning
from rag_pipeline.answering.retrieval.scoring import coverage, score_once_seen
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.answering.tuning import Quoting, Ranking, Refusal, Tuning
from rag_pipeline.models import Hit
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline.stores.vectors.languages import ENGLISH, language_of


@dataclass(frozen=True, slots=True)
class Nearness:
    """``start`` is what is known before sentences are compared; ``least`` convinces. ``is_settled``: nothing is added to ``start``."""

    start: float
    least: float
    is_settled: bool

    def of(self, cosines: Iterable[float]) -> float:
        """The nearness of all, given the cosines of sentences and question."""
        return self.start if self.is_settled else self.start + max(cosines, default=0.0)

    def is_enough(self, cosines: Iterable[float]) -> bool:
        """Whether the documents have to do with the question at all."""
        return self.of(cosines) >= self.least


def nearness_of(found: Found, ranked: Sequence[int], tuning: Tuning, meaning: Meaning | None, *, reads: bool) -> Nearness:
    """The nearness of what was found, by the sentences at the places that are ``ranked`` first.

    ``reads``: whether the model that made the question's vector knows its writing.
    """
    hits, sentences = found.hits, found.sentences
    if meaning is None:
        return nearness_by_words(hits, found.rarity, (found.said[n] for n in ranked), tuning.refusal)
    if is_elsewhere(found.asked.read, hits, reads=reads):
        return nearness_elsewhere(hits, (coverage(found.words[n], found.rarity) for n in ranked), tuning.refusal)
    weighed = _without_weight_of_names(_as_seen(hits, meaning, tuning.ranking), sentences, tuning.quoting)
    return nearness_by_vectors(weighed, found.words_of_passages, found.rarity, tuning.refusal, apart=_are_apart(found))


def nearness_by_vectors(
    hits: Sequence[Hit], words: Sequence[AbstractSet[int]], rarity: Mapping[int, float], refusal: Refusal, *, apart: bool
) -> Nearness:
    """The best passage's score, less what it owes to the mere words of the question; the best sentence's cosine comes to it.

    Args:
        hits: with their scores.
        words: those of each hit.
        rarity: how much each word of the question tells.
        refusal: the weights.
        apart: nowhere in one sentence stands both what is asked for and what it is asked of.
    """
    best = max(range(len(hits)), key=lambda n: hits[n].score, default=None)
    passage = 0.0 if best is None else refusal.passage * hits[best].score - refusal.coverage * coverage(words[best], rarity)
    return Nearness(passage - refusal.apart * apart, refusal.convincing, is_settled=False)


def nearness_by_words(hits: Sequence[Hit], asked: Collection[int], said: Iterable[str], refusal: Refusal) -> Nearness:
    """The best passage's score, and how many of the words that were ``asked`` stand together in one of the sentences ``said``."""
    enough = min(refusal.words_together, len(asked))
    most = max((len(word_ids(text).intersection(asked)) for text in said), default=0)
    together = refusal.together * refusal.words_together * min(most, enough) / enough if enough else 0.0
    return Nearness(max((hit.score for hit in hits), default=0.0) + together, refusal.convincing_by_words, is_settled=True)


def nearness_elsewhere(hits: Sequence[Hit], covered: Iterable[float], refusal: Refusal) -> Nearness:
    """The best passage's score, and the most of the question's words that one sentence has, in a language that the model was not made
    for: to it all sentences of one are near each other.

    Args:
        hits: with their scores.
        covered: the share of the question's words that each sentence has, 0 to 1.
        refusal: the weights.
    """
    best = max((hit.score for hit in hits), default=0.0)
    return Nearness(best + refusal.elsewhere_coverage * max(covered, default=0.0), refusal.convincing_elsewhere, is_settled=True)


def is_elsewhere(question: str, hits: Sequence[Hit], *, reads: bool) -> bool:
    """Whether the question is in another language than that which small models are made for, and the best passage in the same.

    A passage tells its language more surely than a question does.

    Args:
        question: as it was searched for.
        hits: with their scores.
        reads: whether the model knows the writing of the question at all.
    """
    best = max(hits, key=lambda hit: hit.score, default=None)
    of_passage = language_of(best.text) if best else None
    return not reads or (of_passage not in (None, ENGLISH) and language_of(question) in (None, of_passage))


def _are_apart(found: Found) -> bool:
    """Whether no sentence has both what is asked for and what it is asked of, though they are in the question's language.

    A form, a card or a table does not say with each label what it belongs to. Names one after the other say nothing of each other.
    """
    asked = part_and_whole(found.asked.asking)
    if asked is None or not may_share_words(found.asked.asking, found.hits):
        return False
    part, whole = asked
    spoken = zip(found.sentences, found.said, found.words, strict=True)
    if any(part.search(said) and whole & words for sentence, said, words in spoken if not sentence.names):
        return False
    return not any(part.search(label) for sentence in found.sentences for label in sentence.labels)


def _as_seen(hits: Sequence[Hit], meaning: Meaning, ranking: Ranking) -> Sequence[Hit]:
    """The hits; the scores of those that have no vector yet brought to the scale of the others by the best one, whose meaning is looked at.

    What words promise is no sign that a passage has to do with the question: that is what is asked here.
    """
    best = max(hits, key=lambda hit: hit.score, default=None)
    if best is None or best.parts is None or best.parts.meaning is not None or not best.score:
        return hits
    scale = score_once_seen(best.parts, meaning([best.text])[0], ranking) / best.score
    return [replace(hit, score=scale * hit.score) if hit.parts and hit.parts.meaning is None else hit for hit in hits]


def _without_weight_of_names(hits: Sequence[Hit], sentences: Sequence[Sentence], quoting: Quoting) -> list[Hit]:
    """The hits; one that is nothing but names has their words, and says less of them than its score tells."""
    said = defaultdict(list)
    for sentence in sentences:
        said[sentence.passage].append(sentence.names)
    return [replace(hit, score=hit.score * quoting.listed) if all(said.get(n, [False])) else hit for n, hit in enumerate(hits, start=1)]

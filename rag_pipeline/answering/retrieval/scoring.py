"""The score of single passages: fused rank, nearness in meaning, and how much of the question's words a passage and its name have.

Belongs here: the score's formula. Not here: its weights (``tuning.py``), where candidates come from (``retrieve.py``), passages beside
one another (``selection.py``), the course from one to the other (``order.py``).

Reciprocal rank fusion alone loses to BM25 alone where one list is much better than the other; adding the cosine and the share of
the question's words beats both lists on every set that was measured, over a wide range of weights; words of the question that follow
one another there tell more (sequential dependence; Metzler and Croft 2005): docs/decisions/fusion.md.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import lru_cache
from heapq import heappush, heappushpop
from itertools import chain, pairwise

from rag_pipeline.answering.expected_kind import expected_kind
from rag_pipeline.answering.tuning import TUNING, Ranking
from rag_pipeline.models import Hit, Parts, cells_of, is_header, is_row
from rag_pipeline.stores.vectors import Candidate
from rag_pipeline.stores.vectors.bm25 import joined_words, question_words, word_ids, word_pairs

_PARTS_OF_A_NAME = re.compile(r"(?<=[a-z])(?=[A-Z])|[_\W]+")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question as the passages are measured by it; rarities are those of its words among passages and names of documents.

    A word stands for all that a passage may have for it, in whichever language (:func:`question_words`).
    """

    words: Mapping[int, AbstractSet[int]]
    pairs: AbstractSet[tuple[int, int]]
    rarity: Mapping[int, float]
    rarity_in_names: Mapping[int, float]
    number: bool
    best_score: float
    """Of the fusion of lists."""
    covered: dict[frozenset[int], float] = field(default_factory=dict)
    """The :func:`coverage` of words that some passage has: many have the same ones. The next two alike."""
    covered_in_names: dict[frozenset[int], float] = field(default_factory=dict)
    pairs_of: dict[frozenset[int], frozenset[tuple[int, int]]] = field(default_factory=dict)

    def measured(self, candidate: Candidate, named: frozenset[int], said: frozenset[int], ranking: Ranking) -> _Measured:
        """``named``, ``said``: the words of the question that its document's name has, and it itself."""
        has = said | named
        if (covered := self.covered.get(has)) is None:
            covered = self.covered[has] = coverage(has, self.rarity)
        if (name := self.covered_in_names.get(named)) is None:
            name = self.covered_in_names[named] = coverage(named, self.rarity_in_names)
        if (possible := self.pairs_of.get(said)) is None:
            possible = self.pairs_of[said] = frozenset(pair for pair in self.pairs if pair[0] in said and pair[1] in said)
        row = 0.0 if candidate.cosine is None else _covered_by_a_row(self, candidate, covered, ranking)
        return _Measured(candidate, candidate.score / self.best_score, covered, name, row, possible, len(self.pairs))


def ranked(question: str, candidates: Sequence[Candidate], top_k: int, ranking: Ranking = TUNING.ranking) -> tuple[Hit, ...]:
    """The best ``top_k`` candidates, best first, ranks from 1, scores from 0 to 1.

    Candidates may come from several collections: cosine and words mean the same in each, as long as the embedding model is one.
    """
    candidates = _without_repetitions(candidates)
    measured = _measured(question, candidates, ranking)
    scores = _best_scores(measured, top_k, ranking)
    order = sorted(scores, key=lambda n: (-scores[n][0], candidates[n].rank))[:top_k]
    return tuple(
        replace(candidates[n].hit, rank=rank, score=scores[n][0], parts=measured[n].parts(scores[n][1]))
        for rank, n in enumerate(order, start=1)
    )


def _best_scores(measured: Sequence[_Measured], top_k: int, ranking: Ranking) -> dict[int, tuple[float, float]]:
    """Place → score, and share of pairs, of the ``top_k`` that score most, and of some others.

    Reading a text for its pairs of words takes longer than all else here: what could not be among the best with any pairs is not read.
    """
    at_most = [one.score(one.most_pairs, ranking) for one in measured]
    scores: dict[int, tuple[float, float]] = {}
    best: list[float] = []
    for place in sorted(range(len(measured)), key=lambda place: -at_most[place]):
        if len(best) == top_k and at_most[place] < best[0]:
            break
        one = measured[place]
        pairs = one.pairs()
        scores[place] = one.score(pairs, ranking) if one.possible else at_most[place], pairs
        (heappushpop if len(best) == top_k else heappush)(best, scores[place][0])
    return scores


def level_by_words(question: str, candidates: Sequence[Candidate], ranking: Ranking = TUNING.ranking) -> float:
    """What the scores of passages without a vector are to be multiplied by (at most 1) to tell how near they come to the question.

    The first in a list is the first however far it is from what was asked; what its words promise says more. All are lowered alike, and
    only where somebody asks for nearness: their order, also against a second search's, stays.
    """
    if all(candidate.cosine is not None for candidate in candidates):
        return 1.0
    measured = [one for one in _measured(question, candidates, ranking) if one.candidate.cosine is None]
    pairs = [one.pairs() for one in measured]
    highest = max(one.score(share, ranking) for one, share in zip(measured, pairs, strict=True))
    expected = max(one.expected(share, ranking) for one, share in zip(measured, pairs, strict=True))
    return min(1.0, expected / highest) if highest else 1.0


def _measured(question: str, candidates: Sequence[Candidate], ranking: Ranking) -> list[_Measured]:
    in_order = question_words(question)
    words = {word[0]: frozenset(word) for word in in_order}
    said = [frozenset(words_said(words, candidate.words)) for candidate in candidates]
    joined = joined_words(question)
    documents = dict.fromkeys(candidate.passage.document for candidate in candidates)
    names = {document: _named(document, words.keys(), joined) for document in documents}
    in_names = set[int]().union(*names.values())
    asked = _Asked(
        words,
        {(one[0], other[0]) for one, other in pairwise(in_order) if one[0] != other[0]},
        word_rarity(words.keys(), said, ranking.inverse_frequency_smoothing),
        word_rarity(in_names, list(names.values()), ranking.inverse_frequency_smoothing),
        expected_kind(question) == "number",
        ranking.fusion.best_score,
    )
    return [asked.measured(one, names[one.passage.document], has, ranking) for one, has in zip(candidates, said, strict=True)]


def _named(document: str, asked: AbstractSet[int], joined: Mapping[int, AbstractSet[int]]) -> frozenset[int]:
    """The words of the question that a document's name has, each by itself or several written together."""
    name = name_words(document)
    return name.intersection(asked).union(*(joined[word] & asked for word in name.intersection(joined)))


def words_said(asked: Mapping[int, AbstractSet[int]], found: AbstractSet[int]) -> set[int]:
    """The words of the question that are among those of a passage."""
    return {word for word, forms in asked.items() if not forms.isdisjoint(found)}


@lru_cache(maxsize=TUNING.caches.document_names)
def name_words(document: str) -> frozenset[int]:
    """The words of a document's name: ``AcmeCorp_2023-annual.pdf`` has four."""
    return frozenset(word_ids(spoken_name(document)))


def spoken_name(document: str) -> str:
    """A document's name as words: ``Acme Corp 2023 annual``."""
    name = document.rpartition("/")[2].rpartition(".")
    return _PARTS_OF_A_NAME.sub(" ", name[0] or name[2])


def subject_of(document: str) -> str:
    """What a document's name says that all of it is about: its words without years and other bare numbers."""
    return " ".join(word for word in spoken_name(document).split() if not word.isdigit())


def word_rarity(
    asked: AbstractSet[int], passages: Sequence[AbstractSet[int]], smoothing: float = TUNING.ranking.inverse_frequency_smoothing
) -> dict[int, float]:
    """How much each word of a question tells among the passages: BM25's IDF, with the passages at hand for a corpus."""
    having = Counter(chain.from_iterable(map(frozenset(asked).intersection, passages)))
    return {word: math.log(1 + (len(passages) - having[word] + smoothing) / (having[word] + smoothing)) for word in asked}


def coverage(found: AbstractSet[int], rarity: Mapping[int, float]) -> float:
    """The share of the question's words that are ``found``, rare words counting more; 0 when the question has none."""
    total = sum(rarity.values())
    return sum(weight for word, weight in rarity.items() if word in found) / total if total else 0.0


def _without_repetitions(candidates: Sequence[Candidate]) -> list[Candidate]:
    """What a document says in the same words more than once counts once, at its first place, with the best score of them."""
    first: dict[tuple[str, str, str], Candidate] = {}
    for candidate in candidates:
        passage = candidate.passage
        place = passage.collection, passage.document, passage.text
        same = first.setdefault(place, candidate)
        if same is candidate:
            continue
        earlier = min(same.passage, passage, key=lambda one: one.position)
        rank, score = min(same.rank, candidate.rank), max(same.score, candidate.score)
        first[place] = Candidate(earlier, rank, score, _greater(same.cosine, candidate.cosine), same.words)
    return list(first.values())


def _greater(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


@dataclass(slots=True)  # not frozen: there are a hundred for each question, and that takes twice as long to make
class _Measured:
    """What a passage has of the question but for its pairs of words: ``possible`` are those it may have, of ``asked`` pairs; ``place`` is
    1 for the first in all lists."""

    candidate: Candidate
    place: float
    covered: float
    name: float
    row: float
    possible: AbstractSet[tuple[int, int]]
    asked: int

    @property
    def most_pairs(self) -> float:
        """The share of the question's pairs that it can have."""
        return len(self.possible) / self.asked if self.possible else 0.0

    def pairs(self) -> float:
        """The share that it has."""
        return share_of_pairs(self.possible, word_pairs(self.candidate.passage.text)) * self.most_pairs if self.possible else 0.0

    def score(self, pairs: float, ranking: Ranking) -> float:
        """With that share of pairs; higher with more of them."""
        if self.candidate.cosine is None:
            return _score_by_words(self.candidate.score, self.covered, pairs, self.name, ranking)
        cosine = max(0.0, self.candidate.cosine)
        return min(1.0, _sum(cosine, self.covered, self.place, pairs, self.name, ranking) + ranking.row * self.row)

    def parts(self, pairs: float) -> Parts:
        """What its score with that share of pairs is made of."""
        cosine = self.candidate.cosine
        return Parts(self.covered, None if cosine is None else max(0.0, cosine), self.name, min(1.0, self.place), pairs, self.row)

    def expected(self, pairs: float, ranking: Ranking) -> float:
        """The most that one without a vector will have once it has one."""
        return _sum(expected_cosine(self.covered, pairs, ranking), self.covered, 1.0, pairs, self.name, ranking)


def score_once_seen(parts: Parts, cosine: float, ranking: Ranking = TUNING.ranking) -> float:
    """The most that a passage without a vector will have, 0 to 1, once its cosine to the question is known."""
    return min(1.0, _sum(max(0.0, cosine), parts.words, 1.0, parts.pairs, parts.name, ranking))


def expected_cosine(covered: float, pairs: float, ranking: Ranking = TUNING.ranking) -> float:
    """What the cosine of question and text mostly is where the text has this share of the question's words, and of its pairs of words."""
    return ranking.unseen_cosine + ranking.unseen_cosine_by_coverage * covered + ranking.unseen_cosine_by_pairs * pairs


def _covered_by_a_row(asked: _Asked, candidate: Candidate, covered: float, ranking: Ranking) -> float:
    """The share of the question's words that one row of numbers has, with the names that stand above it; 0 where no number is asked for."""
    if not asked.number or covered < ranking.row_words or not is_row(candidate.passage.text.replace("\n", " ")):
        return 0.0
    hit = candidate.hit
    known = word_ids(f"{subject_of(hit.document)} {hit.context}")
    header, label, best = "", "", 0.0
    for line in hit.text.split("\n"):
        if is_header(line):
            header, label = line, ""
        elif not is_row(line):
            label = line
        elif any(map(str.isdigit, line)):
            words = known | word_ids(f"{header} {label} {line}")
            share = 1 - ranking.row_other * (1 - share_asked(cells_of(line)[0], asked.words.keys()))
            best = max(best, share * coverage(words_said(asked.words, words), asked.rarity))
    return best


def share_asked(name: str, asked: AbstractSet[int]) -> float:
    """The share of the words of a row's name that a question has: ``Operating income`` rather than ``Total operating income impact``."""
    words = word_ids(name)
    return len(words & asked) / len(words) if words else 0.0


def _sum(cosine: float, covered: float, rank: float, pairs: float, name: float, ranking: Ranking) -> float:
    # Written out: this runs twice for each of a hundred passages.
    total = ranking.cosine * cosine + ranking.coverage * covered + ranking.rank * rank + ranking.pairs * pairs + ranking.name * name
    return total / ranking.all_weights


def _score_by_words(fused: float, covered: float, pairs: float, name: float, ranking: Ranking) -> float:
    """Of a passage that has no vector yet: it is in the list by words only, and its place there tells most. The line puts it on the scale
    of the others, so that it stands among them about where it will stand once it has a vector."""
    place = ranking.text_weight * (1 / fused - ranking.fusion_k + 1)
    height = 1 - math.log(max(1.0, place)) / math.log(ranking.prefetch)
    total = ranking.unseen_place * height + ranking.unseen_coverage * covered + ranking.unseen_pairs * pairs + ranking.unseen_name * name
    return min(1.0, max(0.0, ranking.unseen_start + ranking.unseen_slope * total / ranking.unseen_weights))


def share_of_pairs(asked: AbstractSet[tuple[int, int]], found: AbstractSet[tuple[int, int]]) -> float:
    """The share of a question's neighbouring words that are neighbours in a text, either way round; 0 when it has none."""
    return sum(pair in found or pair[::-1] in found for pair in asked) / len(asked) if asked else 0.0

"""The fourth step without a language model: the sentences of the passages that answer best, each with its citation.

Belongs here: choosing sentences, and when to refuse. Not here: cutting passages (``segmentation.py``), embedding, events, answers of a
language model (``generative.py``). Measured: docs/decisions/refusal.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import cast

from rag_pipeline.answering.expected_kind import Kind, asks, asks_for_procedure, expected_kind, holds, only_answer, part_and_whole
from rag_pipeline.answering.generation.citations import citations_for
from rag_pipeline.answering.generation.nearness import (
    Nearness,
    is_elsewhere,
    nearness_by_vectors,
    nearness_by_words,
    nearness_elsewhere,
)
from rag_pipeline.answering.generation.procedure import announced_by, procedure_around
from rag_pipeline.answering.generation.segmentation import Sentence, sentences_of
from rag_pipeline.answering.generation.table_row import parts_of_others
from rag_pipeline.answering.retrieval.question_encoder import Vector
from rag_pipeline.answering.retrieval.scoring import (
    coverage,
    expected_cosine,
    score_once_seen,
    share_asked,
    share_of_pairs,
    subject_of,
    word_rarity,
    words_said,
)
from rag_pipeline.answering.retrieval.subjects import may_speak_of_what_is_named
from rag_pipeline.answering.tuning import TUNING, Quoting, Ranking, Tuning
from rag_pipeline.embedding.embedder import Vectors
from rag_pipeline.models import Citation, Hit, Mark, Token
from rag_pipeline.stores.vectors.bm25 import question_words, word_forms, word_ids, word_pairs
from rag_pipeline.stores.vectors.languages import language_of

Embed = Callable[[Sequence[str]], Vectors]
"""Raises ``EmbeddingServerError`` where there is a server for it, and it gives none."""
Meaning = Callable[[Sequence[str]], Sequence[float]]
"""The cosine of each text and the question. Raises as ``Embed`` does."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The chosen sentences as an answer, and how near they come to the question."""

    text: str
    marks: tuple[Mark, ...]
    citations: tuple[Citation, ...]
    nearness: float
    """See :class:`rag_pipeline.answering.generation.nearness.Nearness`."""
    convincing: bool
    """Whether what was found has to do with the question, and can answer it."""
    lacking: str = ""
    """The kind of thing that would answer it, where what was found has to do with it and holds none."""
    ranked: tuple[Sentence, ...] = ()
    """All sentences that were compared with the question, the best first."""


@dataclass(frozen=True, slots=True)
class _Scored:
    sentence: Sentence
    words: AbstractSet[int]
    score: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as it is read: with what was asked before it, where it is read with that."""

    read: str
    asking: str
    """What says what kind of thing is asked for."""
    kind: Kind | None
    words: Mapping[int, AbstractSet[int]]
    """Its words, each with all that a text may have for it in the languages that the question may be in."""
    own_words: AbstractSet[int]
    """Those that it adds to what was asked before; none where it is read alone."""

    def said(self, text: str) -> set[int]:
        """Those of its words that a text has."""
        return words_said(self.words, word_forms(text, self.read))


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found for a question: passages, their sentences, each sentence with what makes it understandable, and the words of all."""

    asked: _Asked
    hits: Sequence[Hit]
    sentences: Sequence[Sentence]
    said: Sequence[str]
    words: Sequence[AbstractSet[int]]
    words_of_passages: Sequence[AbstractSet[int]]
    rarity: Mapping[int, float]


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
    quoting, smoothing = tuning.quoting, tuning.ranking.inverse_frequency_smoothing
    asked = _asked(question, topic)
    sentences = _read(hits[: quoting.passages], asked, tuning)
    said = [_understandable(sentence, sentences, hits) for sentence in sentences]
    passages, about = [asked.said(hit.text) for hit in hits], [asked.said(_said_above(hit)) for hit in hits]
    rarity, rarity_of_own = (word_rarity(words, passages, smoothing) for words in (asked.words.keys(), asked.own_words))
    own = [asked.said(text) for text in said]
    words = [of_text | about[sentence.passage - 1] for of_text, sentence in zip(own, sentences, strict=True)]
    covered = _covered(asked.words.keys(), words, about, passages, smoothing)
    fit, lacking = _holding(_stated(sentences, own, rarity_of_own, quoting), asked.asking, sentences, said, hits)
    by_words = _by_words({n: sentences[n] for n in fit}, covered, asked, hits, tuning)
    ranked = sorted(fit, key=lambda n: -by_words[n])[: quoting.embedded_sentences]
    found = _Found(asked, hits, sentences, said, words, passages, rarity)
    nearness = _nearness(found, ranked, tuning, meaning := _meaning(embed, question_vector), reads=reads)
    cosines = _cosines(found, ranked, covered, nearness, meaning, tuning)
    scored = [_Scored(sentences[n], word_ids(sentences[n].text), by_words[n] + quoting.cosine * cosine) for n, cosine in cosines.items()]
    scored.sort(key=lambda one: -one.score)
    extract = answer_of(_quoted([one.sentence for one in _chosen(scored, quoting)], found, tuning), hits)
    about_it = extract.convincing and nearness.is_enough(cosines.values())
    lacking = lacking if about_it else ""
    judged = replace(extract, nearness=nearness.of(cosines.values()), convincing=about_it and not lacking, lacking=lacking)
    return replace(judged, ranked=tuple(one.sentence for one in scored))


def answer_of(quoted: Sequence[Sentence], hits: Sequence[Hit]) -> Extract:
    """Sentences as an answer that convinces, if there are any, whatever was asked."""
    text, marks = _marked(quoted)
    return Extract(text, marks, _cited(quoted, hits), float(bool(text)), bool(text))


def _quoted(chosen: Sequence[Sentence], found: _Found, tuning: Tuning) -> list[Sentence]:
    """The steps around the best sentence where it is asked how something is done, or what it announces; else all that were chosen."""
    if not chosen:
        return []
    best, steps = chosen[0], list[Sentence]()
    if lead := next((one for one in (best, _forerunner(best, found.sentences)) if one and one.announces), None):
        steps = announced_by(lead, found.sentences, tuning.procedure)
    elif asks_for_procedure(found.asked.asking):
        steps = procedure_around(best, found.sentences, tuning.procedure)
    if best in steps and len(steps) > 1:
        return steps
    quoted = _with_forerunners(chosen, found.sentences)
    if found.asked.kind == "reason" and not holds("reason", best.text, found.asked.read):
        after = quoted.index(best) + 1
        quoted = list(dict.fromkeys((*quoted[:after], *_following(best, found.sentences), *quoted[after:])))
    return quoted


def _asked(question: str, topic: str) -> _Asked:
    read = f"{question} {topic}".strip()
    asking = question if asks(question) else read
    # A fiscal year is a year: "FY23" is no nearer to "FY2022" for two letters that are rare among a few passages.
    fiscal = word_ids("FY")
    words = {word[0]: frozenset(word) for word in question_words(read) if not fiscal.issuperset(word)}
    own_words = {word[0] for word in question_words(question)} - word_forms(topic, read) if topic else set[int]()
    return _Asked(read, asking, expected_kind(asking), words, own_words & words.keys())


def _meaning(embed: Embed, question: Vector | None) -> Meaning | None:
    return None if question is None else lambda texts: cast("Sequence[float]", (embed(texts) @ question).tolist())


def _nearness(found: _Found, ranked: Sequence[int], tuning: Tuning, meaning: Meaning | None, *, reads: bool) -> Nearness:
    hits, sentences = found.hits, found.sentences
    if meaning is None:
        return nearness_by_words(hits, found.rarity, (found.said[n] for n in ranked), tuning.refusal)
    if is_elsewhere(found.asked.read, hits, reads=reads):
        return nearness_elsewhere(hits, (coverage(found.words[n], found.rarity) for n in ranked), tuning.refusal)
    weighed = _without_weight_of_names(_as_seen(hits, meaning, tuning.ranking), sentences, tuning.quoting)
    return nearness_by_vectors(weighed, found.words_of_passages, found.rarity, tuning.refusal, apart=_are_apart(found))


def _stated(
    sentences: Sequence[Sentence], said: Sequence[AbstractSet[int]], rarity_of_own: Mapping[int, float], quoting: Quoting
) -> list[int]:
    """The places of the sentences that state something, which a question does not, and have enough of the question's own words."""
    stated = [n for n, sentence in enumerate(sentences) if not sentence.asks] or range(len(sentences))
    enough = [coverage(words, rarity_of_own) >= quoting.own_words for words in said] if rarity_of_own else [True] * len(sentences)
    return [n for n in stated if enough[n]]


def _holding(
    fit: Sequence[int], question: str, sentences: Sequence[Sentence], said: Sequence[str], hits: Sequence[Hit]
) -> tuple[list[int], str]:
    """Those that hold what alone answers the question; all of them where there is none of these, and what is lacking then.

    Of passages in other languages than the question it is not known what they count.
    """
    only = only_answer(question)
    if only is None or not _may_share_words(question, hits):
        return list(fit), ""
    holding = [n for n in fit if only.is_in(said[n], _names_of_cells(sentences[n]))]
    return (holding, "") if holding else (list(fit), only.kind)


def _covered(
    asked: AbstractSet[int],
    words: Sequence[AbstractSet[int]],
    about: Sequence[AbstractSet[int]],
    passages: Sequence[AbstractSet[int]],
    smoothing: float,
) -> list[float]:
    """The share of the question's words that each sentence has, with what its document's name and its headings say of all of them."""
    rarity = word_rarity(asked, [held | known for held, known in zip(passages, about, strict=True)], smoothing)
    return [coverage(one, rarity) for one in words]


def _are_apart(found: _Found) -> bool:
    """Whether no sentence has both what is asked for and what it is asked of, though they are in the question's language.

    A form, a card or a table does not say with each label what it belongs to. Names one after the other say nothing of each other.
    """
    asked = part_and_whole(found.asked.asking)
    if asked is None or not _may_share_words(found.asked.asking, found.hits):
        return False
    part, whole = asked
    spoken = zip(found.sentences, found.said, found.words, strict=True)
    if any(part.search(said) and whole & words for sentence, said, words in spoken if not sentence.names):
        return False
    return not any(part.search(label) for sentence in found.sentences for label in sentence.labels)


def _may_share_words(question: str, hits: Sequence[Hit]) -> bool:
    language = language_of(question)
    return any(language_of(hit.text) in (None, language) for hit in hits)


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


def _names_of_cells(sentence: Sentence) -> Sequence[str]:
    """What says what the cells of a row are: the heading above its table, its own name, the names of the columns."""
    if sentence.row is None:
        return ()
    names = (sentence.heading, *sentence.row.name.split(": "), *(column for column, _ in sentence.row.cells))
    return [name for name in names if name] or [""]


def _said_above(hit: Hit) -> str:
    """What its document's name and its headings say of all sentences of a passage."""
    return " ".join((subject_of(hit.document), *hit.heading_path))


def _read(hits: Sequence[Hit], asked: _Asked, tuning: Tuning) -> list[Sentence]:
    """The sentences of all passages; rows of a table without the columns that nobody asked for.

    One that adds no word to a question for more than yes or no is a question itself: what comes after it answers, as after a heading.
    """
    own = set().union(*asked.words.values()) if asks(asked.asking) else None
    read: list[Sentence] = []
    for number, hit in enumerate(hits, start=1):
        repeats = False
        for sentence in sentences_of(number, hit, tuning.segmentation):
            row = sentence.row and sentence.row.asked_for(asked.words.keys())
            sentence = replace(sentence, text=str(row), row=row) if row else sentence
            sentence = replace(sentence, leans=sentence.leans or (repeats and row is None))
            repeats = row is None and own is not None and word_ids(sentence.text) <= own
            read.append(replace(sentence, asks=sentence.asks or repeats))
    return read


def _cosines(
    found: _Found, ranked: Sequence[int], covered: Sequence[float], nearness: Nearness, meaning: Meaning | None, tuning: Tuning
) -> dict[int, float]:
    """Place → cosine of a sentence and the question: of the likeliest ones, and of the others too where those do not convince."""
    at_once = _at_once([len(found.said[n]) for n in ranked], tuning.quoting)
    cosines: dict[int, float] = {}
    for part in (ranked[:at_once], ranked[at_once:]):
        if part and (not cosines or not nearness.is_enough(cosines.values())):
            said = [found.said[n] for n in part]
            compared = _near(found.asked.read, said, [covered[n] for n in part], meaning, tuning.ranking)
            weight = [tuning.quoting.listed if found.sentences[n].listed else 1.0 for n in part]
            cosines |= {n: float(one) * much for n, one, much in zip(part, compared, weight, strict=True)}
    return cosines


def _near(question: str, said: Sequence[str], covered: Sequence[float], meaning: Meaning | None, ranking: Ranking) -> Sequence[float]:
    """The cosine of each sentence and the question, or what it is to be expected to be."""
    if meaning is not None:
        return meaning(said)
    pairs = word_pairs(question)
    shares = [share_of_pairs(pairs, word_pairs(one)) for one in said]
    return [expected_cosine(of_words, of_pairs, ranking) for of_words, of_pairs in zip(covered, shares, strict=True)]


def _at_once(lengths: Sequence[int], quoting: Quoting) -> int:
    """How many of the likeliest sentences the model looks at while a reader waits: within the bounds, and at least one."""
    fitting = bisect_right(list(accumulate(lengths)), quoting.first_characters)
    return min(max(fitting, 1), quoting.first_sentences)


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


def _by_words(
    fit: Mapping[int, Sentence], covered: Sequence[float], asked: _Asked, hits: Sequence[Hit], tuning: Tuning
) -> dict[int, float]:
    """Place → score of each sentence before its meaning is looked at; lower where its passage cannot be about what the question names."""
    quoting, may_speak = tuning.quoting, may_speak_of_what_is_named(asked.read, hits, tuning.selection)
    worth = [quoting.passage * hit.score - quoting.unnamed * (not may_speak(hit)) for hit in hits]
    rows = {n: (hits[one.passage - 1].document_id, one.row) for n, one in fit.items() if one.row and asked.kind == "number"}
    parts = parts_of_others(rows)
    fits = {n: _fits(one, asked, quoting, is_part=n in parts) for n, one in fit.items()}
    return {n: quoting.coverage * covered[n] + worth[one.passage - 1] + fits[n] for n, one in fit.items()}


def _fits(sentence: Sentence, asked: _Asked, quoting: Quoting, *, is_part: bool) -> float:
    """What a sentence gains by holding the kind of thing that is asked for; a row of several numbers does not say which one it is."""
    row = sentence.row if asked.kind == "number" else None
    if row is None:
        return quoting.kind * holds(asked.kind, sentence.text, asked.read)
    fits = quoting.kind * holds(asked.kind, row.amounts, asked.read) / max(len(row.cells), 1)
    named = max(share_asked(name, asked.words.keys()) for name in (row.own_name, row.name))
    return fits + quoting.total * (row.total and row.amounts != "") + quoting.row_name * named - quoting.part * is_part


def _chosen(scored: Sequence[_Scored], quoting: Quoting) -> list[_Scored]:
    """The best first, as they come."""
    chosen: list[_Scored] = []
    for one in scored:
        if len(chosen) == quoting.most_sentences or (chosen and one.score < quoting.close_to_best * chosen[0].score):
            break
        if not any(_is_said(one, other, quoting) for other in chosen):
            chosen.append(one)
    return chosen


def _is_said(one: _Scored, other: _Scored, quoting: Quoting) -> bool:
    """Whether a sentence adds nothing to another one: it has the same words, or is a row of a table beside the total of that table."""
    row, total = one.sentence.row, other.sentence.row
    part = False
    if row and total and total.total and not row.total:
        part = (one.sentence.passage, row.table) == (other.sentence.passage, total.table)
    return part or len(one.words & other.words) >= quoting.same_words * len(one.words)


def _forerunner(sentence: Sentence, sentences: Sequence[Sentence]) -> Sentence | None:
    """The sentence that one beginning with "It" or "They" refers to."""
    if not sentence.leans:
        return None
    return next((one for one in sentences if (one.passage, one.place) == (sentence.passage, sentence.place - 1)), None)


def _following(sentence: Sentence, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The next sentence under the same heading: what happened is often told first, and then why."""
    after = (sentence.passage, sentence.place + 1, sentence.heading)
    return [one for one in sentences if (one.passage, one.place, one.heading) == after and one.row is None and not one.asks]


def _understandable(sentence: Sentence, sentences: Sequence[Sentence], hits: Sequence[Hit]) -> str:
    if sentence.row:  # says nothing of whose numbers they are
        hit = hits[sentence.passage - 1]
        return " ".join(filter(None, (subject_of(hit.document), sentence.heading, sentence.text)))
    before = _forerunner(sentence, sentences)
    return ": ".join(filter(None, (sentence.heading, f"{before.text} {sentence.text}" if before else sentence.text)))


def _with_forerunners(chosen: Sequence[Sentence], sentences: Sequence[Sentence]) -> list[Sentence]:
    """The best of the chosen sentences first, the others in reading order, each after the one it refers to."""
    best, *others = [[one for one in (_forerunner(sentence, sentences), sentence) if one] for sentence in chosen] or [[]]
    in_order = sorted((one for some in others for one in some), key=lambda sentence: (sentence.passage, sentence.place))
    return list(dict.fromkeys((*best, *in_order)))

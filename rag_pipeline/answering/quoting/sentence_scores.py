"""What each sentence is worth to a question: by its words first, then by its meaning.

Belongs here: these scores, and which sentences can answer at all. Not here: which are quoted (``choice.py``), whether the best is near
enough (``nearness.py``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import log1p

from rag_pipeline.answering.expected_kind import holds, only_answer
from rag_pipeline.answering.quoting.asked import Asked
from rag_pipeline.answering.quoting.found import Found, may_share_words
from rag_pipeline.answering.quoting.meaning import Meaning
from rag_pipeline.answering.quoting.nearness import Nearness
from rag_pipeline.answering.retrieval.scoring import coverage, expected_cosine, share_asked, share_of_pairs
from rag_pipeline.answering.retrieval.subjects import may_speak_of_what_is_named
from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.answering.sentences.shapes import is_labelled
from rag_pipeline.answering.sentences.table_row import parts_of_others
from rag_pipeline.answering.tuning import Quoting, Ranking, Tuning
from rag_pipeline.stores.vectors.bm25 import word_pairs

_WORD = re.compile(r"\w+")


def scores_by_words(found: Found, tuning: Tuning) -> tuple[dict[int, float], str]:
    """Place → score of each sentence that can answer, before its meaning is looked at; and what is lacking to answer, where none can.

    Lower where its passage cannot be about what the question names.
    """
    fit, lacking = _holding(_stating(found, tuning.quoting.own_words), found)
    quoting, asked, hits = tuning.quoting, found.asked, found.hits
    may_speak = may_speak_of_what_is_named(asked.read, hits, tuning.selection)
    worth = [quoting.passage * hit.score - quoting.unnamed * (not may_speak(hit)) for hit in hits]
    read = [(n, found.sentences[n]) for n in fit]
    parts = parts_of_others({n: (hits[one.passage - 1].document_id, one.row) for n, one in read if one.row and asked.kind == "number"})
    fits = {n: _fits(one, asked, quoting, is_part=n in parts) for n, one in read}
    return {n: quoting.coverage * found.covered[n] + worth[one.passage - 1] + fits[n] + _tells(one, quoting) for n, one in read}, lacking


def _stating(found: Found, least: float) -> list[int]:
    """The places of the sentences that state something, which a question does not, and have enough of the question's own words."""
    rarity = found.rarity_of_own
    stating = [n for n, sentence in enumerate(found.sentences) if not sentence.asks] or range(len(found.sentences))
    return [n for n in stating if not rarity or coverage(found.own_words[n], rarity) >= least]


def _holding(fit: Sequence[int], found: Found) -> tuple[Sequence[int], str]:
    """Those that hold what alone answers the question; all of them where there is none of these, and what is lacking then.

    Of passages in other languages than the question it is not known what they count.
    """
    only = only_answer(found.asked.asking)
    if only is None or not may_share_words(found.asked.asking, found.hits):
        return fit, ""
    holding = [n for n in fit if only.is_in(found.said[n], _names_of_cells(found.sentences[n]))]
    return (holding, "") if holding else (fit, only.kind)


def _names_of_cells(sentence: Sentence) -> Sequence[str]:
    """What says what the cells of a row are: the heading above its table, its own name, the names of the columns."""
    if sentence.row is None:
        return ()
    names = (sentence.heading, *sentence.row.name.split(": "), *(column for column, _ in sentence.row.cells))
    return [name for name in names if name] or [""]


def _tells(sentence: Sentence, quoting: Quoting) -> float:
    """What a sentence gains by its length: a few words that are the question's own have its meaning, and tell nothing.

    A value with the name of what it is tells enough, however short both are.
    """
    enough = quoting.words_of_row if sentence.row else quoting.words_of_label if is_labelled(sentence.text) else 0
    return quoting.length * log1p(max(len(_WORD.findall(sentence.text)), enough))


def _fits(sentence: Sentence, asked: Asked, quoting: Quoting, *, is_part: bool) -> float:
    """What a sentence gains by holding the kind of thing that is asked for; a row of several numbers does not say which one it is."""
    row = sentence.row if asked.kind == "number" else None
    if row is None:
        return quoting.kind * holds(asked.kind, sentence.text, asked.read)
    fits = quoting.kind * holds(asked.kind, row.amounts, asked.read) / max(len(row.cells), 1)
    named = max(share_asked(name, asked.words.keys()) for name in (row.own_name, row.name))
    return fits + quoting.total * (row.total and row.amounts != "") + quoting.row_name * named - quoting.part * is_part


def cosines_of(found: Found, ranked: Sequence[int], nearness: Nearness, meaning: Meaning | None, tuning: Tuning) -> dict[int, float]:
    """Place → cosine of a sentence and the question: of the likeliest ones, and of the others too where those do not convince."""
    at_once = _at_once([len(found.said[n]) for n in ranked], tuning.quoting)
    cosines: dict[int, float] = {}
    for part in (ranked[:at_once], ranked[at_once:]):
        if part and (not cosines or not nearness.is_enough(cosines.values())):
            said = [found.said[n] for n in part]
            compared = _near(found.asked.read, said, [found.covered[n] for n in part], meaning, tuning.ranking)
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

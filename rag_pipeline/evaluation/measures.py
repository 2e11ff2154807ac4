"""The measures, as pure functions.

Belongs here: formulas with their sources. Not here: asking questions, printing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from rag_pipeline.quantities.numbers import numbers_in, same_value, stated_scales

Span = tuple[int, int]

_ARTICLES = ("a", "an", "the")
MOST_SENTENCES = 3
SUPPORTING_SHARE = 0.6
"""A sentence with this share of its words in the cited passage counts as supported by it."""
_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=\S)")


def reciprocal_rank(found: Sequence[bool]) -> float:
    """1 / rank of the first that is found, 0 for none (mean reciprocal rank; Voorhees, TREC-8 question answering, 1999)."""
    return next((1 / rank for rank, hit in enumerate(found, start=1) if hit), 0.0)


def success(found: Sequence[bool], depth: int) -> bool:
    """Whether one of the first ``depth`` is found: hit@depth, trec_eval's success."""
    return any(found[:depth])


def normalised_gain(gains: Sequence[int], wanted: int) -> float:
    """nDCG over the given ranks (Järvelin and Kekäläinen 2002), a gain being how many wanted passages a hit is the first to touch.

    It is trec_eval's nDCG cut at the last of these ranks: of more wanted passages than there are ranks, only so many could be found.
    """
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(wanted, len(gains)) + 1)) if gains else 0.0
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1)) / ideal if ideal else 0.0


def recall_and_overlap(retrieved: Sequence[Span], wanted: Sequence[Span]) -> tuple[float, float]:
    """By character: the share of the wanted text that was retrieved, and intersection over union.

    As in Chroma's "Evaluating chunking strategies for retrieval" (2024): a character counts as often as it is retrieved in the union.
    Both of spans of one file.
    """
    together = sum(_length(span) for span in merged(wanted))
    common = sum(_length(span) for span in merged([_common(one, other) for one in retrieved for other in wanted]))
    union = sum(map(_length, retrieved)) + together - common
    return (common / together if together else 0.0), (common / union if union else 0.0)


def merged(spans: Sequence[Span]) -> list[Span]:
    """The same characters in spans that do not overlap."""
    result: list[Span] = []
    for start, end in sorted(span for span in spans if _length(span)):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _common(one: Span, other: Span) -> Span:
    return max(one[0], other[0]), min(one[1], other[1])


def _length(span: Span) -> int:
    return max(0, span[1] - span[0])


def token_f1(text: str, reference: str) -> float:
    """Harmonic mean of precision and recall of words, as in SQuAD (Rajpurkar et al. 2016): no case, punctuation, articles."""
    ours, theirs = _words(text), _words(reference)
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs)) if common else float(ours == theirs)


def word_recall(text: str, reference: str) -> float:
    """The share of the reference's words that the text has (ROUGE-1 recall; Lin 2004)."""
    theirs = Counter(_words(reference))
    return sum((Counter(_words(text)) & theirs).values()) / sum(theirs.values()) if theirs else 0.0


def _words(text: str) -> list[str]:
    plain = re.sub(r"[^\w\s]", " ", re.sub(r"['’]s\b", " s", text.lower()))
    return [word for word in plain.split() if word not in _ARTICLES]


def contains_reference(text: str, references: Sequence[str]) -> bool:
    """Whether the words of one of the references stand in the text, one after the other; as :func:`token_f1` reads words.

    Scripts without blanks between words have them at any place.
    """
    ours = f" {' '.join(_words(text))} "
    whole = (f" {' '.join(words)} " in ours for words in map(_words, references) if words)
    return any(whole) or any(one.casefold() in text.casefold() for one in references if one and not one.isascii())


def has_numbers_of(text: str, reference: str) -> bool | None:
    """Whether a text has all numbers of a reference, formats made equal and rounding allowed; None where that has none."""
    wanted, said = numbers_in(reference), numbers_in(text)
    scales = stated_scales(text)
    return all(any(same_value(one, other, scales) for other in said) for one in wanted) if wanted else None


def are_sentences(texts: Sequence[str]) -> bool:
    """Whether wanted texts are a choice of sentences: a longer one is a passage that holds more than the answer."""
    return bool(texts) and all(len(_SENTENCE.split(text)) <= MOST_SENTENCES for text in texts)


def selected_sentences(quoted: Sequence[str], wanted: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of chosen sentences by their words, as evidence sentences are measured (FEVER; Thorne et al. 2018).

    A quoted sentence is right where most of its words are in one wanted text; a wanted one is found where most of its words were quoted.
    """
    precision = _share_within(quoted, wanted)
    recall = _share_within(wanted, quoted)
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_within(texts: Sequence[str], others: Sequence[str]) -> float:
    words = [set(_words(text)) for text in texts]
    held = [set(_words(other)) for other in others]
    within = [any(len(one & other) >= SUPPORTING_SHARE * len(one) for other in (*held, set().union(*held))) for one in words if one]
    return sum(within) / len(within) if within else 0.0


def harm_and_help(as_typed: bool, as_searched: bool) -> dict[str, float]:
    """What completing a follow-up did to finding its answer: lost what the typed question finds, or found what that does not."""
    return {"harmed": float(as_typed and not as_searched), "helped": float(as_searched and not as_typed)}


def supported_sentences(claims: Sequence[tuple[str, AbstractSet[int]]], passages: Mapping[int, str]) -> tuple[int, int]:
    """How many sentences there are, and of how many the cited passages hold most words.

    Args:
        claims: the parts of an answer, each with the numbers of the passages that are cited for all of it.
        passages: by number, with what is shown above them.
    """
    sentences = [(words, cited) for text, cited in claims for one in _SENTENCE.split(text) if (words := _words(one))]
    supported = 0
    for words, cited in sentences:
        held = {word for number in cited for word in _words(passages.get(number, ""))}
        supported += sum(word in held for word in words) >= SUPPORTING_SHARE * len(words)
    return len(sentences), supported


def refusal_curve(answerable: Sequence[float], unanswerable: Sequence[float]) -> dict[str, float]:
    """What refusing below a nearness would do: balanced accuracy at the points where 1 to 40 % of the answerable questions go.

    Keys name the point and both shares, such as ``below 0.66: 5 % of answerable, 49 % of unanswerable refused``; empty where either
    group is.
    """
    if not answerable or not unanswerable:
        return {}
    curve = {}
    for share in (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        point = sorted(answerable)[min(round(share * len(answerable)), len(answerable) - 1)]
        lost, caught = (sum(value < point for value in group) / len(group) for group in (answerable, unanswerable))
        curve[f"below {point:.2f}: {lost:.0%} of answerable, {caught:.0%} of unanswerable refused"] = (1 - lost + caught) / 2
    return curve


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank); 0 for none."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)] if values else 0.0

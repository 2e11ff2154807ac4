"""The steps of how something is done, in their order, and what a sentence announces.

Belongs here: which sentences belong to a best one. Not here: when it is asked for that (``expected_kind.py``), choosing the best one
(``choice.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, takewhile

from rag_pipeline.answering.sentences.sentence import Sentence
from rag_pipeline.answering.sentences.shapes import is_listed
from rag_pipeline.answering.tuning import Procedure


def procedure_around(best: Sentence, sentences: Sequence[Sentence], tuning: Procedure) -> list[Sentence]:
    """The steps that a sentence is one of, in reading order: items of one list, or what stands under one heading; itself where it is alone.

    Where there are too many, those that come after it matter more than those before.
    """
    before, after = _around(best, sentences)
    belonging = (takewhile(lambda one: _belongs(one, best), part) for part in (after, reversed(before)))
    return _as_many(best, chain.from_iterable(belonging), tuning)


def announced_by(best: Sentence, sentences: Sequence[Sentence], tuning: Procedure) -> list[Sentence]:
    """A sentence that ends with a colon, and what comes after it: the items of a list, the rows of a table, else sentences."""
    _, after = _around(best, sentences)
    form = _form(after[0]) if after else ""
    return _as_many(best, takewhile(lambda one: (_form(one), one.heading, one.announces) == (form, best.heading, False), after), tuning)


def _around(best: Sentence, sentences: Sequence[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
    within = [one for one in sentences if one.passage == best.passage]
    at = within.index(best)
    return within[:at], within[at + 1 :]


def _as_many(best: Sentence, others: Iterable[Sentence], tuning: Procedure) -> list[Sentence]:
    steps, characters = [best], len(best.text)
    for one in others:
        characters += len(one.text)
        if len(steps) == tuning.most_steps or characters > tuning.most_characters:
            break
        steps.append(one)
    return sorted(steps, key=lambda one: one.place)


def _belongs(one: Sentence, best: Sentence) -> bool:
    if one.heading != best.heading or one.row:
        return False
    return is_listed(one.text) if is_listed(best.text) else bool(best.heading) and not is_listed(one.text)


def _form(sentence: Sentence) -> str:
    return "row" if sentence.row else "item" if is_listed(sentence.text) else "sentence"

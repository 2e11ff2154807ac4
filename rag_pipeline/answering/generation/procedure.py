"""How something is done: the steps that stand together, in their order.

Belongs here: which sentences around the best one are its procedure. Not here: whether a question asks how something is done
(``expected_kind.py``), which sentence is the best (``extractive.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from rag_pipeline.answering.generation.segmentation import Sentence, is_listed
from rag_pipeline.answering.tuning import Procedure


def procedure_around(best: Sentence, sentences: Sequence[Sentence], tuning: Procedure) -> list[Sentence]:
    """The steps that a sentence is one of, in reading order: items of one list, or what stands under one heading; itself where it is alone.

    Where there are too many, those that come after it matter more than those before.
    """
    within = [one for one in sentences if one.passage == best.passage]
    at = within.index(best)
    after = takewhile(lambda one: _belongs(one, best), within[at + 1 :])
    before = takewhile(lambda one: _belongs(one, best), reversed(within[:at]))
    steps, characters = [best], len(best.text)
    for one in (*after, *before):
        characters += len(one.text)
        if len(steps) == tuning.most_steps or characters > tuning.most_characters:
            break
        steps.append(one)
    return sorted(steps, key=lambda one: one.place)


def _belongs(one: Sentence, best: Sentence) -> bool:
    if one.heading != best.heading or one.row:
        return False
    return is_listed(one.text) if is_listed(best.text) else bool(best.heading) and not is_listed(one.text)

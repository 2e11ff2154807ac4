"""Whether a number follows from two others.

Belongs here: the operations that answers use. Not here: which numbers may be terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from rag_pipeline.quantities.numbers import PERCENT, Number, Reading, same_value

Operation = Literal["sum", "difference", "percent change", "share"]

_IN_PERCENT = ("percent change", "share")
_OPERATIONS: Mapping[Operation, Callable[[float, float], float]] = {
    "sum": lambda one, other: one + other,
    "difference": lambda one, other: abs(one - other),
    "percent change": lambda one, other: abs(one - other) / abs(other) * 100 if other else 0.0,
    "share": lambda one, other: one / other * 100 if other else 0.0,
}


def operation(number: Number, one: Number, other: Number, stated: frozenset[int]) -> Operation | None:
    """What has to be done with two numbers of a passage to get a third, as far as that one is rounded; None where nothing does.

    ``stated``: the scales that the passage states for all its numbers.
    """
    for name, reckon in _OPERATIONS.items():
        unit = PERCENT if name in _IN_PERCENT else ""
        if bool(unit) == (number.unit == PERCENT):
            results = tuple(Reading(reckon(first.value, second.value), 0.0) for first in one.readings for second in other.readings)
            if same_value(number, Number(0, 0, "", results, unit), stated):
                return name
    return None

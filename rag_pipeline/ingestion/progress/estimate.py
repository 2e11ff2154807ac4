"""How fast a lane works, and how long what is left takes. Pure.

Belongs here: rates and times from the times of past slices. Not here: where those come from (``live``), what is left (``overview``).

A slice costs its work, what follows it (cutting, publishing: in proportion), and an overhead that does not depend on the work: starting a
run, loading a model, the pause before. Apart, they hold for slices of any length; as one rate, the short first slices would promise half
the speed of the long ones that follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag_pipeline.ingestion.progress.live import SliceTimes

FADING = 0.7
"""A slice counts by this less than the one after it, for each second of its work."""
SHORTEST_LOOK_SECONDS = 1.0
"""A slice that works tells something about its rate after this long."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``rate``: units of work a second while it goes on; ``tail``: time of a slice by time of that work, at least 1; ``overhead``:
    seconds of a slice besides."""

    rate: float
    tail: float
    overhead: float


def pace_of(slices: Sequence[SliceTimes], current: SliceTimes | None = None) -> Pace | None:
    """The pace of a lane, the last slices counting most; None where nothing was measured yet."""
    began = current is not None and current.worked_until - current.began >= SHORTEST_LOOK_SECONDS and current.work > 0
    measured = [*slices, *([current] if began and current else [])]
    weights = [FADING ** (len(measured) - 1 - place) for place in range(len(measured))]
    seconds = sum(weight * _working(one) for weight, one in zip(weights, measured, strict=True))
    work = sum(weight * one.work for weight, one in zip(weights, measured, strict=True))
    if seconds <= 0 or work <= 0:
        return None
    return Pace(work / seconds, _tail(slices), _overhead(measured))


def _working(one: SliceTimes) -> float:
    return max(0.0, one.worked_until - one.began)


def _tail(slices: Sequence[SliceTimes]) -> float:
    weights = [FADING ** (len(slices) - 1 - place) for place in range(len(slices))]
    whole = sum(weight * max(0.0, one.ended - one.began) for weight, one in zip(weights, slices, strict=True))
    working = sum(weight * _working(one) for weight, one in zip(weights, slices, strict=True))
    return max(1.0, whole / working) if working > 0 else 1.0


def _overhead(measured: Sequence[SliceTimes]) -> float:
    weights = [FADING ** (len(measured) - 1 - place) for place in range(len(measured))]
    found = [one.waited + max(0.0, one.began - one.started) for one in measured]
    return sum(weight * one for weight, one in zip(weights, found, strict=True)) / sum(weights)


def seconds_for(work: float, pace: Pace, lengths: Sequence[float], running: SliceTimes | None = None) -> float:
    """How long so much work takes in slices.

    Args:
        work: what is left.
        pace: how fast it goes.
        lengths: seconds of work in the slice that is at work, or is next, and in those after it; the last one is that of all others.
        running: the slice that is at work; what it can still do needs no start of its own.
    """
    if work <= 0:
        return 0.0
    working = work / pace.rate
    left = working - max(0.0, lengths[0] - (_working(running) if running else 0.0))
    starts = 0 if running else 1
    for length in lengths[1:]:
        if left <= 0:
            break
        starts, left = starts + 1, left - length
    starts += max(0, _whole(left / lengths[-1]))
    return working * pace.tail + starts * pace.overhead


def _whole(number: float) -> int:
    return int(-(-number // 1))


def turns(work_seconds: Mapping[str, float]) -> dict[str, float]:
    """When each of several is done that take turns at one thing, in slices: it waits for its own and for as much of each other."""
    return {name: sum(min(own, other) for other in work_seconds.values()) for name, own in work_seconds.items()}

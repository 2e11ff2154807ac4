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
LONGEST_GAP_SECONDS = 60.0
"""More than this between two slices was no overhead: nothing was to be done, or someone else's work was."""
SHORTEST_LOOK_SECONDS = 1.0
"""A slice that works tells something about its rate after this long."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``rate``: units of work a second while it goes on; ``tail``: time of a slice by time of that work, at least 1; ``overhead``:
    seconds of a slice besides; ``longest``: seconds that the work of the last slice took."""

    rate: float
    tail: float
    overhead: float
    longest: float


def pace_of(slices: Sequence[SliceTimes], current: SliceTimes | None = None) -> Pace | None:
    """The pace of a lane, the last slices counting most; None where nothing was measured yet."""
    began = current is not None and current.worked_until - current.began >= SHORTEST_LOOK_SECONDS and current.work > 0
    measured = [*slices, *([current] if began and current else [])]
    weights = [FADING ** (len(measured) - 1 - place) for place in range(len(measured))]
    seconds = sum(weight * _working(one) for weight, one in zip(weights, measured, strict=True))
    work = sum(weight * one.work for weight, one in zip(weights, measured, strict=True))
    if seconds <= 0 or work <= 0:
        return None
    return Pace(work / seconds, _tail(slices), _overhead(slices, current), max(_working(measured[-1]), SHORTEST_LOOK_SECONDS))


def _working(one: SliceTimes) -> float:
    return max(0.0, one.worked_until - one.began)


def _tail(slices: Sequence[SliceTimes]) -> float:
    weights = [FADING ** (len(slices) - 1 - place) for place in range(len(slices))]
    whole = sum(weight * max(0.0, one.ended - one.began) for weight, one in zip(weights, slices, strict=True))
    working = sum(weight * _working(one) for weight, one in zip(weights, slices, strict=True))
    return max(1.0, whole / working) if working > 0 else 1.0


def _overhead(slices: Sequence[SliceTimes], current: SliceTimes | None) -> float:
    """Mean seconds from the end of one slice, or the start of a first one, to the work of the next."""
    all_slices = [*slices, *([current] if current else [])]
    befores = [None, *(one.ended for one in all_slices[:-1])]
    found = [_overhead_of(one, before) for one, before in zip(all_slices, befores, strict=True)]
    weights = [FADING ** (len(found) - 1 - place) for place in range(len(found))]
    return sum(weight * one for weight, one in zip(weights, found, strict=True)) / sum(weights) if found else 0.0


def _overhead_of(one: SliceTimes, before: float | None) -> float:
    gap = one.started - before if before is not None else 0.0
    return max(0.0, one.began - one.started) + (gap if 0 <= gap <= LONGEST_GAP_SECONDS else 0.0)


def seconds_for(work: float, pace: Pace, longest_slice: float, running: SliceTimes | None = None) -> float:
    """How long so much work takes in slices, each up to twice as long as the one before it and none longer than ``longest_slice`` seconds.

    ``running``: the slice that is at work; what it can still do needs no start of its own.
    """
    if work <= 0:
        return 0.0
    working = work / pace.rate
    length = min(longest_slice, pace.longest * 2)
    if running:
        length = min(longest_slice, max(pace.longest, _working(running)))
        covered, starts = max(0.0, length - _working(running)), 0
    else:
        covered, starts = 0.0, 0
    while covered < working:
        starts, covered = starts + 1, covered + length
        length = min(longest_slice, length * 2)
        if length == longest_slice:
            starts += max(0, _whole((working - covered) / length))
            break
    return working * pace.tail + starts * pace.overhead


def _whole(number: float) -> int:
    return int(-(-number // 1))


def turns(work_seconds: Mapping[str, float]) -> dict[str, float]:
    """When each of several is done that take turns at one thing, in slices: it waits for its own and for as much of each other."""
    return {name: sum(min(own, other) for other in work_seconds.values()) for name, own in work_seconds.items()}

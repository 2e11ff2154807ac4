"""When a collection deserves a run: the sensor's decision, as a pure function with a small memory.

Belongs here: what needs a run, what is in the way, how long to wait. Not here: Dagster, the folder's listing, what is left to do
(``ingestion/backlog.py``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, replace
from typing import cast

from rag_pipeline.ingestion.backlog import Backlog, Lane
from rag_pipeline.ingestion.folder.listing import FolderPlan, collection_of
from rag_pipeline.ingestion.pauses import NO_PAUSES, Pauses, paused_in_words

QUIET_LIMIT_SECONDS = 30.0
"""A collection into which files are still being copied waits this long at most, so that a big drop is one run."""

RETRY_SECONDS = 30.0
"""After a run that changed nothing, the next for the same state waits this long, then twice as long each time."""

MOST_TRIES = 5

Task = tuple[Lane, str]
"""A lane and a collection: at most one run at a time."""


@dataclass(frozen=True, slots=True)
class Need:
    """Why a task needs a run. ``state`` identifies exactly this need; ``unsettled`` files are still being written; ``fresh``: the folder
    changed, so that someone may wait for it."""

    state: str
    unsettled: int = 0
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen and asked for of one task; times in seconds since 1970. ``state`` is empty before the first request.

    ``slices`` counts the runs for the same work, which are ever longer.
    """

    state: str = ""
    requested_at: float = 0.0
    tries: int = 0
    waiting_since: float = 0.0
    slices: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """A run to start now; ``slices`` were done of the same work before it."""

    lane: Lane
    collection: str
    slices: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Runs to start now, the memory for the next time, and a line in plain words for each task that waits."""

    run: tuple[Request, ...]
    memory: Mapping[Task, Memory]
    waiting: tuple[str, ...]


def needs_of(plan: FolderPlan, backlogs: Mapping[str, Backlog]) -> dict[Task, Need]:
    """Group a plan of the whole folder, and what is left to do besides, by task. Pure."""
    changes: dict[str, list[str]] = {}
    for found in plan.to_read:
        changes.setdefault(found.collection, []).append(f"{found.file}:{found.signature}")
    for file in plan.removed:
        changes.setdefault(collection_of(file), []).append(f"removed:{file}")
    unsettled = [found.collection for found in plan.unsettled]
    needs: dict[Task, Need] = {}
    for collection in changes.keys() | backlogs.keys():
        backlog, changed = backlogs.get(collection, Backlog()), changes.get(collection, [])
        if changed or backlog.documents:
            lines = [*changed, *([f"unfinished:{backlog.documents}"] if backlog.documents else [])]
            needs["text", collection] = Need(_digest(lines), unsettled.count(collection), fresh=bool(changed))
        if backlog.passages:
            needs["vectors", collection] = Need(f"vectors:{backlog.passages}")
    return needs


def _digest(lines: list[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(lines)).encode()).hexdigest()[:16]


def decide(
    needs: Mapping[Task, Need], in_flight: Set[Task], memory: Mapping[Task, Memory], now: float, pauses: Pauses = NO_PAUSES
) -> Decision:
    """Which runs start now: one a task at a time, none while files pour in, ever rarer when runs change nothing, none that is paused.

    Vectors are made for one collection at a time, the one first that waited longest, and while no text of it is read.
    """
    run: list[Request] = []
    waiting: list[str] = []
    next_memory: dict[Task, Memory] = {}
    for task, need in sorted(needs.items(), key=lambda item: (item[0][0], memory.get(item[0], Memory()).requested_at, item[0][1])):
        old = _not_of_the_future(memory.get(task, Memory()), now)
        since = old.waiting_since or now
        busy = in_flight | {(request.lane, request.collection) for request in run}
        reason = _in_the_way(task, busy) or _reason_to_wait(need, old, since, now)
        if task[1] in pauses:  # a run that was paused before it did anything has not failed
            waiting.append(f"{task[1]}, {task[0]}: {paused_in_words(task[1])}")
            next_memory[task] = Memory(waiting_since=since, slices=old.slices)
        elif reason:
            waiting.append(f"{task[1]}, {task[0]}: {reason}")
            next_memory[task] = Memory(old.state, old.requested_at, old.tries, since, old.slices)
        else:
            request = Request(*task, 0 if need.fresh else old.slices)
            run.append(request)
            tries = old.tries + 1 if old.state == need.state else 1
            next_memory[task] = Memory(need.state, now, tries, 0.0, request.slices + 1)
    return Decision(tuple(run), next_memory, tuple(waiting))


def _not_of_the_future(old: Memory, now: float) -> Memory:
    """Where the clock was set back, what was before counts as of now: nothing waits for the time to come again."""
    return replace(old, requested_at=min(old.requested_at, now), waiting_since=min(old.waiting_since, now))


def _in_the_way(task: Task, busy: Set[Task]) -> str | None:
    lane, collection = task
    if task in busy:
        return "a run is at work"
    if lane == "vectors" and ("text", collection) in busy:
        return "its documents are being read"
    if lane == "vectors" and any(other == "vectors" for other, _ in busy):
        return "another collection's vectors are being made"
    return None


def _reason_to_wait(need: Need, old: Memory, since: float, now: float) -> str | None:
    if need.unsettled and now - since < QUIET_LIMIT_SECONDS:
        return f"{need.unsettled} files are still being copied"
    if old.state != need.state:
        return None
    if old.tries >= MOST_TRIES:
        return f"{MOST_TRIES} runs changed nothing; look at the last one, then materialise by hand or change a file"
    pause = old.requested_at + RETRY_SECONDS * 2 ** (old.tries - 1) - now
    return f"the last run changed nothing; the next try is in {pause:.0f} s" if pause > 0 else None


def memory_to_text(memory: Mapping[Task, Memory], mark: str = "", *, waits: bool = False) -> str:
    """The memory as the sensor's cursor, with the mark of the last look (``changes``), and whether that left something waiting."""
    tasks = [[*task, asdict(one)] for task, one in sorted(memory.items())]
    return json.dumps({"tasks": tasks, "mark": mark, "waits": waits}, sort_keys=True)


def memory_from_text(text: str | None) -> tuple[dict[Task, Memory], str, bool]:
    """The inverse of :func:`memory_to_text`: memory, mark, whether something waits. Nothing remembered yet, or by an earlier release, is
    an empty memory."""
    value = json.loads(text or "{}")
    if not isinstance(value.get("tasks"), list):
        return {}, "", False
    memory = {cast("Task", (lane, collection)): Memory(**one) for lane, collection, one in value["tasks"]}
    return memory, value["mark"], value["waits"]

"""When a collection deserves a run: the sensor's decision, as a pure function with a small memory.

Belongs here: what needs a run, what is in the way, how long to wait. Not here: Dagster, the folder's listing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass

from rag_pipeline.ingestion.folder.listing import FolderPlan, collection_of

QUIET_LIMIT_SECONDS = 30.0
"""A collection into which files are still being copied waits this long at most, so that a big drop is one run."""

RETRY_SECONDS = 30.0
"""After a run that changed nothing, the next for the same state waits this long, then twice as long each time."""

MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class Need:
    """Why a collection needs a run. ``state`` identifies exactly this need; ``unsettled`` files are still being written."""

    state: str
    unsettled: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen and asked for of one collection; times in seconds since 1970. ``state`` is empty before the first request."""

    state: str = ""
    requested_at: float = 0.0
    tries: int = 0
    waiting_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """Collections to run now, the memory for the next time, and a line in plain words for each that waits."""

    run: tuple[str, ...]
    memory: Mapping[str, Memory]
    waiting: tuple[str, ...]


def needs_of(plan: FolderPlan, unfinished: Mapping[str, int]) -> dict[str, Need]:
    """Group a plan of the whole folder, and the catalog's unfinished documents, by collection. Pure."""
    changes: dict[str, list[str]] = {collection: [f"unfinished:{count}"] for collection, count in unfinished.items()}
    for found in plan.to_read:
        changes.setdefault(found.collection, []).append(f"{found.file}:{found.signature}")
    for file in plan.removed:
        changes.setdefault(collection_of(file), []).append(f"removed:{file}")
    unsettled = [found.collection for found in plan.unsettled]
    return {collection: Need(_digest(lines), unsettled.count(collection)) for collection, lines in changes.items()}


def _digest(lines: list[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(lines)).encode()).hexdigest()[:16]


def decide(needs: Mapping[str, Need], in_flight: Set[str], memory: Mapping[str, Memory], now: float) -> Decision:
    """Which collections get a run now: one a collection at a time, none while files pour in, and ever rarer when runs change nothing."""
    run: list[str] = []
    waiting: list[str] = []
    next_memory: dict[str, Memory] = {}
    for collection, need in sorted(needs.items()):
        old = memory.get(collection, Memory())
        since = old.waiting_since or now
        reason = _reason_to_wait(collection, need, old, since, in_flight, now)
        if reason:
            waiting.append(f"{collection}: {reason}")
            next_memory[collection] = Memory(old.state, old.requested_at, old.tries, since)
        else:
            run.append(collection)
            next_memory[collection] = Memory(need.state, now, old.tries + 1 if old.state == need.state else 1, 0.0)
    return Decision(tuple(run), next_memory, tuple(waiting))


def _reason_to_wait(collection: str, need: Need, old: Memory, since: float, in_flight: Set[str], now: float) -> str | None:
    if collection in in_flight:
        return "a run is at work"
    if need.unsettled and now - since < QUIET_LIMIT_SECONDS:
        return f"{need.unsettled} files are still being copied"
    if old.state != need.state:
        return None
    if old.tries >= MOST_TRIES:
        return f"{MOST_TRIES} runs changed nothing; look at the last one, then materialise by hand or change a file"
    pause = old.requested_at + RETRY_SECONDS * 2 ** (old.tries - 1) - now
    return f"the last run changed nothing; the next try is in {pause:.0f} s" if pause > 0 else None


def memory_to_text(memory: Mapping[str, Memory], mark: str = "", *, waits: bool = False) -> str:
    """The memory as the sensor's cursor, with the mark of the last look (``changes``), and whether that left something waiting."""
    collections = {collection: asdict(one) for collection, one in memory.items()}
    return json.dumps({"collections": collections, "mark": mark, "waits": waits}, sort_keys=True)


def memory_from_text(text: str | None) -> tuple[dict[str, Memory], str, bool]:
    """The inverse of :func:`memory_to_text`: memory, mark, whether something waits. Nothing remembered yet is an empty memory."""
    value = json.loads(text or "{}")
    if not isinstance(value.get("mark"), str):  # the cursor of an earlier release is the memory alone
        value = {"collections": value, "mark": "", "waits": False}
    return {collection: Memory(**one) for collection, one in value["collections"].items()}, value["mark"], value["waits"]

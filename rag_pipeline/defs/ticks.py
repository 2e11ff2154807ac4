"""When the folder sensor looks: a tick waits until something happens, looks, and looks again when something is about to be due.

Belongs here: waiting within a tick, and what a look becomes for Dagster. Not here: the look itself (``sensors``), how changes are noticed
(``ingestion.folder.changes``).

Dagster's daemon starts a tick every five seconds, or as soon as the last one ends if that took longer, and each costs some 100 ms of
processor time in four processes. A tick that waits is therefore both cheaper and sooner than one that only looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import dagster as dg

from rag_pipeline.defs.instance import STOP_FILE
from rag_pipeline.ingestion.extract.process.abilities import abilities_fingerprint
from rag_pipeline.ingestion.folder.changes import Changes
from rag_pipeline.ingestion.folder.listing import FolderListing, FoundFile
from rag_pipeline.ingestion.folder.watch import Memory, Task, memory_from_text, memory_to_text
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.contract import CatalogError
from rag_pipeline.stores.files import change_mark

TICK_SECONDS = 25.0
"""Longest wait of a tick. Dagster gives up on one after 60 s."""
AT_WORK_SECONDS = 2.0
"""Between two looks while a run is at work at what they found."""
LOOK_SHARE = 0.1
"""Looks that follow each other take at most this share of a processor, but for the first of a tick: what it saw may have settled soon."""
LONGEST_REST_SECONDS = 5.0
"""Between two of them: nothing is heard meanwhile."""

DynamicRequest = dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found.

    ``lines``: why nothing runs, in plain words. ``waits``: whether time alone may make a run necessary. ``again``: in how many seconds it
    will, if that is soon.
    """

    listing: FolderListing
    memory: Mapping[Task, Memory]
    lines: tuple[str, ...] = ()
    waits: bool = True
    again: float | None = None
    run: Sequence[dg.RunRequest] = ()
    partitions: Sequence[DynamicRequest] = ()


def tick(settings: Settings, cursor: str | None, look: Callable[[Mapping[Task, Memory]], Look]) -> dg.SensorResult | dg.SkipReason:
    """One tick: wait, look, perhaps wait and look again; ends with a look that asks for a run, or after which nothing is due soon."""
    changes = changes_of(settings)
    ends_at = time.monotonic() + TICK_SECONDS
    memory: Mapping[Task, Memory]
    memory, mark, waits = memory_from_text(cursor)
    if not changes.is_rested(TICK_SECONDS):
        return dg.SkipReason("Listing the watched folder takes long; it is listed again after a rest of nine times as long.")
    if mark and not changes.since(mark, TICK_SECONDS) and not waits:
        return dg.SkipReason("Folder and index agree: nothing has happened since the last look.")
    for earlier in count():
        mark, began = changes.begin_look(), time.thread_time()  # waiting for a run's lock is no work
        found = look(memory)
        memory, rest = found.memory, min((time.thread_time() - began) / LOOK_SHARE, LONGEST_REST_SECONDS) if earlier else 0.0
        again, ended = found.again if changes.watch(found.listing) else 0.0, time.monotonic()
        if found.run or again is None or not changes.tells or ended + max(again, rest) > ends_at:
            return _result(found, mark if again is None else "")
        changes.since(mark, again)
        time.sleep(max(0.0, ended + rest - time.monotonic()))
        if not changes.is_rested(max(0.0, ends_at - time.monotonic())):
            return _result(found, "")
    raise AssertionError("an endless count has ended")


def next_look(unsettled: Sequence[FoundFile], settle_seconds: float, now: float, *, at_work: bool) -> float | None:
    """In how many seconds a look is due although nothing happens; None when there is no hurry."""
    settled = [found.changed_at + settle_seconds - now for found in unsettled]
    return min([*settled, *([AT_WORK_SECONDS] if at_work else [])], default=None)


def _result(found: Look, mark: str) -> dg.SensorResult:
    return dg.SensorResult(
        run_requests=list(found.run),
        dynamic_partitions_requests=list(found.partitions),
        cursor=memory_to_text(found.memory, mark, waits=found.waits),
        skip_reason=None if found.run else dg.SkipReason("\n".join(found.lines) or "Folder and index agree."),
    )


@lru_cache(maxsize=1)
def changes_of(settings: Settings) -> Changes:
    """What this process is told of the installation that the settings name."""
    return watched_folder(settings).changes(lambda: _situation(settings))


def _situation(settings: Settings) -> Hashable:
    """What besides the watched folder a look depends on: the catalog, what is published, questions with known answers, what can be read,
    which model a server has; and whether to stop."""
    manifests = sorted(settings.index_path.glob("*/manifest.json"))
    questions = sorted((*settings.evaluation_path.glob("*"), *settings.evaluation_path.glob("*/*.jsonl")))
    files = [
        settings.index_path,
        *manifests,
        settings.evaluation_path,
        *questions,
        settings.pauses_path,
        settings.served_models_path,
        settings.dagster_home / STOP_FILE,
    ]
    return change_mark(files), _catalog_mark(settings), abilities_fingerprint(settings)


def _catalog_mark(settings: Settings) -> Hashable:
    """Of a catalog that is out of reach, why: the look then says it."""
    try:
        return open_catalog(settings).change_mark()
    except CatalogError as error:
        return str(error)

"""Which collections are paused: a small file in the data folder, so that a pause outlasts restarts.

Belongs here: reading and changing it. Not here: who heeds it (``folder/watch.py`` starts no run, ``steps/`` begin nothing new,
``defs/resources.py`` cancels a run that was told to stop and does not end).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace

from filelock import FileLock

from rag_pipeline.document_life import as_argument
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class Pauses:
    """``everything``: all collections, those too that come later. ``stopped``: collection → since when (seconds since 1970) a run of it
    that does not end by itself is to be cancelled."""

    everything: bool = False
    collections: tuple[str, ...] = ()
    stopped: Mapping[str, float] = field(default_factory=dict)

    def __contains__(self, collection: str) -> bool:
        return self.everything or collection in self.collections


NO_PAUSES = Pauses()


def read_pauses(settings: Settings) -> Pauses:
    """What is paused now.

    Raises:
        RagError: the file is damaged.
    """
    path = settings.pauses_path
    try:
        found = read_json(path)
        stopped = {str(name): float(since) for name, since in dict(found.get("stopped", {})).items()}  # type: ignore[call-overload]
        names = tuple(str(name) for name in list(found.get("collections", ())))  # type: ignore[call-overload]
        return Pauses(bool(found.get("everything")), names, stopped)
    except (ValueError, TypeError) as error:
        raise RagError(f"{path}, which says what is paused, is damaged ({error}). Delete it: then nothing is paused.") from error


def is_paused_now(settings: Settings, collection: str) -> bool:
    """Whether a collection is paused.

    Raises:
        RagError: as :func:`read_pauses`.
    """
    return collection in read_pauses(settings)


def pause(settings: Settings, collections: Collection[str]) -> None:
    """Pause collections; none named: everything."""
    _change(settings, lambda now: _with(now, collections) if collections else replace(now, everything=True))


def stop(settings: Settings, collection: str) -> None:
    """Pause a collection, and have its run cancelled if it does not end by itself within seconds."""
    _change(settings, lambda now: replace(_with(now, [collection]), stopped={**now.stopped, collection: time.time()}))


def carry_on(settings: Settings, collections: Collection[str], existing: Collection[str] = ()) -> None:
    """End the pause of collections; none named: of everything. ``existing``: those that stay paused where everything was."""

    def changed(now: Pauses) -> Pauses:
        if not collections:
            return Pauses()
        names = {*now.collections, *(existing if now.everything else ())} - {*collections}
        return Pauses(False, tuple(sorted(names)), {name: since for name, since in now.stopped.items() if name in names})

    _change(settings, changed)


def paused_in_words(collection: str) -> str:
    """What to say where work on a paused collection is expected."""
    return f"{collection!r} is paused. To go on: rag continue {as_argument(collection)}"


def _with(now: Pauses, collections: Collection[str]) -> Pauses:
    return replace(now, collections=tuple(sorted({*now.collections, *collections})))


def _change(settings: Settings, changed: Callable[[Pauses], Pauses]) -> None:
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.locks_path / "paused.lock"):
        write_json(settings.pauses_path, asdict(changed(read_pauses(settings))))

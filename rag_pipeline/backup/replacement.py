"""The exchange of what is there for what was unpacked. Killed at any moment, it leaves the one or the other.

Belongs here: the marker, the renames, and finishing what was killed. Not here: unpacking (``restoring.py``).

Several files and folders cannot be renamed in one step. So a marker is written first: without it, the old is whole and what was unpacked
is forgotten; from then on :func:`rag_pipeline.settings.load_settings` refuses to name the data folder to anybody, and the first command
of ``rag`` goes on from wherever the exchange was. Each step may be repeated.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import uuid
from contextlib import closing
from pathlib import Path
from typing import cast

from filelock import FileLock

from rag_pipeline.backup.manifest import BackupError
from rag_pipeline.backup.snapshot import TOKENS_FILE
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.file import catalog_files
from rag_pipeline.stores.conversations.copying import copy_conversations
from rag_pipeline.stores.conversations.engine import conversations_url, database_url
from rag_pipeline.stores.files import read_json, sync_folder, write_json
from rag_pipeline.stores.vectors import open_index
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.move import move


def unpacked_folder(settings: Settings) -> Path:
    """Where a backup is unpacked, laid out as a data folder is."""
    return settings.restore_path / "new"


def restore_lock(settings: Settings) -> FileLock:
    """Held by who unpacks or exchanges."""
    return FileLock(settings.locks_path / "restore.lock")


def replaced_names(settings: Settings, with_uploads: bool) -> list[str]:
    """What of a data folder gives way: what a backup holds, and what was made for the state before it."""
    small = (settings.pauses_path, settings.chosen_model_path, settings.served_models_path, settings.evaluation_path)
    paths = [*small, settings.staging_path, settings.progress_path]
    names = [path.name for path in paths] + ["catalog.spill", TOKENS_FILE]
    if not settings.catalog_url:
        names += [path.name for path in catalog_files(settings.catalog_path)]
    if not settings.qdrant_url:
        names.append(settings.index_path.name)
    if not settings.database_url:
        names += [f"{settings.conversations_path.name}{suffix}" for suffix in ("", "-wal", "-shm")]
    return [*names, "uploads"] if with_uploads else names


def begin_replacement(settings: Settings, *, with_uploads: bool) -> None:
    """Say, in one step that outlasts a power cut, that the unpacked backup is what counts."""
    incoming = sorted(path.name for path in unpacked_folder(settings).iterdir())
    write_json(settings.restore_marker_path, {"incoming": incoming, "with_uploads": with_uploads})


def finish_replacement(settings: Settings) -> None:
    """Put what was unpacked in its place, from wherever that was left; nothing happens when all is done.

    Raises:
        RagError: a database or server cannot be used; repeating it goes on.
        OSError: the disk fails; repeating it goes on.
    """
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    with restore_lock(settings):
        if not settings.restore_marker_path.exists():
            return
        plan = read_json(settings.restore_marker_path)
        incoming = cast("list[str]", plan["incoming"])
        replaced = replaced_names(settings, bool(plan["with_uploads"]))
        try:
            _fill_servers(settings)
        except RagError as error:
            raise BackupError(f"{error}\nOnce that is mended, the next command of rag finishes the restore.") from error
        _put_aside(settings, replaced, incoming)
        for name in replaced:
            if os.path.lexists(unpacked_folder(settings) / name):
                (unpacked_folder(settings) / name).rename(settings.data / name)
        sync_folder(settings.data)
        settings.restore_marker_path.unlink()
        sync_folder(settings.restore_path)
        shutil.rmtree(settings.restore_path, ignore_errors=True)  # what is left of it is removed by the next restore


def _fill_servers(settings: Settings) -> None:
    """The databases and servers that the settings name; each replaces the old in one step of its own."""
    conversations = unpacked_folder(settings) / settings.conversations_path.name
    if settings.database_url and conversations.exists():
        asyncio.run(copy_conversations(database_url(None, conversations), conversations_url(settings)))
    catalog = unpacked_folder(settings) / settings.catalog_path.name
    if settings.catalog_url and catalog.exists():
        open_catalog(settings).replace_by(catalog)
    if settings.qdrant_url:
        with closing(EdgeIndex(unpacked_folder(settings) / settings.index_path.name)) as index, closing(open_index(settings)) as server:
            for _ in move(index, server, overwrite=True):
                pass


def _put_aside(settings: Settings, replaced: list[str], incoming: list[str]) -> None:
    """Move the old away. What comes in and is still waiting has not taken its place; what only goes has not gone yet unless it is aside."""
    aside = settings.restore_path / "old"
    aside.mkdir(exist_ok=True)
    for name in replaced:
        waits = os.path.lexists(unpacked_folder(settings) / name) if name in incoming else not os.path.lexists(aside / name)
        if waits and os.path.lexists(settings.data / name):
            free = f"{name}.{uuid.uuid4().hex}" if os.path.lexists(aside / name) else name
            (settings.data / name).rename(aside / free)

"""Restoring a backup: all of it is unpacked and verified beside what is there, and only then put in its place.

Belongs here: what is asked before, and unpacking. Not here: the exchange itself, and what becomes of it when it is killed
(``replacement.py``).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rag_pipeline.backup.making import UPLOADS, Progress
from rag_pipeline.backup.manifest import MANIFEST, BackupError, BackupManifest, read_manifest
from rag_pipeline.backup.packing import unpack
from rag_pipeline.backup.places import Place, existing_place
from rag_pipeline.backup.replacement import begin_replacement, finish_replacement, replaced_names, restore_lock, unpacked_folder
from rag_pipeline.backup.snapshot import Say
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, open_catalog
from rag_pipeline.stores.conversations.copying import count_conversations, count_tagged_documents, settle_file
from rag_pipeline.stores.conversations.engine import conversations_url, database_url
from rag_pipeline.stores.files import private_files
from rag_pipeline.stores.vectors import open_index
from rag_pipeline.stores.vectors.disk import require_space
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.move import others

_ADVICE = "Free some space. Nothing was changed."


def restore(settings: Settings, target: str, *, replace: bool, say: Say, progress: Progress) -> BackupManifest:
    """Put a backup where the settings say that data is kept: into the data folder, and into the databases and servers that they name.

    Args:
        replace: whether what is there is lost once all is done.

    Raises:
        BackupError: no whole backup is there, the product runs, or something is there that is not to be replaced. Nothing was changed.
        RagError: a store or the storage cannot be used.
    """
    try:
        with private_files(), existing_place(settings, target) as place:
            manifest = read_manifest(place.get(MANIFEST), place.address)
            with _alone(settings):
                _require_replaceable(settings, manifest, replace)
                _require_rest(settings)
                _unpack(settings, place, manifest, replace, progress)
                say("Verified. Putting it in place …")
                _require_rest(settings)
                begin_replacement(settings, with_uploads=bool(manifest.contents.get(UPLOADS)))
        finish_replacement(settings)
    except OSError as error:
        raise BackupError(f"The backup at {target} could not be restored: {error}. Mend that and restore again.") from error
    return manifest


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Neither `rag up` nor another restore is at work on the data folder."""
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.data / "up.lock").acquire(timeout=0), restore_lock(settings).acquire(timeout=0):
            yield
    except Timeout:
        raise BackupError(f"`rag up` or another restore is running on {settings.data}. Stop it and restore again.") from None


def _require_rest(settings: Settings) -> None:
    """Check that no run is at work, nor a backup, and that no app has the conversations open."""
    ours = Path(restore_lock(settings).lock_file)
    for path in settings.locks_path.glob("*.lock"):
        if path != ours:
            try:
                with FileLock(path).acquire(timeout=0):
                    pass
            except Timeout:
                raise BackupError(f"A run, a pause or a backup is at work on {settings.data}. Restore when it is done.") from None
    if settings.conversations_path.exists():
        settle_file(settings.conversations_path)


def _require_replaceable(settings: Settings, manifest: BackupManifest, replace: bool) -> None:
    """Check that nothing is in the way, and that what is may be put aside by renaming it."""
    names = replaced_names(settings, bool(manifest.contents.get(UPLOADS)))
    there = [settings.data / name for name in names if os.path.lexists(settings.data / name)]
    if fixed := [path for path in there if path.is_mount() or path.is_symlink()]:
        raise BackupError(f"{fixed[0]} lies on another disk and cannot be put aside. Remove the mount or link first. Nothing was changed.")
    originals = (settings.catalog_path, settings.index_path, settings.conversations_path, settings.pauses_path, settings.data / UPLOADS)
    found = [str(path) for path in originals if path in there and (not path.is_dir() or any(path.iterdir()))]
    if settings.catalog_url:
        found += ["the catalog of RAG_CATALOG_URL"] if open_catalog(settings).collections() else []
    if settings.database_url:
        for what, count in (("conversations", count_conversations), ("tags", count_tagged_documents)):
            found += [f"the {what} of RAG_DATABASE_URL"] if asyncio.run(count(conversations_url(settings))) else []
    if found and not replace:
        raise _in_the_way(found)


def _in_the_way(found: Sequence[str]) -> BackupError:
    return BackupError(f"There is data already: {', '.join(found)}. Nothing was changed. To lose it for the backup, add: --replace")


def _unpack(settings: Settings, place: Place, manifest: BackupManifest, replace: bool, progress: Progress) -> None:
    """Unpack all and look at it, so that nothing is found out later than that."""
    require_space(settings.data, manifest.unpacked_bytes, "restore the backup", _ADVICE)
    shutil.rmtree(settings.restore_path, ignore_errors=True)  # of a restore that was killed before it changed anything
    folder = unpacked_folder(settings)
    folder.mkdir(parents=True)
    try:
        unpack(place, manifest, folder, lambda size: progress(size, manifest.unpacked_bytes))
        _require_usable(settings, folder, replace)
        os.sync()
    except BaseException:
        shutil.rmtree(settings.restore_path, ignore_errors=True)
        raise


def _require_usable(settings: Settings, folder: Path, replace: bool) -> None:
    """Open what was unpacked; what an older program wrote is brought up to date."""
    catalog = Catalog(folder / settings.catalog_path.name)
    catalog.collections()
    conversations = folder / settings.conversations_path.name
    if conversations.exists():
        asyncio.run(count_conversations(database_url(None, conversations)))
        settle_file(conversations)
        conversations.with_name(f"{conversations.name}.lock").unlink(missing_ok=True)
    with closing(EdgeIndex(folder / settings.index_path.name)) as index:
        if damages := index.damaged():
            raise damages[0]
        if settings.qdrant_url:
            with closing(open_index(settings)) as server:
                if (different := others(index, server)) and not replace:
                    raise _in_the_way([f"the collection {name} on the Qdrant server" for name in different])

"""All that is kept, as it was at one moment, in a folder of its own, while the product runs.

Belongs here: what is kept, and what rests meanwhile. Not here: how each store copies what is its own (``stores``), packing.

Catalog and index must fit together: publications rest while both are copied, by the lock that a run's last step holds too, so the copy is
what a run that was killed between two steps would leave, which the next one goes on from. Files of the index never change and are linked,
so publications rest for as long as the catalog's copy takes; reading, embedding and answers go on.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rag_pipeline.access import hashed_entries
from rag_pipeline.backup.manifest import BackupError
from rag_pipeline.errors import TransientError
from rag_pipeline.ingestion.steps.vector_index import STEP
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, open_catalog
from rag_pipeline.stores.catalog.file import catalog_files
from rag_pipeline.stores.catalog.indexable import answering_documents
from rag_pipeline.stores.conversations.copying import copy_conversations, count_conversations, settle_file
from rag_pipeline.stores.conversations.engine import conversations_url, database_url
from rag_pipeline.stores.vectors import VectorIndex, open_index
from rag_pipeline.stores.vectors.disk import require_space
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.move import move
from rag_pipeline.stores.vectors.versions import CollectionFolder

Say = Callable[[str], None]
"""Told in words what is waited for, and what is left out."""
TOKENS_FILE = "tokens.txt"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The folder, laid out as a data folder is, and how many there are of what."""

    folder: Path
    contents: dict[str, int]


@contextmanager
def snapshot(settings: Settings, say: Say) -> Iterator[Snapshot]:
    """Copy what is kept; the copy goes at the end of the block.

    Raises:
        BackupError: there is nothing, or another backup is being made.
        RagError: a store cannot be read, or the disk is too small.
    """
    folder = settings.backup_path
    _require_something(settings)
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    try:
        alone = FileLock(settings.locks_path / "backup.lock").acquire(timeout=0)
    except Timeout:
        raise BackupError(f"Another backup of {settings.data} is being made. Wait for its end.") from None
    with alone:
        shutil.rmtree(folder, ignore_errors=True)  # of a backup that was killed
        folder.mkdir()
        try:
            contents = _copy_catalog_and_index(settings, folder, say)
            contents["conversations"] = _copy_conversations(settings, folder)
            _copy_small_files(settings, folder)
            yield Snapshot(folder, contents)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _require_something(settings: Settings) -> None:
    known = (settings.catalog_path, settings.index_path, settings.conversations_path)
    if not any(path.exists() for path in known) and not settings.database_url and not settings.catalog_url:
        raise BackupError(f"There is nothing to back up in {settings.data}. Check RAG_DATA_DIR.")


def _copy_catalog_and_index(settings: Settings, folder: Path, say: Say) -> dict[str, int]:
    catalog = open_catalog(settings)
    copy = folder / settings.catalog_path.name
    size = 0 if settings.catalog_url else sum(file.stat().st_size for file in catalog_files(settings.catalog_path) if file.exists())
    require_space(settings.data, size, "copy the catalog", "Free some space. Nothing was changed.")
    with closing(open_index(settings)) as index, ExitStack() as resting:
        known, published = set(catalog.collections()), set(index.collections())
        for collection in sorted(known | published):
            resting.enter_context(_publications_rest(settings, collection, say))
        ours = published & known if settings.qdrant_url and known else published  # what else a server has may be another installation's
        _copy_index(settings, index, sorted(ours), folder / settings.index_path.name, say)
        catalog.copy_to(copy)
    counts = answering_documents(Catalog(copy))
    return {"collections": len(counts), "documents": sum(counts.values())}


@contextmanager
def _publications_rest(settings: Settings, collection: str, say: Say) -> Iterator[None]:
    workspace = Workspace(settings, collection)
    with ExitStack() as held:
        try:
            held.enter_context(workspace.lock(STEP, 0))
        except TransientError:
            say(f"Waiting until {collection} is published …")
            held.enter_context(workspace.lock(STEP))
        yield


def _copy_index(settings: Settings, index: VectorIndex, collections: Sequence[str], target: Path, say: Say) -> None:
    """The versions that answer and those before them; of a server, whose points are copied, those that answer."""
    damaged = {error.collection: error for error in index.damaged()}
    for error in damaged.values():
        say(f"Left out: {error}")
    for collection in (name for name in collections if name not in damaged):
        if settings.qdrant_url:
            say(f"Copying {collection} from the Qdrant server …")
            with closing(EdgeIndex(target)) as copy:
                list(move(index, copy, [collection]))
        else:
            CollectionFolder(settings.index_path, collection).link_to(target)


def _copy_conversations(settings: Settings, folder: Path) -> int:
    copy = folder / settings.conversations_path.name
    if not settings.database_url and not settings.conversations_path.exists():
        return 0
    source = conversations_url(settings)
    target = database_url(None, copy)
    asyncio.run(copy_conversations(source, target))
    count = asyncio.run(count_conversations(target))
    settle_file(copy)
    copy.with_name(f"{copy.name}.lock").unlink(missing_ok=True)
    return count


def _copy_small_files(settings: Settings, folder: Path) -> None:
    for path in (settings.pauses_path, settings.chosen_model_path, settings.served_models_path):
        if path.exists():
            shutil.copyfile(path, folder / path.name)
    if settings.evaluation_path.exists():
        kept = folder / settings.evaluation_path.name
        shutil.copytree(settings.evaluation_path, kept, ignore=shutil.ignore_patterns(".writing-*"), copy_function=_copy_what_is_there)
    if settings.api_tokens:
        entries = hashed_entries(settings.api_tokens.get_secret_value())
        (folder / TOKENS_FILE).write_text("".join(f"{entry}\n" for entry in entries), encoding="utf-8")


def _copy_what_is_there(source: str, target: str) -> None:
    """A measurement may take an old result away meanwhile."""
    with suppress(FileNotFoundError):
        shutil.copyfile(source, target)

"""Making a backup: the snapshot, packed into a place, and the manifest last.

Belongs here: their order. Not here: each of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from rag_pipeline.backup.manifest import FORMAT, MANIFEST, BackupError, BackupManifest, product_version
from rag_pipeline.backup.packing import SourceFile, pack
from rag_pipeline.backup.places import Place, new_place
from rag_pipeline.backup.snapshot import Say, snapshot
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import private_files
from rag_pipeline.stores.vectors.disk import allocated_bytes, require_space

Progress = Callable[[int, int], None]
"""Told how many more bytes are done, and of how many."""
UPLOADS = "uploads"


def back_up(settings: Settings, target: str, *, with_uploads: bool, say: Say, progress: Progress) -> BackupManifest:
    """Make a backup of all that is kept, while the product runs.

    Args:
        target: a folder, a file whose name ends with ``.zip``, or ``s3://bucket/prefix``; nothing may be there yet.
        with_uploads: also of the watched folder's files.

    Raises:
        BackupError: something is there, or it cannot be made; no manifest is there then, and nothing can be restored from it.
        RagError: a store or the storage cannot be used.
    """
    uploads = _uploads(settings) if with_uploads else None
    _require_outside(settings, target)
    try:
        with private_files(), new_place(settings, target) as place, snapshot(settings, say) as taken:
            total = allocated_bytes(taken.folder) + (allocated_bytes(uploads) if uploads else 0)
            _require_room(place, total)
            kept = sum(1 for _ in _files(taken.folder, "", say))
            originals = _files(uploads, f"{UPLOADS}/", say) if uploads else iter(())
            packed = pack(place, chain(_files(taken.folder, "", say), originals), lambda size: progress(size, total))
            contents = {**taken.contents, UPLOADS: packed.files - kept}
            made_at = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = BackupManifest(FORMAT, product_version(), made_at, contents, packed.files, packed.unpacked_bytes, packed.parts)
            place.put(MANIFEST, manifest.to_json())
    except OSError as error:
        raise BackupError(f"The backup at {target} could not be made: {error}. What is there of it cannot be restored.") from error
    return manifest


def _uploads(settings: Settings) -> Path:
    uploads = settings.uploads
    if not isinstance(uploads, Path):
        raise BackupError(f"The originals lie in {uploads}, and a backup holds files of this machine only. Leave out --uploads.")
    return uploads


def _require_outside(settings: Settings, target: str) -> None:
    uploads = settings.uploads
    if "://" not in target and isinstance(uploads, Path) and Path(target).resolve().is_relative_to(uploads.resolve()):
        raise BackupError(f"{target} is in the watched folder, where a backup would be read as documents. Name another place.")


def _require_room(place: Place, total_bytes: int) -> None:
    if place.folder:
        place.folder.mkdir(parents=True, exist_ok=True)
        require_space(place.folder, total_bytes, "make the backup", "Free some space there, or name another place.")


def _files(root: Path, prefix: str, say: Say) -> Iterator[SourceFile]:
    """Every regular file below a folder, in order, and the folders that are empty: the index has some."""
    for parent, folders, names in os.walk(root, onerror=_unreadable):
        folders.sort()
        if not folders and not names and parent != str(root):
            yield SourceFile(f"{prefix}{Path(parent).relative_to(root).as_posix()}", Path(parent))
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                say(f"Left out: {path} is no file but a link or something else.")
            else:
                yield SourceFile(f"{prefix}{path.relative_to(root).as_posix()}", path)


def _unreadable(error: OSError) -> None:
    raise error

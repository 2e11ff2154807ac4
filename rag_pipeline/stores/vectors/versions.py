"""Versions as folders, a manifest that names the current one, and who may delete which.

Belongs here: folder names, the manifest file, who holds what. Not here: what segments mean (``segments.py``), the engine's files, the disk
itself (``disk.py``).

``<collection>/manifest.json`` names the current version and the one before it; ``<collection>/<version>/`` says which segments a version
is made of; ``<collection>/segments/<segment>/`` holds the points of one. Readers hold a shared lock on the version they read; a version
goes only when nobody holds it and the manifest does not name it, a segment when no version has it and nobody is writing it. A killed
process leaves no lock behind: the kernel drops it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote, unquote

from pydantic import TypeAdapter

from rag_pipeline.errors import TransientError
from rag_pipeline.stores.files import change_mark, copy_data, read_json, sync_folder, write_json
from rag_pipeline.stores.vectors.contract import INDEX_SCHEMA, CollectionNotIndexedError, DamagedIndexError, Manifest
from rag_pipeline.stores.vectors.disk import try_lock
from rag_pipeline.stores.vectors.segments import Documents, Segment, StoredDocument
from rag_pipeline.stores.vectors.terms import Terms

LOG = logging.getLogger(__name__)

WRITER_PATIENCE_SECONDS = 600.0
"""How long a writer waits for another one of the same collection."""

_EARLIER_SCHEMAS = tuple(str(number) for number in range(1, int(INDEX_SCHEMA)))
_MANIFEST = TypeAdapter(Manifest)
_SEGMENTS = "segments"
_VERSION, _DEAD, _TERMS, _DAMAGED, _DOCUMENTS = "version.json", "dead.json", "terms.npy", "damaged", "documents.json"
_LONGEST_NAME = 150
_OPEN_ATTEMPTS = 200
_ATTEMPT_SECONDS = 0.02


def folder_name(collection: str) -> str:
    """A name that every file system takes: other characters than letters, digits, ``_``, ``-`` and ``~`` escaped, long names hashed."""
    quoted = quote(collection, safe="").replace(".", "%2E")
    if len(quoted) <= _LONGEST_NAME:
        return quoted
    return f"{quoted[:_LONGEST_NAME]}-{hashlib.sha256(collection.encode()).hexdigest()[:16]}"


def new_version(after: Iterable[str] = ()) -> str:
    """A version name that sorts by time, and behind those that it comes ``after``, even where the clock was set back meanwhile."""
    latest = max(map(version_time, after), default=datetime.min.replace(tzinfo=UTC))
    moment = max(datetime.now(UTC), latest + timedelta(microseconds=1))
    return f"{moment:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:6]}"


def version_time(version: str) -> datetime:
    """When a version was begun."""
    return datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class VersionContents:
    """What a version holds: the names of its segments, the points of each document that is dead in them, live passages, their words."""

    segments: Sequence[str]
    dead: Mapping[str, Mapping[str, int]]
    passages: int
    terms: Terms


class CollectionFolder:
    """The versions of one collection on the local disk."""

    def __init__(self, root: Path, collection: str) -> None:
        self.collection = collection
        self._root = root
        self.path = root / folder_name(collection)
        self._manifest_path = self.path / "manifest.json"

    def signature(self) -> tuple[int, int, int] | None:
        """Changes whenever the manifest is replaced; None when there is none. Costs one system call."""
        try:
            status = self._manifest_path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def manifest(self) -> Manifest | None:
        """The version that answers: the current one, or, where that cannot be read, the one before it.

        None when nothing is published, or its points were deleted by hand.

        Raises:
            DamagedIndexError: the manifest file is damaged, or both versions are.
        """
        damages = []
        for manifest in self._read().values():
            damage = self._damage(manifest)
            if damage is None:
                return manifest
            damages += [] if self._is_missing(manifest) else [damage]
        if damages:
            raise DamagedIndexError(self.collection, damages[0])
        return None

    def previous(self) -> Manifest | None:
        """The version before the current one, kept for a rollback."""
        previous = self._read().get("previous")
        return previous if previous and not self._damage(previous) else None

    def damage(self) -> str | None:
        """What is wrong with the current version, whether or not the one before it answers in its place; None when all is well."""
        try:
            current = _read_manifests(self._manifest_path).get("current")
        except (ValueError, OSError) as error:
            return f"{self._manifest_path}: {_in_one_line(error)}"
        return self._damage(current) if current else None

    def mark_damaged(self, manifest: Manifest, reason: str) -> None:
        """Note that a version cannot be opened, so that the one before it answers and the next run makes it anew."""
        (self.version_path(manifest.version) / _DAMAGED).write_text(reason, encoding="utf-8")

    def _damage(self, manifest: Manifest) -> str | None:
        folder = self.version_path(manifest.version)
        try:
            return (folder / _DAMAGED).read_text(encoding="utf-8")
        except FileNotFoundError:
            pass
        try:
            missing = self._missing_segments(folder)
        except (ValueError, TypeError, KeyError, OSError) as error:
            return f"{folder}: {_in_one_line(error)}"
        return f"{self.shard_path(missing[0])} is missing" if missing else None

    def _missing_segments(self, version_folder: Path) -> list[str]:
        return [name for name in _segment_names(version_folder) if not self.shard_path(name).is_dir()]

    def _is_missing(self, manifest: Manifest) -> bool:
        folder = self.version_path(manifest.version)
        return not folder.is_dir() or bool(_segment_names_or_none(folder) and self._missing_segments(folder))

    def _read(self) -> dict[str, Manifest]:
        """The versions that the manifest names."""
        try:
            return _read_manifests(self._manifest_path)
        except (ValueError, OSError) as error:
            raise DamagedIndexError(self.collection, f"{self._manifest_path}: {_in_one_line(error)}") from error

    def forget_if_damaged(self) -> None:
        """Begin anew where no version can answer. Only the writer may call this."""
        try:
            self.manifest()
        except DamagedIndexError as error:
            LOG.warning("%s It is made again now.", error)
            self._remove_manifest()

    def _remove_manifest(self) -> None:
        if self._manifest_path.is_dir():
            shutil.rmtree(self._manifest_path)
        else:
            self._manifest_path.unlink()

    def point_at(self, current: Manifest, previous: Manifest | None) -> None:
        """Make a version the current one, in one step."""
        write_json(self._manifest_path, {"current": asdict(current), "previous": asdict(previous) if previous else None})

    def version_path(self, version: str) -> Path:
        """The folder of a version."""
        return self.path / version

    def segment_path(self, segment: str) -> Path:
        """The folder of a segment."""
        return self.path / _SEGMENTS / segment

    def shard_path(self, segment: str) -> Path:
        """The folder of a segment that the engine owns."""
        return self.segment_path(segment) / "shard"

    @contextmanager
    def new_segment(self) -> Iterator[str]:
        """The name of a segment that is written within the block and held against deletion until its end, when a version has it."""
        name = new_version()
        folder = self.segment_path(name)
        folder.mkdir(parents=True)
        with _lock_path(folder).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            try:
                yield name
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def write_documents(self, segment: Segment) -> None:
        """Note what a new segment holds."""
        rows = {key: [stored.points, stored.vectors, stored.revision] for key, stored in segment.documents.items()}
        write_json(self.segment_path(segment.name) / _DOCUMENTS, cast("dict[str, object]", rows))

    def write_version(self, segments: Sequence[Segment], terms: Terms) -> str:
        """Write down a new version, not yet published; its name."""
        version = new_version(manifest.version for manifest in self._read().values())
        folder = self.version_path(version)
        folder.mkdir(parents=True)
        _lock_path(folder).touch()
        try:
            terms.save(folder / _TERMS)
            dead = {one.name: {key: one.documents[key].points for key in sorted(one.dead)} for one in segments if one.dead}
            write_json(folder / _DEAD, cast("dict[str, object]", dead))
            passages = sum(segment.live_points for segment in segments)
            write_json(folder / _VERSION, {"segments": [segment.name for segment in segments], "passages": passages})
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return version

    def contents(self, version: str) -> VersionContents:
        """What readers need of a version.

        Raises:
            ValueError: a file of it is damaged.
            OSError: one cannot be read.
        """
        folder = self.version_path(version)
        dead = cast("dict[str, dict[str, int]]", read_json(folder / _DEAD))
        passages = cast("int", read_json(folder / _VERSION).get("passages", 0))
        return VersionContents(_segment_names(folder), dead, passages, Terms.load(folder / _TERMS))

    def segment_names(self, version: str) -> list[str]:
        """What a version is made of; nothing of one that was deleted meanwhile, or is damaged.

        Raises:
            OSError: it is there and cannot be read.
        """
        return _segment_names_or_none(self.version_path(version))

    def segments(self, version: str) -> list[Segment]:
        """What the writer needs of a version: each segment with its documents.

        Raises:
            ValueError: a file of it is damaged.
            OSError: one cannot be read.
        """
        folder = self.version_path(version)
        dead = cast("dict[str, dict[str, int]]", read_json(folder / _DEAD))
        return [Segment(name, self._documents(name), frozenset(dead.get(name, ()))) for name in _segment_names(folder)]

    def stored(self, segment: str) -> tuple[int, int]:
        """How many points a segment was written with, dead ones included, and how many of them have a dense vector."""
        documents = self._documents(segment).values()
        return sum(one.points for one in documents), sum(one.vectors for one in documents)

    def _documents(self, segment: str) -> Documents:
        rows = cast("dict[str, list[Any]]", read_json(self.segment_path(segment) / _DOCUMENTS))
        return {key: StoredDocument(*row) for key, row in rows.items()}

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Be the only writer of the collection, on this machine.

        Raises:
            TransientError: another one was still writing after WRITER_PATIENCE_SECONDS.
        """
        with self._lock_file("writing").open("w") as stream:
            self._wait_for(stream)
            self.path.mkdir(parents=True, exist_ok=True)
            yield

    def _lock_file(self, purpose: str) -> Path:
        locks = self._root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        return locks / f"{folder_name(self.collection)}.{purpose}"

    def _wait_for(self, stream: IO[str]) -> None:
        deadline = time.monotonic() + WRITER_PATIENCE_SECONDS
        while not try_lock(stream, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise TransientError("index_busy", f"Another run is writing the index of {self.collection!r}. Try again when it is done.")
            time.sleep(0.05)

    def hold_current(self) -> tuple[Manifest, IO[str]]:
        """The current version, locked against deletion until the returned file is closed.

        Raises:
            CollectionNotIndexedError: nothing is published.
        """
        for _ in range(_OPEN_ATTEMPTS):
            manifest = self.manifest()
            if manifest is None:
                raise CollectionNotIndexedError(self.collection)
            held = self._hold(manifest)
            if held is not None:
                return manifest, held
            time.sleep(_ATTEMPT_SECONDS)
        raise TransientError("index_busy", f"The index of {self.collection!r} changes too often to be read. Try again.")

    def _hold(self, manifest: Manifest) -> IO[str] | None:
        try:
            stream = _lock_path(self.version_path(manifest.version)).open("r")
        except FileNotFoundError:
            return None
        # Only what the manifest still names after the lock is held cannot have been deleted in between.
        if try_lock(stream, fcntl.LOCK_SH) and self.manifest() == manifest:
            return stream
        stream.close()
        return None

    @contextmanager
    def merging(self) -> Iterator[bool]:
        """Whether this process may merge segments now: one at a time does, and nobody waits for it."""
        with self._lock_file("merging").open("w") as stream:
            yield try_lock(stream, fcntl.LOCK_EX)

    def remove_unused(self) -> None:
        """Delete versions that the manifest does not name and nobody reads, and segments that none is made of. Only for the writer."""
        named = {manifest.version for manifest in self._read().values()}
        for folder in self.path.iterdir():
            if folder.is_dir() and folder.name not in {*named, _SEGMENTS}:
                _remove_unless_held(folder)
        used = {name for folder in self.path.iterdir() for name in _segment_names_or_none(folder)}
        segments = self.path / _SEGMENTS
        for folder in segments.iterdir() if segments.is_dir() else ():
            if folder.name not in used:
                _remove_unless_held(folder)

    def discard_segment(self, segment: str) -> None:
        """Delete a segment that no version has got."""
        shutil.rmtree(self.segment_path(segment), ignore_errors=True)

    def link_to(self, root: Path) -> None:
        """Have what the manifest names in another index folder too, as it is now: immutable files, so linked, which takes no space.

        Raises:
            DamagedIndexError: the manifest file is damaged.
            OSError: a segment is missing, or the disk is full.
        """
        other = CollectionFolder(root, self.collection)
        with self.writer():
            versions = [self.version_path(manifest.version) for manifest in self._read().values()]
            segments = {self.segment_path(name) for version in versions for name in _segment_names_or_none(version)}
            for folder in (*versions, *sorted(segments)):
                if folder.is_dir():  # a version before the current one may have been deleted by hand
                    shutil.copytree(folder, other.path / folder.relative_to(self.path), copy_function=_link)
            shutil.copyfile(self._manifest_path, other.path / self._manifest_path.name)

    def remove(self) -> None:
        """Delete everything. Who still reads goes on reading: open files outlive their names."""
        with suppress(FileNotFoundError):
            self._remove_manifest()
            sync_folder(self.path)
        shutil.rmtree(self.path, ignore_errors=True)


def published_versions(root: Path) -> dict[str, Manifest]:
    """The versions that answer, by collection, sorted; damaged ones are named in the log."""
    found = [manifest for path in _manifest_paths(root) if (manifest := _published(root, path))]
    return {manifest.collection: manifest for manifest in sorted(found, key=lambda manifest: manifest.collection)}


def damaged_collections(root: Path) -> list[DamagedIndexError]:
    """What is wrong with each collection whose current version cannot answer."""
    return [error for path in _manifest_paths(root) if (error := _damage_of(root, path))]


def _damage_of(root: Path, manifest_path: Path) -> DamagedIndexError | None:
    folder = CollectionFolder(root, _collection_of(manifest_path))
    why = folder.damage()
    return DamagedIndexError(folder.collection, why) if why else None


def _collection_of(manifest_path: Path) -> str:
    """As the manifest says; as the folder's name does where it cannot be read."""
    try:
        current = _read_manifests(manifest_path).get("current")
    except (ValueError, OSError):
        current = None
    return current.collection if current else unquote(manifest_path.parent.name)


def _manifest_paths(root: Path) -> list[Path]:
    return sorted(root.glob("*/manifest.json"))


def _published(root: Path, path: Path) -> Manifest | None:
    current = manifest = None
    with suppress(ValueError, OSError, DamagedIndexError):
        current = _read_manifests(path).get("current")
        manifest = CollectionFolder(root, current.collection).manifest() if current else None
        if manifest == current:  # looked at once only: each question asks
            return manifest
    if damage := _damage_of(root, path):
        LOG.warning("%s", damage)
    return manifest


def _read_manifests(path: Path) -> dict[str, Manifest]:
    """The versions that a manifest file names: current, previous; empty when there is no such file.

    Those of other programs' layouts are left out: they cannot answer, and the next run makes the index anew.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    return _parsed_manifests(path, change_mark([path]))


@lru_cache(maxsize=1024)
def _parsed_manifests(path: Path, mark: Hashable) -> dict[str, Manifest]:
    """Read once for each state of the file: a question asks seven times. Nobody changes what is returned."""
    content = read_json(path)
    if path.exists() and not content.get("current"):
        raise ValueError("it names no version")
    given = {name: content[name] for name in ("current", "previous") if content.get(name)}
    ours = {name: one for name, one in given.items() if not (isinstance(one, dict) and one.get("index_schema", "") in _EARLIER_SCHEMAS)}
    named = {name: _MANIFEST.validate_json(json.dumps(one), strict=True) for name, one in ours.items()}
    for manifest in named.values():
        version_time(manifest.version)
    return named


def _link(source: str, target: str) -> None:
    """Or copied, to another disk or on one without links. A reader that opens the index makes small files in it and deletes them again."""
    with suppress(FileNotFoundError):
        try:
            os.link(source, target)
        except FileNotFoundError:
            raise
        except OSError:
            copy_data(Path(source), Path(target))


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _lock_path(version_folder: Path) -> Path:
    return version_folder / "lock"


def _segment_names(version_folder: Path) -> list[str]:
    names = json.loads((version_folder / _VERSION).read_bytes())["segments"]
    return [str(name) for name in names]


def _segment_names_or_none(folder: Path) -> list[str]:
    """Of a folder that is no version, or a damaged one, none: it does not answer either. A disk that fails for a moment is no damage.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        return _segment_names(folder)
    except (ValueError, TypeError, KeyError, FileNotFoundError, NotADirectoryError):
        return []


def _remove_unless_held(folder: Path) -> None:
    try:
        with _lock_path(folder).open("a") as stream:
            if try_lock(stream, fcntl.LOCK_EX):
                shutil.rmtree(folder)
    except OSError as error:
        LOG.warning("%s could not be deleted and is left for the next run: %s", folder, error)

"""A publication on a Qdrant server: the claim before it, what it writes, and what the manifest says after it.

Belongs here: which operations bring one version to the next, and the counts that go with it. Not here: the points' own form
(``points.py``), the manifests' (``manifests.py``).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from rag_pipeline.errors import TransientError
from rag_pipeline.stores.vectors.contract import IndexChange, is_rolled_back, make_manifest, require_same_model
from rag_pipeline.stores.vectors.points import SPARSE
from rag_pipeline.stores.vectors.server.manifests import Excluded, Manifests, Part, Record, ServerVersion
from rag_pipeline.stores.vectors.server.names import number_of
from rag_pipeline.stores.vectors.server.points import (
    Batches,
    Points,
    any_of,
    forget_before,
    forget_unseen,
    has_vector,
    in_filters,
    remove_documents,
    seen_by,
    take_back,
    upserts,
    words_of,
)
from rag_pipeline.stores.vectors.terms import Terms
from rag_pipeline.stores.vectors.versions import new_version

PARTS_LEFT_ALONE = 8
"""So many counts of words are as quick to ask as one."""

_FORGOTTEN_AFTER_SECONDS = 3600.0
"""What a publication left that came to nothing is taken back at once; its number is held against it for longer, as requests of a writer
that was given up may still be on their way."""


READERS_TAKE_SECONDS = 60.0
"""A version that was replaced longer ago is read by nobody any more: a question is a matter of seconds."""


def is_of_the_past(record: Record) -> bool:
    """Whether the current version is that for so long that nobody reads one but those that are kept."""
    if record.current is None:
        return True
    published = datetime.fromisoformat(record.current.manifest.published_at)
    return (datetime.now(UTC) - published).total_seconds() > READERS_TAKE_SECONDS + 1  # a manifest has whole seconds


def forget_excluded(record: Record, places: Mapping[str, Points]) -> Record:
    """A record without the publications that came to nothing so long ago that no request of theirs is on its way any more: what they left
    is taken back once more before. The claim writes it down."""
    old = [one.number for one in record.excluded if time.time() - one.noticed > _FORGOTTEN_AFTER_SECONDS]
    if not old:
        return record
    for points in places.values():
        points.apply_if_there(take_back(record.collection, old))
    return replace(record, excluded=tuple(one for one in record.excluded if one.number not in old))


def claim(manifests: Manifests, old: Record | None, record: Record, change: IndexChange, place: str) -> tuple[Record, bool]:
    """Note in the manifest which version is begun; the record, without what the version will not be built upon, and whether the
    collection was rolled back.

    Args:
        old: the record as it was read; None where there is none.
        record: what is to be kept of it.

    Raises:
        TransientError: another writer was faster.
        RagError: the current version is of another embedding model, and ``from_scratch`` was not asked for.
    """
    if record.current and not change.from_scratch:
        require_same_model(record.current.manifest, change)
    known = [*(version.manifest.version for version in record.kept), *([record.writing] if record.writing else [])]
    given_up = [number_of(record.writing)] if record.writing else []
    previous = record.previous
    rolled_back = bool(record.current and previous and is_rolled_back(record.current.manifest, previous.manifest))
    if previous and rolled_back:
        given_up.append(previous.number)  # what is built upon the older one takes the newer one's place
        previous = None
    excluded = (*record.excluded, *(Excluded(number, time.time()) for number in given_up))
    places = tuple(dict.fromkeys((*record.places, place)))
    return manifests.replace(
        old, replace(record, previous=previous, writing=new_version(known), excluded=excluded, places=places)
    ), rolled_back


@dataclass(slots=True)
class _Documents:
    """Keys of some documents, how many passages they have, and the words of those."""

    keys: set[str] = field(default_factory=set)
    passages: int = 0
    terms: Terms = field(default_factory=Terms.none)

    def add(self, keys: Iterable[str], words: Sequence[Sequence[int]]) -> None:
        """Count some passages in, by the words of each."""
        self.keys.update(keys)
        self.passages += len(words)
        self.terms = self.terms.plus(Terms.of(words))


class Publication:
    """The writing of one version. ``record`` is the claim; the version's points are in ``target``, one of ``places`` by name."""

    def __init__(self, manifests: Manifests, record: Record, target: Points, places: Mapping[str, Points]) -> None:
        self._manifests = manifests
        self._record = record
        self._target = target
        self._places = places
        self._version = str(record.writing)
        self._number = number_of(self._version)
        self._excluded = record.numbers_excluded
        self._batches = Batches(target)
        self._dying = _Documents()  # what the version before has of them
        self._written = _Documents()

    def write(self, change: IndexChange, *, rolled_back: bool) -> Record:
        """Write the points and the counts of words; the record that makes them the current version.

        Raises:
            TransientError: there are other points in the end than there should be.
        """
        base = None if change.from_scratch else self._record.current
        self._clean_up()
        if base:
            self._look_at(base, change.removed_keys)
        self._remove(change.removed_keys if base else None)
        self._add(base, change)
        version = self._counted(change, base)
        written = self._written.keys
        only_completes = bool(written) and written == self._dying.keys == set(change.removed_keys)
        keep_earlier = self._record.current and only_completes and not rolled_back
        return self._after(version, self._record.previous if keep_earlier else self._record.current)

    def _add(self, base: ServerVersion | None, change: IndexChange) -> None:
        """Write the chunks, and remove what the version before has of their documents without being told."""
        looked_at = set(change.removed_keys)
        for batch in filter(None, change.chunks):
            keys = {str(chunk.payload["document_key"]) for chunk in batch}
            unseen = sorted(keys - looked_at) if base else []
            if base and unseen:
                self._look_at(base, unseen)
                self._remove(sorted(self._dying.keys.intersection(unseen)))
            looked_at |= keys
            self._written.add(keys, [chunk.sparse.indices for chunk in batch])
            for operation, size in upserts(self._record.collection, self._number, batch):
                self._batches.add([operation], size)
        self._batches.send()

    def _clean_up(self) -> None:
        """Take back what came to nothing, and delete what no kept version sees: before anything of this version is written."""
        record, seen = self._record, {version.points for version in self._record.kept}
        for name, points in self._places.items():
            operations = take_back(record.collection, self._excluded) if name in seen else forget_before(record.collection, self._number)
            if name in seen and is_of_the_past(record):
                operations += forget_unseen(record.collection, record.kept)
            if name == self._target.name:
                self._batches.add(operations)
            else:
                points.apply_if_there(operations)
        self._manifests.remove_words(record.collection, self._number, record.parts)

    def _look_at(self, base: ServerVersion, keys: Sequence[str]) -> None:
        """Note what the version before has of some documents."""
        for some in in_filters(keys):
            chosen = seen_by(base, self._record, any_of("document_key", some))
            for found in self._target.scroll(chosen, with_payload=["document_key"], with_vectors=[SPARSE]):
                keys_found = [str((point.payload or {})["document_key"]) for point in found]
                self._dying.add(keys_found, [words_of(point) for point in found])

    def _remove(self, keys: Sequence[str] | None) -> None:
        self._batches.add(remove_documents(self._record.collection, self._number, self._excluded, keys))

    def _counted(self, change: IndexChange, base: ServerVersion | None) -> ServerVersion:
        """The new version, once it holds as many points as it should."""
        collection = self._record.collection
        expected = self._written.passages + (base.manifest.chunks - self._dying.passages if base else 0)
        words = (*(base.words if base else ()), *self._manifests.write_words(collection, self._number, self._written.terms))
        gone = (*(base.words_gone if base else ()), *self._manifests.write_words(collection, self._number, self._dying.terms))
        version = ServerVersion(make_manifest(change, self._version, 0, 0), self._target.name, words, gone)
        chunks = self._target.count(seen_by(version, self._record))
        if chunks != expected:
            raise TransientError(
                "index_busy",
                f"The index of {collection!r} holds {chunks:,} passages on the Qdrant server in place of {expected:,}. "
                f"Run it again; if that does not help: rag ingest {collection!r} --full",
            )
        vectors = self._target.count(seen_by(version, self._record, has_vector()))
        return replace(version, manifest=make_manifest(change, self._version, chunks, vectors))

    def _after(self, version: ServerVersion, kept: ServerVersion | None) -> Record:
        # What was in other places is deleted by now; what only the versions of before have is deleted later: they may still be read.
        places = (version.points, *(one.points for one in self._record.kept))
        return replace(self._record, current=version, previous=kept, writing=None, places=tuple(dict.fromkeys(places)))


def merge_words(manifests: Manifests, record: Record) -> Record:
    """Put the smaller counts of words together where the current version has them in many parts; the record as it is then.

    Each is written anew a logarithmic number of times (Bentley and Saxe 1980). Where someone begins to publish meanwhile, nothing changes.
    """
    current = record.current
    chosen = _worth_merging(current.parts) if current else set()
    if current is None or not chosen:
        return record
    words, gone = ([part for part in parts if part in chosen] for parts in (current.words, current.words_gone))
    terms, terms_gone = manifests.read_words(words), manifests.read_words(gone)
    if len(chosen) == len(current.parts):
        terms, terms_gone = terms.minus(terms_gone), Terms.none()
    now = number_of(new_version([current.manifest.version]))  # above all that others may be deleting meanwhile
    merged = replace(
        current,
        words=(*(part for part in current.words if part not in chosen), *manifests.write_words(record.collection, now, terms)),
        words_gone=(
            *(part for part in current.words_gone if part not in chosen),
            *manifests.write_words(record.collection, now, terms_gone),
        ),
    )
    try:
        return manifests.replace(record, replace(record, current=merged))
    except TransientError:
        return record


def _worth_merging(parts: Sequence[Part]) -> set[Part]:
    """The smaller half of too many, and each larger one that is at most twice as large as all before it; none when all is well."""
    chosen: set[Part] = set()
    if len(parts) > PARTS_LEFT_ALONE:
        for number, part in enumerate(sorted(parts, key=lambda one: one.words)):
            if number >= PARTS_LEFT_ALONE // 2 and part.words > 2 * sum(one.words for one in chosen):
                break
            chosen.add(part)
    return chosen

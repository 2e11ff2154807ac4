"""The life of a document: its states, how often it is tried, what makes a failed one be tried again, when a missing file is a deletion.

Belongs here: every rule about what becomes of a document, pure. Not here: the statements that carry the rules out
(``stores/catalog/document_rows.py``, ``reading_rows.py``, ``missing_files.py``), the folder's listing, reading.

A document is a file of the watched folder; its row says how it fares::

    found, or edited ──▶ pending ──▶ indexed       it answers; a part that could not be read is a warning on its row
                            │
                            ├──▶ failed            it could not be read; error_code and error say why
                            ├──▶ unsupported       no family reads its type, or a program is missing
                            └──▶ empty             it was read and holds no text

**Stuck in failed?** A failed, unsupported or empty document becomes pending again, and is read by the next run, when

- its content changes, or its file is touched (a new time is enough), or comes back after it was missing;
- someone asks for it: ``rag retry``, the button, the API;
- the circumstances of its failure change: the version of the family that reads it, what this machine can read (programs, languages,
  passwords), the limit that it failed at (:data:`LIMIT_OF_FAILURE`), or, where its type was the reason, which types can be told;
- its failure was a passing one (``transient``) and it was tried fewer than ``RAG_MAX_ATTEMPTS`` times: :func:`is_tried_again`.

Touching, asking, or other circumstances begin its attempts anew. The file may stay as it is in all cases but the first.

An indexed document is read again when someone asks for that outright (``rag retry --again``, the API, its own page), as if its file had
been edited; and with it the other documents of the same content, which is read once.

**Deletions can be held.** A disk that is unplugged can leave an empty folder behind, which looks as if everything had been deleted. So the
loss of much of a collection in one look is held: its documents go on answering until the files come back, someone confirms, or the time
is up: :func:`plan_deletions`. See docs/decisions/deletions.md.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from rag_pipeline.settings import Settings

DocumentState = Literal["pending", "indexed", "failed", "unsupported", "empty"]

BY_ATTENTION: tuple[DocumentState, ...] = ("failed", "unsupported", "empty", "pending", "indexed")
"""States in the order in which people want to see them: what needs something of them first."""

UNANSWERABLE: tuple[DocumentState, ...] = ("failed", "unsupported", "empty")
"""States of documents that are not answered from for a reason of their own."""

BEING_READ, WAITING, BY_WORDS, WITH_VECTORS = "reading", "waiting", "answerable by its words", "vectors"
"""Stages of a pending document, as they are counted; see :func:`stage_of`."""
LEAVING = "being removed"
"""Stage of a document that was deleted, or moved elsewhere, until the folder is looked at the next time."""


def stage_of(state: DocumentState, chunks: int, vectors: int, *, is_read_now: bool = False, is_leaving: bool = False) -> str:
    """How far a document has come, in words: its state, and while that is ``pending``, what it has so far.

    Args:
        state: as its row has it.
        chunks: of it, in the published index.
        vectors: those of them that have a dense vector.
        is_read_now: a run says that it reads the file at this moment.
        is_leaving: its removal is confirmed.
    """
    if is_leaving:
        return LEAVING
    if state != "pending":
        return state
    if not chunks:
        return BEING_READ if is_read_now else WAITING
    return f"{WITH_VECTORS} {vectors:,} of {chunks:,}" if vectors else BY_WORDS


LIMIT_OF_FAILURE: Mapping[str, str] = {
    "timeout": "extraction_timeout_seconds",
    "out_of_memory": "extraction_memory_bytes",
    "too_large": "max_file_bytes",
}
"""Error code of a failure at a limit → the setting that is this limit. Changing it, and no other, reopens the document."""

REOPENED: Mapping[str, object] = {
    "state": "pending",
    "error_code": None,
    "error": None,
    "transient": False,
    "attempts": 0,
    "extraction_key": None,
    "chunks": 0,
    "vectors": 0,
    "indexed_at": None,
}
"""The columns of a document that is reopened: as if it had never been tried. What is published of it answers until it is read again."""


@dataclass(frozen=True, slots=True)
class LastTry:
    """How the last try at a document ended, and under which circumstances.

    Attributes:
        failed: it has an error code.
        in_part: it was read, and something in it could not be.
        transient: the failure was a passing one.
        attempts: tries under the circumstances of the last one.
        same_circumstances: trying now would be by the same version, abilities and limit as then.
    """

    failed: bool
    transient: bool
    attempts: int
    same_circumstances: bool
    in_part: bool = False


def is_tried_again(last: LastTry, most_attempts: int) -> bool:
    """Whether what ended badly deserves another try: under other circumstances always, under the same if it was a passing failure."""
    return not last.same_circumstances or (last.transient and last.attempts < most_attempts)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Under which a file is looked at.

    Attributes:
        most_attempts: tries at a file that cannot be read for a passing reason.
        largest_bytes: larger files are not read.
        detection: fingerprint of what media types can be told.
    """

    most_attempts: int
    largest_bytes: int
    detection: str


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file of which there is no answer, as its row has it.

    Attributes:
        content_known: its bytes could be read, whatever became of reading them.
        detected_by: fingerprint of what media types could be told when its own was.
    """

    content_known: bool
    error_code: str
    transient: bool
    attempts: int
    size_bytes: int
    detected_by: str | None


def is_to_be_looked_at(failed: FailedFile, now: Circumstances) -> bool:
    """Whether a file that has not changed deserves another look at its bytes: they could not be read, or their type could not be told."""
    if failed.content_known:
        return failed.error_code == "unsupported_type" and failed.detected_by != now.detection
    fits_now = failed.error_code == "too_large" and failed.size_bytes <= now.largest_bytes
    last = LastTry(True, failed.transient, failed.attempts, same_circumstances=not fits_now)
    return is_tried_again(last, now.most_attempts)


def is_to_be_read(last: LastTry, most_attempts: int) -> bool:
    """Whether a content of which there is no reading is to be read now."""
    return not last.failed or is_tried_again(last, most_attempts)


def asks_for_a_run(state: DocumentState, last: LastTry, most_attempts: int) -> bool:
    """Whether a run could bring a document forward."""
    return state == "pending" or ((last.failed or last.in_part) and is_tried_again(last, most_attempts))


_TIME_TO_DELETE = timedelta(seconds=10)
"""Between the note of a deletion by the app or the API and the end of the file; much longer than it takes."""


@dataclass(frozen=True, slots=True)
class MissingFile:
    """Since when a file is missing (UTC, without a zone), and whether someone said that it was deleted."""

    since: datetime
    confirmed: bool


@dataclass(frozen=True, slots=True)
class HeldDeletions:
    """Documents of a collection that go on answering although their files are missing; ``since`` when the first is (UTC)."""

    documents: int
    since: datetime


@dataclass(frozen=True, slots=True)
class HoldRules:
    """When a loss is held: all of a collection, or more than ``share`` of it and at least ``documents``; for ``hours``, 0 being never."""

    share: float
    documents: int
    hours: float

    def is_held(self, missing: MissingFile, now: datetime) -> bool:
        """Whether a file that was noted as missing still is to be waited for."""
        return not missing.confirmed and now - missing.since < timedelta(hours=self.hours)

    def holds(self, lost: int, of: int, listed: int) -> bool:
        """Whether a loss in one look is held.

        Args:
            lost: documents that were there at the last look.
            of: all that were there then.
            listed: files that the collection has now. Where all are lost they are new; as many as were lost may have replaced them, and
                fewer may have been put where a disk was.
        """
        everything = lost == of and listed < lost
        return self.hours > 0 and lost > 0 and (everything or (lost > self.share * of and lost >= self.documents))


def hold_rules(settings: Settings) -> HoldRules:
    """The rules that the settings describe."""
    return HoldRules(settings.deletion_hold_share, settings.deletion_hold_documents, settings.deletion_hold_hours)


@dataclass(frozen=True, slots=True)
class DeletionPlan:
    """Files whose documents go now, those whose deletion is held from now on, and those that are noted as missing but are back."""

    remove: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()
    back: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.remove or self.hold or self.back)


def plan_deletions(
    gone: Collection[str],
    known: int,
    listed: Collection[str],
    moved: Set[str],
    missing: Mapping[str, MissingFile],
    rules: HoldRules,
    now: datetime,
) -> DeletionPlan:
    """Decide about the files of one collection.

    Args:
        gone: files that the catalog knows and the folder does not have.
        known: how many files the catalog knows.
        listed: the files that the folder has.
        moved: files whose content lies elsewhere in the folder: no loss.
        missing: what is noted of files that were gone before.
        rules: when a loss is held.
        now: UTC, without a zone.
    """
    held = {file for file in gone if file in missing and rules.is_held(missing[file], now) and file not in moved}
    lost = [file for file in gone if file not in missing and file not in moved]
    already = sum(file in missing for file in gone)
    newly = set(lost) if rules.holds(len(lost), known - already, len(listed)) else set()
    return DeletionPlan(
        remove=tuple(file for file in gone if file not in held and file not in newly),
        hold=tuple(file for file in gone if file in newly),
        back=tuple(file for file in missing if file in listed),
    )


def leaving_files(signatures: Mapping[str, str], known: Mapping[str, str], missing: Mapping[str, MissingFile], now: datetime) -> set[str]:
    """Listed files that someone is deleting: their deletion was noted a moment ago, or after the look began, and nothing else happened
    to them. Taken for files that came back, the note would be forgotten, and the deletion held as a loss.

    Args:
        signatures: path → signature in the folder.
        known: path → signature in the catalog.
        now: when the look at the folder began.
    """
    noted = {file for file, one in missing.items() if one.confirmed and now - one.since < _TIME_TO_DELETE}
    return {file for file in noted & signatures.keys() if signatures[file] == known.get(file)}


def worth_a_scan(
    gone: Collection[str], listed: Collection[str], moved: Set[str], missing: Mapping[str, MissingFile], rules: HoldRules, now: datetime
) -> tuple[str, ...]:
    """Files of which a scan has something to note or to remove: all that are gone or back, but those whose deletion is held already."""
    held = {file for file in gone if file in missing and rules.is_held(missing[file], now) and file not in moved}
    return (*(file for file in gone if file not in held), *(file for file in missing if file in listed))


def held_in_words(held: Mapping[str, HeldDeletions], rules: HoldRules) -> dict[str, str]:
    """What to say of each collection with deletions that are held: how many, until when."""
    return {collection: _held_words(one, rules) for collection, one in held.items()}


def _held_words(held: HeldDeletions, rules: HoldRules) -> str:
    until = held.since + timedelta(hours=rules.hours)
    documents = "1 document" if held.documents == 1 else f"{held.documents:,} documents"
    return (
        f"The deletion of {documents} is held, because too much of the collection went missing at once. They go on answering until"
        f" {until:%Y-%m-%d %H:%M} UTC. If a disk is not there, bring it back; if you deleted them, confirm it"
    )


def with_command(words: Mapping[str, str]) -> list[str]:
    """The lines of :func:`held_in_words` for a terminal or a log."""
    return [f"{collection}: {said}: rag ingest --confirm-deletions {as_argument(collection)}" for collection, said in words.items()]


def as_argument(collection: str) -> str:
    """As it is typed: a name that begins with a dash would be taken for an option."""
    return f"{'-- ' if collection.startswith('-') else ''}{shlex.quote(collection)}"


def moved_files(gone: Collection[str], known: Mapping[str, str], signatures: Mapping[str, str]) -> set[str]:
    """Those files that lie under another name in the folder, another collection's too: same inode, size and time of the last change; of
    objects, same size and version.

    Args:
        gone: files that the catalog knows and the folder does not have.
        known: path → signature in the catalog.
        signatures: path → signature in the whole folder.
    """
    present = {_identity(signature) for signature in signatures.values()} if gone else set()
    return {file for file in gone if _identity(known[file]) in present}


def _identity(signature: str) -> tuple[str, ...]:
    """Renaming a file changes its signature's third part, the time of the inode's own change. An object has none, and one that was renamed
    is a new one with the same version."""
    size, modified, *rest = signature.split(":") if signature else ("", "")
    return (size, *rest[1:]) if rest and not rest[0] else (size, modified, *rest[1:])

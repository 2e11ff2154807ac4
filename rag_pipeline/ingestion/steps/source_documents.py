"""Step 1: make the catalog's documents say what the watched folder says.

Belongs here: the scan of one collection and its commit. Not here: reading what documents say, when to scan.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from rag_pipeline.document_life import hold_rules, leaving_files, moved_files, plan_deletions
from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.extract.registry import detection_fingerprint, media_type_of
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.listing import (
    FolderListing,
    FolderPlan,
    FoundFile,
    collection_of,
    document_id,
    document_name,
    path_in_archive,
    plan_folder,
)
from rag_pipeline.ingestion.folder.members import with_members
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.steps.workspace import Workspace, circumstances
from rag_pipeline.ingestion.tags import hand_on_tags, note_removals
from rag_pipeline.stores.catalog.archive_rows import known_archives
from rag_pipeline.stores.catalog.document_rows import DocumentRow, Scan, SourceCounts, apply_scan, content_hashes, known_signatures, utc_now
from rag_pipeline.stores.catalog.missing_files import missing_files

STEP = "source_documents"


@dataclass(frozen=True, slots=True)
class SourcesReport:
    """What one scan found and did. ``waiting``: still being written; ``unreadable``: files and folders not looked at, with the reason.

    ``held``: documents whose files are missing, and which go on answering until that is confirmed.
    """

    counts: SourceCounts
    documents: int
    waiting: Sequence[str]
    unreadable: dict[str, str]
    held: Sequence[str]
    changes: Sequence[tuple[str, str]]


def update_documents(workspace: Workspace) -> SourcesReport:
    """Scan the collection and commit what changed.

    Raises:
        RagError: the watched folder is not there, or went out of reach meanwhile; what was read until then is committed.
    """
    # The listing too: one from before another run's commit would take that run's new files for deleted ones.
    with workspace.lock(STEP):
        return _update_documents(workspace)


def _update_documents(workspace: Workspace) -> SourcesReport:
    settings, catalog, now = workspace.settings, workspace.catalog, utc_now()
    watched = watched_folder(settings)
    files = watched.listing()
    with catalog.reading():
        known = known_signatures(catalog, workspace.collection, circumstances(settings))
        folder = with_members(files, known_archives(catalog), known)
    listing = collection_listing(folder, workspace.collection)
    compared = dict.fromkeys(known, "") if workspace.full_refresh else known
    plan = plan_folder(listing, compared, time.time(), watched.settle_seconds)
    rows, waiting, vanished, broke_off = _read_all(workspace, watched, plan)
    gone = [*plan.removed, *(file for file in vanished if file in known)]
    missing = missing_files(catalog, workspace.collection)
    listed = listing.files.keys() - set(vanished) - leaving_files(listing.signatures, known, missing, now)
    moved = moved_files(gone, known, folder.signatures) | _read_elsewhere(workspace, gone, rows)
    deletions = plan_deletions(gone, len(known), listed, moved, missing, hold_rules(settings), now)
    scan = Scan(workspace.collection, rows, deletions.remove, deletions.hold, deletions.back)
    counts = _committed(workspace, scan) if rows or deletions else SourceCounts(0, 0, 0, 0, 0)
    hand_on_tags(settings, catalog)
    if broke_off:
        raise broke_off
    return SourcesReport(
        counts=counts,
        documents=len(known) + counts.added + counts.renamed - len(deletions.remove),
        waiting=[document_name(found.file) for found in (*plan.unsettled, *waiting)],
        unreadable=dict(listing.unreadable),
        held=[document_name(file) for file in gone if file not in deletions.remove],
        changes=_changes(scan, known),
    )


def _committed(workspace: Workspace, scan: Scan) -> SourceCounts:
    note_removals(workspace.settings, workspace.catalog, scan.removed)
    return apply_scan(workspace.catalog, scan)


def _read_elsewhere(workspace: Workspace, gone: Sequence[str], rows: Sequence[DocumentRow]) -> set[str]:
    """Those of the files that are gone whose bytes were just read under another name."""
    if not gone:
        return set()
    read = {row.content_hash for row in rows if row.content_hash}
    contents = content_hashes(workspace.catalog, workspace.collection)
    return {file for file in gone if contents.get(file) in read}


def collection_listing(listing: FolderListing, collection: str) -> FolderListing:
    """The part of a listing that belongs to one collection."""
    files = {path: found for path, found in listing.files.items() if found.collection == collection}
    # What lies directly in the watched folder and could not be looked at may be a file or a folder.
    unreadable = {path: why for path, why in listing.unreadable.items() if collection in (collection_of(path), collection_of(f"{path}/"))}
    return FolderListing(files, unreadable)


def _read_all(
    workspace: Workspace, watched: WatchedFolder, plan: FolderPlan
) -> tuple[list[DocumentRow], list[FoundFile], list[str], RagError | None]:
    """Rows, files that are not settled after all, files that are gone; and why the rest was not read, if the folder went out of reach."""
    rows: list[DocumentRow] = []
    waiting: list[FoundFile] = []
    vanished: list[str] = []
    limit = workspace.settings.max_file_bytes
    reading = ThreadPoolExecutor(watched.readers)
    try:
        futures = {reading.submit(_read_row, watched, found, limit): found for found in plan.to_read}
        for done, (future, found) in enumerate(futures.items(), 1):
            try:
                row = future.result()
            except FileNotFoundError:
                vanished.append(found.file)
            else:
                rows.append(row) if row else waiting.append(found)
            if done % 50 == 0 or done == len(plan.to_read):
                progress.report(STEP, done, len(plan.to_read))
    except RagError as error:
        return rows, waiting, vanished, error
    finally:
        reading.shutdown(cancel_futures=True)
    return rows, waiting, vanished, None


def _read_row(watched: WatchedFolder, found: FoundFile, limit: int) -> DocumentRow | None:
    if found.member:
        row = _row(found, found.member.content_hash, found.member.media_type)
        return replace(row, error_code=found.member.error_code, error=found.member.error)
    if path_in_archive(found.file):
        return None  # its archive is being read
    if found.size_bytes > limit:
        message = f"The file has {found.size_bytes:,} bytes; RAG_MAX_FILE_BYTES allows {limit:,}. Raise it or split the file."
        return _failed_row(found, "too_large", message, transient=False)
    try:
        read = watched.read_identity(found)
    except TransientError as error:
        if error.code != "unreadable":
            raise
        return _failed_row(found, error.code, str(error), transient=True)
    if read is None:
        return None
    return _row(read.found, read.content_hash, media_type_of(document_name(found.file), read.head))


def _row(found: FoundFile, content_hash: str | None, media_type: str | None) -> DocumentRow:
    name = document_name(found.file)
    return DocumentRow(
        document_id(found.file),
        found.collection,
        name,
        found.file,
        found.signature,
        found.size_bytes,
        content_hash,
        media_type,
        detected_by=detection_fingerprint() if media_type else None,
    )


def _failed_row(found: FoundFile, code: str, message: str, *, transient: bool) -> DocumentRow:
    return replace(_row(found, None, None), error_code=code, error=message, transient=transient)


def _changes(scan: Scan, known: dict[str, str]) -> list[tuple[str, str]]:
    read = [(row.document, "unreadable" if row.error_code else "changed" if row.file in known else "added") for row in scan.rows]
    noted = (("removed", scan.removed), ("missing, deletion held", scan.held), ("back", scan.back))
    return [*read, *((document_name(file), change) for change, files in noted for file in files)]

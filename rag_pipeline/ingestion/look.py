"""A look at folder, catalog and index: what there is to do. Contents are read in a run, never here.

Belongs here: putting those three side by side, for the sensor and the command line alike. Not here: what is done about it
(``folder/watch.py`` decides, ``steps/`` do it).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rag_pipeline.document_life import HeldDeletions, MissingFile, hold_rules, leaving_files, moved_files, worth_a_scan
from rag_pipeline.ingestion.backlog import Backlog, backlogs
from rag_pipeline.ingestion.folder.listing import FolderListing, FolderPlan, plan_folder
from rag_pipeline.ingestion.folder.members import with_members
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.steps.workspace import circumstances
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.archive_rows import known_archives
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.document_rows import known_signatures, utc_now
from rag_pipeline.stores.catalog.missing_files import held_deletions, missing_files
from rag_pipeline.stores.vectors import VectorIndex


@dataclass(frozen=True, slots=True)
class Look:
    """What was found.

    Attributes:
        listing: the folder, with the files in its archives.
        known: path → signature of what the catalog has.
        plan: files to read, files whose removal is due to be looked into, files that are still being written.
        missing: what is noted of files that the folder does not have.
        held: deletions that are held.
        backlog: by collection, what is left to do besides.
        seconds_since_1970: when the folder was listed.
    """

    listing: FolderListing
    known: Mapping[str, str]
    plan: FolderPlan
    missing: Mapping[str, MissingFile]
    held: Mapping[str, HeldDeletions]
    backlog: Mapping[str, Backlog]
    seconds_since_1970: float


def look_around(settings: Settings, catalog: Catalog, index: VectorIndex, ingested: Iterable[str]) -> Look:
    """Compare folder, catalog and index by names, sizes, times and counts.

    Args:
        ingested: collections that there were runs for.

    Raises:
        RagError: the folder, the catalog, or the passwords file cannot be read.
    """
    moment = utc_now()
    folder = watched_folder(settings)
    files, now = folder.listing(), time.time()
    with catalog.reading():
        known = known_signatures(catalog, None, circumstances(settings))
        listing = with_members(files, known_archives(catalog), known)
        missing, held = missing_files(catalog), held_deletions(catalog)
        backlog = backlogs(settings, catalog, index, ingested)
    plan = plan_folder(listing, known, now, folder.settle_seconds)
    moved = moved_files(plan.removed, known, listing.signatures)
    listed = listing.files.keys() - leaving_files(listing.signatures, known, missing, moment)
    due = worth_a_scan(plan.removed, listed, moved, missing, hold_rules(settings), moment)
    return Look(listing, known, replace(plan, removed=due), missing, held, backlog, now)

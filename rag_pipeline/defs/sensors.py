"""The folder sensor: looks at the watched folder and asks for one run per collection that needs it.

Belongs here: what a look compares and asks for. Not here: when to look (``ticks``), the decision (``ingestion.folder.watch``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Set
from contextlib import closing
from dataclasses import replace

import dagster as dg

from rag_pipeline.defs import ticks
from rag_pipeline.defs.jobs import ingest_job
from rag_pipeline.defs.partitions import PARTITION_TAG, collections
from rag_pipeline.defs.runs import fail_dead_runs
from rag_pipeline.document_life import held_in_words, hold_rules, leaving_files, moved_files, with_command, worth_a_scan
from rag_pipeline.ingestion.consistency import unpublished_collections
from rag_pipeline.ingestion.folder.listing import FolderListing, collection_of, list_folder, plan_folder, prepare_uploads
from rag_pipeline.ingestion.folder.watch import Memory, decide, needs_of
from rag_pipeline.ingestion.steps.workspace import circumstances, extractor_fingerprint
from rag_pipeline.settings import Settings, load_settings
from rag_pipeline.stores.catalog.database import Catalog, CatalogBusyError
from rag_pipeline.stores.catalog.document_rows import known_signatures, utc_now
from rag_pipeline.stores.catalog.missing_files import held_deletions, missing_files
from rag_pipeline.stores.catalog.reading_rows import unfinished_collections
from rag_pipeline.stores.vectors import open_index

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=ingest_job,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the uploads folder. Files that are added, edited, renamed or deleted start one run per collection. A tick that"
    " starts none says why. If five runs changed nothing it waits: look at the last of them. Without it, `rag ingest` does the same."
    " A tick waits up to 25 s for something to happen, so that one that finds nothing is rare.",
)
def folder_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Compare folder and catalog by names, sizes and times only; contents are read in the run."""
    settings = load_settings()
    return ticks.tick(settings, context.cursor, lambda memory: _look(context.instance, settings, memory))


def _look(instance: dg.DagsterInstance, settings: Settings, remembered: Mapping[str, Memory]) -> ticks.Look:
    catalog = Catalog(settings.catalog_path, lock_wait_seconds=5)
    moment = utc_now()
    listing, now = list_folder(prepare_uploads(settings)), time.time()
    try:
        known = known_signatures(catalog, None, circumstances(settings))
        missing, held = missing_files(catalog), held_deletions(catalog)
        unfinished = Counter(unfinished_collections(catalog, extractor_fingerprint(settings), settings.max_attempts))
        with closing(open_index(settings)) as index:
            unfinished.update(unpublished_collections(catalog, index, instance.get_dynamic_partitions(str(collections.name))))
    except CatalogBusyError:
        return ticks.Look(
            listing, remembered, ("A run is writing the catalog; looking again at the next tick.",), again=ticks.AT_WORK_SECONDS
        )
    plan = plan_folder(listing, known, now, settings.settle_seconds)
    moved, rules = moved_files(plan.removed, known, listing.signatures), hold_rules(settings)
    listed = listing.files.keys() - leaving_files(listing.signatures, known, missing, moment)
    due = worth_a_scan(plan.removed, listed, moved, missing, rules, moment)
    needs = needs_of(replace(plan, removed=due), unfinished)
    fail_dead_runs(instance)
    in_flight = _collections_in_flight(instance)
    decision = decide(needs, in_flight, remembered, now)
    return ticks.Look(
        listing,
        decision.memory,
        (*decision.waiting, *with_command(held_in_words(held, rules))),
        waits=bool(decision.memory or missing or plan.unsettled or listing.unreadable),
        again=ticks.next_look(plan.unsettled, settings.settle_seconds, now, at_work=not in_flight.isdisjoint(needs)),
        run=decision.run,
        partitions=_partition_requests(instance, decision.run, in_flight | needs.keys(), listing, set(known)),
    )


def _collections_in_flight(instance: dg.DagsterInstance) -> set[str]:
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def _partition_requests(
    instance: dg.DagsterInstance, run: tuple[str, ...], busy: Set[str], listing: FolderListing, known: set[str]
) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    """Keys for new collections; keys of collections that are gone from folder and catalog go too."""
    present = set(instance.get_dynamic_partitions(str(collections.name)))
    alive = {found.collection for found in listing.files.values()} | {collection_of(file) for file in known} | busy
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if new := sorted(set(run) - present):
        requests.append(collections.build_add_request(new))
    if gone := sorted(present - alive):
        requests.append(collections.build_delete_request(gone))
    return requests

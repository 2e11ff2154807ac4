"""The folder sensor: looks at the watched folder and asks for the runs that collections need.

Belongs here: what a look becomes for Dagster. Not here: when to look (``ticks``), the look (``ingestion.look``), the decision
(``ingestion.folder.watch``).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from contextlib import closing

import dagster as dg

from rag_pipeline.defs import ticks
from rag_pipeline.defs.jobs import quality_job, text_job, vectors_job
from rag_pipeline.defs.lanes import JOB_OF_LANE, MEASURING_JOB, lanes_of
from rag_pipeline.defs.partitions import PARTITION_TAG, collections
from rag_pipeline.document_life import held_in_words, hold_rules, with_command
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation import quality
from rag_pipeline.ingestion.backlog import LANES, slice_seconds
from rag_pipeline.ingestion.folder.listing import collection_of
from rag_pipeline.ingestion.folder.watch import Memory, Request, Task, decide, needs_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.look import Look, look_around
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.ingestion.progress.live import live_runs
from rag_pipeline.settings import Settings, load_settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.contract import CatalogBusyError
from rag_pipeline.stores.vectors import VectorIndex, open_index

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


_NICENESS = {"text": 5, "vectors": 15}
"""Questions come before reading, reading before embedding."""
_NICENESS_OF_MEASURING = 19


@dg.sensor(
    jobs=[text_job, vectors_job, quality_job],
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the uploads folder. Files that are added, edited, renamed or deleted start a run of their collection; what such a"
    " run leaves is the next one's. A tick that starts none says why. If five runs changed nothing it waits: look at the last of them."
    " Without it, `rag ingest` does the same. A tick waits up to 25 s for something to happen, so that one that finds nothing is rare.",
)
def folder_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Compare folder and catalog by names, sizes and times only; contents are read in the run."""
    settings = load_settings()
    return ticks.tick(settings, context.cursor, lambda memory: _look(context.instance, settings, memory))


def _look(instance: dg.DagsterInstance, settings: Settings, remembered: Mapping[Task, Memory]) -> ticks.Look:
    catalog = open_catalog(settings, lock_wait_seconds=5)
    try:
        with closing(open_index(settings)) as index:
            look = look_around(settings, catalog, index, instance.get_dynamic_partitions(str(collections.name)))
            measurable, trouble = _to_be_measured(settings, index)
    except CatalogBusyError:
        listing = watched_folder(settings).listing()
        return ticks.Look(
            listing, remembered, ("A run is writing the catalog; looking again at the next tick.",), again=ticks.AT_WORK_SECONDS
        )
    needs, now = needs_of(look.plan, look.backlog), look.seconds_since_1970
    in_flight = _tasks_in_flight(instance, settings)
    pauses = read_pauses(settings)
    decision = decide(needs, in_flight, remembered, now, pauses)
    busy = {collection for _, collection in in_flight | needs.keys()}
    measured = [name for name in sorted(measurable - busy - _being_measured(instance)) if name not in pauses]
    return ticks.Look(
        look.listing,
        decision.memory,
        (*decision.waiting, *with_command(held_in_words(look.held, hold_rules(settings))), *trouble),
        waits=bool(decision.memory or measurable or look.missing or look.plan.unsettled or look.listing.unreadable),
        again=ticks.next_look(
            look.plan.unsettled, watched_folder(settings).settle_seconds, now, at_work=bool(in_flight and (needs or measurable))
        ),
        run=[*(_run_request(settings, request) for request in decision.run), *map(_measuring_request, measured)],
        partitions=_partition_requests(instance, {request.collection for request in decision.run}, busy, look),
    )


def _run_request(settings: Settings, request: Request) -> dg.RunRequest:
    config = {"slice_seconds": slice_seconds(settings, request.lane, request.slices), "niceness": _NICENESS[request.lane]}
    return dg.RunRequest(
        job_name=JOB_OF_LANE[request.lane],
        partition_key=request.collection,
        run_config={"resources": {"ingestion": {"config": config}}},
    )


def _to_be_measured(settings: Settings, index: VectorIndex) -> tuple[set[str], list[str]]:
    """Collections whose quality is not known as they are now, and why that cannot be told: documents are indexed all the same."""
    try:
        manifests = index.manifests()
        return set(quality.due(settings, manifests, manifests)), []
    except RagError as error:
        return set(), [f"Whether quality is to be measured cannot be told: {error}"]


def _being_measured(instance: dg.DagsterInstance) -> set[str]:
    runs = instance.get_runs(filters=dg.RunsFilter(job_name=MEASURING_JOB, statuses=_UNFINISHED))
    return {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}


def _measuring_request(collection: str) -> dg.RunRequest:
    config = {"niceness": _NICENESS_OF_MEASURING}
    return dg.RunRequest(job_name=MEASURING_JOB, partition_key=collection, run_config={"resources": {"ingestion": {"config": config}}})


def _tasks_in_flight(instance: dg.DagsterInstance, settings: Settings) -> set[Task]:
    """Of Dagster's runs, and of the command line."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=_UNFINISHED))
    asked_for = {(lane, run.tags[PARTITION_TAG]) for run in runs if PARTITION_TAG in run.tags for lane in lanes_of(run.job_name)}
    return asked_for | {(lane, run.collection) for run in live_runs(settings) if run.alive for lane in LANES if lane == run.lane}


def _partition_requests(
    instance: dg.DagsterInstance, run: Set[str], busy: Set[str], look: Look
) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    """Keys for new collections; keys of collections that are gone from folder and catalog go too."""
    present = set(instance.get_dynamic_partitions(str(collections.name)))
    alive = {found.collection for found in look.listing.files.values()} | {collection_of(file) for file in look.known} | busy
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if new := sorted(run - present):
        requests.append(collections.build_add_request(new))
    if gone := sorted(present - alive):
        requests.append(collections.build_delete_request(gone))
    return requests

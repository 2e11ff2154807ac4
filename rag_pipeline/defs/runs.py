"""Dagster's records of runs: where they are kept, which of them are dead, which collections they were for.

Belongs here: looking at runs and marking those whose process is gone. Not here: what a run does.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from filelock import FileLock

from rag_pipeline.defs.instance import database_variable, prepare_instance
from rag_pipeline.defs.partitions import collections
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

_BEGUN = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


_NO_OUTPUT = {"compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}}


def open_instance(settings: Settings, *, keep_output: bool = True) -> dg.DagsterInstance:
    """The Dagster instance of the data folder; a context manager. Whoever opens it first makes its tables: one process at a time.

    ``keep_output``: what steps print is kept in the data folder, where the Dagster UI finds it if the folder is its own too.

    Raises:
        RagError: its database is PostgreSQL, and what speaks to that is not installed; or see ``prepare_instance``.
    """
    if settings.dagster_database_url and not importlib.util.find_spec("dagster_postgres"):
        raise RagError("RAG_DAGSTER_DATABASE_URL is set, but dagster-postgres is not installed: pip install 'rag-pipeline[distributed]'")
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    os.environ.update(database_variable(settings))
    with FileLock(settings.locks_path / "dagster.lock"):
        overrides = {} if keep_output else _NO_OUTPUT
        return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(prepare_instance(settings)), overrides=overrides))


def ingested_collections(settings: Settings) -> Sequence[str]:
    """The collections that were ingested by the Dagster UI, the sensor or the command line."""
    with open_instance(settings) as instance:
        return instance.get_dynamic_partitions(str(collections.name))


def fail_dead_runs(instance: dg.DagsterInstance) -> Sequence[str]:
    """Mark runs as failed whose process is gone (kill -9 of everything, power cut): nobody else would, and they would block their
    collection. Only for a moment at which no daemon and no code server of this instance can be alive: while they are, they watch their
    runs themselves.
    """
    dead = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_BEGUN)):
        instance.report_run_failed(run, "The process of this run is gone. The next run completes its work.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        dead.append(run.run_id)
    return dead

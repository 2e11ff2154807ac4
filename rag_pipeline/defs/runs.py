"""Dagster's records of runs: where they are kept, which of them are dead, which collections they were for.

Belongs here: looking at runs and marking those whose process is gone. Not here: what a run does.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from filelock import FileLock

from rag_pipeline.defs.instance import prepare_instance
from rag_pipeline.defs.partitions import collections
from rag_pipeline.settings import Settings, load_settings

_BEGUN = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of the data folder; a context manager. Whoever opens it first makes its tables: one process at a time."""
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.locks_path / "dagster.lock"):
        return dg.DagsterInstance.from_config(str(prepare_instance(settings)))


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


def main() -> None:
    """``python -m rag_pipeline.defs.runs``: what ``rag up`` does before it starts a daemon."""
    with open_instance(load_settings()) as instance:
        fail_dead_runs(instance)


if __name__ == "__main__":
    main()

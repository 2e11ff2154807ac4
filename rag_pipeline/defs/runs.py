"""Runs from outside the daemon: started by the command line, and cleaned up when their process is gone.

Belongs here: starting a run in this process, and telling dead runs from live ones. Not here: what a run does.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

import dagster as dg

from rag_pipeline.defs.partitions import collections
from rag_pipeline.instance import prepare_instance
from rag_pipeline.settings import Settings

PROCESS_TAG = "rag/process"
_ALIVE = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of the data folder; a context manager."""
    return dg.DagsterInstance.from_config(str(prepare_instance(settings)))


def run_here(instance: dg.DagsterInstance, collection: str, full_refresh: bool) -> list[str]:
    """Run the ingest job for one collection in this process, recorded in the instance like any other run.

    Returns:
        Why it failed, a line a failed step; empty when the run succeeded.
    """
    from rag_pipeline.definitions import defs

    instance.add_dynamic_partitions(str(collections.name), [collection])
    config = {
        "resources": {"ingestion": {"config": {"full_refresh": full_refresh}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    tags = {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}
    job = defs.resolve_job_def("ingest")
    result = job.execute_in_process(config, instance, partition_key=collection, tags=tags, raise_on_error=False)
    return [_reason(event) for event in result.all_events if event.is_step_failure]


def _reason(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error and error.cause:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'failed without a reason'}"


def fail_dead_runs(instance: dg.DagsterInstance, include_daemon_runs: bool = False) -> Sequence[str]:
    """Mark runs as failed whose process is gone (kill -9, power cut): nobody else would, and they would block their collection.

    Runs of the daemon are watched by its code server; they are included only where no daemon can be alive.
    """
    dead = []
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=_ALIVE)):
        owner = run.tags.get(PROCESS_TAG)
        if (owner is None and include_daemon_runs) or (owner and not _is_alive(owner)):
            instance.report_run_failed(run, "The process of this run is gone. The next run completes its work.")
            dead.append(run.run_id)
    return dead


def _is_alive(owner: str) -> bool:
    host, _, process = owner.rpartition(":")
    if host != socket.gethostname():
        return True  # not ours to judge
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

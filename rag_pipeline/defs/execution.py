"""One run of the ingest job in this process, as the command line wants it.

Belongs here: starting a run and saying why it failed. Not here: looking at runs (``runs``), what a run does. Nothing that the definitions
import may import this: it imports them.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from rag_pipeline.definitions import defs
from rag_pipeline.defs.partitions import PARTITION_TAG, collections
from rag_pipeline.defs.runs import PROCESS_TAG, lock_of
from rag_pipeline.defs.stopping import interrupt, once
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.settings import load_settings

_INTERRUPTS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def run_here(instance: dg.DagsterInstance, collection: str, job_name: str, configuration: Mapping[str, object]) -> list[str]:
    """Run a job for one collection in this process, recorded in the instance like any other run. ``configuration`` is the resource's.

    The process holds a lock for as long as the run lasts. Names of machines and numbers of processes come again; a lock that the kernel
    frees does not, and it can be asked from every container that sees the data folder. Only the main thread may call this.

    Returns:
        Why it failed, a line a failed step, or that it was cancelled; empty when the run succeeded.
    """
    instance.add_dynamic_partitions(str(collections.name), [collection])
    config = {
        "resources": {"ingestion": {"config": dict(configuration)}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    tags = {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}", PARTITION_TAG: collection}
    job, run_id = defs.resolve_job_def(job_name), str(uuid.uuid4())
    with lock_of(run_id) as lock, _ended_by_a_cancellation(instance, run_id):
        result = execute_run(InMemoryJob(job), instance.create_run_for_job(job, run_id=run_id, run_config=config, tags=tags), instance)
        Path(lock.lock_file).unlink()
    run = instance.get_run_by_id(run_id)
    if run and run.status is dg.DagsterRunStatus.CANCELED:
        stopped = collection in read_pauses(load_settings()).stopped
        return ["stopped; what was finished is kept" if stopped else "cancelled in the Dagster UI"]
    failed = [event for event in result.all_events if event.is_step_failure] or [event for event in result.all_events if event.is_run_failure]
    return [_reason(event) for event in failed]


@contextmanager
def _ended_by_a_cancellation(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Dagster can only ask the process of a run that its code server started; the others have to look whether they are to end."""

    def is_cancelled() -> bool:
        run = instance.get_run_by_id(run_id)
        return run is not None and run.status is dg.DagsterRunStatus.CANCELING

    with once(is_cancelled, interrupt):
        yield


def _reason(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error if event.is_step_failure else event.job_failure_data.error
    while error and error.cause:
        error = error.cause
    where = event.step_key or "the run"
    if error and error.cls_name in _INTERRUPTS:
        return f"{where}: interrupted. The next run goes on from there."
    return f"{where}: {error.message.strip() if error else event.message}"

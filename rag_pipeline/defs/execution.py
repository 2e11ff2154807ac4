"""One run of the ingest job in this process, as the command line wants it.

Belongs here: starting a run and saying why it failed. Not here: looking at runs (``runs``), what a run does. Nothing that the definitions
import may import this: it imports them.
"""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

import dagster as dg

from rag_pipeline.definitions import defs
from rag_pipeline.defs.partitions import collections
from rag_pipeline.defs.runs import PROCESS_TAG, lock_of


def run_here(instance: dg.DagsterInstance, collection: str, full_refresh: bool) -> list[str]:
    """Run the ingest job for one collection in this process, recorded in the instance like any other run.

    The process holds a lock for as long as the run lasts. Names of machines and numbers of processes come again; a lock that the kernel
    frees does not, and it can be asked from every container that sees the data folder.

    Returns:
        Why it failed, a line a failed step; empty when the run succeeded.
    """
    instance.add_dynamic_partitions(str(collections.name), [collection])
    config = {
        "resources": {"ingestion": {"config": {"full_refresh": full_refresh}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    tags = {PROCESS_TAG: f"{socket.gethostname()}:{os.getpid()}"}
    job, run_id = defs.resolve_job_def("ingest"), str(uuid.uuid4())
    with lock_of(run_id) as lock:
        result = job.execute_in_process(config, instance, partition_key=collection, tags=tags, raise_on_error=False, run_id=run_id)
        Path(lock.lock_file).unlink()
    return [_reason(event) for event in result.all_events if event.is_step_failure]


def _reason(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error and error.cause:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'failed without a reason'}"

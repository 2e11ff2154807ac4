"""Dagster's records of runs: where they are kept, which of them are dead, which collections they were for.

Belongs here: looking at runs and marking those whose process is gone. Not here: starting one (``execution``), what a run does.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from filelock import FileLock, Timeout

from rag_pipeline.defs.instance import database_variable, prepare_instance
from rag_pipeline.defs.partitions import collections
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings, load_settings

PROCESS_TAG = "rag/process"
OLD_RUN_SECONDS = 12 * 3600.0
"""After this a run without a lock file is dead: one of an earlier release, on a machine that we cannot ask."""
_ALIVE = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


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
    """The collections that there were runs for, in the Dagster UI, by the sensor or from the command line."""
    with open_instance(settings) as instance:
        return instance.get_dynamic_partitions(str(collections.name))


def lock_of(run_id: str) -> FileLock:
    """The lock that the process of a run of the command line holds for as long as the run lasts."""
    folder = load_settings().locks_path
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"run-{run_id}")


def process_of(run: dg.DagsterRun) -> str | None:
    """Machine and process of a run of the command line; None of one of the daemon."""
    # A run that is re-executed in the Dagster UI inherits the tag, and is the daemon's all the same.
    return None if run.parent_run_id else run.tags.get(PROCESS_TAG)


def fail_dead_runs(instance: dg.DagsterInstance, include_daemon_runs: bool = False) -> Sequence[str]:
    """Mark runs as failed whose process is gone (kill -9, power cut): nobody else would, and they would block their collection.

    Runs of the daemon are watched by its code server; they are included only where no daemon can be alive.
    """
    dead = []
    for record in instance.get_run_records(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED, *_ALIVE])):
        run = record.dagster_run
        owner = process_of(run)
        if owner is None:
            gone = include_daemon_runs and run.status in _ALIVE
        else:
            age_seconds = time.time() - record.create_timestamp.timestamp()
            gone = not _is_alive(run.run_id, owner, age_seconds) and not _has_ended(instance, run.run_id)
        if gone:
            instance.report_run_failed(run, "The process of this run is gone. The next run completes its work.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)  # without a daemon nobody else would
            Path(lock_of(run.run_id).lock_file).unlink(missing_ok=True)
            dead.append(run.run_id)
    return dead


def _has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Asked again once the lock was found free: the process may just have finished."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _is_alive(run_id: str, owner: str, age_seconds: float) -> bool:
    lock = lock_of(run_id)
    if not Path(lock.lock_file).exists():
        return _was_alive(owner, age_seconds)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def _was_alive(owner: str, age_seconds: float) -> bool:
    """A run of a release that held no lock: its process is asked for where that can be, and time decides elsewhere."""
    host, _, process = owner.rpartition(":")
    if age_seconds > OLD_RUN_SECONDS:
        return False
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main() -> None:
    """``python -m rag_pipeline.defs.runs``: what ``rag up`` does before it starts a daemon."""
    with open_instance(load_settings()) as instance:
        fail_dead_runs(instance, include_daemon_runs=True)


if __name__ == "__main__":
    main()

"""``rag worker``: does batches that runs on other machines send, one at a time.

Belongs here: Celery's task and worker, what the run is told meanwhile, refusing what would come out otherwise here. Not here: what a batch
does (``ingestion/steps``), the run's side (``dispatch``).
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import dagster as dg
from celery import Task, states
from celery.exceptions import Ignore
from celery.signals import worker_ready, worker_shutting_down
from celery.worker import state as worker_state
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import EngineEventData
from dagster._core.execution.api import create_execution_plan, execute_plan_iterator
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.retries import RetryMode
from dagster_celery.core_execution_loop import DELEGATE_MARKER
from dagster_shared.serdes import deserialize_value, serialize_value
from redis.exceptions import RedisError

from rag_pipeline.definitions import defs
from rag_pipeline.defs.distributed.celery_app import BATCH_TASK, GO_ON, QUEUES, REFUSED, SENT, WORKING, lease_of, make_celery_app
from rag_pipeline.defs.distributed.dispatch import LEASE_SECONDS
from rag_pipeline.defs.distributed.likeness import differences, likeness
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.resources import ingestion_of, told_to_end
from rag_pipeline.defs.runs import open_instance
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion import progress
from rag_pipeline.settings import Settings, load_settings

ALIVE_SECONDS = 5.0
"""Between two signs of life of a worker that waits or works."""

BEAT_SECONDS = 1.0
_WAKE_SECONDS = 0.1
_REFUSED_STATUS = 3

log = logging.getLogger(__name__)


class _Heartbeat:
    """Tells the run each second how far the batch is, and listens whether it is still wanted."""

    def __init__(self, task: Task, run_id: str) -> None:
        self._backend, self._task_id, self._lease = task.backend, task.request.id, lease_of(run_id)
        self._worker = task.request.hostname
        self._ended = threading.Event()
        self._wanted_at = time.monotonic()
        self._beat = 0
        self.is_over = False
        self.progress: list[Any] | None = None

    def hear(self, report: progress.Report) -> None:
        """What the batch's step reports; the last one is told with the next beat."""
        if report.step in QUEUES:
            self.progress = [report.step, report.done, report.total, list(report.files), report.work]

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat while the block runs, whatever keeps it."""
        self._try_to_beat()
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(BEAT_SECONDS)  # it may wait for Redis

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            self._try_to_beat()

    def _try_to_beat(self) -> None:
        try:
            self._tell()
            self._listen()
        except (RedisError, OSError) as error:  # the batch goes on: its results are kept without Redis
            log.warning("Redis does not answer: %s", error)

    def _tell(self) -> None:
        if self._backend.get_task_meta(self._task_id, cache=False)["status"] == states.REVOKED:
            self.is_over = True  # the run has sent it to another worker
            return
        self._beat += 1
        self._backend.store_result(self._task_id, {"beat": self._beat, "worker": self._worker, "progress": self.progress}, WORKING)

    def _listen(self) -> None:
        said = self._backend.client.get(self._lease)
        if said == GO_ON:
            self._wanted_at = time.monotonic()
        elif said is not None or time.monotonic() - self._wanted_at > LEASE_SECONDS:
            self.is_over = True


_stopping = threading.Event()


def _show_life(path: Path, sender: Any, **_: object) -> None:
    """By a timer of the worker's main loop: one that hangs, or waits for Redis, shows none."""
    path.touch()
    sender.timer.call_repeatedly(ALIVE_SECONDS, path.touch)
    sender.timer.call_repeatedly(_WAKE_SECONDS, bool)  # a batch that ends in its thread wakes nobody; the next one would wait for a second


def _end_soon(**_: object) -> None:
    """SIGTERM: the batch begins nothing new, hands over what it did, and the run plans the rest anew."""
    _stopping.set()


def run_worker(settings: Settings, queues: Sequence[str]) -> None:
    """Do batches until SIGTERM or Ctrl-C; what is begun is handed over first.

    Raises:
        RagError: a setting is missing, Dagster's database cannot be reached, or this machine is not like that of a run.
    """
    app = make_celery_app(settings, patient=True)
    app.task(_batch, name=BATCH_TASK, bind=True)
    worker_shutting_down.connect(_end_soon)
    ready = partial(_show_life, settings.worker_alive_path)
    worker_ready.connect(ready, weak=False)
    _instance(settings)
    name = f"{'-'.join(queues)}@{socket.gethostname()}-{os.getpid()}"
    worker = app.Worker(
        hostname=name,
        queues=list(queues),
        pool="threads",
        concurrency=1,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    if _refusals:
        raise RagError(_refusals[-1])


_refusals: list[str] = []


def _batch(task: Task, run_id: str, step_key: str, known_state: str, wanted: dict[str, str]) -> dict[str, Any]:
    """The task: one step of a run that is at work on another machine."""
    if task.backend.get_task_meta(task.request.id, cache=False)["status"] not in (SENT, states.PENDING):
        raise Ignore("The run has sent it to another worker.")
    instance, heartbeat = _instance(load_settings()), _Heartbeat(task, run_id)
    told_to_end.set(lambda: heartbeat.is_over or _stopping.is_set())
    try:
        with heartbeat.beating(), progress.listening(heartbeat.hear):
            run = _run_of(instance, run_id)
            _require_likeness(run, task.request.delivery_info["routing_key"], wanted)
            events = _execute(instance, run, step_key, deserialize_value(known_state, KnownExecutionState), task.request.hostname)
    except _UnlikeError as error:
        raise _refused(task, str(error)) from None
    return {"events": [serialize_value(event) for event in events], "progress": heartbeat.progress}


def _execute(
    instance: dg.DagsterInstance, run: dg.DagsterRun, step_key: str, known_state: KnownExecutionState, worker: str
) -> list[dg.DagsterEvent]:
    """One step of a run, as dagster-celery's own task does it, but with the definitions and the instance of this machine."""
    job = InMemoryJob(defs.resolve_job_def(run.job_name))
    if run.asset_selection:
        job = job.get_subset(asset_selection=run.asset_selection)
    plan = create_execution_plan(job, run.run_config, [step_key], known_state=known_state, tags=run.tags)
    data = EngineEventData({"worker": worker}, marker_end=DELEGATE_MARKER)
    begun = instance.report_engine_event(f"Done by the worker {worker}", run, data, step_key=step_key)
    return [begun, *execute_plan_iterator(plan, job, run, instance, RetryMode.DEFERRED, run.run_config)]


def _run_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    run = instance.get_run_by_id(run_id)
    if run is None:
        raise RagError(f"Dagster's database knows no run {run_id}: RAG_DAGSTER_DATABASE_URL names another than the run's machine does.")
    return run


class _UnlikeError(RagError):
    """A batch would come out otherwise here."""


def _require_likeness(run: dg.DagsterRun, queue: str, wanted: dict[str, str]) -> None:
    workspace = ingestion_of(run).workspace(run.tags[PARTITION_TAG])
    if found := differences(wanted, likeness(workspace, queue)):
        raise _UnlikeError("; ".join(found))


def _refused(task: Task, differences: str) -> Ignore:
    """The batch goes back to the run, which sends it again, and this worker ends: whoever started it has to mend it first."""
    reason = f"The worker {task.request.hostname} is not like the machine of the run. {differences}. Make them alike, then start it again."
    _refusals.append(reason)
    task.backend.store_result(task.request.id, reason, REFUSED)
    worker_state.should_stop = _REFUSED_STATUS
    return Ignore(reason)


@lru_cache(maxsize=1)
def _instance(settings: Settings) -> dg.DagsterInstance:
    return open_instance(settings, keep_output=False)

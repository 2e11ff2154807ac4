"""The run's side: which step is done where, what workers are told of the run, and how far they are.

Belongs here: one run's batches together. Not here: a single one on its way (``sent_batch``), what a worker does (``worker``).

dagster-celery's own loop decides what is to be done next; where and how is the part that it leaves to others. Steps that are no batch are
done at once, in the run's process: they write the catalog, and that is here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import dagster as dg
from celery import Celery
from celery.exceptions import BackendError
from dagster._core.execution.api import create_execution_plan, execute_plan_iterator
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.plan.step import ExecutionStep
from dagster_celery import core_execution_loop
from dagster_shared.serdes import serialize_value
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from rag_pipeline.defs.distributed.celery_app import END, GO_ON, QUEUES, lease_of, make_celery_app
from rag_pipeline.defs.distributed.likeness import likeness
from rag_pipeline.defs.distributed.sent_batch import SentBatch
from rag_pipeline.ingestion import progress
from rag_pipeline.ingestion.steps.workspace import Workspace

LEASE_SECONDS = 60
"""Workers end at their next look when the run has not been heard of for so long (and some beats more): it was killed."""
_POLL_SECONDS = 0.3
_POLL_SHARE = 0.1
"""Asking takes at most this share of a processor, however many batches there are."""
_LONGEST_REST_SECONDS = 2.0
_ABSENT_SECONDS = 5.0
_UNREACHABLE = (RedisError, OperationalError, BackendError, ConnectionError, TimeoutError)

core_execution_loop.TICK_SECONDS = 0.05  # type: ignore[assignment]  # its second for each of a dozen steps would be most of a short slice


def execute(plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan, workspace: Workspace) -> Iterator[dg.DagsterEvent]:
    """All steps of a run: batches on workers, the others here."""
    dispatch = _Dispatch(plan_context, workspace)
    try:
        yield from core_execution_loop.core_celery_execution_loop(plan_context, execution_plan, dispatch.begin)
    finally:
        dispatch.end()


class _Done:
    """A step that was done here, in the shape of a Celery result."""

    def __init__(self, events: list[str]) -> None:
        self._events = events

    def ready(self) -> bool:
        return True

    def get(self) -> list[str]:
        return self._events

    def revoke(self) -> None:
        pass


class _Underway:
    """A batch, in the shape of a Celery result: who asks whether it is done lets the run look at all of them."""

    def __init__(self, dispatch: _Dispatch, batch: SentBatch) -> None:
        self._dispatch, self._batch = dispatch, batch

    def ready(self) -> bool:
        self._dispatch.look()
        return self._batch.is_over

    def get(self) -> list[str]:
        return self._batch.get()

    def revoke(self) -> None:
        self._batch.give_up()
        self._dispatch.end()


class _Dispatch:
    def __init__(self, plan_context: PlanOrchestrationContext, workspace: Workspace) -> None:
        self._plan_context, self._workspace = plan_context, workspace
        self._app: Celery = make_celery_app(workspace.settings)
        self._likeness = {queue: likeness(workspace, queue) for queue in QUEUES}
        self._batches: list[SentBatch] = []
        self._said: set[str] = set()
        self._told: list[progress.Report] = []
        self._is_over = False
        self._looked = self._next_look = time.monotonic()

    def begin(self, app: Celery, plan_context: PlanOrchestrationContext, step: ExecutionStep, queue: str, priority: int, state: Any) -> Any:
        """Begin a step; the signature is dagster-celery's."""
        if queue not in QUEUES:
            return _Done(_done_here(plan_context, step, state))
        message = {
            "run_id": plan_context.run_id,
            "step_key": step.key,
            "known_state": serialize_value(_of_step(state, step)),
            "wanted": self._likeness[queue],
        }
        batch = SentBatch(self._app, self, queue, priority, message)
        self._batches.append(batch)
        return _Underway(self, batch)

    def warn(self, text: str) -> None:
        """Into the log of the run, once."""
        if text not in self._said:
            self._said.add(text)
            self._plan_context.log.warning(text)

    def look(self) -> None:
        """Look at all batches, now and then. While Redis does not answer nothing is known, and nothing is concluded from that."""
        began = time.monotonic()
        if began < self._next_look:
            return
        waited_for = [batch for batch in self._batches if not batch.is_over]
        if began - self._looked > _ABSENT_SECONDS:  # a step that was done here took long, or the machine slept
            for batch in waited_for:
                batch.excuse()
        try:
            self._tell_workers(any(batch.at_work for batch in waited_for))
            for batch in waited_for:
                batch.look()
        except _UNREACHABLE as error:
            self.warn(f"Redis does not answer ({type(error).__name__}: {error}); the run waits for it.")
            for batch in waited_for:
                batch.excuse()
        self._tell_progress()
        self._looked = time.monotonic()
        self._next_look = self._looked + min(max(_POLL_SECONDS, (self._looked - began) / _POLL_SHARE), _LONGEST_REST_SECONDS)

    def end(self) -> None:
        """Nothing new is to be begun."""
        self._is_over = True
        with suppress(*_UNREACHABLE):  # then the lease ends by itself
            self._tell_workers(at_work=False)

    def _tell_workers(self, at_work: bool) -> None:
        """The time of a slice begins when a worker is at its first batch, so something is always done."""
        self._is_over = self._is_over or (self._workspace.is_over() if at_work else self._workspace.is_paused())
        self._app.backend.client.set(lease_of(self._plan_context.run_id), END if self._is_over else GO_ON, ex=LEASE_SECONDS)

    def _tell_progress(self) -> None:
        """All batches together, as if they were one."""
        told = [report for step in QUEUES if (report := self._progress(step))]
        for report in told:
            if report not in self._told:
                progress.report(report.step, report.done, report.total, report.files, report.work)
        self._told = told

    def _progress(self, step: str) -> progress.Report | None:
        of_step = [(batch, batch.report) for batch in self._batches if batch.report and batch.report.step == step]
        if not of_step:
            return None
        reports = [report for _, report in of_step]
        works = [report.work for report in reports if report.work is not None]
        files = tuple(file for batch, report in of_step if batch.at_work for file in report.files)
        done, total = sum(report.done for report in reports), sum(report.total for report in reports)
        return progress.Report(step, done, total, files, sum(works) if works else None)


def _done_here(plan_context: PlanOrchestrationContext, step: ExecutionStep, state: KnownExecutionState) -> list[str]:
    run, job = plan_context.dagster_run, plan_context.job
    plan = create_execution_plan(job, run.run_config, [step.key], known_state=state, tags=run.tags)
    retries = plan_context.executor.retries.for_inner_plan()
    events = execute_plan_iterator(plan, job, run, plan_context.instance, retries, run.run_config)
    return [serialize_value(event) for event in events]


def _of_step(state: KnownExecutionState, step: ExecutionStep) -> KnownExecutionState:
    """What a batch's step needs to know of the others: nothing. All of it would grow with the square of the batches."""
    graph, key = step.key.rpartition(".")[0], step.key.rpartition("[")[2].removesuffix("]")
    mappings = {
        of: {output: [key] for output in outputs} for of, outputs in state.dynamic_mappings.items() if of.rpartition(".")[0] == graph
    }
    tries = {one: number for one, number in state.previous_retry_attempts.items() if one == step.key}
    return KnownExecutionState(previous_retry_attempts=tries, dynamic_mappings=mappings)

"""How a run does its steps: in its own process, and its batches on workers elsewhere where the settings name a broker.

Belongs here: what is held for the whole run (its turn at the collection, the file of its progress), and the choice. Not here: how a batch
comes to a worker (``distributed/``), what a step does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
from dagster._core.errors import raise_execution_interrupts
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

from rag_pipeline.defs.lanes import lanes_of
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.resources import ingestion_of
from rag_pipeline.defs.stopping import cancelled_when_stopped
from rag_pipeline.ingestion.pauses import paused_in_words
from rag_pipeline.ingestion.steps.lanes import turn
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings, load_settings


@dg.executor(name="ingestion")
def ingestion_executor(context: dg.InitExecutorContext) -> dg.Executor:
    """Steps one after the other in the run's process; batches on workers where ``RAG_CELERY_BROKER_URL`` is set."""
    return IngestionExecutor(load_settings())


class IngestionExecutor(dg.Executor):
    """In process, because three empty steps take 2 s there, against 7 s with a process each.

    Args:
        settings: read when the run begins, not when definitions load.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def retries(self) -> RetryMode:
        """A batch asks for its retries itself."""
        return RetryMode.ENABLED

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
        """The events of all steps."""
        with _whole_run(plan_context) as workspace:
            if workspace and self._settings.celery_broker_url:
                from rag_pipeline.defs.distributed import execute

                yield from execute(plan_context, execution_plan, workspace)
            else:
                yield from InProcessExecutor(self.retries).execute(plan_context, execution_plan)

    def app_args(self) -> dict[str, Any]:
        """What dagster-celery makes its app of."""
        from rag_pipeline.defs.distributed import app_arguments

        return app_arguments(self._settings)


@contextmanager
def _whole_run(plan_context: PlanOrchestrationContext) -> Iterator[Workspace | None]:
    """What the run's process holds to its end: two clicks, or ``rag ingest`` beside the daemon, take turns.

    Yields:
        What the run works with; None for one that is for no collection.
    """
    run = plan_context.dagster_run
    collection = run.tags.get(PARTITION_TAG)
    if collection is None:
        yield None
        return
    ingestion = ingestion_of(run)
    workspace, lanes = ingestion.workspace(collection), lanes_of(run.job_name)
    os.nice(ingestion.niceness)
    if workspace.is_paused():
        plan_context.log.warning(f"Nothing is read or embedded: {paused_in_words(collection)}")
    with ExitStack() as held:
        with raise_execution_interrupts():  # it may wait
            held.enter_context(turn(workspace, lanes))
        held.enter_context(cancelled_when_stopped(plan_context.instance, run.run_id, workspace))
        yield workspace

"""A run whose collection was told to stop, and that does not end by itself, is cancelled.

Belongs here: that, within the run's own process. Not here: when it is due (``ingestion/stopping.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.ingestion.stopping import interrupt, is_to_be_cancelled, once


@contextmanager
def cancelled_when_stopped(instance: dg.DagsterInstance, run_id: str, workspace: Workspace) -> Iterator[None]:
    """Cancel the run of this process, as Dagster would, once its collection has been told to stop for longer than the grace."""

    def cancel() -> None:
        if run := instance.get_run_by_id(run_id):
            instance.report_run_canceling(run, message="The collection was told to stop.")
        interrupt()

    with once(lambda: is_to_be_cancelled(workspace.settings, workspace.collection), cancel):
        yield

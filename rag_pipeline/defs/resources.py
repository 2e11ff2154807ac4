"""The one resource: shell that reads the settings when a step runs and hands it a plain object."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import dagster as dg
from pydantic import Field, PrivateAttr

from rag_pipeline.defs.lanes import lanes_of
from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.defs.stopping import cancelled_when_stopped
from rag_pipeline.ingestion.pauses import is_paused_now, paused_in_words
from rag_pipeline.ingestion.steps.lanes import turn
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.settings import load_settings


class Ingestion(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Settings of a run that can be changed in the launchpad."""

    full_refresh: bool = Field(default=False, description="Do again what is up to date: read, cut, embed and index everything anew.")
    slice_seconds: float = Field(default=0.0, ge=0, description="Begin nothing new after this long; the rest is the next run's. 0: do all.")
    niceness: int = Field(default=0, ge=0, le=19, description="How far the run stands back behind questions (nice(1)).")

    _slice: Slice | None = PrivateAttr(default=None)

    def workspace(self, collection: str) -> Workspace:
        """What the steps of one collection work with; settings are read now, not when definitions load."""
        if self.slice_seconds and self._slice is None:
            self._slice = Slice(self.slice_seconds)
        settings = load_settings()
        return Workspace(settings, collection, self.full_refresh, self._slice, partial(is_paused_now, settings, collection))

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Ingestion]:
        """Held for the whole run, as all its steps are in one process: two clicks, or ``rag ingest`` beside the daemon, take turns."""
        run = context.run
        collection = run.tags.get(PARTITION_TAG) if run else None
        if run is None or collection is None or context.instance is None:
            yield self
            return
        os.nice(self.niceness)
        workspace, lanes = self.workspace(collection), lanes_of(run.job_name)
        if workspace.is_paused() and context.log:
            context.log.warning(f"Nothing is read or embedded: {paused_in_words(collection)}")
        with turn(workspace, lanes), cancelled_when_stopped(context.instance, run.run_id, workspace):
            yield self

"""The one resource: shell that reads the settings when a step runs and hands it a plain object."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import dagster as dg
from pydantic import Field, PrivateAttr

from rag_pipeline.ingestion.pauses import is_paused_now
from rag_pipeline.ingestion.steps.workspace import Slice, Workspace
from rag_pipeline.settings import load_settings

told_to_end: ContextVar[Callable[[], bool]] = ContextVar("told_to_end", default=lambda: False)
"""Whether the run that a step is part of wants nothing new to be begun: a run elsewhere can only tell (``distributed/worker.py``)."""


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
        settings, is_told = load_settings(), told_to_end.get()
        return Workspace(settings, collection, self.full_refresh, self._slice, lambda: is_told() or is_paused_now(settings, collection))


def ingestion_of(run: dg.DagsterRun) -> Ingestion:
    """The resource as a run was configured."""
    resources = run.run_config.get("resources", {}) if isinstance(run.run_config, dict) else {}
    return Ingestion(**resources.get("ingestion", {}).get("config", {}))

"""The one resource: shell that reads the settings when a step runs and hands it a plain object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from rag_pipeline.defs.partitions import PARTITION_TAG
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import load_settings


class Ingestion(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Settings of a run that can be changed in the launchpad."""

    full_refresh: bool = Field(default=False, description="Do again what is up to date: read, cut, embed and index everything anew.")

    def workspace(self, collection: str) -> Workspace:
        """What the steps of one collection work with; settings are read now, not when definitions load."""
        return Workspace(load_settings(), collection, self.full_refresh)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Ingestion]:
        """Held for the whole run, as all its steps are in one process: two clicks, or ``rag ingest`` beside the daemon, take turns."""
        collection = context.run.tags.get(PARTITION_TAG) if context.run else None
        if collection is None:
            yield self
            return
        with self.workspace(collection).whole_run():
            yield self

"""Runs of the pipeline over HTTP: start one, see how it goes, see the last ones.

Belongs here: requests in, JSON out. Not here: talking to Dagster (``web/dagster.py``), what a run does.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.ingestion.pauses import read_pauses
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import PAST_RUN, RUN, FailureBody, shown
from ui.views.pipeline.runs import Run
from ui.web.dagster import collection_of_run, latest_runs, launch, run_with_steps
from ui.web.visibility import require_collection

router = APIRouter(prefix="/api/v1/ingestion", tags=["ingestion"])
MOST_RUNS = 100


class StartRequest(BaseModel):
    """Which collection to bring up to date. ``full_refresh``: all of it anew, what is up to date too."""

    model_config = shown({"collection": "contracts"}, {"collection": "contracts", "full_refresh": True})

    collection: str = DEFAULT_COLLECTION
    full_refresh: bool = False


class RunBody(BaseModel):
    """A run: its state in Dagster's words (QUEUED, STARTED, SUCCESS, FAILURE, ...), and how many of its steps have ended."""

    model_config = shown(RUN)

    run_id: str
    status: str
    collection: str | None = None
    steps_done: int = 0
    steps: int = 0


class PastRunBody(BaseModel):
    """A run among others; times are null for what has not happened, ``seconds`` while it has not ended."""

    model_config = shown(PAST_RUN)

    run_id: str
    job: str
    status: str
    collection: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None


class RunsResponse(BaseModel):
    """Runs, the newest first."""

    model_config = shown({"runs": [PAST_RUN]})

    runs: list[PastRunBody]


@router.post("", status_code=202, responses={409: {"model": FailureBody, "description": "The collection is paused"}})
async def start(body: StartRequest, services: ServicesDependency, access: WriterDependency) -> RunBody:
    """Start a run for a collection; it goes on in Dagster, whoever waits. What is out of date is done, or all with ``full_refresh``."""
    require_collection(access, body.collection)
    if body.collection in await asyncio.to_thread(read_pauses, services.settings):
        raise HTTPException(409, f"{body.collection!r} is paused. Continue it first: POST /api/v1/collections/{{name}}/continue")
    launched = await launch(services.settings, body.collection, full_refresh=body.full_refresh)
    return RunBody(run_id=launched.run_id, status=launched.status, collection=body.collection)


@router.get("/runs")
async def runs(
    services: ServicesDependency, access: ReaderDependency, limit: Annotated[int, Query(ge=1, le=MOST_RUNS)] = 20
) -> RunsResponse:
    """The last runs of the collections that may be seen: those that go on, that wait, and that have ended."""
    return RunsResponse(runs=[_past_run(run) for run in await latest_runs(services.settings, access, limit)])


@router.get("/{run_id}")
async def progress(run_id: str, services: ServicesDependency, access: ReaderDependency) -> RunBody:
    """How a run goes. One of a collection that may not be seen looks as if it were not there."""
    run = await run_with_steps(services.settings, run_id)
    collection = collection_of_run(run) if run else ""
    if run is None or not access.sees(collection):  # a run of no collection is for those who see all
        raise HTTPException(404, f"Dagster knows no run {run_id!r}.")
    steps = run.get("stepStats") or []
    ended = sum(step["status"] in ("SUCCESS", "FAILURE", "SKIPPED") for step in steps)
    return RunBody(run_id=run["runId"], status=run["status"], collection=collection or None, steps_done=ended, steps=len(steps))


def _past_run(run: Run) -> PastRunBody:
    return PastRunBody(
        run_id=run.run_id,
        job=run.job,
        status=run.status,
        collection=run.collection or None,
        created_at=datetime.fromtimestamp(run.created, UTC),
        started_at=datetime.fromtimestamp(run.started, UTC) if run.started else None,
        ended_at=datetime.fromtimestamp(run.ended, UTC) if run.ended else None,
        seconds=run.seconds,
    )

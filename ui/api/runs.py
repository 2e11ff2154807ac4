"""Runs of the pipeline over HTTP: start one, see how it goes. Dagster does the work; this is its GraphQL in our words.

Belongs here: talking to the Dagster webserver. Not here: what a run does.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION
from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.settings import Settings
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import RUN, FailureBody, shown
from ui.web.visibility import require_collection

router = APIRouter(prefix="/api/v1/ingestion", tags=["ingestion"])
TIMEOUT_SECONDS = 20.0
JOB = "ingest"

_REPOSITORY = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
_LAUNCH = """mutation ($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]!) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}, executionMetadata: {tags: $tags}}) {
    __typename
    ... on LaunchRunSuccess { run { runId status } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
_RUN = """query ($id: ID!) { runOrError(runId: $id) { __typename ... on Run {
  runId status startTime endTime tags { key value } stepStats { stepKey status }
} } }"""


class PipelineError(RagError):
    """Dagster cannot be reached, or did not take the request."""

    code = "pipeline"


class StartRequest(BaseModel):
    """Which collection to bring up to date."""

    model_config = shown({"collection": "contracts"})

    collection: str = DEFAULT_COLLECTION


class RunBody(BaseModel):
    """A run: its state in Dagster's words (QUEUED, STARTED, SUCCESS, FAILURE, ...), and how many of its steps have ended."""

    model_config = shown(RUN)

    run_id: str
    status: str
    collection: str | None = None
    steps_done: int = 0
    steps: int = 0


@router.post("", status_code=202, responses={409: {"model": FailureBody, "description": "The collection is paused"}})
async def start(body: StartRequest, services: ServicesDependency, access: WriterDependency) -> RunBody:
    """Start a run for a collection; it goes on in Dagster, whoever waits. Only what is out of date is done."""
    require_collection(access, body.collection)
    if body.collection in await asyncio.to_thread(read_pauses, services.settings):
        raise HTTPException(409, f"{body.collection!r} is paused. Continue it first: POST /api/v1/collections/{{name}}/continue")
    nodes = (await _ask(services.settings, _REPOSITORY, {}))["repositoriesOrError"].get("nodes") or []
    if not nodes:
        raise PipelineError("Dagster has not loaded the pipeline yet. Wait some seconds and start again.")
    selector = {"repositoryName": nodes[0]["name"], "repositoryLocationName": nodes[0]["location"]["name"], "jobName": JOB}
    tags = [{"key": "dagster/partition", "value": body.collection}]
    launched = (await _ask(services.settings, _LAUNCH, {"selector": selector, "tags": tags}))["launchRun"]
    if launched["__typename"] != "LaunchRunSuccess":
        raise PipelineError(f"Dagster did not start the run ({launched['__typename']}: {launched.get('message', '')}). Look at its page.")
    return RunBody(run_id=launched["run"]["runId"], status=launched["run"]["status"], collection=body.collection)


@router.get("/{run_id}")
async def progress(run_id: str, services: ServicesDependency, access: ReaderDependency) -> RunBody:
    """How a run goes. One of a collection that may not be seen looks as if it were not there."""
    run = (await _ask(services.settings, _RUN, {"id": run_id}))["runOrError"]
    tags = {tag["key"]: tag["value"] for tag in run.get("tags") or []}
    collection = tags.get("dagster/partition")
    if run["__typename"] != "Run" or not access.sees(collection or ""):  # a run of no collection is for those who see all
        raise HTTPException(404, f"Dagster knows no run {run_id!r}.")
    steps = run.get("stepStats") or []
    ended = sum(step["status"] in ("SUCCESS", "FAILURE", "SKIPPED") for step in steps)
    return RunBody(run_id=run["runId"], status=run["status"], collection=collection, steps_done=ended, steps=len(steps))


async def _ask(settings: Settings, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    address = f"{settings.dagster_url}/graphql"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            reply = (await client.post(address, json={"query": query, "variables": variables})).json()
    except (httpx.HTTPError, ValueError) as error:
        raise PipelineError(f"Dagster does not answer at {address} ({type(error).__name__}). Start everything with: rag up") from error
    if reply.get("errors"):
        raise PipelineError(f"Dagster did not understand the request: {reply['errors'][0].get('message')}")
    data: dict[str, Any] = reply["data"]
    return data

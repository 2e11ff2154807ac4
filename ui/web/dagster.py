"""Dagster over HTTP: its GraphQL in our words, and its addresses for those who read a page.

Belongs here: asking the Dagster webserver, what it answered as records. Not here: routes (``api/runs.py``), drawing (``views/pipeline``),
what a run does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from rag_pipeline.access import Access, is_loopback
from rag_pipeline.errors import RagError
from rag_pipeline.privacy import client_without_tls
from rag_pipeline.settings import Settings
from ui.views.pipeline.runs import Run

TIMEOUT_SECONDS = 20.0
LOOK_SECONDS = 4.0
"""For what is only shown: somebody looks at the page meanwhile."""
JOB = "ingest"
PARTITION_TAG = "dagster/partition"

_REPOSITORY = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
_LAUNCH = """mutation ($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]!, $config: RunConfigData!) {
  launchRun(executionParams: {selector: $selector, runConfigData: $config, executionMetadata: {tags: $tags}}) {
    __typename
    ... on LaunchRunSuccess { run { runId status } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
_RUN = """query ($id: ID!) { runOrError(runId: $id) { __typename ... on Run {
  runId status startTime endTime tags { key value } stepStats { stepKey status }
} } }"""
_RUNS = """query ($filter: RunsFilter, $limit: Int!) { runsOrError(filter: $filter, limit: $limit) { __typename
  ... on Runs { results { runId jobName status creationTime startTime endTime tags { key value } } }
  ... on PythonError { message }
} }"""


class PipelineError(RagError):
    """Dagster cannot be reached, or did not take the request."""

    code = "pipeline"


@dataclass(frozen=True, slots=True)
class Launched:
    """A run that was asked for, and its state in Dagster's words."""

    run_id: str
    status: str


async def launch(settings: Settings, collection: str, *, full_refresh: bool = False) -> Launched:
    """Ask for a run of a collection that does what is out of date, or, with ``full_refresh``, all anew.

    Raises:
        PipelineError: Dagster does not answer, or does not start it.
    """
    nodes = (await _ask(settings, _REPOSITORY, {}))["repositoriesOrError"].get("nodes") or []
    if not nodes:
        raise PipelineError("Dagster has not loaded the pipeline yet. Wait some seconds and start again.")
    selector = {"repositoryName": nodes[0]["name"], "repositoryLocationName": nodes[0]["location"]["name"], "jobName": JOB}
    config = {"resources": {"ingestion": {"config": {"full_refresh": True}}}} if full_refresh else {}
    tags = [{"key": PARTITION_TAG, "value": collection}]
    launched = (await _ask(settings, _LAUNCH, {"selector": selector, "tags": tags, "config": config}))["launchRun"]
    if launched["__typename"] != "LaunchRunSuccess":
        raise PipelineError(f"Dagster did not start the run ({launched['__typename']}: {launched.get('message', '')}). Look at its page.")
    return Launched(launched["run"]["runId"], launched["run"]["status"])


async def run_with_steps(settings: Settings, run_id: str) -> Mapping[str, Any] | None:
    """What Dagster says of a run: runId, status, tags, stepStats; None where it knows none.

    Raises:
        PipelineError: Dagster does not answer.
    """
    run = (await _ask(settings, _RUN, {"id": run_id}))["runOrError"]
    return run if run["__typename"] == "Run" else None


async def latest_runs(settings: Settings, access: Access, most: int) -> list[Run]:
    """The runs that someone may see, the newest first: those that go on, that wait, and that have ended.

    A run of no collection is for those who see all.

    Raises:
        PipelineError: Dagster does not answer.
    """
    own: list[dict[str, Any]] = [{"tags": [{"key": PARTITION_TAG, "value": name}]} for name in access.collections]
    asked = (_ask(settings, _RUNS, {"filter": one, "limit": most}, LOOK_SECONDS) for one in own or (None,))
    found = [run for answer in await asyncio.gather(*asked) for run in _runs_in(answer["runsOrError"])]
    return sorted(found, key=lambda run: run.created, reverse=True)[:most]


def _runs_in(answer: Mapping[str, Any]) -> list[Run]:
    if answer["__typename"] != "Runs":
        raise PipelineError(f"Dagster does not tell its runs ({answer['__typename']}: {answer.get('message', '')}). Look at its page.")
    return [
        Run(one["runId"], one["jobName"], collection_of_run(one), one["status"], one["creationTime"], one["startTime"], one["endTime"])
        for one in answer["results"]
    ]


def collection_of_run(run: Mapping[str, Any]) -> str:
    """The collection that a run is for; empty for a run of none."""
    return next((str(tag["value"]) for tag in run.get("tags") or [] if tag["key"] == PARTITION_TAG), "")


def address_for(settings: Settings, host: str | None) -> str:
    """Dagster under the name by which a reader reached the app; empty where Dagster listens on the server's own loopback only."""
    host = host or settings.host
    if is_loopback(settings.dagster_host) and not is_loopback(host):
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.dagster_port}"


async def _ask(settings: Settings, query: str, variables: dict[str, Any], patience_seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    address = f"{settings.dagster_url}/graphql"
    try:
        async with client_without_tls(patience_seconds) as client:
            reply = (await client.post(address, json={"query": query, "variables": variables})).json()
    except (httpx.HTTPError, ValueError) as error:
        raise PipelineError(f"Dagster does not answer at {address} ({type(error).__name__}). Start everything with: rag up") from error
    if reply.get("errors"):
        raise PipelineError(f"Dagster did not understand the request: {reply['errors'][0].get('message')}")
    data: dict[str, Any] = reply["data"]
    return data

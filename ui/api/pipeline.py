"""The state of the pipeline over HTTP, and the same as parts of a page.

Belongs here: requests in, JSON or HTML out. Not here: finding it out (``web/pipeline.py``), how far the work is (``progress.py``), runs
(``runs.py``), measurements (``evaluation.py``), what is changed (those two, and ``documents.py``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.settings_in_force import Origin, settings_in_force
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import CONCERN, DAY, FINDING, INDEX_VERSION, PAST_SLICE, SETTING, shown
from ui.views.language import gettext
from ui.views.language.told import failure_of
from ui.views.messages import failure_html
from ui.views.pipeline.activity import figures_html
from ui.views.pipeline.cards import Now, now_html
from ui.views.pipeline.machine import findings_html, machine_html, settings_html
from ui.web.dagster import address_for, latest_runs
from ui.web.pipeline import activity_of, findings_of
from ui.web.security import own_page
from ui.web.services import Services
from ui.web.visibility import may_everything, require_everything

router = APIRouter(prefix="/api/v1", tags=["pipeline"])
pages = APIRouter(include_in_schema=False)
MOST_DAYS, DAYS_SHOWN = 366, 30
RUNS_SHOWN = 15
Part = Literal["now", "figures", "machine", "settings", "doctor"]
Found = TypeVar("Found")


class IndexVersionBody(BaseModel):
    """What of a collection is published. ``segments`` and ``size_bytes``, of all versions that are kept, are null where a server keeps it;
    ``previous`` is empty where there is none to roll back to."""

    model_config = shown(INDEX_VERSION)

    collection: str
    version: str
    published_at: str
    embedding_model: str
    dimension: int
    documents: int
    chunks: int
    vectors: int
    segments: int | None
    size_bytes: int | None
    previous: str
    previous_published_at: str
    rolled_back: bool


class IndexResponse(BaseModel):
    """The published versions of the collections that may be seen."""

    model_config = shown({"versions": [INDEX_VERSION]})

    versions: list[IndexVersionBody]


class ConcernBody(BaseModel):
    """What a check warns of: its name and its asset, as Dagster has them, and words."""

    model_config = shown(CONCERN)

    collection: str
    check: str
    asset: str
    words: str


class ConcernsResponse(BaseModel):
    """All warnings about the collections that may be seen, as of now."""

    model_config = shown({"warnings": [CONCERN]})

    warnings: list[ConcernBody]


class DayBody(BaseModel):
    """A day (UTC): the documents of today that had come by its end, with their chunks of today; questions of conversations, how their
    answers ended and were judged, and the seconds that half and 95 % of the answers took at most (null: there was none)."""

    model_config = shown(DAY)

    day: date
    documents: int
    chunks: int
    questions: int
    refused: int
    failed: int
    thumbs_up: int
    thumbs_down: int
    seconds_p50: float | None
    seconds_p95: float | None


class PastSliceBody(BaseModel):
    """A slice of work: ``work`` are bytes read, with an allowance for opening each document (lane ``text``), or passages embedded
    (``vectors``)."""

    model_config = shown(PAST_SLICE)

    collection: str
    lane: str
    ended_at: datetime
    work: float
    seconds: float


class ActivityResponse(BaseModel):
    """Day by day, up to today, and the last slices of each collection and lane in the order of their ends."""

    model_config = shown({"days": [DAY], "slices": [PAST_SLICE]})

    days: list[DayBody]
    slices: list[PastSliceBody]


class SettingBody(BaseModel):
    """A setting in force. Of a secret ``value`` says only that it is set; empty: unset. ``origin`` ``start``: it was set when the app was
    started."""

    model_config = shown(SETTING)

    variable: str
    value: str
    origin: Origin
    description: str
    is_secret: bool


class SettingsResponse(BaseModel):
    """All settings."""

    model_config = shown({"settings": [SETTING]})

    settings: list[SettingBody]


class FindingBody(BaseModel):
    """One subject: ``ok``, ``missing`` (works without), or ``problem``; with what to do in ``remedy``."""

    model_config = shown(FINDING)

    subject: str
    state: Literal["ok", "missing", "problem"]
    detail: str
    remedy: str


class DoctorResponse(BaseModel):
    """What ``rag doctor`` says, but for workers on other machines."""

    model_config = shown({"findings": [FINDING]})

    findings: list[FindingBody]


@router.get("/index")
async def index(services: ServicesDependency, access: ReaderDependency) -> IndexResponse:
    """Which version of the index answers for each collection, what it holds and takes, and whether there is one to roll back to."""
    found = await services.pipeline.current(access)
    return IndexResponse(versions=[IndexVersionBody.model_validate(asdict(one)) for one in found.versions.values()])


@router.get("/checks")
async def checks(services: ServicesDependency, access: ReaderDependency) -> ConcernsResponse:
    """What warns, looked at now: the checks that Dagster runs, but for those that look at every single point of the index."""
    found = await services.pipeline.current(access)
    return ConcernsResponse(warnings=[ConcernBody.model_validate(asdict(one)) for one in found.concerns])


@router.get("/activity")
async def activity(
    services: ServicesDependency, access: ReaderDependency, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = DAYS_SHOWN
) -> ActivityResponse:
    """What happened lately. Who may not see all collections has only the questions counted that were asked with the same token."""
    found = await activity_of(services.settings, services.catalog, services.conversations, access, days)
    return ActivityResponse.model_validate({name: [asdict(one) for one in getattr(found, name)] for name in ("days", "slices")})


@router.get("/settings")
async def settings(services: ServicesDependency, access: WriterDependency) -> SettingsResponse:
    """The settings in force, and where each comes from; for tokens that may write in all collections. No secret is shown."""
    require_everything(access)
    return SettingsResponse(settings=[SettingBody.model_validate(asdict(one)) for one in settings_in_force(services.settings)])


@router.get("/doctor")
async def examine(services: ServicesDependency, access: WriterDependency) -> DoctorResponse:
    """What is installed, reachable and configured, which takes some seconds; for tokens that may write in all collections."""
    require_everything(access)
    found = await asyncio.to_thread(findings_of, services.settings)
    return DoctorResponse(findings=[FindingBody.model_validate(asdict(one)) for one in found])


@pages.get("/pipeline/{part}", response_class=HTMLResponse)
async def part_of_page(
    part: Literal["now", "figures", "machine", "settings", "doctor"],
    request: Request,
    services: ServicesDependency,
    access: ReaderDependency,
) -> HTMLResponse:
    """What the tab shows, drawn, while someone looks at it (``static/pipeline.js``). What keeps it from being drawn stands in its place."""
    try:
        drawn = await _drawn(part, request, services, access)
    except RagError as error:
        drawn = failure_html(gettext("This cannot be shown"), failure_of(error))
    return own_page(drawn)


async def _drawn(part: Part, request: Request, services: Services, access: Access) -> str:
    if part == "now":
        return await _now(request, services, access)
    if part == "figures":
        return figures_html(await activity_of(services.settings, services.catalog, services.conversations, access, DAYS_SHOWN))
    if part == "machine":
        return machine_html(may_see=may_everything(access))
    require_everything(access)
    if part == "settings":
        return settings_html(settings_in_force(services.settings))
    return findings_html(await asyncio.to_thread(findings_of, services.settings))


async def _now(request: Request, services: Services, access: Access) -> str:
    overview, standing, runs = await asyncio.gather(
        services.progress.current(access),
        _or_reason(services.pipeline.current(access)),
        _or_reason(latest_runs(services.settings, access, RUNS_SHOWN)),
    )
    dagster = address_for(services.settings, request.url.hostname)
    return now_html(Now(overview, standing, runs), dagster, may_write=access.may("write"), seconds_since_1970=time.time())


async def _or_reason(found: Awaitable[Found]) -> Found | str:
    """What was found, or why it could not be: the rest of the page does not wait for it."""
    try:
        return await found
    except RagError as error:
        return str(error)

"""How far the work is, over HTTP: once, or as it changes; and pausing it.

Belongs here: requests in, JSON, events or parts of a page out. Not here: what is found (``rag_pipeline/ingestion/progress``), single runs
(``runs.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from rag_pipeline.access import Access
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.folder.listing import DEFAULT_COLLECTION, collection_of
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.ingestion.pauses import carry_on, pause, stop
from rag_pipeline.ingestion.progress.shapes import overview_json
from rag_pipeline.settings import Settings
from ui.api.answer_stream import as_json, event_stream
from ui.api.deps import ReaderDependency, ServicesDependency, WriterDependency
from ui.api.schema_examples import COLLECTION_PROGRESS, PROGRESS, PROGRESS_EVENTS, shown
from ui.views.progress import progress_html
from ui.web.services import Services
from ui.web.visibility import require_collection

router = APIRouter(prefix="/api/v1", tags=["ingestion"])
pages = APIRouter(include_in_schema=False)


class CollectionProgressBody(BaseModel):
    """How far a collection is.

    ``stages``: how many documents are at which stage (``vectors``: some of their passages have one). ``passages`` are published and answer,
    ``passages_expected`` counts those too that documents are expected to have which are still to be read, ``vectors`` have a vector.
    ``lanes`` in which a run is at work: ``text`` reads, ``vectors`` embeds. ``seconds_left`` until all is done; null where that cannot be
    told yet, or it is paused.
    """

    model_config = shown(COLLECTION_PROGRESS)

    collection: str
    documents: int
    stages: dict[str, int]
    passages: int
    passages_expected: int | None
    vectors: int
    lanes: list[str]
    step: str
    reading: list[str]
    next_documents: list[str]
    passages_a_second: float | None
    seconds_left: float | None
    paused: bool
    complete: bool


class ProgressResponse(BaseModel):
    """How far all collections are that may be seen. ``next``: those with work left, in their order; ``going_on``: something moves."""

    model_config = shown(PROGRESS)

    collections: list[CollectionProgressBody]
    next: list[str]
    going_on: bool


class PauseBody(BaseModel):
    """Whether a collection is paused now."""

    model_config = shown({"collection": "contracts", "paused": True})

    collection: str
    paused: bool


@router.get("/ingestion", response_model=ProgressResponse, responses=PROGRESS_EVENTS)
async def progress(request: Request, services: ServicesDependency, access: ReaderDependency) -> Response | ProgressResponse:
    """How far all is, and when it is done: one JSON document, or, with ``Accept: text/event-stream``, one after each change."""
    if "text/event-stream" in request.headers.get("accept", ""):
        return event_stream(_or_failed(_frames(services, access)), grace_seconds=0)
    return ProgressResponse.model_validate(overview_json(await services.progress.current(access)))


@router.get("/ingestion/events", response_class=Response, responses=PROGRESS_EVENTS)
async def progress_events(services: ServicesDependency, access: ReaderDependency) -> Response:
    """How far all is, now and after each change, as server-sent events ``progress``; each is what ``/api/v1/ingestion`` gives."""
    return event_stream(_or_failed(_frames(services, access)), grace_seconds=0)


@router.post("/collections/{name}/pause")
async def pause_collection(name: str, services: ServicesDependency, access: WriterDependency) -> PauseBody:
    """Let the work on a collection rest, also after a restart. A run of it ends within seconds, and what it did is kept."""
    return await _change(services, access, name, lambda _: pause(services.settings, [name]), paused=True)


@router.post("/collections/{name}/stop")
async def stop_collection(name: str, services: ServicesDependency, access: WriterDependency) -> PauseBody:
    """Pause a collection, and cancel its run if it does not end by itself; what was finished is kept."""
    return await _change(services, access, name, lambda _: stop(services.settings, name), paused=True)


@router.post("/collections/{name}/continue")
async def continue_collection(name: str, services: ServicesDependency, access: WriterDependency) -> PauseBody:
    """End the pause of a collection. The pipeline goes on within seconds."""
    return await _change(services, access, name, lambda known: carry_on(services.settings, [name], known), paused=False)


@pages.get("/progress/events")
async def parts_of_pages(services: ServicesDependency, access: ReaderDependency) -> Response:
    """What the pages show of it, drawn, while someone looks at them (``static/app.js``)."""
    return event_stream(_or_failed(_drawn(services, access)), grace_seconds=0)


async def _frames(services: Services, access: Access) -> AsyncGenerator[dict[str, str], None]:
    async with aclosing(services.progress.changes(access)) as overviews:
        async for overview in overviews:
            yield {"event": "progress", "data": as_json(overview_json(overview))}


async def _drawn(services: Services, access: Access) -> AsyncGenerator[dict[str, str], None]:
    async with aclosing(services.progress.changes(access)) as overviews:
        async for overview in overviews:
            parts: dict[str, object] = {
                "bars": progress_html("bars", overview, may_write=access.may("write")),
                "line": progress_html("line", overview),
            }
            # What a question finds is the index's to say: while that is built anew, the catalog counts passages that are not there.
            answering = any(access.sees(name) for name in await services.indexed_collections())
            yield {"event": "progress", "data": as_json({**parts, "answering": answering})}


async def _or_failed(frames: AsyncGenerator[dict[str, str], None]) -> AsyncIterator[str | dict[str, str]]:
    """The frames; what keeps them from being made is the last one."""
    try:
        async with aclosing(frames):
            async for frame in frames:
                yield frame
    except RagError as error:
        yield {"event": "failed", "data": as_json({"message": str(error), "code": getattr(error, "code", "failed")})}


async def _change(services: Services, access: Access, name: str, change: Callable[[set[str]], None], *, paused: bool) -> PauseBody:
    require_collection(access, name)
    known = await _known(services)
    if name not in known:
        raise HTTPException(
            404, f"There is no collection {name!r}. There are: {', '.join(filter(access.sees, sorted(known))) or 'none yet'}."
        )
    await asyncio.to_thread(change, known)
    return PauseBody(collection=name, paused=paused)


async def _known(services: Services) -> set[str]:
    """Collections that the catalog has or the folder, which may be ahead of it."""
    return {*(await services.counts.current())[0], *await asyncio.to_thread(_folders, services.settings)}


def _folders(settings: Settings) -> set[str]:
    return {DEFAULT_COLLECTION, *(collection_of(f"{folder}/-") for folder in watched_folder(settings).folders())}

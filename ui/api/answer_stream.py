"""The events of an answer as a response: as they happen, or the last one when all are over.

Belongs here: what the routes that ask share. Not here: routes, the JSON of an event (``schemas.py``).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from fastapi import Request
from sse_starlette import EventSourceResponse

from rag_pipeline.answering.ending import BROKEN_OFF
from rag_pipeline.models import Answered, AnswerEvent, Failed, Refused
from ui.api.schemas import event_json, event_name

End = Answered | Refused | Failed
GRACE_SECONDS = 1.5
"""An answer that is nearly there when the app is stopped may end; the app itself stops within two seconds (``web/app.py``)."""


def event_stream(frames: AsyncIterator[str | dict[str, str]], grace_seconds: float = GRACE_SECONDS) -> EventSourceResponse:
    """Frames (fields of one, or its data alone) as server-sent events, with a comment every 15 s that keeps idle connections open.

    The reader who goes away cancels this, and with it what is behind the frames; the app that stops does after ``grace_seconds``.
    """
    return EventSourceResponse(frames, sep="\n", shutdown_grace_period=grace_seconds)


async def frames_of(events: AsyncGenerator[AnswerEvent, None]) -> AsyncIterator[str | dict[str, str]]:
    """An answer's events for :func:`event_stream`."""
    async with aclosing(events):
        async for event in events:
            yield {"event": event_name(event), "data": as_json(event_json(event))}


def as_json(value: object) -> str:
    """JSON on one line. A file name's bytes that are no text are written as JSON's own escapes; no encoder would take them."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


async def end_of(events: AsyncGenerator[AnswerEvent, None]) -> End:
    """The last event of a stream."""
    last: AnswerEvent | None = None
    async with aclosing(events):
        async for event in events:
            last = event
    if isinstance(last, Answered | Refused | Failed):
        return last
    return Failed(BROKEN_OFF, "internal")


async def while_connected(request: Request, answer: Coroutine[Any, Any, End]) -> End:
    """Await an answer, but cancel it when nobody waits for it any more."""
    working = asyncio.create_task(answer)
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        return Failed("The reader went away.", "disconnected")
    finally:
        for task in (working, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""Every stream of events ends: with an answer, a refusal or a failure, whatever is raised on its way.

Belongs here: that promise, and the words for what nobody expected. Not here: failures that someone did expect (each part has its own).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rag_pipeline.errors import RagError
from rag_pipeline.models import Answered, AnswerEvent, Failed, Refused

UNEXPECTED = "Something unexpected happened. The app's log says what; please report it."
BROKEN_OFF = "The answer ended before it was finished. Ask again."

log = logging.getLogger(__name__)


async def ended(events: AsyncGenerator[AnswerEvent, None]) -> AsyncGenerator[AnswerEvent, None]:
    """The events up to the first end; where none comes, or something is raised, the end is :class:`Failed`.

    Closing it, or cancelling who reads it, closes ``events`` and adds none.
    """
    try:
        async with aclosing(events):
            async for event in events:
                yield event
                if isinstance(event, Answered | Refused | Failed):
                    return
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the boundary of answering: a reader must not wait for ever, or be shown half an answer
        reading = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and reading and reading.cancelling():
            raise
        yield failure(error)  # a panic of a library in Rust too, and something within that was cancelled, which is no Exception
    else:
        yield Failed(BROKEN_OFF, "internal")


def failure(error: BaseException) -> Failed:
    """What was raised, as an end: a :class:`RagError` in its own words; anything else is written to the log, with where it happened."""
    if isinstance(error, RagError):
        return Failed(str(error), str(getattr(error, "code", "failed")))
    log.error("An answer failed", exc_info=error)
    return Failed(UNEXPECTED, "internal")

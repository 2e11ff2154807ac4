"""An answer that pages are being given, and how they end it.

Belongs here: passing events on until no page wants more. Not here: where events come from, what is drawn of them.

Gradio's own way to cancel an answer is a request that nothing waits for: what was drawn of the answer can arrive after the page was
emptied, and a question asked meanwhile is dropped without a word. So an answer is only told to end, and draws the last picture itself.
A page that is loaded again is another one to Gradio, so an answer that nobody reads goes on for a while, and a page may join it late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from rag_pipeline.models import AnswerEvent

RETURN_SECONDS = 15.0
"""A page that is loaded again asks for its answer within a second or two; on a slow machine under load it may take ten."""


class AnswerUnderWay:
    """The events of one answer, until they are over or a page ends them. Used in the event loop that made it.

    Attributes:
        ended_early: whether a page ended it, or all have been gone for :data:`RETURN_SECONDS`.
    """

    def __init__(self, events: AsyncGenerator[AnswerEvent, None]) -> None:
        self._told: list[AnswerEvent] = []
        self._over, self._news = False, asyncio.Event()
        self._readers = 0
        self._task = asyncio.create_task(self._pass_on(events))
        self.ended_early = False

    @property
    def is_over(self) -> bool:
        """Whether all events are there; a page may still be about to draw the last ones."""
        return self._over

    async def _pass_on(self, events: AsyncGenerator[AnswerEvent, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    self._told.append(event)
                    self._tell()
        finally:
            self._over = True
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @contextmanager
    def read(self) -> Iterator[AsyncGenerator[AnswerEvent, None]]:
        """All events from the first one on, for one page more."""
        self._readers += 1
        try:
            yield self._events()
        finally:
            self._readers -= 1
            if not self._over:
                asyncio.get_running_loop().call_later(RETURN_SECONDS, self._end_if_alone)

    async def _events(self) -> AsyncGenerator[AnswerEvent, None]:
        place = 0
        while place < len(self._told) or not self._over:
            if place == len(self._told):
                await self._news.wait()
            else:
                place += 1
                yield self._told[place - 1]

    def _end_if_alone(self) -> None:
        if not (self._readers or self._over):
            self.end()

    def end(self) -> None:
        """Go no further, also where the next event is long in coming, or where nobody reads them any more."""
        self.ended_early = True
        self._task.cancel()

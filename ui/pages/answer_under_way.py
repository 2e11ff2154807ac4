"""An answer that a page is being given, and how the page ends it.

Belongs here: passing events on until the page wants no more. Not here: where events come from, what is drawn of them.

Gradio's own way to cancel an answer is a request that nothing waits for: what was drawn of the answer can arrive after the page was
emptied, and a question asked meanwhile is dropped without a word. So an answer is only told to end, and draws the last picture itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from rag_pipeline.models import AnswerEvent

Drawing = tuple[Any, ...]
"""What a page shows next: a value for each output of its events."""


class AnswerUnderWay:
    """The events of one answer, until they are over or the page ends them. Used in the event loop that made it.

    Attributes:
        ended_early: whether the page ended it.
        last: what the page shows then; None: the answer as far as it came.
    """

    def __init__(self, events: AsyncGenerator[AnswerEvent, None]) -> None:
        self._arrived: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._pass_on(events))
        self.ended_early = False
        self.last: Drawing | None = None

    async def _pass_on(self, events: AsyncGenerator[AnswerEvent, None]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    self._arrived.put_nowait(event)
        finally:
            self._arrived.put_nowait(None)

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        """The events, once."""
        while (event := await self._arrived.get()) is not None:
            yield event

    def end(self, last: Drawing | None = None) -> None:
        """Go no further, also where the next event is long in coming, or where nobody reads them any more."""
        self.ended_early, self.last = True, last
        self._task.cancel()

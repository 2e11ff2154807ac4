"""How far the work is, for the pages and routes that show it, now and as it changes.

Belongs here: looking at it often enough while someone looks, once for all who do, and what an answer says that has to wait. Not here: what
is found (``rag_pipeline/ingestion/progress``), who may see which collection (``rag_pipeline/access.py``), markup.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from rag_pipeline.access import Access
from rag_pipeline.ingestion.progress.overview import Overview, ProgressReader
from rag_pipeline.models import AnswerEvent, Refused
from rag_pipeline.settings import Settings
from ui.views.progress_words import nothing_yet

AT_WORK_SECONDS = 1.0
"""Between two looks while something goes on and someone watches."""
AT_REST_SECONDS = 3.0
"""Between two looks (see ``ProgressReader.mark``) while nothing does, and someone watches all the same. Without them nobody looks."""


class ProgressFeed:
    """One look for all who ask at about the same time."""

    def __init__(self, settings: Settings) -> None:
        self._reader = ProgressReader(settings)
        self._looking = asyncio.Lock()
        self._found = Overview()
        self._looked_at = 0.0
        self._mark: object = None

    async def current(self, access: Access) -> Overview:
        """How far the collections are that someone may see, a moment old at most.

        Raises:
            RagError: the catalog, or the file of pauses, is damaged.
        """
        async with self._looking:
            if time.monotonic() - self._looked_at > AT_WORK_SECONDS / 2:
                await self._look()
        return self._found.of([one.collection for one in self._found.collections if access.sees(one.collection)])

    async def changes(self, access: Access) -> AsyncGenerator[Overview, None]:
        """It now, and again whenever it has changed.

        Raises:
            RagError: as :meth:`current`.
        """
        before: Overview | None = None
        while True:
            now = await self.current(access)
            if now != before:
                yield now
            before = now
            await asyncio.sleep(AT_WORK_SECONDS if now.is_going_on else AT_REST_SECONDS)

    async def _look(self) -> None:
        mark = await asyncio.to_thread(self._reader.mark)
        if mark != self._mark or self._found.is_going_on:
            self._found = await asyncio.to_thread(self._reader.current)
            self._mark = None if await asyncio.to_thread(self._reader.is_behind) else mark
        self._looked_at = time.monotonic()


async def saying_how_far(
    events: AsyncGenerator[AnswerEvent, None], feed: ProgressFeed, access: Access
) -> AsyncGenerator[AnswerEvent, None]:
    """The events of an answer; one that there is nothing to search for yet says how far the work is, in the language that is spoken."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Refused) and event.nothing_indexed and (words := nothing_yet(await feed.current(access))):
                yield replace(event, reason=words)
            else:
                yield event

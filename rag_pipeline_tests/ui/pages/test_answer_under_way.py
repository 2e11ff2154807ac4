"""An answer that a page is being given ends when the page wants no more of it, or is gone."""

import asyncio
from collections.abc import AsyncGenerator

from rag_pipeline.access import EVERYTHING
from rag_pipeline.models import AnswerEvent, Token
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer
from rag_pipeline_tests.waiting import wait_until
from ui.pages.answer_under_way import AnswerUnderWay
from ui.pages.ask import AskPage
from ui.web.services import build_services


class Told:
    """Events of which the second never comes; ``closed`` once nobody waits for it."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        try:
            yield Token("word")
            await asyncio.Event().wait()
        finally:
            self.closed.set()


async def test_it_ends_while_the_next_event_is_waited_for() -> None:
    told = Told()
    answer = AnswerUnderWay(told.events())
    seen = []
    async for event in answer.events():
        seen.append(event)
        answer.end(("emptied",))
    await asyncio.wait_for(told.closed.wait(), 10)
    assert (seen, answer.ended_early, answer.last) == ([Token("word")], True, ("emptied",))


async def test_a_page_that_is_gone_before_it_was_shown_anything_ends_its_answer(settings: Settings) -> None:
    answerer = ScriptedAnswerer(pause_seconds=600)
    services = build_services(settings, answerer)  # type: ignore[arg-type]
    page = AskPage(services)

    class Request:
        session_hash = "a"

        class request:
            class state:
                access = EVERYTHING

    drawings = page._answer("Who repaired the lamp?", None, [], [], Request)  # type: ignore[arg-type]
    await anext(drawings)
    await asyncio.to_thread(wait_until, lambda: answerer.asked, 30)
    await drawings.aclose()
    assert await asyncio.to_thread(answerer.cancelled.wait, 10)
    assert not page._under_way
    await services.conversations.close()

"""An answer that a page is being given ends when the page wants no more of it, or is gone."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from rag_pipeline.access import EVERYTHING
from rag_pipeline.models import AnswerEvent, Token
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer
from rag_pipeline_tests.waiting import wait_until
from ui.pages import answer_under_way
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
    with answer.read() as events:
        async for event in events:
            seen.append(event)
            answer.end()
    await asyncio.wait_for(told.closed.wait(), 10)
    assert (seen, answer.ended_early) == ([Token("word")], True)


async def test_it_goes_on_while_a_page_is_loaded_again_and_ends_when_none_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_under_way, "RETURN_SECONDS", 0.2)
    told = Told()
    answer = AnswerUnderWay(told.events())
    with answer.read() as events:
        assert await anext(events) == Token("word")
    with answer.read() as again:
        assert await anext(again) == Token("word")
        await asyncio.sleep(0.4)
        assert not told.closed.is_set()
    await asyncio.wait_for(told.closed.wait(), 10)
    assert answer.ended_early


async def test_a_page_that_is_gone_before_it_was_shown_anything_ends_its_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_under_way, "RETURN_SECONDS", 0.2)
    answerer = ScriptedAnswerer(pause_seconds=600)
    services = build_services(settings, answerer)  # type: ignore[arg-type]
    page = AskPage(services)

    class Request:
        session_hash = "a"

        class request:
            class state:
                access = EVERYTHING

    drawings = page._answer("Who repaired the lamp?", None, [], "", Request)  # type: ignore[arg-type]
    await anext(drawings)
    await asyncio.to_thread(wait_until, lambda: answerer.asked, 30)
    await drawings.aclose()
    assert await asyncio.to_thread(answerer.cancelled.wait, 10)
    assert not page._pages
    await asyncio.to_thread(wait_until, lambda: not page._under_way, 10)
    await services.conversations.close()

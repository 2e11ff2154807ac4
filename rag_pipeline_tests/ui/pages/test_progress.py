"""Progress in a real browser: it comes and goes without reloading, can be paused, and a question that had to wait is asked again."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.pauses import carry_on, pause, read_pauses
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import AnswerEvent, Refused
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, serving
from rag_pipeline_tests.waiting import wait_until

SECONDS = 1000


def test_the_bar_comes_and_goes_and_pauses(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "note.txt").write_text("The keeper is called Ansgar.")
    with serving(settings) as address:
        page.goto(address)
        page.get_by_role("tab", name="Documents").click()
        page.wait_for_selector("#progress .progress[data-shown]", state="attached", timeout=30 * SECONDS)
        assert page.locator(".collection-progress").count() == 0
        steps.source_documents.update_documents(Workspace(settings, "default"))
        page.wait_for_selector(".collection-progress", timeout=30 * SECONDS)
        assert "0 of 1 document can be asked about" in page.locator(".collection-progress").inner_text()
        assert "Now default (note.txt)" in page.locator("#progress").inner_text()
        page.locator(".collection-progress button", has_text="Pause").click()
        page.wait_for_selector(".collection-progress button:has-text('Continue')", timeout=30 * SECONDS)
        assert "default" in read_pauses(settings)
        page.locator(".collection-progress button", has_text="Continue").click()
        wait_until(lambda: "default" not in read_pauses(settings))
        page.wait_for_selector(".collection-progress button:has-text('Pause')", timeout=30 * SECONDS)
        ingest()
        page.wait_for_selector(".collection-progress", state="detached", timeout=30 * SECONDS)


def test_a_question_that_came_too_early_is_asked_again_by_itself(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "note.txt").write_text("The keeper of the zoo is called Ansgar. He feeds the zebra each morning.")
    steps.source_documents.update_documents(Workspace(settings, "default"))
    with serving(settings) as address:
        page.goto(address)
        page.wait_for_selector("#progress-line p", timeout=30 * SECONDS)
        assert "0 of 1 document can be asked about" in page.locator("#progress-line").inner_text()
        page.locator("#question textarea").fill("What is the keeper of the zoo called?")
        page.locator("#question textarea").press("Enter")
        page.wait_for_selector(".refusal.waits", timeout=30 * SECONDS)
        assert "1 waits to be read" in page.locator(".refusal").inner_text()
        ingest()
        page.wait_for_selector(".footnote", timeout=60 * SECONDS)
        comes_to(page, ".turn", 2)
        assert "Ansgar" in page.locator(".turn").last.inner_text()
        page.wait_for_timeout(4 * SECONDS)
        assert page.locator(".turn").count() == 2


class NeverIndexed(ScriptedAnswerer):
    """Finds nothing to search, whatever the index has."""

    async def _events(self, question: str) -> AsyncGenerator[AnswerEvent, None]:
        yield Refused("Nothing can be searched yet.", (), question, {}, nothing_indexed=True)


def test_a_question_that_was_asked_again_is_not_asked_once_more(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "note.txt").write_text("The keeper of the zoo is called Ansgar.")
    answerer = NeverIndexed()
    with serving(settings, answerer) as address:
        page.goto(address)
        page.locator("#question textarea").fill("Who is it?")
        page.locator("#question textarea").press("Enter")
        page.wait_for_selector(".refusal.waits", timeout=30 * SECONDS)
        ingest()
        wait_until(lambda: page.wait_for_timeout(100) or len(answerer.asked) == 2)
        page.wait_for_function("document.querySelectorAll('.refusal.waits').length === 2")
        pause(settings, ["default"])  # the pages are told of it
        page.wait_for_timeout(5 * SECONDS)
        assert len(answerer.asked) == 2
        page.locator("#question textarea").fill("Who is it now?")
        page.locator("#question textarea").press("Enter")
        page.wait_for_function("document.querySelectorAll('.refusal.waits').length === 3")
        carry_on(settings, [])
        wait_until(lambda: page.wait_for_timeout(100) or len(answerer.asked) == 4)


def test_nobody_who_looks_away_is_sent_anything(page: Any, settings: Settings) -> None:
    with serving(settings) as address:
        page.goto(address)
        page.wait_for_selector("[data-progress][data-shown]", state="attached", timeout=30 * SECONDS)
        page.evaluate(
            "window.opened = 0; const old = window.WebSocket;"
            "window.WebSocket = function (...all) { window.opened += 1; return window.last = new old(...all); };"
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true, writable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        assert page.evaluate("window.opened") == 0
        page.evaluate("Object.defineProperty(document, 'hidden', { value: false }); document.dispatchEvent(new Event('visibilitychange'))")
        assert page.evaluate("window.opened") == 1

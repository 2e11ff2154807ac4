"""The main ways through the app in Firefox; all else is tested in Chromium, which starts in a fifth of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.programs import FIREFOX, firefox_program, require
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, live_in_windows, serving, tab_to
from rag_pipeline_tests.ui.documents import make_pdf
from rag_pipeline_tests.ui.firefox import running

SECONDS = 1000
FOCUS = "getComputedStyle(document.activeElement).outline"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """In Chromium's place, so that ``page`` is one of Firefox."""
    require(FIREFOX)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, running(playwright, str(firefox_program()), tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


@pytest.fixture(autouse=True)
def console(page: Any) -> Iterator[list[str]]:
    """What it complains of; at the end of a test nothing."""
    said: list[str] = []
    page.on("console", lambda message: message.type in ("error", "warning") and said.append(message.text))
    yield said
    assert said == []


def test_a_file_is_uploaded_asked_about_and_its_page_opened_by_keyboard(
    page: Any, settings: Settings, ingest: Callable[..., object], tmp_path: Path
) -> None:
    """Nothing scripted."""
    sent = tmp_path / "bikes.pdf"
    sent.write_bytes(make_pdf(["Bicycles", "A new chain for your bicycle costs twelve euros.", "Ask Tobias."]))
    with serving(settings) as address:
        page.goto(address)
        page.get_by_role("tab", name="Documents").click()
        page.set_input_files("#documents .upload input[name=files]", sent)
        page.get_by_text("bikes.pdf is in collection default").wait_for()
        ingest()
        page.get_by_text("bikes.pdf is in collection default, and answers.").wait_for(timeout=30 * SECONDS)
        comes_to(page, "table.documents tbody tr", 1)

        page.get_by_role("tab", name="Ask").click()
        question = page.locator("#question textarea")
        assert question.evaluate("box => box.clientHeight >= box.scrollHeight")  # its line is whole
        question.focus()
        page.keyboard.type("What does a new chain for a bicycle cost?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".turn .actions", timeout=60 * SECONDS)
        assert "twelve euros" in page.inner_text(".turn .answer")
        tab_to(page, "a.cite", "Shift+Tab")
        assert "solid 2px" in page.evaluate(FOCUS)  # and not the browser's own, in the colour of the text
        assert "bikes.pdf" in page.locator("#peek").inner_text()
        page.keyboard.press("Enter")
        page.wait_for_selector(".reading #reader .close:focus")
        page.wait_for_function("frames[0].document.querySelector('img')?.naturalWidth > 500", timeout=30 * SECONDS)
        assert "twelve euros" in "".join(page.frame_locator("#reader iframe").locator("mark.quoted").all_text_contents())
        page.keyboard.press("Escape")
        page.wait_for_selector("a.cite:focus")
        page.keyboard.press("/")
        page.wait_for_selector("#question textarea:focus")


def test_an_answer_streams_and_stops_and_what_is_typed_outlives_the_page(page: Any, settings: Settings, console: list[str]) -> None:
    answerer = ScriptedAnswerer(pieces=[f"word{number} " for number in range(400)], pause_seconds=0.05)
    with serving(settings, answerer) as address:
        page.set_viewport_size({"width": 390, "height": 600})
        page.goto(address)
        page.locator("#question textarea").fill("Tell me")
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('.turn.live .answer')?.innerText.includes('word9 ')", timeout=30 * SECONDS)
        page.locator("#question textarea").fill("And now")
        page.reload()
        console.clear()  # Gradio tells, in any browser, of the answer that the page before was reading
        page.wait_for_function("document.querySelector('.turn.live .answer')?.innerText.includes('word30 ')", timeout=30 * SECONDS)
        assert page.input_value("#question textarea") == "And now"
        page.keyboard.press("Escape")
        page.get_by_text("Stopped.").wait_for()
        assert answerer.cancelled.wait(30)
        page.get_by_label("Dislike", exact=True).click()
        page.wait_for_selector(".why button:focus")
        tab_to(page, ".why button:last-child")


def test_windows_do_not_wait_for_each_other(page: Any, settings: Settings) -> None:
    live_in_windows(page, settings)

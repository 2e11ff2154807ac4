"""The Pipeline tab in a real browser: it shows what runs, rolls back after a question, says that Dagster is down, and rests unseen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag_pipeline.ingestion.pauses import read_pauses
from rag_pipeline.ingestion.progress import READING, report
from rag_pipeline.ingestion.progress.live import recording
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import is_rolled_back, open_index
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, free_port, serving
from rag_pipeline_tests.ui.graphql import answering_as_dagster, run_of
from rag_pipeline_tests.waiting import wait_until

SECONDS = 1000


def open_tab(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Pipeline").click()
    page.wait_for_selector("#pipeline .standing", timeout=30 * SECONDS)
    assert [one.inner_text() for one in page.get_by_role("tab").all()] == ["Ask", "Documents", "Quality", "Pipeline"]


def take(page: Any, folder: Path | None, name: str) -> None:
    if folder:
        page.wait_for_timeout(500)
        page.screenshot(path=folder / f"{name}.png", full_page=True)


def test_what_runs_is_shown_and_a_roll_back_asks_first(
    page: Any, settings: Settings, ingest: Callable[..., object], screenshots: Path | None
) -> None:
    for name in ("a.txt", "b.txt"):
        (settings.uploads / name).write_text(f"All about {name}.")
        ingest()
    index = open_index(settings)
    with answering_as_dagster([run_of("1c9c5b5e-0a6e", "default", "FAILURE")]) as webserver:
        linked = settings.model_copy(update={"dagster_port": webserver.port})
        with serving(linked, ScriptedAnswerer()) as address:
            open_tab(page, address)
            with recording(settings, "default", ["text"]):
                report(READING, 0, 2, ("a.txt",), 0.0)
                page.get_by_text("Now: text lane, reading: a.txt").wait_for(timeout=30 * SECONDS)
                take(page, screenshots, "pipeline")
            row = page.locator(".runs tbody tr")
            assert "failed" in row.inner_text()
            assert row.get_by_role("link").get_attribute("href") == f"http://127.0.0.1:{webserver.port}/runs/1c9c5b5e-0a6e"
            page.get_by_text("Now: text lane").wait_for(state="detached", timeout=30 * SECONDS)

            page.get_by_role("button", name="Roll back").click()
            page.get_by_role("dialog").get_by_role("button", name="Leave it as it is").click()
            assert not is_rolled_back(*index.kept()["default"])
            page.get_by_role("button", name="Roll back").focus()
            page.keyboard.press("Enter")
            assert "from the version of" in page.get_by_role("dialog").inner_text()
            page.get_by_role("dialog").get_by_role("button", name="Roll back").press("Enter")
            page.get_by_role("button", name="Go forth again").wait_for(timeout=30 * SECONDS)
            assert is_rolled_back(*index.kept()["default"])
            page.get_by_role("button", name="Index now").click()
            wait_until(lambda: page.wait_for_timeout(50) or webserver.launched)
            page.get_by_role("button", name="Pause").click()
            page.get_by_role("button", name="Continue").wait_for(timeout=30 * SECONDS)
            assert "default" in read_pauses(settings)


def test_without_dagster_the_tab_says_so_and_asking_goes_on(
    page: Any, settings: Settings, ingest: Callable[..., object], screenshots: Path | None
) -> None:
    (settings.uploads / "a.txt").write_text("All about lamps.")
    ingest()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/pipeline/" in request.url and "/ui/" not in request.url else None)
    with serving(settings.model_copy(update={"dagster_port": free_port()}), ScriptedAnswerer()) as address:
        page.goto(address)
        page.get_by_role("tab", name="Ask").wait_for()
        page.wait_for_timeout(500)
        assert asked == []  # nobody has looked at it yet
        open_tab(page, address)
        page.get_by_text("Dagster does not answer", exact=True).wait_for(timeout=30 * SECONDS)
        page.get_by_text("Settings in force").click()
        page.locator(".settings code", has_text="RAG_TOP_K").wait_for(timeout=30 * SECONDS)
        page.locator("figure", has_text="Documents").first.locator("summary").click()
        assert page.locator("figure table").first.is_visible()
        for width, scheme in ((1280, "dark"), (360, "light")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            take(page, screenshots, f"pipeline-{width}-{scheme}")
        page.get_by_role("tab", name="Ask").click()
        page.wait_for_timeout(500)
        asked.clear()
        page.locator("#question textarea").fill("What about lamps?")
        page.locator("#question textarea").press("Enter")
        page.wait_for_selector(".footnote", timeout=30 * SECONDS)
        page.wait_for_timeout(4 * SECONDS)
        assert asked == []  # and nobody looks any more

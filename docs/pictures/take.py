"""The README's pictures, taken from a `rag up` of its own with the example documents: whoever changes the app runs this.

    PYTHONPATH=bench python docs/pictures/take.py

Needs an installed Chromium, as the tests of the app do.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from at_rest import Running, running
from playwright.sync_api import Page, sync_playwright

from rag_pipeline.ingestion.folder.example_documents import QUESTIONS, add_examples
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.settings import load_settings

PICTURES = Path(__file__).parent
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
SIZE = (1280, 800)
GROUP = "/locations/__repository__@rag_pipeline.definitions/asset-groups/ingestion/lineage"
WAIT_MILLISECONDS = 120_000
DRAWN_MILLISECONDS = 1500
"""What is drawn with an animation is still by then."""


def take(page: Page, name: str) -> None:
    """The picture of what is shown."""
    page.wait_for_timeout(DRAWN_MILLISECONDS)
    page.screenshot(path=PICTURES / f"{name}.png")


def of_the_app(page: Page, up: Running) -> None:
    """An answer with its source beside it, and the pipeline."""
    page.goto(f"http://127.0.0.1:{up.port}")
    page.locator("#question textarea").fill(QUESTIONS[0])
    page.locator("#question textarea").press("Enter")
    page.locator(".turn .actions").wait_for()
    page.locator("a.cite").first.click()
    page.frame_locator("#reader iframe").locator("img").first.wait_for()
    page.evaluate("scrollTo(0, 0)")
    take(page, "app")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Pipeline").click()
    page.locator("#pipeline section").first.wait_for()
    take(page, "pipeline")


def of_dagster(page: Page, up: Running) -> None:
    """The assets."""
    page.goto(f"http://127.0.0.1:{up.dagster_port}{GROUP}")
    page.set_viewport_size({"width": 1500, "height": 560})
    page.get_by_text("vector_index").first.wait_for()
    take(page, "assets")


def main() -> None:
    """Take all of them."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        sys.exit(f"Install one of {', '.join(BROWSERS)} first.")
    with running() as up, sync_playwright() as playwright:
        up.wait_until_ready()
        add_examples(watched_folder(load_settings().model_copy(update={"data_dir": up.data, "uploads_dir": None})))
        up.wait_until_indexed()
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu", "--headless=new"])
        page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
        page.set_default_timeout(WAIT_MILLISECONDS)
        of_the_app(page, up)
        of_dagster(page, up)


if __name__ == "__main__":
    main()

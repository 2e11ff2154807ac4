"""Every view by axe-core's rules for WCAG 2.2 AA, by keyboard alone, without motion, and on screens from 320 to 2,560 px."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.made_model import put_into
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, narrow_down, serving, tab_to, violations
from rag_pipeline_tests.ui.documents import make_pdf

SECONDS = 1000
NARROWEST, WIDEST = 320, 2560
QUESTION = "What does a new chain for a bicycle cost?"
TOKENS = "reader:read:a-token-that-may-read"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, packaged_model: Path) -> Iterator[str]:
    """Documents of several kinds, one of which failed; really indexed and really asked."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("accessible") / "data", settle_seconds=0)
    settings.uploads.mkdir(parents=True)
    put_into(settings.data, packaged_model)
    (settings.uploads / "bikes.pdf").write_bytes(make_pdf(["Bicycles", "A new chain for your bicycle costs twelve euros.", "Ask Tobias."]))
    (settings.uploads / "prices.csv").write_text("Tool,Day,Weekend\nDrill,5,9\nSewing machine,6,10\n")
    (settings.uploads / "broken.pdf").write_bytes(b"%PDF-1.4 rubbish")
    (settings.uploads / "contracts").mkdir()
    (settings.uploads / "contracts" / "lease.txt").write_text("The lease of the workshop ends in May.")
    for collection in ("default", "contracts"):
        run_steps(settings, collection)
    with serving(settings) as address:
        for tags, name in ((["Urgent", "A tag that is as long as any tag may be and has sixty-four signs"], "i"), (["tax"], "prices")):
            asked = {"action": "tag", "tags": tags, "filter": {"name": name}}
            httpx.post(f"{address}/api/v1/documents/batch", json=asked).raise_for_status()
        yield address


def check(page: Any, view: str, farthest: int) -> None:
    """No rule is broken, and nothing runs over the edge of a screen of the farthest width."""
    assert violations(page) == [], view
    size = page.viewport_size
    page.set_viewport_size({"width": farthest, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= farthest, (view, farthest)
    page.set_viewport_size(size)


@pytest.mark.parametrize(("scheme", "width", "farthest"), [("light", 1280, WIDEST), ("dark", 360, NARROWEST)])
def test_every_view_keeps_the_rules(page: Any, address: str, scheme: str, width: int, farthest: int, screenshots: Path | None) -> None:
    def looks(view: str) -> None:
        if screenshots:
            page.wait_for_timeout(400)
            page.screenshot(path=screenshots / f"view-{view}-{scheme}-{width}.png", full_page=True)
        check(page, view, farthest)

    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(address)
    page.locator(".greeting h1", has_text="Ask 3 documents anything").wait_for(timeout=30 * SECONDS)
    narrow_down(page, "default", types="pdf csv")
    looks("first")
    page.locator("#question textarea").fill(QUESTION)
    page.locator("#question textarea").press("Enter")
    page.wait_for_selector(".turn .actions", timeout=60 * SECONDS)
    page.get_by_text("How this was found").click()
    page.wait_for_selector(".trace table")
    page.get_by_label("Dislike", exact=True).click()
    page.wait_for_selector(".why")
    looks("answer")
    page.locator("#scope .narrow").click()
    looks("narrow")
    page.keyboard.press("Escape")
    page.locator(".for-conversations").click()
    page.wait_for_selector("#conversations li")
    page.locator("a.cite").first.evaluate("link => link.click()")  # which the panel covers on a phone
    page.frame_locator("#reader iframe").locator("h1").wait_for()
    looks("beside")
    printed = page.locator("#conversations a[href$='/print']").first.get_attribute("href")
    passage = page.locator("#reader nav a").get_attribute("href")
    page.keyboard.press("Escape")
    page.locator("#conversations .close").click()
    page.get_by_role("tab", name="Documents").click()
    page.wait_for_selector("table.documents .reason")
    looks("documents")
    page.get_by_label("All on this page").check()
    page.get_by_text("Tag…").click()
    page.get_by_label("Tags, a comma between them").fill("Urgent")
    looks("tagging")
    page.get_by_role("button", name="Clear selection").click()
    document = page.locator("table.documents .name a", has_text="bikes.pdf").first.get_attribute("href")
    page.get_by_role("tab", name="Quality").click()
    page.wait_for_selector("#quality .questions textarea")
    looks("quality")
    page.get_by_role("tab", name="Pipeline").click()
    page.wait_for_selector("#pipeline section", state="visible")
    looks("pipeline")
    page.goto(f"{address}{printed}")
    looks("printed")
    page.goto(f"{address}{document}")
    page.wait_for_function("document.querySelector('img').naturalWidth > 500", timeout=30 * SECONDS)
    looks("document")
    page.goto(passage)
    page.wait_for_function("document.querySelector('img').naturalWidth > 500", timeout=30 * SECONDS)
    page.locator("summary").click()
    looks("passage")


def test_logging_in_keeps_the_rules(page: Any, settings: Settings) -> None:
    with serving(settings.model_copy(update={"api_tokens": Settings(api_tokens=TOKENS).api_tokens}), ScriptedAnswerer()) as address:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{address}/login")
            page.fill("#token", "wrong")
            page.keyboard.press("Enter")
            page.wait_for_selector(".wrong")
            check(page, "login", NARROWEST)


def test_all_of_it_works_by_keyboard(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "lamps.txt").write_text("The lamp is repaired.")
    ingest()
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        page.wait_for_function("document.activeElement.matches('#question textarea')", timeout=30 * SECONDS)
        page.keyboard.type("Who repaired the lamp?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".turn .actions")
        tab_to(page, "a.cite")
        page.keyboard.press("Enter")
        page.wait_for_selector(".reading #reader .close:focus")
        page.keyboard.press("Escape")
        page.wait_for_selector("a.cite:focus")
        for control in (".copy-plain", ".edit", ".delete", "details.found summary", "[aria-label='Like']", "[aria-label='Dislike']"):
            tab_to(page, control)
        tab_to(page, "#scope .narrow")
        page.keyboard.press("Enter")
        tab_to(page, "#narrow [name=types]")
        page.keyboard.type("txt")
        page.keyboard.press("Enter")
        comes_to(page, "#scope .chips li", 1)
        tab_to(page, "#scope .chips button")
        page.keyboard.press("Enter")
        comes_to(page, "#scope .chips li", 0)
        tab_to(page, "button.for-keys")
        page.keyboard.press("Enter")
        page.wait_for_selector("#keys[open]")
        page.keyboard.press("Escape")
        tab_to(page, ".for-conversations")
        tab_to(page, "#tabs [role=tab]:not([aria-selected=true])")
        page.keyboard.press("Enter")
        page.wait_for_selector("table.documents")
        for control in (".upload input[type=file]", ".upload input[name=collection]", ".filters [name=name]"):
            tab_to(page, control)
        page.keyboard.type("nothing of that name")
        page.get_by_text("No document matches.").wait_for()


def test_who_wants_no_motion_sees_none(page: Any, settings: Settings) -> None:
    page.emulate_media(reduced_motion="reduce")
    with serving(settings, ScriptedAnswerer(pieces=["word "] * 400, pause_seconds=0.05)) as address:
        page.goto(address)
        page.locator("#question textarea").fill("Tell me")
        page.locator("#question textarea").press("Enter")
        page.wait_for_selector(".turn.live .answer")
        moving = "document.getAnimations().filter((one) => one.playState === 'running').map((one) => one.effect.target?.className)"
        assert page.evaluate(moving) == []
        page.emulate_media(reduced_motion="no-preference")
        page.wait_for_function(f"{moving}.length > 0")
        page.locator("#question button.stop-button").click()

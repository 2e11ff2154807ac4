"""What one does with answers on the Ask tab, in a real browser."""

from typing import Any

import pytest

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, make_hit, serving

HOSTILE = "<img src=http://example.com/d.png onerror=alert(1)> ![x](http://example.com/b.png) \u202e[go](http://example.com) <script>"


@pytest.fixture
def answerer() -> ScriptedAnswerer:
    return ScriptedAnswerer(
        [make_hit(text=HOSTILE, document=f"{HOSTILE[:60]}.md", page_first=3), make_hit(chunk_id="c2")], ("Said *so* [1].",)
    )


def ask(page: Any, question: str, answers: int) -> None:
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")
    comes_to(page, ".turn .actions", answers)


def questions(page: Any) -> list[str]:
    return [text.strip() for text in page.locator("#chat .question").all_inner_texts()]


def copied(page: Any, button: str) -> str:
    page.locator(button).last.click()
    page.get_by_text("Copied", exact=True).wait_for()
    page.get_by_label("Dismiss").click()
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_an_answer_is_copied_asked_for_again_and_deleted_and_its_question_edited(
    page: Any, settings: Settings, answerer: ScriptedAnswerer
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "First", 1)
        ask(page, HOSTILE, 2)
        assert copied(page, ".copy-plain") == "Said *so*."
        with_sources = copied(page, ".copy-markdown")
        assert with_sources.startswith("Said \\*so\\* [1].\n\n[1] [\\<img src=http://example.com/d.png")
        assert f", page 3]({address}/passages/default/c1)" in with_sources

        page.get_by_label("Retry").click()
        page.locator("#said .undo").click()
        comes_to(page, ".turn .actions", 3)
        assert questions(page) == ["First", HOSTILE, HOSTILE]
        assert [message.content for message in answerer.asked[-1][1]][::2] == ["First"]

        page.locator(".actions .edit").last.click()
        assert page.input_value("#question textarea") == HOSTILE
        page.locator("#question textarea").fill("Second")
        page.locator("#question textarea").press("Enter")
        page.locator("#chat .question", has_text="Second").wait_for()
        comes_to(page, ".turn .actions", 3)
        assert questions(page) == ["First", HOSTILE, "Second"]

        page.locator(".actions .delete").nth(1).click()
        comes_to(page, ".turn .actions", 2)
        assert questions(page) == ["First", "Second"]
        page.locator("#said .undo").click()
        comes_to(page, ".turn .actions", 3)
        ask(page, "Third", 4)
    assert [message.content for message in answerer.asked[-1][1]][::2] == ["First", HOSTILE, "Second"]


def test_how_an_answer_was_found_is_one_click_away_and_it_is_asked_again_with_more(
    page: Any, settings: Settings, answerer: ScriptedAnswerer
) -> None:
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, HOSTILE, 1)
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.get_by_text("How this was found").click()
        page.get_by_role("cell", name="Quoted as 1").wait_for()
        assert page.locator(".trace img, .trace script").count() == 0
        assert [url.rpartition("/")[2] for url in requested] == ["found"]
        page.get_by_label("Passages", exact=True).select_option("16")
        page.get_by_role("button", name="Ask again").click()
        comes_to(page, ".turn .actions", 2)
        assert questions(page) == [HOSTILE, HOSTILE]
        assert page.get_by_role("cell", name="Quoted as 1").is_visible()
    assert answerer.top_k == 16


def test_the_keyboard_is_enough(page: Any, settings: Settings, answerer: ScriptedAnswerer) -> None:
    with serving(settings, answerer) as address:
        page.goto(address)
        box = page.locator("#question textarea")
        box.evaluate("box => box.blur()")
        page.keyboard.press("/")
        page.keyboard.type("First /?")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("line")
        page.keyboard.press("Enter")
        comes_to(page, ".turn .actions", 1)
        assert questions(page) == ["First /?\nline"]

        box.press("ArrowUp")
        assert box.input_value() == "First /?\nline"
        page.keyboard.press("Escape")
        assert (box.input_value(), page.locator("#editing").count()) == ("", 0)

        answerer.pieces, answerer.pause_seconds = ["word "] * 1000, 0.05
        box.fill("Second")
        box.press("Enter")
        page.wait_for_selector(".turn.live .answer")
        page.keyboard.press("Escape")
        page.get_by_text("Stopped.").wait_for()
        comes_to(page, ".turn .actions", 2)

        page.get_by_role("tab", name="Ask").press("?")
        page.get_by_label("Single keys").uncheck()
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="Ask").press("?")
        assert not page.locator("#keys").is_visible()

"""What one does with answers on the Ask tab, in a real browser."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from rag_pipeline.answering.scope import DocumentFilter, Scope
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, make_hit, narrow_down, serving

HOSTILE = "<img src=http://example.com/d.png onerror=alert(1)> ![x](http://example.com/b.png) \u202e[go](http://example.com) <script>"


@pytest.fixture
def answerer() -> ScriptedAnswerer:
    return ScriptedAnswerer(
        [make_hit(text=HOSTILE, document=f"{HOSTILE[:60]}.txt", page_first=3), make_hit(chunk_id="c2")], ("Said *so* [1].",)
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
        assert sum(url.endswith("/found") for url in requested) == 1
        page.locator(".ask-again select").select_option("16")
        page.get_by_role("button", name="Ask again").click()
        comes_to(page, ".turn .actions", 2)
        assert questions(page) == [HOSTILE, HOSTILE]
        assert page.get_by_role("cell", name="Quoted as 1").is_visible()
    assert answerer.top_k == 16


def test_a_page_that_is_loaded_again_goes_on_in_its_answer_with_its_scope_and_what_was_typed(
    page: Any, settings: Settings, answerer: ScriptedAnswerer, ingest: Callable[..., object]
) -> None:
    for name in ("bikes", "lamps"):
        (settings.uploads / name).mkdir()
        (settings.uploads / name / "a.txt").write_text(f"All about {name}.")
        ingest(name)
    answerer.pieces, answerer.pause_seconds = [f"word{number} " for number in range(240)], 0.05
    with serving(settings, answerer) as address:
        page.goto(address)
        narrow_down(page, "lamps", types="txt, .PDF", since="2020-01-01", document="a.txt", tag="<b>, öl")
        chips = ["Collection lamps", "Type txt", "Type pdf", "Tag <b>", "Tag öl", "Changed since 2020-01-01", "Document a.txt"]
        assert page.locator("#scope .chips bdi").all_inner_texts() == chips
        page.reload()
        comes_to(page, "#scope .chips li", len(chips))
        page.get_by_role("button", name="Remove: Type pdf").click()
        page.get_by_role("button", name="Remove: Tag öl").click()
        chips = [chip for chip in chips if chip not in ("Type pdf", "Tag öl")]
        page.locator("#question textarea").fill("Tell me")
        page.locator("#question textarea").press("Enter")
        page.wait_for_selector(".turn.live .answer")
        page.wait_for_url("**conversation=*")
        page.locator("#question textarea").fill("And th")
        page.reload()
        page.wait_for_selector(".turn.live .answer")
        assert "word0 word1" in page.inner_text(".turn.live .answer")
        comes_to(page, "#scope .chips li", len(chips))
        assert page.locator("#scope .chips bdi").all_inner_texts() == chips
        assert page.input_value("#question textarea") == "And th"
        comes_to(page, ".turn .actions", 1)
        assert "word239" in page.inner_text(".answer")
        assert page.get_by_text("Stopped.").count() == 0
    ((_, _, scope),) = answerer.asked
    assert scope == Scope(("lamps",), DocumentFilter(("a.txt",), "", ("txt",), datetime(2020, 1, 1), None, ("<b>",)), tagged={})


def test_conversations_are_found_pinned_renamed_and_deleted_with_a_way_back(
    page: Any, settings: Settings, answerer: ScriptedAnswerer
) -> None:
    with serving(settings, answerer) as address:
        page.goto(address)
        for question in (HOSTILE, "About Übergabe"):
            ask(page, question, 1)
            page.get_by_role("button", name="New conversation").first.click()
            comes_to(page, ".turn", 0)
        panel = page.locator("#conversations")
        page.get_by_label("Conversations").first.click()
        comes_to(page, "#conversations li", 2)
        assert page.locator("#conversations img, #conversations script").count() == 0
        panel.get_by_label("Search in conversations").fill("überGABE")
        comes_to(page, "#conversations li", 1)
        panel.get_by_role("link", name="About Übergabe").click()
        page.locator("#chat .question", has_text="About Übergabe").wait_for()
        panel.get_by_label("Search in conversations").fill("")
        comes_to(page, "#conversations li", 2)

        panel.locator("summary").last.click()
        panel.get_by_role("button", name="Pin", exact=True).locator("visible=true").click()
        panel.get_by_role("heading", name="Pinned").wait_for()
        panel.locator("summary").first.click()
        panel.get_by_role("button", name="Rename").locator("visible=true").click()
        panel.get_by_label("Title").fill("<b>The lamp</b>")
        page.keyboard.press("Enter")
        panel.get_by_role("link", name="<b>The lamp</b>").wait_for()
        assert panel.locator("li > a").all_inner_texts() == ["<b>The lamp</b>", "About Übergabe"]

        panel.locator("summary").last.click()
        panel.get_by_role("button", name="Delete").locator("visible=true").click()
        comes_to(page, "#conversations li", 1)
        comes_to(page, ".turn", 0)
        page.locator("#said .undo").click()
        comes_to(page, "#conversations li", 2)
        comes_to(page, ".turn", 1)


def test_a_mark_shows_its_passage_arrows_go_through_the_sources_and_a_thumb_down_says_why(
    page: Any, settings: Settings, answerer: ScriptedAnswerer
) -> None:
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "First", 1)
        page.locator("a.cite").hover()
        assert HOSTILE[:40] in page.locator("#peek").inner_text()
        assert page.locator("#peek img, #peek script").count() == 0
        page.keyboard.press("Escape")
        assert not page.locator("#peek").is_visible()

        page.locator("a.cite").click()
        page.get_by_text("1 of 2").wait_for()
        page.keyboard.press("ArrowRight")
        page.get_by_text("2 of 2").wait_for()
        page.frame_locator("#reader iframe").locator("h1", has_text="rules.txt").click()
        page.keyboard.press("ArrowRight")
        page.get_by_text("1 of 2").wait_for()
        page.keyboard.press("Escape")
        page.wait_for_function("!document.documentElement.classList.contains('reading')")

        page.get_by_label("Dislike", exact=True).click()
        page.get_by_role("button", name="Wrong page").click()
        page.get_by_text("Thank you").wait_for()
        (kept,) = page.request.get(f"{address}/api/v1/conversations").json()["conversations"]
        messages = page.request.get(f"{address}/api/v1/conversations/{kept['conversation_id']}").json()["messages"]
        assert (messages[1]["feedback"], messages[1]["feedback_reason"]) == ("down", "wrong_page")


def test_the_keyboard_is_enough(page: Any, settings: Settings, answerer: ScriptedAnswerer) -> None:
    with serving(settings, answerer) as address:
        page.goto(address)
        box = page.locator("#question textarea")
        box.evaluate("box => box.blur()")
        page.wait_for_function("window.ofAsk")  # a key that is pressed before the page's scripts are there does nothing
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

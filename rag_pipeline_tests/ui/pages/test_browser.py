"""The app as a person uses it, in a real browser. The fixture ``page`` fails a test when anything beyond loopback is requested."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_pipeline.ingestion.folder.disk import DiskFolder
from rag_pipeline.ingestion.folder.example_documents import COLLECTION, FOLLOW_UP, QUESTIONS, add_examples
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ingestion.extract.documents import encrypted_pdf
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, comes_to, free_port, live_in_windows, make_hit, narrow_down, serving
from rag_pipeline_tests.ui.documents import make_pdf
from rag_pipeline_tests.waiting import wait_until

SECONDS = 1000
HOSTILE = (
    "**Bold** [1] <img src=http://example.com/a.png onerror=alert(1)> ![x](http://example.com/b.png) [go](http://example.com)",
    "\n\n<script>document.title='broken'</script>\n\n```\n<b>code</b>\n\nmore [1]\n```\n\n| a | b |\n|---|---|\n| 1 | 2 [1] |\n",
)


def ask(page: Any, question: str) -> None:
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")


def last_turn(page: Any) -> Any:
    return page.locator(".turn").last


def take(page: Any, folder: Path | None, name: str) -> None:
    if folder:
        page.wait_for_timeout(300)
        page.screenshot(path=folder / f"{name}.png")


def test_asking_opening_a_citation_following_up_and_being_refused(
    page: Any, settings: Settings, ingest: Callable[..., object], screenshots: Path | None
) -> None:
    """Nothing scripted: the example documents, really indexed, and the answers that are quoted from them."""
    add_examples(DiskFolder(settings.uploads))
    ingest(COLLECTION)
    with serving(settings) as address:
        page.goto(address)
        page.get_by_role("button", name=QUESTIONS[0]).click()
        page.wait_for_selector(".footnote", timeout=60 * SECONDS)
        source = page.locator("a.source", has_text="Annual report 2025.pdf").first
        assert "page 2" in source.inner_text()
        take(page, screenshots, "answer")

        last_turn(page).locator("a.cite").first.click()
        passage = page.frame_locator("#reader iframe")
        passage.locator("h1", has_text="Annual report 2025.pdf").wait_for()
        assert passage.locator("#page").inner_text() == "Page 2"
        page.wait_for_function("frames[0].document.querySelector('img').naturalWidth > 500", timeout=30 * SECONDS)
        quoted = "".join(passage.locator("mark.quoted").all_text_contents())
        assert 0 < len(quoted) < len("".join(passage.locator("mark").all_text_contents()))
        assert "quoted=" in passage.locator("img").get_attribute("src")
        take(page, screenshots, "passage")
        page.keyboard.press("Escape")

        ask(page, FOLLOW_UP)
        comes_to(page, ".footnote", 2)
        assert "Searched for" in last_turn(page).inner_text()
        assert "In 2024 the Mending Room repaired 726" in last_turn(page).inner_text()

        ask(page, "Which football club won the championship in 1974?")
        page.wait_for_selector(".refusal", timeout=30 * SECONDS)
        assert "Nearest passages" in last_turn(page).inner_text()
        take(page, screenshots, "refusal")

        page.get_by_role("button", name="New conversation").click()
        page.get_by_role("button", name=QUESTIONS[1]).wait_for()
        page.wait_for_function("document.querySelectorAll('.turn').length === 0", timeout=30 * SECONDS)


def test_a_citation_opens_in_a_tab_of_its_own_too(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "bikes.pdf").write_bytes(make_pdf(["Bicycles", "A new chain for your bicycle costs twelve euros.", "Ask Tobias."]))
    ingest()
    with serving(settings) as address:
        page.goto(address)
        ask(page, "What does a new chain for a bicycle cost?")
        page.wait_for_selector("a.cite", timeout=60 * SECONDS)
        with page.context.expect_page() as opened:
            page.locator("a.cite").first.click(modifiers=["Control"])
        opened.value.wait_for_selector("h1")
        assert "bikes.pdf" in opened.value.inner_text("h1")
        assert "Page 1" in opened.value.inner_text(".facts")


def test_the_answer_streams_and_can_be_stopped(page: Any, settings: Settings) -> None:
    answerer = ScriptedAnswerer(pieces=[f"word{number} " for number in range(400)], pause_seconds=0.05)
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "Tell me")
        page.wait_for_selector(".turn.live .answer")
        early = page.inner_text(".answer")
        page.wait_for_function("length => document.querySelector('.answer').innerText.length > length + 50", arg=len(early))
        page.locator("#question button.stop-button").click()
        page.get_by_text("Stopped.").wait_for()
        assert answerer.cancelled.wait(30)
        assert "word1 " in page.inner_text(".answer")
        answerer.pieces, answerer.pause_seconds = ("All good [1].",), 0
        ask(page, "And now?")
        page.wait_for_selector(".footnote")
        comes_to(page, ".turn", 2)


def test_a_question_right_after_stop_is_answered(page: Any, settings: Settings) -> None:
    answerer = ScriptedAnswerer(pieces=["word "] * 1000, pause_seconds=0.05)
    with serving(settings, answerer) as address:
        page.goto(address)
        for number in range(1, 4):
            answerer.pieces, answerer.pause_seconds = ["word "] * 1000, 0.05
            ask(page, "Tell me")
            page.wait_for_selector(".turn.live .answer")
            page.locator("#question button.stop-button").click()
            answerer.pieces, answerer.pause_seconds = ("All good [1].",), 0
            ask(page, "And now?")
            comes_to(page, ".footnote", number)
            comes_to(page, ".turn.live", 0)
            comes_to(page, ".turn", 2 * number)
        assert page.get_by_text("Stopped.").count() == 3


def test_an_answer_that_has_not_begun_can_be_stopped(page: Any, settings: Settings) -> None:
    answerer = ScriptedAnswerer(pause_seconds=600)
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "Tell me")
        wait_until(lambda: answerer.asked, 30)
        page.locator("#question button.stop-button").click()
        page.get_by_text("Stopped.").wait_for()
        assert answerer.cancelled.wait(30)


def test_a_new_conversation_stays_empty_whatever_was_under_way(page: Any, settings: Settings) -> None:
    answerer = ScriptedAnswerer(pieces=["word "] * 1000, pause_seconds=0.05)
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "Tell me")
        page.wait_for_selector(".turn.live .answer")
        page.get_by_role("button", name="New conversation").click()
        comes_to(page, ".turn", 0)
        assert answerer.cancelled.wait(30)
        page.wait_for_timeout(500)
        assert page.locator(".turn").count() == 0
        answerer.pieces, answerer.pause_seconds = ("All good [1].",), 0
        ask(page, "And now?")
        page.wait_for_selector(".footnote")
        comes_to(page, ".turn", 1)
    assert not answerer.asked[-1][1]


def test_a_new_conversation_as_soon_as_an_answer_is_over(page: Any, settings: Settings) -> None:
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        for _ in range(5):
            page.evaluate(CLICK_AT_REFUSAL)
            ask(page, "refuse this")
            page.wait_for_function("window.clicked && !document.querySelector('.turn')")
            page.wait_for_timeout(300)
            assert page.locator(".turn").count() == 0


CLICK_AT_REFUSAL = """() => {
  window.clicked = false;
  const observer = new MutationObserver(() => {
    if (!document.querySelector('.refusal')) return;
    observer.disconnect();
    document.querySelector('#anew').click();
    window.clicked = true;
  });
  observer.observe(document.body, { subtree: true, childList: true });
}"""


def test_a_question_while_an_answer_streams_is_asked_after_it(page: Any, settings: Settings) -> None:
    answerer = ScriptedAnswerer(pieces=["word "] * 40, pause_seconds=0.05)
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "Tell me")
        page.wait_for_selector(".turn.live .answer")
        answerer.pieces = ("All good [1].",)
        ask(page, "And now?")
        assert page.input_value("#question textarea") == "And now?"
        comes_to(page, ".footnote", 2)
        assert page.input_value("#question textarea") == ""
    assert [question for question, *_ in answerer.asked] == ["Tell me", "And now?"]


def test_windows_of_one_browser_do_not_wait_for_each_other(page: Any, settings: Settings) -> None:
    live_in_windows(page, settings)


NAME = """() => {
    const name = document.querySelector(".masthead .name"), box = name.getBoundingClientRect(), words = document.createRange();
    words.selectNodeContents(name);
    const { top, right, width } = words.getBoundingClientRect();
    const tabs = document.querySelector("#tabs button[role=tab]").getBoundingClientRect();
    if (top >= box.bottom || !width) return "hidden";
    return right <= box.right + 1 && right < tabs.left ? "whole" : `cut: ${right} of ${box.right}, tabs from ${tabs.left}`;
}"""


@pytest.mark.parametrize("spoken", ["en", "de"])
def test_the_name_is_whole_or_not_there(browser: Any, settings: Settings, spoken: str) -> None:
    with serving(settings, ScriptedAnswerer()) as address:
        page = browser.new_context(locale=spoken).new_page()
        page.goto(address)
        page.wait_for_selector("#tabs button[role=tab]")
        shown = {}
        for width in (320, 390, 450, 560, 640, 700, 1280):
            page.set_viewport_size({"width": width, "height": 600})
            page.wait_for_timeout(100)
            shown[width] = page.evaluate(NAME)
        page.context.close()
    assert {width: how for width, how in shown.items() if how not in ("whole", "hidden")} == {}
    assert (shown[320], shown[390], shown[640], shown[1280]) == ("hidden", "hidden", "whole", "whole")


def test_a_closed_page_stops_its_answer(page: Any, settings: Settings) -> None:
    answerer = ScriptedAnswerer(pieces=["word "] * 1000, pause_seconds=0.05)
    with serving(settings, answerer) as address:
        page.goto(address)
        ask(page, "Tell me")
        page.wait_for_selector(".turn.live .answer")
        page.goto("about:blank")
        assert answerer.cancelled.wait(30)


def test_follow_up_questions_carry_the_conversation_and_the_choice_of_collections(page: Any, settings: Settings, ingest: Any) -> None:
    for name in ("bikes", "lamps"):
        (settings.uploads / name).mkdir()
        (settings.uploads / name / "a.txt").write_text(f"All about {name}.")
        ingest(name)
    answerer = ScriptedAnswerer()
    with serving(settings, answerer) as address:
        page.goto(address)
        narrow_down(page, collection="lamps")
        ask(page, "First")
        page.wait_for_selector(".footnote")
        ask(page, "Please reformulate")
        comes_to(page, ".footnote", 2)
        assert "the lamp, in full" in last_turn(page).inner_text()
    (_, _, scope), (_, history, _) = answerer.asked
    assert scope.collections == ("lamps",)
    assert [message.content for message in history] == ["First", "A fine answer [1]."]


def test_failures_are_words_and_the_conversation_goes_on(page: Any, settings: Settings, screenshots: Path | None) -> None:
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        ask(page, "fail please")
        page.wait_for_selector(".failure")
        assert "The language model hung up." in page.inner_text(".failure")
        assert "A fine answer" in page.inner_text(".answer")
        ask(page, "explode please")
        page.wait_for_function("document.querySelectorAll('.failure').length === 2")
        assert "secret" not in last_turn(page).inner_text()
        take(page, screenshots, "failure")
        ask(page, "And now?")
        page.wait_for_selector(".footnote")


def test_a_provider_that_cannot_be_reached_is_explained(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "lamp.txt").write_text("The lamp in the hall was repaired by Ada in March.")
    ingest()
    broken = settings.model_copy(update={"chat_model": "some-model", "openai_base_url": f"http://127.0.0.1:{free_port()}/v1"})
    with serving(broken) as address:
        page.goto(address)
        assert "some-model" in page.locator("#answers-by").inner_text()
        ask(page, "Who repaired the lamp?")
        page.wait_for_selector(".failure", timeout=60 * SECONDS)
        assert "OPENAI_BASE_URL" in page.inner_text(".failure")


def test_what_a_model_writes_is_shown_and_never_obeyed(page: Any, settings: Settings, screenshots: Path | None) -> None:
    written = settings.model_copy(update={"chat_model": "some-model", "openai_base_url": "http://127.0.0.1:9/v1"})
    hit = make_hit(text=HOSTILE[0], document="<img src=http://example.com/c.png>.md")
    with serving(written, ScriptedAnswerer([hit], HOSTILE)) as address:
        page.goto(address)
        ask(page, "<img src=http://example.com/d.png>")
        page.wait_for_selector(".footnote")
        assert page.locator("#chat img, #chat script, #chat iframe").count() == 0
        assert page.locator("#chat a:not(.cite):not(.source)").count() == 0
        assert page.title() == "Ask your documents"
        assert page.locator(".answer strong").inner_text() == "Bold"
        assert "<b>code</b>\n\nmore [1]" in page.inner_text(".answer pre")
        comes_to(page, ".answer a.cite", 2)
        assert "![x](http://example.com/b.png)" in page.inner_text(".answer")
        assert page.inner_text(".question") == "<img src=http://example.com/d.png>"
        take(page, screenshots, "hostile")


@pytest.mark.parametrize("late", ["ask.js", "scope.js"])
def test_a_question_asked_before_the_scripts_of_the_page_are_there_is_answered(page: Any, settings: Settings, late: str) -> None:
    held: list[Any] = []
    page.route(f"**/{late}", lambda route: held.append(route))  # Playwright marks the function that it is given
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address, wait_until="commit")
        ask(page, "Who repaired the lamp?")
        assert len(held) == 1
        held[0].continue_()
        page.wait_for_selector(".turn .actions")
        assert page.inner_text(".question") == "Who repaired the lamp?"


def test_an_empty_folder_offers_examples_and_says_what_happens(
    page: Any, settings: Settings, ingest: Callable[..., object], screenshots: Path | None
) -> None:
    with serving(settings) as address:
        page.goto(address)
        take(page, screenshots, "empty")
        page.get_by_role("button", name="Try it with example documents").click()
        page.get_by_text("Reading the example documents").wait_for()
        take(page, screenshots, "waiting")
        assert len(list((settings.uploads / COLLECTION).iterdir())) >= 5
        ingest(COLLECTION)
        for question in QUESTIONS:
            page.get_by_role("button", name=question).wait_for(timeout=30 * SECONDS)


def test_the_documents_tab_shows_reasons_takes_files_and_filters(
    page: Any, settings: Settings, ingest: Callable[..., object], tmp_path: Path, screenshots: Path | None
) -> None:
    (settings.uploads / "broken.pdf").write_bytes(b"%PDF-1.4 rubbish")
    (settings.uploads / "good.txt").write_text("All about lamps.")
    ingest()
    (tmp_path / "Übersicht (neu).txt").write_text("Something new.")
    with serving(settings) as address:
        page.goto(address)
        page.get_by_role("tab", name="Documents").click()
        row = page.locator("table.documents tr", has_text="broken.pdf")
        assert "failed" in row.inner_text()
        assert len(row.locator(".reason").inner_text()) > 20
        assert page.get_by_role("link", name=re.compile("Dagster")).get_attribute("href") == "http://127.0.0.1:3000"

        page.fill(".upload input[name=collection]", "minutes")
        page.set_input_files(".upload input[name=files]", tmp_path / "Übersicht (neu).txt")
        page.get_by_text("is in collection minutes").wait_for()
        assert (settings.uploads / "minutes" / "Übersicht (neu).txt").read_text() == "Something new."
        ingest("minutes")
        page.locator("table.documents tr", has_text="Übersicht (neu).txt").wait_for(timeout=30 * SECONDS)
        assert page.get_by_text("is in collection minutes").is_visible()
        assert page.input_value(".upload input[name=collection]") == "minutes"
        take(page, screenshots, "documents")

        page.get_by_label("Name contains").fill("GOOD")
        page.wait_for_function("document.querySelectorAll('table.documents tbody tr').length === 1")
        assert "good.txt" in page.inner_text("table.documents")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_runs_over_the_edge_and_colours_follow_the_system(page: Any, settings: Settings, width: int, scheme: str) -> None:
    long = make_hit(text="x" * 900, document=f"{'long-name-' * 20}.pdf", page_first=1)
    with serving(settings, ScriptedAnswerer([long], ["y" * 400, " [1]"])) as address:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        ask(page, "z" * 300)
        page.wait_for_selector(".footnote")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme  # of scroll bars, too
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(int(part) for part in re.findall(r"\d+", background)[:3]) > 380) is (scheme == "light")


def test_a_thumb_under_an_answer_is_kept(page: Any, settings: Settings, screenshots: Path | None) -> None:
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        ask(page, "Who repaired the lamp?")
        page.wait_for_selector(".footnote")
        ask(page, "And who lit it?")
        comes_to(page, ".footnote", 2)
        page.get_by_label("Like", exact=True).first.click()
        page.get_by_label("Dislike", exact=True).last.click()
        take(page, screenshots, "thumbs")

        def feedback() -> list[str | None]:
            (kept,) = page.request.get(f"{address}/api/v1/conversations").json()["conversations"]
            messages = page.request.get(f"{address}/api/v1/conversations/{kept['conversation_id']}").json()["messages"]
            return [message["feedback"] for message in messages[1::2]]

        wait_until(lambda: feedback() == ["up", "down"], 60, pause_seconds=0.5)  # a program may ask ten times a second, no more
        page.reload()
        page.wait_for_selector("[aria-label='Liked']")


def test_a_page_that_cannot_be_drawn_is_words_and_no_broken_picture(page: Any, settings: Settings, ingest: Callable[..., object]) -> None:
    words = "The safe in the cellar opens with the brass key."
    (settings.uploads / "safe.pdf").write_bytes(encrypted_pdf(f"BT /F 12 Tf 72 700 Td ({words}) Tj ET", "s3cret"))
    settings.passwords_path.write_text("s3cret\n")
    ingest()
    with serving(settings) as address:
        hit = httpx.post(f"{address}/api/v1/search", json={"question": words}, timeout=60).json()["hits"][0]
        page.goto(f"{address}/passages/default/{hit['chunk_id']}")
        page.wait_for_function("document.querySelector('img').naturalWidth > 500", timeout=30 * SECONDS)
        assert not page.locator(".missing").is_visible()
        settings.passwords_path.unlink()
        page.goto(f"{address}/passages/default/{hit['chunk_id']}?page=1&theme=dark")
        page.evaluate("document.querySelector('img') && (document.querySelector('img').src += '&again')")
        page.locator(".missing", has_text="Page 1 cannot be shown as a picture").wait_for(timeout=30 * SECONDS)
        assert page.locator("img").count() == 0
        assert page.locator("mark", has_text="brass key").is_visible()

"""Questions with known answers are written in a real browser: by keyboard, and on a phone."""

from collections.abc import Callable
from typing import Any

import pytest

from rag_pipeline.evaluation.folder import EditedQuestion, read_edited, write_edited
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving

LEASE = EditedQuestion("When does the lease end?", "lease.txt", 2, "In May")


@pytest.fixture
def opened(page: Any, settings: Settings) -> Any:
    for collection in ("lamps", "leases"):
        (settings.uploads / collection).mkdir()
        (settings.uploads / collection / "a.txt").write_text("The lease ends in May.")
        update_documents(Workspace(settings, collection))
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        page.get_by_role("tab", name="Quality").click()
        page.locator("#quality [name=question]").first.wait_for()
        yield page


def saved(page: Any, said: str = "Saved: 1.") -> None:
    page.get_by_role("button", name="Save questions").click()
    page.get_by_role("status").get_by_text(said).wait_for()


def test_what_is_typed_is_saved_from_its_first_letter_on(opened: Any, settings: Settings) -> None:
    page = opened
    page.get_by_label("Question, line 1", exact=True).focus()
    for text in (LEASE.question, LEASE.document, str(LEASE.page), LEASE.answer):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    saved(page)
    assert read_edited(settings, "lamps").questions == (LEASE,)
    page.get_by_label("Question, line 1", exact=True).press("Home")
    page.keyboard.type("So: ")
    page.get_by_label("Page, line 1", exact=True).fill("0")
    page.get_by_role("button", name="Save questions").click()  # the browser says what is wrong with it
    assert page.evaluate("document.activeElement.name") == "page"
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.get_by_label("Answer, line 2", exact=True).fill("An answer to nothing")
    page.get_by_role("button", name="Save questions").click()
    assert page.evaluate("document.activeElement.validationMessage") == "Write a question, or empty the rest of the line."
    page.get_by_label("Answer, line 2", exact=True).fill("")
    saved(page)
    assert read_edited(settings, "lamps").questions == (EditedQuestion(f"So: {LEASE.question}", "lease.txt", None, "In May"),)


def test_nothing_that_was_written_is_lost_without_a_word(opened: Any, settings: Settings) -> None:
    page = opened
    choice, question = page.locator("#quality [name=collection]"), page.get_by_label("Question, line 1", exact=True)
    asked: list[str] = []
    answers: list[Callable[[Any], None]] = [lambda dialog: dialog.dismiss(), lambda dialog: dialog.accept()]
    page.on("dialog", lambda dialog: (asked.append(dialog.message), answers.pop(0)(dialog)))
    question.fill("Mine")
    choice.select_option("leases")
    assert (choice.input_value(), question.input_value()) == ("lamps", "Mine")
    page.get_by_role("tab", name="Ask").click()
    page.get_by_role("tab", name="Quality").click()
    write_edited(settings, "lamps", [LEASE], "")
    page.get_by_role("button", name="Save questions").click()
    page.get_by_role("status").get_by_text("Someone else has changed these questions meanwhile.").wait_for()
    assert question.input_value() == "Mine"
    choice.select_option("leases")
    page.get_by_text("Nothing has been measured yet for leases").wait_for()
    choice.select_option("lamps")
    page.wait_for_function("question => document.querySelector('#quality [name=question]').value === question", arg=LEASE.question)
    assert len(asked) == 2


def test_on_a_phone_each_field_says_what_it_is_for(opened: Any) -> None:
    opened.set_viewport_size({"width": 320, "height": 600})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 320
    field = opened.get_by_label("Question, line 2", exact=True)
    assert (field.get_attribute("placeholder"), field.bounding_box()["width"] > 250) == ("Question", True)

"""The app in other languages, in a real browser: German without a word of English, and one that is written from right to left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving, violations
from rag_pipeline_tests.ui.library import Library
from rag_pipeline_tests.ui.messages import found, written
from ui.views.language import catalogues, languages

SECONDS = 1000
QUESTION = "What does a new chain for a bicycle cost?"
TABS = ("ask", "documents", "quality", "pipeline")
LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابتثجحخدذرزسشصضطظعغفقكلمنه")
_KEPT = re.compile(r"(\{\w+\}|<[^>]+>)")


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with serving(library.settings) as address:
        yield address


@pytest.fixture
def german(page: Any) -> Any:
    """A page of a browser that asks for German."""
    page.context.set_extra_http_headers({"Accept-Language": "de-DE,de;q=0.9"})
    return page


def english_sentences() -> list[str]:
    """What nobody who reads German should see: the words between the values of messages, two at least, that are others in German."""
    said = [(text, form if isinstance(form, str) else " ".join(form)) for text, form in languages()["de"].messages.items()]
    parts = {part.strip(" .,:;“”()") for text, form in said for part in _KEPT.split(text) if part.strip() and part.strip() not in form}
    return sorted(part for part in parts if len(part.split()) > 1 and not _KEPT.fullmatch(part))


def seen(page: Any) -> str:
    """All that is shown or read out, hidden parts too: they may be shown next. What is marked as English may be."""
    return str(
        page.evaluate(
            """() => {
              const kept = document.body.cloneNode(true);
              const others = "script, style, [lang=en], code, .source-text, .answer, .question, .blocks";
              kept.querySelectorAll(others).forEach((one) => one.remove());
              kept.querySelectorAll(".reason").forEach((one) => one.removeAttribute("title"));
              const read = ["aria-label", "title", "placeholder", "alt", "data-label"];
              const said = [...kept.querySelectorAll("*")].flatMap((one) => read.map((name) => one.getAttribute(name)));
              return [kept.textContent, document.title, ...said.filter(Boolean)].join("\\n");
            }"""
        )
    )


def speaks_german(page: Any, view: str) -> None:
    assert page.evaluate("document.documentElement.lang") == "de"
    text = re.sub(r"\s+", " ", seen(page))
    assert [part for part in english_sentences() if re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text)] == [], view
    assert violations(page) == [], view


def opened(page: Any, tab: str) -> None:
    page.locator(f"#tab-{tab}-button").click()
    page.wait_for_selector(
        {"ask": "#question", "documents": "table.documents", "quality": "#quality .questions textarea"}.get(tab, ".standing")
    )


def asked(page: Any, question: str) -> None:
    page.locator("#question textarea").fill(question)
    page.locator("#question textarea").press("Enter")


def test_a_browser_that_asks_for_german_sees_no_english(german: Any, address: str) -> None:
    page = german
    page.goto(address)
    page.locator(".greeting h1", has_text="Fragen an").wait_for(timeout=60 * SECONDS)
    speaks_german(page, "first")
    asked(page, QUESTION)
    page.wait_for_selector(".turn .actions", timeout=60 * SECONDS)
    page.locator("details.found summary").click()
    page.wait_for_selector(".trace table")
    page.get_by_label("Gefällt mir nicht", exact=True).click()
    page.locator(".why button", has_text="Falsche Seite").wait_for()
    page.locator("#scope .narrow").click()
    speaks_german(page, "answer")
    page.keyboard.press("Escape")
    asked(page, "Who invented the okapi telescope of Neptune?")
    page.locator(".refusal", has_text="In den Dokumenten nicht gefunden").wait_for(timeout=60 * SECONDS)
    page.locator(".for-conversations").click()
    page.wait_for_selector("#conversations li")
    speaks_german(page, "refusal")
    printed = page.locator("#conversations a[href$='/print']").first.get_attribute("href")
    passage = page.locator("a.cite").first.get_attribute("href")
    page.locator("#conversations .close").click()
    for tab in TABS[1:]:
        opened(page, tab)
        speaks_german(page, tab)
    for name in ("broken.docx", "tools.xlsx"):
        opened(page, "documents")
        document = page.locator("table.documents td.name a", has_text=name).first.get_attribute("href")
        page.goto(f"{address}{document}")
        speaks_german(page, name)
        page.go_back()
    for path in (printed, passage, "/documents/nothing", "/passages/shop/nothing"):
        page.goto(f"{address}{path}")
        speaks_german(page, path)


def test_what_is_done_with_documents_is_said_in_german(german: Any, address: str) -> None:
    page = german
    page.goto(address)
    opened(page, "documents")
    page.locator("#table td.choose input").nth(1).check()
    assert page.locator("[data-selected]").inner_text() == "1 ausgewählt"
    page.locator("#documents [data-delete]").click()
    page.locator("#said", has_text="1 Dokument wird gelöscht.").wait_for()
    page.locator("#said .undo", has_text="Rückgängig").click()
    page.locator("#said", has_text="Es wurde nichts gelöscht.").wait_for()
    page.locator("#documents .filters [name=name]").fill("nothing of this name")
    page.locator("#table", has_text="Kein Dokument passt dazu.").wait_for()


def test_a_fixed_language_holds_whatever_a_browser_asks_for(page: Any, library: Library) -> None:
    settings = library.settings.model_copy(update={"language": "de"})
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        page.locator(".greeting h1", has_text="Fragen an").wait_for(timeout=30 * SECONDS)
        asked(page, "please refuse")
        page.locator(".refusal", has_text="In den Dokumenten nicht gefunden").wait_for(timeout=30 * SECONDS)
        assert page.evaluate("[navigator.language, document.documentElement.lang]") == ["de", "de"]


def test_exports_are_in_the_language_of_who_asks_and_the_api_is_english(german: Any, settings: Settings) -> None:
    page = german
    with serving(settings, ScriptedAnswerer()) as address:
        page.goto(address)
        asked(page, "please fail")
        page.locator(".turn .failure", has_text="Die Antwort brach ab").wait_for(timeout=30 * SECONDS)
        told = page.request.get(f"{address}/api/v1/conversations").json()["conversations"][0]["conversation_id"]
        headers = {"Accept-Language": "de"}
        text = page.request.get(f"{address}/api/v1/conversations/{told}/export", headers=headers).text()
        assert "Die Antwort brach ab: Das Sprachmodell ist nicht erreichbar" in text
        refused = page.request.get(f"{address}/api/v1/documents/nothing", headers=headers).json()
        assert refused["error"]["message"].startswith("There is no document")


@pytest.fixture
def right_to_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A language made of the messages themselves, in Arabic letters: as long as they are, and it says in which place each stands."""
    catalog = Catalog(locale="ar", fuzzy=False)
    catalog.update(found())
    for one in catalog:
        if one.id:
            one.string = in_arabic(one.id) if isinstance(one.id, str) else tuple([in_arabic(one.id[1])] * catalog.num_plurals)
    folder = tmp_path / "locale"
    folder.mkdir()
    (folder / "ar.po").write_text(written(catalog), encoding="utf-8")
    monkeypatch.setattr(catalogues, "FOLDER", folder)


def in_arabic(text: str) -> str:
    return "".join(part if _KEPT.fullmatch(part) else part.lower().translate(LETTERS) for part in _KEPT.split(text))


def test_right_to_left_nothing_runs_over_an_edge(page: Any, address: str, right_to_left: None, screenshots: Path | None) -> None:
    page.context.set_extra_http_headers({"Accept-Language": "ar-EG,ar"})
    page.emulate_media(reduced_motion="reduce")
    page.goto(address)
    page.locator(".greeting h1", has_text=re.compile(r"[\u0600-\u06ff]")).wait_for(timeout=60 * SECONDS)
    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    asked(page, QUESTION)
    page.wait_for_selector(".turn .actions", timeout=60 * SECONDS)
    for tab in TABS:
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            opened(page, tab)
            if screenshots:
                page.screenshot(path=screenshots / f"rtl-{tab}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (tab, width)
            assert page.evaluate("getComputedStyle(document.querySelector('.masthead')).direction") == "rtl"
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")  # nothing lies beneath the question's box then
        assert violations(page) == [], tab
    page.set_viewport_size({"width": 1280, "height": 800})
    opened(page, "ask")
    assert page.locator("#chat .question").evaluate("one => getComputedStyle(one).direction") == "ltr"
    masthead, menu = page.locator(".masthead").bounding_box(), page.locator(".for-conversations").bounding_box()
    assert menu["x"] > masthead["width"] / 2
    page.goto(f"{address}{page.locator('a.cite').first.get_attribute('href')}")
    assert page.evaluate("document.documentElement.dir") == "rtl"
    assert page.locator("h1").evaluate("one => getComputedStyle(one).direction") == "ltr"

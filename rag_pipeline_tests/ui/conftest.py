"""The app on a free loopback port, answerers with a script, and a browser that records what it requests."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn

from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.answering.generation.local_models import LocalModel
from rag_pipeline.answering.generation.marks import CitationFilter
from rag_pipeline.answering.retrieval.retrieve import Found
from rag_pipeline.answering.scope import Scope
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.models import (
    Answered,
    AnswerEvent,
    Citation,
    Coverage,
    Failed,
    Hit,
    Mark,
    Message,
    Nearest,
    Place,
    Reformulated,
    Refused,
    Retrieved,
    Token,
    Unverified,
)
from rag_pipeline.settings import Settings
from rag_pipeline_tests.programs import BROWSER, browser_program, require
from rag_pipeline_tests.ui.library import Library, make_library
from rag_pipeline_tests.waiting import wait_until
from ui.views import page_pictures
from ui.web.app import create_app


def make_hit(text: str = "The lamp is repaired.", **fields: Any) -> Hit:
    defaults: dict[str, Any] = {"rank": 1, "score": 0.9, "document": "rules.txt", "collection": "default", "page_first": None}
    return Hit(text=text, **{**defaults, "page_last": fields.get("page_first"), "chunk_id": "c1", "document_id": "d1", **fields})


class ScriptedRetriever:
    def __init__(self, hits: Sequence[Hit]) -> None:
        self.hits = tuple(hits)

    async def prepare(self) -> None:
        """Nothing needs to be made."""

    async def retrieve(self, question: str, scope: Scope, top_k: int) -> Found:
        return Found(self.hits[:top_k], Coverage(1, 1))

    async def passage(self, collection: str, chunk_id: str) -> Hit | None:
        return next((hit for hit in self.hits if (hit.collection, hit.chunk_id) == (collection, chunk_id)), None)

    async def around(self, hit: Hit, before: int, after: int) -> list[Hit]:
        return [hit]


class ScriptedAnswerer:
    """Says what its script says for a question: text in pieces, then an end. Remembers what it was asked, and whether it was stopped."""

    def __init__(self, hits: Sequence[Hit] = (), pieces: Sequence[str] = ("A fine", " answer [1]."), pause_seconds: float = 0.0) -> None:
        self.retriever = ScriptedRetriever(hits or [make_hit()])
        self.pieces = pieces
        self.pause_seconds = pause_seconds
        self.asked: list[tuple[str, tuple[Message, ...], Scope]] = []
        self.cancelled = threading.Event()
        self.writes = False
        """Whether it is a language model, and writes Markdown."""
        self.offered: tuple[LocalModel, ...] = ()
        """The language models of this machine."""

    async def stream(
        self, question: str, history: Sequence[Message], scope: Scope, top_k: int | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        self.asked.append((question, tuple(history), scope))
        self.top_k = top_k
        try:
            async for event in self._events(question):
                yield event
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise

    async def language_model(self) -> SimpleNamespace | None:
        return SimpleNamespace(name="scripted") if self.writes else None

    async def local_models(self) -> tuple[LocalModel, ...]:
        return self.offered

    async def close(self) -> None:
        pass

    async def _events(self, question: str) -> AsyncGenerator[AnswerEvent, None]:
        # As the script stands now: a test that changes it meanwhile means the next question, and not the rest of this answer.
        hits, pieces, pause_seconds = self.retriever.hits, self.pieces, self.pause_seconds
        searched = "the lamp, in full" if "reformulate" in question else question
        yield Reformulated(searched)
        yield Retrieved(hits)
        if "refuse" in question:
            nearest = tuple(Nearest(hit, (hit.text,), None, (Place(0, len(hit.text)),)) for hit in hits)
            yield Refused("Nothing is said about this.", nearest, searched, {"retrieve": 0.1})
            return
        marks, said = CitationFilter(len(hits)), list[Token]()
        for piece in pieces:
            await asyncio.sleep(pause_seconds)
            for token in marks.feed(piece):
                said.append(token)
                yield token
        if "fail" in question:
            yield Failed("The language model hung up. Ask again.", "chat_unreachable")
            return
        if "explode" in question:
            raise ValueError("a bug with a secret")
        for token in marks.finish():
            said.append(token)
            yield token
        cited = tuple(Citation(number, hit) for number, hit in enumerate(hits, start=1))
        text, placed = "", []
        for token in said:
            if token.citation:
                placed.append(Mark(len(text), len(text) + len(token.text), token.citation))
            text += token.text
        if "invent" in question:
            yield Answered("Quoted [1].", (), searched, {}, "scripted", marks=(Mark(7, 10, 1),), withdrawn=text)
            return
        doubted = tuple(Unverified(at, at + 4, "number", "[1] has no such number.") for at in [text.find("1871")] if at >= 0)
        yield Answered(text, cited, searched, {"retrieve": 0.1, "generate": 0.2}, marks=tuple(placed), unverified=doubted)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def serving(settings: Settings, answerer: ScriptedAnswerer | None = None, *, with_pages: bool = True) -> Iterator[str]:
    """The app under a real uvicorn; its address.

    An app that ends takes the processes with it in which files are read. Here they are those of the tests as well, and go on: a new one
    takes 1.5 s of processor time to import what it reads documents with.
    """
    settings = settings.model_copy(update={"app_port": free_port()})
    if answerer:
        answerer.writes = settings.chat_model is not None
    app = create_app(settings, cast("Answerer | None", answerer), with_pages=with_pages)
    server = uvicorn.Server(uvicorn.Config(app, port=settings.app_port, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started
    try:
        yield f"http://127.0.0.1:{settings.app_port}"
    finally:
        with pytest.MonkeyPatch.context() as kept:
            kept.setattr(page_pictures, "close_pools", lambda: None)
            server.should_exit = True
            thread.join(20)


def comes_to(page: Any, selector: str, count: int, seconds: float = 30.0) -> None:
    """Wait until so many are shown: an answer that is over leaves the place of the running one before it stands among the others."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_count(count, timeout=1000 * seconds)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, packaged_model: Path) -> Library:
    """Documents of several kinds, really indexed. Nobody changes them."""
    return make_library(tmp_path_factory.mktemp("library") / "data", packaged_model)


def narrow_down(page: Any, collection: str = "", **typed: str) -> None:
    """Choose what questions are asked of."""
    page.locator("#scope .narrow").click()
    if collection:
        page.locator("#narrow .of-collections").get_by_label(collection).check()
    for name, text in typed.items():
        page.locator(f"#narrow [name={name}]").fill(text)
    page.locator("#narrow .take").click()


def live_in_windows(page: Any, settings: Settings, number: int = 7) -> None:
    """More windows of one browser than it has connections to an address (six): all are shown progress while all are given answers."""
    answerer = ScriptedAnswerer(pieces=["word "] * 1000, pause_seconds=0.5)
    with serving(settings, answerer) as address:
        page.goto(address)
        windows = [page, *(_opened_from(page, address) for _ in range(number - 1))]
        for window in windows:
            assert not window.evaluate("document.hidden")
            window.locator("#question textarea").fill("Who repaired the lamp?")
            window.keyboard.press("Enter")
            window.locator(".turn.live .answer").wait_for()
        (settings.uploads / "note.txt").write_text("The keeper is called Ansgar.")
        update_documents(Workspace(settings, "default"))
        for window in windows:
            window.locator("#progress-line p").get_by_text("0 of 1 document").wait_for()
            window.locator(".turn.live").wait_for()
        for window in windows:
            window.keyboard.press("Escape")
            window.get_by_text("Stopped.").wait_for()


def _opened_from(page: Any, address: str) -> Any:
    """A window of its own; a tab may be hidden behind others."""
    with page.expect_popup() as opened:
        page.evaluate("address => void open(address, '_blank', 'popup')", address)
    return opened.value


SEEN = "(one) => [one, one.closest('label, #question')].some((shown) => shown && getComputedStyle(shown).outlineStyle !== 'none')"
UNCOVERED = """(one) => {
  const shown = one.closest("label, #question") || one, { left, top, width, height } = shown.getBoundingClientRect();
  const there = document.elementFromPoint(left + width / 2, top + height / 2);
  return shown.contains(there) || Boolean(there?.contains(shown));
}"""


def tab_to(page: Any, selector: str, key: str = "Tab", most: int = 80) -> None:
    """By the Tab key; what has the focus is seen to have it, and nothing lies over it."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"the Tab key does not lead to {selector}")
    assert page.evaluate(f"({SEEN})(document.activeElement)"), f"{selector} does not show that it has the focus"
    assert page.evaluate(f"({UNCOVERED})(document.activeElement)"), f"{selector} has the focus, and something lies over it"


def violations(page: Any) -> list[str]:
    """The rules of WCAG 2.2 AA that the page breaks, by axe-core; what a frame shows is a page of its own."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}, "iframes": False}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']} {node['target']} {node['html'][:150]} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.fixture(scope="module")  # not longer: while Playwright runs, asyncio holds its event loop for running in this thread
def browser() -> Iterator[Any]:
    """An installed Chromium. Without one the test is skipped, except in continuous integration, where it must not go missing unseen."""
    require(BROWSER)
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--headless=new"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_program(), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that fails its test when anything beyond loopback was requested, or when a script failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    requested: list[str] = []
    errors: list[str] = []
    opened = context.new_page()
    context.on("request", lambda request: requested.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert [url for url in requested if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []
    assert errors == []


@pytest.fixture
def screenshots() -> Path | None:
    """Where to leave pictures, when someone wants to look: RAG_TEST_SCREENSHOTS."""
    folder = os.environ.get("RAG_TEST_SCREENSHOTS")
    return Path(folder) if folder else None

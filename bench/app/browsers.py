"""Many browsers reading answers as they stream, and one that asks hundreds of questions: frames, layout, memory.

    python bench/app/browsers.py [BROWSERS]
    python bench/app/browsers.py --turns 500

Needs an installed Chromium, as the tests of the app do. Each browser is a context of its own with one page; the language model of
``answer_load.py`` writes 50 tokens a second to each. Printed: how late frames came and how much the layout shifted, for one; for one while
all others read too, but at the lowest priority, as if on machines of their own; for all of them, which share the cores with the app; and
for as many pages that do nothing but add a word 50 times a second to a paragraph.

With ``--turns`` there is no language model, and one page asks so many questions: memory of the app, and of the page after garbage
collection, every tenth of them.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psutil
from answer_load import DOCUMENTS, apps, free_port, of_a_model, ready, serving_model, with_documents
from playwright.async_api import Browser, Page, async_playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FRAME_MILLISECONDS = 1000 / 60
LATE_MILLISECONDS = 100
WAIT_MILLISECONDS = 120_000
FLOOR_SECONDS = 5
LOWEST_PRIORITY = 19
"""Of browsers that stand for those of other machines: they ask and read, and take no time from the one that is watched."""
PER_CONVERSATION = 25
"""Questions in a row before a new conversation is begun."""
WATCH = """() => {
    window.frames_seen = []; window.shifted = 0;
    let last = performance.now();
    const frame = now => { window.frames_seen.push(now - last); last = now; window.watching = requestAnimationFrame(frame); };
    window.watching = requestAnimationFrame(frame);
    new PerformanceObserver(list => list.getEntries().forEach(one => { if (!one.hadRecentInput) window.shifted += one.value; }))
        .observe({type: "layout-shift"});
}"""
ADD_WORDS = """() => {
    document.body.innerHTML = "<p></p>";
    setInterval(() => document.querySelector("p").append("word "), 20);
}"""


async def asked(page: Page, number: int, answers: int) -> None:
    """One question, until its answer is over."""
    await page.locator("#question textarea").fill(f"When was the lamp in room {number % DOCUMENTS} repaired?")
    await page.locator("#question textarea").press("Enter")
    await page.locator(".turn .actions").nth(answers - 1).wait_for()


async def opened(browser: Browser, address: str) -> Page:
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(WAIT_MILLISECONDS)
    await page.goto(address)
    await page.locator("#question textarea").wait_for()
    return page


async def shown(what: str, pages: Sequence[Page]) -> None:
    gaps = sorted([gap for page in pages for gap in await page.evaluate("window.frames_seen")])
    late = [gap - FRAME_MILLISECONDS for gap in gaps if gap - FRAME_MILLISECONDS > LATE_MILLISECONDS]
    shift = max([await page.evaluate("window.shifted") for page in pages])
    p50, p99 = (gaps[int(share * (len(gaps) - 1))] for share in (0.5, 0.99))
    print(
        f"{what}: {len(gaps)} frames, p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {gaps[-1]:.0f} ms; "
        f"{len(late)} more than {LATE_MILLISECONDS} ms late; layout shift at most {shift:.3f}"
    )


def processor_seconds(of: Iterable[psutil.Process]) -> float:
    return sum(one.cpu_times().user + one.cpu_times().system for one in of)


def browsers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]


async def all_opened(browser: Browser, address: str, number: int) -> list[Page]:
    return [await opened(browser, address) for _ in range(number)]


async def stream_to(what: str, watched: Sequence[Page], app: psutil.Process, others: Sequence[Page] = ()) -> None:
    """All ask at once; the frames of those that are watched."""
    for page in watched:
        await page.evaluate(WATCH)
    before, started = [processor_seconds([app]), processor_seconds(browsers())], time.perf_counter()
    await asyncio.gather(*(asked(page, place, 1) for place, page in enumerate((*watched, *others))))
    took = time.perf_counter() - started
    spent = (after - had for after, had in zip([processor_seconds([app]), processor_seconds(browsers())], before, strict=True))
    await shown(what, watched)
    print("  {:.1f} s, of which the app used {:.1f} s of processor time and the browsers {:.1f}".format(took, *spent))
    await asyncio.gather(*(page.context.close() for page in (*watched, *others)))


async def floor(browser: Browser, number: int) -> None:
    pages = [await (await browser.new_context()).new_page() for _ in range(number)]
    for page in pages:
        await page.evaluate(ADD_WORDS)
        await page.evaluate(WATCH)
    await asyncio.sleep(FLOOR_SECONDS)
    await shown(f"{number} bare pages, a word 50 times a second", pages)
    await asyncio.gather(*(page.context.close() for page in pages))


async def many_turns(browser: Browser, address: str, app: psutil.Process, turns: int) -> None:
    page = await opened(browser, address)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    for turn in range(turns):
        if turn and turn % PER_CONVERSATION == 0:
            await page.goto(address)
            await page.locator("#question textarea").wait_for()
        await asked(page, turn, turn % PER_CONVERSATION + 1)
        if (turn + 1) % max(turns // 10, 1) == 0:
            print(f"  {turn + 1} turns: app {app.memory_info().rss / 2**20:.0f} MB, {await memory_of(devtools)}", flush=True)


async def memory_of(devtools: Any) -> str:
    await devtools.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in (await devtools.send("Performance.getMetrics"))["metrics"]}
    return f"page {metrics['JSHeapUsedSize'] / 2**20:.1f} MB, {metrics['Nodes']:.0f} nodes, {metrics['JSEventListeners']:.0f} listeners"


@asynccontextmanager
async def chromium():
    """A browser without a window."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        sys.exit(f"Install one of {', '.join(PROGRAMS)} first.")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--headless=new"]
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=program, args=arguments)


async def streaming(model_port: int, app_port: int, app: psutil.Process, number: int) -> None:
    async with serving_model(model_port, app_port), chromium() as browser:
        address, first = f"http://127.0.0.1:{app_port}", browsers()
        await stream_to("one browser", await all_opened(browser, address, 1), app)
        async with chromium() as other:
            for process in browsers():
                process.nice(LOWEST_PRIORITY if process not in first else 0)
            pages = [await all_opened(browser, address, 1), await all_opened(other, address, number - 1)]
            await stream_to(f"one browser, beside {number - 1} of the lowest priority", pages[0], app, pages[1])
        await stream_to(f"{number} browsers on this machine", await all_opened(browser, address, number), app)
        await floor(browser, number)


async def quoting(app_port: int, app: psutil.Process, turns: int) -> None:
    await ready(app_port)
    async with chromium() as browser:
        await many_turns(browser, f"http://127.0.0.1:{app_port}", app, turns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("browsers", nargs="?", type=int, default=20)
    parser.add_argument("--turns", type=int)
    options = parser.parse_args()
    with with_documents() as environment:
        if options.turns:
            with apps(1, environment) as started:
                ((app_port, app),) = started.items()
                asyncio.run(quoting(app_port, psutil.Process(app.pid), options.turns))
        else:
            model_port = free_port()
            with apps(1, environment | of_a_model(model_port)) as started:
                ((app_port, app),) = started.items()
                asyncio.run(streaming(model_port, app_port, psutil.Process(app.pid), options.browsers))


if __name__ == "__main__":
    main()

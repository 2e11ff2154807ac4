"""Many conversations at once in one app process, with a language model that writes 50 tokens a second.

    python bench/app/answer_load.py [CONVERSATIONS] [ANSWERS]
    python bench/app/answer_load.py --processes 1 2 4    # how many questions a second so many processes of the app answer

Starts a local streaming server in place of the language model, the app, and readers that each ask one question after another over
server-sent events, then three bursts in which all ask at the same moment. Prints errors, the time to the first token beyond the model's
own, and the app's memory from the beginning to the end.

With ``--processes`` there is no language model: answers are the documents' own sentences, and readers ask as fast as they are answered,
each of them one process after the other. ``uvicorn`` shares a port among its workers in the same way, by the kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

TOKENS_PER_SECOND, FIRST_TOKEN_SECONDS = 50, 0.2
_FACTS = (
    "The lamp in room {room} was repaired in {year} by worker {worker} with a new glass and a longer wick.",
    "Its copper foot was cleaned in {year} because rain had come through the roof above room {room} that winter.",
    "Worker {worker} noted in {year} that the oil burned unevenly and that the chimney of the lamp smoked.",
    "A second handle was soldered on in {year}, since visitors to room {room} used to carry it down the stairs.",
    "The inventory of {year} lists it beside a clock, two chairs and a painting of the harbour at night.",
    "In {year} the museum asked worker {worker} to replace the chain, which had rusted through near the ceiling.",
    "Letters from {year} mention that room {room} stayed dark for a week until the missing screw was found.",
    "An electric bulb was fitted in {year}, and the old burner went into a drawer marked with number {worker}.",
)
"""Sentences of some 19 words: an answer has 150."""
DOCUMENTS = 200
READERS, SECONDS = 8, 10.0


def facts(number: int) -> list[str]:
    """What one document says, and the model: an answer that the documents do not carry would be withdrawn."""
    years = [1900 + (number * 7 + 13 * place) % 100 for place in range(len(_FACTS))]
    return [fact.format(room=number, year=year, worker=(number + year) % 31) for fact, year in zip(_FACTS, years, strict=True)]


async def completions(request: Request) -> StreamingResponse:
    room = re.findall(r"lamp in room (\d+) repaired", (await request.json())["messages"][-1]["content"])
    words = [word for fact in facts(int(room[-1])) for word in f"{fact[:-1]} [1].".split()]

    async def stream():
        await asyncio.sleep(FIRST_TOKEN_SECONDS)
        for word in (*words, None):
            choice = {"index": 0, "delta": {"content": f"{word} "} if word else {}, "finish_reason": None if word else "stop"}
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
            yield f"data: {json.dumps(chunk)}\n\n"
            await asyncio.sleep(1 / TOKENS_PER_SECOND)
        yield "data: [DONE]\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("conversations", nargs="?", type=int, default=50)
    parser.add_argument("answers", nargs="?", type=int, default=500)
    parser.add_argument("--processes", nargs="+", type=int)
    options = parser.parse_args()
    with with_documents() as environment:
        if options.processes:
            for number in options.processes:
                with_processes(number, environment)
        else:
            with_model(environment, options.conversations, options.answers)


@contextmanager
def with_documents():
    """The environment of an app that has documents to answer from."""
    with tempfile.TemporaryDirectory() as folder:
        uploads = Path(folder, "uploads")
        uploads.mkdir()
        for number in range(DOCUMENTS):
            (uploads / f"{number}.txt").write_text("\n".join(facts(number)))
        environment = {**os.environ, "RAG_DATA_DIR": folder, "RAG_SETTLE_SECONDS": "0", "RAG_REQUESTS_PER_MINUTE": "0"}
        subprocess.run([sys.executable, "-m", "rag_pipeline", "ingest"], env=environment, check=True, stdout=subprocess.DEVNULL)
        yield environment


def of_a_model(port: int) -> dict[str, str]:
    """The environment of an app whose language model answers there."""
    return {"RAG_CHAT_MODEL": "m", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "x"}


def with_model(environment: dict[str, str], conversations: int, answers: int) -> None:
    model_port = free_port()
    with apps(1, environment | of_a_model(model_port)) as started:
        ((app_port, app),) = started.items()
        asyncio.run(run(model_port, app_port, psutil.Process(app.pid), conversations, answers))


def with_processes(number: int, environment: dict[str, str]) -> None:
    with apps(number, environment) as started:
        asyncio.run(throughput(list(started), SECONDS))
        memory = [psutil.Process(app.pid).memory_info().rss / 2**20 for app in started.values()]
        print("  memory MB: " + ", ".join(f"{megabytes:.0f}" for megabytes in memory))


@contextmanager
def apps(number: int, environment: dict[str, str]):
    """Port → process of the app."""
    started = {}
    try:
        for _ in range(number):
            port = free_port()
            started[port] = subprocess.Popen([sys.executable, "-m", "ui"], env=environment | {"RAG_APP_PORT": str(port)})
        yield started
    finally:
        for app in started.values():
            app.terminate()
        for app in started.values():
            app.wait()


async def throughput(ports: list[int], seconds: float) -> None:
    """Questions a second, none asked twice: answers to those asked before would be partly remembered."""
    for port in ports:
        await ready(port)
    took: list[float] = []
    questions = itertools.count()

    async def reader(client: httpx.AsyncClient, until: float) -> None:
        while time.perf_counter() < until:
            number = next(questions)
            question = {"question": f"When was the lamp in room {number % DOCUMENTS} repaired, and which worker did it? {number}"}
            started = time.perf_counter()
            (await client.post(f"http://127.0.0.1:{ports[number % len(ports)]}/api/v1/ask", json=question)).raise_for_status()
            took.append(time.perf_counter() - started)

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(reader(client, time.perf_counter() + 2) for _ in range(READERS)))  # every process has answered once
        took.clear()
        await asyncio.gather(*(reader(client, time.perf_counter() + seconds) for _ in range(READERS)))
    took.sort()
    p50, p95 = (1000 * took[int(share * (len(took) - 1))] for share in (0.5, 0.95))
    print(f"{len(ports)} processes: {len(took) / seconds:.1f} answers a second; p50 {p50:.0f} ms, p95 {p95:.0f} ms, {READERS} readers")


async def run(model_port: int, app_port: int, app: psutil.Process, conversations: int, answers: int) -> None:
    async with serving_model(model_port, app_port):
        await measure(app_port, app, conversations, answers)


@asynccontextmanager
async def serving_model(model_port: int, app_port: int):
    """The language model answers, and the app is ready."""
    routes = [Route("/v1/chat/completions", completions, methods=["POST"])]
    model = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=model_port, log_level="error"))
    serving = asyncio.create_task(model.serve())
    await ready(app_port)
    yield
    model.should_exit = True
    await serving


async def ready(port: int) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(600):
            try:
                if (await client.post(f"http://127.0.0.1:{port}/api/v1/search", json={"question": "lamp"})).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit("the app did not start")


async def asked(client: httpx.AsyncClient, port: int, number: int) -> tuple[float | None, str]:
    """Seconds to the first token, and the last event where that is no answer."""
    started, first = time.perf_counter(), None
    question = {"question": f"When was the lamp in room {number % DOCUMENTS} repaired?"}
    stream = client.stream("POST", f"http://127.0.0.1:{port}/api/v1/ask", json=question, headers={"Accept": "text/event-stream"})
    async with stream as reply:
        event = last = ""
        async for line in reply.aiter_lines():
            event = line.removeprefix("event: ") if line.startswith("event: ") else event
            last = line if line.startswith("data: ") else last
            if event == "token" and first is None:
                first = time.perf_counter() - started
    answered = event == "answered" and first is not None and not json.loads(last.removeprefix("data: "))["withdrawn"]
    return first, "" if answered else f"{event}: {last[:200]}"


async def measure(port: int, app: psutil.Process, conversations: int, answers: int) -> None:
    found: list[tuple[float | None, str]] = []
    memory: list[float] = []
    numbers = iter(range(answers))

    async def reader(client: httpx.AsyncClient, index: int) -> None:
        await asyncio.sleep(index * 0.05)
        for number in numbers:
            found.append(await asked(client, port, number))
            if number % max(answers // 10, 1) == 0:
                memory.append(app.memory_info().rss / 2**20)

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=conversations * 2)) as client:
        await asyncio.gather(*(reader(client, index) for index in range(conversations)))
        show(f"{conversations} at once", found)
        for burst in range(1, 4):
            first = answers + burst * conversations
            show(f"burst {burst} of {conversations}", await asyncio.gather(*(asked(client, port, first + n) for n in range(conversations))))
    print("memory MB: " + ", ".join(f"{megabytes:.0f}" for megabytes in memory))


def show(what: str, found: list[tuple[float | None, str]]) -> None:
    seconds = sorted(first for first, error in found if first is not None and not error)
    errors = {error for _, error in found if error}
    if not seconds:
        raise SystemExit(f"no answers: {errors}")
    p50, p95 = (1000 * (seconds[int(share * (len(seconds) - 1))] - FIRST_TOKEN_SECONDS) for share in (0.5, 0.95))
    print(f"{what}: {len(seconds)} answers, errors {errors}; first token beyond the model's own: p50 {p50:.0f} ms, p95 {p95:.0f} ms")


if __name__ == "__main__":
    main()

"""Two processes of the app behind the nginx of deploy/: one address, whichever of them answers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from anyio.from_thread import start_blocking_portal

from rag_pipeline.settings import Settings
from rag_pipeline_tests.answering.provider import Provider, Reply, provider
from rag_pipeline_tests.conftest import text_lane
from rag_pipeline_tests.distributed.deployment import ROOT, proxy
from rag_pipeline_tests.made_model import put_into
from rag_pipeline_tests.programs import BROWSER, NGINX, REDIS, needs, require
from rag_pipeline_tests.servers import Redis, free_port
from rag_pipeline_tests.ui.conftest import browser, comes_to, page  # noqa: F401
from rag_pipeline_tests.waiting import wait_until

NAMES = ("anna", "ben", "carl")
TOKENS = {name: f"a-long-token-of-{name}" for name in NAMES}
ANNA, BEN, CARL = ({"Authorization": f"Bearer {TOKENS[name]}"} for name in NAMES)
REQUESTS_A_MINUTE = 120
CLIENT = httpx.Client(cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())), timeout=20)
"""A program that keeps no cookies, so that its requests go to both."""
PIECES = ("The lamp ", "is repaired ", "by Ada ", "[1].")


@dataclass
class TwoProcesses:
    """``address``: nginx in front of both; ``ports`` of the processes themselves."""

    address: str
    ports: tuple[int, int]
    processes: dict[int, subprocess.Popen[bytes]]
    model: Provider

    def at(self, number: int) -> str:
        return f"http://127.0.0.1:{self.ports[number]}"

    def answered(self, number: int) -> int:
        """How many requests of the API one of them has had."""
        text = CLIENT.get(f"{self.at(number)}/metrics", headers=CARL).text
        return sum(int(float(count)) for count in re.findall(r'rag_http_requests_total\{route="/api/.*\} (\S+)', text))

    def cookie_of(self, number: int) -> str:
        """With it nginx passes everything to one of them."""
        for name in map(str, range(100)):
            before = self.answered(number)
            CLIENT.get(f"{self.address}/api/v1/conversations", headers={**ANNA, "Cookie": f"rag_process={name}"})
            if self.answered(number) > before:
                return name
        raise AssertionError("nothing leads there")

    def of_the_page(self) -> int:
        """The port of the process that holds an open page's connections; those of single requests are closed after seconds."""
        wait_until(lambda: len(self._connected()) == 1, 30)
        (found,) = self._connected()
        return found

    def _connected(self) -> set[int]:
        return {
            port
            for port, process in self.processes.items()
            for one in psutil.Process(process.pid).net_connections("tcp")
            if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port
        }


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, packaged_model: Path) -> Iterator[TwoProcesses]:
    require(NGINX, REDIS)
    folder = tmp_path_factory.mktemp("two")
    settings = Settings(data_dir=folder / "data", settle_seconds=0)
    settings.uploads.mkdir(parents=True)
    (settings.uploads / "lamp.txt").write_text("The lamp is repaired by Ada.")
    put_into(settings.data, packaged_model)
    text_lane(settings)
    with ExitStack() as started:
        redis = started.enter_context(Redis())
        portal = started.enter_context(start_blocking_portal())
        model = started.enter_context(portal.wrap_async_context_manager(provider(Reply(PIECES, delay_seconds=0.2))))
        ports = free_port(), free_port()
        processes = {port: _start(settings, port, redis, model) for port in ports}  # at the same moment, in an empty data folder
        started.callback(lambda: [(process.kill(), process.wait(10)) for process in processes.values()])
        doors = started.enter_context(proxy(tmp_path_factory.mktemp("nginx"), ports, free_port()))
        made = TwoProcesses(f"http://127.0.0.1:{doors[0]}", ports, processes, model)
        for port in ports:
            wait_until(lambda port=port: processes[port].poll() is not None or _is_healthy(port), 60)
        yield made


def _start(settings: Settings, port: int, redis: Redis, model: Provider) -> subprocess.Popen[bytes]:
    tokens = " ".join(f"{name}:read+write:{token}" for name, token in TOKENS.items())
    own = {
        "RAG_DATA_DIR": str(settings.data), "RAG_APP_PORT": str(port), "RAG_API_TOKENS": tokens, "RAG_CHAT_MODEL": "scripted",
        "OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "x", "RAG_REQUESTS_PER_MINUTE": str(REQUESTS_A_MINUTE),
        "RAG_RATE_LIMIT_URL": f"redis://127.0.0.1:{redis.port}/1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "ui"], cwd=settings.data, env=os.environ | own)


def _is_healthy(port: int) -> bool:
    try:
        return CLIENT.get(f"http://127.0.0.1:{port}/api/v1/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_login_and_a_conversation_are_good_at_both(two: TwoProcesses) -> None:
    entered = CLIENT.post(f"{two.at(0)}/login", data={"token": TOKENS["anna"]})
    session = {"Cookie": f"rag_session={entered.cookies['rag_session']}"}
    before = [two.answered(number) for number in (0, 1)]
    assert [CLIENT.get(f"{two.address}/api/v1/conversations", headers=session).status_code for _ in range(16)] == [200] * 16
    assert all(two.answered(number) > had for number, had in enumerate(before))
    begun = CLIENT.post(f"{two.at(0)}/api/v1/conversations", headers=session, json={}).json()["conversation_id"]
    for number, question in enumerate(("Who repairs the lamp?", "And when?")):
        asked = CLIENT.post(f"{two.at(number)}/api/v1/conversations/{begun}/ask", headers=session, json={"question": question})
        assert "by Ada" in asked.json()["answer"]
    assert "Who repairs the lamp?" in str(two.model.requests[-1])
    kept = CLIENT.get(f"{two.address}/api/v1/conversations/{begun}", headers=session).json()["messages"]
    assert [message["role"] for message in kept] == ["user", "assistant"] * 2


def test_an_answer_comes_through_the_proxy_as_it_is_written(two: TwoProcesses) -> None:
    question = {"question": "Who repairs the lamp?"}
    arrived: list[float] = []
    headers = {**ANNA, "Accept": "text/event-stream"}
    with CLIENT.stream("POST", f"{two.address}/api/v1/ask", headers=headers, json=question) as reply:
        assert "rag_process" in reply.cookies
        for line in reply.iter_lines():
            if line == "event: token":
                arrived.append(time.monotonic())
    assert len(arrived) >= len(PIECES) - 1
    assert arrived[-1] - arrived[0] > 0.3


def test_requests_are_counted_together(two: TwoProcesses) -> None:
    """Each of the two gets about half of what is sent, which is less than the limit."""
    started = time.monotonic()
    replies = [CLIENT.get(f"{two.address}/api/v1/conversations", headers=BEN) for _ in range(REQUESTS_A_MINUTE + 25)]
    let_in = [reply.status_code for reply in replies].count(200)
    refilled = REQUESTS_A_MINUTE / 60 * (time.monotonic() - started)
    assert REQUESTS_A_MINUTE <= let_in <= REQUESTS_A_MINUTE + 1 + refilled
    assert {reply.headers["Retry-After"] for reply in replies if reply.status_code == 429} == {"1"}


@needs(BROWSER)
def test_a_page_goes_on_at_the_other_process(two: TwoProcesses, page: Any) -> None:  # noqa: F811
    """Sent there by its cookie, and because its own was killed in the middle of an answer."""
    page.goto(two.address)
    page.fill("input[name=token]", TOKENS["carl"])
    page.keyboard.press("Enter")
    ask(page, "Who repairs the lamp?")
    comes_to(page, "#chat .turn .sources", 1)
    other = 1 - two.ports.index(two.of_the_page())
    page.context.add_cookies([{"name": "rag_process", "value": two.cookie_of(other), "url": two.address}])
    ask(page, "And when?")
    comes_to(page, "#chat .turn .sources", 2)
    assert "Who repairs the lamp?" in str(two.model.requests[-1])

    ask(page, "And where?")
    comes_to(page, "#chat .turn", 3)
    comes_to(page, "#chat .turn.live .answer", 1)  # the question is kept before the first word comes
    page.evaluate("window.isTheOneBefore = true")
    two.processes[two.ports[other]].send_signal(signal.SIGKILL)
    assert [CLIENT.get(f"{two.address}/api/v1/conversations", headers=CARL).status_code for _ in range(16)] == [200] * 16
    page.wait_for_function("!window.isTheOneBefore")  # it has said that the connection was lost, and loads itself again
    comes_to(page, "#chat .question", 3)  # in the same conversation
    comes_to(page, "#chat .turn .sources", 2)
    ask(page, "And why?")
    comes_to(page, "#chat .turn .sources", 3)


def ask(page: Any, question: str) -> None:  # noqa: F811
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")

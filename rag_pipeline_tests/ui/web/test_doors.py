"""What a door takes: from whom, how much, how often. Asked over real connections, by clients that announce their bodies and by such that
do not."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from pydantic import SecretStr

from rag_pipeline.access import digest_of
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline_tests.programs import REDIS, needs
from rag_pipeline_tests.servers import Redis
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from ui.web import rate_limit
from ui.web.rate_limit import RateLimit, cost_of

WRITER, READER = "token-that-may-write", "token-that-may-read"
ENTRIES = f"writer:read+write:sha256-{digest_of(WRITER)} reader:read:sha256-{digest_of(READER)}"
HUGE = 1 << 30
BLOCK = b"x" * (1 << 20)
SENT_BLOCKS = 48
FORM = "multipart/form-data; boundary=b"
FORM_BEGINS = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'

JSON = "application/json"
# path, token, content type, status where the length is announced, status where it is not
DOORS = [
    ("/login", None, FORM, 413, 413),
    ("/login", None, "application/x-www-form-urlencoded", 413, 413),
    ("/login/", None, FORM, 401, 401),
    ("/logout", None, FORM, 401, 401),
    ("/api/v1/health", None, FORM, 413, 404),
    ("/api/v1/ask", None, FORM, 401, 401),
    ("/api/v1/ask", READER, FORM, 413, 413),
    ("/api/v1/ask", READER, JSON, 413, 413),
    ("/api/v1/conversations", READER, FORM, 413, 413),
    ("/v1/chat/completions", READER, FORM, 413, 413),
    ("/mcp/", None, JSON, 401, 401),
    ("/mcp/", READER, JSON, 413, 413),
    ("/api/v1/documents", None, FORM, 401, 401),
    ("/api/v1/documents", READER, FORM, 413, 403),
    ("/api/v1/documents", WRITER, FORM, 413, 413),
    ("/gradio_api/upload", None, FORM, 401, 401),
    ("/gradio_api/upload", WRITER, FORM, 404, 404),
    ("/gradio_api/process_recording", WRITER, FORM, 404, 404),
    ("/gradio_api/component_server", WRITER, FORM, 404, 404),
    ("/gradio_api/run/predict", READER, JSON, 413, 413),
    ("/gradio_api/queue/join", READER, JSON, 413, 413),
    ("/upload", WRITER, FORM, 413, 404),
]


@pytest.fixture
def guarded(settings: Settings) -> Settings:
    return settings.model_copy(update={"api_tokens": Settings(api_tokens=ENTRIES).api_tokens, "max_file_bytes": 8 << 20})


@pytest.fixture
def address(guarded: Settings) -> Iterator[str]:
    with serving(guarded, ScriptedAnswerer()) as address:
        yield address


@pytest.fixture
def spilled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Says so for each form that went to disk: beyond a megabyte its files leave memory."""
    rolled: list[str] = []
    rollover = tempfile.SpooledTemporaryFile.rollover

    def noted(file: tempfile.SpooledTemporaryFile[bytes]) -> None:
        rolled.append("to disk")
        rollover(file)

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", noted)
    return rolled


def connect(address: str) -> http.client.HTTPConnection:
    parts = urlsplit(address)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)


def headers_of(token: str | None, content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, **({"Authorization": f"Bearer {token}"} if token else {})}


def announced(address: str, path: str, headers: dict[str, str]) -> int:
    """The status that comes back before a byte of the body was sent."""
    connection = connect(address)
    connection.request("POST", path, headers={**headers, "Content-Length": str(HUGE)})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def streamed(address: str, path: str, headers: dict[str, str]) -> int:
    """The status for a body whose length is not said, and that goes on until the server hangs up."""
    connection = connect(address)
    connection.putrequest("POST", path)
    for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for block in (FORM_BEGINS, *[BLOCK] * SENT_BLOCKS):
            connection.send(b"%x\r\n%b\r\n" % (len(block), block))
    except OSError:  # the server has answered and closed
        pass
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def test_what_is_announced_as_too_large_is_refused_before_it_is_sent(address: str) -> None:
    statuses = [announced(address, path, headers_of(token, kind)) for path, token, kind, *_ in DOORS]
    assert [(door[0], status) for door, status in zip(DOORS, statuses, strict=True)] == [(door[0], door[3]) for door in DOORS]


def test_what_goes_on_without_end_reaches_neither_memory_nor_disk(address: str, spilled: list[str]) -> None:
    for path, token, kind, _, status in DOORS:
        before = resident_bytes()
        assert (path, streamed(address, path, headers_of(token, kind))) == (path, status)
        assert resident_bytes() - before < SENT_BLOCKS * len(BLOCK) / 2, path
        assert not spilled or (path, token) == ("/api/v1/documents", WRITER), path
        spilled.clear()


def uploaded(address: str, token: str, blocks: int) -> httpx.Response:
    upload, headers = {"files": ("a.bin", BLOCK * blocks)}, {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{address}/api/v1/documents", headers=headers, files=upload, timeout=60)


def test_refusals_for_size_are_in_the_form_of_the_api(address: str) -> None:
    answer = uploaded(address, WRITER, 10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert "RAG_MAX_FILE_BYTES" in answer.json()["error"]["message"]


def test_a_reader_is_refused_before_his_upload_is_read(address: str, guarded: Settings, spilled: list[str]) -> None:
    assert uploaded(address, READER, 6).status_code == 403
    assert spilled == []
    assert uploaded(address, WRITER, 6).status_code == 201
    assert [file.stat().st_size for file in guarded.uploads.iterdir()] == [6 << 20]


def test_questions_on_the_page_count_as_much_as_those_by_the_api(guarded: Settings) -> None:
    few = guarded.model_copy(update={"requests_per_minute": 3})
    reader = {"Authorization": f"Bearer {READER}"}
    with serving(few, ScriptedAnswerer()) as address, httpx.Client(base_url=address, headers=reader) as client:
        assert [client.post("/gradio_api/queue/join", json={}).status_code for _ in range(5)] == [422, 422, 422, 429, 429]
        assert client.get("/theme.css").status_code == 200


async def test_an_open_page_uses_little_of_the_limit() -> None:
    limit, started = RateLimit(60), time.monotonic()
    small = cost_of("/gradio_api/run/predict")
    let_in = [await limit.wait_seconds("page", small) for _ in range(1400)].count(0)
    assert 1200 <= let_in <= 1201 + 20 * (time.monotonic() - started)
    assert await limit.wait_seconds("page", small) == 1
    assert await limit.wait_seconds("page", cost_of("/assets/a.js")) == 0


async def test_who_has_used_up_the_limit_is_told_when_the_next_request_fits() -> None:
    limit = RateLimit(6)
    assert [await limit.wait_seconds("anna") for _ in range(7)] == [0] * 6 + [10]
    assert await limit.wait_seconds("ben") == 0


@needs(REDIS)
async def test_requests_go_on_while_redis_is_gone_and_are_counted_together_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rate_limit, "AWAY_SECONDS", 0.3)
    with Redis() as redis:
        one, other = (RateLimit(2, SecretStr(f"redis://127.0.0.1:{redis.port}/1")) for _ in range(2))
        assert [await limit.wait_seconds("anna") for limit in (one, other, one)] == [0, 0, 30]
        assert await one.counts_together()
        redis.stop()
        assert [await limit.wait_seconds("anna") for limit in (one, other, one, other, one, other)] == [0, 0, 0, 0, 30, 30]
        assert not await one.counts_together()
        redis.start()
        await asyncio.sleep(0.4)
        assert [await limit.wait_seconds("anna") for limit in (one, other, one)] == [0, 0, 30]
        hanging = redis.process_id()
        os.kill(hanging, signal.SIGSTOP)
        started = time.monotonic()
        assert await asyncio.gather(*(one.wait_seconds(f"name {number}") for number in range(200))) == [0] * 200
        assert time.monotonic() - started < 30  # not half a second each
        os.kill(hanging, signal.SIGCONT)
    said = [record.message for record in caplog.records if record.name == rate_limit.__name__]
    assert len(said) == 5  # each of the two once that it is gone and once that it is back; then one that it hangs


@pytest.mark.parametrize("url", ["http://127.0.0.1/0", "redis://anna:hush@hush@127.0.0.1:x/1", "redis://hush:port/0"])
def test_an_address_that_is_no_redis_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(RagError, match="RAG_RATE_LIMIT_URL must name a Redis") as error:
        RateLimit(600, SecretStr(url))
    assert "hush" not in str(error.value)

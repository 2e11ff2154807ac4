import httpx
import pytest
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from rag_pipeline.access import is_loopback
from ui.web.security import Guard, host_name, is_foreign


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [("localhost:7860", "localhost"), ("[::1]:80", "::1"), ("EVIL.com", "evil.com"), ("a@127.0.0.1", ""), ("", ""), ("[::1", "")],
)
def test_host_name(header: str, expected: str) -> None:
    assert host_name(header) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"host": "127.0.0.1:7860"}, False),
        ({"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"}, False),
        ({"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:3000"}, True),
        ({"host": "127.0.0.1:7860", "origin": "null"}, True),
        ({"host": "127.0.0.1:7860", "origin": "http://["}, True),
        ({"host": "127.0.0.1:7860", "origin": "https://example.com"}, True),
        ({"host": "app", "origin": "https://app.example", "sec-fetch-site": "same-origin"}, False),
        ({"host": "127.0.0.1:7860", "sec-fetch-site": "cross-site"}, True),
        ({"host": "127.0.0.1:7860", "sec-fetch-site": "same-site"}, True),
    ],
)
def test_foreign_pages_are_told_apart(headers: dict[str, str], expected: bool) -> None:
    assert is_foreign(Headers(headers)) is expected


@pytest.mark.parametrize(("came_to", "status"), [("127.0.0.1", 204), ("::1", 204), ("10.0.0.5", 400)])
async def test_a_server_that_listens_at_more_than_the_setting_says_lets_nobody_in(came_to: str, status: int) -> None:
    """``uvicorn --host 0.0.0.0`` without ``RAG_HOST``: whoever comes over the network can call himself what he likes."""

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def at(scope: Scope, receive: Receive, send: Send) -> None:
        await Guard(inside, "127.0.0.1")({**scope, "server": (came_to, 7860)}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(at), base_url="http://localhost:7860") as client:
        assert (await client.get("/")).status_code == status

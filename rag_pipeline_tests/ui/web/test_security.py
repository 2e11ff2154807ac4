import pytest
from starlette.datastructures import Headers

from rag_pipeline.access import is_loopback
from ui.web.security import host_name, is_foreign


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

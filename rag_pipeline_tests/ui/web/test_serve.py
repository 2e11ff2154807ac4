"""``python -m ui`` as a process: starts, answers, ends in good order, explains what keeps it from starting."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rag_pipeline.doctor import _services
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import free_port
from rag_pipeline_tests.waiting import wait_until
from ui.web.app import create_api

ROOT = Path(__file__).parents[3]


@contextmanager
def app(tmp_path: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAG_DATA_DIR": str(tmp_path / "data"), **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", "ui"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        return httpx.get(f"http://{host}:{port}/api/v1/health").status_code == 200
    except httpx.TransportError:
        return False


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "addresses", "number"), [("::1", ["[::1]"], signal.SIGTERM), ("::", ["[::1]", "127.0.0.1"], signal.SIGINT)]
)
def test_it_listens_on_ipv6_and_a_signal_ends_it_quietly_even_while_a_page_is_open(
    tmp_path: Path, host: str, addresses: list[str], number: signal.Signals
) -> None:
    """One start for both, which is most of the work."""
    if not has_ipv6():
        host, addresses = "127.0.0.1", ["127.0.0.1"]
    port, headers = free_port(), {"Authorization": "Bearer a-long-enough-secret"}
    with app(tmp_path, RAG_HOST=host, RAG_APP_PORT=str(port), RAG_API_TOKENS="a-long-enough-secret") as process:
        wait_until(lambda: answers(port, addresses[0]) or process.poll() is not None, 120)
        for address in addresses:
            assert answers(port, address)
        listens_on_ipv6 = has_ipv6() and _holds_of_ipv6(port, host, headers)
        with httpx.stream("GET", f"http://{addresses[0]}:{port}/progress/events", headers=headers) as open_page:
            assert open_page.status_code == 200
            process.send_signal(number)
            output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    if not listens_on_ipv6:
        pytest.skip("this machine has no IPv6")


def _holds_of_ipv6(port: int, host: str, headers: dict[str, str]) -> bool:
    assert httpx.get(f"http://[::1]:{port}/api/v1/documents", headers=headers).status_code == 200
    foreign = httpx.get(f"http://[::1]:{port}/api/v1/health", headers={"Host": "evil.example"})
    assert foreign.status_code == (400 if host == "::1" else 200)
    services = {finding.subject: finding for finding in _services(Settings(host=host, app_port=port))}
    assert (services["app"].state, services["app"].detail) == ("ok", f"http://[{host}]:{port}")
    return True


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, app(tmp_path, RAG_APP_PORT=str(taken.getsockname()[1])) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "RAG_APP_PORT" in output
    assert "Traceback" not in output


def test_a_bad_setting_is_explained(tmp_path: Path) -> None:
    with app(tmp_path, RAG_APP_PORT="a port") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "RAG_APP_PORT" in output
    assert "Traceback" not in output


async def test_the_app_for_several_workers_is_the_api_without_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``uvicorn ui.web.app:create_api --factory --workers 4`` makes in each of them."""
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    transport = httpx.ASGITransport(create_api())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/", headers={"Accept": "text/html"})).status_code == 404
        assert (await client.post("/api/v1/conversations", json={})).status_code == 201
    monkeypatch.setenv("RAG_RATE_LIMIT_URL", "http://127.0.0.1")
    with pytest.raises(RagError, match="RAG_RATE_LIMIT_URL"):
        create_api()


def test_gradio_writes_nothing_beside_its_modules() -> None:
    """Each start of the app would do it again; a Gradio that has moved the function is noticed here."""
    from gradio import component_meta

    assert component_meta.create_or_modify_pyi.__module__ == "ui.gradio_without_stubs"

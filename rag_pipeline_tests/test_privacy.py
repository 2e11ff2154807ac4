"""Nothing leaves the machine: ingest, search and ask with every connection recorded, in every process that Python starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import certifi
import httpx
import pytest

from rag_pipeline.privacy import client_without_tls

RECORDER = """
import os, sys

def record(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        target = address[0] if isinstance(address, tuple) else str(address)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        target = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
    else:
        return
    local = target in ("127.0.0.1", "::1", "localhost", "None", "0.0.0.0") or target.startswith(("/", "\\\\x00", "b'\\\\x00"))
    with open(os.environ["CONNECTION_LOG"], "a") as log:
        log.write(("local " if local else "OUTSIDE ") + event + " " + target + "\\n")
    if not local:
        raise OSError("connections beyond this machine are forbidden in this test: " + target)

sys.addaudithook(record)
"""

# One document of each kind: each library that reads one gets its chance to call home.
HTML = (
    '<html><head><link rel="stylesheet" href="http://canary.invalid/a.css"></head><body><h1>Title</h1><p>Html speaks of zebras.</p>'
    '<img src="http://canary.invalid/pixel.png"></body></html>'
)


@pytest.fixture
def recorded(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(RECORDER)
    settings = {"RAG_DATA_DIR": str(tmp_path / "data"), "RAG_SETTLE_SECONDS": "0"}
    places = {"PYTHONPATH": str(tmp_path / "site"), "CONNECTION_LOG": str(tmp_path / "connections.log")}
    # A fresh home: nothing cached, no switch set by an earlier run, none of the switches that the tests themselves set.
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")}
    return {**kept, **settings, **places, "HOME": str(tmp_path / "home")}


def rag(environment: dict[str, str], *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "rag_pipeline", *arguments], env=environment, capture_output=True, text=True, timeout=250
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def write_documents(folder: Path) -> None:
    from docx import Document
    from openpyxl import Workbook
    from pptx import Presentation

    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("Text speaks of zebras.")
    (folder / "b.html").write_text(HTML)
    (folder / "c.md").write_text("# Markdown\n\n![x](http://canary.invalid/x.png) zebras\n")
    (folder / "d.eml").write_text("From: a@b.invalid\nTo: c@d.invalid\nSubject: Zebras\n\nMail speaks of zebras.\n")
    document = Document()
    document.add_paragraph("Word speaks of zebras.")
    document.save(str(folder / "e.docx"))
    presentation = Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[0]).shapes.title.text = "Slides speak of zebras."
    presentation.save(str(folder / "f.pptx"))
    workbook = Workbook()
    workbook.active.append(["animal", "zebra"])
    workbook.active.append(["count", 3])
    workbook.save(folder / "g.xlsx")


@pytest.mark.timeout(600)
def test_ingest_search_and_ask_open_no_connection_beyond_this_machine(tmp_path: Path, recorded: dict[str, str]) -> None:
    write_documents(tmp_path / "data" / "uploads")
    rag(recorded, "ingest")
    states = {row["document"]: row["state"] for row in json.loads(rag(recorded, "status", "--json"))}
    assert len(states) == 7
    assert set(states.values()) == {"indexed"}
    assert json.loads(rag(recorded, "search", "zebras", "--json"))
    assert not json.loads(rag(recorded, "ask", "What speaks of zebras?", "--json"))["refused"]
    log = tmp_path / "connections.log"
    outside = [line for line in log.read_text().splitlines() if line.startswith("OUTSIDE")] if log.exists() else []
    assert outside == []


def test_the_recorder_sees_connections(tmp_path: Path, recorded: dict[str, str]) -> None:
    """Without this the test above could pass for the wrong reason."""
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    result = subprocess.run([sys.executable, "-c", code], env=recorded, capture_output=True, text=True)
    assert "forbidden in this test" in result.stderr
    assert "OUTSIDE socket" in (tmp_path / "connections.log").read_text()


async def test_a_client_for_this_machine_reads_no_authorities_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> str:
        raise AssertionError("authorities were read")

    monkeypatch.setattr(certifi, "where", read)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for variable in ("SSL_CERT_DIR", "SSL_CERT_FILE"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(AssertionError, match="authorities"):
        httpx.AsyncClient()
    async with client_without_tls(2.0) as client:
        assert client.timeout.read == 2.0
        assert not client.follow_redirects
        assert not client.trust_env

"""What a page's addresses stream, by WebSockets: the same, to the same readers."""

import json

import httpx
import pytest
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from rag_pipeline.access import new_token
from rag_pipeline.ingestion.steps.source_documents import update_documents
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from ui.api import progress


def socket_of(address: str, path: str = "/progress/events", **headers: str) -> ClientConnection:
    return connect(address.replace("http", "ws") + path, additional_headers=headers, open_timeout=30)


def test_a_socket_says_what_the_address_streams(settings: Settings) -> None:
    (settings.uploads / "größe.txt").write_text("The keeper is called Ansgar.")
    update_documents(Workspace(settings, "default"))
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address, socket_of(address) as socket:
        with httpx.stream("GET", f"{address}/progress/events", timeout=30) as streamed:
            assert bytes(socket.recv(30)) == next(streamed.iter_bytes())
        (settings.uploads / "b.txt").write_text("The keeper is called Ansgar.")
        update_documents(Workspace(settings, "default"))
        assert b"0 of 2 documents" in bytes(socket.recv(30))


def test_one_that_is_over_ends_well_and_one_that_broke_off_does_not(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.pauses_path.write_text("damaged")
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address:
        with socket_of(address) as socket:
            assert bytes(socket.recv(30)).startswith(b"event: failed\n")
            with pytest.raises(ConnectionClosedOK):
                socket.recv(30)
        monkeypatch.setattr(progress, "RagError", KeyError)
        with socket_of(address) as socket, pytest.raises(ConnectionClosedError):
            socket.recv(30)


def test_who_may_not_read_opens_none(settings: Settings) -> None:
    token, entry = new_token("r", ["read"], [])
    shared = settings.model_copy(update={"api_tokens": SecretStr(entry)})
    known = {"Authorization": f"Bearer {token}"}
    with serving(shared, ScriptedAnswerer(), with_pages=False) as address:
        with socket_of(address, **known) as socket:
            assert "bars" in json.loads(bytes(socket.recv(30)).partition(b"data: ")[2])
        for path, headers in (
            ("/progress/events", {}),
            ("/progress/events", {**known, "Sec-Fetch-Site": "cross-site"}),
            ("/progress/events", {**known, "Origin": "http://elsewhere.example"}),
            ("/api/v1/ingestion/events", known),
            ("/gradio_api/queue/data", known),
        ):
            with pytest.raises(InvalidStatus):
                socket_of(address, path, **headers)

"""No question and no citation opens the catalog: a run that writes keeps it to itself, for as long as it takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_pipeline.access import Access
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog
from rag_pipeline.stores.catalog.contract import CatalogBusyError
from rag_pipeline_tests.ui.conftest import serving
from rag_pipeline_tests.ui.documents import make_pdf
from ui.web.services import build_services

HOLDER = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


@contextmanager
def written_by_another_process(catalog: Path) -> Iterator[None]:
    """As a run does it: while a process has a DuckDB file open for writing, no other can open it."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(catalog)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            with pytest.raises(CatalogBusyError):
                Catalog(catalog, lock_wait_seconds=0).collections()
            yield
        finally:
            holder.kill()


@pytest.fixture
def indexed(settings: Settings, ingest: Callable[..., object]) -> Settings:
    folder = settings.uploads / "shop" / "prices"
    folder.mkdir(parents=True)
    (folder / "bikes.pdf").write_bytes(make_pdf(["Bicycles", "A new chain costs twelve euros.", "Ask Tobias for it."]))
    (settings.uploads / "shop" / "lamp.txt").write_text("The lamp in the hall was repaired by Ada in March.")
    ingest("shop")
    return settings


def answered(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask_and_look(client: httpx.Client) -> None:
    """A question, filtered ones, a stream, other programs' questions, and all that a citation opens."""
    question = {"question": "What does a new chain cost?"}
    narrowed = {**question, "filter": {"folder": "prices", "types": ["pdf"], "since": "2000-01-01T00:00:00"}}
    cited = answered(client.post("/api/v1/ask", json=question))["citations"][0]
    assert cited["document"] == "prices/bikes.pdf"
    found = answered(client.post("/api/v1/search", json=narrowed))["hits"]
    assert {hit["document"] for hit in found} == {"prices/bikes.pdf"}
    assert answered(client.post("/api/v1/search", json={**question, "filter": {"before": "2000-01-01T00:00:00"}}))["hits"] == []
    assert answered(client.post("/api/v1/ask", json={**narrowed, "collections": ["shop"]}))["citations"]
    stream = client.post("/api/v1/ask", json=question, headers={"accept": "text/event-stream"}).text
    assert "event: answered" in stream
    assert [one["id"] for one in answered(client.get("/v1/models"))["data"]] == ["all", "shop"]
    chat = {"model": "shop", "messages": [{"role": "user", "content": question["question"]}]}
    assert answered(client.post("/v1/chat/completions", json=chat))["choices"][0]["message"]["citations"]
    assert answered(client.get("/api/v1/ready"))["ready"]
    open_citation(client, f"/passages/{cited['collection']}/{cited['chunk_id']}")


def open_citation(client: httpx.Client, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200, page.text
    assert "Page 1 of 1" in page.text
    picture, original = (page.text.split(before)[1].split('"')[0].replace("&amp;", "&") for before in ('<img src="', '· <a href="'))
    assert client.get(picture).headers["content-type"] == "image/png"
    assert client.get(original).headers["content-type"] == "application/pdf"
    assert client.get(f"{address[:-12]}000000000000").status_code == 404  # of a conversation of long ago


async def test_questions_and_citations_do_without_the_catalog(indexed: Settings) -> None:
    with serving(indexed, with_pages=False) as address, httpx.Client(base_url=address, timeout=60) as client:
        with written_by_another_process(indexed.catalog_path):
            ask_and_look(client)
            guest = Access("guest", frozenset({"read"}), ("shop",), "")
            assert (await build_services(indexed).scope_of(guest)).collections == ("shop",)
        indexed.catalog_path.unlink()
        ask_and_look(client)

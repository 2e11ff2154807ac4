"""What only a server has: being unreachable, refusing, failing, and litter that another machine may still be writing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from qdrant_client import QdrantClient

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import SearchQuery, open_index
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.server import ServerIndex, connect
from rag_pipeline.stores.vectors.server_requests import create_collection
from rag_pipeline_tests.stores.vectors.conftest import DIMENSION, change, hits, points


@pytest.fixture
def refusing_server() -> Iterator[ThreadingHTTPServer]:
    class Refuse(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = self.server.status  # type: ignore[attr-defined]
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"status": {"error": "no"}}).encode())

        do_POST = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def at(server: ThreadingHTTPServer) -> ServerIndex:
    return connect(f"http://127.0.0.1:{server.server_address[1]}", "secret-key")


def test_an_unreachable_server_is_named_by_its_setting() -> None:
    index = connect("http://127.0.0.1:9", None)
    for ask in (lambda: index.manifest("c"), index.collections, lambda: hits(index, "c", SearchQuery(text="x")), lambda: index.drop("c")):
        with pytest.raises(TransientError, match="RAG_QDRANT_URL"):
            ask()
    with pytest.raises(TransientError, match="RAG_QDRANT_URL"):
        index.publish(change("c", points("a.md", "foxes run")))


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
@pytest.mark.parametrize(("status", "words"), [(401, "RAG_QDRANT_API_KEY"), (403, "RAG_QDRANT_API_KEY"), (500, "log"), (400, "400")])
def test_refusals_are_plain_words_without_the_key(refusing_server: ThreadingHTTPServer, status: int, words: str) -> None:
    refusing_server.status = status  # type: ignore[attr-defined]
    with pytest.raises(RagError, match=words) as caught:
        at(refusing_server).manifest("c")
    assert "secret-key" not in str(caught.value)
    assert isinstance(caught.value, TransientError) == (status == 500)


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_missing_collection_is_nothing_published(refusing_server: ThreadingHTTPServer) -> None:
    refusing_server.status = 404  # type: ignore[attr-defined]
    assert at(refusing_server).manifest("c") is None


def test_the_settings_choose_the_engine() -> None:
    assert isinstance(open_index(Settings.model_validate({"qdrant_url": "http://localhost:6333"})), ServerIndex)
    assert isinstance(open_index(Settings.model_validate({})), EdgeIndex)


def test_only_old_unpublished_versions_are_litter() -> None:
    client = QdrantClient(":memory:")
    index = ServerIndex(client)
    published = index.publish(change("c", points("a.md", "foxes run")))
    (name,) = index._versions("c")
    start = name.removesuffix(published.version)
    old = f"{datetime.now(UTC) - timedelta(days=2):%Y%m%dT%H%M%S%f}-abcdef"
    new = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-abcdef"
    for version in (old, new):
        create_collection(client, start + version, DIMENSION)
    after = index.publish(change("c", points("b.md", "owls sleep")))
    assert set(index._versions("c")) == {name, start + new, start + after.version}


def test_versions_before_the_previous_one_are_deleted() -> None:
    index = ServerIndex(QdrantClient(":memory:"))
    made = [index.publish(change("c", points("a.md", text))).version for text in ("one", "two", "three", "four")]
    assert sorted(name.rpartition("__")[2] for name in index._versions("c")) == made[2:]

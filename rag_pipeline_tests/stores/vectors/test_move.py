"""From the embedded index to a server and back: nothing is lost, nothing is made again, nothing of others is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rag_pipeline.cli.commands import cli
from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.models import IndexedChunk
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import SearchQuery, VectorIndex
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.move import move
from rag_pipeline.stores.vectors.server import connect
from rag_pipeline_tests.stores.vectors.conftest import change, points
from rag_pipeline_tests.stores.vectors.qdrant_over_http import Fault, QdrantOverHttp

QUERY = SearchQuery(dense=[1, 0.5, 0, 0], text="foxes owls", top_k=50)


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[QdrantOverHttp]:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.requests._back_off", lambda state: 0.0)
    server = QdrantOverHttp()
    yield server
    server.stop()


@pytest.fixture
def embedded(tmp_path: Path) -> EdgeIndex:
    index = EdgeIndex(tmp_path / "data" / "index")
    index.publish(change("c", points("a.md", "foxes run", "owls sleep"), points("gone.md", "bees"), documents=2))
    index.publish(change("c", points("b.md", "foxes hide", words_only=True), removed=["key-gone.md"], documents=2))
    index.publish(change("Ärger & 🎉", points("d.md", "owls", vector=[0, 1, 0, 0]), model="model-b"))
    return index


def answers(index: VectorIndex) -> dict[str, Any]:
    def one(collection: str) -> Any:
        found = index.candidates(collection, QUERY)
        cosines = [None if item.cosine is None else round(item.cosine, 2) for item in found]  # kept with 16 bits or 32
        return [(item.hit.chunk_id, item.hit.text, round(item.score, 6), item.words) for item in found], cosines

    return {name: (one(name), index.revisions(name), manifest.vectors) for name, manifest in index.manifests().items()}


def rag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> Result:
    monkeypatch.chdir(tmp_path)
    return CliRunner().invoke(cli, arguments, env={"RAG_DATA_DIR": str(tmp_path / "data"), "RAG_QDRANT_URL": "", **environment})


def test_there_and_back_again(embedded: EdgeIndex, http: QdrantOverHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = rag(tmp_path, monkeypatch, "move", "--to", http.url)
    assert there.exit_code == 0, there.output
    assert "c: 2 documents, 3 passages\n" in there.output
    assert f"Set RAG_QDRANT_URL={http.url} and start again" in there.output
    server = connect(Settings.model_validate({"qdrant_url": http.url}))
    assert answers(server) == answers(embedded)
    again = rag(tmp_path, monkeypatch, "move", "--to", http.url)
    assert again.output.count("there already") == 2
    other = {"RAG_DATA_DIR": str(tmp_path / "other"), "RAG_QDRANT_URL": http.url}
    back = rag(tmp_path, monkeypatch, "move", "--to", "embedded", **other)
    assert back.exit_code == 0, back.output
    assert "Unset RAG_QDRANT_URL" in back.output
    assert answers(EdgeIndex(tmp_path / "other" / "index")) == answers(embedded)
    assert "there is nothing to move" in rag(tmp_path, monkeypatch, "move", "--to", "embedded").output
    assert "No collection is named 'x'" in rag(tmp_path, monkeypatch, "move", "--to", http.url, "-c", "x").output


def test_what_is_there_and_another_one_is_not_lost_unasked(embedded: EdgeIndex, http: QdrantOverHttp) -> None:
    server = connect(Settings.model_validate({"qdrant_url": http.url}))
    server.publish(change("c", points("theirs.md", "wolves"), model="model-b"))
    before = answers(server)
    with pytest.raises(RagError, match=r"'c' is there already, and it is another one: 1 document.*--overwrite"):
        list(move(embedded, server))
    assert answers(server) == before
    assert [moved.manifest.collection for moved in move(embedded, server, ["Ärger & 🎉"])] == ["Ärger & 🎉"]
    assert {moved.manifest.collection: moved.copied for moved in move(embedded, server, overwrite=True)} == {"c": True, "Ärger & 🎉": False}
    assert answers(server) == answers(embedded)


def test_a_move_that_breaks_off_leaves_nothing_half_and_is_repeated(embedded: EdgeIndex, http: QdrantOverHttp) -> None:
    before = answers(embedded)
    for number in range(0, 100, 5):
        server = connect(Settings.model_validate({"qdrant_url": http.url}))
        http.faults = [*[None] * number, Fault(status=400)]
        copied = []
        with suppress(RagError):
            copied = [moved.copied for moved in move(embedded, server)]
        http.faults = []
        assert answers(embedded) == before
        assert {name: found for name, found in answers(server).items() if found != before[name]} == {}
        if copied:
            break
    assert number > 20
    assert answers(server) == before


def test_what_is_published_while_it_is_copied_is_not_called_copied(embedded: EdgeIndex, http: QdrantOverHttp) -> None:
    class Changing(EdgeIndex):
        def chunks(self, collection: str) -> Iterator[list[IndexedChunk]]:
            yield from list(super().chunks(collection))[:1]

    server = connect(Settings.model_validate({"qdrant_url": http.url}))
    with pytest.raises(TransientError, match="2 of 3 passages"):
        list(move(Changing(embedded._root), server, ["c"]))
    assert server.collections() == []

"""What only a server has: requests that fail or are the last ones, other writers, other installations, other servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings, strategies
from qdrant_client import QdrantClient, models

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import CollectionNotIndexedError, DamagedIndexError, IndexChange, SearchQuery, VectorIndex, open_index
from rag_pipeline.stores.vectors import server as server_module
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.server import ServerIndex, connect
from rag_pipeline.stores.vectors.server_manifests import Manifests
from rag_pipeline.stores.vectors.server_names import ServerOptions, earlier_versions, manifest_id
from rag_pipeline.stores.vectors.server_points import seen_by
from rag_pipeline.stores.vectors.server_requests import Server
from rag_pipeline_tests.stores.vectors.conftest import DIMENSION, change, hits, points
from rag_pipeline_tests.stores.vectors.qdrant_over_http import Fault, QdrantOverHttp

ALL = SearchQuery(dense=[1, 0.5, 0, 0], text="foxes owls bees wolves", top_k=100)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server_requests._back_off", lambda state: 0.0)


@pytest.fixture
def http() -> Iterator[QdrantOverHttp]:
    server = QdrantOverHttp()
    yield server
    server.stop()


def at(server: QdrantOverHttp, **wanted: Any) -> ServerIndex:
    return connect(Settings.model_validate({"qdrant_url": server.url, **wanted}))


def seen(index: VectorIndex, collection: str = "c") -> list[tuple[str, str, float, float | None]]:
    """All that a reader finds: what scores by words and by meaning, as many as there are by the manifest."""
    try:
        found = [(one.hit.document, one.hit.text, round(one.hit.score, 6), one.cosine) for one in index.candidates(collection, ALL)]
    except CollectionNotIndexedError:
        return []
    assert len(found) == index.count(collection)
    assert {document for document, *_ in found} == {key.removeprefix("key-") for key in index.revisions(collection)}
    return found


# What a writer that is killed at any request leaves.


class KilledError(BaseException):
    """The writer's process ends here."""


class Mortal:
    """Lets a process live for so many requests; the last one is carried out or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.carried_out = False
        send = Server.send

        def mortal(server: Server, request: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            if self.left == 0:
                if self.carried_out:
                    send(server, request, *arguments, **options)
                raise KilledError
            self.left = None if self.left is None else self.left - 1
            return send(server, request, *arguments, **options)

        monkeypatch.setattr(Server, "send", mortal)

    def deaths(self, act: Callable[[], object]) -> bool:
        """Whether ``act`` is killed before it is over."""
        try:
            act()
        except KilledError:
            return True
        finally:
            self.left = None
        return False


def first(index: ServerIndex) -> None:
    index.publish(change("c", points("a.md", "foxes run"), points("b.md", "owls sleep", "owls eat"), documents=2))


def replaced() -> IndexChange:
    return change("c", points("a.md", "foxes hide"), points("d.md", "bees hum"), removed=["key-a.md", "key-b.md"], documents=2)


ACTS: dict[str, tuple[Callable[[ServerIndex], object], Callable[[ServerIndex], object]]] = {
    "the first publication": (lambda index: None, lambda index: index.publish(replaced())),
    "a change": (first, lambda index: index.publish(replaced())),
    "from scratch": (first, lambda index: index.publish(replace(replaced(), from_scratch=True))),
    "another model": (first, lambda index: index.publish(change("c", points("a.md", "wolves"), scratch=True, model="model-b"))),
    "after a rollback": (
        lambda index: (
            (first(index), index.publish(change("c", points("e.md", "wolves", "bees"), removed=["key-a.md"]))) and index.rollback("c")
        ),
        lambda index: index.publish(replaced()),
    ),
    "a rollback": (lambda index: (first(index), index.publish(replaced())), lambda index: index.rollback("c")),
    "dropping": (lambda index: (first(index), index.publish(replaced())), lambda index: index.drop("c")),
    "tidying": (
        lambda index: [index.publish(change("c", points(f"{number}.md", "foxes"), documents=number)) for number in range(10)],
        lambda index: index.tidy("c"),
    ),
}


@pytest.mark.parametrize("carried_out", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("name", ACTS)
def test_whoever_is_killed_at_any_request_leaves_a_whole_version_and_is_completed(
    name: str, carried_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server_writing.READERS_TAKE_SECONDS", 0.0)
    prepare, act = ACTS[name]
    before, after = undisturbed(prepare), undisturbed(prepare, act)
    instead, later = undisturbed(prepare, follow), undisturbed(prepare, act, follow)
    mortal = Mortal(monkeypatch)
    for killed_at in range(100):
        client = QdrantClient(":memory:")
        index, reader = ServerIndex(client), ServerIndex(client)
        prepare(index)
        mortal.left, mortal.carried_out = killed_at, carried_out
        if not mortal.deaths(partial(act, index)):
            break
        now = seen(reader)
        assert now in (before, after), killed_at
        if killed_at % 2 and now == before:  # the same is done again, or something else follows
            now = after
            act(ServerIndex(client))
            assert seen(reader) == after, killed_at
        follow(ServerIndex(client))
        assert seen(reader) == (later if now == after else instead), killed_at
        ServerIndex(client).tidy("c")
        assert litter(client) == [], killed_at
    assert 1 < killed_at < 99


def undisturbed(*steps: Callable[[ServerIndex], object]) -> list[tuple[str, str, float, float | None]]:
    index = ServerIndex(QdrantClient(":memory:"))
    for step in steps:
        step(index)
    return seen(index)


def litter(client: QdrantClient) -> list[object]:
    """What is on the server and no kept version needs."""
    manifests = Manifests(Server(client), ServerOptions())
    records, _ = manifests.read_all()
    needed: set[object] = {manifest_id(name) for name in records}
    for record in records.values():
        needed |= {part.id for version in record.kept for part in version.parts}
        for version in record.kept:
            needed |= {point.id for point in client.scroll(version.points, seen_by(version, record), limit=1000)[0]}
    names = [item.name for item in client.get_collections().collections]
    return [(name, point.payload) for name in names for point in client.scroll(name, limit=1000)[0] if point.id not in needed]


def follow(index: ServerIndex) -> None:
    current = index.manifest("c")
    index.publish(change("c", points("z.md", "wolves"), documents=9, model=current.embedding_model if current else "model-a"))


WILD = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["publish", "publish", "publish", "killed", "rollback", "scratch", "tidy"]),
        strategies.sets(strategies.integers(0, 4), max_size=2),
        strategies.dictionaries(strategies.integers(0, 4), strategies.booleans(), max_size=3),
        strategies.integers(0, 12),
    ),
    min_size=2,
    max_size=8,
)


@given(course=WILD, readers_take=strategies.sampled_from([0.0, 60.0]))
@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_any_course_answers_as_the_embedded_index_does(
    tmp_path_factory: pytest.TempPathFactory, course: list[tuple[str, set[int], dict[int, bool], int]], readers_take: float
) -> None:
    """Which passages, in which order, with which scores, words and cosines; and which version is the one before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rag_pipeline.stores.vectors.server_writing.READERS_TAKE_SECONDS", readers_take)
        mortal = Mortal(patch)
        embedded, client = EdgeIndex(tmp_path_factory.mktemp("index")), QdrantClient(":memory:")
        for number, (what, removed, added, killed_at) in enumerate(course):
            server = ServerIndex(client)
            written = [points(f"{n}.md", f"foxes of {number}", f"owl {n}", words_only=words) for n, words in added.items()]
            wanted = change("c", removed=[f"key-{n}.md" for n in removed | added.keys()], documents=5, scratch=what == "scratch")
            publish = [partial(index.publish, replace(wanted, chunks=written)) for index in (embedded, server)]
            rollback = [partial(index.rollback, "c") for index in (embedded, server)]
            if what == "killed":
                before = server.manifest("c")
                mortal.left, mortal.carried_out = killed_at, number % 2 == 0
                if mortal.deaths(publish[1]) and server.manifest("c") == before:
                    continue
                publish[0]()
            else:
                for act in {"rollback": rollback if embedded.previous("c") and server.previous("c") else [], "tidy": []}.get(what, publish):
                    act()
            for index in (embedded, server):
                index.tidy("c")
            assert_alike(embedded, server)
        embedded.close()


def assert_alike(embedded: EdgeIndex, server: ServerIndex) -> None:
    one, other = embedded.manifest("c"), server.manifest("c")
    if one is None or other is None:
        assert one is other is None
        return
    assert (one.chunks, one.vectors) == (other.chunks, other.vectors)
    assert embedded.revisions("c") == server.revisions("c")
    for query in (ALL, SearchQuery(text="owl 3 of 1", top_k=3, prefetch=100), SearchQuery(dense=[1, 1, 0, 0], documents=("1.md", "2.md"))):
        expected, found = embedded.candidates("c", query), server.candidates("c", query)
        assert [(o.hit.chunk_id, o.hit.text, o.words) for o in found] == [(o.hit.chunk_id, o.hit.text, o.words) for o in expected]
        assert [o.hit.score for o in found] == pytest.approx([o.hit.score for o in expected], abs=1e-6)
        assert [o.cosine for o in found] == pytest.approx([o.cosine for o in expected], abs=1e-6)

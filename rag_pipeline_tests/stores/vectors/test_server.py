"""What only a server has: requests that fail or are the last ones, other writers, other installations, other servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, given, settings, strategies
from qdrant_client import QdrantClient, models

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors import CollectionNotIndexedError, DamagedIndexError, IndexChange, SearchQuery, VectorIndex, open_index
from rag_pipeline.stores.vectors.edge import EdgeIndex
from rag_pipeline.stores.vectors.server import ServerIndex, connect
from rag_pipeline.stores.vectors.server import index as server_module
from rag_pipeline.stores.vectors.server.manifests import Manifests
from rag_pipeline.stores.vectors.server.names import ServerOptions, earlier_versions, manifest_id
from rag_pipeline.stores.vectors.server.points import seen_by
from rag_pipeline.stores.vectors.server.requests import Server
from rag_pipeline_tests.stores.vectors.conftest import DIMENSION, change, hits, points
from rag_pipeline_tests.stores.vectors.qdrant_over_http import Fault, QdrantOverHttp

ALL = SearchQuery(dense=[1, 0.5, 0, 0], text="foxes owls bees wolves", top_k=100)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.requests._back_off", lambda state: 0.0)


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
        found = [(one.hit.document, one.hit.text, round(one.score, 6), one.cosine) for one in index.candidates(collection, ALL)]
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


LOST = [
    (name, lost) for name in ACTS for lost in (("request", "answer") if name in ("a change", "after a rollback") else ("one or other",))
]


@pytest.mark.parametrize(("name", "lost"), LOST)
def test_whoever_is_killed_at_any_request_leaves_a_whole_version_and_is_completed(
    name: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.writing.READERS_TAKE_SECONDS", -2.0)
    prepare, act = ACTS[name]
    before, after = undisturbed(prepare), undisturbed(prepare, act)
    instead, later = undisturbed(prepare, follow), undisturbed(prepare, act, follow)
    mortal = Mortal(monkeypatch)
    for killed_at in range(100):
        client = QdrantClient(":memory:")
        index, reader = ServerIndex(client), ServerIndex(client)
        prepare(index)
        mortal.left, mortal.carried_out = killed_at, lost == "answer" or (lost != "request" and killed_at // 2 % 2 == 0)
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


@given(course=WILD, readers_take=strategies.sampled_from([-2.0, 60.0]))
@settings(max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_any_course_answers_as_the_embedded_index_does(
    tmp_path_factory: pytest.TempPathFactory, course: list[tuple[str, set[int], dict[int, bool], int]], readers_take: float
) -> None:
    """Which passages, in which order, with which scores, words and cosines; and which version is the one before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rag_pipeline.stores.vectors.server.writing.READERS_TAKE_SECONDS", readers_take)
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
        assert [o.score for o in found] == pytest.approx([o.score for o in expected], abs=1e-6)
        assert [o.cosine for o in found] == pytest.approx(
            [o.cosine for o in expected], abs=2e-3
        )  # 16 bits there, and 32 in the client's memory


# Several at once.


def test_readers_see_one_whole_version_while_others_are_published(http: QdrantOverHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.writing.READERS_TAKE_SECONDS", 0.5)
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.search.LONGEST_SECONDS", 0.4)
    index, over = at(http), threading.Event()
    found: list[list[str]] = []

    def generation(number: int) -> IndexChange:
        documents = [points(f"{n}.md", f"foxes of {number}") for n in range(5)]
        return change("c", *documents, removed=[f"key-{n}.md" for n in range(5)], documents=5)

    def read() -> None:
        reader = at(http)
        while not over.is_set():
            with suppress(TransientError):  # on a busy machine .4 s are over before an answer: it is told so, and sees no half version
                found.append(sorted(hit.text for hit in hits(reader, "c", ALL)))
            over.wait(0.02)

    index.publish(generation(0))
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 9):
        index.publish(generation(number))
        over.wait(1.6 if number in (3, 5) else 0)  # then the next deletes what is not kept
        index.tidy("c")
    over.set()
    for reader in readers:
        reader.join()
    assert all(texts == [texts[0]] * 5 for texts in found)
    assert len({texts[0] for texts in found}) > 2


def test_of_two_writers_one_is_told_and_nothing_of_it_is_seen() -> None:
    client = QdrantClient(":memory:")
    index, other = ServerIndex(client), ServerIndex(client)
    first(index)

    def meanwhile() -> Iterator[list[Any]]:
        yield points("slow.md", "wolves")
        other.publish(change("c", points("quick.md", "bees"), documents=3))
        yield points("slow2.md", "wolves", "owls")  # a request of a writer that was given up

    with pytest.raises(TransientError, match="Another run"):
        index.publish(replace(change("c", removed=["key-a.md"]), chunks=meanwhile()))
    texts = {"foxes run", "owls sleep", "owls eat", "bees"}
    assert {text for _, text, *_ in seen(index)} == texts
    index.publish(change("c", points("more.md", "bees"), documents=4))
    assert {text for _, text, *_ in seen(index)} == texts
    assert len(seen(index)) == 5
    assert not any(item["document"].startswith("slow") for _, item in all_points(client) if "document" in item)


def test_publications_that_came_to_nothing_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    client = QdrantClient(":memory:")
    index = ServerIndex(client)
    first(index)
    before = seen(index)

    def broken() -> Iterator[list[Any]]:
        yield points("half.md", *(f"wolves {number}" for number in range(3)))
        raise ValueError("a batch could not be read")

    monkeypatch.setattr("rag_pipeline.stores.vectors.server.points._REQUEST_BYTES", 1)  # each point is sent
    for after_seconds in (3600.0, 3600.0, 3600.0, -1.0, -1.0):
        monkeypatch.setattr("rag_pipeline.stores.vectors.server.writing._FORGOTTEN_AFTER_SECONDS", after_seconds)
        with pytest.raises(ValueError, match="a batch"):
            ServerIndex(client).publish(replace(change("c", removed=["key-a.md"]), chunks=broken()))
        assert seen(index) == before
    record = Manifests(Server(client), ServerOptions()).read("c")
    assert record
    assert len(record.excluded) == 1
    index.publish(change("c", points("0.md", "bees"), documents=3))
    assert sorted(text for _, text, *_ in seen(index)) == ["bees", "foxes run", "owls eat", "owls sleep"]


def all_points(client: QdrantClient) -> list[tuple[str, dict[str, Any]]]:
    names = [item.name for item in client.get_collections().collections]
    return [(name, point.payload or {}) for name in names for point in client.scroll(name, limit=1000)[0]]


def test_two_installations_share_a_server() -> None:
    client = QdrantClient(":memory:")
    ours, theirs = ServerIndex(client), ServerIndex(client, ServerOptions(prefix="theirs"))
    ours.publish(change("c", points("a.md", "foxes run")))
    theirs.publish(change("c", points("a.md", "wolves run"), model="model-b"))
    theirs.publish(change("d", points("a.md", "bees")))
    assert (ours.collections(), theirs.collections()) == (["c"], ["c", "d"])
    assert [text for _, text, *_ in seen(ours)] == ["foxes run"]
    theirs.drop("c")
    ours.publish(change("c", points("b.md", "owls"), documents=2))
    assert sorted(text for _, text, *_ in seen(ours)) == ["foxes run", "owls"]
    assert [text for _, text, *_ in seen(theirs, "d")] == ["bees"]
    assert theirs.manifest("c") is None


# What servers answer.


def test_a_question_to_many_collections_is_four_requests(http: QdrantOverHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.index.MANIFESTS_LAST_SECONDS", 600.0)  # however busy the machine is
    index = at(http)
    for number in range(20):
        index.publish(change(f"c{number}", points("a.md", f"foxes of {number}"), collection_of(number)))
    reader = at(http)
    with http.counted() as requests:
        found = reader.search(dict.fromkeys(reader.manifests(), ALL))
    assert len(found) == 20
    assert all(len(candidates) == 2 for candidates in found.values())
    assert len(requests) == 4
    with http.counted() as again:
        reader.search(dict.fromkeys(reader.manifests(), ALL))
    assert len(again) == 3


def collection_of(number: int) -> list[Any]:
    return points("b.md", f"owls of {number}")


def test_a_small_change_costs_what_changed_however_large_the_collection_is(http: QdrantOverHttp) -> None:
    index = at(http)
    index.publish(change("c", [chunk for number in range(600) for chunk in points(f"{number}.md", "foxes run")], documents=600))
    with http.counted() as requests:
        index.publish(change("c", points("5.md", "owls sleep"), removed=["key-5.md"], documents=600))
    assert len(requests) <= 12
    assert sum(one.received + one.sent for one in requests) < 20_000


def test_writes_are_cut_by_their_bytes(http: QdrantOverHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.points._REQUEST_BYTES", 30_000)
    with http.counted() as requests:
        at(http).publish(change("c", points("a.md", *(f"foxes {'run ' * 1000}{number}" for number in range(30)))))
    batches = [one for one in requests if one.path.endswith("/points/batch")]
    assert len(batches) > 3
    assert max(one.received for one in requests) < 35_000
    assert at(http).count("c") == 30


PASSING = [
    Fault(status=429, headers=(("Retry-After", "0"),)),
    Fault(status=429, headers=(("Retry-After", "1"),)),
    Fault(status=503),
    Fault(half=True),
    Fault(half=True, applied=True),
    Fault(applied=True),
    Fault(status=502, body=b"<html>Bad gateway</html>", applied=True),
]


def test_what_passes_is_tried_again_at_every_request(http: QdrantOverHttp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag_pipeline.stores.vectors.server.requests._LONGEST_PAUSE_SECONDS", 0.01)
    index = at(http)
    first(index)
    for fault in PASSING:
        http.faults = [fault]
        seen(index)
        assert not http.faults
    with http.counted() as requests:
        index.publish(change("c", points("0.md", "bees"), documents=3))
    for number in range(len(requests)):
        http.faults = [*[None] * number, PASSING[number % len(PASSING)]]
        text = f"wolves {number}"
        index.publish(change("c", points("0.md", text), removed=["key-0.md"], documents=3))
        assert not http.faults
        assert sorted(hit.text for hit in hits(index, "c", ALL)) == ["foxes run", "owls eat", "owls sleep", text]


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ([Fault(status=503)] * 9, "503"),
        ([Fault(status=429, headers=(("Retry-After", "0"),))] * 9, "too busy"),
        ([Fault(status=500, body=b'{"status":{"error":"Not enough replicas: 1 of 2 answered"}}')], "Not enough replicas.*log"),
        ([Fault()] * 9, "RAG_QDRANT_URL"),
    ],
)
def test_what_does_not_pass_leaves_the_current_version_and_says_why(http: QdrantOverHttp, faults: list[Fault | None], words: str) -> None:
    index = at(http)
    first(index)
    before = seen(index)
    http.matching, http.faults = "/points/batch", [*faults]
    with pytest.raises(TransientError, match=words):
        index.publish(replaced())
    http.faults = []
    assert seen(index) == before
    index.publish(replaced())
    assert sorted(text for _, text, *_ in seen(index)) == ["bees hum", "foxes hide"]


def test_a_server_that_is_silent_is_not_waited_for_for_ever(http: QdrantOverHttp) -> None:
    first(at(http))
    impatient = ServerIndex(QdrantClient(url=http.url, timeout=1, check_compatibility=False))
    http.faults = [Fault(delay_seconds=1.5, applied=True)]
    assert len(seen(impatient)) == 3


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
@pytest.mark.parametrize(("status", "words"), [(401, "RAG_QDRANT_API_KEY"), (403, "RAG_QDRANT_API_KEY"), (500, "log"), (400, "400")])
def test_refusals_are_plain_words_without_the_key(http: QdrantOverHttp, status: int, words: str) -> None:
    http.faults = [Fault(status=status)]
    with pytest.raises(RagError, match=words) as caught:
        at(http, qdrant_api_key="secret-key").manifest("c")
    assert "secret-key" not in str(caught.value)
    assert isinstance(caught.value, TransientError) == (status == 500)


@pytest.mark.parametrize("grpc_port", [None, 9])
def test_an_unreachable_server_is_named_by_its_setting(grpc_port: int | None) -> None:
    index = connect(Settings.model_validate({"qdrant_url": "http://127.0.0.1:9", "qdrant_grpc_port": grpc_port}))
    asked = (lambda: index.manifest("c"), index.collections, lambda: hits(index, "c", ALL), lambda: index.drop("c"))
    for ask in (*asked, lambda: index.publish(change("c", points("a.md", "foxes run")))):
        with pytest.raises(TransientError, match="RAG_QDRANT_URL"):
            ask()


def test_a_server_that_is_too_old_is_refused_before_anything_is_made(http: QdrantOverHttp) -> None:
    http.version = "1.16.3"
    with pytest.raises(RagError, match=r"1\.16\.3; 1\.17 or newer"):
        first(at(http))
    assert http.client.get_collections().collections == []


def test_a_collection_of_another_kind_in_our_place_is_left_alone(http: QdrantOverHttp) -> None:
    name = ServerOptions().points("fingerprint of model-a", DIMENSION)
    http.client.create_collection(name, vectors_config=models.VectorParams(size=3, distance=models.Distance.DOT))
    with pytest.raises(RagError, match=r"of another kind.*RAG_QDRANT_PREFIX"):
        first(at(http))
    assert http.client.count(name).count == 0


def test_indexes_that_a_killed_writer_did_not_come_to_are_made(http: QdrantOverHttp) -> None:
    http.matching, http.faults = "/index", [None, None, None, Fault(status=400)]
    with pytest.raises(RagError, match="400"):
        first(at(http))
    first(at(http))
    assert len(at(http).revisions("c")) == 2  # a server counts values of indexed fields only


def test_points_that_were_deleted_by_hand_are_made_again(http: QdrantOverHttp) -> None:
    index = at(http)
    first(index)
    looking = at(http)
    assert looking.damaged() == []
    looking.publish(change("d", points("a.md", "bees"), model="model-b"))  # in a collection of the server that is new
    assert looking.damaged() == []
    http.client.delete_collection(ServerOptions().points("fingerprint of model-a", DIMENSION))
    for ask in (lambda: index.manifest("c"), lambda: index.revisions("c"), lambda: hits(index, "c", ALL)):
        with pytest.raises(DamagedIndexError, match="rag ingest 'c'"):
            ask()
    assert [error.collection for error in at(http).damaged()] == ["c"]
    with pytest.raises(DamagedIndexError):
        at(http).publish(replaced())
    at(http).publish(replace(replaced(), from_scratch=True))
    assert sorted(text for _, text, *_ in seen(index)) == ["bees hum", "foxes hide"]


def test_a_damaged_manifest_concerns_its_collection_only_and_is_made_again() -> None:
    client = QdrantClient(":memory:")
    index = ServerIndex(client)
    first(index)
    index.publish(change("other", points("o.md", "owls")))
    client.set_payload(ServerOptions().manifests, {"current": {"manifest": "nonsense"}}, [manifest_id("c")])
    index = ServerIndex(client)
    assert (index.collections(), [error.collection for error in index.damaged()]) == (["other"], ["c"])
    with pytest.raises(DamagedIndexError, match="rag ingest 'c'"):
        index.manifest("c")
    index.publish(change("c", points("a.md", "bees"), scratch=True))
    assert [text for _, text, *_ in seen(index)] == ["bees"]
    client.set_payload(ServerOptions().manifests, {"current": {"manifest": "nonsense"}}, [manifest_id("c")])
    index.drop("c")
    assert {item["collection"] for name, item in all_points(client) if "manifests" in name} == {"other"}
    assert not [item for _, item in all_points(client) if item.get("published_in") == "c"]


def test_what_an_earlier_release_kept_goes_with_the_first_publication() -> None:
    client = QdrantClient(":memory:")
    config = {"dense": models.VectorParams(size=4, distance=models.Distance.COSINE)}
    for name in (
        f"{earlier_versions('c')}20260101T000000000000-abcdef",
        f"{earlier_versions('d')}20260101T000000000000-abcdef",
        "another's",
    ):
        client.create_collection(name, config)
    first(ServerIndex(client))
    names = {item.name for item in client.get_collections().collections}
    assert {name for name in names if "__" in name} == {f"{earlier_versions('d')}20260101T000000000000-abcdef"}
    assert "another's" in names


def test_what_others_publish_is_seen_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    client = QdrantClient(":memory:")
    index, other = ServerIndex(client), ServerIndex(client)
    assert index.collections() == []
    first(other)
    assert len(hits(index, "c", ALL)) == 3  # a search looks itself
    (chunk,) = points("a.md", "foxes run")
    assert [hit.text for hit in index.passages("c", [chunk.chunk_id])] == ["foxes run"]
    other.publish(change("d", points("a.md", "bees")))
    assert index.collections() == ["c"]
    monkeypatch.setattr(server_module, "MANIFESTS_LAST_SECONDS", 0.0)
    assert index.collections() == ["c", "d"]


def test_the_settings_choose_the_engine_and_what_collections_are_made_like(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_index(Settings.model_validate({})), EdgeIndex)
    wanted = {"qdrant_replicas": 2, "qdrant_shards": 3, "qdrant_int8": True, "qdrant_on_disk": True, "qdrant_prefix": "ours"}
    index = open_index(Settings.model_validate({"qdrant_url": "https://localhost:6333", "qdrant_grpc_port": 6334, **wanted}))
    assert isinstance(index, ServerIndex)
    made: dict[str, Any] = {}
    client = QdrantClient(":memory:")
    create = client.create_collection

    def noted(name: str, *arguments: Any, **options: Any) -> bool:
        made[name] = options
        return create(name, *arguments, **options)

    monkeypatch.setattr(client, "create_collection", noted)
    first(ServerIndex(client, index._options))
    of_points = made[index._options.points("fingerprint of model-a", DIMENSION)]
    assert (of_points["shard_number"], of_points["replication_factor"], of_points["on_disk_payload"]) == (3, 2, True)
    assert of_points["quantization_config"].scalar.type == models.ScalarType.INT8
    assert (of_points["vectors_config"]["dense"].on_disk, of_points["vectors_config"]["dense"].datatype) == (True, models.Datatype.FLOAT16)
    assert made["ours.manifests"]["replication_factor"] == 2
    assert len(seen(ServerIndex(client, index._options))) == 3

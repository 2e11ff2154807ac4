"""The app over HTTP, under a real uvicorn: API, passages, files, and who is kept out."""

import json
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sse_starlette import EventSourceResponse

from rag_pipeline.ingestion.folder.listing import document_id
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline_tests.conftest import in_both_folders
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, make_hit, serving
from rag_pipeline_tests.ui.documents import make_pdf
from rag_pipeline_tests.waiting import wait_until

PARAGRAPHS = "The lamp in the hall was repaired by Ada in March.\n\nIt had a loose wire. <script>alert(1)</script> <img src=http://example.com/x.png>"


@pytest.fixture
def answerer() -> ScriptedAnswerer:
    return ScriptedAnswerer()


@pytest.fixture
def client(settings: Settings, answerer: ScriptedAnswerer) -> Iterator[httpx.Client]:
    """The routes alone: most of what such an app costs is Gradio."""
    with serving(settings, answerer, with_pages=False) as address, httpx.Client(base_url=address, timeout=30) as made:
        yield made


@pytest.fixture
def with_pages(settings: Settings, answerer: ScriptedAnswerer) -> Iterator[httpx.Client]:
    """Gradio as well."""
    with serving(settings, answerer) as address, httpx.Client(base_url=address, timeout=30) as made:
        yield made


@pytest.fixture
def indexed(settings: Settings, ingest: Callable[..., object]) -> Iterator[httpx.Client]:
    """Real documents, really indexed, really searched."""
    (settings.uploads / "lamp.txt").write_text(PARAGRAPHS)
    (settings.uploads / "evil.html").write_text("<h1>Radio</h1><p>The radio hums at night.</p><script>alert(1)</script>")
    (settings.uploads / "bikes.pdf").write_bytes(make_pdf(["Bicycles", "A new chain costs twelve euros.", "Ask Tobias for it."]))
    ingest()
    with serving(settings, with_pages=False) as address, httpx.Client(base_url=address, timeout=60) as made:
        yield made


def test_health(client: httpx.Client) -> None:
    assert client.get("/api/v1/health").json() == {"status": "ok", "answers": None}


def test_questions_are_asked_of_documents_with_tags(indexed: httpx.Client) -> None:
    def found(*tags: str, route: str = "search") -> httpx.Response:
        return indexed.post(f"/api/v1/{route}", json={"question": "What hums at night?", "filter": {"tags": tags}})

    assert found("radio").json()["hits"] == []
    tagged = indexed.post("/api/v1/documents/batch", json={"action": "tag", "tags": ["Radio"], "filter": {"type": "html"}}).json()
    assert tagged["outcomes"][0]["done"]
    assert {hit["document"] for hit in found("radio").json()["hits"]} == {"evil.html"}
    assert found("radio", "lamp").json()["hits"] == []
    assert found("radio", route="ask").json()["refused"] is False
    assert found("lamp", route="ask").json()["refused"] is True
    assert found("a,b").json()["error"]["code"] == "bad_tag"


def test_ask_gives_one_document(client: httpx.Client, answerer: ScriptedAnswerer) -> None:
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    body = client.post("/api/v1/ask", json={"question": "reformulate this", "history": history, "collections": ["default"]}).json()
    assert set(body) >= {"answer", "citations", "refused", "reformulated_question", "timings"}
    assert (body["answer"], body["refused"], body["reformulated_question"]) == ("A fine answer [1].", False, "the lamp, in full")
    assert body["citations"] == [{"number": 1, "page": None, **make_hit().to_json(), "quoted": [], "boxes": []}]
    (_, asked_history, scope) = answerer.asked[0]
    assert [message.content for message in asked_history] == ["a", "b"]
    assert scope.collections == ("default",)


def test_a_refusal_is_no_error_and_shows_what_is_near(client: httpx.Client) -> None:
    body = client.post("/api/v1/ask", json={"question": "refuse"}).json()
    assert (body["refused"], body["answer"], body["citations"]) == (True, "Nothing is said about this.", [])
    near = {"page": None, "sentences": ["The lamp is repaired."], "quoted": [{"start": 0, "end": 21}]}
    assert body["nearest"] == [{**make_hit().to_json(), **near}]


def events_of(text: str) -> list[tuple[str, dict[str, object]]]:
    pairs = [block.split("\n", 1) for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in pairs]


def test_ask_as_a_stream_of_events(client: httpx.Client) -> None:
    answer = client.post("/api/v1/ask", json={"question": "lamp"}, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    assert [name for name, _ in events] == ["reformulated", "retrieved", *["token"] * 5, "answered"]
    assert events[1][1] == {"hits": [{**make_hit().to_json(), "parts": None}], "considered": [], "versions": []}
    assert events[2][1] == {"text": "A fine", "citation": None}
    assert [event for name, event in events if name == "token" and event["citation"]] == [{"text": "[1]", "citation": 1}]
    assert events[-1][1]["citations"] == [{"number": 1, "page": None, **make_hit().to_json(), "quoted": [], "boxes": []}]


def test_a_failure_is_an_error_in_words(client: httpx.Client) -> None:
    answer = client.post("/api/v1/ask", json={"question": "fail"})
    assert (answer.status_code, answer.json()) == (
        502,
        {"error": {"code": "chat_unreachable", "message": "The language model hung up. Ask again."}},
    )
    streamed = client.post("/api/v1/ask", json={"question": "fail"}, headers={"Accept": "text/event-stream"})
    assert events_of(streamed.text)[-1] == ("failed", {"message": "The language model hung up. Ask again.", "code": "chat_unreachable"})


def test_what_nobody_expected_says_nothing_secret(client: httpx.Client) -> None:
    answer = client.post("/api/v1/ask", json={"question": "explode"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"]["code"] == "internal"


@pytest.mark.parametrize("body", [{}, {"question": "a", "history": [{"role": "system", "content": "x"}]}, {"question": 3}])
def test_a_request_that_makes_no_sense_is_explained(client: httpx.Client, body: dict[str, object]) -> None:
    answer = client.post("/api/v1/ask", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"


def test_a_stream_says_something_while_the_model_thinks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventSourceResponse, "DEFAULT_PING_INTERVAL", 0.1)
    with serving(settings, ScriptedAnswerer(pieces=["Yes."], pause_seconds=1.0), with_pages=False) as address:
        asked = {"question": "lamp", "messages": [{"role": "user", "content": "lamp"}], "stream": True}
        for path in ("/api/v1/ask", "/v1/chat/completions"):
            lines = httpx.post(f"{address}{path}", json=asked, headers={"Accept": "text/event-stream"}, timeout=30).text.splitlines()
            assert sum(line.startswith(":") for line in lines) > 2
            assert {line.partition(":")[0] for line in lines} <= {"", "event", "data"}


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
def test_a_reader_who_leaves_stops_the_work(settings: Settings, accept: str) -> None:
    answerer = ScriptedAnswerer(pieces=["word "] * 600, pause_seconds=0.05)
    with serving(settings, answerer, with_pages=False) as address:
        with (
            pytest.raises(httpx.ReadTimeout),
            httpx.stream("POST", f"{address}/api/v1/ask", json={"question": "a"}, headers={"Accept": accept}, timeout=0.5) as answer,
        ):
            for _ in answer.iter_text():
                raise httpx.ReadTimeout("seen enough")
        assert answerer.cancelled.wait(30)


@in_both_folders
def test_uploads_land_in_the_folder(client: httpx.Client, settings: Settings) -> None:
    files = [("files", ("../Bericht (1).txt", b"one")), ("files", ("half.part", b"x"))]
    answer = client.post("/api/v1/documents", files=files, data={"collection": "minutes"})
    assert answer.status_code == 201
    taken = {"name": "Bericht (1).txt", "collection": "minutes", "outcome": "added", "document_id": document_id("minutes/Bericht (1).txt")}
    assert answer.json()["documents"] == [taken]
    assert [refused["name"] for refused in answer.json()["refused"]] == ["half.part"]
    assert [file.name for file in (settings.uploads / "minutes").iterdir()] == ["Bericht (1).txt"]
    again = client.post("/api/v1/documents", files=[("files", ("Bericht (1).txt", b"two"))], data={"collection": "minutes"})
    renamed = again.json()["documents"][0]
    assert (renamed["name"], renamed["collection"], renamed["outcome"]) == ("Bericht (1) (2).txt", "minutes", "renamed")
    assert client.post("/api/v1/documents", files=[("files", ("a.tmp", b"x"))]).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 400),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 400),
        ({}, 201),
    ],
)
def test_other_sites_cannot_change_anything(client: httpx.Client, settings: Settings, headers: dict[str, str], status: int) -> None:
    answer = client.post("/api/v1/documents", files=[("files", ("a.txt", b"x"))], headers=headers)
    assert answer.status_code == status
    assert (settings.uploads / "a.txt").exists() is (status == 201)


@pytest.mark.parametrize("path", ["/", "/api/v1/documents", "/gradio_api/info", "/passages/default/c1"])
def test_a_name_that_points_here_reads_nothing(with_pages: httpx.Client, path: str) -> None:
    assert with_pages.get(path, headers={"Host": "rebound.example:7860"}).status_code == 400


def test_no_page_asks_for_anything_elsewhere(with_pages: httpx.Client) -> None:
    for path in ("/", "/api/v1/health", "/ui/app.js"):
        answer = with_pages.get(path)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert with_pages.get("/docs").status_code == 404
    assert "googleapis" not in with_pages.get("/").text


def test_gradio_hands_out_no_files(with_pages: httpx.Client, settings: Settings) -> None:
    (settings.uploads / "a.txt").write_text("private")
    assert with_pages.get(f"/gradio_api/file={settings.uploads / 'a.txt'}").status_code in (403, 404)
    assert with_pages.get("/gradio_api/file=/etc/hostname").status_code in (403, 404)


def test_search_documents_and_ask_with_everything_real(indexed: httpx.Client) -> None:
    hit = indexed.post("/api/v1/search", json={"question": "Who repaired the lamp?", "top_k": 2}).json()["hits"][0]
    assert set(hit) == {"rank", "score", "text", "document", "collection", "page_first", "page_last", "chunk_id", "copies"}
    assert hit["document"] == "lamp.txt"
    rows = {row["document"]: row for row in indexed.get("/api/v1/documents").json()["documents"]}
    assert rows["bikes.pdf"]["pages"] == 1
    assert rows["lamp.txt"]["indexed_at"].endswith("Z")
    body = indexed.post("/api/v1/ask", json={"question": "Who repaired the lamp in the hall?"}).json()
    assert "Ada" in body["answer"]
    unknown = indexed.post("/api/v1/search", json={"question": "lamp", "collections": ["nowhere"]})
    assert (unknown.status_code, "nowhere" in unknown.json()["error"]["message"]) == (400, True)


def find(client: httpx.Client, question: str, document: str) -> dict[str, str]:
    hits = client.post("/api/v1/search", json={"question": question}).json()["hits"]
    return next(hit for hit in hits if hit["document"] == document)


def test_a_passage_is_shown_in_its_document_and_nothing_in_it_is_obeyed(indexed: httpx.Client) -> None:
    hit = find(indexed, "the lamp in the hall", "lamp.txt")
    answer = indexed.get(f"/passages/{hit['collection']}/{hit['chunk_id']}")
    assert answer.status_code == 200
    assert '<h1 dir="auto">lamp.txt</h1>' in answer.text
    assert "<mark>The lamp in the hall" in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<img" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_passage_of_a_pdf_is_shown_as_a_picture_of_its_page(indexed: httpx.Client) -> None:
    hit = find(indexed, "What does a new chain cost?", "bikes.pdf")
    page = indexed.get(f"/passages/{hit['collection']}/{hit['chunk_id']}").text
    assert "Page 1" in page
    address = page.split('<img src="')[1].split('"')[0].replace("&amp;", "&")
    highlighted, plain = indexed.get(address), indexed.get(address.split("?")[0])
    assert highlighted.headers["content-type"] == plain.headers["content-type"] == "image/png"
    assert highlighted.content != plain.content
    assert indexed.get(address.replace("/1.png", "/7.png")).status_code == 404


@in_both_folders
def test_originals_never_run_as_our_page(indexed: httpx.Client) -> None:
    documents = {row["document"]: row["document_id"] for row in indexed.get("/api/v1/documents").json()["documents"]}
    html = indexed.get(f"/documents/{documents['evil.html']}/file")
    assert html.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in html.headers["content-security-policy"]
    pdf = indexed.get(f"/documents/{documents['bikes.pdf']}/file")
    assert pdf.headers["content-disposition"].startswith("inline")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["x-content-type-options"] == "nosniff"


def test_a_document_deleted_meanwhile_is_explained(indexed: httpx.Client, settings: Settings, ingest: Callable[..., object]) -> None:
    hit = find(indexed, "the lamp in the hall", "lamp.txt")
    document_id = next(row.document_id for row in Catalog(settings.catalog_path).documents() if row.document == "lamp.txt")
    (settings.uploads / "lamp.txt").unlink()
    assert indexed.get(f"/documents/{document_id}/file").status_code == 404
    ingest()
    for path in (f"/passages/{hit['collection']}/{hit['chunk_id']}", "/passages/nowhere/nothing", f"/documents/{document_id}/file"):
        answer = indexed.get(path)
        assert answer.status_code == 404
        assert "not there any more" in answer.text


def test_a_link_out_of_the_folder_is_not_followed(indexed: httpx.Client, settings: Settings, tmp_path: Path) -> None:
    document_id = next(row.document_id for row in Catalog(settings.catalog_path).documents() if row.document == "lamp.txt")
    (tmp_path / "secret").write_text("secret")
    (settings.uploads / "lamp.txt").unlink()
    (settings.uploads / "lamp.txt").symlink_to(tmp_path / "secret")
    answer = indexed.get(f"/documents/{document_id}/file")
    assert answer.status_code == 404
    assert answer.text != "secret"


def test_a_damaged_catalog_is_explained(client: httpx.Client, settings: Settings) -> None:
    settings.catalog_path.parent.mkdir(parents=True, exist_ok=True)
    settings.catalog_path.write_bytes(b"this is no database" * 100)
    answer = client.get("/api/v1/documents")
    assert answer.status_code == 500
    assert "rag ingest" in answer.json()["error"]["message"]


def test_the_listing_follows_the_catalog(indexed: httpx.Client, settings: Settings, ingest: Callable[..., object]) -> None:
    (settings.uploads / "new.txt").write_text("Something new about kettles.")
    ingest()
    wait_until(lambda: "new.txt" in indexed.get("/api/v1/documents").text, 30)


def test_documents_come_a_page_at_a_time(indexed: httpx.Client) -> None:
    every = indexed.get("/api/v1/documents").json()
    assert (every["total"], every["next_cursor"]) == (len(every["documents"]), None)
    first = indexed.get("/api/v1/documents", params={"limit": 1}).json()
    second = indexed.get("/api/v1/documents", params={"limit": 1000, "cursor": first["next_cursor"]}).json()
    assert [*first["documents"], *second["documents"]] == every["documents"]
    assert first["total"] == second["total"] == every["total"]
    named = indexed.get("/api/v1/documents", params={"name": "LAMP", "state": "indexed"}).json()
    assert [row["document"] for row in named["documents"]] == ["lamp.txt"]
    assert indexed.get("/api/v1/documents", params={"collection": "nowhere"}).json() == {"documents": [], "total": 0, "next_cursor": None}
    bad = indexed.get("/api/v1/documents", params={"cursor": "made up"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_cursor")
    assert "next_cursor" in bad.json()["error"]["message"]
    assert [indexed.get("/api/v1/documents", params={"limit": limit}).status_code for limit in (0, 1001)] == [422, 422]


def test_the_model_is_loaded_before_the_first_question(indexed: httpx.Client) -> None:
    wait_until(lambda: "onnxruntime" in sys.modules)


def document_ids(client: httpx.Client) -> dict[str, str]:
    rows = client.get("/api/v1/documents").json()["documents"]
    return {f"{row['collection']}/{row['document']}": row["document_id"] for row in rows}


def test_deleting_a_link_leaves_what_it_leads_to(client: httpx.Client, settings: Settings, ingest: Callable[..., object]) -> None:
    for name in ("mine", "theirs"):
        (settings.uploads / name).mkdir()
    target, link = settings.uploads / "theirs" / "secret.txt", settings.uploads / "mine" / "link.txt"
    target.write_text("Zebras.")
    link.symlink_to(target)
    ingest("mine")
    assert client.delete(f"/api/v1/documents/{document_ids(client)['mine/link.txt']}").status_code == 204
    assert target.read_text() == "Zebras."
    assert not link.is_symlink()
    ingest("mine")
    assert document_ids(client) == {}


def test_a_folder_that_became_a_link_leads_no_deletion_astray(
    client: httpx.Client, settings: Settings, ingest: Callable[..., object]
) -> None:
    for name in ("mine", "theirs"):
        (settings.uploads / name).mkdir()
        (settings.uploads / name / "a.txt").write_text(f"Zebras of {name}.")
    ingest("mine")
    identity = document_ids(client)["mine/a.txt"]
    (settings.uploads / "mine" / "a.txt").unlink()
    (settings.uploads / "mine").rmdir()
    (settings.uploads / "mine").symlink_to(settings.uploads / "theirs")
    assert client.delete(f"/api/v1/documents/{identity}").status_code == 204
    assert (settings.uploads / "theirs" / "a.txt").exists()


def test_all_may_be_deleted_one_by_one_and_none_is_held(client: httpx.Client, settings: Settings, ingest: Callable[..., object]) -> None:
    for number in range(3):
        (settings.uploads / f"{number}.txt").write_text(f"Zebra {number}.")
    ingest()
    for identity in document_ids(client).values():
        assert client.delete(f"/api/v1/documents/{identity}").status_code == 204
    ingest()
    assert document_ids(client) == {}


def test_a_file_in_an_archive_opens_and_goes_with_its_archive(
    client: httpx.Client, settings: Settings, ingest: Callable[..., object]
) -> None:
    with zipfile.ZipFile(settings.uploads / "box.zip", "w") as archive:
        archive.writestr("a/zebra & co.txt", "Zebras have stripes.")
        archive.writestr("b.txt", "Whales sing.")
    ingest()
    ingest()
    ids = document_ids(client)
    assert set(ids) == {"default/box.zip", "default/box.zip/a/zebra & co.txt", "default/box.zip/b.txt"}
    inner = f"/api/v1/documents/{ids['default/box.zip/a/zebra & co.txt']}"
    assert client.get(f"{inner}/file").text == "Zebras have stripes."
    refused = client.delete(inner)
    assert refused.status_code == 409
    assert "box.zip: delete the archive" in refused.json()["error"]["message"]
    assert client.delete(f"/api/v1/documents/{ids['default/box.zip']}").status_code == 204
    ingest()
    assert document_ids(client) == {}


def test_held_deletions_are_shown_and_confirmed(client: httpx.Client, settings: Settings, ingest: Callable[..., object]) -> None:
    for number in range(3):
        (settings.uploads / f"{number}.txt").write_text(f"Zebra {number}.")
    ingest()
    for file in list(settings.uploads.iterdir()):
        file.unlink()
    ingest()
    (collection,) = client.get("/api/v1/collections").json()["collections"]
    assert (collection["documents"], collection["deletions_held"]) == (3, 3)
    assert all(row["deletion_held_since"].endswith("Z") for row in client.get("/api/v1/documents").json()["documents"])
    assert client.post("/api/v1/collections/default/confirm-deletions").json() == {"confirmed": 3}
    assert client.post("/api/v1/collections/default/confirm-deletions").json() == {"confirmed": 0}
    ingest()
    assert document_ids(client) == {}


def test_a_collection_goes_back_to_the_version_before(client: httpx.Client, settings: Settings, ingest: Callable[..., object]) -> None:
    path = "/api/v1/collections/default/rollback"
    (settings.uploads / "a.txt").write_text("Zebra.")
    ingest()
    refused = client.post(path)
    assert (refused.status_code, "nothing to go back to" in refused.json()["error"]["message"]) == (400, True)
    (settings.uploads / "b.txt").write_text("Zebra.")
    ingest()
    gone_back = client.post(path).json()
    assert (gone_back["documents"], "earlier version" in gone_back["message"]) == (1, True)
    assert client.post(path).json()["documents"] == 2


def test_a_failed_document_is_retried_and_one_that_answers_is_not(
    client: httpx.Client, settings: Settings, ingest: Callable[..., object]
) -> None:
    (settings.uploads / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    (settings.uploads / "good.txt").write_text("Zebras.")
    ingest()
    identities = document_ids(client)
    answer = client.post(f"/api/v1/documents/{identities['default/broken.docx']}/retry")
    assert (answer.status_code, answer.json()["state"], answer.json()["attempts"]) == (202, "pending", 0)
    assert client.post(f"/api/v1/documents/{identities['default/good.txt']}/retry").status_code == 409
    assert client.post("/api/v1/documents/nothing/retry").status_code == 404
    ingest()
    for file in settings.uploads.iterdir():
        file.unlink()
    ingest()
    answer = client.post(f"/api/v1/documents/{identities['default/broken.docx']}/retry")
    assert (answer.status_code, "is missing" in answer.json()["error"]["message"]) == (409, True)


@pytest.mark.parametrize(
    "wanted",
    [
        b'{"since": "0001-01-01T00:00:00+14:00"}',
        b'{"before": "9999-12-31T23:59:59-14:00"}',
        b'{"folder": "\\ud800"}',
        b'{"types": ["\\ud800"]}',
    ],
)
def test_a_filter_that_nothing_can_match_is_refused_in_words(settings: Settings, wanted: bytes) -> None:
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address:
        body = b'{"question": "lamp", "filter": %b}' % wanted
        answer = httpx.post(f"{address}/api/v1/ask", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("address_within", ["http://[", "//[x", "/\t/[x"])
def test_an_address_that_is_none_leads_to_the_first_page(settings: Settings, address_within: str) -> None:
    with serving(settings, ScriptedAnswerer(), with_pages=False) as address:
        assert httpx.get(f"{address}/login", params={"next": address_within}).status_code == 200

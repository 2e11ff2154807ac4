"""Many documents at once over HTTP: an outcome for each, nothing of anybody else's, nothing lost."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from pydantic import SecretStr

from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.steps.workspace import Workspace
from rag_pipeline.settings import Settings
from rag_pipeline_tests.conftest import in_both_folders, text_lane
from rag_pipeline_tests.servers import free_port
from rag_pipeline_tests.ui.conftest import ScriptedAnswerer, serving
from ui.api.documents import many

OWNER, READER, LIMITED = "token-that-may-do-all", "token-that-may-read", "token-for-one-part"
ENTRIES = f"owner:read+write:{OWNER} reader:read:{READER} limited:read+write:contracts:{LIMITED}"


def put(settings: Settings, *files: str) -> None:
    """Files whose words are their paths, known to the catalog and not read yet."""
    for file in files:
        *folders, _ = file.split("/")
        if folders:
            (settings.uploads / "/".join(folders)).mkdir(parents=True, exist_ok=True)
        (settings.uploads / file).write_text(f"Words of {file}.")
    look(settings, *{file.partition("/")[0] if "/" in file else "default" for file in files})


def look(settings: Settings, *collections: str) -> None:
    for collection in collections:
        steps.source_documents.update_documents(Workspace(settings, collection))


@contextmanager
def client_of(settings: Settings, token: str = OWNER) -> Iterator[httpx.Client]:
    guarded = settings.model_copy(update={"api_tokens": Settings(api_tokens=ENTRIES).api_tokens})
    headers = {"Authorization": f"Bearer {token}"}
    with (
        serving(guarded, ScriptedAnswerer(), with_pages=False) as address,
        httpx.Client(base_url=address, headers=headers, timeout=60) as made,
    ):
        yield made


def ids_of(client: httpx.Client, **asked: str) -> dict[str, str]:
    rows = client.get("/api/v1/documents", params=asked).json()["documents"]
    return {f"{row['collection']}/{row['document']}": row["document_id"] for row in rows}


def batch(client: httpx.Client, **asked: object) -> dict[str, tuple[bool, str]]:
    answer = client.post("/api/v1/documents/batch", json=asked)
    assert answer.status_code == 200, answer.text
    return {f"{one['collection']}/{one['document']}": (one["done"], one["message"]) for one in answer.json()["outcomes"]}


@in_both_folders
def test_many_are_moved_with_their_folders_and_deleted(settings: Settings) -> None:
    put(settings, "inbox/2025/a.txt", "inbox/b.txt", "contracts/b.txt", "c.txt")
    with client_of(settings) as client:
        ids = ids_of(client)
        moved = batch(client, action="move", to="contracts", documents=[ids["inbox/2025/a.txt"], ids["inbox/b.txt"], ids["default/c.txt"]])
        assert moved["inbox/2025/a.txt"] == moved["default/c.txt"] == (True, "")
        assert moved["inbox/b.txt"] == (True, "Another file has its name there, so it became b (2).txt.")
        stages = {row["document"]: row["stage"] for row in client.get("/api/v1/documents?collection=inbox").json()["documents"]}
        assert stages == {"2025/a.txt": "being removed", "b.txt": "being removed"}
        look(settings, "inbox", "default", "contracts")
        assert set(ids_of(client)) == {"contracts/2025/a.txt", "contracts/b.txt", "contracts/b (2).txt", "contracts/c.txt"}
        assert (settings.uploads / "contracts/2025/a.txt").read_bytes() == b"Words of inbox/2025/a.txt."

        assert batch(client, action="move", to="default", filter={"folder": "2025"}) == {"contracts/2025/a.txt": (True, "")}
        look(settings, "default", "contracts")
        assert set(ids_of(client, collection="default")) == {"default/default/2025/a.txt"}

        gone = batch(client, action="delete", filter={"collection": "contracts"})
        assert set(gone.values()) == {(True, "")}
        assert len(gone) == 3
        look(settings, "contracts")
        assert set(ids_of(client)) == {"default/default/2025/a.txt"}


def test_what_is_in_an_archive_goes_with_it_and_failed_ones_are_read_again(settings: Settings) -> None:
    with zipfile.ZipFile(settings.uploads / "box.zip", "w") as archive:
        archive.writestr("a.txt", "Zebras have stripes.")
    (settings.uploads / "broken.docx").write_bytes(b"PK\x03\x04 no archive")
    put(settings, "b.txt")
    text_lane(settings)
    text_lane(settings)
    with client_of(settings) as client:
        ids = ids_of(client)
        told = batch(client, action="retry", filter={})
        assert told["default/broken.docx"] == (True, "")
        assert told["default/box.zip"] == (False, "box.zip has not failed: it is indexed.")
        assert ids_of(client, state="failed") == {}
        alone = batch(client, action="delete", documents=[ids["default/box.zip/a.txt"], ids["default/b.txt"], "nothing"])
        assert alone["default/b.txt"] == (True, "")
        assert alone["default/box.zip/a.txt"][0] is False
        assert "a file in the archive box.zip" in alone["default/box.zip/a.txt"][1]
        assert "no document with this id" in alone["/"][1]
        content = client.post("/api/v1/documents/zip", json={"filter": {"name": "box"}}).content
        assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["default/box.zip", "default/box (2).zip/a.txt"]
        assert set(batch(client, action="move", to="boxes", filter={"name": "box"}).values()) == {(True, "")}
        text_lane(settings)
        text_lane(settings, collection="boxes")
        text_lane(settings, collection="boxes")
        assert set(ids_of(client)) == {"boxes/box.zip", "boxes/box.zip/a.txt", "default/broken.docx"}


def test_all_that_match_are_done_a_page_at_a_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "AT_ONCE", 2)
    put(settings, *(f"inbox/{number}.txt" for number in range(5)))
    with client_of(settings) as client:
        asked: dict[str, object] = {"action": "delete", "filter": {"collection": "inbox"}}
        done = []
        while True:
            answer = client.post("/api/v1/documents/batch", json=asked).json()
            done += [one["document"] for one in answer["outcomes"] if one["done"]]
            assert answer["total"] == 5
            if answer["next_cursor"] is None:
                break
            asked["cursor"] = answer["next_cursor"]
        assert done == [f"{number}.txt" for number in range(5)]
        content = client.post("/api/v1/documents/zip", json={"filter": {}}).content
        assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["NOT INCLUDED.txt"]
        look(settings, "inbox")
        assert ids_of(client) == {}


def test_nobody_changes_or_sees_what_is_not_theirs(settings: Settings) -> None:
    put(settings, "contracts/a.txt", "letters/b.txt")
    content_hash = hashlib.sha256(b"Words of letters/b.txt.").hexdigest()
    with client_of(settings) as owner:
        letter = ids_of(owner)["letters/b.txt"]
        assert owner.post("/api/v1/documents/lookup", json={"hashes": [content_hash]}).json()["documents"][0]["document_id"] == letter
        reader, limited = ({"Authorization": f"Bearer {token}"} for token in (READER, LIMITED))
        refused = owner.post("/api/v1/documents/batch", headers=reader, json={"action": "delete", "documents": [letter]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
        assert "data-delete" not in owner.get("/documents/list/parts", headers=reader).text

        asked = {"action": "delete", "documents": [letter]}
        (outcome,) = owner.post("/api/v1/documents/batch", headers=limited, json=asked).json()["outcomes"]
        assert (outcome["done"], outcome["document"], outcome["collection"]) == (False, "", "")
        for wanted in ({"collection": "letters"}, {"name": "b.txt"}):
            answer = owner.post("/api/v1/documents/batch", headers=limited, json={"action": "delete", "filter": wanted})
            assert answer.json() == {"outcomes": [], "total": 0, "next_cursor": None}
            assert "letters" not in owner.get("/documents/list/parts", headers=limited, params=wanted).text
        mine = {"action": "move", "filter": {"collection": "contracts"}, "to": "letters"}
        assert owner.post("/api/v1/documents/batch", headers=limited, json=mine).status_code == 403
        found = owner.post("/api/v1/documents/lookup", headers=limited, json={"documents": [letter], "hashes": [content_hash]})
        assert found.json() == {"documents": []}
        assert owner.post("/api/v1/documents/zip", headers=limited, json={"documents": [letter]}).status_code == 404
        form = {"chosen": f'{{"documents": ["{letter}"]}}'}
        assert owner.post("/documents/list/zip", headers=limited, data=form).status_code == 404
        assert owner.post("/documents/list/zip", data={"chosen": "{}"}).status_code == 422
        assert owner.post("/documents/list/zip", data=form).headers["content-type"] == "application/zip"
    assert (settings.uploads / "letters" / "b.txt").exists()
    assert (settings.uploads / "contracts" / "a.txt").exists()


@in_both_folders
def test_sub_folders_of_uploads_are_kept(settings: Settings) -> None:
    with client_of(settings) as client:
        sent = client.post(
            "/api/v1/documents", files=[("files", ("a.txt", b"one"))], data={"collection": "minutes", "folder": "2025/../may"}
        ).json()["documents"][0]
        assert (sent["name"], sent["collection"], sent["outcome"]) == ("2025/may/a.txt", "minutes", "added")
        assert (settings.uploads / "minutes/2025/may/a.txt").read_bytes() == b"one"
        bad = client.post("/api/v1/documents", files=[("files", ("a.txt", b"one"))], data={"folder": "x.tmp"})
        assert (bad.status_code, "temporary folder" in bad.json()["refused"][0]["message"]) == (400, True)
        look(settings, "minutes")
        (row,) = client.post("/api/v1/documents/lookup", json={"documents": [sent["document_id"]]}).json()["documents"]
        assert (row["document"], row["content_hash"]) == ("2025/may/a.txt", hashlib.sha256(b"one").hexdigest())


def test_the_list_is_drawn_again_only_when_something_changed(settings: Settings) -> None:
    put(settings, "a.txt")
    with client_of(settings) as client:
        first = client.get("/documents/list/parts")
        mark = {"If-None-Match": first.headers["etag"]}
        again = client.get("/documents/list/parts", headers=mark)
        assert (again.status_code, again.text) == (304, "")
        assert client.get("/documents/list/parts", headers=mark, params={"sort": "name"}).status_code == 200
        put(settings, "b.txt")
        assert "b.txt" in client.get("/documents/list/parts", headers=mark).text


def tags_of(client: httpx.Client, **asked: object) -> dict[str, list[str]]:
    rows = client.get("/api/v1/documents", params=asked).json()["documents"]
    return {f"{row['collection']}/{row['document']}": row["tags"] for row in rows}


def test_documents_are_tagged_by_ids_and_by_what_a_filter_matches(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "AT_ONCE", 2)
    put(settings, "contracts/a.txt", "contracts/b.txt", "letters/c.txt")
    with client_of(settings) as client:
        ids = ids_of(client)
        first = client.get("/documents/list/parts").headers["etag"]
        told = batch(client, action="tag", tags=[" Lease ", "öl"], documents=[ids["contracts/a.txt"], "nothing"])
        assert told["contracts/a.txt"] == (True, "")
        assert "no document with this id" in told["/"][1]
        assert client.get("/documents/list/parts", headers={"If-None-Match": first}).status_code == 200
        asked: dict[str, object] = {"action": "tag", "tags": ["LEASE"], "filter": {}}
        while True:
            answer = client.post("/api/v1/documents/batch", json=asked).json()
            assert (answer["total"], {one["done"] for one in answer["outcomes"]}) == (3, {True})
            if answer["next_cursor"] is None:
                break
            asked["cursor"] = answer["next_cursor"]
        assert tags_of(client) == {"contracts/a.txt": ["Lease", "öl"], "contracts/b.txt": ["Lease"], "letters/c.txt": ["Lease"]}
        assert client.get("/api/v1/tags").json() == {"tags": [{"tag": "Lease", "documents": 3}, {"tag": "öl", "documents": 1}]}
        assert set(tags_of(client, tag=["lease", "ÖL"])) == {"contracts/a.txt"}
        assert set(tags_of(client, tag="lease", collection="letters")) == {"letters/c.txt"}
        assert tags_of(client, tag="no such") == {}
        assert "Lease (1)" in client.get("/documents/list/parts", params={"collection": "letters"}).text
        assert client.get(f"/api/v1/documents/{ids['contracts/a.txt']}").json()["tags"] == ["Lease", "öl"]
        zipped = client.post("/api/v1/documents/zip", json={"filter": {"tag": ["öl"]}}).content
        assert zipfile.ZipFile(io.BytesIO(zipped)).namelist() == ["contracts/a.txt"]
        gone = batch(client, action="untag", tags=["lease", "none has it"], filter={"tag": ["lease"], "collection": "contracts"})
        assert set(gone) == {"contracts/a.txt", "contracts/b.txt"}
        assert tags_of(client) == {"contracts/a.txt": ["öl"], "contracts/b.txt": [], "letters/c.txt": ["Lease"]}


def test_what_is_no_tag_is_refused_with_what_to_do(settings: Settings) -> None:
    put(settings, "a.txt")
    with client_of(settings) as client:
        (one,) = ids_of(client).values()
        for tags, status, words in (
            ([], 422, "tags is a list"), (["a,b"], 400, "a comma"), (["\u202egnp"], 400, "cannot be seen"), (["x" * 65], 400, "Shorten it"),
            (["x"] * 33, 422, "at most 32"), (["x" * 10_000], 400, "10,000 characters"), ([" "], 400, "is empty"),
        ):  # fmt: skip
            refused = client.post("/api/v1/documents/batch", json={"action": "tag", "tags": tags, "documents": [one]})
            assert (refused.status_code, words in refused.json()["error"]["message"]) == (status, True), refused.text
        assert client.get("/api/v1/documents", params={"tag": "a,b"}).json()["error"]["code"] == "bad_tag"
        assert batch(client, action="tag", tags=list(map(str, range(32))), documents=[one]) == {"default/a.txt": (True, "")}
        assert batch(client, action="tag", tags=["more"], documents=[one])["default/a.txt"][0] is False


def test_tags_go_by_what_a_token_may(settings: Settings) -> None:
    put(settings, "contracts/a.txt", "letters/b.txt")
    reader, limited = ({"Authorization": f"Bearer {token}"} for token in (READER, LIMITED))
    with client_of(settings) as owner:
        letter = ids_of(owner)["letters/b.txt"]
        batch(owner, action="tag", tags=["secret"], documents=[letter])
        asked = {"action": "untag", "tags": ["secret"], "documents": [letter]}
        assert owner.post("/api/v1/documents/batch", headers=reader, json=asked).status_code == 403
        assert "data-tag>" not in owner.get("/documents/list/parts", headers=reader).text
        assert owner.post("/api/v1/documents/batch", headers=limited, json=asked).json()["outcomes"][0]["done"] is False
        asked = {"action": "tag", "tags": ["mine"], "filter": {"name": "."}}
        done = owner.post("/api/v1/documents/batch", headers=limited, json=asked).json()["outcomes"]
        assert [one["document"] for one in done] == ["a.txt"]
        assert owner.get("/api/v1/tags", headers=limited).json() == {"tags": [{"tag": "mine", "documents": 1}]}
        assert "secret" not in owner.get("/documents/list/parts", headers=limited).text
        assert owner.get("/api/v1/documents?tag=secret", headers=limited).json()["documents"] == []
        assert tags_of(owner) == {"contracts/a.txt": ["mine"], "letters/b.txt": ["secret"]}


def test_documents_are_shown_without_their_tags_while_those_cannot_be_read(settings: Settings) -> None:
    put(settings, "a.txt")
    nobody = SecretStr(f"postgresql://rag:secret@127.0.0.1:{free_port()}/rag")
    with client_of(settings.model_copy(update={"database_url": nobody})) as client:
        (row,) = client.get("/api/v1/documents").json()["documents"]
        assert (row["document"], row["tags"]) == ("a.txt", None)
        shown = client.get("/documents/list/parts").text
        assert "a.txt" in shown
        assert "Tags cannot be shown. " in shown
        page = client.get(f"/documents/{row['document_id']}")
        assert (page.status_code, "New tag" in page.text) == (200, False)
        for answer in (
            client.get("/api/v1/tags"),
            client.get("/api/v1/documents?tag=x"),
            client.get("/documents/list/parts?tag=x"),
            client.post("/api/v1/search", json={"question": "words", "filter": {"tags": ["x"]}}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "conversations")
            assert "secret" not in answer.text + shown

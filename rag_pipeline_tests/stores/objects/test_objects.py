"""Objects in a bucket and in a folder; and what becomes of a storage that fails."""

import io
import time
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.settings import BucketFolder, Settings, bucket_folder
from rag_pipeline.stores.objects import (
    ObjectChangedError,
    ObjectExistsError,
    ObjectGoneError,
    ObjectStore,
    ObjectUnreadableError,
    StorageRefusedError,
    open_store,
    s3,
)
from rag_pipeline_tests.object_storage import KEYS, cut_off, refusing, running


@pytest.fixture(params=["folder", "bucket", "bucket with prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store(Settings(), f"file://{tmp_path}/a%20place", "RAG_STAGING_URL")
    return running().bucket("deep/er/" if request.param.endswith("prefix") else "")


def put(store: ObjectStore, key: str, content: bytes, *, replace: bool = True) -> None:
    store.put(key, io.BytesIO(content), replace=replace)


def content_of(store: ObjectStore, key: str, version: str | None = None) -> bytes:
    target = io.BytesIO()
    store.get(key, target, version)
    return target.getvalue()


def test_what_is_put_is_listed_fetched_and_deleted(store: ObjectStore) -> None:
    keys = {"a.txt", "team/b.txt", "team/Ünï %25 #?&+.txt", "team/B.txt"}
    for key in keys:
        put(store, key, key.encode())
    assert {found.key for found in store.list()} == keys
    assert {found.key for found in store.list("team/")} == keys - {"a.txt"}
    (found,) = store.list("a")
    assert found == store.head("a.txt")
    assert found.size_bytes == 5 and abs(found.modified_at - time.time()) < 60
    assert {key: content_of(store, key).decode() for key in keys} == {key: key for key in keys}
    with pytest.raises(ObjectExistsError):
        put(store, "a.txt", b"other", replace=False)
    put(store, "a.txt", b"other")
    with pytest.raises(ObjectChangedError):
        content_of(store, "a.txt", found.version)
    store.delete("a.txt")
    store.delete("a.txt")
    assert store.head("a.txt") is None
    with pytest.raises(ObjectGoneError):
        content_of(store, "a.txt")


def test_keys_that_no_file_system_takes_are_listed_and_fetched_as_they_are() -> None:
    store = running().bucket()
    keys = {"a//b.txt", "x/../y.txt", "/lead.txt", "folder/", "folder", "bad\x01.txt", "./c.txt", "n" * 900}
    for key in keys:
        put(store, key, key.encode())
    assert {found.key for found in store.list()} == keys
    assert content_of(store, "x/../y.txt") == b"x/../y.txt" and content_of(store, "bad\x01.txt") == b"bad\x01.txt"


def test_an_answer_that_breaks_off_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    store, content = running().bucket(), bytes(range(256)) * 1000
    put(store, "a.bin", content)
    with running().failing(cut_off(3)):
        assert content_of(store, "a.bin") == content
    put(store, "b.bin", b"x")  # half of one byte is none: nothing ever comes
    with running().failing(cut_off(99)), pytest.raises(ObjectUnreadableError, match="cannot be read whole"):
        content_of(store, "b.bin")


@pytest.mark.parametrize(
    ("status", "code", "raised", "said"),
    [
        (404, "NoSuchBucket", StorageRefusedError, "There is no bucket bucket-"),
        (403, "AccessDenied", StorageRefusedError, "RAG_S3_ACCESS_KEY_ID"),
        (403, "RequestTimeTooSkewed", StorageRefusedError, "Set the clock"),
        (503, "SlowDown", TransientError, "does not answer now: SlowDown"),
        (400, "AuthorizationHeaderMalformed", StorageRefusedError, "cannot be listed"),
    ],
)
def test_a_listing_that_is_refused_says_why(
    status: int, code: str, raised: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with running().failing(refusing(status, code)), pytest.raises(raised, match=said):
        list(made().list())


def made() -> ObjectStore:
    return open_store(Settings(**KEYS, s3_endpoint_url=running().url), BucketFolder("bucket-x"), "RAG_UPLOADS_DIR")


@pytest.mark.parametrize(
    "body",
    [
        "<html><body><p>Sign in to the network</p></body></html>",
        "not <xml at all",
        "<ListBucketResult><IsTruncated>true</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>",
    ],
    ids=["a page", "no XML", "a page without the next one's token"],
)
def test_what_is_no_whole_listing_is_never_an_empty_one(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with (
        running().failing(lambda *_: Response(body, 200, mimetype="text/xml")),
        pytest.raises(RagError, match=r"no S3|in part|not answer"),
    ):
        list(made().list())


def test_a_storage_that_is_away_or_silent_is_given_up_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(s3, "TRIES", 2)
    silent = open_store(Settings(**KEYS, s3_endpoint_url=running().url, top_k=9), BucketFolder("bucket-s"), "RAG_UPLOADS_DIR")
    with running().failing(lambda *_: time.sleep(1)), pytest.raises(TransientError, match="cannot be reached"):
        list(silent.list())
    away = open_store(Settings(**KEYS, s3_endpoint_url="http://127.0.0.1:9"), BucketFolder("bucket-s"), "RAG_UPLOADS_DIR")
    with pytest.raises(TransientError, match="RAG_S3_ENDPOINT_URL"):
        list(away.list())


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (403, "AccessDenied", ObjectUnreadableError),
        (403, "InvalidObjectState", ObjectUnreadableError),
        (403, "ExpiredToken", StorageRefusedError),
    ],
)
def test_what_stands_in_the_way_of_one_object_is_told_from_what_stands_in_the_way_of_all(
    status: int, code: str, raised: type[Exception]
) -> None:
    with running().failing(refusing(status, code)), pytest.raises(raised):
        content_of(made(), "a.txt")


def test_storage_that_knows_no_conditions_is_looked_at_first() -> None:
    store = running().bucket()
    unknown = refusing(501, "NotImplemented")
    with running().failing(lambda environ, answer: unknown(environ, answer) if "HTTP_IF_NONE_MATCH" in environ else None):
        put(store, "a.txt", b"first", replace=False)
        with pytest.raises(ObjectExistsError):
            put(store, "a.txt", b"second", replace=False)
    assert content_of(store, "a.txt") == b"first"


@pytest.mark.parametrize("url", ["s3://", "s3:///a", "s3://a", "http://bucket/a", "s3://bucket?x/a", "bucket/a"])
def test_what_is_no_place_is_said(url: str) -> None:
    assert bucket_folder(url) is None
    with pytest.raises(RagError, match="RAG_STAGING_URL"):
        open_store(Settings(), url, "RAG_STAGING_URL")
    assert bucket_folder("s3://my.bucket/a/b") == bucket_folder("s3://my.bucket/a/b/") == BucketFolder("my.bucket", "a/b/")

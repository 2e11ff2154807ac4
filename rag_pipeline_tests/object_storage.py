"""A real S3 server (moto) on loopback, in the tests' own process, whose answers can be made to fail.

Belongs here: starting it, faults, and settings that name it. Not here: tests.
"""

import contextlib
import io
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from rag_pipeline.settings import BucketFolder, Settings
from rag_pipeline.stores.objects import ObjectStore, open_store
from rag_pipeline.stores.objects.s3 import S3Store

KEYS = {"s3_access_key_id": "key", "s3_secret_access_key": "secret", "s3_region": "us-east-1"}
Fault = Callable[[dict[str, Any], Callable[[], Response]], Response | None]
"""Given a request (WSGI) and what makes the true answer: another answer, or None for the true one."""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *arguments: object) -> None:
        pass


@dataclass
class ObjectStorage:
    """The server: ``url``, what it was asked (``"GET /bucket/key"``), and the fault in force."""

    asked: list[str] = field(default_factory=list)
    fault: Fault | None = None
    url: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        answer = self.fault(environ, lambda: Response.from_app(_moto(), environ)) if self.fault else None
        return answer(environ, start_response) if answer else _moto()(environ, start_response)

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def settings(self, settings: Settings, place: str | BucketFolder, **more: object) -> Settings:
        """Settings that watch a place of this server."""
        kept = {name: getattr(settings, name) for name in settings.model_fields_set}
        return Settings(**{**kept, **KEYS, "s3_endpoint_url": self.url, "uploads_dir": place, **more})

    def bucket(self, prefix: str = "") -> S3Store:
        """A bucket of its own."""
        name = f"bucket-{next(_NUMBERS)}"
        store = open_store(Settings(**KEYS, s3_endpoint_url=self.url), BucketFolder(name, prefix), "RAG_UPLOADS_DIR")
        assert isinstance(store, S3Store)
        store.client.create_bucket(Bucket=name)
        return store


@dataclass(frozen=True)
class BucketPath(BucketFolder):
    """A watched bucket that tests write to as if it were a folder."""

    def __truediv__(self, key: str) -> "ObjectPath":
        store = open_store(Settings(**KEYS, s3_endpoint_url=running().url), BucketFolder(self.bucket, self.prefix), "RAG_UPLOADS_DIR")
        return ObjectPath(store, str(key))

    def iterdir(self) -> list["ObjectPath"]:
        return [self / found.key for found in (self / "").store.list()]


@dataclass(frozen=True)
class ObjectPath:
    """What tests do with a file, done with an object."""

    store: ObjectStore
    key: str

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    def __truediv__(self, name: str) -> "ObjectPath":
        return ObjectPath(self.store, f"{self.key}/{name}")

    def iterdir(self) -> list["ObjectPath"]:
        return [ObjectPath(self.store, found.key) for found in self.store.list(f"{self.key}/")]

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        pass

    def write_bytes(self, content: bytes) -> None:
        self.store.put(self.key, io.BytesIO(content))

    def write_text(self, text: str) -> None:
        self.write_bytes(text.encode())

    def read_bytes(self) -> bytes:
        target = io.BytesIO()
        self.store.get(self.key, target)
        return target.getvalue()

    def exists(self) -> bool:
        return self.store.head(self.key) is not None

    def unlink(self, missing_ok: bool = False) -> None:
        self.store.delete(self.key)

    def rename(self, target: "ObjectPath") -> None:
        target.write_bytes(self.read_bytes())
        self.unlink()


_NUMBERS = itertools.count(1)


@lru_cache
def _moto() -> DomainDispatcherApplication:
    return DomainDispatcherApplication(create_backend_app)


@lru_cache
def running() -> ObjectStorage:
    """The one server of this process; it ends with it."""
    storage = ObjectStorage()
    server = make_server("127.0.0.1", 0, storage, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    storage.url = f"http://127.0.0.1:{server.server_port}"
    return storage


def refusing(status: int, code: str, method: str = "") -> Fault:
    """Says no to every request (with that method)."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>so it is</Message></Error>"
    return lambda environ, _: Response(body, status, mimetype="application/xml") if method in ("", environ["REQUEST_METHOD"]) else None


def cut_off(times: int) -> Fault:
    """Objects end in the middle, so many times; their length is told as it is."""
    left = [times]

    def fault(environ: dict[str, Any], answer: Callable[[], Response]) -> Response | None:
        if environ["REQUEST_METHOD"] != "GET" or "list-type" in environ["QUERY_STRING"] or not left[0]:
            return None
        left[0] -= 1
        whole = answer()
        content = whole.get_data()
        headers = {**whole.headers, "Content-Length": str(len(content))}
        return Response(iter([content[: len(content) // 2]]), whole.status_code, headers)

    return fault

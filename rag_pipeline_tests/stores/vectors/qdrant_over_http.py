"""A server that speaks Qdrant's HTTP: real requests and real bytes, kept by the client's own in-memory mode. And one that goes wrong.

Belongs here: the routes that the product uses, and faults on demand. What is asked of it otherwise it answers with 404, as the real one.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, TypeAdapter
from qdrant_client import QdrantClient, models


@dataclass(frozen=True)
class Seen:
    """A request that came, and how many bytes it and its answer had."""

    method: str
    path: str
    received: int
    sent: int


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: an answer with ``status`` and ``headers``, or half an answer, or none for ``delay_seconds``.

    ``applied``: the request has been carried out all the same.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b'{"status":{"error":"as the test wants it"}}'
    half: bool = False
    delay_seconds: float = 0
    applied: bool = False


class QdrantOverHttp:
    """The server; ``faults`` are taken one a request, None for none, of ``matching`` paths only."""

    def __init__(self) -> None:
        self.client = QdrantClient(":memory:")
        self.version = "1.20.0"
        self.seen: list[Seen] = []
        self.faults: list[Fault | None] = []
        self.matching = ""
        self.indexes: dict[str, dict[str, str]] = {}
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    @contextmanager
    def counted(self) -> Iterator[list[Seen]]:
        """The requests that come within the block."""
        before = len(self.seen)
        found: list[Seen] = []
        yield found
        found += self.seen[before:]

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        given = json.loads(body) if body else {}
        for wanted, pattern, carry_out in ROUTES:
            if wanted == method and (found := re.fullmatch(pattern, path)):
                with self.lock:
                    try:
                        return 200, carry_out(self, *map(unquote, found.groups()), given)
                    except ValueError as error:
                        status = 404 if "not found" in str(error) else 409 if "already exists" in str(error) else 400
                        return status, {"status": {"error": str(error)}}
        return 404, {"status": {"error": f"no route {method} {path}"}}


def _handler(server: QdrantOverHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = urlsplit(self.path).path
            fault = None
            if server.faults and server.matching in path:
                fault = server.faults.pop(0)
                time.sleep(fault.delay_seconds if fault else 0)
            status, found = (0, None) if fault and not fault.applied else server.answer(self.command, path, body)
            content = json.dumps({"result": found, "status": "ok", "time": 0.0} if status == 200 else found).encode()
            if path == "/":  # the only answer that is not wrapped
                content = json.dumps({"title": "qdrant - vector search engine", "version": server.version}).encode()
            if fault and fault.status:
                status, content = fault.status, fault.body
            server.seen.append(Seen(self.command, path, len(body), len(content)))
            if fault and not (fault.status or fault.half or (fault.delay_seconds and fault.applied)):
                return  # the connection ends without an answer
            self.send_response(status or 200)
            for name, value in (("content-type", "application/json"), *(fault.headers if fault else ())):
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault and fault.half else content)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            return

    return Handler


Route = Callable[..., Any]


def _json(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return [_json(one) for one in value] if isinstance(value, list | tuple) else value


def _parsed(kind: Any, given: Any) -> Any:
    return TypeAdapter(kind).validate_python(given)


def _updated(_: object) -> dict[str, Any]:
    return {"operation_id": 0, "status": "completed"}


def _info(server: QdrantOverHttp, name: str, _: Any) -> Any:
    found = server.client.get_collection(name)
    fields = {field: {"data_type": kind, "points": 0} for field, kind in server.indexes.get(name, {}).items()}
    return {**_json(found), "payload_schema": fields}


def _create(server: QdrantOverHttp, name: str, given: Any) -> bool:
    wanted = _parsed(models.CreateCollection, given)
    return server.client.create_collection(name, wanted.vectors, wanted.sparse_vectors)


def _index(server: QdrantOverHttp, name: str, given: Any) -> Any:
    server.client.get_collection(name)
    schema = given["field_schema"]
    server.indexes.setdefault(name, {})[given["field_name"]] = schema if isinstance(schema, str) else schema["type"]
    return _updated(None)


def _delete_collection(server: QdrantOverHttp, name: str, _: Any) -> bool:
    server.indexes.pop(name, None)
    return server.client.delete_collection(name)


def _upsert(server: QdrantOverHttp, name: str, given: Any) -> Any:
    wanted = _parsed(models.PointsList, given)
    return _updated(server.client.upsert(name, wanted.points, update_filter=wanted.update_filter, update_mode=wanted.update_mode))


def _batch(server: QdrantOverHttp, name: str, given: Any) -> Any:
    server.client.batch_update_points(name, _parsed(models.UpdateOperations, given).operations)
    return [_updated(None) for _ in given["operations"]]


def _query(server: QdrantOverHttp, name: str, given: Any) -> Any:
    return _json(server.client.query_batch_points(name, _parsed(models.QueryRequestBatch, given).searches))


def _scroll(server: QdrantOverHttp, name: str, given: Any) -> Any:
    wanted = _parsed(models.ScrollRequest, given)
    found, following = server.client.scroll(
        name,
        wanted.filter,
        limit=wanted.limit,
        offset=wanted.offset,
        with_payload=True if wanted.with_payload is None else wanted.with_payload,
        with_vectors=wanted.with_vector or False,
    )
    return {"points": _json(found), "next_page_offset": following}


def _retrieve(server: QdrantOverHttp, name: str, given: Any) -> Any:
    wanted = _parsed(models.PointRequest, given)
    return _json(server.client.retrieve(name, wanted.ids, wanted.with_payload, wanted.with_vector or False))


def _facet(server: QdrantOverHttp, name: str, given: Any) -> Any:
    if given["key"] not in server.indexes.get(name, {}):
        raise ValueError(f"Bad request: Index required but none for {given['key']!r}")
    wanted = _parsed(models.FacetRequest, given)
    return _json(server.client.facet(name, wanted.key, wanted.filter, limit=wanted.limit or 10))


def _count(server: QdrantOverHttp, name: str, given: Any) -> Any:
    return _json(server.client.count(name, _parsed(models.CountRequest, given).filter))


ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", "/", lambda server, _: {}),
    ("GET", "/collections", lambda server, _: _json(server.client.get_collections())),
    ("GET", "/collections/([^/]+)", _info),
    ("GET", "/collections/([^/]+)/exists", lambda server, name, _: {"exists": server.client.collection_exists(name)}),
    ("PUT", "/collections/([^/]+)", _create),
    ("DELETE", "/collections/([^/]+)", _delete_collection),
    ("PUT", "/collections/([^/]+)/index", _index),
    ("PUT", "/collections/([^/]+)/points", _upsert),
    ("POST", "/collections/([^/]+)/points", _retrieve),
    ("POST", "/collections/([^/]+)/points/batch", _batch),
    ("POST", "/collections/([^/]+)/points/count", _count),
    ("POST", "/collections/([^/]+)/points/query/batch", _query),
    ("POST", "/collections/([^/]+)/points/scroll", _scroll),
    ("POST", "/collections/([^/]+)/points/delete", lambda server, name, given: _updated(server.client.delete(name, _selector(given)))),
    ("POST", "/collections/([^/]+)/facet", _facet),
)


def _selector(given: Any) -> Any:
    return _parsed(models.FilterSelector if "filter" in given else models.PointIdsList, given)

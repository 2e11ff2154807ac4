"""An embedding server on loopback that answers as the real ones do, and as they should not.

Belongs here: the protocol and its faults. Not here: what is expected of who asks. Its vectors are of words, so that texts that share some
are near each other; ``model`` changes all of them, as another model would.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

DIMENSION = 64


@dataclass
class EmbeddingService:
    """What it does can be changed while it runs. ``faults``: what becomes of the next requests, one each.

    ``window``: longer texts are refused, or, with ``cuts``, cut without a word; ``refused``: a word of which texts are refused too.
    """

    model: str = "test-model"
    dimension: int = DIMENSION
    window: int = 512
    cuts: bool = False
    refused: str = "never said"
    key: str = ""
    as_lists: bool = False
    faults: list[str] = field(default_factory=list)
    fault: str = ""
    texts: list[list[str]] = field(default_factory=list)
    together: int = 0
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _at_work: int = 0

    def vector(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        made = np.zeros(self.dimension, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower())[: self.window]:
            random = np.random.default_rng(zlib.crc32(f"{self.model}{word}".encode()))
            made += random.standard_normal(self.dimension).astype(np.float32)
        return 3 * made  # not of unit length

    @contextmanager
    def answering(self, texts: list[str]) -> Iterator[str]:
        """The fault of this request, while it is answered."""
        with self._lock:
            self.texts.append(texts)
            self._at_work += 1
            self.together = max(self.together, self._at_work)
            fault = self.faults.pop(0) if self.faults else self.fault
        yield fault
        with self._lock:
            self._at_work -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: EmbeddingService

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.service.answering(asked["input"]) as fault:
            self._answer(asked, fault)

    def _answer(self, asked: dict[str, Any], fault: str) -> None:
        service, texts = self.service, asked["input"]
        given = self.headers.get("authorization", "")
        if self.path != "/v1/embeddings":
            self._send(404, {"detail": "Not Found"})
        elif service.key and given != f"Bearer {service.key}":
            self._send(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
        elif fault == "429":
            self._send(429, {"error": {"message": "slow down"}}, {"retry-after": "1"})
        elif fault in ("503", "400"):
            self._send(int(fault), {"error": {"message": f"overloaded, {given}"}}, {"retry-after-ms": "10"})
        elif fault == "elsewhere":
            self._send(307, {}, {"location": "http://127.0.0.1:9/v1/embeddings"})
        elif fault == "silent":
            threading.Event().wait(1.5)
            self.close_connection = True
        elif not service.cuts and any(len(re.findall(r"\w+", text)) > service.window or service.refused in text for text in texts):
            self._send(413, {"error": {"message": f"inputs must have less than {service.window} tokens"}})
        else:
            self._send_vectors(asked, fault)

    def _send_vectors(self, asked: dict[str, Any], fault: str) -> None:
        vectors = [self.service.vector(f"another {text}" if fault == "odd" else text) for text in asked["input"]]
        if fault == "NaN":
            vectors[-1][3] = np.nan
        if fault == "other length":
            vectors[-1] = vectors[-1][:-1]
        if fault == "one missing":
            vectors.pop()
        listed = self.service.as_lists or asked.get("encoding_format") != "base64"
        written: list[Any] = [v.tolist() if listed else base64.b64encode(v.astype("<f4").tobytes()).decode() for v in vectors]
        data = [{"object": "embedding", "index": index, "embedding": one} for index, one in enumerate(written)]
        self._send(200, {"object": "list", "data": data[::-1], "model": asked["model"], "usage": {}}, half=fault == "half")

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None, *, half: bool = False) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection = half


@contextmanager
def serving(**how: Any) -> Iterator[EmbeddingService]:
    service = EmbeddingService(**how)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()

"""Lets in who has a token, everywhere alike: pages, API, the OpenAI-compatible route, MCP.

Belongs here: finding out who asks, refusing, how often and how much one may ask. Not here: what one may see (``visibility.py``), tokens
(``rag_pipeline/access.py``).
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

import gradio
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_pipeline.access import EVERYTHING, Access, AccessToken, Tokens
from rag_pipeline.stores.files import write_atomically

COOKIE = "rag_session"
SESSION_SECONDS = 14 * 24 * 3600
LARGEST_JSON_BYTES = 4 << 20
"""Of a request that uploads nothing: a long conversation, many times over."""
_TOO_LARGE = "The request is larger than this app takes. Send less at once, or raise RAG_MAX_FILE_BYTES."
_PUBLIC = ("/login", "/ui/", "/api/v1/health", "/api/v1/ready")
_COUNTED = ("/api/", "/v1/", "/mcp", "/login")
"""What counts against the limit of requests; an open page asks for its pieces far more often."""


class Sessions:
    """Signed cookies that stand for a token after a login; they end with the token, or after two weeks.

    Args:
        key_file: holds the key that signs, made at first use, readable by this user only.
    """

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._serializer: URLSafeTimedSerializer | None = None

    def issue(self, token: AccessToken) -> str:
        """The cookie's value."""
        return str(self._signer().dumps(token.digest))

    def digest(self, value: str) -> str | None:
        """The digest of the token that a cookie stands for; None when it is forged or too old."""
        try:
            return str(self._signer().loads(value, max_age=SESSION_SECONDS))
        except BadData:
            return None

    def _signer(self) -> URLSafeTimedSerializer:
        if self._serializer is None:
            if not self._key_file.exists():
                write_atomically(self._key_file, secrets.token_bytes(32))
                self._key_file.chmod(0o600)
            self._serializer = URLSafeTimedSerializer(self._key_file.read_bytes(), salt="rag session")
        return self._serializer


@dataclass
class _Bucket:
    left: float
    at: float


class RateLimit:
    """A token bucket for each name: so many requests a minute, as many at once. 0: no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_seconds(self, name: str) -> float:
        """0 when one more request is fine (and it is counted), otherwise how long to wait for it."""
        if not self._per_minute:
            return 0.0
        now = self._clock()
        bucket = self._buckets.setdefault(name, _Bucket(self._per_minute, now))
        bucket.left = min(self._per_minute, bucket.left + (now - bucket.at) * self._per_minute / 60)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) * 60 / self._per_minute
        bucket.left -= 1
        self._forget_idle(now)
        return 0.0

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) > 10_000:  # addresses of strangers; a bucket that is full again says nothing
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if now - bucket.at < 60}


class Gatekeeper:
    """ASGI middleware: puts an :class:`Access` into every request's state, or refuses it.

    Args:
        app: what is guarded.
        tokens: those accepted; none: everyone may do everything.
        sessions: cookies of people who logged in.
        limit: requests a minute, for each token.
        largest_upload_bytes: of a request that uploads files.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, sessions: Sessions, limit: RateLimit, largest_upload_bytes: int) -> None:
        self._app = app
        self._tokens = tokens
        self._sessions = sessions
        self._limit = limit
        self._largest_upload_bytes = largest_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        access = self._access(scope)
        refusal = self._refusal(scope, access)
        if refusal is None:
            scope.setdefault("state", {})["access"] = access
            await self._app(scope, _bounded(receive, self._largest_body(scope)), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _access(self, scope: Scope) -> Access | None:
        if not self._tokens:
            return EVERYTHING
        connection = HTTPConnection(scope)
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            found = self._tokens.recognise(token.strip())
        else:
            digest = self._sessions.digest(connection.cookies.get(COOKIE, ""))
            found = self._tokens.of_digest(digest) if digest else None
        return found.access if found else None

    def _refusal(self, scope: Scope, access: Access | None) -> Response | None:
        path = str(scope["path"])
        if path.startswith(_COUNTED):
            client = scope.get("client") or ("",)
            wait = self._limit.wait_seconds(f"token {access.name}" if access and access.name else f"address {client[0]}")
            if wait:
                return _too_many(wait)
        headers = Headers(scope=scope)
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._largest_body(scope):
            return refused(413, "too_large", _TOO_LARGE)
        if access is not None or path.startswith(_PUBLIC):
            return None
        if scope.get("method") == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"/login?next={quote(path)}", status_code=303)
        words = "Send an access token: Authorization: Bearer TOKEN. Whoever runs this app makes one with: rag token NAME"
        return refused(401, "no_token", words, {"WWW-Authenticate": "Bearer"})

    def _largest_body(self, scope: Scope) -> int:
        """Multipart is for uploads; the largest single file is checked again while it is stored."""
        uploads = Headers(scope=scope).get("content-type", "").startswith("multipart/form-data")
        return self._largest_upload_bytes if uploads else LARGEST_JSON_BYTES


def access_of(request: HTTPConnection) -> Access:
    """Who sent a request."""
    return cast("Access", request.state.access)


def access_in(request: gradio.Request) -> Access:
    """Who sent the request behind an event of a page."""
    if request.request is None:  # an event without a browser behind it; the app makes none
        raise RuntimeError("nobody sent this event")
    return access_of(request.request)


def refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A refusal in the API's form."""
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=headers)


def _too_many(wait_seconds: float) -> JSONResponse:
    seconds = math.ceil(wait_seconds)
    words = f"Too many requests. Wait {seconds} s, or have RAG_REQUESTS_PER_MINUTE raised."
    return refused(429, "too_many_requests", words, {"Retry-After": str(seconds)})


class BodyTooLargeError(HTTPException):
    """More came than was announced."""

    def __init__(self) -> None:
        super().__init__(413, _TOO_LARGE)


def _bounded(receive: Receive, most_bytes: int) -> Receive:
    """For requests that do not say how long they are."""
    left = most_bytes

    async def receive_bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise BodyTooLargeError
        return message

    return receive_bounded

"""Lets in who has a token, everywhere alike: pages, API, the OpenAI-compatible route, MCP.

Belongs here: finding out who asks, refusing. Not here: what one may see (``visibility.py``), how often one may ask (``rate_limit.py``),
how large a body may be (``app.py``), cookies (``sessions.py``), tokens (``rag_pipeline/access.py``).
"""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_pipeline.access import EVERYTHING, Access, Tokens
from ui.web.rate_limit import RateLimit, cost_of
from ui.web.security import refused
from ui.web.sessions import COOKIE, Sessions

_TOO_LARGE = "The request is larger than this address takes. Send less at once; for uploads, raise RAG_MAX_FILE_BYTES."
_PUBLIC = frozenset({"/login", "/api/v1/health", "/api/v1/ready"})
_PUBLIC_FILES = "/ui/"
_GRADIO = "/gradio_api/"
_GRADIO_USED = tuple(f"{_GRADIO}{route}" for route in ("queue/", "run/", "startup-events", "app_id"))
"""What our pages call. Gradio has more doors (uploads, recordings, files, a proxy), which nobody needs here: they stay shut."""


class Gatekeeper:
    """ASGI middleware: puts an :class:`Access` into every request's state, or refuses it before a byte of its body is read.

    Args:
        app: what is guarded; a 413 of it is given in the API's form.
        tokens: those accepted; none: everyone may do everything.
        sessions: cookies of people who logged in.
        limit: requests a minute, for each token.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, sessions: Sessions, limit: RateLimit) -> None:
        self._app = app
        self._tokens = tokens
        self._sessions = sessions
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        access = self._access(scope)
        refusal = await self._refusal(scope, access)
        if refusal is None:
            scope.setdefault("state", {})["access"] = access
            await self._app(scope, receive, _with_words(scope, receive, send))
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
            return self._tokens.recognise(token.strip())
        digest = self._sessions.digest(connection.cookies.get(COOKIE, ""))
        return self._tokens.of_digest(digest) if digest else None

    async def _refusal(self, scope: Scope, access: Access | None) -> Response | None:
        path = str(scope["path"])
        client = scope.get("client") or ("",)
        name = f"token {access.digest}" if access and access.digest else f"address {client[0]}"
        if wait := await self._limit.wait_seconds(name, cost_of(path)):
            return _too_many(wait)
        headers = Headers(scope=scope)
        if access is not None or path in _PUBLIC or path.startswith(_PUBLIC_FILES):
            closed = path.startswith(_GRADIO) and not path.startswith(_GRADIO_USED)
            return refused(404, "http_error", "Not Found") if closed else None
        if scope.get("method") == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"/login?next={quote(path)}", status_code=303)
        words = "Send an access token: Authorization: Bearer TOKEN. Whoever runs this app makes one with: rag token NAME"
        return refused(401, "no_token", words, {"WWW-Authenticate": "Bearer"})


def access_of(request: HTTPConnection) -> Access:
    """Who sent a request."""
    return cast("Access", request.state.access)


def _too_many(wait_seconds: int) -> JSONResponse:
    words = f"Too many requests. Wait {wait_seconds} s, or have RAG_REQUESTS_PER_MINUTE raised."
    return refused(429, "too_many_requests", words, {"Retry-After": str(wait_seconds)})


def _with_words(scope: Scope, receive: Receive, send: Send) -> Send:
    """Starlette refuses a body that is too large in plain text; whoever called reads JSON."""
    replaced = False

    async def send_with_words(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and message["status"] == 413:
            replaced = True
            await refused(413, "too_large", _TOO_LARGE)(scope, receive, send)
        elif not replaced:
            await send(message)

    return send_with_words

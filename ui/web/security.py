"""Keeps other web sites out, and the rest of the network too where the app has no login.

Belongs here: checks of Host and Origin, security headers, the forms of a refusal and of a page of ours. Not here: tokens
(``gatekeeper.py``), what is served.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_pipeline.access import is_loopback

GRADIO_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""Gradio needs inline scripts and eval. Whatever gets into the page, the browser asks nobody but this server."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)
"""For the pages we write ourselves; the app shows them in a frame beside the conversation."""

DOCUMENT_POLICY = PAGE_POLICY.replace("form-action 'none'", "form-action 'self'; connect-src 'self'")
"""For a page that goes on to its next part, and sends what is done with the document."""

LOGIN_POLICY = PAGE_POLICY.replace("form-action 'none'", "form-action 'self'").replace("frame-ancestors 'self'", "frame-ancestors 'none'")

_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware: refuses requests made by other sites' pages, and adds security headers to every response.

    Args:
        app: what is guarded.
        host: the address the app listens on. On loopback, requests under any other name are refused: a web site could point its own
            name at 127.0.0.1 and read the documents through the visitor's browser (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._only_loopback = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._only_loopback and not is_loopback(host_name(host)):
            return refused(400, "unknown_host", f"This app answers on this machine only, not as {host!r}. Set RAG_HOST to share it.")
        came_to = scope.get("server")
        if self._only_loopback and came_to and not is_loopback(came_to[0]):  # a server of another making listens at more than RAG_HOST
            return refused(400, "unknown_host", f"This app answers on this machine only, not at {came_to[0]}. Set RAG_HOST to share it.")
        if scope.get("method") not in _SAFE_METHODS and is_foreign(headers):
            return refused(403, "foreign_origin", "The request came from a page of another site. Open the app itself.")
        return None


def host_name(host: str) -> str:
    """A Host header without its port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host else ""
    except ValueError:  # a bracket that nothing closes
        return ""


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that a page of another origin sent the request. Programs say nothing, and pass."""
    site = headers.get("sec-fetch-site")
    if site:  # browsers send it over loopback and https, and pages cannot forge it
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def own_page(markup: str, status: int = 200, policy: str = PAGE_POLICY) -> HTMLResponse:
    """A page that we wrote ourselves, or a part of one."""
    return HTMLResponse(markup, status, {"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def refused(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal, or a failure, in the API's form."""
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=headers)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", GRADIO_POLICY)
        await send(message)

    return send_with_headers

"""What the pages' addresses stream, by WebSockets to the same addresses.

Belongs here: handing a response on, message by message. Not here: who may read it (the doors around this), what it says, the browser's
end (``static/streams.js``).

A browser has six connections to an address that speaks HTTP/1.1, all its windows together, and a stream keeps one: the seventh window that
is looked at hung, or any window while six were given answers. WebSockets are not among the six.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STREAMS = frozenset({"/progress/events", "/gradio_api/queue/data"})
"""All that a page of ours keeps open. Programs read them, and all others, as responses."""
_OVER = 1000
_BROKEN_OFF = 1011


class SocketStreams:
    """ASGI middleware: who opens a WebSocket at one of :data:`STREAMS` is sent what a GET of it gives, a message for each piece.

    A GET that is not answered by 200 is a socket that is not opened; one that breaks off closes its socket with 1011.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, or let pass."""
        if scope["type"] != "websocket" or scope["path"] not in STREAMS:
            await self._app(scope, receive, send)
            return
        socket = _Socket(receive, send)
        leaving = asyncio.create_task(socket.left())
        try:
            await self._app(_as_request(scope), socket.receive, socket.send)
        finally:
            leaving.cancel()
            await socket.close()


class _Socket:
    """A WebSocket, as the two ends of a request."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._is_gone, self._is_whole = asyncio.Event(), False

    async def left(self) -> None:
        """Until the reader has left."""
        while (await self._receive())["type"] != "websocket.disconnect":
            pass
        self._is_gone.set()

    async def receive(self) -> Message:
        """Of a response only whether its reader has left is asked; a GET has no body."""
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            accepted = message["status"] == 200
            await self._say({"type": "websocket.accept"} if accepted else {"type": "websocket.close"})
            if not accepted:
                self._is_gone.set()
        elif message["type"] == "http.response.body":
            if message.get("body"):
                await self._say({"type": "websocket.send", "bytes": bytes(message["body"])})
            self._is_whole = not message.get("more_body")

    async def close(self) -> None:
        await self._say({"type": "websocket.close", "code": _OVER if self._is_whole else _BROKEN_OFF})

    async def _say(self, message: Message) -> None:
        if not self._is_gone.is_set():
            with suppress(OSError):  # the reader is just leaving
                await self._send(message)


def _as_request(scope: Scope) -> dict[str, Any]:
    # Its pieces are sent as they are: what a browser could unpack of a response it cannot of a socket.
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    # 2.3: a response looks itself whether its reader has left.
    asgi = {"version": "3.0", "spec_version": "2.3"}
    return {**scope, "type": "http", "method": "GET", "scheme": scheme, "headers": headers, "asgi": asgi, "extensions": {}}

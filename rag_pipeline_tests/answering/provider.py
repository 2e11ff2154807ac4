"""A language model provider on loopback that does what a test tells it to, byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reply:
    """One scripted reply. ``pieces`` are sent as chunks; the stream ends properly unless ``dies``."""

    pieces: Sequence[str] = ()
    status: int = 200
    body: str = '{"error": {"message": "scripted"}}'
    delay_seconds: float = 0.0
    silence_after: int | None = None
    dies: bool = False
    raw: bytes = b""


@dataclass
class Provider:
    """What was asked of it over how many connections, and whether the last caller hung up early."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await self._head(reader):
                length = next(int(line.partition(":")[2]) for line in head.splitlines() if line.lower().startswith("content-length:"))
                self.headers.append(head)
                self.requests.append(json.loads(await reader.readexactly(length)))
                await self._answer(self.replies.pop(0) if len(self.replies) > 1 else self.replies[0], reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        except asyncio.CancelledError:
            pass  # the test is over, and with it the loop; a caller keeps his connection
        finally:
            writer.close()

    @staticmethod
    async def _head(reader: asyncio.StreamReader) -> str:
        """The head of the next request; empty when the caller has asked all he wanted."""
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return ""

    async def _answer(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reply.status != 200:
            body = reply.body.encode()
            head = f"HTTP/1.1 {reply.status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number, piece in enumerate(reply.pieces):
            if reply.silence_after == number:
                await self._wait_for_hang_up(reader)
            await asyncio.sleep(reply.delay_seconds)
            self._send(writer, event({"delta": {"content": piece}}))
            await writer.drain()
        if reply.raw:
            self._send(writer, reply.raw)
        if reply.dies:
            writer.transport.abort()
            return
        if reply.silence_after is not None and reply.silence_after >= len(reply.pieces):
            await self._wait_for_hang_up(reader)
        self._send(writer, event({"delta": {}, "finish_reason": "stop"}) + usage_event() + b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _wait_for_hang_up(self, reader: asyncio.StreamReader) -> None:
        if await reader.read(1) == b"":
            raise ConnectionResetError

    @staticmethod
    def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def event(choice: dict[str, Any]) -> bytes:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [{"index": 0, **choice}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def usage_event() -> bytes:
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [], "usage": usage}
    return f"data: {json.dumps(chunk)}\n\n".encode()


@asynccontextmanager
async def provider(*replies: Reply) -> AsyncIterator[Provider]:
    made = Provider(replies=list(replies))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        server.close()

"""An installed Firefox that Playwright drives, and the program that stands between the two.

Belongs here: starting it. Not here: what is tested in it (``pages/test_firefox.py``), which one is installed (``programs.py``).
Playwright's own Firefox is a patched one that it downloads. The one that people have speaks WebDriver BiDi, and Playwright (1.65, its
channel ``moz-firefox``) sets each page's colour scheme by a command of it that Firefox (ESR 153) does not know, and then has no page. So
Playwright starts this module in Firefox's place: it starts Firefox, hands on all messages, and answers that one command itself. The
scheme is a preference instead.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

_UNKNOWN = "emulation.setMediaFeaturesOverride"
_LISTENS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
"""What Firefox says of it, and what Playwright waits for."""
_LIGHT = 1
_FINE_AND_HOVERS = 6
"""A mouse (``LookAndFeel``'s bits 2 and 4): a machine that has none says that nothing can be pointed at."""
_PREFERENCES = {
    "layout.css.prefers-color-scheme.content-override": _LIGHT,
    "ui.primaryPointerCapabilities": _FINE_AND_HOVERS,
    "ui.allPointerCapabilities": _FINE_AND_HOVERS,
}
_UNBOUNDED: Any = {"max_size": None, "compression": None, "ping_interval": None}


@contextmanager
def running(playwright: Any, program: str, folder: Path) -> Iterator[Any]:
    """Firefox, as a browser of Playwright's. ``folder``: for the script that it starts; empty."""
    script = folder / "firefox"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "{program}" "$@"\n')
    script.chmod(0o755)
    launched = playwright.firefox.launch(channel="moz-firefox", executable_path=script, firefox_user_prefs=_PREFERENCES)
    yield launched
    launched.close()


async def _between(address: str, playwright: ServerConnection) -> None:
    """Hand on what one says to the other, until one of them has left."""
    assert playwright.request
    async with connect(address + playwright.request.path, **_UNBOUNDED) as firefox:
        ways = [asyncio.create_task(_asked(playwright, firefox)), asyncio.create_task(_told(firefox, playwright))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()


async def _asked(playwright: ServerConnection, firefox: ClientConnection) -> None:
    async for text in playwright:
        command = json.loads(text)
        if command["method"] == _UNKNOWN:
            await playwright.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
        else:
            await firefox.send(text)


async def _told(firefox: ClientConnection, playwright: ServerConnection) -> None:
    async for text in firefox:
        await playwright.send(text)


async def _main(*command: str) -> None:
    firefox = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert firefox.stderr
    async for line in firefox.stderr:
        if listens := _LISTENS.search(line):
            break
        sys.stderr.buffer.write(line)
    else:
        return  # it says why, and ends
    address = listens[1].decode()
    async with serve(lambda playwright: _between(address, playwright), "127.0.0.1", 0, **_UNBOUNDED) as server:
        port = server.sockets[0].getsockname()[1]
        sys.stderr.write(f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n")
        sys.stderr.flush()
        async for _ in firefox.stderr:  # nobody wants to read it, and a full pipe would stop Firefox
            pass


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))

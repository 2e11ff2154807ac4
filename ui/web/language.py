"""Speaks to each request in its own language, and gives its messages to the scripts of a page.

Belongs here: requests, and the page of Gradio. Not here: choosing (``views/language/choice.py``), what is said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache

from fastapi import APIRouter, Request, Response
from gradio import routes as gradio_routes
from jinja2 import BaseLoader, Environment
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.views import STATIC
from ui.views.environment import render
from ui.views.language import ENGLISH, Language, language, speaking
from ui.views.language.choice import chosen

router = APIRouter(include_in_schema=False)
_PROGRAMS = ("/api/v1/", "/v1/", "/mcp")
"""What programs read is English, whatever asks for it; what leaves by them for people says itself that it speaks their language."""
_PAGE = "frontend/index.html"
_LANGUAGE, _BEGINNING = 'lang="en"', 'charset="utf-8" />'


class SpeakingEach:
    """ASGI middleware: everything inside of it speaks the language of the request.

    Args:
        app: what is inside.
        fixed: the language of all requests; ``auto``: each has its own.
    """

    def __init__(self, app: ASGIApp, fixed: str) -> None:
        self._app = app
        self._fixed = fixed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose, and pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        wanted = chosen(Headers(scope=scope).get("accept-language", ""), self._fixed)
        scope.setdefault("state", {})["language"] = wanted
        with speaking(ENGLISH if str(scope["path"]).startswith(_PROGRAMS) else wanted):
            await self._app(scope, receive, send)


def language_of(connection: HTTPConnection) -> Language:
    """The language of whoever sent a request, also where it is looked at elsewhere: in a queue, by a route for programs."""
    found: Language = getattr(connection.state, "language", ENGLISH)
    return found


@router.get("/ui/gettext.js")
async def scripts_messages(request: Request) -> Response:
    """``static/gettext.js`` behind the messages that scripts say, in the language of the request."""
    script, mark = _script(language())
    headers = {"ETag": mark, "Cache-Control": "no-cache", "Vary": "Accept-Language"}
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    return Response(script, media_type="text/javascript", headers=headers)


@lru_cache(maxsize=64)
def _script(spoken: Language) -> tuple[str, str]:
    said = {text: form for text, form in spoken.messages.items() if text in spoken.for_scripts}
    told = {"lang": spoken.code, "dir": spoken.direction, "messages": said}
    catalogue = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    script = f"window.catalogue = {{...{catalogue}, form: (n) => Number({spoken.plural})}};\n{(STATIC / 'gettext.js').read_text('utf-8')}"
    return script, f'"{hashlib.sha256(script.encode()).hexdigest()[:32]}"'


def teach_gradio() -> None:
    """Have Gradio's page say its language and direction, and load our messages before any other script of ours.

    Both stand in Gradio's template, which has no place for them; its ``head`` is put in by a script, later and in any order.
    """
    environment: Environment = gradio_routes.templates.env
    if not isinstance(environment.loader, _InItsLanguage):
        environment.loader = _InItsLanguage(environment.loader)


class _InItsLanguage(BaseLoader):
    def __init__(self, inner: BaseLoader | None) -> None:
        self._inner = inner

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Callable[[], bool] | None]:
        """The template of Gradio, its page changed in two places."""
        if self._inner is None:
            raise RuntimeError("Gradio has no templates")
        source, file, is_current = self._inner.get_source(environment, template)
        return (_changed(source) if template == _PAGE else source), file, is_current


def _changed(source: str) -> str:
    language_of_page = 'lang="{{ config.spoken.lang }}" dir="{{ config.spoken.dir }}"'
    for found, changed in {_LANGUAGE: language_of_page, _BEGINNING: _BEGINNING + render("gettext.html")}.items():
        if found not in source:
            raise RuntimeError(f"Gradio's page has changed: {found} is not in it any more")
        source = source.replace(found, changed, 1)
    return source

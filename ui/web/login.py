"""The page that takes a token and gives a session.

Belongs here: its routes. Not here: markup (``views/templates/login.html``), cookies (``sessions.py``), what one may do
(``gatekeeper.py``).
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ui.views.environment import render
from ui.web.security import LOGIN_POLICY
from ui.web.services import services_of
from ui.web.sessions import COOKIE, SESSION_SECONDS

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def form(next: str = "/") -> Response:
    """Ask for a token."""
    return _form(next)


@router.post("/login")
async def log_in(request: Request, token: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/") -> Response:
    """Take a token; a right one opens the app for two weeks."""
    services = services_of(request)
    found = services.tokens.recognise(token.strip())
    if found is None:
        return _form(next, wrong=True)
    answer = RedirectResponse(inner_path(next), status_code=303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, services.sessions.issue(found), SESSION_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
async def log_out() -> Response:
    """Forget the session."""
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


def inner_path(address: str) -> str:
    """The path of an address within this app; ``/`` for one that leads elsewhere."""
    try:
        parts = urlsplit(address)
    except ValueError:  # a bracket that nothing closes
        return "/"
    inner = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inner else "/"


def _form(after: str, *, wrong: bool = False) -> Response:
    headers = {"Content-Security-Policy": LOGIN_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(render("login.html", next=inner_path(after), wrong=wrong), 401 if wrong else 200, headers)

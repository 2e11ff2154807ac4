"""What routes ask for in their signatures.

Belongs here: ``Annotated`` aliases, and what is asked before a body is read. Not here: the parts themselves
(``web/services.py``), what may be seen (``web/visibility.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rag_pipeline.access import Access
from ui.web.gatekeeper import access_of
from ui.web.services import Services, services_of
from ui.web.visibility import require

_bearer = HTTPBearer(auto_error=False, description="A token of RAG_API_TOKENS; none is asked for where that is unset.")
"""Only to say so in the schema: the gatekeeper checks tokens before any route is reached."""


_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _reader(request: Request, _: _Bearer) -> Access:
    access = access_of(request)
    require(access, "read")
    return access


def _writer(request: Request, _: _Bearer) -> Access:
    access = access_of(request)
    require(access, "write")
    return access


class WriterRoute(APIRoute):
    """Asks whether the token may write before the body is read. FastAPI reads bodies first, and then asks what a signature names."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the question."""
        handle = super().get_route_handler()

        async def handle_writer(request: Request) -> Response:
            require(access_of(request), "write")
            return await handle(request)

        return handle_writer


ServicesDependency = Annotated[Services, Depends(services_of)]
ReaderDependency = Annotated[Access, Depends(_reader)]
WriterDependency = Annotated[Access, Depends(_writer)]

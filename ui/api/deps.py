"""What routes ask for in their signatures.

Belongs here: ``Annotated`` aliases. Not here: the parts themselves (``services.py``), what may be seen (``visibility.py``).
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rag_pipeline.access import Access
from ui.gatekeeper import access_of
from ui.services import Services
from ui.visibility import require

_bearer = HTTPBearer(auto_error=False, description="A token of RAG_API_TOKENS; none is asked for where that is unset.")
"""Only to say so in the schema: the gatekeeper checks tokens before any route is reached."""


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def _reader(request: Request, _: _Bearer) -> Access:
    access = access_of(request)
    require(access, "read")
    return access


def _writer(request: Request, _: _Bearer) -> Access:
    access = access_of(request)
    require(access, "write")
    return access


ServicesDependency = Annotated[Services, Depends(_services)]
ReaderDependency = Annotated[Access, Depends(_reader)]
WriterDependency = Annotated[Access, Depends(_writer)]

"""Every failure of a route as ``{"error": {"code", "message"}}``.

Belongs here: which failure becomes which status. Not here: the words, which the failing part has chosen.
"""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from rag_pipeline.errors import RagError
from rag_pipeline.models import Failed
from rag_pipeline.stores.catalog.contract import CatalogBusyError, CatalogError
from ui.web.security import refused

log = logging.getLogger(__name__)
_STATUSES = {"forbidden": 403, "not_found": 404, "pipeline": 503, "index_busy": 503, "conversations": 503, "edited_meanwhile": 409}


class AnswerFailedError(RagError):
    """The stream ended with :class:`Failed`."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.code = failed.code


def add_handlers(app: FastAPI) -> None:
    """Teach an app to answer failures in words."""
    app.add_exception_handler(RagError, _rag_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def status_of(error: RagError) -> int:
    """502 when the language model failed, 503 when something passes, 500 when something is damaged, 400 when another request would do."""
    code = str(getattr(error, "code", ""))
    if code.startswith("chat_"):
        return 502
    if isinstance(error, CatalogBusyError):
        return 503
    if code in _STATUSES:
        return _STATUSES[code]
    return 500 if isinstance(error, CatalogError) or code == "internal" else 400


async def _rag_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RagError):
        raise error
    code = str(getattr(error, "code", "")) or _code_of(type(error))
    return refused(status_of(error), code, str(error))


def _code_of(kind: type[Exception]) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__.removesuffix("Error")).lstrip("_")


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    lines = [f"{'.'.join(str(part) for part in item['loc'][1:]) or 'body'}: {item['msg']}" for item in error.errors()]
    return refused(422, "invalid_request", "; ".join(lines))


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return refused(error.status_code, "http_error", str(error.detail), error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return refused(500, "internal", "Something unexpected happened. The app's log says what; please report it.")

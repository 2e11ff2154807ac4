"""Puts the app together and serves it.

Belongs here: what is mounted where, start and stop. Not here: routes (``api``, ``login.py``), pages (``pages``),
what the doors do (the modules beside this one).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import FrameType

import gradio
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from rag_pipeline.access import accepted_tokens
from rag_pipeline.answering.answerer import Answerer
from rag_pipeline.privacy import switch_off_telemetry
from rag_pipeline.settings import Settings, load_settings
from ui.api import (
    asking,
    conversations,
    errors,
    evaluation,
    language_models,
    mcp_tools,
    openai_chat,
    operations,
    passages,
    pipeline,
    progress,
    runs,
    turns,
)
from ui.api.documents import files, listed, many
from ui.api.documents import page as document_page
from ui.api.schema_examples import FAILURES
from ui.pages import build_pages
from ui.pages.theme import theme
from ui.views import STATIC
from ui.views.environment import render
from ui.views.language.choice import require_spoken
from ui.web import language, login, metrics
from ui.web.gatekeeper import Gatekeeper
from ui.web.listening import listen
from ui.web.page_states import bound_page_states
from ui.web.rate_limit import RateLimit
from ui.web.security import Guard
from ui.web.services import Services, build_services, warm_up
from ui.web.socket_streams import SocketStreams

LARGEST_REQUEST_BYTES = 4 << 20
"""Of a request that uploads nothing: a long conversation, many times over."""
LARGEST_LOGIN_BYTES = 16 << 10
"""A token and an address to go on to. Nobody has been let in yet, so it is kept small."""
_AROUND_A_FILE_BYTES = 1 << 20
"""What a form sends besides the file."""
GRACE_SECONDS = 2
"""Open streams (every open page has one) get this long to end when the app is stopped."""


def create_app(settings: Settings, answerer: Answerer | None = None, *, with_pages: bool = True) -> FastAPI:
    """The whole app: pages, passages, API. Nothing is loaded or contacted before it is started.

    Args:
        settings: where documents are, what to listen on.
        answerer: in place of the one that the settings describe.
        with_pages: whether there is a page to ask on, too.
    """
    switch_off_telemetry(os.environ)
    os.environ["GRADIO_TEMP_DIR"] = str(settings.data / "app")  # its default is one folder for all users of the machine
    require_spoken(settings.language)
    services = build_services(settings, answerer)
    # FastAPI's own documentation pages load scripts from a CDN, so they stay off; the schema itself is served.
    app = FastAPI(title="rag", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json", lifespan=_lifespan, responses=FAILURES)
    app.state.services = services
    _add_routes(app, services)
    _add_doors(app, services)
    if with_pages:
        _mount_pages(app, services)
    return app


def create_api() -> FastAPI:
    """The app as the environment describes it, without the pages, whose requests must all come to one process.

    For several processes at one port: ``uvicorn ui.web.app:create_api --factory --workers 4 --host "$RAG_HOST" --port 7860``.

    Raises:
        RagError: a setting, or the tokens, cannot be used.
    """
    return create_app(load_settings(), with_pages=False)


def _add_routes(app: FastAPI, services: Services) -> None:
    routers = (
        asking, turns, conversations, files, document_page, many, evaluation, language_models,
        progress, pipeline, runs, operations, openai_chat, passages,
    )  # fmt: skip
    for module in routers:
        app.include_router(module.router)
    app.include_router(progress.pages)
    app.include_router(evaluation.pages)
    app.include_router(pipeline.pages)
    app.include_router(turns.pages)
    app.include_router(conversations.pages)
    app.include_router(listed.pages)
    app.include_router(many.pages)
    app.include_router(document_page.pages)
    app.include_router(language_models.pages)
    app.include_router(login.router, max_body_size=LARGEST_LOGIN_BYTES)
    app.include_router(files.uploading, max_body_size=services.settings.max_file_bytes + _AROUND_A_FILE_BYTES)
    app.state.mcp = mcp_tools.mcp_app(services)
    app.mount("/mcp", app.state.mcp)
    app.include_router(language.router)
    app.mount("/ui", GZipMiddleware(StaticFiles(directory=STATIC)), name="ui")
    errors.add_handlers(app)


def _add_doors(app: FastAPI, services: Services) -> None:
    """Whom and what a request has to get past; the last one added is the outermost."""
    app.add_middleware(SocketStreams)
    app.add_middleware(metrics.Meter)
    # Not FastAPI(max_body_size=…), which stands outside of all middleware: inside of the gatekeeper, who is not let in sends nothing.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST_REQUEST_BYTES)
    limit = RateLimit(services.settings.requests_per_minute, services.settings.rate_limit_url)
    app.add_middleware(Gatekeeper, tokens=services.tokens, sessions=services.sessions, limit=limit)
    app.add_middleware(language.SpeakingEach, fixed=services.settings.language)
    app.add_middleware(Guard, host=services.settings.host)


def _mount_pages(app: FastAPI, services: Services) -> None:
    """Gradio at the root, with everything off that shows, shares or records something elsewhere."""
    language.teach_gradio()
    pages = build_pages(services)
    bound_page_states(pages)
    gradio.mount_gradio_app(
        app,
        pages,
        path="/",
        server_name=services.settings.host,
        server_port=services.settings.app_port,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        show_error=False,
        favicon_path=str(STATIC / "icon.png"),
        theme=theme(),
        head=render("head.html"),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    mcp: Starlette = app.state.mcp
    warming = asyncio.create_task(warm_up(services))
    try:
        async with mcp.router.lifespan_context(mcp):  # mounted applications are not started by the one around them
            yield
    finally:
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming
        await asyncio.to_thread(services.pictures.close)
        await services.answerer.close()
        await services.conversations.close()


def serve(settings: Settings) -> None:
    """Serve on ``settings.host`` and ``settings.app_port`` until SIGINT or SIGTERM; both end in a normal return.

    Raises:
        RagError: the address cannot be used, or is open to others without a token.
    """
    accepted_tokens(settings)
    with listen(settings) as listening:
        config = uvicorn.Config(
            create_app(settings),
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            lifespan="on",
            ws_per_message_deflate=False,
        )
        server = uvicorn.Server(config)
        logging.getLogger("uvicorn.error").addFilter(lambda record: not (server.should_exit and _is_about_open_streams(record)))
        # uvicorn stops in good order and then raises the signal again for whoever was there before: by default that is a death.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _already_stopped)
        server.run(sockets=[listening])
        if not server.started:
            sys.exit(1)  # uvicorn has said why


def _is_about_open_streams(record: logging.LogRecord) -> bool:
    """Cutting the streams of open pages, and answers that outlast their grace, is how stopping works, no error."""
    cancelled = record.exc_info is not None and record.exc_info[0] is asyncio.CancelledError
    return cancelled or record.getMessage().startswith(("Cancel ", "ASGI callable returned without completing"))


def _already_stopped(number: int, frame: FrameType | None) -> None:
    pass

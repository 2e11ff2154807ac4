"""The pages of the app, as one Gradio Blocks."""

from __future__ import annotations

import gradio

from ui.pages.ask import AskPage
from ui.pages.documents import DocumentsPage
from ui.services import Services

REFRESH_SECONDS = 3.0
TITLE = "Ask your documents"
_CACHE_SECONDS = (3600, 3600)
_HEADER = "<header class='masthead'><span class='mark' aria-hidden='true'></span><span class='name'>Ask your documents</span></header>"


def build_pages(services: Services) -> gradio.Blocks:
    """Both tabs, and the clock that keeps them up to date; nothing is read before a browser opens the page."""
    ask, documents = AskPage(services), DocumentsPage(services)
    blocks = gradio.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=_CACHE_SECONDS)
    with blocks:
        gradio.HTML(_HEADER)
        with gradio.Tabs(elem_id="tabs"):
            with gradio.Tab("Ask", id="ask"):
                ask.build()
            with gradio.Tab("Documents", id="documents"):
                documents.build()
        clock = gradio.Timer(REFRESH_SECONDS)
        ask.keep_current(blocks, clock)
        documents.keep_current(blocks, clock)
    return blocks

"""The pages of the app, as one Gradio Blocks.

Belongs here: components, events, and what they may be sent. Not here: what is shown (``views``), answers and documents (``rag_pipeline``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio

from ui.pages.ask import AskPage
from ui.pages.documents import DocumentsPage
from ui.pages.pipeline import PipelinePage
from ui.pages.quality import QualityPage
from ui.pages.wording import SpeakingBlocks, says
from ui.views.environment import render
from ui.views.language import gettext, message
from ui.web.services import Services

REFRESH_SECONDS = 3.0
TITLE = message("Ask your documents")
_CACHE_SECONDS = (3600, 3600)
_QUEUE_SECONDS = 0.05
"""How often Gradio's queue looks for a question. Its default, a thousand times a second, is most of what the app costs at rest."""
_PROGRESS_SECONDS = 1.0
"""How often it looks for progress to show; no page of ours shows Gradio's, and by default it looks a hundred times a second."""


class TextBlocks(SpeakingBlocks):
    """Blocks that are sent text and nothing else.

    Whoever calls an event chooses the values of its inputs. Gradio copies the files that these name and downloads the addresses, without
    asking which where it is mounted in another application, and makes components of their descriptions.
    """

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Called before anything is made of the inputs of an event."""
        super().validate_inputs(block_fn, inputs)
        if _names_a_file(inputs):
            raise gradio.Error(gettext("Only text can be sent to this page. Upload files under Documents."), print_exception=False)

    def get_config_file(self) -> Any:
        """What pages are told, but for the connection that Gradio holds to each of them as long as it is open.

        A browser has six to one address, all its tabs together: with theirs and that of progress the fifth tab hung, and all others.
        """
        return {**super().get_config_file(), "connect_heartbeat": False}


def _names_a_file(value: object) -> bool:
    if isinstance(value, dict):
        return "path" in value or "component" in value or _names_a_file(list(value.values()))
    return isinstance(value, Sequence) and not isinstance(value, str) and any(map(_names_a_file, value))


def build_pages(services: Services) -> gradio.Blocks:
    """All tabs, and the clock that keeps them up to date; nothing is read before a browser opens the page."""
    ask, documents, quality = AskPage(services), DocumentsPage(services), QualityPage()
    pipeline = PipelinePage()
    blocks = TextBlocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=_CACHE_SECONDS)
    with blocks:
        says(gradio.HTML(), value=lambda: render("masthead.html", title=TITLE))
        with gradio.Tabs(elem_id="tabs"):
            with says(gradio.Tab(id="ask", elem_id="tab-ask"), label=lambda: gettext("Ask")):
                ask.build()
            with says(gradio.Tab(id="documents", elem_id="tab-documents"), label=lambda: gettext("Documents")):
                documents.build()
            quality.build()
            pipeline.build()
        clock = gradio.Timer(REFRESH_SECONDS)
        ask.keep_current(blocks, clock)
        quality.connect()
        pipeline.connect()
    # Otherwise answers could be asked for beside the queue, at the price of the small requests of an open page.
    blocks.queue(api_open=False)
    blocks._queue.sleep_when_free, blocks._queue.progress_update_sleep_when_free = _QUEUE_SECONDS, _PROGRESS_SECONDS
    return blocks

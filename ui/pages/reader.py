"""Who uses a page.

Belongs here: what Gradio knows of the request behind an event. Not here: what one may see and do (``web/visibility.py``).
"""

from __future__ import annotations

import gradio

from rag_pipeline.access import Access
from ui.web.gatekeeper import access_of


def access_in(request: gradio.Request) -> Access:
    """Who sent the request behind an event of a page."""
    if request.request is None:  # an event without a browser behind it; the app makes none
        raise RuntimeError("nobody sent this event")
    return access_of(request.request)

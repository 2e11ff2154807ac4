"""The Documents tab: a place to drop new documents, how far they are, and all of them as a list.

Belongs here: where each stands. Not here: the list, which a browser that looks at it asks for by itself (``api/documents/listed.py``,
``static/documents/list.js``), storing files (``api/documents/files.py``).
"""

from __future__ import annotations

import gradio

from ui.pages.wording import says
from ui.views.documents.table import frame_html, upload_html
from ui.views.progress import progress_html
from ui.web.services import Services


class DocumentsPage:
    """The components of the tab. None changes by an event of Gradio's, so a list of any length costs a page nothing until it is opened."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def build(self) -> None:
        """Lay out the tab; call it inside the Blocks."""
        with gradio.Column(elem_id="documents"):
            says(gradio.HTML(), value=lambda: upload_html(self._services.settings))
            gradio.HTML(progress_html("bars"), elem_id="progress")
            says(gradio.HTML(elem_id="documents-list"), value=frame_html)

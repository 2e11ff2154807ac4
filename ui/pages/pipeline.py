"""The Pipeline tab: what runs, what is published, what happened lately, what is set.

Belongs here: the tab, and that it is looked at once it is opened. Not here: what is shown (``views/pipeline``), behaviour
(``static/pipeline.js``), routes (``api/pipeline.py``).
"""

from __future__ import annotations

import gradio

from ui.pages.scripts import once_loaded
from ui.pages.wording import says
from ui.views.environment import render
from ui.views.language import gettext


class PipelinePage:
    """The tab. Nothing of it is asked for before it is opened, and while somebody looks elsewhere."""

    def build(self) -> None:
        """Lay out the tab; call it inside the Tabs."""
        with says(gradio.Tab(id="pipeline", elem_id="tab-pipeline"), label=lambda: gettext("Pipeline")) as tab:
            says(gradio.HTML(elem_id="pipeline"), value=lambda: render("pipeline/page.html"))
        self._tab = tab

    def connect(self) -> None:
        """Have the browser ask for what there is once the tab is opened; no event of Gradio's is sent."""
        self._tab.select(None, js=once_loaded("window.ofPipeline.opened", "ofPipeline"), api_visibility="private")

"""The Quality tab: how well a collection answers over time, and the questions that it is measured with.

Belongs here: the tab, and that it is asked for once it is opened. Not here: what is shown (``views/quality.py``), behaviour
(``static/quality/questions.js``), routes (``api/evaluation.py``).
"""

from __future__ import annotations

import gradio

from ui.pages.scripts import once_loaded
from ui.pages.wording import says
from ui.views.language import gettext


class QualityPage:
    """The tab. Nothing of it is asked for before it is opened."""

    def build(self) -> None:
        """Lay out the tab; call it inside the Tabs."""
        with says(gradio.Tab(id="quality", elem_id="tab-quality"), label=lambda: gettext("Quality")) as tab:
            gradio.HTML(elem_id="quality")
        self._tab = tab

    def connect(self) -> None:
        """Have the browser ask for what there is once the tab is opened; no event of Gradio's is sent."""
        self._tab.select(None, js=once_loaded("window.ofQuality.opened", "ofQuality", "ofAsk"), api_visibility="private")

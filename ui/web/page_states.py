"""What Gradio keeps of the pages that are open, within bounds.

Gradio keeps of each page a copy of its components with their values, of up to 10,000 pages, for as long as the process lives. What it
changes in one (``gradio.update``) it makes anew under a number of its own (6.31), by which the next event keeps it once more: of a chat of
so many turns so many whole copies. Less of it loses nothing: what a page needs stands in the page itself, so that another process can
serve it (docs/decisions/app.md), and what is kept of it is made again when its next event comes, in 3 ms.
"""

from __future__ import annotations

from typing import Any

import gradio
from gradio import state_holder
from gradio.blocks import Block

MOST_PAGES = 200
"""Those used last; each takes 80 KB, and its chat twice. Measured: docs/decisions/app.md."""


def bound_page_states(blocks: gradio.Blocks) -> None:
    """Before they are mounted."""
    blocks.state_session_capacity = MOST_PAGES
    state_holder.SessionState = _PageState  # type: ignore[misc]


class _PageState(state_holder.SessionState):
    def __setitem__(self, key: int, value: Any) -> None:
        if isinstance(value, Block):
            value._id = key
        super().__setitem__(key, value)

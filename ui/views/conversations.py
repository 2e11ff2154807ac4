"""The panel of conversations: those that stay above, and the others by the day on which they were last used.

Belongs here: what the panel shows. Not here: markup (``templates/ask/conversations.html``), keeping conversations
(``rag_pipeline/stores/conversations``), what its buttons do (``static/conversations.js``).
"""

from __future__ import annotations

from collections.abc import Sequence

from rag_pipeline.stores.conversations import Conversation
from ui.views.environment import render


def conversations_html(pinned: Sequence[Conversation], found: Sequence[Conversation], most: int, search: str) -> str:
    """A part of the panel: at most so many of those ``found``, and, where there are more, what to ask for next."""
    shown = found[:most]
    more = shown[-1].updated_at.isoformat() if len(found) > most else ""
    return render("ask/conversations.html", pinned=pinned, others=shown, more=more, search=search)

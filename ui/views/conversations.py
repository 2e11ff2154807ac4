"""The panel of conversations: those that stay above, and the others by the day on which they were last used; what one was asked of.

Belongs here: what the panel shows, what the chips above the question are told. Not here: markup (``templates/ask/conversations.html``,
``scope.html`` beside it), keeping conversations (``rag_pipeline/stores/conversations``), what is done with them
(``static/conversations.js``, ``static/scope.js``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from rag_pipeline.stores.conversations import Conversation
from ui.views.environment import render


def conversations_html(pinned: Sequence[Conversation], found: Sequence[Conversation], most: int, search: str) -> str:
    """A part of the panel: at most so many of those ``found``, and, where there are more, what to ask for next."""
    shown = found[:most]
    more = shown[-1].updated_at.isoformat() if len(found) > most else ""
    return render("ask/conversations.html", pinned=pinned, others=shown, more=more, search=search)


def known_html(collections: Sequence[str]) -> str:
    """The collections that can be chosen."""
    return render("ask/data.html", data={"known": json.dumps(list(collections))})


def kept_scope_html(kept: Conversation) -> str:
    """What the last question of a conversation was asked of."""
    scope = json.dumps({"collections": list(kept.collections), "filter": dict(kept.filter)})
    return render("ask/data.html", data={"scope": scope, "conversation": kept.conversation_id})

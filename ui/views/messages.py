"""Words where something else was asked for: a part of a page, or a page of their own.

Belongs here: that. Not here: the words, which the failing part has chosen.
"""

from __future__ import annotations

from ui.views.environment import render


def failure_html(title: str, message: str) -> str:
    """Something did not work: in words, and unlike anything else."""
    return render("failure.html", title=title, message=message)


def message_page(title: str, message: str) -> str:
    """A page that says why there is no other."""
    return render("message.html", title=title, message=message)

"""Calls of the page's own scripts by Gradio's events.

Belongs here: that they are waited for. Not here: the scripts (``views/static``).
"""

from __future__ import annotations

LOOKS_EVERY_MILLISECONDS = 50


def once_loaded(function: str, *parts: str) -> str:
    """JavaScript that calls a function with what it is given, once the scripts that it needs are there.

    Gradio loads the scripts of a page's head beside its own, in any order, and takes what somebody asks before they came: without
    waiting, a question that was sent early would be lost.

    Args:
        function: its full name: ``window.ofAsk.begin``.
        parts: what those scripts leave in ``window`` at their end: ``ofAsk``.
    """
    there = " && ".join(f"window.{part}" for part in parts)
    wait = f"await new Promise((done) => setTimeout(done, {LOOKS_EVERY_MILLISECONDS}))"
    return f"async (...given) => {{ while (!({there})) {wait}; return {function}(...given); }}"
